//! When a candidate may take over from the version that runs, and when it must give back.
//!
//! ```text
//!              criteria met            caught up, intent durable         trial over
//! Shadow ─────────────────► Handover ───────────────────────► Trial ─────────────► Committed
//!    │                          │                                │
//!    └─► Rejected               └─► Rejected                     └─► Reverted
//! ```
//!
//! - [`difference`]: how far two answers to one frame are apart
//!
//! In `Shadow` the candidate gets the frames of the incumbent, and nothing that it says has an effect. In `Handover` a fresh
//! instance takes the incumbent's state and catches up. In `Trial` it owns the frames, while the incumbent computes each
//! of them too, so that its answer of the same scan is used where the candidate fails.

mod difference;

pub use difference::difference;

use crate::outcome::Outcome;
use crate::time::{DurationNs, TimeNs};

/// What a swap asks of the candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Criteria {
    /// Frames that both must have computed in shadow.
    pub shadow_frames: u64,
    /// Share of compared frames whose answers may differ, in [0, 1].
    pub divergence: f64,
    /// What counts as different: above this [`difference`].
    pub tolerance: f64,
    /// Frames that the candidate may miss or fault on in shadow. In trial there is none.
    pub misses: u64,
    /// How long the trial lasts, run time.
    pub trial_ns: DurationNs,
    /// Whether it goes on by itself; else an operator's word takes it from shadow to trial, and from trial to the end.
    pub automatic: bool,
}

impl Default for Criteria {
    fn default() -> Criteria {
        Criteria {
            shadow_frames: 100,
            divergence: 1.0,
            tolerance: 0.01,
            misses: 0,
            trial_ns: 600 * crate::time::SECOND_NS,
            automatic: false,
        }
    }
}

/// What was seen of both since the phase began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Frames that both answered.
    pub compared: u64,
    /// Of these, how many differed by more than the tolerance.
    pub differing: u64,
    /// The largest difference.
    pub largest: f64,
    /// Frames that the candidate missed.
    pub missed: u64,
    /// Frames that it faulted on.
    pub faulted: u64,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Go on as it is.
    Wait,
    /// What the phase is for is reached: the next one begins, or may begin once an operator says so.
    Ready,
    /// The candidate goes; why.
    Out(Reason),
}

/// Why a candidate goes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Too many frames without an answer.
    #[error("it missed {missed} frames and faulted on {faulted}, {allowed} are allowed")]
    Misses {
        /// Late.
        missed: u64,
        /// Failed.
        faulted: u64,
        /// By the criteria.
        allowed: u64,
    },
    /// Too many other answers.
    #[error(
        "its answers differ in {differing} of {compared} frames, by up to {largest:.4}; a share of {allowed} is allowed"
    )]
    Divergence {
        /// Frames.
        differing: u64,
        /// Out of.
        compared: u64,
        /// Largest difference.
        largest: f64,
        /// Share allowed.
        allowed: f64,
    },
    /// Nobody said yes.
    #[error("nobody committed it within its trial")]
    NotConfirmed,
}

impl Tally {
    /// Counts one frame that both were given.
    pub fn count(&mut self, incumbent: &Outcome, candidate: &Outcome, tolerance: f64) {
        match (incumbent, candidate) {
            (Outcome::Answered(old), Outcome::Answered(new)) => {
                let apart = difference(old, new);
                self.compared += 1;
                self.differing += u64::from(apart > tolerance);
                self.largest = self.largest.max(apart);
            }
            // Where the incumbent has no answer, there is nothing to hold the candidate's against.
            (_, Outcome::Answered(_) | Outcome::Skipped(_)) => {}
            (_, Outcome::Missed) => self.missed += 1,
            // Both fail on a frame that is of no use.
            (Outcome::Faulted(_), Outcome::Faulted(fault)) if !fault.discards_instance() => {}
            (_, Outcome::Faulted(_)) => self.faulted += 1,
        }
    }

    /// Share of compared frames that differ.
    #[must_use]
    pub fn divergence(&self) -> f64 {
        if self.compared == 0 { 0.0 } else { self.differing as f64 / self.compared as f64 }
    }
}

/// Frames after which a share says something.
const MIN_COMPARED: u64 = 20;

impl Criteria {
    /// In shadow.
    #[must_use]
    pub fn shadow(&self, tally: &Tally) -> Decision {
        if tally.missed + tally.faulted > self.misses {
            return Decision::Out(self.misses(tally, self.misses));
        }
        if let Some(reason) = self.diverged(tally) {
            return Decision::Out(reason);
        }
        if tally.compared >= self.shadow_frames { Decision::Ready } else { Decision::Wait }
    }

    /// In trial, which began then.
    #[must_use]
    pub fn trial(&self, tally: &Tally, since_ns: TimeNs, now_ns: TimeNs) -> Decision {
        if tally.missed + tally.faulted > 0 {
            return Decision::Out(self.misses(tally, 0));
        }
        if let Some(reason) = self.diverged(tally) {
            return Decision::Out(reason);
        }
        let is_over = now_ns >= since_ns.saturating_add_unsigned(self.trial_ns);
        match (is_over, self.automatic) {
            (false, _) => Decision::Wait,
            (true, true) => Decision::Ready,
            (true, false) => Decision::Out(Reason::NotConfirmed),
        }
    }

    fn misses(&self, tally: &Tally, allowed: u64) -> Reason {
        Reason::Misses { missed: tally.missed, faulted: tally.faulted, allowed }
    }

    fn diverged(&self, tally: &Tally) -> Option<Reason> {
        let says_something = tally.compared >= MIN_COMPARED.min(self.shadow_frames.max(1));
        (says_something && tally.divergence() > self.divergence).then_some(Reason::Divergence {
            differing: tally.differing,
            compared: tally.compared,
            largest: tally.largest,
            allowed: self.divergence,
        })
    }
}

#[cfg(test)]
mod tests;
