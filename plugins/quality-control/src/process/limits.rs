//! Thresholds of moving averages, from scores of rows that the fit did not see.
//!
//! Scores that follow each other are alike, so whole blocks are drawn (H. R. Künsch, "The jackknife and the bootstrap for
//! general stationary observations", Annals of Statistics 17, 1989). The limit is not the quantile that was seen but one
//! that few of the drawn series exceed: that is what keeps the rate of false alarms on rows to come.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Rows of a block: longer than the memory of the slow average.
const BLOCK: usize = 80;
/// Series that are drawn.
const DRAWN: usize = 300;
/// Quantile of each: one false row in 400.
const QUANTILE: f64 = 0.9975;
/// Share of the drawn series whose quantile stays below the limit.
const SURE: f64 = 0.9;
/// Beyond that: a thousand rows hold some twenty independent stretches of the slow average, and no resampling of them shows
/// what the next would be.
const MARGIN: f64 = 1.05;
/// The drawing's fixed beginning: the same rows give the same limits.
const SEED: u64 = 20_260_101;

/// A moving average with weight `lambda` over the scores, beginning at `from`.
pub(crate) fn averages(scores: &[f64], lambda: f64, from: f64) -> Vec<f64> {
    let step = |at: &mut f64, score: &f64| {
        *at += lambda * (score - *at);
        Some(*at)
    };
    scores.iter().scan(from, step).collect()
}

/// The limit of such averages; none of nothing.
pub(crate) fn limit(averages: &[f64]) -> Option<f64> {
    let n = averages.len();
    let block = BLOCK.min(n / 4).max(1);
    if n < 2 * block {
        return None;
    }
    let mut rng = Pcg64Mcg::seed_from_u64(SEED);
    let mut quantiles: Vec<f64> = Vec::with_capacity(DRAWN);
    let mut drawn: Vec<f64> = Vec::with_capacity(n + block);
    for _ in 0..DRAWN {
        drawn.clear();
        while drawn.len() < n {
            let from = rng.random_range(0..=n - block);
            drawn.extend_from_slice(&averages[from..from + block]);
        }
        quantiles.push(quantile(&mut drawn, QUANTILE));
    }
    Some(MARGIN * quantile(&mut quantiles, SURE))
}

/// The value that the share `at` of them does not exceed; reorders them.
pub(crate) fn quantile(values: &mut [f64], at: f64) -> f64 {
    let place = (at * (values.len() - 1) as f64).round() as usize;
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// The middle one of them; zero of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { quantile(&mut values.to_vec(), 0.5) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn few_rows_to_come_exceed_the_limit() {
        let mut rng = Pcg64Mcg::seed_from_u64(4);
        let mut scores = |count: usize| -> Vec<f64> {
            (0..count)
                .map(|_| {
                    let draw: f64 = StandardNormal.sample(&mut rng);
                    1.0 + 0.1 * draw
                })
                .collect()
        };
        let mut worst: f64 = 0.0;
        for _ in 0..20 {
            let limit = limit(&averages(&scores(1_000), 0.05, 1.0)).unwrap();
            let later = averages(&scores(10_000), 0.05, 1.0);
            worst = worst.max(later.iter().filter(|at| **at > limit).count() as f64 / 10_000.0);
        }
        assert!(worst < 0.01, "{worst}");
    }

    #[test]
    fn the_same_scores_give_the_same_limit() {
        let scores: Vec<f64> = (0..200).map(|at| f64::from(at).sin()).collect();
        assert_eq!(limit(&scores), limit(&scores));
        assert_eq!(limit(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    }
}
