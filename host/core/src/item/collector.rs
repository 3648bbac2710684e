//! From readings to items: the events of one trigger and of further stations, put together by the item's id.
//!
//! A reading that holds the trigger's id begins an item; one that holds a further station's id adds what that station
//! took of it, whichever of the two comes first. An item is ready when every station has spoken or its wait is over.

use super::{Item, Picture};
use crate::reading::{RawValue, Reading};
use crate::tag::{TagId, TagTable};
use crate::time::{DurationNs, TimeNs};
use std::collections::VecDeque;

/// Items that are put together at a time. Past it the oldest is handed out as it is: a line with a thousand parts between
/// its first and its last station has lost one of them.
pub const MAX_PENDING: usize = 1_024;
/// Finished ids that are remembered, so that what comes late or twice begins no second item.
pub const MAX_REMEMBERED: usize = 1_024;
/// Largest id: above it, numbers that came as floats are no longer told apart.
pub const MAX_ID: f64 = 9_007_199_254_740_992.0;

/// What the configuration says of a kind of items.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemSpec {
    /// Unique, for instance `parts`.
    pub name: String,
    /// Tags with the item's id: the trigger's first, then those of further stations.
    pub ids: Vec<TagId>,
    /// Encoder counts at the trigger, in the trigger's reading.
    pub encoder: Option<TagId>,
    /// In the order in which plugins get them.
    pub measures: Vec<TagId>,
    /// In the order in which plugins get them.
    pub pictures: Vec<TagId>,
    /// How long an item waits for further stations, run time from its first reading.
    pub wait_ns: DurationNs,
}

/// An item passed the trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its id.
    pub item: u64,
    /// Source time.
    pub time_ns: TimeNs,
    /// Encoder counts; none where they are bad.
    pub encoder: Option<i64>,
}

/// What became of the events. Each is counted once in `triggers`, `added` or one of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemCounts {
    /// Items that began at the trigger.
    pub triggers: u64,
    /// Readings of further stations that were added to an item.
    pub added: u64,
    /// The same item told again by the same station.
    pub duplicates: u64,
    /// Without an id that is a whole number.
    pub malformed: u64,
    /// Of a further station, for an item that was handed out already.
    pub late: u64,
    /// Of a further station, for an item that the trigger never told.
    pub untriggered: u64,
    /// Items, among `triggers`, whose encoder counts were bad.
    pub unplaced: u64,
    /// Items that were handed out with something missing.
    pub incomplete: u64,
}

#[derive(Debug)]
struct Pending {
    item: Item,
    since_ns: TimeNs,
    /// By station; the first is the trigger.
    seen: Vec<bool>,
}

/// Puts the items of one [`ItemSpec`] together.
#[derive(Debug)]
pub struct ItemCollector {
    spec: ItemSpec,
    pending: VecDeque<Pending>,
    /// Id and trigger's time of items that were handed out, the newest last.
    remembered: VecDeque<(u64, TimeNs)>,
    triggers: Vec<Trigger>,
    ready: Vec<Item>,
    counts: ItemCounts,
}

impl ItemCollector {
    /// Knows no item yet.
    #[must_use]
    pub fn new(spec: ItemSpec) -> ItemCollector {
        ItemCollector {
            spec,
            pending: VecDeque::new(),
            remembered: VecDeque::new(),
            triggers: Vec::new(),
            ready: Vec::new(),
            counts: ItemCounts::default(),
        }
    }

