//! Every cycle so far, in bounded memory: past a limit, neighbours are merged and each block counts for twice as many.

use serde::{Deserialize, Serialize};

/// Blocks that are kept: a machine's whole life at one cycle a block where it lasts no longer than this. With 16
/// sensors and their weights they take 128 KiB.
const BLOCKS_MAX: usize = 1024;

/// Sums of rows over blocks of equally many cycles, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    width: usize,
    /// Cycles a full block holds.
    stride: u32,
    /// Cycles in all.
    cycles: u32,
    /// blocks × width; the last block may not be full.
    sums: Vec<f32>,
}

impl History {
    /// For rows of so many numbers.
    #[must_use]
    pub fn new(width: usize) -> Self {
        History { width, stride: 1, cycles: 0, sums: Vec::new() }
    }

    /// Cycles so far.
    #[must_use]
    pub fn cycles(&self) -> u32 {
        self.cycles
    }

    /// One cycle more.
    pub fn push(&mut self, row: &[f64]) {
        if self.cycles.is_multiple_of(self.stride) {
            if self.blocks() == BLOCKS_MAX {
                self.halve();
            }
            self.sums.resize(self.sums.len() + self.width, 0.0);
        }
        let start = self.sums.len() - self.width;
        for (sum, value) in self.sums[start..].iter_mut().zip(row) {
            *sum += *value as f32;
        }
        self.cycles += 1;
    }

    /// The mean row over a span of the cycles so far, given as shares of them: all blocks that the span touches.
    #[must_use]
    pub fn mean(&self, from: f64, to: f64) -> Vec<f64> {
        let cycles = f64::from(self.cycles);
        let first = (from * cycles).floor() as usize;
        let end = ((to * cycles).ceil() as usize).max(first + 1);
        let stride = self.stride as usize;
        let blocks = (first / stride).min(self.blocks())..end.div_ceil(stride).min(self.blocks());
        let held = (blocks.end * stride).min(self.cycles as usize).saturating_sub(blocks.start * stride);
        let mut mean = vec![0.0; self.width];
        for block in self.sums.chunks_exact(self.width.max(1)).take(blocks.end).skip(blocks.start) {
            mean.iter_mut().zip(block).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        mean.iter_mut().for_each(|sum| *sum /= held.max(1) as f64);
        mean
    }

    /// Whether the numbers are those of a history of this width; for states that were stored elsewhere.
    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        let blocks =
            self.cycles.checked_div(self.stride).map(|full| full + u32::from(!self.cycles.is_multiple_of(self.stride)));
        self.width == width
            && blocks.is_some_and(|blocks| blocks as usize <= BLOCKS_MAX && self.sums.len() == blocks as usize * width)
            && self.sums.iter().all(|sum| sum.is_finite())
    }

    fn blocks(&self) -> usize {
        self.sums.len().checked_div(self.width).unwrap_or(0)
    }

    fn halve(&mut self) {
        let width = self.width;
        let merged = self.sums.chunks_exact(2 * width).flat_map(|pair| {
            let (older, newer) = pair.split_at(width);
            older.iter().zip(newer).map(|(a, b)| a + b).collect::<Vec<f32>>()
        });
        self.sums = merged.collect();
        self.stride = self.stride.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(cycles: u32) -> History {
        let mut history = History::new(2);
        (0..cycles).for_each(|cycle| history.push(&[f64::from(cycle), 1.0]));
        history
    }

    #[test]
    fn a_span_is_the_mean_of_the_cycles_it_touches() {
        let history = ramp(10);
        assert_eq!(history.mean(0.0, 0.5), [2.0, 1.0]);
        assert_eq!(history.mean(0.5, 1.0), [7.0, 1.0]);
        // 2.5 to 7.5 touches the cycles 2 to 7.
        assert_eq!(history.mean(0.25, 0.75), [4.5, 1.0]);
        assert_eq!(ramp(1).mean(0.75, 1.0), [0.0, 1.0]);
        assert_eq!(ramp(0).mean(0.0, 1.0), [0.0, 0.0], "nothing yet");
    }

    #[test]
    fn a_long_life_stays_bounded_and_keeps_its_means() {
        for cycles in [1024, 1025, 2048, 2049, 5001] {
            let history = ramp(cycles);
            assert!(history.blocks() <= BLOCKS_MAX && history.is_sound(2), "{cycles}");
            let whole = history.mean(0.0, 1.0);
            assert!((whole[0] - f64::from(cycles - 1) / 2.0).abs() < 1e-2 && whole[1] == 1.0, "{cycles}: {whole:?}");
            let late = history.mean(0.5, 1.0);
            assert!((late[0] - f64::from(cycles) * 0.75).abs() < 10.0, "{cycles}: {late:?}");
        }
    }

    #[test]
    fn a_foreign_state_is_not_sound() {
        assert!(!ramp(3).is_sound(3));
        assert!(!History { cycles: 5, ..ramp(3) }.is_sound(2));
        assert!(!History { stride: 0, ..ramp(3) }.is_sound(2));
        let mut broken = ramp(3);
        broken.sums[0] = f32::NAN;
        assert!(!broken.is_sound(2));
    }
}
