//! Items on their way through the controller: from readings to a plugin's call, and from its verdicts to the guard.

use crate::config::Config;
use crate::statistics::ItemFigures;
use dinrail_core::guard::{Arrival, LineNews, OwnedVerdict};
use dinrail_core::item::{Item, ItemCollector};
use dinrail_core::outcome::ItemVerdict;
use dinrail_core::reading::{RawValue, Reading};
use dinrail_core::record::InstanceId;
use dinrail_core::tag::{TagId, TagTable};
use dinrail_core::time::TimeNs;
use dinrail_field::source::picture::PictureFolder;
use std::collections::{HashMap, VecDeque};

/// Items that wait for a plugin's next call. Past it the oldest is dropped and counted, and its gate does the default.
const MAX_WAITING_ITEMS: usize = 4_096;
/// Bytes of the pictures that wait.
const MAX_WAITING_BYTES: usize = 128 * 1024 * 1024;
/// Items of one call.
const MAX_CALL_ITEMS: usize = 256;
/// Pictures of one call: with a handle each.
const MAX_CALL_PICTURES: usize = 512;
/// Bytes of the pictures of one call: as numbers for a model four times as many, and an instance may hold 32 MiB of both.
const MAX_CALL_BYTES: usize = 4 * 1024 * 1024;
/// Pictures that can't be read and are told by name; the others are counted.
const MAX_TOLD: u64 = 20;

/// Everything of items that belongs to no plugin.
pub(super) struct Line {
    collectors: Vec<ItemCollector>,
    /// By tag whose texts name pictures.
    folders: HashMap<TagId, PictureFolder>,
    bad_pictures: u64,
    verdicts: u64,
    handed: u64,
    news: LineNews,
}

impl Line {
    pub(super) fn new(config: &Config) -> Line {
        let folders = config.picture_folders.iter();
        Line {
            collectors: config.items.iter().map(|items| ItemCollector::new(items.spec.clone())).collect(),
            folders: folders.map(|(tag, folder)| (*tag, PictureFolder::new(folder.clone()))).collect(),
            bad_pictures: 0,
            verdicts: 0,
            handed: 0,
            news: LineNews::default(),
        }
    }

    /// Reads the pictures that a reading names. One that can't be read is missing.
    pub(super) fn open_pictures(&mut self, reading: &mut Reading) {
        if self.folders.is_empty() {
            return;
        }
        for (tag, raw) in &mut reading.values {
            let Some(folder) = self.folders.get(tag) else { continue };
            let name = match raw {
                RawValue::Text(name) => name.to_string(),
                // A name without letters.
                RawValue::Number(number) => number.to_string(),
                RawValue::Bool(_) | RawValue::Missing | RawValue::Block(_) | RawValue::Picture(_) => continue,
            };
            *raw = folder.read(&name).map_or_else(
                |error| {
                    self.bad_pictures += 1;
                    if self.bad_pictures <= MAX_TOLD {
                        tracing::warn!(%error, "a picture is missing");
                    }
                    RawValue::Missing
                },
                RawValue::Picture,
            );
        }
    }

    /// Takes in a reading.
    pub(super) fn observe(&mut self, tags: &TagTable, reading: &Reading, now_ns: TimeNs) {
        self.collectors.iter_mut().for_each(|collector| collector.observe(tags, reading, now_ns));
    }

    /// After a scan's readings: those that passed a trigger become the guard's news; those that are ready come out, with the
    /// index of their kind.
    pub(super) fn ready(&mut self, now_ns: TimeNs) -> Vec<(usize, Item)> {
        let mut ready = Vec::new();
        for (items, collector) in self.collectors.iter_mut().enumerate() {
            collector.expire(now_ns);
            let triggers = collector.take_triggers().into_iter();
            let arrival = |item, encoder| Arrival { items, item, encoder };
            self.news.arrivals.extend(triggers.map(|trigger| arrival(trigger.item, trigger.encoder)));
            ready.extend(collector.take_ready().into_iter().map(|item| (items, item)));
        }
        ready
    }

    /// Whether items wait for further stations.
    pub(super) fn is_waiting(&self) -> bool {
        self.collectors.iter().any(ItemCollector::is_waiting)
    }

    /// Items were handed to a plugin, or would have been.
    pub(super) fn hand_over(&mut self, items: usize) {
        self.handed += items as u64;
    }

