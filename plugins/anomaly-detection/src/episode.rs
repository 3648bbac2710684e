//! When an alarm begins and when it ends.
//!
//! ```text
//!            ratio ≥ 1.5 × the lowest since the last alarm, at least 1
//!   quiet ──────────────────────────────────────────────────────────────► standing
//!         ◄──────────────────────────────────────────────────────────────
//!            ratio < 0.9, or < 0.3 × the highest of this alarm
//! ```
//! A machine cools for a long time after it was repaired: its temperatures still depart, ever less. The alarm of the fault
//! ends when most of the departure has gone, so that the next fault raises one of its own.

use serde::{Deserialize, Serialize};

/// Below this share of the threshold an alarm ends.
const END: f64 = 0.9;
/// Below this share of its highest ratio an alarm ends.
const SUBSIDED: f64 = 0.3;
/// A new alarm needs a rise by this factor over the lowest ratio since the last one.
const RISE: f64 = 1.5;

/// The alarm of one detector. A ratio is a statistic over its threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    standing: bool,
    highest: f64,
    lowest: f64,
}

impl Episode {
    /// Whether the alarm stands.
    #[must_use]
    pub fn is_standing(&self) -> bool {
        self.standing
    }

    /// The ratio from which on evidence counts now.
    #[must_use]
    pub fn limit(&self) -> f64 {
        if self.standing { END } else { 1.0 }
    }

    /// Takes a row's ratio; whether the alarm stands.
    pub fn push(&mut self, ratio: f64) -> bool {
        let floor = 1.0 / RISE;
        if self.standing {
            self.highest = self.highest.max(ratio);
            if ratio < END.max(SUBSIDED * self.highest) {
                self.standing = false;
                self.lowest = ratio.max(floor);
            }
        } else {
            self.lowest = self.lowest.min(ratio).max(floor);
            if ratio >= 1.0_f64.max(RISE * self.lowest) {
                self.standing = true;
                self.highest = ratio;
            }
        }
        self.standing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ratios: &[f64], expected: &str) {
        let mut episode = Episode::default();
        let got: String = ratios.iter().map(|&r| if episode.push(r) { '#' } else { '.' }).collect();
        assert_eq!(got, expected, "{ratios:?}");
    }

    #[test]
    fn an_alarm_begins_at_its_threshold_and_ends_below_it() {
        check(&[0.0, 0.99, 1.0, 0.95, 0.9, 0.89, 0.95, 0.99, 1.0], "..###....");
        check(&[0.0, 1.0, 0.89, 0.5, 1.0], ".#..#");
    }

    #[test]
    fn an_alarm_ends_when_most_of_it_has_gone_and_begins_anew_when_it_rises_again() {
        check(&[0.2, 6.0, 4.0, 1.9, 1.79, 1.5, 1.2, 1.3, 1.79, 1.8], ".###.....#");
    }
}
