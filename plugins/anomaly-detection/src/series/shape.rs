//! Whether the last stretch of a series looks like any stretch before it.
//!
//! The series is cut into blocks; a block is its mean and its range. A window is a few blocks, and its novelty the root mean
//! square distance to the second-nearest of all earlier windows: a discord in the sense of Keogh, Lin and Fu (2005), searched
//! backwards only. The second-nearest, so that an anomaly that happened once is still one when it returns.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Blocks that are remembered: five times the calibration at the finest cut, sixty times at the coarsest.
pub const BLOCKS_MAX: usize = 1024;
/// A difference of ranges counts by this factor, squared, against one of means.
const RANGE_WEIGHT: f32 = 0.25;

/// A block: mean and range.
type Block = [f32; 2];

/// The past of one cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shapes {
    /// Samples of a block.
    length: u32,
    past: VecDeque<Block>,
    /// Of the block that has begun: samples, sum, lowest and highest.
    begun: u32,
    sum: f64,
    low: f64,
    high: f64,
}

impl Shapes {
    /// With blocks of so many samples, at least one.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let length = u32::try_from(length.max(1)).unwrap_or(u32::MAX);
        Shapes { length, past: VecDeque::new(), begun: 0, sum: 0.0, low: 0.0, high: 0.0 }
    }

    /// Blocks that it remembers now.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.past.len()
    }

    /// Whether what a saved state holds is one of blocks of this length.
    #[must_use]
    pub fn is_sound(&self, length: usize) -> bool {
        self.length as usize == length.max(1)
            && self.begun < self.length
            && self.past.len() <= BLOCKS_MAX
            && self.past.iter().flatten().all(|x| x.is_finite())
            && [self.sum, self.low, self.high].iter().all(|x| x.is_finite())
    }

    /// Takes a sample; whether it ended a block.
    pub fn push(&mut self, z: f64) -> bool {
        let first = self.begun == 0;
        self.low = if first { z } else { self.low.min(z) };
        self.high = if first { z } else { self.high.max(z) };
        self.sum = if first { z } else { self.sum + z };
        self.begun += 1;
        if self.begun < self.length {
            return false;
        }
        if self.past.len() >= BLOCKS_MAX {
            self.past.pop_front();
        }
        self.past.push_back([(self.sum / f64::from(self.length)) as f32, (self.high - self.low) as f32]);
        self.begun = 0;
        true
    }

    /// The distance of the last `blocks` blocks to the second-nearest earlier window of as many, none of them shared; none
    /// where there are not two.
    pub fn novelty(&mut self, blocks: usize) -> Option<f64> {
        let past: &[Block] = self.past.make_contiguous();
        let (earlier, last) = past.split_at(past.len().checked_sub(blocks)?);
        let (mut nearest, mut second) = (f32::INFINITY, f32::INFINITY);
        for window in earlier.windows(blocks) {
            let mut distance = 0.0;
            for (a, b) in window.iter().zip(last) {
                distance += (a[0] - b[0]).powi(2) + RANGE_WEIGHT * (a[1] - b[1]).powi(2);
                if distance >= second {
                    break;
                }
            }
            if distance < nearest {
                (nearest, second) = (distance, nearest);
            } else if distance < second {
                second = distance;
            }
        }
        second.is_finite().then(|| f64::from(second / blocks as f32).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(length: usize, samples: impl Iterator<Item = f64>) -> Shapes {
        let mut shapes = Shapes::new(length);
        samples.for_each(|z| {
            shapes.push(z);
        });
        shapes
    }

    #[test]
    fn what_was_seen_twice_is_not_new_and_the_rest_is_a_distance() {
        let mut square = shapes(5, (0..200).map(|i| f64::from(i / 10 % 2)));
        assert_eq!(square.novelty(4), Some(0.0));
        // Two blocks of 3 instead of 0 or 1: nearest and second-nearest are as far.
        let mut high = shapes(5, (0..200).map(|i| if i < 190 { f64::from(i / 10 % 2) } else { 3.0 }));
        assert_eq!(high.novelty(1), Some(2.0));
        // The same means, but a range of 2 in every block.
        let mut rough = shapes(2, (0..100).map(|i| if i < 96 { 0.0 } else { f64::from(i % 2) * 2.0 - 1.0 }));
        assert_eq!(rough.novelty(2), Some(1.0));
    }

    #[test]
    fn too_short_a_past_says_nothing_and_a_long_one_is_bounded() {
        assert_eq!(shapes(1, (0..4).map(f64::from)).novelty(2), None, "one earlier window");
        assert!(shapes(1, (0..5).map(f64::from)).novelty(2).is_some());
        assert_eq!(shapes(1, (0..4).map(f64::from)).novelty(8), None);
        let mut long = shapes(1, (0..5000).map(|i| f64::from(i % 7)));
        assert!(long.past.len() == BLOCKS_MAX && long.is_sound(1) && !long.is_sound(2));
        assert_eq!(long.novelty(8), Some(0.0));
    }
}
