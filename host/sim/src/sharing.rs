//! Three generating units that share a demand: what each costs is a convex curve of its power, and the sum must meet the
//! demand.
//!
//! The units are those of Wood and Wollenberg, *Power Generation, Operation, and Control* (2nd ed., 1996), example 3A, with
//! its limits. A seed makes other units of them: each coefficient is some percent off, so that no book can know them. The
//! units follow their setpoints with a lag; the demand wanders over a day and steps, known only when it is there.

use crate::noise::{self, Lag};
use crate::plant::{Actuator, Kind, Plant, Reading, STEP_S, Signal, Stepper, Truth, Value};

/// A unit's cost rate, money an hour: constant + linear · P + quadratic · P², P in MW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// Money an hour.
    pub constant: f64,
    /// Money a MWh.
    pub linear: f64,
    /// Money a MW²h.
    pub quadratic: f64,
    /// Least and most power, MW.
    pub limits: (f64, f64),
}

impl Unit {
    /// Money an hour at a power.
    pub fn cost(&self, power: f64) -> f64 {
        self.constant + (self.linear + self.quadratic * power) * power
    }

    /// The power, within the limits, at which one more MWh costs so much.
    fn power_at(&self, incremental: f64) -> f64 {
        ((incremental - self.linear) / (2.0 * self.quadratic)).clamp(self.limits.0, self.limits.1)
    }
}

/// The book's units.
pub const UNITS: [Unit; 3] = [
    Unit { constant: 561.0, linear: 7.92, quadratic: 0.001_562, limits: (150.0, 600.0) },
    Unit { constant: 310.0, linear: 7.85, quadratic: 0.001_94, limits: (100.0, 400.0) },
    Unit { constant: 78.0, linear: 7.97, quadratic: 0.004_82, limits: (50.0, 200.0) },
];

/// The cheapest powers whose sum is `demand`, or as near to it as the limits let: equal incremental costs (lambda
/// iteration, by bisection).
pub fn dispatch(units: &[Unit; 3], demand: f64) -> [f64; 3] {
    let powers = |incremental: f64| units.map(|unit| unit.power_at(incremental));
    let (mut lo, mut hi) = (0.0, 100.0);
    // 60 halvings use up the digits that matter.
    for _ in 0..60 {
        let mid = 0.5 * (lo + hi);
        if powers(mid).iter().sum::<f64>() < demand { lo = mid } else { hi = mid }
    }
    powers(0.5 * (lo + hi))
}

/// Money an hour of all units.
pub fn cost(units: &[Unit; 3], powers: [f64; 3]) -> f64 {
    units.iter().zip(powers).map(|(unit, power)| unit.cost(power)).sum()
}

/// A seed's coefficients are off the book's by at most this share.
const OFF: f64 = 0.04;
/// The demand stays within this, MW, a margin inside what the units can give.
const DEMAND_MW: (f64, f64) = (400.0, 1100.0);
/// By how much the sum may be off the demand, as a share of it. Units with a lag cannot follow a step at once; within a
/// percent, a grid's frequency control (or a header's pressure) takes up the difference.
pub const TOLERANCE: f64 = 0.01;
/// Relative standard deviation of power and fuel meters.
const NOISE: f64 = 0.01;
/// Steps of the demand come so often on average. After each, the units' lags alone keep the sum off by more than
/// [`TOLERANCE`] for about a minute, whoever shares: six a day are half a per cent of its time.
const STEP_EVERY_S: f64 = 4.0 * 3600.0;
/// The demand is renewed every so many steps of the plant.
const DEMAND_STEPS: u64 = 60;
/// Noise streams, which no other plant uses.
const START_STREAM: u64 = 130;
const STEP_STREAM: u64 = 131;
const MEASUREMENT_STREAM: u64 = 132;

/// Its signals.
pub fn signals() -> Vec<Signal> {
    let value = |name, unit, hi| Signal { name, unit, kind: Kind::Value, range: (0.0, hi) };
    vec![
        value("sharing.demand", "MW", 1500.0),
        value("sharing.power_1", "MW", 800.0),
        value("sharing.power_2", "MW", 800.0),
        value("sharing.power_3", "MW", 800.0),
        value("sharing.cost_1", "{money}/h", 10_000.0),
        value("sharing.cost_2", "{money}/h", 10_000.0),
        value("sharing.cost_3", "{money}/h", 10_000.0),
        value("sharing.permit", "1", 1.0),
        value("sharing.sp_1_readback", "MW", 800.0),
        value("sharing.sp_2_readback", "MW", 800.0),
        value("sharing.sp_3_readback", "MW", 800.0),
    ]
}

