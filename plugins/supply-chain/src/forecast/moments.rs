//! Running second moments of a regression's rows, from which any subset of it is solved.

use nalgebra::{Cholesky, DMatrix, DVector};
/// Sums of products of the rows' entries, the first of which is always 1. Older rows fade.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Entries of a row.
    width: usize,
    /// Row-major; only at and below the diagonal.
    sums: Vec<f64>,
    /// What each row leaves of those before it, in (0, 1].
    keep: f64,
    /// The grown weight of a new row: fading all sums at each row would cost as much as adding it.
    weight: f64,
}

/// Sums are scaled back where the newest row's weight has grown beyond this.
const MAX_WEIGHT: f64 = 1e6;

impl Moments {
    /// None yet. `keep` is the share that a row leaves of those before it.
    #[must_use]
    pub fn new(width: usize, keep: f64) -> Self {
        Self { width, sums: vec![0.0; width * width], keep, weight: 1.0 }
    }

    /// Adds a row of that width, which begins with 1, with a weight of at most 1.
    pub fn add(&mut self, row: &[f64], weight: f64) {
        self.weight /= self.keep;
        if self.weight > MAX_WEIGHT {
            let back = 1.0 / self.weight;
            self.sums.iter_mut().for_each(|sum| *sum *= back);
            self.weight = 1.0;
        }
        for (index, (sums, value)) in self.sums.chunks_exact_mut(self.width).zip(row).enumerate() {
            let value = value * self.weight * weight;
            for (sum, other) in sums.iter_mut().zip(&row[..=index]) {
                *sum += value * other;
            }
        }
    }

    /// How many rows it stands on, faded ones in part.
    #[must_use]
    pub fn rows(&self) -> f64 {
        self.sums.first().map_or(0.0, |sum| sum / self.weight)
    }

    fn sum(&self, a: usize, b: usize) -> f64 {
        self.sums[a.max(b) * self.width + a.min(b)]
    }

    fn mean(&self, entry: usize) -> f64 {
        self.sum(entry, 0) / self.sum(0, 0)
    }

    fn covariance(&self, a: usize, b: usize) -> f64 {
        self.sum(a, b) / self.sum(0, 0) - self.mean(a) * self.mean(b)
    }

    /// The entry's variance.
    #[must_use]
    pub fn variance(&self, entry: usize) -> f64 {
        self.covariance(entry, entry).max(0.0)
    }

    /// Regresses the entry `target` on `entries` and a constant: the least mean square plus, for each coefficient, its
    /// `penalty` times the square of its distance from its `prior`. Gives the constant and the coefficients; none where
    /// the entries are collinear and unpenalised.
    #[must_use]
    pub fn ridge(&self, target: usize, entries: &[usize], penalty: &[f64], prior: &[f64]) -> Option<(f64, Vec<f64>)> {
        let n = entries.len();
        let covariance = DMatrix::from_fn(n, n, |i, j| self.covariance(entries[i], entries[j]));
        let prior = DVector::from_column_slice(prior);
        let with_target = DVector::from_fn(n, |i, _| self.covariance(entries[i], target));
        let right = with_target - &covariance * &prior;
        let mut left = covariance;
        for (i, penalty) in penalty.iter().enumerate() {
            left[(i, i)] += penalty;
        }
        let coefficients = Cholesky::new(left)?.solve(&right) + prior;
        let explained: f64 = entries.iter().zip(coefficients.iter()).map(|(entry, b)| b * self.mean(*entry)).sum();
        let constant = self.mean(target) - explained;
        let coefficients: Vec<f64> = coefficients.iter().copied().collect();
        (constant.is_finite() && coefficients.iter().all(|b| b.is_finite())).then_some((constant, coefficients))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// y = 3 + 2 a − b, without noise.
    fn exact(keep: f64) -> Moments {
        let mut moments = Moments::new(4, keep);
        for i in 0..40 {
            let (a, b) = (f64::from(i % 7), f64::from(i % 5));
            moments.add(&[1.0, a, b, 3.0 + 2.0 * a - b], 1.0);
        }
        moments
    }

    #[test]
    fn what_is_exact_is_found() {
        for keep in [1.0, 0.9, 0.5] {
            let (constant, b) = exact(keep).ridge(3, &[1, 2], &[0.0, 0.0], &[0.0, 0.0]).unwrap();
            assert!((constant - 3.0).abs() < 1e-6 && (b[0] - 2.0).abs() < 1e-6 && (b[1] + 1.0).abs() < 1e-6, "{keep}");
        }
    }

    #[test]
    fn a_penalty_pulls_to_the_prior() {
        let (_, b) = exact(1.0).ridge(3, &[1, 2], &[1e9, 1e9], &[0.5, 0.25]).unwrap();
        assert!((b[0] - 0.5).abs() < 1e-6 && (b[1] - 0.25).abs() < 1e-6, "{b:?}");
    }

    #[test]
    fn old_rows_fade() {
        assert!((exact(1.0).rows() - 40.0).abs() < 1e-9);
        assert!((exact(0.9).rows() - 10.0).abs() < 0.2);
        // The weight is scaled back many times over.
        let mut moments = Moments::new(2, 0.5);
        (0..10_000).for_each(|i| moments.add(&[1.0, f64::from(i)], 1.0));
        assert!((moments.rows() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_solved_where_nothing_varies() {
        let mut moments = Moments::new(3, 1.0);
        (0..9).for_each(|_| moments.add(&[1.0, 2.0, 2.0], 1.0));
        assert_eq!(moments.ridge(2, &[1], &[0.0], &[1.0]), None);
    }
}
