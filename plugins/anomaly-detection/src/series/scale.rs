//! The first rows' centre and width, so that everything after them is a plain number without unit.

use serde::{Deserialize, Serialize};

/// A median absolute deviation as a standard deviation of normal noise.
const MAD_TO_SD: f64 = 1.4826;
/// The distance from the tenth to the ninetieth percentile, in standard deviations of normal noise.
const DECILES_TO_SD: f64 = 2.563;
/// Where most samples are equal, this share of the standard deviation is the width.
const SD_SHARE: f64 = 0.1;
/// Beyond so many widths a sample counts as this many: one wild number does not blind the averages for long.
const REACH: f64 = 100.0;

/// What makes samples comparable: invariant to the unit, the offset and the sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    centre: f64,
    /// 0 while all samples were equal.
    width: f64,
}

impl Scale {
    /// Learns from samples in any order.
    #[must_use]
    pub fn learn(samples: &[f64]) -> Scale {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let centre = median(&sorted);
        let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else { return Scale::default() };
        if low == high {
            return Scale { centre, width: 0.0 };
        }
        let tenth = sorted.len() / 10;
        let deciles = (at(&sorted, sorted.len() - 1 - tenth) - at(&sorted, tenth)) / DECILES_TO_SD;
        // From the largest distance, so that no square overflows.
        let reach = (high - centre).max(centre - low);
        let squares: f64 = sorted.iter().map(|x| ((x - centre) / reach).powi(2)).sum();
        let mean = sorted.iter().map(|x| (x - centre) / reach).sum::<f64>() / sorted.len() as f64;
        let sd = reach * (squares / sorted.len() as f64 - mean * mean).max(0.0).sqrt();
        sorted.iter_mut().for_each(|x| *x = (*x - centre).abs());
        sorted.sort_by(f64::total_cmp);
        let mad = MAD_TO_SD * median(&sorted);
        let width = mad.max(deciles).max(SD_SHARE * sd);
        Scale { centre, width: if width.is_finite() { width } else { 0.0 } }
    }

    /// A sample in widths from the centre. After a calibration of equal samples, the first other one gives the width.
    pub fn apply(&mut self, x: f64) -> f64 {
        let distance = x - self.centre;
        if self.width <= 0.0 {
            if distance == 0.0 {
                return 0.0;
            }
            self.width = distance.abs() / 10.0;
        }
        let z = distance / self.width;
        if z.is_nan() { 0.0 } else { z.clamp(-REACH, REACH) }
    }
}

/// Of sorted numbers; 0 of none. The middle of the two in the middle, so that a change of sign changes only the sign.
fn median(sorted: &[f64]) -> f64 {
    0.5 * at(sorted, sorted.len().saturating_sub(1) / 2) + 0.5 * at(sorted, sorted.len() / 2)
}

fn at(sorted: &[f64], index: usize) -> f64 {
    sorted.get(index).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    #[test]
    fn noise_has_unit_width_in_any_unit() {
        let mut noise = Noise::new(1);
        let plain: Vec<f64> = (0..2000).map(|_| noise.normal()).collect();
        let mut scale = Scale::learn(&plain);
        assert!((scale.apply(1.0) - scale.apply(0.0) - 1.0).abs() < 0.1);
        for (factor, offset) in [(1000.0, 5e4), (-1000.0, 5e4), (1e-6, -3.0)] {
            let other: Vec<f64> = plain.iter().map(|x| x * factor + offset).collect();
            let mut moved = Scale::learn(&other);
            for (x, y) in plain.iter().zip(&other) {
                assert!((scale.apply(*x) - f64::signum(factor) * moved.apply(*y)).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn equal_samples_and_none_and_wild_ones_leave_it_finite() {
        let mut flat = Scale::learn(&[7.0; 50]);
        assert_eq!((flat.apply(7.0), flat.apply(8.0), flat.apply(7.5)), (0.0, 10.0, 5.0));
        let mut none = Scale::learn(&[]);
        assert_eq!((none.apply(0.0), none.apply(-2.0)), (0.0, -10.0));
        let mut wild = Scale::learn(&[1e308, -1e308, 0.0, 1.0]);
        assert!(wild.apply(1e308).is_finite() && wild.apply(-1e308).is_finite());
        let mut rare: Vec<f64> = vec![0.0; 100];
        rare[3] = 5.0;
        assert!((1.0..=REACH).contains(&Scale::learn(&rare).apply(5.0)));
    }
}
