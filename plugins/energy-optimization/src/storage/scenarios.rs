//! The days that the next one may be like: earlier days, weighted by how alike they were in the last hours.

use serde::{Deserialize, Serialize};

use super::history::{History, Step};

/// How earlier days are weighed and corrected. Nothing in it has a unit of energy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Likeness {
    /// Earlier days that are looked at.
    pub days: usize,
    /// A day's weight falls by e in so many days.
    pub memory_days: f64,
    /// Its weight falls by e where its load of the last hours differs by this share of the mean load.
    pub load_share: f64,
    /// The same for generation.
    pub pv_share: f64,
    /// Share of a difference that is carried on, and what is left of it after each further hour.
    pub load_carry: (f64, f64),
    /// The same for generation, as a ratio.
    pub pv_carry: (f64, f64),
    /// Hours that are compared.
    pub hours: f64,
    /// What an earlier hour counts, of the one after it.
    pub fade: f64,
}

impl Default for Likeness {
    fn default() -> Self {
        Self {
            days: 28,
            memory_days: 14.0,
            load_share: 1.2,
            pv_share: 1.2,
            load_carry: (0.8, 0.85),
            pv_carry: (0.8, 0.9),
            hours: 4.0,
            fade: 0.8,
        }
    }
}

/// A course that the coming steps may take.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its probability; those of all scenarios add up to 1.
    pub weight: f64,
    /// Load less generation in each step, in kWh.
    pub net: Vec<f64>,
}

impl Scenario {
    /// The only one where nothing is known but a load, in kWh a step: it stays, and the sun does not shine.
    pub fn steady(load: f64, steps: usize) -> Self {
        Scenario { weight: 1.0, net: vec![load; steps] }
    }
}

/// The scenarios of `steps` steps from the one of number `from` on: `history.len()` for what comes next, one less
/// where
/// the newest step is the present one and known. None before a whole day is known.
pub fn scenarios(history: &History, from: usize, steps: usize, likeness: &Likeness) -> Vec<Scenario> {
    let (per_day, known) = (history.per_day(), history.len());
    let days = (known / per_day).min(likeness.days);
    let mean = history.mean();
    let mut found: Vec<Scenario> = (1..=days).map(|day| scenario(history, &mean, from, steps, day, likeness)).collect();
    // Of the logarithms the highest becomes 0: weights never vanish all together.
    let highest = found.iter().map(|scenario| scenario.weight).fold(f64::NEG_INFINITY, f64::max);
    found.iter_mut().for_each(|scenario| scenario.weight = (scenario.weight - highest).exp());
    let sum: f64 = found.iter().map(|scenario| scenario.weight).sum();
    found.iter_mut().for_each(|scenario| scenario.weight /= sum);
    found
}

/// With the logarithm of its weight for the weight.
fn scenario(history: &History, mean: &Step, from: usize, steps: usize, day: usize, likeness: &Likeness) -> Scenario {
    let (per_day, known) = (history.per_day(), history.len());
    let per_hour = per_day as f64 / 24.0;
    let unlike = differ(history, day, likeness);
    let load_share = unlike.load / mean.load.max(f64::MIN_POSITIVE);
    let pv_share = unlike.pv / mean.pv.max(f64::MIN_POSITIVE);
    let weight =
        -(day as f64) / likeness.memory_days - load_share.abs() / likeness.load_share - pv_share / likeness.pv_share;
    let (load_keep, pv_keep) = (likeness.load_carry.1.powf(1.0 / per_hour), likeness.pv_carry.1.powf(1.0 / per_hour));
    let mut load_shift = likeness.load_carry.0 * unlike.load;
    let mut pv_gain = likeness.pv_carry.0 * (unlike.ratio - 1.0);
    let floor = 0.05 * mean.load;
    let net = (from..from + steps).map(|index| {
        if let Some(step) = history.get(index) {
            return step.net();
        }
        let mut source = index.saturating_sub(day * per_day);
        while source >= known && source >= per_day {
            source -= per_day;
        }
        let like = history.get(source).unwrap_or(*mean);
        load_shift *= load_keep;
        pv_gain *= pv_keep;
        (like.load + load_shift).max(floor) - like.pv * (1.0 + pv_gain)
    });
    Scenario { weight, net: net.collect() }
}

/// How the last hours differ from the same hours of an earlier day.
struct Unlike {
    /// Today's load less that day's, in kWh a step.
    load: f64,
    /// By how much generation differed, in kWh a step, without sign.
    pv: f64,
    /// Today's generation over that day's.
    ratio: f64,
}

fn differ(history: &History, day: usize, likeness: &Likeness) -> Unlike {
    let (per_day, known) = (history.per_day(), history.len());
    let per_hour = per_day as f64 / 24.0;
    let fade = likeness.fade.powf(1.0 / per_hour);
    let steps = ((likeness.hours * per_hour).round() as usize).max(1);
    let (mut load, mut pv, mut today, mut then, mut weights) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mut weight = 1.0;
    for back in 1..=steps {
        let at = known.checked_sub(back);
        let before = at.and_then(|at| at.checked_sub(day * per_day));
        let (Some(now), Some(like)) = (at.and_then(|at| history.get(at)), before.and_then(|at| history.get(at))) else {
            break;
        };
        load += weight * (now.load - like.load);
        pv += weight * (now.pv - like.pv).abs();
        today += now.pv;
        then += like.pv;
        weights += weight;
        weight *= fade;
    }
    if weights == 0.0 {
        return Unlike { load: 0.0, pv: 0.0, ratio: 1.0 };
    }
    let ratio = if then > 0.0 { (today / then).clamp(0.3, 2.5) } else { 1.0 };
    Unlike { load: load / weights, pv: pv / weights, ratio }
}
