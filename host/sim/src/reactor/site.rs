//! A Williams–Otto reactor as one finds it: its own rates, a feed that wanders and steps, limits or none.
//!
//! The seed draws the plant: each rate constant is up to a tenth off the published one, each activation energy up to a
//! fiftieth, so that every seed has an optimum of its own. Feed A comes from upstream: it wanders slowly, and every few hours
//! it steps to another level.

use super::best::{BestProfit, Limits};
use super::kinetics::{self, Chemistry, FEED_A_KG_S, Fractions, profit};
use super::{FEED_LAG_S, Inputs, Now, TEMP_LAG_S, actuators, measure, signals};
use crate::noise::{self, Lag, Wander};
use crate::plant::{Actuator, Plant, Reading, STEP_S, Signal, Stepper, Truth};

/// How far a rate constant is off at most, as a share.
const RATE_OFF: f64 = 0.1;
/// How far an activation energy is off at most, as a share.
const ACTIVATION_OFF: f64 = 0.02;
/// The wander of feed A: time constant, and standard deviation as a share of the published feed.
const WANDER_TAU_S: f64 = 3.0 * 3600.0;
const WANDER_SD: f64 = 0.01;
/// Levels of feed A lie within this share of the published one.
const LEVEL: f64 = 0.04;
/// From one step of the level to the next: at least, and how much longer in the mean.
const STEP_LEAST_S: f64 = 3600.0;
const STEP_MORE_S: f64 = 3.0 * 3600.0;
/// Noise streams, beside that of the measurements.
const CHEMISTRY_STREAM: u64 = 110;
const WANDER_STREAM: u64 = 111;
const LEVEL_STREAM: u64 = 112;

/// Where a plant without limits starts, at steady state: where the published one does.
const START: Inputs = super::START;
/// Where a plant with limits starts: well within them, whatever its chemistry.
const START_WITHIN: Inputs = Inputs { feed_b_kg_s: 5.2, temp_cel: 78.0 };

/// Feed A as it comes from upstream.
#[derive(Debug, Clone)]
struct Feed {
    seed: u64,
    wander: Wander,
    level: f64,
    steps: u64,
    next_s: f64,
}

impl Feed {
    fn new(seed: u64) -> Self {
        let mut feed =
            Self { seed, wander: Wander::new(WANDER_TAU_S, WANDER_SD, STEP_S), level: 0.0, steps: 0, next_s: 0.0 };
        feed.next_s = feed.gap_s();
        feed
    }

    /// From one step of the level to the next.
    fn gap_s(&self) -> f64 {
        let mut rng = noise::stream(self.seed, LEVEL_STREAM, 2 * self.steps);
        STEP_LEAST_S - STEP_MORE_S * (1.0 - noise::uniform(&mut rng, 0.0, 1.0)).ln()
    }

    /// One step of the plant, whose number and end are given.
    fn step(&mut self, number: u64, time_s: f64) {
        self.wander.step(&mut noise::stream(self.seed, WANDER_STREAM, number));
        if time_s >= self.next_s {
            let mut rng = noise::stream(self.seed, LEVEL_STREAM, 2 * self.steps + 1);
            self.level = noise::uniform(&mut rng, -LEVEL, LEVEL);
            self.steps += 1;
            self.next_s = time_s + self.gap_s();
        }
    }

    fn kg_s(&self) -> f64 {
        FEED_A_KG_S * (1.0 + self.level + self.wander.at)
    }
}

/// The reactor.
#[derive(Debug, Clone)]
pub struct Site {
    seed: u64,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    chemistry: Chemistry,
    limits: Option<Limits>,
    best: BestProfit,
    /// In the order of `actuators`.
    setpoints: [f64; 2],
    feed_a: Feed,
    feed_b: Lag,
    temp: Lag,
    /// The temperature of `rates`, which are worth keeping while it rests.
    rated_cel: f64,
    rates: [f64; 3],
    fractions: Fractions,
    stepper: Stepper,
}

impl Site {
    /// The plant of a seed, at rest, with limits on A and G or without.
    pub fn new(seed: u64, limits: Option<Limits>) -> Self {
        let mut rng = noise::stream(seed, CHEMISTRY_STREAM, 0);
        let mut off = |most: f64| [(); 3].map(|()| noise::uniform(&mut rng, 1.0 - most, 1.0 + most));
        let chemistry = Chemistry { factors: off(RATE_OFF), activations: off(ACTIVATION_OFF) };
        let start = if limits.is_some() { START_WITHIN } else { START };
        let rates = chemistry.rate_constants(start.temp_cel);
        let mut actuators = actuators();
        let setpoints = [start.feed_b_kg_s, start.temp_cel];
        actuators.iter_mut().zip(setpoints).for_each(|(actuator, setpoint)| actuator.initial = setpoint);
        Self {
            seed,
            signals: signals(),
            actuators,
            chemistry,
            limits,
            best: BestProfit::new(chemistry, limits),
            setpoints,
            feed_a: Feed::new(seed),
            feed_b: Lag::new(FEED_LAG_S, STEP_S, start.feed_b_kg_s),
            temp: Lag::new(TEMP_LAG_S, STEP_S, start.temp_cel),
            rated_cel: start.temp_cel,
            rates,
            fractions: kinetics::steady_state_of(FEED_A_KG_S, start.feed_b_kg_s, &rates),
            stepper: Stepper::default(),
        }
    }

