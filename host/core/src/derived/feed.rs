//! From the outcomes of one instance to samples of its derived tags.
//!
//! ```text
//! answered ──► what each field says of it; a field of which it says nothing holds
//! faulted  ──► bad at once, until the next answer
//! missed, skipped ──► holds; bad after UNANSWERED_LIMIT in a row
//! ```

use crate::outcome::{Outcome, Results};
use crate::time::TimeNs;

/// Frames in a row without an answer after which results are bad. One may be late, two may meet a busy machine; after
/// three nobody knows how the plugin would see the plant now.
pub const UNANSWERED_LIMIT: u32 = 3;

/// What a scan means for the tags of an instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum News<'r> {
    /// It answered.
    Answer {
        /// What.
        results: &'r Results,
        /// Source time of the last row that it speaks of.
        time_ns: TimeNs,
    },
    /// Nothing it said holds any more.
    Bad {
        /// Source time from which on.
        time_ns: TimeNs,
    },
    /// What it said last goes on.
    Same,
}

/// How one instance has answered of late.
#[derive(Clone, Copy, Debug)]
pub struct Feed {
    /// Source time of the newest row that it was asked about.
    last_ns: TimeNs,
    /// Frames in a row without an answer.
    unanswered: u32,
}

impl Default for Feed {
    fn default() -> Feed {
        Feed { last_ns: TimeNs::MIN, unanswered: 0 }
    }
}

impl Feed {
    /// A frame's outcome was settled; `row_ns` is the source time of its last row.
    pub fn settle<'r>(&mut self, outcome: &'r Outcome, row_ns: TimeNs) -> News<'r> {
        self.last_ns = self.last_ns.max(row_ns);
        let time_ns = self.last_ns;
        match outcome {
            Outcome::Answered(results) => {
                self.unanswered = 0;
                News::Answer { results, time_ns }
            }
            Outcome::Faulted(_) => News::Bad { time_ns },
            Outcome::Missed | Outcome::Skipped(_) => {
                self.unanswered = self.unanswered.saturating_add(1);
                if self.unanswered == UNANSWERED_LIMIT { News::Bad { time_ns } } else { News::Same }
            }
        }
    }

    /// It failed outside a frame's outcome: late, or when it was started again.
    pub fn fail<'r>(&mut self) -> News<'r> {
        News::Bad { time_ns: self.last_ns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Fault;

    #[test]
    fn outcomes_become_news() {
        let answered = Outcome::Answered(Results::Anomalies(vec![]));
        let faulted = Outcome::Faulted(Fault::Transient("x".into()));
        let skipped = Outcome::Skipped("waiting");
        let mut feed = Feed::default();
        let mut say = |outcome: &Outcome, row_ns| match feed.settle(outcome, row_ns) {
            News::Answer { time_ns, .. } => ("answer", time_ns),
            News::Bad { time_ns } => ("bad", time_ns),
            News::Same => ("same", 0),
        };
        assert_eq!(say(&answered, 10), ("answer", 10));
        assert_eq!(say(&Outcome::Missed, 20), ("same", 0));
        assert_eq!(say(&Outcome::Missed, 30), ("same", 0));
        assert_eq!(say(&answered, 40), ("answer", 40), "which forgets what was missed");
        assert_eq!(say(&Outcome::Missed, 50), ("same", 0));
        assert_eq!(say(&skipped, 60), ("same", 0));
        assert_eq!(say(&Outcome::Missed, 70), ("bad", 70), "the third in a row");
        assert_eq!(say(&Outcome::Missed, 80), ("same", 0), "it is said once");
        assert_eq!(say(&answered, 90), ("answer", 90));
        assert_eq!(say(&faulted, 100), ("bad", 100));
        assert_eq!(say(&answered, 95), ("answer", 100), "a row of a table that goes back counts from the newest");
        assert_eq!(feed.fail(), News::Bad { time_ns: 100 });
    }
}
