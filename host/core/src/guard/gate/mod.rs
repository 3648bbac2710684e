//! A gate: an output that carries out the verdicts on items when they are there.
//!
//! - `belt`: where the belt is, from a counter that may wrap, stand still, fall silent or begin anew
//! - `tracker`: which items are on the way, and what the gate owes to those that are at it
//!
//! An item is at the gate while its trigger's place, shifted by the distance, is within half a window of the gate. In every
//! scan the gate is driven to what is owed to the items that will be there until the next scan's command takes effect:
//!
//! ```text
//!            trigger                              gate
//!  belt ───────┼───────────────────────────────────┼──────►
//!              │◄────────────── distance ─────────►│
//!                                         ├── window ──┤      an item is at the gate while it is in here
//!                                 ├ travel of a scan ┤        so far it may come before the next command
//! ```
//!
//! What is owed is fixed when an item comes to the gate, and stays until it has left: the verdict on it, or the configured
//! [`Fallback`] where there is none. A verdict that comes later acts on nothing: on no other item, and not on half of its
//! own. Where two items are at the gate at once, the stricter holds and both are told apart in what is reported.

mod belt;
mod tracker;

pub(super) use tracker::Gate;

use super::mode::Mode;
use super::verdict::{OutputId, Verdict};
use crate::outcome::Decision;
use crate::record::InstanceId;
use crate::tag::{Quality, TagId};
use crate::time::DurationNs;
use std::fmt;

/// What the gate does where nobody has judged an item that is at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Takes it out.
    Reject,
    /// Lets it pass.
    Pass,
    /// Stops the line until a verdict comes, or an operator resets the gate, which takes the item out.
    Stop,
}

impl Fallback {
    /// In the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fallback::Reject => "reject",
            Fallback::Pass => "pass",
            Fallback::Stop => "stop",
        }
    }
}

/// What a gate does with an item. Ordered by strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Lets it pass.
    Pass,
    /// Takes it out for rework.
    Rework,
    /// Takes it out.
    Reject,
    /// Stops the line.
    Stop,
}

impl Action {
    /// In messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Pass => "pass",
            Action::Rework => "rework",
            Action::Reject => "reject",
            Action::Stop => "stop",
        }
    }
}

impl From<Decision> for Action {
    fn from(decision: Decision) -> Action {
        match decision {
            Decision::Pass => Action::Pass,
            Decision::Rework => Action::Rework,
            Decision::Reject => Action::Reject,
        }
    }
}

/// The output's value for each action. Whole numbers within its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Positions {
    /// Lets pass.
    pub pass: f64,
    /// Takes out for rework.
    pub rework: f64,
    /// Takes out.
    pub reject: f64,
    /// Stops the line; none where it can't.
    pub stop: Option<f64>,
}

impl Positions {
    /// Of an action. A gate that can't stop the line takes out.
    #[must_use]
    pub fn of(&self, action: Action) -> f64 {
        match action {
            Action::Pass => self.pass,
            Action::Rework => self.rework,
            Action::Reject => self.reject,
            Action::Stop => self.stop.unwrap_or(self.reject),
        }
    }
}

/// What the configuration says of a gate. Lengths are in encoder counts.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSpec {
    /// Whose verdicts it carries out: index of the configuration's items.
    pub items: usize,
    /// The belt's counter, now.
    pub encoder: TagId,
    /// From the trigger to the gate; above 0.
    pub distance: i64,
    /// How long an item is at the gate; above 0. More than the belt goes in a scan: twice as far and more, or once as far
    /// back, is no way of a belt, and the counter has begun anew.
    pub window: i64,
    /// The counter goes from 0 to one below this; none: it does not wrap.
    pub modulus: Option<i64>,
    /// Run time from a command until the gate stands there.
    pub delay_ns: DurationNs,
    /// Without a verdict.
    pub fallback: Fallback,
    /// How far before the gate an item without a verdict stops the line, which runs out; where the fallback is to stop.
    pub stop_ahead: i64,
    /// Where it stands while no item is at it.
    pub rest: Action,
    /// The output's values.
    pub positions: Positions,
}

/// What is wrong with a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateProblem {
    /// Not above 0, or beyond what counters hold.
    #[error("its `{key}` should be a whole number of counts from 1 to {MAX_COUNTS}")]
    Counts {
        /// `distance` or `window`.
        key: &'static str,
    },
    /// Not from 0 to the distance.
    #[error("its `stop_ahead` should be a whole number of counts from 0 to `distance`")]
    StopAhead,
    /// A counter that wraps before the item is there.
    #[error(
        "its `modulus` should be at least {least}, four times `distance` and `window` together, or it can't be told which way the belt went"
    )]
    Modulus {
        /// The least that does.
        least: i64,
    },
    /// Nothing to stop the line with.
    #[error("its `default` is `stop`, and `positions` has no `stop`")]
    NoStop,
    /// A gate waits for no operator.
    #[error("a gate has no mode `advise`: the item would be past before anybody answers")]
    Advise,
    /// Limits that would act on the wrong item.
    #[error("a gate has no `{key}`")]
    Key {
        /// `slew`, `deadband` or `min_dwell`.
        key: &'static str,
    },
}

