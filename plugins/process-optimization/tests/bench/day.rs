//! A day of a Williams–Otto plant under a guard as the host's: range, slew, deadband, lease and fail-safe; and what it came to.
#![allow(dead_code, clippy::unwrap_used, reason = "each user needs a part; a test may fail by panicking")]

use dinrail_sim::{Plant, Script, Value};
use process_optimization::climb::{Climber, Observation, Setpoint, State, Wish};

use super::{SETPOINTS, SLEW_PER_S};

/// What the guard takes for too small a change.
const DEADBAND: [f64; 2] = [0.002, 0.02];
/// How long a proposal stands without being renewed.
const LEASE_S: f64 = 300.0;
/// Settled profit counts from here.
const SETTLED_FROM_S: f64 = 10.0 * 3600.0;

/// What the guard knows of one output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) applied: f64,
    /// Its own range, which may be narrower than what the climber was told.
    pub(crate) range: Setpoint,
    pub(crate) fail_safe: f64,
    target: Option<f64>,
    limited: (bool, bool),
    pub(crate) initialise: bool,
    renewed_s: f64,
    /// Sum of what it moved.
    pub(crate) travel: f64,
}

/// The plant, the guard and the judge.
pub(crate) struct Day {
    pub(crate) plant: Box<dyn Plant>,
    pub(crate) outputs: [Output; 2],
    pub(crate) scan_s: f64,
    pub(crate) time_s: f64,
    /// Sums of true profit and of the optimum: of all, and from [`SETTLED_FROM_S`].
    all: (f64, f64),
    settled: (f64, f64),
    violated: u64,
    /// The worst violation.
    pub(crate) worst: f64,
    scans: u64,
    at: Vec<(usize, &'static str)>,
}

/// What a day came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Score {
    pub(crate) settled: f64,
    pub(crate) integrated: f64,
    /// Share of time with a violation, and the worst one.
    pub(crate) violation_share: f64,
    pub(crate) worst: f64,
    /// In kg/s and Cel.
    pub(crate) travel: [f64; 2],
}

impl Day {
    pub(crate) fn new(plant: &str, seed: u64, scan_s: f64) -> Self {
        let plant = dinrail_sim::plant(plant, seed, Script::none()).unwrap();
        let output = |i: usize| Output {
            applied: plant.actuators()[i].initial,
            range: SETPOINTS[i],
            fail_safe: plant.actuators()[i].initial,
            target: None,
            limited: (false, false),
            initialise: true,
            renewed_s: 0.0,
            travel: 0.0,
        };
        Self {
            outputs: [output(0), output(1)],
            scan_s,
            time_s: 0.0,
            all: (0.0, 0.0),
            settled: (0.0, 0.0),
            violated: 0,
            worst: 0.0,
            scans: 0,
            at: plant.signals().iter().enumerate().map(|(at, s)| (at, s.name)).collect(),
            plant,
        }
    }

    /// Lets a scan pass and reads the plant.
    pub(crate) fn read(&mut self) -> Observation {
        self.plant.advance(self.scan_s);
        self.time_s += self.scan_s;
        let mut out = Vec::new();
        self.plant.read(&mut out);
        self.judge();
        let tag = |name: &str| {
            let at = self.at.iter().find(|(_, signal)| *signal == name).map(|(at, _)| *at).unwrap();
            match out[at].value {
                Value::Number(x) => Some(x),
                Value::Block { .. } => None,
            }
        };
        Observation {
            time_s: self.time_s,
            objective: tag("reactor.profit"),
            permit: true,
            measures: ["reactor.f_a", "reactor.f_b", "reactor.f"].map(tag).to_vec(),
            fractions: ["a", "b", "c", "p", "e", "g"].map(|s| tag(&format!("reactor.x_{s}"))).to_vec(),
            feeds: vec![tag("reactor.f_a"), tag("reactor.f_b")],
            outflow: tag("reactor.f"),
            temperature_cel: tag("reactor.temp"),
            ..Observation::default()
        }
    }

    fn judge(&mut self) {
        let truth = self.plant.truth();
        let (profit, optimum) = (truth.profit.unwrap(), truth.optimum_profit.unwrap());
        self.all = (self.all.0 + profit, self.all.1 + optimum);
        if self.time_s >= SETTLED_FROM_S {
            self.settled = (self.settled.0 + profit, self.settled.1 + optimum);
        }
        self.scans += 1;
        self.violated += u64::from(truth.violation.is_some_and(|v| v > 0.0));
        self.worst = self.worst.max(truth.violation.unwrap_or(0.0));
    }

    /// What became of the setpoints.
    pub(crate) fn states(&self) -> Vec<State> {
        let state = |o: &Output| State {
            applied: Some(o.applied),
            limited_low: o.limited.0,
            limited_high: o.limited.1,
            blocked: false,
            initialise: o.initialise,
        };
        self.outputs.iter().map(state).collect()
    }

    /// The guard.
    pub(crate) fn apply(&mut self, wishes: &[Wish]) {
        for (i, output) in self.outputs.iter_mut().enumerate() {
            if let Some(wish) = wishes.iter().find(|wish| wish.setpoint == i) {
                let wanted = wish.value.clamp(output.range.lower, output.range.upper);
                output.limited = (wish.value < output.range.lower, output.range.upper < wish.value);
                output.initialise = false;
                output.renewed_s = self.time_s;
                output.target = ((wanted - output.applied).abs() >= DEADBAND[i]).then_some(wanted);
            } else if self.time_s - output.renewed_s > LEASE_S {
                output.target = Some(output.fail_safe);
                output.initialise = true;
            }
            let Some(target) = output.target else { continue };
            let (most, way) = (SLEW_PER_S[i] * self.scan_s, target - output.applied);
            if way.abs() > most {
                output.limited = (output.limited.0 || way < 0.0, output.limited.1 || way > 0.0);
            }
            output.travel += way.abs().min(most);
            output.applied += way.clamp(-most, most);
            self.plant.write(i, output.applied);
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
        (0..(hours * 3600.0 / self.scan_s).round() as u64).for_each(|_| drop(self.scan(climber)));
    }

    /// What it came to until now.
    pub(crate) fn score(&self) -> Score {
        Score {
            settled: self.settled.0 / self.settled.1,
            integrated: self.all.0 / self.all.1,
            violation_share: self.violated as f64 / self.scans as f64,
            worst: self.worst,
            travel: self.outputs.map(|output| output.travel),
        }
    }
}

/// A day of 24 hours.
pub(crate) fn day(plant: &str, seed: u64, scan_s: f64, mut climber: Climber) -> Score {
    let mut day = Day::new(plant, seed, scan_s);
    day.run(&mut climber, 24.0);
    day.score()
}
