//! The Van de Vusse reactor: its product has a maximum over the dilution rate, and wandering rate constants move it.
//!
//! A → B → C and 2 A → D in an isothermal stirred tank (Van de Vusse, *Plug-flow type reactor versus tank reactor*, 1964;
//! the constants are those of Bequette, *Process Control: Modeling, Design and Simulation*, 2003). Below the maximum the
//! concentration of B answers a step the wrong way first; beyond it the gain has the other sign.

use crate::noise::{self, Lag};
use crate::plant::{Actuator, Kind, Plant, Reading, STEP_S, Signal, Stepper, Truth, Value};

/// k1 and k2 in 1/min, k3 in l/mol/min, before they wander.
pub const RATES: [f64; 3] = [5.0 / 6.0, 5.0 / 3.0, 1.0 / 6.0];
/// A in the feed, mol/l.
pub const FEED_MOL_L: f64 = 10.0;
/// The dilution rates (feed over volume) that the pump can give, 1/min.
pub const DILUTION: (f64, f64) = (0.3, 3.0);

/// Each rate constant wanders by two waves of this amplitude, as a share of its usual value, so by twice as much at most.
const WAVE: f64 = 0.05;
/// The periods of the two waves are drawn from these, in hours.
const PERIODS_H: [(f64, f64); 2] = [(6.0, 12.0), (12.0, 30.0)];
/// The rate constants are renewed every so many steps of the plant.
const WANDER_STEPS: u64 = 600;
/// The feed pump's time constant.
const PUMP_LAG_S: f64 = 5.0;
/// Relative standard deviation of the analyser and the flow meter.
const NOISE: f64 = 0.01;
/// Noise streams, which no other plant uses.
const START_STREAM: u64 = 120;
const MEASUREMENT_STREAM: u64 = 121;

/// How fast A and B change, mol/l/min.
pub fn derivative(at: [f64; 2], dilution: f64, k: &[f64; 3]) -> [f64; 2] {
    let [a, b] = at;
    [dilution * (FEED_MOL_L - a) - k[0] * a - k[2] * a * a, k[0] * a - (k[1] + dilution) * b]
}

/// A and B, mol/l, where nothing changes any more: the positive root of A's balance, then B's.
pub fn steady_state(dilution: f64, k: &[f64; 3]) -> [f64; 2] {
    let linear = k[0] + dilution;
    let a = ((linear * linear + 4.0 * k[2] * dilution * FEED_MOL_L).sqrt() - linear) / (2.0 * k[2]);
    [a, k[0] * a / (k[1] + dilution)]
}

/// The dilution rate within [`DILUTION`] whose steady state has the most B, and that B, by golden sections: over the
/// dilution rate there is one maximum.
pub fn optimum(k: &[f64; 3]) -> (f64, f64) {
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let product = |dilution: f64| steady_state(dilution, k)[1];
    let (mut lo, mut hi) = DILUTION;
    // Each section keeps 62 %: forty leave a width of 1e-8.
    for _ in 0..40 {
        let (left, right) = (hi - golden * (hi - lo), lo + golden * (hi - lo));
        if product(left) < product(right) { lo = left } else { hi = right }
    }
    let best = 0.5 * (lo + hi);
    (best, product(best))
}

/// Its signals.
pub fn signals() -> Vec<Signal> {
    let value = |name, unit, lo, hi| Signal { name, unit, kind: Kind::Value, range: (lo, hi) };
    vec![
        value("vusse.c_b", "mol/l", 0.0, 5.0),
        value("vusse.dilution", "1/min", 0.0, 5.0),
        value("vusse.permit", "1", 0.0, 1.0),
        value("vusse.dilution_sp_readback", "1/min", 0.0, 5.0),
    ]
}

/// The reactor.
#[derive(Debug, Clone)]
pub struct Vusse {
    seed: u64,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    setpoint: f64,
    dilution: Lag,
    rates: [f64; 3],
    /// Angular velocity, 1/s, and phase of both waves of each rate constant.
    waves: [[(f64, f64); 2]; 3],
    content: [f64; 2],
    stepper: Stepper,
}

impl Vusse {
    /// At steady state left of the maximum (about 0.5 1/min) for odd seeds and right of it (about 2.5 1/min) for even ones.
    /// The seed also decides the rate constants' course and the measurement noise.
    pub fn new(seed: u64) -> Self {
        let mut rng = noise::stream(seed, START_STREAM, 0);
        let about = if seed % 2 == 1 { 0.5 } else { 2.5 };
        let initial = about + noise::uniform(&mut rng, -0.1, 0.1);
        let tau = std::f64::consts::TAU;
        let mut wave = |(shortest, longest)| {
            let period_s = 3600.0 * noise::uniform(&mut rng, shortest, longest);
            (tau / period_s, noise::uniform(&mut rng, 0.0, tau))
        };
        let waves = [0; 3].map(|_| PERIODS_H.map(&mut wave));
        let actuator = Actuator { name: "vusse.dilution_sp", unit: "1/min", range: DILUTION, initial };
        let mut reactor = Self {
            seed,
            signals: signals(),
            actuators: vec![actuator],
            setpoint: initial,
            dilution: Lag::new(PUMP_LAG_S, STEP_S, initial),
            rates: RATES,
            waves,
            content: [0.0; 2],
            stepper: Stepper::default(),
        };
        reactor.wander(0.0);
        reactor.content = steady_state(initial, &reactor.rates);
        reactor
    }

