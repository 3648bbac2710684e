//! What the status tells of an instance's calls.

use dinrail_core::outcome::{CallReport, Outcome};
use dinrail_core::time::TimeNs;
use hdrhistogram::Histogram;

/// Significant digits of a call's time.
const DIGITS: u8 = 2;
/// Longest time that is told apart: a call ends long before.
const LONGEST_NS: u64 = 600_000_000_000;

/// Calls of one instance's place since the controller started.
#[derive(Debug)]
pub struct CallFigures {
    /// Calls that came back.
    pub calls: u64,
    /// Of these, faults.
    pub faults: u64,
    /// Frames whose answer came too late, or never.
    pub misses: u64,
    /// Starts after the first.
    pub restarts: u64,
    /// Wall time of the last call.
    pub last_ns: u64,
    /// Run time at which its instance was placed.
    pub since_ns: Option<TimeNs>,
    times: Histogram<u64>,
}

impl Default for CallFigures {
    fn default() -> CallFigures {
        CallFigures {
            calls: 0,
            faults: 0,
            misses: 0,
            restarts: 0,
            last_ns: 0,
            since_ns: None,
            times: Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).expect("the bounds are a histogram's"),
        }
    }
}

impl CallFigures {
    /// An instance is there.
    pub fn placed(&mut self, now_ns: TimeNs) {
        self.restarts += u64::from(self.since_ns.is_some());
        self.since_ns = Some(now_ns);
    }

    /// A call came back.
    pub fn called(&mut self, report: &CallReport) {
        self.calls += 1;
        self.faults += u64::from(matches!(report.outcome, Outcome::Faulted(_)));
        self.last_ns = report.duration_ns;
        self.times.saturating_record(report.duration_ns.max(1));
    }

    /// Adds another instance's, for the sum over a plugin.
    pub fn add(&mut self, other: &CallFigures) {
        self.calls += other.calls;
        self.faults += other.faults;
        self.misses += other.misses;
        self.restarts += other.restarts;
        self.last_ns = self.last_ns.max(other.last_ns);
        self.since_ns = self.since_ns.max(other.since_ns);
        self.times.add(&other.times).expect("both have the same bounds");
    }

    /// Mean, standard deviation, 99th percentile and longest, in microseconds.
    #[must_use]
    pub fn times_us(&self) -> [f64; 4] {
        if self.times.is_empty() {
            return [0.0; 4];
        }
        let quantile = self.times.value_at_quantile(0.99) as f64;
        [self.times.mean(), self.times.stdev(), quantile, self.times.max() as f64].map(|ns| ns / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dinrail_core::outcome::{Fault, Results};

    fn report(duration_ns: u64, outcome: Outcome) -> CallReport {
        CallReport { outcome, inferences: Vec::new(), duration_ns }
    }

    #[test]
    fn calls_of_two_instances_are_told_as_one() {
        let (mut one, mut other) = (CallFigures::default(), CallFigures::default());
        one.placed(5);
        for _ in 0..99 {
            one.called(&report(1_000, Outcome::Answered(Results::Anomalies(Vec::new()))));
        }
        other.placed(5);
        other.placed(9);
        other.called(&report(100_000, Outcome::Faulted(Fault::Trap("x".to_owned()))));
        one.add(&other);
        assert_eq!((one.calls, one.faults, one.restarts, one.since_ns), (100, 1, 1, Some(9)));
        let [mean, _, p99, max] = one.times_us();
        assert!((1.9..2.1).contains(&mean) && p99 < 1.1 && (99.0..102.0).contains(&max), "{mean} {p99} {max}");
    }
}
