//! Hotelling's T² and Q: many tags together, as one point is far from where the tags usually stand to each other.
//!
//! Phase I takes mean and deviation of each tag and the principal components of their correlations; those that explain the
//! wanted share stay. T² is the distance within them, Q (squared prediction error) what they leave.
//!
//! Limits: T² of a new row, a(n² − 1)/(n(n − a)) · F(1 − α; a, n − a); of a row that took part in phase I,
//! (n − 1)²/n · Beta(1 − α; a/2, (n − a − 1)/2) (N. D. Tracy, J. C. Young, R. L. Mason, "Multivariate control charts for
//! individual observations", Journal of Quality Technology 24, 1992). Q: J. E. Jackson, G. S. Mudholkar, "Control
//! procedures for residuals associated with principal component analysis", Technometrics 21 (1979).

use nalgebra::{DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF, FisherSnedecor, Normal};

/// The most tags: their loadings are a square of as many numbers.
pub const TAGS_MAX: usize = 128;
/// Rounds of screening at most.
const ROUNDS_MAX: usize = 10;
/// No more than this share of the rows is left out.
const LEFT_OUT_MAX: f64 = 0.25;
/// A component of less variance than this share of an average one is a linear dependence between tags, and noise.
const LEAST_SHARE: f64 = 1e-9;

/// What phase I found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Multivariate {
    mean: Vec<f64>,
    /// Zero of a tag that did not vary: it takes no part.
    deviation: Vec<f64>,
    /// Components that stay, each of as many numbers as there are tags.
    loadings: Vec<Vec<f64>>,
    /// Their variances.
    variances: Vec<f64>,
    /// Upper limit of T².
    pub t2_limit: f64,
    /// Upper limit of Q; none where nothing is left for it.
    pub q_limit: Option<f64>,
    /// Rows that were left out of phase I.
    pub left_out: usize,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// Hotelling's T².
    pub t2: f64,
    /// Squared prediction error.
    pub q: f64,
    /// The tag that contributes most to T², and to Q.
    pub leading: (usize, usize),
}

/// Why phase I found nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLittle {
    /// Rows.
    #[error("{rows} complete rows are too few for {tags} tags: at least twice as many are needed")]
    Rows {
        /// Complete ones.
        rows: usize,
        /// How many.
        tags: usize,
    },
    /// Nothing varies.
    #[error("no tag varies in the rows that are learnt from")]
    Scatter,
}

impl Multivariate {
    /// From rows of `tags` values each, one after the other, all finite. `explained` is the share of variance that the
    /// components shall explain; `alpha` how often an in-control row shall exceed each limit.
    ///
    /// # Errors
    /// [`TooLittle`] where rows or their scatter do not suffice.
    pub fn learn(rows: &[f64], tags: usize, explained: f64, alpha: f64) -> Result<Multivariate, TooLittle> {
        let all: Vec<&[f64]> = rows.chunks_exact(tags.max(1)).collect();
        let mut kept: Vec<&[f64]> = all.clone();
        let mut found = Multivariate::of(&kept, tags, explained, alpha)?;
        for _ in 0..ROUNDS_MAX {
            let limit = phase_one_limit(kept.len() as f64, found.variances.len() as f64, alpha);
            let within: Vec<&[f64]> = all.iter().copied().filter(|row| found.distance(row).t2 <= limit).collect();
            let left_out = all.len() - within.len();
            if within.len() == kept.len() || left_out as f64 > LEFT_OUT_MAX * all.len() as f64 {
                break;
            }
            kept = within;
            found = Multivariate { left_out, ..Multivariate::of(&kept, tags, explained, alpha)? };
        }
        Ok(found)
    }

    /// Where a row stands. Of as many finite values as there are tags.
    #[must_use]
    pub fn distance(&self, row: &[f64]) -> Distance {
        let z: Vec<f64> = row
            .iter()
            .zip(&self.mean)
            .zip(&self.deviation)
            .map(|((value, mean), deviation)| if *deviation > 0.0 { (value - mean) / deviation } else { 0.0 })
            .collect();
        let mut residual = z.clone();
        let mut parts = vec![0.0; z.len()];
        let mut t2 = 0.0;
        for (loading, variance) in self.loadings.iter().zip(&self.variances) {
            let score: f64 = loading.iter().zip(&z).map(|(weight, z)| weight * z).sum();
            t2 += score * score / variance;
            for ((part, rest), (weight, z)) in parts.iter_mut().zip(&mut residual).zip(loading.iter().zip(&z)) {
                *part += score / variance * weight * z;
                *rest -= score * weight;
            }
        }
        let q = residual.iter().map(|rest| rest * rest).sum();
        residual.iter_mut().for_each(|rest| *rest *= *rest);
        Distance { t2, q, leading: (largest(&parts), largest(&residual)) }
    }