    /// How fast its reactions really are.
    pub fn chemistry(&self) -> &Chemistry {
        &self.chemistry
    }

    /// What is really in the tank.
    pub fn fractions(&self) -> &Fractions {
        &self.fractions
    }

    /// Feed A as it really is, in kg/s.
    pub fn feed_a_kg_s(&self) -> f64 {
        self.feed_a.kg_s()
    }
}

impl Plant for Site {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        let due = self.stepper.due(dt_s);
        for number in self.stepper.steps() - due..self.stepper.steps() {
            self.feed_a.step(number, (number + 1) as f64 * STEP_S);
            self.feed_b.step(self.setpoints[0]);
            self.temp.step(self.setpoints[1]);
            if self.temp.at != self.rated_cel {
                self.rated_cel = self.temp.at;
                self.rates = self.chemistry.rate_constants(self.temp.at);
            }
            let feed_a = self.feed_a.kg_s();
            self.fractions = kinetics::step_of(&self.fractions, feed_a, self.feed_b.at, &self.rates, STEP_S);
        }
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let inputs = Inputs { feed_b_kg_s: self.feed_b.at, temp_cel: self.temp.at };
        let now = Now { fractions: self.fractions, feed_a: self.feed_a.kg_s(), inputs };
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
        let (feed_a, feed_b) = (self.feed_a.kg_s(), self.feed_b.at);
        Truth {
            time_s: self.stepper.time_s(),
            profit: Some(profit(&self.fractions, feed_a, feed_b, feed_a + feed_b)),
            optimum_profit: Some(self.best.at(feed_a)),
            violation: self.limits.map(|limits| limits.violation(&self.fractions)),
            ..Truth::default()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::super::best::best;
    use super::*;

    #[test]
    fn each_seed_is_another_plant_that_starts_within_its_limits() {
        let mut optima: Vec<f64> = Vec::new();
        for seed in 0..60 {
            let site = Site::new(seed, Some(Limits::PUBLISHED));
            let Chemistry { factors, activations } = *site.chemistry();
            assert!(factors.iter().all(|f| (f - 1.0).abs() <= 0.1), "seed {seed}");
            assert!(activations.iter().all(|a| (a - 1.0).abs() <= 0.02), "seed {seed}");
            let truth = site.truth();
            assert_eq!(truth.violation, Some(0.0), "seed {seed}: {:?}", site.fractions);
            assert!(truth.profit < truth.optimum_profit, "seed {seed}");
            optima.push(truth.optimum_profit.unwrap());
        }
        optima.sort_unstable_by(f64::total_cmp);
        optima.dedup();
        assert_eq!(optima.len(), 60);
    }

    #[test]
    fn at_its_optimum_it_makes_the_optimum_and_keeps_its_limits() {
        for (seed, limits) in [(1, None), (2, Some(Limits::PUBLISHED)), (3, Some(Limits::PUBLISHED))] {
            let mut site = Site::new(seed, limits);
            // Kept at its nominal feed: what is asked is whether truth and optimum agree at rest.
            (site.feed_a.next_s, site.feed_a.wander) = (f64::INFINITY, Wander::new(1.0, 0.0, STEP_S));
            let to = best(site.chemistry(), limits, FEED_A_KG_S).inputs;
            site.write(0, to.feed_b_kg_s);
            site.write(1, to.temp_cel);
            site.advance(4.0 * 3600.0);
            let truth = site.truth();
            let ratio = truth.profit.unwrap() / truth.optimum_profit.unwrap();
            assert!((ratio - 1.0).abs() < 1e-5, "seed {seed}: {ratio}");
            assert!(truth.violation.unwrap_or(0.0) < 1e-7, "seed {seed}: {truth:?}");
            site.write(1, to.temp_cel + 3.0);
            site.advance(3600.0);
            let beyond = site.truth().violation;
            assert_eq!(beyond.is_some_and(|v| v > 0.005), limits.is_some(), "seed {seed}: {beyond:?}");
        }
    }

    #[test]
    fn the_feed_wanders_and_steps_and_stays_near_the_published_one() {
        let (mut shares, mut steps) = (Vec::new(), 0);
        for seed in 0..10 {
            let mut site = Site::new(seed, None);
            for _ in 0..24 * 6 {
                site.advance(600.0);
                shares.push(site.feed_a_kg_s() / FEED_A_KG_S - 1.0);
            }
            steps += site.feed_a.steps;
        }
        assert!((30..120).contains(&steps), "{steps}");
        let sd = (shares.iter().map(|s| s * s).sum::<f64>() / shares.len() as f64).sqrt();
        assert!((0.015..0.04).contains(&sd), "{sd}");
        assert!(shares.iter().all(|s| s.abs() < 0.1), "{shares:?}");
    }

    #[test]
    fn readings_do_not_depend_on_how_time_is_sliced() {
        let run = |slice_s: f64| {
            let mut site = Site::new(5, Some(Limits::PUBLISHED));
            site.write(1, 82.0);
            (0..(18_000.0 / slice_s).round() as usize).for_each(|_| site.advance(slice_s));
            let mut out = Vec::new();
            site.read(&mut out);
            (out, site.truth())
        };
        assert_eq!(run(60.0), run(1.0));
        assert_eq!(run(60.0), run(0.1));
    }
}
