//! What customers want in a period: its law, its draws, its weights.

use crate::noise;
use rand_distr::{Distribution, Gamma, Normal, Poisson};

/// Weight that may be left out at the upper end of a law.
const TAIL: f64 = 1e-12;
/// Units that a law's weights are told of at most.
const MAX_UNITS: usize = 20_000;

/// The law of a period's demand, whose mean a season may scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Units a period, above 0.
    pub mean: f64,
    /// Variance over mean; 1: Poisson, above: negative binomial.
    pub dispersion: f64,
    /// Above 0: normal, of any quantity from 0 on, with this standard deviation.
    pub sd: f64,
    /// Share of periods in which nobody comes; the others have `mean / (1 − idle)` on average.
    pub idle: f64,
}

impl Demand {
    /// Customers one by one.
    #[must_use]
    pub fn poisson(mean: f64) -> Demand {
        Demand { mean, dispersion: 1.0, sd: 0.0, idle: 0.0 }
    }

    /// A period's draw; `factor` is its season's.
    pub(crate) fn draw(&self, seed: u64, stream: u64, period: u64, factor: f64) -> f64 {
        let mut rng = noise::stream(seed, stream, period);
        if self.idle > 0.0 && noise::uniform(&mut rng, 0.0, 1.0) < self.idle {
            return 0.0;
        }
        let mean = self.mean * factor / (1.0 - self.idle);
        if self.sd > 0.0 {
            return Normal::new(mean, self.sd).map_or(mean, |normal| normal.sample(&mut rng)).max(0.0);
        }
        // A negative binomial count is Poisson's whose mean is drawn from a gamma law.
        let rate = if self.dispersion > 1.0 {
            let scale = self.dispersion - 1.0;
            Gamma::new(mean / scale, scale).map_or(mean, |gamma| gamma.sample(&mut rng))
        } else {
            mean
        };
        Poisson::new(rate).map_or(0.0, |poisson| poisson.sample(&mut rng))
    }

    /// How probable demands of 0, 1, 2 … units are; a normal law is gathered at whole units.
    #[must_use]
    pub fn weights(&self, factor: f64) -> Vec<f64> {
        let mean = self.mean * factor / (1.0 - self.idle);
        let mut weights = if self.sd > 0.0 { normal(mean, self.sd) } else { counts(mean, self.dispersion) };
        weights.iter_mut().for_each(|weight| *weight *= 1.0 - self.idle);
        weights[0] += self.idle;
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        weights
    }
}

/// Poisson's or the negative binomial's weights, from their recursions.
fn counts(mean: f64, dispersion: f64) -> Vec<f64> {
    let (r, q) =
        if dispersion > 1.0 { (mean / (dispersion - 1.0), 1.0 - 1.0 / dispersion) } else { (f64::INFINITY, 0.0) };
    let log_first = if q > 0.0 { r * (1.0 - q).ln() } else { -mean };
    let (mut log, mut sum) = (log_first, log_first.exp());
    let mut weights = vec![sum];
    while (sum < 1.0 - TAIL || (weights.len() as f64) < mean) && weights.len() < MAX_UNITS {
        let k = weights.len() as f64;
        log += if q > 0.0 { (q * (k - 1.0 + r) / k).ln() } else { (mean / k).ln() };
        weights.push(log.exp());
        sum += log.exp();
    }
    weights
}

fn normal(mean: f64, sd: f64) -> Vec<f64> {
    let below = |x: f64| 0.5 * libm::erfc((mean - x) / (sd * std::f64::consts::SQRT_2));
    let last = ((mean + 8.0 * sd).ceil().max(1.0) as usize).min(MAX_UNITS);
    let mut before = 0.0;
    let mass = |k: usize| {
        let until = below(k as f64 + 0.5);
        let weight = until - before;
        before = until;
        weight
    };
    (0..=last).map(mass).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_and_weights_are_of_one_law() {
        let laws = [
            Demand::poisson(10.0),
            Demand { dispersion: 4.0, ..Demand::poisson(6.0) },
            Demand { idle: 0.8, ..Demand::poisson(2.0) },
            Demand { sd: 8.0, ..Demand::poisson(50.0) },
        ];
        for law in laws {
            let weights = law.weights(1.0);
            let mean: f64 = weights.iter().zip(0..).map(|(p, k)| p * f64::from(k)).sum();
            let variance: f64 = weights.iter().zip(0..).map(|(p, k)| p * (f64::from(k) - mean).powi(2)).sum();
            assert!((mean - law.mean).abs() < 1e-3 * law.mean, "{law:?}: {mean}");
            let count = 100_000_u64;
            let draws: Vec<f64> = (0..count).map(|period| law.draw(5, 1, period, 1.0)).collect();
            let drawn = draws.iter().sum::<f64>() / count as f64;
            let scatter = draws.iter().map(|draw| (draw - drawn).powi(2)).sum::<f64>() / count as f64;
            assert!((drawn - mean).abs() < 5.0 * (variance / count as f64).sqrt(), "{law:?}: {drawn}");
            assert!((scatter / variance - 1.0).abs() < 0.05, "{law:?}: {scatter} for {variance}");
        }
    }

    #[test]
    fn large_means_do_not_vanish() {
        let weights = Demand::poisson(2_000.0).weights(1.0);
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(weights[2_000] > 0.008);
    }
}
