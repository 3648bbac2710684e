//! The Van de Vusse reactor and the three units under a guard, with climbers for them.
#![allow(dead_code, clippy::unwrap_used, reason = "each user needs a part; a test may fail by panicking")]

use dinrail_sim::{Plant, Script, Value};
use process_optimization::climb::{Climber, Method, Observation, Setpoint, State, Wish};
use process_optimization::seek::Seek;
use process_optimization::share::Share;
use process_optimization::surface::{Settings, Surface};

/// A scan, in run time.
pub(crate) const SCAN_S: f64 = 6.0;
/// The reactor settles within two minutes, and so do the units.
pub(crate) const SETTLING_S: f64 = 120.0;

/// A plant, the guard and the judge's sums.
pub(crate) struct Site {
    pub(crate) plant: Box<dyn Plant>,
    pub(crate) applied: Vec<f64>,
    /// The guard's own ranges, which may be narrower than what the climber was told.
    pub(crate) range: Vec<Setpoint>,
    pub(crate) slew_per_s: Vec<f64>,
    pub(crate) deadband: f64,
    columns: Vec<String>,
    /// Truths in order: time, profit or cost, its optimum, violation.
    pub(crate) truths: Vec<[f64; 4]>,
    /// How far the setpoints were moved.
    pub(crate) travel: f64,
}

impl Site {
    fn new(name: &str, seed: u64, slew_per_s: Vec<f64>, deadband: f64) -> Self {
        let plant = dinrail_sim::plant(name, seed, Script::none()).unwrap();
        let actuators = plant.actuators();
        Self {
            applied: actuators.iter().map(|a| a.initial).collect(),
            range: actuators.iter().map(|a| Setpoint { lower: a.range.0, upper: a.range.1 }).collect(),
            columns: plant.signals().iter().map(|s| s.name.to_owned()).collect(),
            slew_per_s,
            deadband,
            truths: Vec::new(),
            travel: 0.0,
            plant,
        }
    }

    /// The reactor: half a 1/min each minute.
    pub(crate) fn vusse(seed: u64) -> Self {
        Self::new("van-de-vusse", seed, vec![0.5 / 60.0], 0.002)
    }

    /// The units: 60, 40 and 20 MW each minute.
    pub(crate) fn sharing(seed: u64) -> Self {
        Self::new("load-sharing", seed, vec![1.0, 2.0 / 3.0, 1.0 / 3.0], 0.1)
    }

    /// Lets a scan pass and reads the plant.
    pub(crate) fn read(&mut self) -> Observation {
        self.plant.advance(SCAN_S);
        let mut out = Vec::new();
        self.plant.read(&mut out);
        let number = |value: &Value| match value {
            Value::Number(x) => *x,
            Value::Block { .. } => f64::NAN,
        };
        let values: Vec<f64> = out.iter().map(|r| number(&r.value)).collect();
        let tag = |name: &str| self.columns.iter().position(|column| column == name).map(|at| values[at]);
        let three = |what: &str| (1..=3).map(|i| tag(&format!("sharing.{what}_{i}"))).collect();
        let truth = self.plant.truth();
        let (money, optimum) = (truth.profit.or(truth.cost), truth.optimum_profit.or(truth.optimum_cost));
        self.truths.push([truth.time_s, money.unwrap(), optimum.unwrap(), truth.violation.unwrap_or(0.0)]);
        Observation {
            time_s: truth.time_s,
            objective: tag("vusse.c_b"),
            permit: true,
            demand: tag("sharing.demand"),
            powers: three("power"),
            costs: three("cost"),
            ..Observation::default()
        }
    }

    /// What became of the setpoints.
    pub(crate) fn states(&self) -> Vec<State> {
        self.applied
            .iter()
            .map(|a| State {
                applied: Some(*a),
                blocked: false,
                initialise: false,
                limited_low: false,
                limited_high: false,
            })
            .collect()
    }

    /// The guard: range, slew, deadband.
    pub(crate) fn apply(&mut self, wishes: &[Wish]) {
        for wish in wishes {
            let i = wish.setpoint;
            let most = self.slew_per_s[i] * SCAN_S;
            let wanted = wish.value.clamp(self.range[i].lower, self.range[i].upper);
            let step = (wanted - self.applied[i]).clamp(-most, most);
            if step.abs() >= self.deadband {
                self.applied[i] += step;
                self.travel += step.abs();
                self.plant.write(i, self.applied[i]);
            }
        }
    }

    /// One scan: read, ask, apply.
    pub(crate) fn scan(&mut self, climber: &mut Climber) -> Vec<Wish> {
        let seen = self.read();
        let wishes = climber.step(seen, &self.states());
        self.apply(&wishes);
        wishes
    }

    /// So many hours of run time.
    pub(crate) fn run(&mut self, climber: &mut Climber, hours: f64) {
        (0..(hours * 3600.0 / SCAN_S).round() as u64).for_each(|_| drop(self.scan(climber)));
    }

    /// Mean profit or cost over mean optimum, from an hour on.
    pub(crate) fn ratio(&self, from_h: f64) -> f64 {
        let judged = self.truths.iter().filter(|truth| truth[0] >= from_h * 3600.0);
        let (money, optimum) = judged.fold((0.0, 0.0), |sum, t| (sum.0 + t[1], sum.1 + t[2]));
        money / optimum
    }

    /// Share of time in violation.
    pub(crate) fn violated(&self) -> f64 {
        self.truths.iter().filter(|truth| truth[3] > 0.0).count() as f64 / self.truths.len() as f64
    }
}

/// Of these climbers: step and excitation as the plugin's defaults.
fn settings() -> Settings {
    Settings { step: 0.15, settling_s: SETTLING_S }
}

/// Follows the reactor's top.
pub(crate) fn seek() -> Climber {
    Climber::new(Method::Seek(Seek::new(vec![Setpoint { lower: 0.3, upper: 3.0 }], settings(), 0.01)))
}

/// The older method, for comparison.
pub(crate) fn surface() -> Climber {
    Climber::new(Method::Surface(Surface::new(vec![Setpoint { lower: 0.3, upper: 3.0 }], 0, settings())))
}

/// Shares the demand.
pub(crate) fn share() -> Climber {
    let limits = [(150.0, 600.0), (100.0, 400.0), (50.0, 200.0)];
    let slews = [1.0, 2.0 / 3.0, 1.0 / 3.0];
    let units =
        limits.iter().zip(slews).map(|((lower, upper), slew)| (Setpoint { lower: *lower, upper: *upper }, Some(slew)));
    Climber::new(Method::Share(Share::new(units.collect(), settings(), 0.01)))
}
