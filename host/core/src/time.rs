//! Time as numbers: nothing here asks what time it is.

/// Nanoseconds since 1970-01-01 UTC. Source time (when a value was measured) and run time (the
/// controller's monotonic time × speed, offset to the start's wall clock) both count this way.
pub type TimeNs = i64;

/// A length of time in nanoseconds.
pub type DurationNs = u64;

/// Nanoseconds in a second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// Seconds from `earlier` to `later`; negative where they stand the other way round.
#[must_use]
pub fn seconds_between(earlier: TimeNs, later: TimeNs) -> f64 {
    // The difference first, so that no digits are lost to the epoch.
    later.saturating_sub(earlier) as f64 / SECOND_NS as f64
}
