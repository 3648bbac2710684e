//! Phase I: limits from a stretch of data that should be in control, with what clearly was not left out.

use super::Baseline;
use super::subgroup::{Spread, mean};

/// Rounds of screening at most; two are usual.
const ROUNDS_MAX: usize = 10;
/// Where a mean and a spread are screened, in their own deviations. The textbook's 3 leave out one moving range in a hundred
/// of a process that is well, and σ̂ comes out 3 % too small.
const SCREEN: f64 = 3.5;
/// If more than this share would be left out, the stretch was not in control, and no screening makes it so.
const LEFT_OUT_MAX: f64 = 0.25;

/// What a stretch of subgroups says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Centre and deviation of single values.
    pub baseline: Baseline,
    /// Subgroups (or single values) that were left out.
    pub left_out: usize,
    /// Whether those that remain are within their own limits.
    pub in_control: bool,
}

/// From the means of subgroups of `size` values and their spreads; none where nothing varies, or there are less than two.
///
/// Centre: mean of the means. σ: mean spread over d₂ or c₄ (for single values the mean moving range over d₂ of two). What
/// lies beyond such limits of its mean or above those of its spread is left out, and limits are taken again, until none is
/// (Montgomery, chapter 6: "trial control limits"). A moving range belongs to the later of its two values.
#[must_use]
pub fn estimate(means: &[f64], spreads: &[Option<f64>], size: usize, spread: Spread) -> Option<Estimate> {
    let mut kept: Vec<bool> = vec![true; means.len()];
    let mut found = limits(means, spreads, &kept, size, spread)?;
    for _ in 0..ROUNDS_MAX {
        let within: Vec<bool> =
            (0..means.len()).map(|at| is_within(means, spreads, at, &found, size, spread)).collect();
        let next: Vec<bool> = kept.iter().zip(&within).map(|(kept, within)| *kept && *within).collect();
        let left_out = next.iter().filter(|kept| !**kept).count();
        if left_out as f64 > LEFT_OUT_MAX * means.len() as f64 {
            let left_out = kept.iter().filter(|kept| !**kept).count();
            return Some(Estimate { baseline: found, left_out, in_control: false });
        }
        if next == kept {
            return Some(Estimate { baseline: found, left_out, in_control: true });
        }
        kept = next;
        found = limits(means, spreads, &kept, size, spread)?;
    }
    let left_out = kept.iter().filter(|kept| !**kept).count();
    Some(Estimate { baseline: found, left_out, in_control: true })
}

fn limits(means: &[f64], spreads: &[Option<f64>], kept: &[bool], size: usize, spread: Spread) -> Option<Baseline> {
    let of_means: Vec<f64> = means.iter().zip(kept).filter(|(_, kept)| **kept).map(|(mean, _)| *mean).collect();
    let of_spreads: Vec<f64> =
        spreads.iter().zip(kept).filter(|(_, kept)| **kept).filter_map(|(spread, _)| *spread).collect();
    if of_means.len() < 2 || of_spreads.is_empty() {
        return None;
    }
    Baseline::new(mean(&of_means), mean(&of_spreads) / spread.constants(size).0)
}

fn is_within(
    means: &[f64],
    spreads: &[Option<f64>],
    at: usize,
    baseline: &Baseline,
    size: usize,
    spread: Spread,
) -> bool {
    let reach = SCREEN * baseline.sigma / (size.max(1) as f64).sqrt();
    let (mean, deviation) = spread.constants(size);
    let most = baseline.sigma * (mean + SCREEN * deviation);
    let mean_within = means.get(at).is_some_and(|mean| (mean - baseline.centre).abs() <= reach);
    mean_within && spreads.get(at).copied().flatten().is_none_or(|spread| spread <= most)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::charts::subgroup::Filling;
    use rand::SeedableRng;
    use rand_distr::{Distribution, Normal};
    use rand_pcg::Pcg64Mcg;

    fn of(values: &[f64], size: usize, spread: Spread) -> Option<Estimate> {
        let mut filling = Filling::default();
        let full: Vec<_> = values.iter().filter_map(|value| filling.add(*value, size, spread)).collect();
        let (means, spreads): (Vec<f64>, Vec<Option<f64>>) = full.into_iter().unzip();
        estimate(&means, &spreads, size, spread)
    }

    fn noise(count: usize) -> Vec<f64> {
        let mut rng = Pcg64Mcg::seed_from_u64(7);
        let normal = Normal::new(50.0, 2.0).unwrap();
        (0..count).map(|_| normal.sample(&mut rng)).collect()
    }

    #[test]
    fn centre_and_deviation_are_found_whatever_the_subgroups() {
        for (size, spread) in [(1, Spread::Range), (5, Spread::Range), (5, Spread::Deviation), (12, Spread::Deviation)]
        {
            let found = of(&noise(6_000), size, spread).unwrap();
            assert!((found.baseline.centre - 50.0).abs() < 0.1, "{size} {found:?}");
            assert!((found.baseline.sigma - 2.0).abs() < 0.06, "{size} {found:?}");
            assert!(found.in_control);
        }
    }

    #[test]
    fn outliers_are_left_out() {
        let mut values = noise(300);
        for at in [40, 120, 121, 250] {
            values[at] += 40.0;
        }
        let found = of(&values, 1, Spread::Range).unwrap();
        assert!((found.baseline.sigma - 2.0).abs() < 0.3 && (found.baseline.centre - 50.0).abs() < 0.4, "{found:?}");
        assert!(found.left_out >= 4 && found.in_control, "{found:?}");
    }

    #[test]
    fn a_process_that_wanders_is_not_called_in_control() {
        let values: Vec<f64> = noise(400).iter().enumerate().map(|(at, noise)| noise + 0.3 * at as f64).collect();
        assert!(!of(&values, 1, Spread::Range).unwrap().in_control);
    }

    #[test]
    fn what_does_not_vary_gives_no_limits() {
        assert_eq!(of(&[4.0; 50], 1, Spread::Range), None);
        assert_eq!(of(&[4.0], 1, Spread::Range), None);
    }
}
