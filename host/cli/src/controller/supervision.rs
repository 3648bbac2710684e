//! When a faulted instance is started again.
//!
//! ```text
//!            fault            delay over            frames answered
//! Running ─────────► Waiting ────────────► Running ─────────────────► (strikes forgotten)
//!    │
//!    └── fault with no strike left ──► Quarantined
//! ```

use dinrail_core::time::{SECOND_NS, TimeNs};

/// First delay before a restart; doubles with each strike.
const FIRST_DELAY_NS: u64 = SECOND_NS;
/// Faults that lead to a restart; the next one quarantines.
pub const MAX_RESTARTS: u32 = 5;
/// Frames that an instance must answer before its earlier faults are forgotten.
const FRAMES_TO_FORGET: u32 = 1_000;

/// An instance's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It gets frames.
    Running,
    /// It is started again at this run time.
    Waiting {
        /// Run time.
        until_ns: TimeNs,
    },
    /// It gets no frames any more.
    Quarantined,
}

/// Counts the faults of one instance.
#[derive(Clone, Copy, Debug)]
pub struct Supervision {
    standing: Standing,
    strikes: u32,
    answered: u32,
}

impl Default for Supervision {
    fn default() -> Self {
        Supervision { standing: Standing::Running, strikes: 0, answered: 0 }
    }
}

impl Supervision {
    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The instance answered a frame.
    pub fn answered(&mut self) {
        self.answered = self.answered.saturating_add(1);
        if self.answered >= FRAMES_TO_FORGET {
            self.strikes = 0;
        }
    }

    /// The instance faulted and is gone.
    pub fn faulted(&mut self, now_ns: TimeNs) {
        self.answered = 0;
        self.standing = if self.strikes >= MAX_RESTARTS {
            Standing::Quarantined
        } else {
            let delay_ns = FIRST_DELAY_NS << self.strikes;
            Standing::Waiting { until_ns: now_ns.saturating_add_unsigned(delay_ns) }
        };
        self.strikes += 1;
    }

    /// Whether a restart is due; it counts as done.
    pub fn restart_due(&mut self, now_ns: TimeNs) -> bool {
        match self.standing {
            Standing::Waiting { until_ns } if until_ns <= now_ns => {
                self.standing = Standing::Running;
                true
            }
            Standing::Running | Standing::Waiting { .. } | Standing::Quarantined => false,
        }
    }

    /// In the summary and the view.
    #[must_use]
    pub fn state_name(&self) -> &'static str {
        match self.standing {
            Standing::Running => "running",
            Standing::Waiting { .. } => "restarting",
            Standing::Quarantined => "quarantined",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_loop_restarts_ever_later_and_ends_in_quarantine() {
        let mut supervision = Supervision::default();
        let mut now = 0;
        let mut restarts = 0;
        for _ in 0..1_000 {
            if supervision.standing() == Standing::Running {
                supervision.faulted(now);
            }
            let Standing::Waiting { until_ns } = supervision.standing() else { break };
            assert!(!supervision.restart_due(until_ns - 1), "not before its time");
            assert!(until_ns - now >= 1_000_000_000 << restarts);
            now = until_ns;
            assert!(supervision.restart_due(now));
            restarts += 1;
        }
        assert_eq!(restarts, MAX_RESTARTS);
        assert_eq!(supervision.standing(), Standing::Quarantined);
        assert!(!supervision.restart_due(i64::MAX));
    }

    #[test]
    fn a_long_good_run_forgets_earlier_faults() {
        let mut supervision = Supervision::default();
        for _ in 0..3 {
            supervision.faulted(0);
            assert!(supervision.restart_due(i64::MAX));
        }
        for _ in 0..FRAMES_TO_FORGET {
            supervision.answered();
        }
        supervision.faulted(0);
        assert_eq!(supervision.standing(), Standing::Waiting { until_ns: 1_000_000_000 });
    }
}
