//! Which rows end a period, where rows come more often than that.

use serde::{Deserialize, Serialize};

/// Rows come a little early or late. A period has ended that lacks no more than half the distance of rows, so that the next
/// row would be farther from its end, and no more than this share of itself.
const EARLY_SHARE: i64 = 100;

/// The periods that were seen, counted from the first row that told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Periods {
    /// Time of the first row, and the number of the latest period, from 0.
    seen: Option<(i64, i64)>,
    /// What they are long, and the time of the row before.
    length_ns: i64,
    before_ns: Option<i64>,
}

impl Periods {
    /// Whether the row of this time ends a period of this length; of length 0, every row does. `is_known`: whether the row tells
    /// any demand, without which no first period ends.
    pub fn end_with(&mut self, time_ns: i64, length_ns: i64, is_known: bool) -> bool {
        if length_ns <= 0 {
            return true;
        }
        if self.length_ns != length_ns {
            *self = Periods { length_ns, ..Periods::default() };
        }
        let apart_ns = self.before_ns.replace(time_ns).map_or(0, |before_ns| time_ns.saturating_sub(before_ns).max(0));
        let Some((first_ns, latest)) = self.seen else {
            self.seen = is_known.then_some((time_ns, 0));
            return is_known;
        };
        let number = time_ns
            .saturating_sub(first_ns)
            .saturating_add((length_ns / EARLY_SHARE).min(apart_ns / 2))
            .div_euclid(length_ns);
        if number <= latest {
            return false;
        }
        self.seen = Some((first_ns, number));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_once() {
        let mut periods = Periods::default();
        let mut ends = |time_ns: i64, is_known| periods.end_with(time_ns, 1_000, is_known);
        assert!(!ends(0, false), "nothing is known yet");
        assert!(ends(300, true), "the first row that tells something");
        assert!(!ends(800, true));
        assert!(!ends(1_285, true), "not nearer to the end than the next row");
        assert!(ends(1_295, true), "a little early");
        assert!(!ends(1_300, true), "the same period");
        assert!(ends(2_400, false), "late, and nothing is known of it");
        assert!(ends(5_300, true), "after a gap");
        assert!(!ends(4_000, true), "time never goes back");
        assert!(ends(6_299, true), "counted from the first row, not from the latest");
    }

    #[test]
    fn a_row_before_the_value_steps_is_of_the_period_before() {
        let mut periods = Periods::default();
        let ended: Vec<i64> = (0..=450).map(|row| 6 * row).filter(|time| periods.end_with(*time, 900, true)).collect();
        assert_eq!(ended, [0, 900, 1_800, 2_700]);
        assert!(periods.end_with(2_706, 600, true), "periods of another length begin anew");
    }

    #[test]
    fn without_a_length_every_row_ends_one() {
        let mut periods = Periods::default();
        assert!((0..3).all(|_| periods.end_with(5, 0, false)));
    }
}