    /// What it puts together.
    #[must_use]
    pub fn spec(&self) -> &ItemSpec {
        &self.spec
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> ItemCounts {
        self.counts
    }

    /// Takes in a reading that arrived at run time `now_ns`. One without an id of this kind of items is none of its business.
    pub fn observe(&mut self, tags: &TagTable, reading: &Reading, now_ns: TimeNs) {
        let station = |(station, tag): (usize, &TagId)| value_of(reading, *tag).map(|raw| (station, *tag, raw));
        let Some((station, tag, raw)) = self.spec.ids.iter().enumerate().find_map(station) else { return };
        let (value, quality) = tags.get(tag).admit(raw);
        if !(quality.is_usable() && (0.0..=MAX_ID).contains(&value) && value.fract() == 0.0) {
            self.counts.malformed += 1;
            return;
        }
        let id = value as u64;
        let Some(index) = self.find_or_begin(id, station, reading, now_ns) else { return };
        if std::mem::replace(&mut self.pending[index].seen[station], true) {
            self.counts.duplicates += 1;
            return;
        }
        if station == 0 {
            self.trigger(index, tags, reading);
        } else {
            self.counts.added += 1;
        }
        self.add(index, tags, reading);
        if self.pending[index].seen.iter().all(|seen| *seen) {
            self.hand_out(index);
        }
    }

    /// Hands out what waited long enough.
    pub fn expire(&mut self, now_ns: TimeNs) {
        let wait = i64::try_from(self.spec.wait_ns).unwrap_or(i64::MAX);
        let is_over = |pending: &Pending| wait < now_ns.saturating_sub(pending.since_ns);
        while let Some(index) = self.pending.iter().position(is_over) {
            self.hand_out(index);
        }
    }

    /// Whether an item is being put together.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Items that passed the trigger since this was last asked.
    pub fn take_triggers(&mut self) -> Vec<Trigger> {
        std::mem::take(&mut self.triggers)
    }

    /// Items that became ready since this was last asked.
    pub fn take_ready(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.ready)
    }

    /// The place of the item that a reading belongs to; none where it is too late for it.
    fn find_or_begin(&mut self, id: u64, station: usize, reading: &Reading, now_ns: TimeNs) -> Option<usize> {
        if let Some(index) = self.pending.iter().position(|pending| pending.item.id == id) {
            return Some(index);
        }
        let known = self.remembered.iter().rev().find(|(known, _)| *known == id);
        match known {
            Some((_, trigger_ns)) if station == 0 && *trigger_ns == reading.time_ns => {
                self.counts.duplicates += 1;
                return None;
            }
            Some(_) if station > 0 => {
                self.counts.late += 1;
                return None;
            }
            Some(_) | None => {}
        }
        if self.pending.len() == MAX_PENDING {
            self.hand_out(0);
        }
        self.pending.push_back(Pending {
            item: Item {
                id,
                trigger_ns: reading.time_ns,
                encoder: 0,
                measures: vec![f64::NAN; self.spec.measures.len()],
                pictures: vec![Picture::missing(); self.spec.pictures.len()],
            },
            since_ns: now_ns,
            seen: vec![false; self.spec.ids.len()],
        });
        Some(self.pending.len() - 1)
    }

    fn trigger(&mut self, index: usize, tags: &TagTable, reading: &Reading) {
        let counts = self.spec.encoder.and_then(|tag| {
            let (value, quality) = tags.get(tag).admit(value_of(reading, tag)?);
            (quality.is_usable() && value.abs() <= MAX_ID).then(|| value.round() as i64)
        });
        let item = &mut self.pending[index].item;
        item.trigger_ns = reading.time_ns;
        item.encoder = counts.unwrap_or(0);
        self.counts.triggers += 1;
        self.counts.unplaced += u64::from(self.spec.encoder.is_some() && counts.is_none());
        self.triggers.push(Trigger { item: item.id, time_ns: reading.time_ns, encoder: counts });
    }

    fn add(&mut self, index: usize, tags: &TagTable, reading: &Reading) {
        let item = &mut self.pending[index].item;
        for (tag, measure) in self.spec.measures.iter().zip(&mut item.measures) {
            let Some(raw) = value_of(reading, *tag) else { continue };
            let (value, quality) = tags.get(*tag).admit(raw);
            if quality.is_usable() {
                *measure = value;
            }
        }
        for (tag, picture) in self.spec.pictures.iter().zip(&mut item.pictures) {
            if let Some(RawValue::Picture(taken)) = value_of(reading, *tag) {
                *picture = taken.clone();
            }
        }
    }

    fn hand_out(&mut self, index: usize) {
        let Some(Pending { item, seen, .. }) = self.pending.remove(index) else { return };
        if !seen[0] {
            self.counts.untriggered += 1;
            return;
        }
        let is_missing = item.measures.iter().any(|value| value.is_nan())
            || item.pictures.iter().any(Picture::is_missing)
            || seen.contains(&false);
        self.counts.incomplete += u64::from(is_missing);
        if self.remembered.len() == MAX_REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back((item.id, item.trigger_ns));
        self.ready.push(item);
    }
}

fn value_of(reading: &Reading, tag: TagId) -> Option<&RawValue> {
    reading.values.iter().find(|(id, _)| *id == tag).map(|(_, raw)| raw)
}

#[cfg(test)]
mod tests;