    /// The rate constants at a run time.
    fn wander(&mut self, time_s: f64) {
        let off = |waves: [(f64, f64); 2]| waves.map(|(speed, phase)| WAVE * (speed * time_s + phase).sin());
        self.rates = std::array::from_fn(|i| RATES[i] * (1.0 + off(self.waves[i]).iter().sum::<f64>()));
    }

    /// One step of the plant by Runge and Kutta's fourth-order method; the fastest reaction takes half a minute.
    fn step(&mut self, at_step: u64) {
        if at_step.is_multiple_of(WANDER_STEPS) {
            self.wander(at_step as f64 * STEP_S);
        }
        self.dilution.step(self.setpoint);
        let (dt, x) = (STEP_S / 60.0, self.content);
        let slope = |x: [f64; 2]| derivative(x, self.dilution.at, &self.rates);
        let along = |d: [f64; 2], h: f64| [x[0] + h * d[0], x[1] + h * d[1]];
        let d1 = slope(x);
        let d2 = slope(along(d1, dt / 2.0));
        let d3 = slope(along(d2, dt / 2.0));
        let d4 = slope(along(d3, dt));
        self.content = std::array::from_fn(|i| x[i] + dt / 6.0 * (d1[i] + 2.0 * d2[i] + 2.0 * d3[i] + d4[i]));
    }
}

impl Plant for Vusse {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        let due = self.stepper.due(dt_s);
        let until = self.stepper.steps();
        (until - due + 1..=until).for_each(|at_step| self.step(at_step));
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let mut rng = noise::stream(self.seed, MEASUREMENT_STREAM, self.stepper.steps());
        let mut noisy = |true_value: f64| true_value * (1.0 + NOISE * noise::normal(&mut rng));
        let values = [noisy(self.content[1]), noisy(self.dilution.at), 1.0, self.setpoint];
        let values = values.into_iter().enumerate();
        out.extend(values.map(|(signal, value)| Reading { signal, value: Value::Number(value) }));
    }

    fn write(&mut self, actuator: usize, value: f64) {
        if actuator == 0 && value.is_finite() {
            self.setpoint = value.clamp(DILUTION.0, DILUTION.1);
        }
    }

    /// The profit is the concentration of B, mol/l; the optimum that of the rate constants of this moment.
    fn truth(&self) -> Truth {
        Truth {
            time_s: self.stepper.time_s(),
            profit: Some(self.content[1]),
            optimum_profit: Some(optimum(&self.rates).1),
            ..Truth::default()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    #[test]
    fn the_optimum_is_the_published_one_and_nothing_on_a_grid_is_better() {
        let (dilution, product) = optimum(&RATES);
        assert!((dilution - 1.2921).abs() < 5e-5 && (product - 1.26599).abs() < 5e-6, "{dilution} {product}");
        for at in 0..=270 {
            assert!(steady_state(0.3 + 0.01 * f64::from(at), &RATES)[1] <= product, "{at}");
        }
        // Bequette's operating point left of it.
        let [a, b] = steady_state(0.5714, &RATES);
        assert!((a - 3.0).abs() < 1e-3 && (b - 1.117).abs() < 1e-3, "{a} {b}");
    }

    #[test]
    fn left_of_the_maximum_the_product_first_answers_the_wrong_way() {
        let mut reactor = Vusse::new(1);
        let before = reactor.content[1];
        assert!(reactor.setpoint < 0.7);
        reactor.write(0, 0.9);
        reactor.advance(8.0);
        assert!(reactor.content[1] < before - 1e-3, "{} {before}", reactor.content[1]);
        reactor.advance(300.0);
        assert!(reactor.content[1] > before + 0.02, "{} {before}", reactor.content[1]);
        let steady = steady_state(0.9, &reactor.rates)[1];
        assert!((reactor.content[1] - steady).abs() < 1e-3);
    }

    #[test]
    fn seeds_start_on_either_side_and_rates_stay_within_a_tenth() {
        for seed in 0..6 {
            let mut reactor = Vusse::new(seed);
            let begin = reactor.rates;
            assert_eq!(reactor.setpoint < 1.0, seed % 2 == 1, "{seed}");
            for _ in 0..24 {
                reactor.advance(3600.0);
                let far = reactor.rates.iter().zip(RATES).map(|(k, usual)| (k / usual - 1.0).abs()).fold(0.0, f64::max);
                assert!(far <= 2.0 * WAVE, "seed {seed}: {far}");
            }
            assert!(reactor.rates.iter().zip(begin).any(|(now, then)| (now / then - 1.0).abs() > 0.01), "seed {seed}");
        }
    }

    #[test]
    fn readings_do_not_depend_on_how_time_is_sliced() {
        let run = |slice_s: f64| {
            let mut reactor = Vusse::new(5);
            reactor.write(0, 1.4);
            (0..(600.0 / slice_s).round() as usize).for_each(|_| reactor.advance(slice_s));
            let mut out = Vec::new();
            reactor.read(&mut out);
            out
        };
        assert_eq!(run(60.0), run(1.0));
        assert_eq!(run(60.0), run(0.1));
    }

    #[test]
    fn writes_are_cut_to_the_range_and_nonsense_is_ignored() {
        let mut reactor = Vusse::new(1);
        for (actuator, value, then) in [(0, 1e9, 3.0), (0, -1.0, 0.3), (0, f64::NAN, 0.3), (1, 2.0, 0.3)] {
            reactor.write(actuator, value);
            assert_eq!(reactor.setpoint, then);
        }
    }
}
