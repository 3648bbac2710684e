//! How many cycles lie between two rows, where they come at a regular beat: a row that is missing is a cycle nevertheless.

use serde::{Deserialize, Serialize};

/// A gap of more cycles than this is a pause, and no cycles are missing.
const CYCLES_MAX: i64 = 20;
/// A gap is a whole number of beats within this share of one.
const TOLERANCE: f64 = 0.01;

/// Gaps that the beat is the median of: a few odd ones do not change it.
const GAPS: usize = 9;

/// The rows' beat: the median of the latest gaps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    last_ns: Option<i64>,
    /// Oldest first, each above 0.
    gaps_ns: Vec<i64>,
}

impl Beat {
    /// The cycles since the row before, this one's included: 1 where rows come as they like, or none is missing.
    pub fn cycles(&mut self, time_ns: i64) -> i64 {
        let gap = self.last_ns.replace(time_ns).map(|last| time_ns.saturating_sub(last));
        let Some(gap) = gap.filter(|gap| *gap > 0) else { return 1 };
        self.gaps_ns.push(gap);
        let extra = self.gaps_ns.len().saturating_sub(GAPS);
        self.gaps_ns.drain(..extra);
        let mut sorted = self.gaps_ns.clone();
        sorted.sort_unstable();
        // The lower one of two in the middle: a pause right at the start is not the beat.
        let beat = sorted.get((sorted.len() - 1) / 2).copied().unwrap_or(gap).max(1);
        let beats = gap as f64 / beat as f64;
        let regular = (beats - beats.round()).abs() <= TOLERANCE;
        let cycles = beats.round() as i64;
        if regular && (1..=CYCLES_MAX).contains(&cycles) { cycles } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(times: &[i64], expected: &[i64]) {
        let mut beat = Beat::default();
        let cycles: Vec<i64> = times.iter().map(|time| beat.cycles(*time)).collect();
        assert_eq!(cycles, expected, "{times:?}");
    }

    #[test]
    fn missing_beats_are_counted() {
        check(&[100, 200, 300, 600, 700], &[1, 1, 1, 3, 1]);
        check(&[100, 200, 300, 450, 700], &[1, 1, 1, 1, 1]);
        check(&[100, 200, 2200, 4300], &[1, 1, 20, 1]);
        check(&[100, 300, 400, 600], &[1, 1, 1, 1]);
        // One row that comes too early takes nothing from those after it.
        check(&[100, 200, 300, 305, 400, 500, 600, 800], &[1, 1, 1, 1, 1, 1, 1, 2]);
        check(&[100, 100, 50, 150], &[1, 1, 1, 1]);
    }
}
