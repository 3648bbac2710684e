//! How long a proposal stands: the lesser of what it asks for and the output's lease, from the scan
//! that judged it.

use crate::time::{DurationNs, TimeNs};

/// Until when a proposal stands, run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    until_ns: TimeNs,
}

impl Lease {
    /// The lesser of `valid_for_ns` and `limit_ns`, from now.
    #[must_use]
    pub fn begin(now_ns: TimeNs, valid_for_ns: DurationNs, limit_ns: DurationNs) -> Lease {
        let length = i64::try_from(valid_for_ns.min(limit_ns)).unwrap_or(i64::MAX);
        Lease { until_ns: now_ns.saturating_add(length) }
    }

    /// Its last moment.
    #[must_use]
    pub fn until_ns(self) -> TimeNs {
        self.until_ns
    }

    /// Its last moment still counts.
    #[must_use]
    pub fn has_ended(self, now_ns: TimeNs) -> bool {
        self.until_ns < now_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lesser_of_the_two_counts_and_its_last_moment_is_included() {
        for (valid_for, limit) in [(10, 50), (50, 10)] {
            let lease = Lease::begin(100, valid_for, limit);
            assert!(!lease.has_ended(110), "{valid_for} {limit}");
            assert!(lease.has_ended(111), "{valid_for} {limit}");
        }
        assert!(!Lease::begin(100, u64::MAX, u64::MAX).has_ended(i64::MAX));
        assert!(!Lease::begin(i64::MAX, 5, 5).has_ended(i64::MAX));
    }
}
