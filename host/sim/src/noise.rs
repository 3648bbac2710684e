//! Seeded randomness that does not depend on how the caller slices time.
//!
//! Process noise is drawn at every internal step from a stream of its own; measurement noise is a function of the seed, the
//! stream and the step at which it is read, so reading twice or not at all changes nothing.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal, Uniform};
use rand_pcg::Pcg64Mcg;

/// A generator for one purpose (`stream`) at one moment (`counter`).
pub(crate) fn stream(seed: u64, stream: u64, counter: u64) -> Pcg64Mcg {
    let mixed = mix(mix(mix(seed) ^ stream) ^ counter);
    Pcg64Mcg::seed_from_u64(mixed)
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): neighbouring inputs give unrelated outputs.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A draw from the standard normal distribution.
pub(crate) fn normal(rng: &mut Pcg64Mcg) -> f64 {
    StandardNormal.sample(rng)
}

/// A draw from [lo, hi).
pub(crate) fn uniform(rng: &mut Pcg64Mcg, lo: f64, hi: f64) -> f64 {
    Uniform::new(lo, hi).expect("the bounds are constants with lo < hi").sample(rng)
}

/// An Ornstein–Uhlenbeck process around zero: what wanders and comes back.
#[derive(Debug, Clone)]
pub(crate) struct Wander {
    keep: f64,
    kick: f64,
    /// Where it is now.
    pub(crate) at: f64,
}

impl Wander {
    /// With time constant `tau_s` and standard deviation `sd`, stepped every `step_s`.
    pub(crate) fn new(tau_s: f64, sd: f64, step_s: f64) -> Self {
        let keep = (-step_s / tau_s).exp();
        Self { keep, kick: sd * (1.0 - keep * keep).sqrt(), at: 0.0 }
    }

    /// One step.
    pub(crate) fn step(&mut self, rng: &mut Pcg64Mcg) {
        self.at = self.keep * self.at + self.kick * normal(rng);
    }
}

/// A first-order lag.
#[derive(Debug, Clone)]
pub(crate) struct Lag {
    share: f64,
    /// Its output now.
    pub(crate) at: f64,
}

impl Lag {
    /// With time constant `tau_s`, stepped every `step_s`, settled at `at`.
    pub(crate) fn new(tau_s: f64, step_s: f64, at: f64) -> Self {
        Self { share: 1.0 - (-step_s / tau_s).exp(), at }
    }

    /// One step towards `target`.
    pub(crate) fn step(&mut self, target: f64) {
        self.at += self.share * (target - self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wander_has_its_standard_deviation() {
        let seed = 7;
        let mut rng = stream(seed, 1, 0);
        let mut wander = Wander::new(5.0, 2.0, 0.1);
        let n = 400_000;
        let sum_of_squares: f64 = (0..n)
            .map(|_| {
                wander.step(&mut rng);
                wander.at * wander.at
            })
            .sum();
        let sd = (sum_of_squares / f64::from(n)).sqrt();
        assert!((sd - 2.0).abs() < 0.1, "seed {seed}: sd {sd}");
    }

    #[test]
    fn streams_and_counters_differ_and_repeat() {
        let first = |s, c| normal(&mut stream(11, s, c));
        assert_eq!(first(1, 5), first(1, 5));
        assert_ne!(first(1, 5), first(1, 6));
        assert_ne!(first(1, 5), first(2, 5));
    }

    #[test]
    fn a_lag_covers_63_percent_in_its_time_constant() {
        let mut lag = Lag::new(10.0, 0.1, 0.0);
        (0..100).for_each(|_| lag.step(1.0));
        assert!((lag.at - 0.632).abs() < 0.001, "{}", lag.at);
    }
}
