//! Messages that wait for the broker's word, as a pure state machine.
//!
//! ```text
//!  push ─► waiting ── hand over ─► handed ── written, QoS 1 ─► in flight ── PUBACK ─► gone
//!             ▲                      │   └── written, QoS 0 ─► gone           │
//!             └──────────────────── rewind: the link dropped ◄────────────────┘
//! ```
//! A message at QoS 1 leaves only by its PUBACK, by the broker's refusal, or dropped as the oldest that
//! waits when there is no more room; each of these is counted. After a rewind everything goes out again in the
//! order in which it was accepted, marked as sent before where it may have arrived. The client's own queue is not
//! relied on: it forgets what was accepted when the broker starts a new session.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Messages handed to the client and not yet acknowledged. Twice what brokers usually let be in flight (20 to
/// 64), and what a dropped link may send twice.
pub const WINDOW: usize = 100;

/// Bytes of all messages that wait: an hour without a broker at 16 kB/s.
pub const MAX_OUTBOX_BYTES: usize = 64 * 1024 * 1024;

/// How surely a message should arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0: what replaces itself, such as a value a scan.
    AtMostOnce,
    /// QoS 1: held until the broker acknowledges it.
    AtLeastOnce,
}

/// A message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// Without wildcards.
    pub topic: Arc<str>,
    /// Any bytes.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it for those who subscribe later.
    pub retain: bool,
    /// How surely.
    pub delivery: Delivery,
    /// Seconds after which the broker no longer hands it on (MQTT 5 message expiry interval); none: never.
    pub expiry_s: Option<u32>,
}

impl OutgoingMessage {
    /// Bytes that it takes, on the wire and in memory, with what stands around it.
    #[must_use]
    pub fn size(&self) -> usize {
        // Fixed header, packet id and the properties of the sequence.
        const AROUND: usize = 96;
        self.topic.len() + self.payload.len() + AROUND
    }
}

/// What became of the messages. `accepted` = `sent` + `acked` + `refused` + `dropped` + `too_large` + those still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Taken.
    pub accepted: u64,
    /// At QoS 0: written.
    pub sent: u64,
    /// At QoS 1: acknowledged by the broker.
    pub acked: u64,
    /// At QoS 1: refused by the broker.
    pub refused: u64,
    /// Dropped for want of room, oldest first.
    pub dropped: u64,
    /// Dropped because the broker takes no packet of that size.
    pub too_large: u64,
    /// Handed over once more after a dropped link.
    pub resent: u64,
}

/// A message on its way to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    pub(crate) sequence: u64,
    /// It may have arrived already.
    pub(crate) again: bool,
    pub(crate) message: OutgoingMessage,
}

struct Entry {
    sequence: u64,
    again: bool,
    message: OutgoingMessage,
}

/// The messages in the order in which they were accepted.
pub(crate) struct Outbox {
    entries: VecDeque<Entry>,
    limit: usize,
    bytes: usize,
    next_sequence: u64,
    /// Entries before this one are handed over.
    waiting: usize,
    /// What the client has not written yet, in its order; `None` is not ours.
    handed: VecDeque<Option<u64>>,
    /// By packet identifier.
    in_flight: HashMap<u16, u64>,
    pub(crate) counts: OutboxCounts,
}

impl Outbox {
    /// Room for `limit` messages, and at least for one more than may be on its way.
    pub(crate) fn new(limit: usize) -> Outbox {
        Outbox {
            entries: VecDeque::new(),
            limit: limit.max(WINDOW + 1),
            bytes: 0,
            next_sequence: 0,
            waiting: 0,
            handed: VecDeque::new(),
            in_flight: HashMap::new(),
            counts: OutboxCounts::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes a message; makes room by dropping the oldest that wait.
    pub(crate) fn push(&mut self, message: OutgoingMessage) {
        let size = message.size();
        while self.entries.len() >= self.limit || self.bytes + size > MAX_OUTBOX_BYTES {
            if self.waiting == self.entries.len() {
                // Everything is on its way: the window is far below both limits, so this ends soon.
                break;
            }
            self.take(self.waiting);
            self.counts.dropped += 1;
        }
        self.counts.accepted += 1;
        self.bytes += size;
        self.entries.push_back(Entry { sequence: self.next_sequence, again: false, message });
        self.next_sequence += 1;
    }

    /// The next message to give to the client; `None` where none waits or the window is full. One that the
    /// broker would not take is dropped, since it would cost the link.
    pub(crate) fn hand_over(&mut self, largest: usize) -> Option<Handed> {
        while self.handed.len() + self.in_flight.len() < WINDOW {
            let entry = self.entries.get(self.waiting)?;
            if entry.message.size() > largest {
                self.take(self.waiting);
                self.counts.too_large += 1;
                continue;
            }
            self.counts.resent += u64::from(entry.again);
            self.waiting += 1;
            self.handed.push_back(Some(entry.sequence));
            return Some(Handed { sequence: entry.sequence, again: entry.again, message: entry.message.clone() });
        }
        None
    }

    /// The client was given a message that is not one of these.
    pub(crate) fn hand_over_foreign(&mut self) {
        self.handed.push_back(None);
    }

    /// The client wrote the next of what it was given, under this packet identifier.
    pub(crate) fn written(&mut self, packet: u16) {
        let Some(Some(sequence)) = self.handed.pop_front() else { return };
        let Some(at) = self.find(sequence) else { return };
        match self.entries[at].message.delivery {
            Delivery::AtMostOnce => {
                self.take(at);
                self.counts.sent += 1;
            }
            Delivery::AtLeastOnce => {
                self.entries[at].again = true;
                self.in_flight.insert(packet, sequence);
            }
        }
    }

    /// The broker answered for this packet identifier.
    pub(crate) fn answered(&mut self, packet: u16, taken: bool) {
        let Some(sequence) = self.in_flight.remove(&packet) else { return };
        let Some(at) = self.find(sequence) else { return };
        self.take(at);
        if taken {
            self.counts.acked += 1;
        } else {
            self.counts.refused += 1;
        }
    }

    /// The link dropped: whatever is not answered waits again, in its order.
    pub(crate) fn rewind(&mut self) {
        self.waiting = 0;
        self.handed.clear();
        self.in_flight.clear();
    }

    fn find(&self, sequence: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&sequence, |entry| entry.sequence).ok()
    }

    /// Removes an entry. Those that leave are near the front: at most the window moves.
    fn take(&mut self, at: usize) {
        if let Some(entry) = self.entries.remove(at) {
            self.bytes -= entry.message.size();
            self.waiting -= usize::from(at < self.waiting);
        }
    }
}

#[cfg(test)]
mod tests;
