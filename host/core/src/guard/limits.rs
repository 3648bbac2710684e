//! Range, deadband, slew and dwell of one output, as pure functions.

use crate::time::{DurationNs, TimeNs};

/// Where a value was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// At the lower end.
    Low,
    /// At the upper end.
    High,
}

/// The limits of one output. Checked by [`OutputSpec::check`](super::OutputSpec::check): finite, `lo ≤ hi`,
/// slew above 0, deadband not below 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Lowest value.
    pub lo: f64,
    /// Highest value.
    pub hi: f64,
    /// Largest change a second of run time.
    pub slew_per_s: Option<f64>,
    /// A change smaller than this is not worth a command.
    pub deadband: f64,
    /// Least run time between two changes.
    pub min_dwell_ns: DurationNs,
}

impl Limits {
    /// The nearest value within the range, and at which end it was cut. `value` is finite.
    #[must_use]
    pub fn into_range(&self, value: f64) -> (f64, Option<Cut>) {
        if value < self.lo {
            (self.lo, Some(Cut::Low))
        } else if self.hi < value {
            (self.hi, Some(Cut::High))
        } else {
            (value, None)
        }
    }

    /// How far it goes from `from` towards `target` in `seconds`. Both are within the range, and so
    /// is the result.
    #[must_use]
    pub fn step(&self, from: f64, target: f64, seconds: f64) -> f64 {
        let Some(per_s) = self.slew_per_s else { return target };
        let reach = per_s * seconds.max(0.0);
        let distance = target - from;
        if distance.abs() <= reach {
            target
        } else {
            // `reach` is below the distance, and so finite. The sum may round past the target.
            (from + reach.copysign(distance)).clamp(from.min(target), from.max(target))
        }
    }

    /// Whether a change of this size is too small to be worth a command.
    #[must_use]
    pub fn is_within_deadband(&self, change: f64) -> bool {
        change.abs() < self.deadband
    }

    /// Whether the last change is too recent for another.
    #[must_use]
    pub fn dwells(&self, last_change_ns: Option<TimeNs>, now_ns: TimeNs) -> bool {
        let Some(last) = last_change_ns else { return false };
        let age = u64::try_from(now_ns.saturating_sub(last)).unwrap_or(0);
        age < self.min_dwell_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { lo: 70.0, hi: 100.0, slew_per_s: Some(0.5), deadband: 0.25, min_dwell_ns: 1_000 };

    #[test]
    fn the_range_includes_its_ends() {
        let cases = [
            (70.0, (70.0, None)),
            (100.0, (100.0, None)),
            (69.999, (70.0, Some(Cut::Low))),
            (100.001, (100.0, Some(Cut::High))),
            (f64::MAX, (100.0, Some(Cut::High))),
            (f64::NEG_INFINITY, (70.0, Some(Cut::Low))),
        ];
        for (value, expected) in cases {
            assert_eq!(LIMITS.into_range(value), expected, "{value}");
        }
    }

    #[test]
    fn a_step_goes_as_far_as_the_slew_lets_it() {
        let cases = [
            (80.0, 81.0, 2.0, 81.0),
            (80.0, 81.5, 2.0, 81.0),
            (80.0, 78.5, 2.0, 79.0),
            (80.0, 80.0, 2.0, 80.0),
            (80.0, 90.0, 0.0, 80.0),
            (80.0, 90.0, -5.0, 80.0),
            (80.0, 90.0, f64::INFINITY, 90.0),
            (-f64::MAX, f64::MAX, 2.0, -f64::MAX),
            (-f64::MAX, f64::MAX, f64::INFINITY, f64::MAX),
        ];
        for (from, target, seconds, expected) in cases {
            assert_eq!(LIMITS.step(from, target, seconds), expected, "{from} to {target} in {seconds} s");
        }
        let free = Limits { slew_per_s: None, ..LIMITS };
        assert_eq!(free.step(70.0, 100.0, 0.0), 100.0);
    }

    #[test]
    fn a_change_of_the_deadband_is_worth_it() {
        assert!(LIMITS.is_within_deadband(0.249));
        assert!(LIMITS.is_within_deadband(-0.249));
        assert!(!LIMITS.is_within_deadband(0.25));
        assert!(!Limits { deadband: 0.0, ..LIMITS }.is_within_deadband(0.0));
    }

    #[test]
    fn a_dwell_ends_when_its_time_is_over() {
        assert!(!LIMITS.dwells(None, 0));
        assert!(LIMITS.dwells(Some(10), 1_009));
        assert!(!LIMITS.dwells(Some(10), 1_010));
        assert!(LIMITS.dwells(Some(10), 0), "a time before the last change is within the dwell");
        assert!(!LIMITS.dwells(Some(i64::MIN), i64::MAX));
    }
}
