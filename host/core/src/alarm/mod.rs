//! Alarms: what an operator has to know and to answer, in the words of ISA-18.2 / IEC 62682.
//!
//! - [`machine`]: one alarm from scan to scan: delays, latch, acknowledgement, shelving, chattering
//! - [`board`]: all of them: conditions, operators' words, transitions
//!
//! Decides nothing but what is told: no alarm moves an output. Time is an argument.

pub mod board;
pub mod machine;

pub use board::{AlarmBoard, AlarmStanding};
pub use machine::{Alarm, AlarmError, CHATTERING_RAISES, CHATTERING_WINDOW_NS, Delays, MAX_SHELVING_NS};

use crate::guard::{Expression, Witness};
use crate::time::{DurationNs, TimeNs};

/// Index of an alarm on its board: those of the configuration first, in its order, then the host's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmId(pub u32);

impl AlarmId {
    /// As an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How soon somebody has to do something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// When there is time.
    Low,
    /// Within the shift.
    #[default]
    Medium,
    /// Soon.
    High,
    /// At once.
    Critical,
}

impl Priority {
    /// All of them, the least first, by name.
    pub const ALL: [(&'static str, Priority); 4] = [
        ("low", Priority::Low),
        ("medium", Priority::Medium),
        ("high", Priority::High),
        ("critical", Priority::Critical),
    ];

    /// In configurations, records and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Medium => "medium",
            Priority::High => "high",
            Priority::Critical => "critical",
        }
    }
}

/// How an alarm stands.
///
/// ```text
///             condition on                     acknowledged
///   Normal ────────────────► UnacknowledgedActive ────────────► AcknowledgedActive ──┐
///     ▲  ▲                        │      ▲                              condition off│
///     │  │           condition off│      │condition on                               │
///     │  │                        ▼      │                                           │
///     │  └────────────── ReturnedUnacknowledged                                      │
///     │   acknowledged                                                               │
///     └──────────────────────────────────────────────────────────────────────────────┘
///
///   any ── shelved by an operator ──► Shelved ── time over, or unshelved ──► UnacknowledgedActive where the
///                                                                            condition is on, else Normal
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// Nothing is to be done.
    Normal,
    /// The condition is on, and nobody said that it was seen.
    UnacknowledgedActive,
    /// The condition is on, and somebody knows.
    AcknowledgedActive,
    /// The condition is off again, and nobody said that it was seen.
    ReturnedUnacknowledged,
    /// An operator put it aside for a time; it tells nothing meanwhile.
    Shelved,
}

impl AlarmState {
    /// In records and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            AlarmState::Normal => "normal",
            AlarmState::UnacknowledgedActive => "unacknowledged-active",
            AlarmState::AcknowledgedActive => "acknowledged-active",
            AlarmState::ReturnedUnacknowledged => "returned-unacknowledged",
            AlarmState::Shelved => "shelved",
        }
    }
}

/// What happened to an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmEvent {
    /// Its condition has been on for the on-delay.
    Raised,
    /// Its condition has been off for the off-delay.
    Returned,
    /// An operator knows.
    Acknowledged,
    /// An operator put it aside.
    Shelved,
    /// An operator took it back.
    Unshelved,
    /// The time of its shelving is over.
    ShelvingEnded,
    /// For some time nobody could know its condition; it holds its last state.
    Blind,
    /// Its condition is known again.
    Sighted,
}

impl AlarmEvent {
    /// In records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            AlarmEvent::Raised => "raised",
            AlarmEvent::Returned => "returned",
            AlarmEvent::Acknowledged => "acknowledged",
            AlarmEvent::Shelved => "shelved",
            AlarmEvent::Unshelved => "unshelved",
            AlarmEvent::ShelvingEnded => "shelving-ended",
            AlarmEvent::Blind => "blind",
            AlarmEvent::Sighted => "sighted",
        }
    }
}

/// What is known of an alarm before it ever was raised.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmSpec {
    /// Its name; each has its own.
    pub name: String,
    /// How soon somebody has to act.
    pub priority: Priority,
    /// When it changes.
    pub delays: Delays,
    /// What the operator should do.
    pub text: String,
    /// Its condition; none where the host says it itself.
    pub when: Option<Expression>,
}

/// An operator's word about an alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Who.
    pub user: String,
    /// Why; empty where nothing was said.
    pub reason: String,
    /// Of a shelving: until when, run time.
    pub until_ns: Option<TimeNs>,
}

/// Something happened to an alarm. It carries its priority, so that whoever waits for alarms of some priority needs nothing
/// else.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmTransition {
    /// Which.
    pub alarm: AlarmId,
    /// Of the alarm.
    pub priority: Priority,
    /// What happened.
    pub event: AlarmEvent,
    /// How it stood.
    pub before: AlarmState,
    /// How it stands.
    pub state: AlarmState,
    /// Run time.
    pub time_ns: TimeNs,
    /// It is raised too often to tell anything.
    pub chattering: bool,
    /// How often it was raised so far.
    pub raises: u64,
    /// The tags that its condition looks at, as they were; empty for what the host or an operator says.
    pub witnesses: Vec<Witness>,
    /// Whose word it was.
    pub word: Option<Word>,
}

/// How long a condition is unknown before an alarm says so: what is not there yet at a start, or for a scan, is no news.
pub const BLIND_AFTER_NS: DurationNs = 10 * crate::time::SECOND_NS;

#[cfg(test)]
mod tests;
