//! The covariance of lagged rows, factorised: C = L Lᵀ, so that a distance is one triangular solution.

use nalgebra::{Cholesky, DMatrix};
use serde::{Deserialize, Serialize};

/// Sums over lagged rows, to which rows are added and from which they are taken away.
#[derive(Clone, Debug)]
pub(crate) struct Scatter {
    count: f64,
    sum: Vec<f64>,
    /// Lower half, row by row: (i, j) with j ≤ i stands at i(i + 1)/2 + j.
    products: Vec<f64>,
}

impl Scatter {
    pub(crate) fn new(values: usize) -> Scatter {
        Scatter { count: 0.0, sum: vec![0.0; values], products: vec![0.0; values * (values + 1) / 2] }
    }

    /// Adds a lagged row with the weight 1, or takes it away with −1.
    pub(crate) fn add(&mut self, row: &[f64], weight: f64) {
        self.count += weight;
        let mut at = 0;
        for (i, (sum, left)) in self.sum.iter_mut().zip(row).enumerate() {
            let left = weight * left;
            *sum += left;
            let products = &mut self.products[at..at + i + 1];
            products.iter_mut().zip(row).for_each(|(product, right)| *product += left * right);
            at += i + 1;
        }
    }

    pub(crate) fn count(&self) -> f64 {
        self.count
    }

    /// Mean and factor of the covariance, its off-diagonal made smaller by the share `shrink`; none where it is singular.
    pub(crate) fn factorise(&self, shrink: f64) -> Option<Factor> {
        let (n, values) = (self.count, self.sum.len());
        if n < 2.0 {
            return None;
        }
        let mean: Vec<f64> = self.sum.iter().map(|sum| sum / n).collect();
        let covariance = DMatrix::from_fn(values, values, |i, j| {
            if j > i {
                return 0.0;
            }
            let part = (self.products[i * (i + 1) / 2 + j] - n * mean[i] * mean[j]) / (n - 1.0);
            if i == j { part.max(f64::EPSILON) } else { (1.0 - shrink) * part }
        });
        // Only the lower half is looked at.
        let lower = Cholesky::new(covariance)?.unpack_dirty();
        let factor = (0..values).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|at| lower[at]).collect();
        Some(Factor { mean, lower: factor })
    }
}

/// Mean and L, lower half row by row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    mean: Vec<f64>,
    lower: Vec<f64>,
}

impl Factor {
    /// Values of a lagged row.
    #[must_use]
    pub fn values(&self) -> usize {
        self.mean.len()
    }

    /// L⁻¹(row − mean): the squares of its numbers sum up to the squared distance.
    #[must_use]
    pub fn whiten(&self, row: &[f64]) -> Vec<f64> {
        let mut white = Vec::with_capacity(self.values());
        let mut at = 0;
        for (i, (value, mean)) in row.iter().zip(&self.mean).enumerate() {
            let before: f64 = dot(&self.lower[at..at + i], &white);
            white.push((value - mean - before) / self.lower[at + i]);
            at += i + 1;
        }
        white
    }

    /// L⁻ᵀ of what [`Factor::whiten`] gave: C⁻¹(row − mean).
    #[must_use]
    pub fn gradient(&self, white: &[f64]) -> Vec<f64> {
        let mut gradient = white.to_vec();
        for i in (0..gradient.len()).rev() {
            let at = i * (i + 1) / 2;
            gradient[i] /= self.lower[at + i];
            let own = gradient[i];
            gradient[..i].iter_mut().zip(&self.lower[at..at + i]).for_each(|(value, factor)| *value -= factor * own);
        }
        gradient
    }

    /// The diagonal of C⁻¹.
    #[must_use]
    pub fn precisions(&self) -> Vec<f64> {
        let values = self.values();
        let unit = |at: usize| {
            let row: Vec<f64> =
                self.mean.iter().enumerate().map(|(i, mean)| mean + if i == at { 1.0 } else { 0.0 }).collect();
            self.whiten(&row).iter().map(|value| value * value).sum()
        };
        (0..values).map(unit).collect()
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let values = self.values();
        let numbers = self.mean.iter().chain(&self.lower).all(|value| value.is_finite());
        let diagonal = (0..values).all(|i| self.lower.get(i * (i + 1) / 2 + i).is_some_and(|value| *value > 0.0));
        self.lower.len() == values * (values + 1) / 2 && numbers && diagonal
    }
}

/// Four sums side by side, so that additions need not wait for each other.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (left_fours, right_fours) = (left.chunks_exact(4), right.chunks_exact(4));
    let rest: f64 = left_fours.remainder().iter().zip(&right[left.len() - left.len() % 4..]).map(|(a, b)| a * b).sum();
    for (a, b) in left_fours.zip(right_fours) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn rows() -> Vec<[f64; 3]> {
        (0..50).map(f64::from).map(|at| [at.sin(), at.sin() + 0.3 * (2.3 * at).cos(), (0.7 * at).cos() + 2.0]).collect()
    }

    #[test]
    fn distance_and_gradient_are_those_of_the_inverse() {
        let mut scatter = Scatter::new(3);
        rows().iter().for_each(|row| scatter.add(row, 1.0));
        let factor = scatter.factorise(0.0).unwrap();
        let all = rows();
        let mean: Vec<f64> = (0..3).map(|i| all.iter().map(|row| row[i]).sum::<f64>() / 50.0).collect();
        let covariance = DMatrix::from_fn(3, 3, |i, j| {
            all.iter().map(|row| (row[i] - mean[i]) * (row[j] - mean[j])).sum::<f64>() / 49.0
        });
        let inverse = covariance.try_inverse().unwrap();
        let row = [0.4, -0.2, 1.0];
        let off = DMatrix::from_fn(3, 1, |i, _| row[i] - mean[i]);
        let expected = &inverse * &off;
        let white = factor.whiten(&row);
        let distance: f64 = white.iter().map(|value| value * value).sum();
        assert!((distance - (off.transpose() * &expected)[(0, 0)]).abs() < 1e-9);
        assert!(factor.gradient(&white).iter().zip(expected.iter()).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(factor.precisions().iter().enumerate().all(|(i, p)| (p - inverse[(i, i)]).abs() < 1e-9));
        assert!(factor.is_sound());
    }

    #[test]
    fn what_was_taken_away_is_gone() {
        let (mut some, mut all) = (Scatter::new(3), Scatter::new(3));
        rows().iter().take(40).for_each(|row| some.add(row, 1.0));
        rows().iter().for_each(|row| all.add(row, 1.0));
        rows().iter().skip(40).for_each(|row| all.add(row, -1.0));
        let (a, b) = (some.factorise(0.01).unwrap(), all.factorise(0.01).unwrap());
        assert!(a.lower.iter().zip(&b.lower).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}
