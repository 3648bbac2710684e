//! All alarms of a controller: those of the configuration, each with its condition, and the host's own.

use super::machine::Alarm;
use super::{AlarmError, AlarmEvent, AlarmId, AlarmSpec, AlarmState, AlarmTransition, Word};
use crate::guard::{Condition, Witness};
use crate::image::ProcessImage;
use crate::time::{DurationNs, TimeNs};
use std::sync::Arc;

/// Alarms, in the order of their ids.
#[derive(Debug, Default)]
pub struct AlarmBoard {
    entries: Vec<Entry>,
    /// What operators did since the last scan; they wait for the next one's record.
    said: Vec<AlarmTransition>,
}

#[derive(Debug)]
struct Entry {
    spec: Arc<AlarmSpec>,
    condition: Option<Condition>,
    alarm: Alarm,
    /// Of whoever shelved it.
    shelved_by: Option<Word>,
}

/// How one alarm stands.
#[derive(Clone, Copy, Debug)]
pub struct AlarmStanding<'b> {
    /// Which.
    pub id: AlarmId,
    /// What the configuration, or the host, says of it.
    pub spec: &'b AlarmSpec,
    /// Its state and counts.
    pub alarm: &'b Alarm,
    /// Who shelved it, and why, where it is shelved.
    pub shelved_by: Option<&'b Word>,
}

impl AlarmBoard {
    /// All of them normal.
    #[must_use]
    pub fn new(specs: impl IntoIterator<Item = AlarmSpec>) -> AlarmBoard {
        let entry = |spec: AlarmSpec| Entry {
            condition: spec.when.clone().map(Condition::new),
            alarm: Alarm::new(spec.delays),
            shelved_by: None,
            spec: Arc::new(spec),
        };
        AlarmBoard { entries: specs.into_iter().map(entry).collect(), said: Vec::new() }
    }

    /// What is known of each, by id.
    #[must_use]
    pub fn specs(&self) -> Vec<Arc<AlarmSpec>> {
        self.entries.iter().map(|entry| Arc::clone(&entry.spec)).collect()
    }

    /// What is known of one.
    #[must_use]
    pub fn spec(&self, id: AlarmId) -> Option<&AlarmSpec> {
        self.entries.get(id.0 as usize).map(|entry| entry.spec.as_ref())
    }

    /// Whether one of them has a condition that is to be looked at in every scan.
    #[must_use]
    pub fn has_conditions(&self) -> bool {
        self.entries.iter().any(|entry| entry.condition.is_some())
    }

    /// By name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<AlarmId> {
        let index = self.entries.iter().position(|entry| entry.spec.name == name)?;
        u32::try_from(index).ok().map(AlarmId)
    }

    /// How they stand, by id.
    pub fn standings(&self) -> impl Iterator<Item = AlarmStanding<'_>> {
        self.entries.iter().zip((0..).map(AlarmId)).map(|(entry, id)| AlarmStanding {
            id,
            spec: &entry.spec,
            alarm: &entry.alarm,
            shelved_by: entry.shelved_by.as_ref(),
        })
    }

    /// How one stands.
    #[must_use]
    pub fn state(&self, id: AlarmId) -> Option<AlarmState> {
        self.entries.get(id.index()).map(|entry| entry.alarm.state())
    }

    /// The tags that its condition looks at, as they are now; empty for the host's own.
    #[must_use]
    pub fn inputs(&self, id: AlarmId, image: &ProcessImage) -> Vec<Witness> {
        let condition = self.entries.get(id.index()).and_then(|entry| entry.condition.as_ref());
        condition.map_or_else(Vec::new, |condition| condition.inputs(image))
    }

    /// Moves all of them on. `host` says of each alarm without a condition, in their order, whether it is on; one of which
    /// nothing is said is off. Gives what happened, operators' words first.
    pub fn scan(&mut self, now_ns: TimeNs, image: &ProcessImage, host: &[bool]) -> Vec<AlarmTransition> {
        let mut transitions = std::mem::take(&mut self.said);
        let mut host = host.iter().copied();
        for (entry, id) in self.entries.iter_mut().zip((0..).map(AlarmId)) {
            let says = match &mut entry.condition {
                Some(condition) => condition.look(image, now_ns),
                None => Some(host.next().unwrap_or(false)),
            };
            for (event, before, state) in entry.alarm.observe(says, now_ns) {
                let looks = matches!(event, AlarmEvent::Raised | AlarmEvent::Returned | AlarmEvent::Blind);
                let condition = entry.condition.as_ref().filter(|_| looks);
                let witnesses = condition.map_or_else(Vec::new, |condition| condition.inputs(image));
                if event == AlarmEvent::ShelvingEnded {
                    entry.shelved_by = None;
                }
                transitions.push(entry.transition(id, event, (before, state), now_ns, witnesses, None));
            }
        }
        transitions
    }

    /// An operator knows of it. Gives its states before and after.
    pub fn acknowledge(
        &mut self,
        id: AlarmId,
        word: Word,
        now_ns: TimeNs,
    ) -> Result<(AlarmState, AlarmState), AlarmError> {
        self.carry_out(id, AlarmEvent::Acknowledged, word, now_ns, |entry, _word| entry.alarm.acknowledge())
    }

    /// An operator puts it aside for so much run time.
    pub fn shelve(
        &mut self,
        id: AlarmId,
        word: Word,
        now_ns: TimeNs,
        for_ns: DurationNs,
    ) -> Result<(AlarmState, AlarmState), AlarmError> {
        self.carry_out(id, AlarmEvent::Shelved, word, now_ns, |entry, word| {
            let states = entry.alarm.shelve(now_ns, for_ns)?;
            word.until_ns = entry.alarm.shelved_until_ns();
            entry.shelved_by = Some(word.clone());
            Ok(states)
        })
    }

    /// An operator takes it back.
    pub fn unshelve(
        &mut self,
        id: AlarmId,
        word: Word,
        now_ns: TimeNs,
    ) -> Result<(AlarmState, AlarmState), AlarmError> {
        self.carry_out(id, AlarmEvent::Unshelved, word, now_ns, |entry, _word| {
            let states = entry.alarm.unshelve()?;
            entry.shelved_by = None;
            Ok(states)
        })
    }

    /// # Panics
    /// Where the id is no alarm's: ids come from [`AlarmBoard::find`].
    fn carry_out(
        &mut self,
        id: AlarmId,
        event: AlarmEvent,
        mut word: Word,
        now_ns: TimeNs,
        act: impl FnOnce(&mut Entry, &mut Word) -> Result<(AlarmState, AlarmState), AlarmError>,
    ) -> Result<(AlarmState, AlarmState), AlarmError> {
        let entry = &mut self.entries[id.index()];
        let states = act(entry, &mut word)?;
        self.said.push(entry.transition(id, event, states, now_ns, Vec::new(), Some(word)));
        Ok(states)
    }
}

impl Entry {
    fn transition(
        &self,
        alarm: AlarmId,
        event: AlarmEvent,
        (before, state): (AlarmState, AlarmState),
        time_ns: TimeNs,
        witnesses: Vec<Witness>,
        word: Option<Word>,
    ) -> AlarmTransition {
        AlarmTransition {
            alarm,
            priority: self.spec.priority,
            event,
            before,
            state,
            time_ns,
            chattering: self.alarm.is_chattering(),
            raises: self.alarm.raises(),
            witnesses,
            word,
        }
    }
}
