//! How rare a statistic is in its own past.
//!
//! The score is −log₁₀ of the share of the past that was larger; one that was never seen before also gets its logarithmic
//! distance to the record. So statistics of any unit and distribution can be averaged, and a series that is wild by nature
//! has to become wilder than it was. (Lavin and Ahmad's anomaly likelihood does the same with one normal distribution.)

use serde::{Deserialize, Serialize};

/// Cells of the histogram, equal ones of the statistic's logarithm from `FLOOR` to `CEILING`.
const CELLS: usize = 400;
const FLOOR: f64 = 1e-3;
const CEILING: f64 = 1e4;
/// After so many rows all counts are halved, so that the past slowly fades.
const ROWS_MAX: u32 = 1 << 20;

/// The past of one statistic, about half a kilobyte in a saved state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    counts: Vec<u32>,
    rows: u32,
    /// Logarithm of the largest one.
    record: f64,
}

impl Default for Tail {
    fn default() -> Self {
        Tail { counts: vec![0; CELLS], rows: 0, record: FLOOR.ln() }
    }
}

impl Tail {
    /// Whether what a saved state holds can be used.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let sum = self.counts.iter().try_fold(0_u32, |sum, count| sum.checked_add(*count));
        self.counts.len() == CELLS
            && self.record.is_finite()
            && self.rows <= ROWS_MAX
            && sum.is_some_and(|sum| sum <= self.rows)
    }

    /// Takes a row's statistic, not negative; its score.
    pub fn push(&mut self, statistic: f64) -> f64 {
        let log = (statistic + FLOOR).min(CEILING).ln().max(FLOOR.ln());
        let share = (log - FLOOR.ln()) / (CEILING.ln() - FLOOR.ln());
        let cell = ((share * CELLS as f64) as usize).min(CELLS - 1);
        // Wrapping, as their sum is at most `rows`: checked additions would be most of the work of a row.
        let above = self.counts.iter().skip(cell + 1).fold(0_u32, |sum, count| sum.wrapping_add(*count));
        let same = self.counts.get(cell).copied().unwrap_or(0);
        let rarer = (f64::from(above) + 0.5 * f64::from(same) + 0.5) / (f64::from(self.rows) + 1.0);
        let mut score = -rarer.min(1.0).log10();
        if self.rows > 0 && log > self.record {
            score += log - self.record;
        }
        self.record = self.record.max(log);
        if let Some(count) = self.counts.get_mut(cell) {
            *count += 1;
        }
        self.rows += 1;
        if self.rows >= ROWS_MAX {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.rows = self.counts.iter().sum();
        }
        score
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    #[test]
    fn the_score_is_the_logarithm_of_the_share_above() {
        let (mut noise, mut tail) = (Noise::new(3), Tail::default());
        for _ in 0..10_000 {
            tail.push(noise.normal().abs());
        }
        let at = |x: f64| tail.clone().push(x);
        assert!((at(0.6745) - 0.301).abs() < 0.05, "half are larger: {}", at(0.6745));
        assert!((at(1.645) - 1.0).abs() < 0.1, "a tenth: {}", at(1.645));
        assert!(at(0.0) < 0.01);
        assert!(at(10.0) > 4.0 && at(100.0) > at(10.0) + 2.0, "beyond the record it goes on");
        assert!(at(f64::MAX).is_finite());
    }

    #[test]
    fn the_past_fades_and_never_overflows() {
        let mut tail = Tail::default();
        for _ in 0..3 * ROWS_MAX {
            tail.push(1.0);
        }
        assert!(tail.is_sound() && tail.rows < ROWS_MAX);
        assert!(tail.push(2.0) > 5.0);
        assert!(!Tail { counts: vec![1; 3], ..tail }.is_sound());
    }
}