    /// A plugin's verdicts become the guard's news.
    pub(super) fn judged(&mut self, owner: InstanceId, verdicts: &[ItemVerdict]) {
        self.verdicts += verdicts.len() as u64;
        let owned = |verdict: &ItemVerdict| OwnedVerdict {
            owner,
            item: verdict.item,
            decision: verdict.decision,
            quality: verdict.quality,
        };
        self.news.verdicts.extend(verdicts.iter().map(owned));
    }

    /// The guard's news since this was last asked.
    pub(super) fn take_news(&mut self) -> LineNews {
        std::mem::take(&mut self.news)
    }

    /// What was counted so far; none where no items are configured. `dropped` are those that no plugin took in time.
    pub(super) fn figures(&self, dropped: u64) -> Option<ItemFigures> {
        if self.collectors.is_empty() {
            return None;
        }
        let mut figures = ItemFigures {
            handed: self.handed,
            verdicts: self.verdicts,
            bad_pictures: self.bad_pictures,
            dropped,
            ..ItemFigures::default()
        };
        for counts in self.collectors.iter().map(ItemCollector::counts) {
            figures.triggers += counts.triggers;
            figures.duplicates += counts.duplicates;
            figures.malformed += counts.malformed;
            figures.late += counts.late;
            figures.untriggered += counts.untriggered;
            figures.unplaced += counts.unplaced;
            figures.incomplete += counts.incomplete;
        }
        Some(figures)
    }
}

/// Items that wait for an instance's next call.
#[derive(Debug, Default)]
pub struct ItemQueue {
    items: VecDeque<Item>,
    bytes: usize,
    dropped: u64,
}

impl ItemQueue {
    /// Adds one; the oldest go where there is no room.
    pub fn push(&mut self, item: Item) {
        self.bytes += bytes(&item);
        self.items.push_back(item);
        while self.items.len() > MAX_WAITING_ITEMS || (self.bytes > MAX_WAITING_BYTES && self.items.len() > 1) {
            self.pop();
            self.dropped += 1;
        }
    }

    /// Those of the next call, in their order: at least one, where there is one.
    pub fn take(&mut self) -> Vec<Item> {
        let (mut taken, mut pictures, mut size) = (Vec::new(), 0, 0);
        while let Some(next) = self.items.front() {
            pictures += next.pictures.len();
            size += bytes(next);
            let is_full = taken.len() == MAX_CALL_ITEMS || pictures > MAX_CALL_PICTURES || size > MAX_CALL_BYTES;
            if is_full && !taken.is_empty() {
                break;
            }
            taken.extend(self.pop());
        }
        taken
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Those that went for want of room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.bytes -= bytes(&item);
        Some(item)
    }
}

fn bytes(item: &Item) -> usize {
    item.pictures.iter().map(|picture| picture.pixels().len()).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use dinrail_core::item::Picture;

    fn item(id: u64, side: u32) -> Item {
        let pixels = vec![0_u8; (side * side) as usize].into();
        let pictures = vec![Picture::new(side, side, 1, pixels).unwrap()];
        Item { id, trigger_ns: 0, encoder: 0, measures: vec![], pictures }
    }

    fn ids(items: &[Item]) -> Vec<u64> {
        items.iter().map(|item| item.id).collect()
    }

    #[test]
    fn a_call_gets_what_it_can_hold_and_the_next_one_goes_on() {
        let mut queue = ItemQueue::default();
        (0..5).for_each(|id| queue.push(item(id, 1_200)));
        queue.push(item(5, 2_400));
        assert_eq!(ids(&queue.take()), [0, 1]);
        assert_eq!(ids(&queue.take()), [2, 3]);
        assert_eq!(ids(&queue.take()), [4]);
        assert_eq!(ids(&queue.take()), [5], "one that is larger than a call comes alone");
        assert!(queue.take().is_empty() && queue.is_empty());
        (0..300).for_each(|id| queue.push(item(id, 1)));
        assert_eq!((queue.take().len(), queue.take().len(), queue.dropped()), (256, 44, 0));
    }

    #[test]
    fn what_nobody_takes_is_dropped_oldest_first_and_counted() {
        let mut queue = ItemQueue::default();
        (0..MAX_WAITING_ITEMS as u64 + 3).for_each(|id| queue.push(item(id, 1)));
        assert_eq!((queue.dropped(), queue.take()[0].id), (3, 3));
        let mut queue = ItemQueue::default();
        (0..60).for_each(|id| queue.push(item(id, 2_400)));
        assert!(queue.dropped() > 30 && queue.bytes <= MAX_WAITING_BYTES);
    }
}
