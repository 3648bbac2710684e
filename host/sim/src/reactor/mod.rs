//! The Williams–Otto reactor under its two setpoints.
//!
//! The process obeys the equations of [`kinetics`] exactly; only what is read is noisy. The jacket brings the temperature to
//! its setpoint, and the feed valve the flow, each with a first-order lag.

pub mod kinetics;

pub mod optimum;

pub mod best;

pub mod site;

use crate::noise::{self, Lag};
use crate::plant::{Actuator, Kind, Plant, Reading, STEP_S, Signal, Stepper, Truth, Value};
use kinetics::{FEED_A_KG_S, Fractions, Inputs, profit};

/// The jacket's time constant.
const TEMP_LAG_S: f64 = 60.0;
/// The feed valve's time constant.
const FEED_LAG_S: f64 = 5.0;
/// Relative standard deviation of analysers, flow meters and the pressure transmitter.
const NOISE: f64 = 0.01;
/// Standard deviation of the thermometer, in Cel.
const TEMP_NOISE_CEL: f64 = 0.1;
/// The noise stream of the measurements; the rig uses others, so that both can share a seed.
const MEASUREMENT_STREAM: u64 = 100;

/// Where the reactor starts: at steady state with this feed and temperature.
pub const START: Inputs = Inputs { feed_b_kg_s: 4.0, temp_cel: 80.0 };

/// Its signals.
pub fn signals() -> Vec<Signal> {
    let fraction = |name| Signal { name, unit: "1", kind: Kind::Value, range: (0.0, 1.0) };
    let value = |name, unit, lo, hi| Signal { name, unit, kind: Kind::Value, range: (lo, hi) };
    vec![
        fraction("reactor.x_a"),
        fraction("reactor.x_b"),
        fraction("reactor.x_c"),
        fraction("reactor.x_e"),
        fraction("reactor.x_g"),
        fraction("reactor.x_p"),
        value("reactor.f_a", "kg/s", 0.0, 4.0),
        value("reactor.f_b", "kg/s", 0.0, 8.0),
        value("reactor.f", "kg/s", 0.0, 12.0),
        value("reactor.temp", "Cel", 0.0, 150.0),
        value("reactor.pressure", "bar", 0.0, 10.0),
        value("reactor.permit", "1", 0.0, 1.0),
        value("reactor.profit", "{money}/s", -1000.0, 1000.0),
        value("reactor.fb_sp_readback", "kg/s", 0.0, 8.0),
        value("reactor.temp_sp_readback", "Cel", 0.0, 150.0),
    ]
}

/// Its setpoints.
pub fn actuators() -> Vec<Actuator> {
    vec![
        Actuator { name: "reactor.fb_sp", unit: "kg/s", range: (3.0, 6.0), initial: START.feed_b_kg_s },
        Actuator { name: "reactor.temp_sp", unit: "Cel", range: (70.0, 100.0), initial: START.temp_cel },
    ]
}

/// The reactor.
#[derive(Debug, Clone)]
pub struct Reactor {
    seed: u64,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    /// In the order of `actuators`.
    setpoints: [f64; 2],
    feed_b: Lag,
    temp: Lag,
    fractions: Fractions,
    stepper: Stepper,
}

impl Reactor {
    /// At [`START`]; `seed` decides the measurement noise only.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            signals: signals(),
            actuators: actuators(),
            setpoints: [START.feed_b_kg_s, START.temp_cel],
            feed_b: Lag::new(FEED_LAG_S, STEP_S, START.feed_b_kg_s),
            temp: Lag::new(TEMP_LAG_S, STEP_S, START.temp_cel),
            fractions: kinetics::steady_state(START),
            stepper: Stepper::default(),
        }
    }

    /// Its true temperature.
    pub fn temp_cel(&self) -> f64 {
        self.temp.at
    }

    fn inputs(&self) -> Inputs {
        Inputs { feed_b_kg_s: self.feed_b.at, temp_cel: self.temp.at }
    }
}

/// What the instruments look at.
#[derive(Debug, Clone, Copy)]
struct Now {
    fractions: Fractions,
    feed_a: f64,
    inputs: Inputs,
}