impl GateProblem {
    /// The key of the output's table that has to change.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            GateProblem::Counts { key } | GateProblem::Key { key } => key,
            GateProblem::Modulus { .. } => "modulus",
            GateProblem::StopAhead => "stop_ahead",
            GateProblem::NoStop => "positions",
            GateProblem::Advise => "mode",
        }
    }
}

/// Longest distance or window: far beyond a belt, and its sums stay far from the end of what counters hold.
pub const MAX_COUNTS: i64 = 1_000_000_000_000;

impl GateSpec {
    /// What is wrong with it by itself.
    #[must_use]
    pub fn check(&self) -> Vec<GateProblem> {
        let mut problems = Vec::new();
        for (key, counts) in [("distance", self.distance), ("window", self.window)] {
            if !(1..=MAX_COUNTS).contains(&counts) {
                problems.push(GateProblem::Counts { key });
            }
        }
        let least = self.distance.saturating_add(self.window).saturating_mul(4);
        if problems.is_empty() && self.modulus.is_some_and(|modulus| modulus < least) {
            problems.push(GateProblem::Modulus { least });
        }
        if !(0..=self.distance).contains(&self.stop_ahead) {
            problems.push(GateProblem::StopAhead);
        }
        if self.fallback == Fallback::Stop && self.positions.stop.is_none() {
            problems.push(GateProblem::NoStop);
        }
        problems
    }

    /// What holds where nothing is known of what is at the gate: a line is not stopped for what can be taken out.
    fn unknown(&self) -> Action {
        match self.fallback {
            Fallback::Pass => Action::Pass,
            Fallback::Reject | Fallback::Stop => Action::Reject,
        }
    }
}

/// An item passed the trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Index of the configuration's items.
    pub items: usize,
    /// Its id.
    pub item: u64,
    /// Encoder counts at the trigger; none where they are bad: it then counts from where the belt is now.
    pub encoder: Option<i64>,
}

/// A verdict with who gave it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnedVerdict {
    /// Who judged.
    pub owner: InstanceId,
    /// Which item.
    pub item: u64,
    /// What to do with it.
    pub decision: Decision,
    /// Of the verdict: one that can't be used is none.
    pub quality: Quality,
}

/// What a scan tells the gates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineNews {
    /// In the order in which they came.
    pub arrivals: Vec<Arrival>,
    /// In the order in which they came.
    pub verdicts: Vec<OwnedVerdict>,
}

/// What a gate made of a verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ItemJudgement {
    /// The gate.
    pub output: OutputId,
    /// The item.
    pub item: u64,
    /// As it was given.
    pub decision: Decision,
    /// Accepted: it is carried out when the item is there.
    pub verdict: Verdict,
    /// Why.
    pub reason: ItemReason,
    /// The mode that held.
    pub mode: Mode,
}

/// Why an [`ItemJudgement`] is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemReason {
    /// Accepted: the item is on its way.
    OnItsWay,
    /// Accepted: stricter than the verdict before it.
    Stricter,
    /// Held: the item has a verdict that is as strict.
    Twice,
    /// Held: the verdict can't be used, so that the item has none.
    Unusable,
    /// Rejected: the item is at the gate, and what it gets is settled.
    TooLate,
    /// Rejected: no such item is on its way. It is past, or the trigger never told of it.
    NoSuchItem,
}

impl fmt::Display for ItemReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ItemReason::OnItsWay => "carried out when the item is at the gate",
            ItemReason::Stricter => "stricter than the verdict before it",
            ItemReason::Twice => "the item has a verdict that is as strict",
            ItemReason::Unusable => "of a quality that can't be used",
            ItemReason::TooLate => "the item is at the gate already",
            ItemReason::NoSuchItem => "no such item is on its way",
        })
    }
}

/// What decided what a gate did with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActionCause {
    /// The verdict on it.
    Verdict,
    /// It had none.
    NoVerdict,
    /// It had none, the line was stopped for it, and an operator went on.
    Operator,
    /// It went past between two scans, or while the encoder was bad.
    Unseen,
    /// The counter began anew, or too many items were on the way.
    Lost,
}

impl ActionCause {
    /// In messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ActionCause::Verdict => "verdict",
            ActionCause::NoVerdict => "no-verdict",
            ActionCause::Operator => "operator",
            ActionCause::Unseen => "unseen",
            ActionCause::Lost => "lost",
        }
    }
}

/// An item left the gate. Each item that came in leaves once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateOutcome {
    /// The gate.
    pub output: OutputId,
    /// Which of the configuration's items.
    pub items: usize,
    /// The item.
    pub item: u64,
    /// What it was owed.
    pub action: Action,
    /// What decided that.
    pub cause: ActionCause,
    /// Whether the gate stood so all the while, as far as is known. Not where a trip, an inhibit, an operator or a stricter
    /// neighbour stood above it; below auto only where the device reports that it stood so.
    pub done: bool,
}

#[cfg(test)]
mod tests;
