//! How demand is distributed, and its sum over periods.

use libm::{erfc, lgamma};
use serde::{Deserialize, Serialize};

use super::lattice::{Lattice, MAX_POINTS};

/// Standard deviations above the mean at which a law is cut off.
const REACH: f64 = 9.0;

/// The demand of one period, independent of that of the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Law {
    /// Whole units, customers one by one.
    Poisson {
        /// Units a period, not below 0.
        mean: f64,
    },
    /// Whole units with more scatter than Poisson: negative binomial.
    Scattered {
        /// Units a period, above 0.
        mean: f64,
        /// Above the mean.
        variance: f64,
    },
    /// Any quantity; what would be below 0 counts as 0.
    Normal {
        /// A period.
        mean: f64,
        /// Standard deviation, above 0.
        sd: f64,
    },
    /// Whatever was seen: weights of the quantities `k · step`.
    Seen {
        /// From one quantity to the next, above 0.
        step: f64,
        /// Their weights.
        weights: Vec<f64>,
    },
}

impl Law {
    /// Whole units by mean and variance: Poisson where the variance is no more than the mean.
    #[must_use]
    pub fn counts(mean: f64, variance: f64) -> Law {
        // Nearer to Poisson than this the negative binomial's terms cancel.
        if variance <= mean * (1.0 + 1e-6) { Law::Poisson { mean } } else { Law::Scattered { mean, variance } }
    }

    /// A period's mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Law::Poisson { mean } | Law::Scattered { mean, .. } | Law::Normal { mean, .. } => *mean,
            Law::Seen { step, weights } => step * Lattice::new(*step, weights.clone()).mean(),
        }
    }

    /// A period's variance.
    #[must_use]
    pub fn variance(&self) -> f64 {
        match self {
            Law::Poisson { mean } => *mean,
            Law::Scattered { variance, .. } => *variance,
            Law::Normal { sd, .. } => sd * sd,
            Law::Seen { step, weights } => step * step * Lattice::new(*step, weights.clone()).variance(),
        }
    }

    /// A law of the same family whose mean is `factor` times as large: of another season.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Law {
        match self {
            Law::Poisson { mean } => Law::Poisson { mean: mean * factor },
            // The scatter of a count keeps its index of dispersion.
            Law::Scattered { mean, variance } => Law::counts(mean * factor, variance * factor),
            Law::Normal { mean, sd } => Law::Normal { mean: mean * factor, sd: sd * factor },
            Law::Seen { step, weights } => Law::Seen { step: step * factor, weights: weights.clone() },
        }
    }

    /// The smallest quantity that makes sense: a unit, or a small part of the scatter.
    #[must_use]
    pub fn grain(&self) -> f64 {
        match self {
            Law::Poisson { .. } | Law::Scattered { .. } => 1.0,
            Law::Normal { sd, .. } => sd / 24.0,
            Law::Seen { step, .. } => *step,
        }
    }

    /// The sum of `periods` periods on steps of that size; `doubt` is the variance of the estimated mean of a period, which
    /// all of them share (0 where the mean is known).
    #[must_use]
    pub fn sum(&self, periods: u32, step: f64, doubt: f64) -> Lattice {
        let n = f64::from(periods);
        let (mean, variance) = (n * self.mean(), n * self.variance() + n * n * doubt);
        match self {
            Law::Poisson { .. } | Law::Scattered { .. } => counts(mean, variance, step),
            Law::Normal { .. } => normal(mean, variance.sqrt(), step),
            Law::Seen { step: own, weights } => {
                let sum = Lattice::new(*own, weights.clone()).times(periods);
                let seen = regrid(&sum, step);
                if doubt > 0.0 { doubted(&seen, doubt.sqrt() * n) } else { seen }
            }
        }
    }
}

/// Points that a law with this mean and deviation needs.
fn points(mean: f64, sd: f64, step: f64) -> usize {
    ((mean + REACH * sd + 8.0) / step).ceil().clamp(1.0, MAX_POINTS as f64) as usize + 1
}