/// Appends what the instruments of a seed say at a step, in the order of [`signals`].
fn measure(seed: u64, step: u64, now: Now, setpoints: [f64; 2], out: &mut Vec<Reading>) {
    let mut rng = noise::stream(seed, MEASUREMENT_STREAM, step);
    let mut noisy = |true_value: f64| true_value * (1.0 + NOISE * noise::normal(&mut rng));
    let x = now.fractions.map(&mut noisy);
    let feed_a = noisy(now.feed_a);
    let feed_b = noisy(now.inputs.feed_b_kg_s);
    let out_flow = noisy(now.feed_a + now.inputs.feed_b_kg_s);
    // It rises a little with the temperature, as a closed vessel's vapour pressure does.
    let pressure = noisy(2.0 + 0.06 * (now.inputs.temp_cel - 80.0));
    let temp = now.inputs.temp_cel + TEMP_NOISE_CEL * noise::normal(&mut rng);
    // The plant's own system computes the profit from what it measures, noise and all.
    let kpi = profit(&x, feed_a, feed_b, out_flow);
    let rest = [feed_a, feed_b, out_flow, temp, pressure, 1.0, kpi, setpoints[0], setpoints[1]];
    let values = x.into_iter().chain(rest).enumerate();
    out.extend(values.map(|(signal, value)| Reading { signal, value: Value::Number(value) }));
}

impl Plant for Reactor {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        for _ in 0..self.stepper.due(dt_s) {
            self.feed_b.step(self.setpoints[0]);
            self.temp.step(self.setpoints[1]);
            self.fractions = kinetics::step(&self.fractions, self.inputs(), STEP_S);
        }
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let now = Now { fractions: self.fractions, feed_a: FEED_A_KG_S, inputs: self.inputs() };
        measure(self.seed, self.stepper.steps(), now, self.setpoints, out);
    }

    fn write(&mut self, actuator: usize, value: f64) {
        if let (Some(setpoint), Some(a)) = (self.setpoints.get_mut(actuator), self.actuators.get(actuator))
            && value.is_finite()
        {
            *setpoint = value.clamp(a.range.0, a.range.1);
        }
    }

    fn truth(&self) -> Truth {
        let feed_b = self.feed_b.at;
        Truth {
            time_s: self.stepper.time_s(),
            profit: Some(profit(&self.fractions, FEED_A_KG_S, feed_b, FEED_A_KG_S + feed_b)),
            optimum_profit: Some(optimum::optimum().profit),
            ..Truth::default()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    fn number(plant: &mut Reactor, name: &str) -> f64 {
        let mut out = Vec::new();
        let at = plant.signals.iter().position(|s| s.name == name).unwrap();
        plant.read(&mut out);
        match out[at].value {
            Value::Number(x) => x,
            Value::Block { .. } => panic!("{name} is a waveform"),
        }
    }

    #[test]
    fn it_starts_at_rest_and_stays_there() {
        let mut reactor = Reactor::new(1);
        let before = reactor.truth().profit.unwrap();
        reactor.advance(3600.0);
        let after = reactor.truth().profit.unwrap();
        assert!((before - 175.6).abs() < 0.05, "{before}");
        assert!((before - after).abs() < 1e-6, "{before} {after}");
    }

    #[test]
    fn it_settles_at_the_optimum_when_told_to_go_there() {
        let mut reactor = Reactor::new(1);
        reactor.write(0, 4.787);
        reactor.write(1, 89.70);
        reactor.advance(4.0 * 3600.0);
        let profit = reactor.truth().profit.unwrap();
        assert!((profit - 190.98).abs() < 0.005, "{profit}");
    }

    #[test]
    fn readings_do_not_depend_on_how_time_is_sliced() {
        let run = |slice_s: f64| {
            let mut reactor = Reactor::new(5);
            reactor.write(1, 90.0);
            (0..(600.0 / slice_s).round() as usize).for_each(|_| reactor.advance(slice_s));
            let mut out = Vec::new();
            reactor.read(&mut out);
            out
        };
        assert_eq!(run(6.0), run(1.0));
        assert_eq!(run(6.0), run(0.1));
    }

    #[test]
    fn writes_are_cut_to_the_range_and_nonsense_is_ignored() {
        let mut reactor = Reactor::new(1);
        reactor.write(1, 1e9);
        assert_eq!(number(&mut reactor, "reactor.temp_sp_readback"), 100.0);
        reactor.write(1, 70.0 - f64::EPSILON);
        assert_eq!(number(&mut reactor, "reactor.temp_sp_readback"), 70.0);
        reactor.write(1, f64::NAN);
        reactor.write(9, 80.0);
        assert_eq!(number(&mut reactor, "reactor.temp_sp_readback"), 70.0);
    }

    #[test]
    fn measured_profit_is_noisy_and_unbiased() {
        let seed = 3;
        let mut reactor = Reactor::new(seed);
        let n = 2000;
        let kpis: Vec<f64> = (0..n)
            .map(|_| {
                reactor.advance(1.0);
                number(&mut reactor, "reactor.profit")
            })
            .collect();
        let mean = kpis.iter().sum::<f64>() / f64::from(n);
        let sd = (kpis.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / f64::from(n)).sqrt();
        assert!((mean - 175.6).abs() < 1.0, "seed {seed}: mean {mean}");
        assert!(5.0 < sd && sd < 20.0, "seed {seed}: sd {sd}");
    }
}
