//! Where readings come from, seen from the scan: something that is drained.

use dinrail_core::reading::Reading;
use dinrail_core::time::TimeNs;

/// What a source could not hand over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Samples dropped because nobody drained them in time.
    pub dropped: u64,
    /// Records or messages that could not be decoded.
    pub malformed: u64,
    /// 1 where the source ended before its end: a file that can't be read any further.
    pub failed: u64,
}

/// What a source means to a run's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// A table, or another recording: the run ends when all of them have.
    Recorded,
    /// A simulated plant: it goes on as long as the run does, and ends one only where nothing is recorded.
    Simulated,
    /// A broker from which tags come: it never ends.
    Live,
    /// A broker that only sinks, outputs or contexts use.
    Aside,
}

/// A source as the scan sees it. Nothing here waits: what has not arrived comes with the next scan.
pub trait Source: Send {
    /// Appends everything that arrived until run time `now_ns`, in order.
    fn drain(&mut self, now_ns: TimeNs, readings: &mut Vec<Reading>);

    /// Whether nothing more will ever come. A live source is never exhausted.
    fn is_exhausted(&self) -> bool {
        false
    }

    /// What it means to the run's end.
    fn supply(&self) -> Supply {
        Supply::Recorded
    }

    /// Source time of its next reading, where it is known ahead: virtual time begins there, and has no need to
    /// stop before it.
    fn next_time_ns(&self) -> Option<TimeNs> {
        None
    }

    /// What was lost so far, and why.
    fn counts(&self) -> SourceCounts {
        SourceCounts::default()
    }
}