/// The demand's course: a day's two waves, and steps that lead back twice as often as farther away.
#[derive(Debug, Clone, PartialEq)]
struct Demand {
    mean: f64,
    /// Amplitude and phase of the daily wave and of its first harmonic.
    waves: [(f64, f64); 2],
    stepped: f64,
    now: f64,
}

impl Demand {
    fn at(&self, time_s: f64) -> f64 {
        let wave = |(k, (amplitude, phase)): (usize, &(f64, f64))| {
            amplitude * ((k + 1) as f64 * time_s * std::f64::consts::TAU / 86_400.0 + phase).sin()
        };
        let waves: f64 = self.waves.iter().enumerate().map(wave).sum();
        (self.mean + waves + self.stepped).clamp(DEMAND_MW.0, DEMAND_MW.1)
    }

    /// Renews the demand, with a step now and then.
    fn renew(&mut self, seed: u64, at_step: u64) {
        let mut rng = noise::stream(seed, STEP_STREAM, at_step);
        let chance = DEMAND_STEPS as f64 * STEP_S / STEP_EVERY_S;
        if noise::uniform(&mut rng, 0.0, 1.0) < chance {
            let size = noise::uniform(&mut rng, 20.0, 60.0);
            let away = noise::uniform(&mut rng, 0.0, 1.0) < 1.0 / 3.0;
            let sign = if (self.stepped >= 0.0) == away { 1.0 } else { -1.0 };
            self.stepped += sign * size;
        }
        self.now = self.at(at_step as f64 * STEP_S);
    }
}

/// The units and their demand.
#[derive(Debug, Clone)]
pub struct Sharing {
    seed: u64,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    units: [Unit; 3],
    setpoints: [f64; 3],
    powers: [Lag; 3],
    demand: Demand,
    stepper: Stepper,
}

impl Sharing {
    /// At rest, the first demand shared in proportion to what each unit can give. The seed decides the units' curves and
    /// lags, the demand and the measurement noise.
    pub fn new(seed: u64) -> Self {
        let mut rng = noise::stream(seed, START_STREAM, 0);
        let mut between = |lo: f64, hi: f64| noise::uniform(&mut rng, lo, hi);
        let units = UNITS.map(|unit| Unit {
            constant: unit.constant * between(1.0 - OFF, 1.0 + OFF),
            linear: unit.linear * between(1.0 - OFF, 1.0 + OFF),
            quadratic: unit.quadratic * between(1.0 - OFF, 1.0 + OFF),
            ..unit
        });
        let tau = std::f64::consts::TAU;
        let waves = [(between(150.0, 250.0), between(0.0, tau)), (between(20.0, 80.0), between(0.0, tau))];
        let mut demand = Demand { mean: between(700.0, 800.0), waves, stepped: 0.0, now: 0.0 };
        demand.now = demand.at(0.0);
        let (least, most) = UNITS.iter().fold((0.0, 0.0), |sum, u| (sum.0 + u.limits.0, sum.1 + u.limits.1));
        let share = (demand.now - least) / (most - least);
        let setpoints = UNITS.map(|unit| unit.limits.0 + share * (unit.limits.1 - unit.limits.0));
        let names = ["sharing.sp_1", "sharing.sp_2", "sharing.sp_3"];
        let actuator =
            |i: usize| Actuator { name: names[i], unit: "MW", range: UNITS[i].limits, initial: setpoints[i] };
        Self {
            seed,
            signals: signals(),
            actuators: (0..3).map(actuator).collect(),
            units,
            setpoints,
            powers: setpoints.map(|power| Lag::new(between(15.0, 35.0), STEP_S, power)),
            demand,
            stepper: Stepper::default(),
        }
    }
}

