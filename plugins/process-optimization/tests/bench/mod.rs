//! A simulated reactor under a guard that clamps and slews, and climbers for it.
#![allow(dead_code, clippy::unwrap_used, reason = "each user needs a part; a test may fail by panicking")]

pub(crate) mod day;

use dinrail_sim::judge::ProfitRatio;
use dinrail_sim::reactor::optimum::optimum;
use dinrail_sim::{Plant, Script, Value};
use process_optimization::climb::{Climber, Method, Observation, Setpoint, State, Wish};
use process_optimization::limits::Limit;
use process_optimization::network::Network;
use process_optimization::reaction::{Reaction, Role, Task};
use process_optimization::surface::{Settings, Surface};
use process_optimization::tank::Tank;

/// A scan of the demonstration, in run time.
pub(crate) const SCAN_S: f64 = 6.0;
/// What the demonstration's guard allows: 0.1 kg/s and 2 Cel a minute.
pub(crate) const SLEW_PER_S: [f64; 2] = [0.1 / 60.0, 2.0 / 60.0];
/// Feed of B and temperature.
pub(crate) const SETPOINTS: [Setpoint; 2] =
    [Setpoint { lower: 3.0, upper: 6.0 }, Setpoint { lower: 70.0, upper: 100.0 }];
/// The reactor's network, by mass.
pub(crate) const REACTIONS: &str = "a + b -> 2 c; b + 2 c -> p + 2 e; c + 0.5 p -> 1.5 g";

/// The limits of the plant `williams-otto-limits`.
pub(crate) const LIMITS: &str = "a <= 0.12; g <= 0.08";

/// A climber that knows the reactions.
pub(crate) fn reaction() -> Climber {
    within("")
}

/// A climber that knows the reactions and keeps the limits.
pub(crate) fn limited() -> Climber {
    within(LIMITS)
}

fn within(limits: &str) -> Climber {
    let tank = Tank { network: Network::parse(REACTIONS).unwrap(), mass_kg: 2105.0, feeds: vec![0, 1] };
    let limits = Limit::parse(limits, &tank.network).unwrap();
    let roles = vec![Role::Feed(1), Role::Temperature];
    let task = Task { tank, setpoints: SETPOINTS.to_vec(), roles, excitation: 0.015, limits };
    Climber::new(Method::Reaction(Reaction::new(task)))
}

/// A climber that sees the objective, and the flows where `measures` is 3.
pub(crate) fn surface(measures: usize) -> Climber {
    let settings = Settings { step: 0.15, settling_s: 1200.0 };
    Climber::new(Method::Surface(Surface::new(SETPOINTS.to_vec(), measures, settings)))
}

/// The reactor, the guard and the judge.
pub(crate) struct Bench {
    pub(crate) plant: Box<dyn Plant>,
    pub(crate) applied: [f64; 2],
    /// The guard's own range, which may be narrower than what the climber was told.
    pub(crate) range: [Setpoint; 2],
    pub(crate) ratio: ProfitRatio,
}

impl Bench {
    pub(crate) fn new(seed: u64) -> Self {
        let plant = dinrail_sim::plant("reactor", seed, Script::none()).unwrap();
        Self { plant, applied: [4.0, 80.0], range: SETPOINTS, ratio: ProfitRatio::new(optimum().profit) }
    }

    /// Lets a scan pass and reads the plant.
    pub(crate) fn read(&mut self) -> Observation {
        self.plant.advance(SCAN_S);
        let mut out = Vec::new();
        self.plant.read(&mut out);
        let values: Vec<f64> = out
            .iter()
            .map(|r| match r.value {
                Value::Number(x) => x,
                Value::Block { .. } => f64::NAN,
            })
            .collect();
        let tag = |name: &str| values[self.plant.signals().iter().position(|s| s.name == name).unwrap()];
        let truth = self.plant.truth();
        self.ratio.observe(truth.time_s, truth.profit.unwrap());
        Observation {
            time_s: truth.time_s,
            objective: Some(tag("reactor.profit")),
            permit: true,
            measures: ["reactor.f_a", "reactor.f_b", "reactor.f"].map(|n| Some(tag(n))).to_vec(),
            fractions: ["a", "b", "c", "p", "e", "g"].map(|s| Some(tag(&format!("reactor.x_{s}")))).to_vec(),
            feeds: vec![Some(tag("reactor.f_a")), Some(tag("reactor.f_b"))],
            outflow: Some(tag("reactor.f")),
            temperature_cel: Some(tag("reactor.temp")),
            ..Observation::default()
        }
    }

    /// What became of the setpoints.
    pub(crate) fn states(&self) -> Vec<State> {
        self.applied.iter().map(|a| State { applied: Some(*a), ..State::default() }).collect()
    }

    /// The guard.
    pub(crate) fn apply(&mut self, wishes: &[Wish]) {
        for wish in wishes {
            let i = wish.setpoint;
            let most = SLEW_PER_S[i] * SCAN_S;
            let wanted = wish.value.clamp(self.range[i].lower, self.range[i].upper);
            self.applied[i] += (wanted - self.applied[i]).clamp(-most, most);
            self.plant.write(i, self.applied[i]);
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
}

/// The profit ratio of a whole run.
pub(crate) fn ratio(mut climber: Climber, seed: u64, hours: f64) -> f64 {
    let mut bench = Bench::new(seed);
    bench.run(&mut climber, hours);
    bench.ratio.ratio().unwrap()
}
