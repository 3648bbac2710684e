//! One alarm from scan to scan. See [`AlarmState`] for its diagram.
//!
//! A condition that nobody can know changes nothing: the alarm holds its state, a delay that runs goes on, and what it
//! leads to waits until the condition is known again.

use super::{AlarmEvent, AlarmState, BLIND_AFTER_NS};
use crate::time::{DurationNs, SECOND_NS, TimeNs};
use std::collections::VecDeque;

/// Longest shelving: a shift and a half. Longer than that is a change of the configuration.
pub const MAX_SHELVING_NS: DurationNs = 12 * 3_600 * SECOND_NS;

/// More raises than this within [`CHATTERING_WINDOW_NS`] are chattering (ISA-18.2 speaks of three in a minute).
pub const CHATTERING_RAISES: usize = 3;
/// See [`CHATTERING_RAISES`].
pub const CHATTERING_WINDOW_NS: DurationNs = 60 * SECOND_NS;

/// How long a condition has to be on, or off, before the alarm follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// Before it is raised.
    pub on_ns: DurationNs,
    /// Before it returns.
    pub off_ns: DurationNs,
}

/// Why an operator's word about an alarm is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlarmError {
    /// It is normal, or acknowledged.
    #[error("there is nothing to acknowledge: it is {}", .0.name())]
    NothingToAcknowledge(AlarmState),
    /// It is not shelved.
    #[error("it is not shelved")]
    NotShelved,
    /// It tells nothing that could be acknowledged.
    #[error("it is shelved; take it back first, by `dinrail alarms unshelve`")]
    Shelved,
    /// A shelving must end.
    #[error("a shelving lasts more than 0 and at most {} hours", MAX_SHELVING_NS / (3_600 * SECOND_NS))]
    Duration,
}

/// What happened in one step, at most: a shelving ended, sight changed, and the alarm was raised or returned.
pub(super) type Steps = Vec<(AlarmEvent, AlarmState, AlarmState)>;

/// One alarm.
#[derive(Clone, Debug)]
pub struct Alarm {
    delays: Delays,
    /// Whether it is raised, with the delays.
    is_active: bool,
    is_acknowledged: bool,
    shelved_until_ns: Option<TimeNs>,
    /// Since when the condition has said other than `is_active`.
    turning_since_ns: Option<TimeNs>,
    unknown_since_ns: Option<TimeNs>,
    is_blind: bool,
    raises: u64,
    /// The latest raises, one more than chattering takes.
    recent_ns: VecDeque<TimeNs>,
    chattering_raises: u64,
    changed_ns: Option<TimeNs>,
    now_ns: TimeNs,
}

