//! When evidence becomes an alarm: a threshold that every alarm raises.
//!
//! An alarm is one row. After it, nothing is said for a while (an episode raises one alarm), and more is asked of the next
//! one, ever less as time goes: a series that turns restless for good does not ring forever.

use serde::{Deserialize, Serialize};

/// Mean −log₁₀ tail share at which an alarm is raised.
const BASE: f64 = 1.1;
/// What every alarm adds to it…
const RISE: f64 = 0.125;
/// …and in how many calibrations that fades by a factor of e.
const FADE: f64 = 4.0;
/// Silence after an alarm, in calibrations.
const SILENCE: f64 = 0.2;

/// The state from row to row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    raised: f64,
    silent: u32,
}

impl Threshold {
    /// Whether what a saved state holds can be used.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.raised.is_finite() && self.raised >= 0.0
    }

    /// A row passes; `calibration` is in rows.
    pub fn tick(&mut self, calibration: usize) {
        self.raised *= (-1.0 / (FADE * calibration.max(1) as f64)).exp();
        self.silent = self.silent.saturating_sub(1);
    }

    /// The evidence over the threshold, and whether that is an alarm.
    pub fn judge(&mut self, evidence: f64, calibration: usize) -> (f64, bool) {
        let ratio = evidence / (BASE + self.raised);
        let alarm = self.silent == 0 && ratio > 1.0;
        if alarm {
            self.raised += RISE;
            self.silent = (SILENCE * calibration as f64) as u32;
        }
        (ratio, alarm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarms(evidence: f64, rows: usize, calibration: usize) -> Vec<usize> {
        let mut threshold = Threshold::default();
        let mut at = |_| {
            threshold.tick(calibration);
            threshold.judge(evidence, calibration).1
        };
        (0..rows).filter(|&row| at(row)).collect()
    }

    #[test]
    fn standing_evidence_rings_once_and_again_after_the_silence_and_then_ever_less() {
        assert!(alarms(1.09, 1000, 100).is_empty());
        assert_eq!(alarms(5.0, 101, 100), [0, 20, 40, 60, 80, 100]);
        let weak = alarms(1.15, 1000, 100);
        assert!(weak.len() < 7 && weak[1] - weak[0] > 200, "the threshold has to fade first: {weak:?}");
    }
}
