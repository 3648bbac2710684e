//! The simulated compressor station under a sequencer, called every ten seconds, with or without its demand known.
#![allow(dead_code, clippy::unwrap_used, reason = "each user needs a part; a test may fail by panicking")]

use std::time::{Duration, Instant};

use dinrail_sim::compressors::Compressors;
use dinrail_sim::{Account, Plant, Value};
use energy_optimization::compressors::plate::{Plate, Site};
use energy_optimization::compressors::sequencer::{Ahead, Observation, Sequencer, State};

/// Between two calls.
pub(crate) const CALL_S: f64 = 10.0;
/// What is known ahead, in minutes.
pub(crate) const AHEAD_MIN: u64 = 120;
/// The fixed machines' plates, as a configuration has them.
pub(crate) const FIXED: &str = "flow 12, power 74.5, idle 0.30, start 5, run 360, off 240; \
     flow 6, power 39, idle 0.32, start 3, run 240, off 240";
/// The variable machine's plate.
pub(crate) const VARIABLE: &str = "flow 10, power 68, idle 0.25, start 1, run 120, off 120, delay 5, least 0.3";

/// The station as its papers describe it.
pub(crate) fn site() -> Site {
    Site {
        fixed: Plate::parse_fixed(FIXED).unwrap(),
        variable: Plate::parse(VARIABLE).unwrap(),
        volume_m3: 20.0,
        band_bar: (6.5, 7.5),
    }
}

/// The plant, and what is in force.
pub(crate) struct Bench {
    pub(crate) plant: Compressors,
    pub(crate) sequencer: Sequencer,
    pub(crate) known: bool,
    pub(crate) time_s: f64,
    pub(crate) applied: [f64; 3],
    pub(crate) calls: u32,
    pub(crate) spent: Duration,
    pub(crate) longest: Duration,
    /// Pressures reached, in bar.
    pub(crate) reached: (f64, f64),
    /// What is told of the demand, over what it will be.
    pub(crate) told: f64,
    /// A machine that does not obey and stands still.
    pub(crate) broken: Option<usize>,
}

impl Bench {
    pub(crate) fn new(seed: u64, known: bool) -> Self {
        Self {
            plant: Compressors::new(seed),
            sequencer: Sequencer::new(site()),
            known,
            time_s: 0.0,
            applied: [-1.0; 3],
            calls: 0,
            spent: Duration::ZERO,
            longest: Duration::ZERO,
            reached: (f64::INFINITY, f64::NEG_INFINITY),
            told: 1.0,
            broken: None,
        }
    }

    /// One call, as a host makes it: the plant is read, obeys at once, and moves on. `spoil` may change what is read.
    pub(crate) fn call(&mut self, spoil: impl Fn(f64, &mut Observation<'_>)) {
        let mut readings = Vec::new();
        self.plant.read(&mut readings);
        let number = |at: usize| match readings[at].value {
            Value::Number(x) => Some(x),
            Value::Block { .. } => None,
        };
        let (powers, states): (Vec<_>, Vec<_>) = (2..5).map(|at| (number(at), number(at + 3))).unzip();
        let minute = (self.time_s / 60.0 + 1e-9).floor();
        let mut series = if self.known { self.plant.ahead(AHEAD_MIN) } else { Vec::new() };
        series.iter_mut().for_each(|value| *value *= self.told);
        let ahead = Ahead { start_s: minute * 60.0, step_s: 60.0, values: &series };
        let mut seen = Observation {
            time_s: self.time_s,
            pressure_bar: number(0),
            flow: number(1),
            powers_kw: &powers,
            states: &states,
            permit: true,
            ahead: self.known.then_some(ahead),
        };
        spoil(self.time_s, &mut seen);
        let outputs = self.applied.map(|applied| State {
            applied: Some(applied),
            blocked: false,
            initialise: self.calls == 0,
            lowest: -1.0,
        });
        let began = Instant::now();
        let wishes = self.sequencer.step(seen, &outputs);
        let took = began.elapsed();
        self.spent += took;
        self.longest = self.longest.max(took);
        self.calls += 1;
        for wish in wishes {
            self.applied[wish.machine] = wish.value;
            self.plant.write(wish.machine, wish.value);
        }
        if let Some(machine) = self.broken {
            self.plant.write(machine, 0.0);
        }
        self.plant.advance(CALL_S);
        self.time_s += CALL_S;
        let bar = self.plant.bar();
        self.reached = (self.reached.0.min(bar), self.reached.1.max(bar));
    }

    /// Calls for so long.
    pub(crate) fn run(&mut self, hours: f64) {
        let calls = (hours * 3600.0 / CALL_S).round() as u64;
        (0..calls).for_each(|_| self.call(|_, _| ()));
    }

    pub(crate) fn account(&self) -> Account {
        self.plant.account().unwrap()
    }
}