impl Plant for Sharing {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        let due = self.stepper.due(dt_s);
        let until = self.stepper.steps();
        for at_step in until - due + 1..=until {
            if at_step.is_multiple_of(DEMAND_STEPS) {
                self.demand.renew(self.seed, at_step);
            }
            self.powers.iter_mut().zip(self.setpoints).for_each(|(power, setpoint)| power.step(setpoint));
        }
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let mut rng = noise::stream(self.seed, MEASUREMENT_STREAM, self.stepper.steps());
        let mut noisy = |true_value: f64| true_value * (1.0 + NOISE * noise::normal(&mut rng));
        let powers: [f64; 3] = std::array::from_fn(|i| noisy(self.powers[i].at));
        let costs: [f64; 3] = std::array::from_fn(|i| noisy(self.units[i].cost(self.powers[i].at)));
        let values = std::iter::once(self.demand.now).chain(powers).chain(costs).chain([1.0]).chain(self.setpoints);
        out.extend(values.enumerate().map(|(signal, value)| Reading { signal, value: Value::Number(value) }));
    }

    fn write(&mut self, actuator: usize, value: f64) {
        if let (Some(setpoint), Some(unit)) = (self.setpoints.get_mut(actuator), UNITS.get(actuator))
            && value.is_finite()
        {
            *setpoint = value.clamp(unit.limits.0, unit.limits.1);
        }
    }

    /// The optimum is that for the sum which the units deliver, not for the demand: who delivers too little must not look
    /// cheap. What is missing or too much, beyond [`TOLERANCE`], is the violation, in MW.
    fn truth(&self) -> Truth {
        let powers = [0, 1, 2].map(|i: usize| self.powers[i].at);
        let delivered: f64 = powers.iter().sum();
        let off = (delivered - self.demand.now).abs();
        Truth {
            time_s: self.stepper.time_s(),
            cost: Some(cost(&self.units, powers) / 3600.0),
            optimum_cost: Some(cost(&self.units, dispatch(&self.units, delivered)) / 3600.0),
            violation: Some((off - TOLERANCE * self.demand.now).max(0.0)),
            ..Truth::default()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    #[test]
    fn the_dispatch_is_the_published_one() {
        let powers = dispatch(&UNITS, 850.0);
        let published = [393.2, 334.6, 122.2];
        assert!(powers.iter().zip(published).all(|(p, q)| (p - q).abs() < 0.05), "{powers:?}");
        assert!((cost(&UNITS, powers) - 8194.36).abs() < 0.005, "{}", cost(&UNITS, powers));
    }

    #[test]
    fn no_shift_between_two_units_is_cheaper() {
        for demand in [310.0, 400.0, 650.0, 850.0, 1100.0, 1190.0] {
            let best = dispatch(&UNITS, demand);
            assert!((best.iter().sum::<f64>() - demand).abs() < 1e-6, "{demand}");
            for (from, to) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
                let mut other = best;
                (other[from], other[to]) = (other[from] - 0.1, other[to] + 0.1);
                let within = other.iter().zip(UNITS).all(|(p, u)| u.limits.0 <= *p && *p <= u.limits.1);
                assert!(!within || cost(&UNITS, other) >= cost(&UNITS, best), "{demand}: {other:?}");
            }
        }
    }

    #[test]
    fn the_demand_stays_in_its_bounds_and_steps_some_times_a_day() {
        for seed in 0..6 {
            let mut plant = Sharing::new(seed);
            let (mut steps, mut before) = (0, plant.demand.now);
            for _ in 0..14_400 {
                plant.advance(6.0);
                let now = plant.demand.now;
                assert!((DEMAND_MW.0..=DEMAND_MW.1).contains(&now), "seed {seed}: {now}");
                steps += u32::from((now - before).abs() > 10.0);
                before = now;
            }
            assert!((1..=20).contains(&steps), "seed {seed}: {steps}");
        }
    }

    #[test]
    fn it_costs_more_than_the_optimum_and_a_mismatch_is_a_violation() {
        let mut plant = Sharing::new(2);
        let truth = plant.truth();
        assert_eq!(truth.violation, Some(0.0));
        assert!(truth.cost.unwrap() > truth.optimum_cost.unwrap());
        let less = plant.setpoints[0] - 0.02 * plant.demand.now;
        plant.write(0, less);
        plant.advance(120.0);
        let missed = plant.truth().violation.unwrap();
        assert!((0.005..0.015).contains(&(missed / plant.demand.now)), "{missed}");
        plant.write(0, 1e9);
        assert_eq!(plant.setpoints[0], 600.0);
        plant.write(0, f64::NAN);
        plant.write(3, 100.0);
        assert_eq!(plant.setpoints[0], 600.0);
    }

    #[test]
    fn readings_do_not_depend_on_how_time_is_sliced() {
        let run = |slice_s: f64| {
            let mut plant = Sharing::new(5);
            plant.write(1, 300.0);
            (0..(3600.0 / slice_s).round() as usize).for_each(|_| plant.advance(slice_s));
            let mut out = Vec::new();
            plant.read(&mut out);
            out
        };
        assert_eq!(run(60.0), run(1.0));
        assert_eq!(run(60.0), run(0.1));
    }
}