impl Alarm {
    /// Normal.
    #[must_use]
    pub fn new(delays: Delays) -> Alarm {
        Alarm {
            delays,
            is_active: false,
            is_acknowledged: true,
            shelved_until_ns: None,
            turning_since_ns: None,
            unknown_since_ns: None,
            is_blind: false,
            raises: 0,
            recent_ns: VecDeque::with_capacity(CHATTERING_RAISES + 1),
            chattering_raises: 0,
            changed_ns: None,
            now_ns: TimeNs::MIN,
        }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> AlarmState {
        match (self.shelved_until_ns, self.is_active, self.is_acknowledged) {
            (Some(_), ..) => AlarmState::Shelved,
            (None, true, false) => AlarmState::UnacknowledgedActive,
            (None, true, true) => AlarmState::AcknowledgedActive,
            (None, false, false) => AlarmState::ReturnedUnacknowledged,
            (None, false, true) => AlarmState::Normal,
        }
    }

    /// How often it was raised, shelved or not.
    #[must_use]
    pub fn raises(&self) -> u64 {
        self.raises
    }

    /// How many of the raises were one too many within the window.
    #[must_use]
    pub fn chattering_raises(&self) -> u64 {
        self.chattering_raises
    }

    /// Whether it was raised too often of late.
    #[must_use]
    pub fn is_chattering(&self) -> bool {
        let recent = self.recent_ns.iter().filter(|raised_ns| within(**raised_ns, self.now_ns, CHATTERING_WINDOW_NS));
        CHATTERING_RAISES < recent.count()
    }

    /// Whether nobody has been able to know its condition for a while.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// Until when it is shelved.
    #[must_use]
    pub fn shelved_until_ns(&self) -> Option<TimeNs> {
        self.shelved_until_ns
    }

    /// When its state last changed.
    #[must_use]
    pub fn changed_ns(&self) -> Option<TimeNs> {
        self.changed_ns
    }

    /// Moves it on: what its condition says at this time, none where nobody can know. Time that runs backward counts as
    /// standing still.
    pub(super) fn observe(&mut self, condition: Option<bool>, now_ns: TimeNs) -> Steps {
        self.now_ns = self.now_ns.max(now_ns);
        let mut steps = Steps::new();
        if self.shelved_until_ns.is_some_and(|until_ns| until_ns <= self.now_ns) {
            steps.push(self.end_shelving(AlarmEvent::ShelvingEnded));
        }
        steps.extend(self.see(condition.is_some()));
        if let Some(says) = condition {
            steps.extend(self.follow(says));
        }
        steps
    }

    /// An operator knows.
    pub fn acknowledge(&mut self) -> Result<(AlarmState, AlarmState), AlarmError> {
        let before = self.state();
        match before {
            AlarmState::UnacknowledgedActive | AlarmState::ReturnedUnacknowledged => {
                self.is_acknowledged = true;
                Ok(self.changed(before))
            }
            AlarmState::Shelved => Err(AlarmError::Shelved),
            AlarmState::Normal | AlarmState::AcknowledgedActive => Err(AlarmError::NothingToAcknowledge(before)),
        }
    }

    /// An operator puts it aside, or goes on with that, for so much run time from now.
    pub fn shelve(&mut self, now_ns: TimeNs, for_ns: DurationNs) -> Result<(AlarmState, AlarmState), AlarmError> {
        if for_ns == 0 || MAX_SHELVING_NS < for_ns {
            return Err(AlarmError::Duration);
        }
        let before = self.state();
        self.now_ns = self.now_ns.max(now_ns);
        self.shelved_until_ns = Some(self.now_ns.saturating_add_unsigned(for_ns));
        // Whoever puts it aside has seen it; what is on at the end is told anew.
        self.is_acknowledged = true;
        Ok(self.changed(before))
    }

    /// An operator takes it back before its time.
    pub fn unshelve(&mut self) -> Result<(AlarmState, AlarmState), AlarmError> {
        if self.shelved_until_ns.is_none() {
            return Err(AlarmError::NotShelved);
        }
        let (_, before, state) = self.end_shelving(AlarmEvent::Unshelved);
        Ok((before, state))
    }

    fn end_shelving(&mut self, event: AlarmEvent) -> (AlarmEvent, AlarmState, AlarmState) {
        let before = self.state();
        self.shelved_until_ns = None;
        self.is_acknowledged = !self.is_active;
        let (before, state) = self.changed(before);
        (event, before, state)
    }

    /// Whether its condition is known.
    fn see(&mut self, is_known: bool) -> Option<(AlarmEvent, AlarmState, AlarmState)> {
        if is_known {
            self.unknown_since_ns = None;
            return std::mem::take(&mut self.is_blind).then(|| (AlarmEvent::Sighted, self.state(), self.state()));
        }
        let since_ns = *self.unknown_since_ns.get_or_insert(self.now_ns);
        let begins = !self.is_blind && !within(since_ns, self.now_ns, BLIND_AFTER_NS);
        self.is_blind |= begins;
        begins.then(|| (AlarmEvent::Blind, self.state(), self.state()))
    }

    /// Follows its condition once that has lasted.
    fn follow(&mut self, says: bool) -> Option<(AlarmEvent, AlarmState, AlarmState)> {
        if says == self.is_active {
            self.turning_since_ns = None;
            return None;
        }
        let since_ns = *self.turning_since_ns.get_or_insert(self.now_ns);
        let delay_ns = if says { self.delays.on_ns } else { self.delays.off_ns };
        if within(since_ns, self.now_ns, delay_ns) {
            return None;
        }
        let before = self.state();
        self.turning_since_ns = None;
        self.is_active = says;
        if says {
            self.count_raise();
        }
        if before == AlarmState::Shelved {
            return None;
        }
        if says {
            self.is_acknowledged = false;
        }
        let (before, state) = self.changed(before);
        Some((if says { AlarmEvent::Raised } else { AlarmEvent::Returned }, before, state))
    }

    fn count_raise(&mut self) {
        self.raises += 1;
        if self.recent_ns.len() > CHATTERING_RAISES {
            self.recent_ns.pop_front();
        }
        self.recent_ns.push_back(self.now_ns);
        self.chattering_raises += u64::from(self.is_chattering());
    }

    fn changed(&mut self, before: AlarmState) -> (AlarmState, AlarmState) {
        self.changed_ns = Some(self.now_ns);
        (before, self.state())
    }
}

/// Whether less than this length has passed.
fn within(since_ns: TimeNs, now_ns: TimeNs, length_ns: DurationNs) -> bool {
    u64::try_from(now_ns.saturating_sub(since_ns)).unwrap_or(0) < length_ns
}
