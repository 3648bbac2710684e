//! Scaling, and values that are not there: each is taken as what the others of its row make likeliest.

use nalgebra::{Cholesky, DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// Of the correlations' off-diagonal: keeps the matrix invertible where tags are copies of each other.
const SHRINK: f64 = 0.003;
/// Deviation below this share of the mean's size is rounding, and the tag constant.
const ROUNDING: f64 = 1e-10;

/// Mean, deviation and correlations of single rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// The tags that vary, by their place among all.
    used: Vec<usize>,
    /// Of all tags.
    tags: usize,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    /// Inverse correlations, row by row.
    precision: Vec<f64>,
}

impl Scale {
    /// From rows of `tags` values each, NaN where one is missing; none where nothing varies.
    #[must_use]
    pub fn learn(rows: &[f64], tags: usize) -> Option<Scale> {
        let column = |tag: usize| rows.iter().skip(tag).step_by(tags).copied().filter(|value| value.is_finite());
        let (mut used, mut means, mut deviations) = (Vec::new(), Vec::new(), Vec::new());
        for tag in 0..tags {
            let count = column(tag).count() as f64;
            let mean = column(tag).sum::<f64>() / count;
            let deviation = (column(tag).map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
            if deviation.is_finite() && deviation > ROUNDING * mean.abs() {
                used.push(tag);
                means.push(mean);
                deviations.push(deviation);
            }
        }
        if used.is_empty() {
            return None;
        }
        let d = used.len();
        let mut scale = Scale { used, tags, mean: means, deviation: deviations, precision: identity(d) };
        // Twice: at first a missing value is taken as the mean, then as what the correlations say.
        for _ in 0..2 {
            scale.precision = scale.inverse_correlations(rows)?;
        }
        Some(scale)
    }

    /// Tags that take part, by their place among all.
    #[must_use]
    pub fn used(&self) -> &[usize] {
        &self.used
    }

    /// Tags in a row.
    #[must_use]
    pub fn tags(&self) -> usize {
        self.tags
    }

    /// A row in deviations from the mean, with missing values (NaN) filled in; none where less than half of it is there.
    #[must_use]
    pub fn standardise(&self, row: &[f64]) -> Option<Vec<f64>> {
        let scaled = |at: usize, tag: &usize| {
            row.get(*tag).map_or(f64::NAN, |value| (value - self.mean[at]) / self.deviation[at])
        };
        let mut z: Vec<f64> = self.used.iter().enumerate().map(|(at, tag)| scaled(at, tag)).collect();
        let missing: Vec<usize> = (0..z.len()).filter(|at| !z[*at].is_finite()).collect();
        if missing.len() * 2 > z.len() {
            return None;
        }
        if !missing.is_empty() {
            self.fill(&mut z, &missing);
        }
        Some(z)
    }

    /// The conditional mean of what is missing: −P_MM⁻¹ P_MO z_O, P being the inverse correlations.
    fn fill(&self, z: &mut [f64], missing: &[usize]) {
        let d = z.len();
        let p = |i: usize, j: usize| self.precision[i * d + j];
        missing.iter().for_each(|at| z[*at] = 0.0);
        let inner = DMatrix::from_fn(missing.len(), missing.len(), |i, j| p(missing[i], missing[j]));
        let outer = DVector::from_iterator(
            missing.len(),
            missing.iter().map(|at| -(0..d).map(|other| p(*at, other) * z[other]).sum::<f64>()),
        );
        // Without a solution the mean stays.
        if let Some(factor) = Cholesky::new(inner) {
            let found = factor.solve(&outer);
            missing.iter().zip(found.iter()).for_each(|(at, value)| z[*at] = *value);
        }
    }

    fn inverse_correlations(&self, rows: &[f64]) -> Option<Vec<f64>> {
        let d = self.used.len();
        let mut sum = DMatrix::<f64>::zeros(d, d);
        let mut count = 0.0;
        for row in rows.chunks_exact(self.tags) {
            let Some(z) = self.standardise(row) else { continue };
            count += 1.0;
            for j in 0..d {
                for i in j..d {
                    sum[(i, j)] += z[i] * z[j];
                }
            }
        }
        let correlation = DMatrix::from_fn(d, d, |i, j| {
            let part = sum[(i.max(j), i.min(j))] / count;
            if i == j { part.max(1e-6) } else { (1.0 - SHRINK) * part }
        });
        let inverse = Cholesky::new(correlation)?.inverse();
        inverse.iter().all(|value| value.is_finite()).then(|| inverse.iter().copied().collect())
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let d = self.used.len();
        let lengths = self.mean.len() == d && self.deviation.len() == d && self.precision.len() == d * d && d > 0;
        let used = self.used.windows(2).all(|pair| pair[0] < pair[1]) && self.used.iter().all(|tag| *tag < self.tags);
        let numbers = self.mean.iter().chain(&self.precision).all(|value| value.is_finite());
        lengths && used && numbers && self.deviation.iter().all(|value| value.is_finite() && *value > 0.0)
    }
}

fn identity(d: usize) -> Vec<f64> {
    (0..d * d).map(|at| if at / d == at % d { 1.0 } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// b follows a, c is constant, d does as it likes.
    fn rows() -> Vec<f64> {
        (0..400)
            .flat_map(|at| {
                let (a, own) = ((f64::from(at) * 0.37).sin(), (f64::from(at) * 1.91).cos());
                [10.0 + a, 2.0 * a + 0.01 * own, 7.0, 1e6 * own]
            })
            .collect()
    }

    #[test]
    fn a_missing_value_is_what_the_others_say() {
        let scale = Scale::learn(&rows(), 4).unwrap();
        assert_eq!(scale.used(), [0, 1, 3]);
        let full = scale.standardise(&[10.5, 1.0, 7.0, 0.0]).unwrap();
        let filled = scale.standardise(&[10.5, f64::NAN, 7.0, 0.0]).unwrap();
        assert!((full[1] - filled[1]).abs() < 0.05, "{full:?} {filled:?}");
        assert!(scale.standardise(&[f64::NAN, f64::NAN, 7.0, 0.0]).is_none());
        assert!(scale.is_sound());
    }

    #[test]
    fn gaps_in_what_is_learnt_from_do_no_harm() {
        let mut gappy = rows();
        gappy.iter_mut().step_by(17).for_each(|value| *value = f64::NAN);
        let (whole, learnt) = (Scale::learn(&rows(), 4).unwrap(), Scale::learn(&gappy, 4).unwrap());
        let row = [10.9, 1.7, 7.0, 4e5];
        let (a, b) = (whole.standardise(&row).unwrap(), learnt.standardise(&row).unwrap());
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 0.2), "{a:?} {b:?}");
    }

    #[test]
    fn nothing_that_varies_is_none() {
        assert!(Scale::learn(&[1.0; 40], 4).is_none());
        assert!(Scale::learn(&[f64::NAN; 40], 4).is_none());
    }
}
