//! One machine: a row of settings and sensors in, its health out.

use serde::{Deserialize, Serialize};

use super::beat::Beat;
use super::tables::Tables;
use super::tracker::{Reading, Tracker};

/// How fast the share of missing readings is forgotten, a cycle.
const MISSING_RATE: f64 = 0.1;
/// Share of missing readings from which a prediction is uncertain…
const MISSING_UNCERTAIN: f64 = 0.2;
/// …and from which there is none.
const MISSING_BAD: f64 = 0.7;
/// After so many cycles in one regime, a machine is taken to have no other.
const SETTLED_CYCLES: u32 = 10;
/// A machine counts as new above this share of the cap: the model hardly tells lives apart there.
const NEW: f64 = 0.95;

/// What one row is judged to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// How far it can be trusted.
    pub trust: Trust,
    /// 1 as new, 0 failed.
    pub index: f64,
    /// The likeliest failure mode; empty where the machine is as new, or nothing is known.
    pub mode: String,
    /// Life left in cycles, its lower end, its upper end; none: more than the lower end.
    pub life: Option<(f64, f64, Option<f64>)>,
}

/// How far an assessment can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// As far as the interval says.
    Good,
    /// Too few cycles, too many gaps, or a machine unlike the fleet.
    Uncertain,
    /// No life can be told.
    None,
}

/// What predicts a life from a row of features; the host's model, or another in tests.
pub trait Predict {
    /// Why it could not.
    type Error;

    /// Life left, in cycles.
    ///
    /// # Errors
    /// Where the model fails.
    fn predict(&mut self, features: &[f32]) -> Result<f64, Self::Error>;
}

/// What is kept of one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    tracker: Tracker,
    beat: Beat,
    /// Cycles seen of each regime.
    seen: Vec<u32>,
    /// Share of missing readings, lately.
    missing: f64,
    /// Share of rows of no known regime, lately.
    strange: f64,
    /// The last health index that could be told.
    index: f64,
}

impl Machine {
    /// One that has not run yet.
    #[must_use]
    pub fn new(tables: &Tables) -> Self {
        let tracker = Tracker::new(tables.sensors.len(), &tables.features);
        Machine {
            tracker,
            beat: Beat::default(),
            seen: vec![0; tables.regimes.centres.len()],
            missing: 0.0,
            strange: 0.0,
            index: 1.0,
        }
    }

    /// Takes one cycle's row, in the order of the tables, and predicts. Cycles whose rows are missing by `time_ns`, the
    /// row's source time, are taken in as rows without readings.
    ///
    /// # Errors
    /// What the model says. The cycle is taken in nevertheless.
    pub fn row<P: Predict>(
        &mut self,
        time_ns: i64,
        settings: &[Option<f64>],
        sensors: &[Option<f64>],
        tables: &Tables,
        model: &mut P,
    ) -> Result<Assessment, P::Error> {
        for _ in 1..self.beat.cycles(time_ns) {
            self.take(&vec![None; settings.len()], &vec![None; sensors.len()], tables);
        }
        self.take(settings, sensors, tables);
        let trust = self.trust(tables);
        if trust == Trust::None {
            return Ok(Assessment { trust, index: self.index, mode: String::new(), life: None });
        }
        let predicted = model.predict(&self.features(tables))?;
        let life = predicted.clamp(1.0, tables.life.cap);
        let index = life / tables.life.cap;
        self.index = index;
        let (low, high) = tables.interval.around(life);
        let mode = if index < NEW { self.mode(tables) } else { String::new() };
        Ok(Assessment { trust, index, mode, life: Some((life, low, high)) })
    }

    /// The features of the cycles so far: the recipe's, whether several regimes were seen (0 or 1), the number of cycles.
    #[must_use]
    pub fn features(&self, tables: &Tables) -> Vec<f32> {
        let mut features = self.tracker.features(&tables.features);
        features.push(if self.seen.iter().filter(|count| **count > 0).count() > 1 { 1.0 } else { 0.0 });
        features.push(self.tracker.cycles() as f32);
        features
    }

    /// Whether it is one of these tables; for states that were stored elsewhere.
    #[must_use]
    pub fn is_sound(&self, tables: &Tables) -> bool {
        let shares = [self.missing, self.strange, self.index].iter().all(|share| (0.0..=1.0).contains(share));
        shares
            && self.seen.len() == tables.regimes.centres.len()
            && self.tracker.is_sound(tables.sensors.len(), &tables.features)
    }

    fn take(&mut self, settings: &[Option<f64>], sensors: &[Option<f64>], tables: &Tables) {
        let regime = self.regime(settings, tables);
        // Without its regime a reading says nothing.
        let readings: Vec<Option<Reading>> =
            (0..sensors.len()).map(|at| standardised(tables, regime?, at, sensors.get(at).copied()??)).collect();
        let gaps = readings.iter().filter(|reading| reading.is_none()).count();
        let missing = gaps as f64 / readings.len().max(1) as f64;
        // The first rows weigh more, so that a machine that begins without readings is not trusted.
        let rate = MISSING_RATE.max(1.0 / f64::from(self.tracker.cycles() + 1));
        self.missing += rate * (missing - self.missing);
        let strange = if tables.regimes.knows(settings) { 0.0 } else { 1.0 };
        self.strange += rate * (strange - self.strange);
        self.tracker.push(&readings, &tables.life);
    }

    /// The row's regime. A machine that has shown only one for a while is taken to be in it where its settings fit none.
    fn regime(&mut self, settings: &[Option<f64>], tables: &Tables) -> Option<usize> {
        match tables.regimes.of(settings) {
            Some(regime) => {
                if let Some(count) = self.seen.get_mut(regime) {
                    *count = count.saturating_add(1);
                }
                Some(regime)
            }
            None => {
                let mut seen = self.seen.iter().enumerate().filter(|(_, count)| **count > 0);
                let (only, count) = seen.next()?;
                (seen.next().is_none() && *count >= SETTLED_CYCLES).then_some(only)
            }
        }
    }

    fn trust(&self, tables: &Tables) -> Trust {
        if self.missing > MISSING_BAD {
            return Trust::None;
        }
        let [lowest, highest] = &tables.limits;
        let slowest = self.tracker.slowest();
        let alike = (slowest.iter().zip(lowest).zip(highest)).all(|((now, low), high)| low <= now && now <= high);
        let ripe = self.tracker.cycles() >= tables.life.least_cycles;
        let whole = self.missing <= MISSING_UNCERTAIN && self.strange <= MISSING_UNCERTAIN;
        if alike && ripe && whole { Trust::Good } else { Trust::Uncertain }
    }

    fn mode(&self, tables: &Tables) -> String {
        let slowest = self.tracker.slowest();
        let score =
            |weights: &[f64], offset: f64| offset + weights.iter().zip(&slowest).map(|(w, z)| w * z).sum::<f64>();
        let scored = tables.modes.iter().map(|(name, weights, offset)| (name, score(weights, *offset)));
        scored.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or_else(String::new, |(name, _)| name.clone())
    }
}

fn standardised(tables: &Tables, regime: usize, sensor: usize, reading: f64) -> Option<Reading> {
    let of = |table: &[Vec<f64>]| table.get(regime)?.get(sensor).copied();
    let value = (reading - of(&tables.means)?) / of(&tables.deviations)?;
    Some(Reading { value, weight: of(&tables.weights)? })
}

#[cfg(test)]
mod tests;