    /// Tags that it is for.
    #[must_use]
    pub fn tags(&self) -> usize {
        self.mean.len()
    }

    /// Components that stayed.
    #[must_use]
    pub fn components(&self) -> usize {
        self.variances.len()
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let tags = self.mean.len();
        let lengths = self.deviation.len() == tags && self.loadings.iter().all(|loading| loading.len() == tags);
        let numbers = self.mean.iter().chain(&self.deviation).chain(self.loadings.iter().flatten());
        let variances = self.loadings.len() == self.variances.len() && self.variances.iter().all(|share| *share > 0.0);
        tags <= TAGS_MAX && lengths && variances && numbers.into_iter().all(|number| number.is_finite())
    }

    fn of(rows: &[&[f64]], tags: usize, explained: f64, alpha: f64) -> Result<Multivariate, TooLittle> {
        let n = rows.len() as f64;
        if tags == 0 || rows.len() < 2 * tags + 2 {
            return Err(TooLittle::Rows { rows: rows.len(), tags });
        }
        let mean: Vec<f64> = (0..tags).map(|tag| rows.iter().map(|row| row[tag]).sum::<f64>() / n).collect();
        let deviation: Vec<f64> = (0..tags)
            .map(|tag| (rows.iter().map(|row| (row[tag] - mean[tag]).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
            .collect();
        let mut correlation = DMatrix::<f64>::zeros(tags, tags);
        for row in rows {
            let z = |tag: usize| if deviation[tag] > 0.0 { (row[tag] - mean[tag]) / deviation[tag] } else { 0.0 };
            let z: Vec<f64> = (0..tags).map(z).collect();
            for (i, left) in z.iter().enumerate() {
                for (j, right) in z.iter().enumerate() {
                    correlation[(i, j)] += left * right / (n - 1.0);
                }
            }
        }
        let eigen = SymmetricEigen::new(correlation);
        let mut order: Vec<usize> = (0..tags).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        let values: Vec<f64> = order.iter().map(|at| eigen.eigenvalues[*at].max(0.0)).collect();
        let total: f64 = values.iter().sum();
        if total <= 0.0 {
            return Err(TooLittle::Scatter);
        }
        let usable = values.iter().filter(|value| **value > LEAST_SHARE * total / tags as f64).count();
        let mut sum = 0.0;
        let wanted = values.iter().position(|value| {
            sum += value;
            sum >= explained * total
        });
        let stay = wanted.map_or(usable, |at| at + 1).clamp(1, usable);
        let loadings = order.iter().take(stay).map(|at| eigen.eigenvectors.column(*at).iter().copied().collect());
        Ok(Multivariate {
            mean,
            deviation,
            loadings: loadings.collect(),
            variances: values[..stay].to_vec(),
            t2_limit: phase_two_limit(n, stay as f64, alpha),
            q_limit: residual_limit(&values[stay..usable], alpha),
            left_out: 0,
        })
    }
}

fn largest(parts: &[f64]) -> usize {
    let found = parts.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
    found.map_or(0, |(at, _)| at)
}

fn phase_one_limit(n: f64, a: f64, alpha: f64) -> f64 {
    let beta = Beta::new(a / 2.0, (n - a - 1.0) / 2.0).map(|beta| beta.inverse_cdf(1.0 - alpha));
    (n - 1.0) * (n - 1.0) / n * beta.unwrap_or(1.0)
}

fn phase_two_limit(n: f64, a: f64, alpha: f64) -> f64 {
    let fisher = FisherSnedecor::new(a, n - a).map(|fisher| fisher.inverse_cdf(1.0 - alpha));
    a * (n * n - 1.0) / (n * (n - a)) * fisher.unwrap_or(f64::MAX)
}

/// θ₁ (z √(2θ₂h²)/θ₁ + 1 + θ₂h(h − 1)/θ₁²)^(1/h), θᵢ = Σλⁱ, h = 1 − 2θ₁θ₃/3θ₂².
fn residual_limit(left: &[f64], alpha: f64) -> Option<f64> {
    let theta = |power: i32| left.iter().map(|value| value.powi(power)).sum::<f64>();
    let (one, two, three) = (theta(1), theta(2), theta(3));
    if two <= 0.0 {
        return None;
    }
    let h = 1.0 - 2.0 * one * three / (3.0 * two * two);
    let z = Normal::standard().inverse_cdf(1.0 - alpha);
    let limit = one * (z * (2.0 * two * h * h).sqrt() / one + 1.0 + two * h * (h - 1.0) / (one * one)).powf(1.0 / h);
    (limit.is_finite() && limit > 0.0).then_some(limit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};
    use rand_pcg::Pcg64Mcg;

    const TAGS: usize = 6;

    /// Two hidden causes, six tags of different units, some noise.
    fn rows(count: usize, seed: u64) -> Vec<f64> {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut draw = || -> f64 { StandardNormal.sample(&mut rng) };
        let mut rows = Vec::new();
        for _ in 0..count {
            let (a, b) = (draw(), draw());
            let causes = [a, b, a + b, a - b, 2.0 * a, 0.5 * b];
            rows.extend(causes.iter().zip(0..).map(|(cause, tag)| 10_f64.powi(tag) * (cause + 0.3 * draw()) + 5.0));
        }
        rows
    }

    fn share_beyond(of: impl Fn(Distance) -> bool, known: &Multivariate, seed: u64) -> f64 {
        let fresh = rows(20_000, seed);
        let beyond = fresh.chunks_exact(TAGS).filter(|row| of(known.distance(row))).count();
        beyond as f64 / 20_000.0
    }

    #[test]
    fn limits_are_exceeded_as_often_as_wanted() {
        let known = Multivariate::learn(&rows(2_000, 1), TAGS, 0.9, 0.01).unwrap();
        assert_eq!(known.components(), 2);
        let (t2, q) = (known.t2_limit, known.q_limit.unwrap());
        let seen = share_beyond(|distance| distance.t2 > t2, &known, 2);
        assert!((0.006..0.015).contains(&seen), "{seen}");
        let seen = share_beyond(|distance| distance.q > q, &known, 3);
        assert!((0.006..0.015).contains(&seen), "{seen}");
    }

    #[test]
    fn a_broken_relation_is_seen_in_q_and_a_large_cause_in_t2() {
        let known = Multivariate::learn(&rows(500, 1), TAGS, 0.9, 0.0027).unwrap();
        let usual = 5.0;
        let mut broken = vec![usual; TAGS];
        broken[4] += 1e4 * 8.0;
        let seen = known.distance(&broken);
        assert!(seen.q > known.q_limit.unwrap() && seen.leading.1 == 4, "{seen:?}");
        let large: Vec<f64> =
            [4.0, 0.0, 4.0, 4.0, 8.0, 0.0].iter().zip(0..).map(|(cause, tag)| 10_f64.powi(tag) * cause + 5.0).collect();
        let seen = known.distance(&large);
        assert!(seen.t2 > known.t2_limit && seen.q < known.q_limit.unwrap(), "{seen:?}");
    }

    #[test]
    fn outliers_of_phase_one_are_left_out_and_too_few_rows_refused() {
        let mut learnt = rows(300, 4);
        learnt[0] += 40.0;
        learnt[TAGS * 100 + 1] -= 900.0;
        let known = Multivariate::learn(&learnt, TAGS, 1.0, 0.0027).unwrap();
        assert!(known.left_out >= 2 && known.left_out < 8, "{}", known.left_out);
        assert!((known.deviation[0] - 1.04).abs() < 0.2);
        assert!(known.q_limit.is_none() && known.is_sound());
        let few = Multivariate::learn(&learnt[..TAGS * 10], TAGS, 0.9, 0.0027);
        assert_eq!(few.unwrap_err(), TooLittle::Rows { rows: 10, tags: 6 });
        assert_eq!(Multivariate::learn(&[1.0; 60], 2, 0.9, 0.01).unwrap_err(), TooLittle::Scatter);
    }

    #[test]
    fn a_constant_tag_takes_no_part() {
        let mut learnt = rows(300, 5);
        learnt.chunks_exact_mut(TAGS).for_each(|row| row[3] = 1.0);
        let known = Multivariate::learn(&learnt, TAGS, 1.0, 0.01).unwrap();
        assert_eq!(known.components(), 5);
        let mut row = vec![5.0; TAGS];
        let before = known.distance(&row);
        row[3] = 77.0;
        assert_eq!(known.distance(&row).t2, before.t2);
    }
}
