//! Sensors that repeat themselves.
//!
//! A reading that always moves a little and then shows the same number again and again is no longer measured. How long a
//! repetition is natural, the calibration tells: a coarse or slowly polled instrument repeats itself every day.

use serde::{Deserialize, Serialize};

/// A repetition shorter than this is never called stuck.
const RUN_MIN: u32 = 12;
/// A repetition is stuck when it is this many times as long as the longest one of the calibration…
const RUN_FACTOR: u32 = 3;
/// …and would happen by chance less often than this (the logarithm of a thousand-millionth).
const LOG_CHANCE: f64 = -20.7;
/// An instrument that repeats itself more often than this is never called stuck: its quiet is natural.
const REPEATS_MAX: f64 = 0.9;
/// An instrument that repeats itself less often than this is doubted from the second repetition on: what it says is not
/// used until it moves again.
const REPEATS_RARE: f64 = 0.05;
const DOUBTED_RUN: u32 = 2;

/// Counts repetitions of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Repeats {
    last: Option<f64>,
    run: u32,
    /// Runs from here on are stuck; 0: not calibrated, or never.
    stuck_from: u32,
    /// Runs from here on are doubted; 0: never.
    doubted_from: u32,
}

impl Repeats {
    /// Learns what is natural from a calibration series.
    #[must_use]
    pub fn learn(series: &[f64]) -> Repeats {
        let (mut counter, mut longest, mut repeated) = (Repeats::default(), 0, 0_u32);
        for &x in series {
            counter.push(x);
            longest = longest.max(counter.run);
            repeated += u32::from(counter.run > 0);
        }
        let share = f64::from(repeated) / (series.len().max(2) - 1) as f64;
        if series.is_empty() || share > REPEATS_MAX {
            return counter;
        }
        let by_chance = if share > 0.0 { (LOG_CHANCE / share.ln()).ceil() as u32 } else { 0 };
        counter.stuck_from = RUN_MIN.max(by_chance).max(longest.saturating_mul(RUN_FACTOR));
        counter.doubted_from = if share < REPEATS_RARE { DOUBTED_RUN.max(longest + 1) } else { 0 };
        counter
    }

    /// Takes a sample.
    pub fn push(&mut self, x: f64) {
        self.run = if self.last == Some(x) { self.run.saturating_add(1) } else { 0 };
        self.last = Some(x);
    }

    /// Whether the sensor is stuck.
    #[must_use]
    pub fn stuck(&self) -> bool {
        self.stuck_from > 0 && self.run >= self.stuck_from
    }

    /// Whether the last sample may be only a repetition, so that it says nothing new.
    #[must_use]
    pub fn doubted(&self) -> bool {
        self.stuck() || (self.doubted_from > 0 && self.run >= self.doubted_from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    fn stuck_after(mut repeats: Repeats, value: f64, limit: usize) -> Option<usize> {
        (1..=limit).find(|_| {
            repeats.push(value);
            repeats.stuck()
        })
    }

    #[test]
    fn a_lively_sensor_is_stuck_after_a_dozen_repetitions() {
        let mut noise = Noise::new(1);
        let series: Vec<f64> = (0..200).map(|_| noise.normal()).collect();
        let mut repeats = Repeats::learn(&series);
        assert_eq!(stuck_after(repeats, 5.0, 100), Some(13), "the first is no repetition");
        for _ in 0..3 {
            repeats.push(5.0);
        }
        assert!(repeats.doubted() && !repeats.stuck());
        repeats.push(5.1);
        assert!(!repeats.doubted());
    }

    #[test]
    fn a_coarse_sensor_is_given_time_and_a_quiet_one_all_of_it() {
        let mut noise = Noise::new(2);
        let coarse: Vec<f64> = (0..400).map(|_| (noise.normal() * 0.7).round()).collect();
        let from = stuck_after(Repeats::learn(&coarse), 5.0, 1000).unwrap_or(1000);
        assert!((20..200).contains(&from), "{from}");
        let held: Vec<f64> = (0..400).map(|i| f64::from(i / 10)).collect();
        assert!(stuck_after(Repeats::learn(&held), 5.0, 10_000).is_none_or(|n| n >= 27));
        assert_eq!(stuck_after(Repeats::learn(&[3.0; 400]), 3.0, 10_000), None);
        assert_eq!(stuck_after(Repeats::learn(&[]), 3.0, 10_000), None);
    }
}