fn counts(mean: f64, variance: f64, step: f64) -> Lattice {
    if mean.is_nan() || mean <= 0.0 {
        return Lattice::new(step, vec![1.0]);
    }
    let sd = variance.max(mean).sqrt();
    // A negative binomial falls off like an exponential: its reach is longer than a normal's.
    let reach = sd * (1.0 + (variance / mean).max(1.0).log2() / REACH);
    let width = step.round().max(1.0) as usize;
    let count = points(mean, 2.0 * reach, step) * width;
    let log_weight = |k: f64| match Law::counts(mean, variance) {
        Law::Scattered { mean, variance } => {
            let r = mean * mean / (variance - mean);
            let p = mean / variance;
            lgamma(k + r) - lgamma(r) - lgamma(k + 1.0) + r * p.ln() + k * (1.0 - p).ln()
        }
        _ => k * mean.ln() - mean - lgamma(k + 1.0),
    };
    let mut weights = vec![0.0; count.div_ceil(width) + 1];
    // Coarser steps gather the units about each of their points.
    (0..count).for_each(|k| weights[(k + width / 2) / width] += log_weight(k as f64).exp());
    Lattice::new(step, weights)
}

fn normal(mean: f64, sd: f64, step: f64) -> Lattice {
    let below = |x: f64| 0.5 * erfc((mean - x) / (sd * std::f64::consts::SQRT_2));
    Lattice::from_cdf(step, points(mean, sd, step), below)
}

/// The same with a further symmetric scatter of that deviation; what would be below 0 counts as 0.
fn doubted(lattice: &Lattice, sd: f64) -> Lattice {
    let steps = sd / lattice.step();
    let reach = steps.ceil().clamp(1.0, MAX_POINTS as f64) as usize;
    let share = 0.5 * (steps / reach as f64).powi(2);
    let mut weights = vec![0.0; lattice.weights().len() + reach];
    for (k, weight) in lattice.weights().iter().enumerate() {
        weights[k] += weight * (1.0 - 2.0 * share);
        weights[k.saturating_sub(reach)] += weight * share;
        weights[k + reach] += weight * share;
    }
    Lattice::new(lattice.step(), weights)
}

/// The same on other steps: each point's weight is shared between its two neighbours, which keeps the mean.
fn regrid(lattice: &Lattice, step: f64) -> Lattice {
    if lattice.step() == step {
        return lattice.clone();
    }
    let ratio = lattice.step() / step;
    let last = ((lattice.weights().len() as f64) * ratio).ceil() as usize + 1;
    let mut weights = vec![0.0; last.min(2 * MAX_POINTS) + 1];
    let top = weights.len() - 2;
    for (weight, k) in lattice.weights().iter().zip(0..) {
        let at = (f64::from(k) * ratio).min(top as f64);
        let (low, share) = (at.floor() as usize, at.fract());
        weights[low] += weight * (1.0 - share);
        weights[low + 1] += weight * share;
    }
    Lattice::new(step, weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(law: &Law, periods: u32, step: f64, doubt: f64) {
        let sum = law.sum(periods, step, doubt);
        let n = f64::from(periods);
        let (mean, variance) = (n * law.mean(), n * law.variance() + n * n * doubt);
        assert!((sum.mean() * step - mean).abs() < 1e-3 * mean.max(1.0), "{law:?}: {} for {mean}", sum.mean() * step);
        let got = sum.variance() * step * step;
        // A step's own width adds its square over twelve.
        assert!(
            (got - variance - step * step / 12.0).abs() < 0.01 * variance + 0.1 * step * step,
            "{law:?}: {got} for {variance}"
        );
    }

    #[test]
    fn sums_keep_mean_and_variance() {
        for law in [
            Law::Poisson { mean: 0.2 },
            Law::Poisson { mean: 50.0 },
            Law::Poisson { mean: 900.0 },
            Law::Scattered { mean: 10.0, variance: 40.0 },
            Law::Scattered { mean: 0.5, variance: 4.0 },
            Law::Normal { mean: 50.0, sd: 8.0 },
        ] {
            for periods in [1, 5] {
                let step = law.grain().max((f64::from(periods) * law.mean() / 1_000.0).round());
                check(&law, periods, step, 0.0);
                check(&law, periods, step, 0.01 * law.variance());
            }
        }
        check(&Law::Poisson { mean: 4_000.0 }, 1, 10.0, 0.0);
        check(&Law::Seen { step: 2.0, weights: vec![0.7, 0.1, 0.1, 0.1] }, 3, 2.0, 0.0);
    }

    #[test]
    fn poisson_by_hand() {
        let lattice = Law::Poisson { mean: 2.0 }.sum(1, 1.0, 0.0);
        let e = (-2.0f64).exp();
        for (k, expected) in [e, 2.0 * e, 2.0 * e, 4.0 / 3.0 * e].into_iter().enumerate() {
            assert!((lattice.weights()[k] - expected).abs() < 1e-12);
        }
    }
}
