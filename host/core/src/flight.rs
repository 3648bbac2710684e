//! The flight recorder's memory: the last minutes of an instance's calls, bounded in time and bytes, and what they can be
//! replayed from.
//!
//! ```text
//! base ─ call ─ call ─ call ─ │ base ─ call ─ call ─ … ─ now
//! └──────── segment ────────┘
//! ```
//!
//! A segment begins where an instance was started, or where its state was saved. What is too old, or too much, goes a whole
//! segment at a time, so that what is left begins with something that can be replayed from.

mod cause;
#[cfg(test)]
mod tests;

pub use cause::{IncidentCause, Trigger};

use crate::frame::Frame;
use crate::item::Item;
use crate::outcome::{CallReport, Outcome, OutputState};
use crate::outlook::Outlook;
use crate::record::InstanceId;
use crate::time::{DurationNs, TimeNs};
use std::collections::VecDeque;
use std::sync::Arc;

/// A picture of an item, with or without its pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPicture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// 1 for grey, 3 for colour.
    pub channels: u32,
    /// Row-major; none where pictures are left out.
    pub pixels: Option<Arc<[u8]>>,
}

/// An item as a call got it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedItem {
    /// See [`Item::id`].
    pub id: u64,
    /// See [`Item::trigger_ns`].
    pub trigger_ns: TimeNs,
    /// See [`Item::encoder`].
    pub encoder: i64,
    /// See [`Item::measures`].
    pub measures: Vec<f64>,
    /// See [`Item::pictures`].
    pub pictures: Vec<RecordedPicture>,
}

impl RecordedItem {
    /// Takes an item over; its pixels only where they are asked for.
    #[must_use]
    pub fn of(item: Item, with_pixels: bool) -> RecordedItem {
        let picture = |picture: crate::item::Picture| RecordedPicture {
            width: picture.width(),
            height: picture.height(),
            channels: picture.channels(),
            pixels: (with_pixels || picture.is_missing()).then(|| picture.shared_pixels()),
        };
        RecordedItem {
            id: item.id,
            trigger_ns: item.trigger_ns,
            encoder: item.encoder,
            measures: item.measures,
            pictures: item.pictures.into_iter().map(picture).collect(),
        }
    }
}

/// A call that was made: everything that it got, and everything that it gave. What is large in it is shared.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// Run time at which it came back.
    pub time_ns: TimeNs,
    /// Its frame.
    pub frame: Arc<Frame>,
    /// What the plugin was told of its outputs.
    pub outputs: Vec<OutputState>,
    /// What it was told of the time ahead.
    pub outlook: Arc<Outlook>,
    /// What it was to judge.
    pub items: Vec<RecordedItem>,
    /// What came of it, and its models' answers.
    pub report: Arc<CallReport>,
    /// It came back too late, and what it answered had no effect.
    pub missed: bool,
}

impl RecordedCall {
    /// About how many bytes it keeps alive: what can be large is counted exactly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let frame = &self.frame;
        let blocks: usize = frame.blocks.iter().map(|block| size_of_val(block.waveform.samples.as_slice())).sum();
        let rows = size_of_val(frame.times_ns.as_slice());
        let values = size_of_val(frame.values.as_slice()) + frame.quality.len();
        let ahead: usize = self.outlook.series.iter().map(|series| size_of_val(series.values.as_slice())).sum();
        let pixels = |picture: &RecordedPicture| picture.pixels.as_ref().map_or(0, |pixels| pixels.len());
        let item = |item: &RecordedItem| {
            size_of::<RecordedItem>()
                + size_of_val(item.measures.as_slice())
                + item.pictures.iter().map(pixels).sum::<usize>()
        };
        let answers = self.report.inferences.iter().flat_map(|inference| inference.outputs.iter().flatten());
        let answers: usize = answers.map(|tensor| size_of_val(tensor.values())).sum();
        let results = match &self.report.outcome {
            Outcome::Answered(results) => results.len() * RESULT_BYTES,
            Outcome::Missed | Outcome::Faulted(_) | Outcome::Skipped(_) => RESULT_BYTES,
        };
        CALL_BYTES
            + rows
            + values
            + blocks
            + ahead
            + size_of_val(self.outputs.as_slice())
            + self.items.iter().map(item).sum::<usize>()
            + answers
            + results
    }
}

/// What a call takes beside its contents: the frame's, the report's and the outlook's own fields and their allocations.
const CALL_BYTES: usize = 640;
/// A result with a text of usual length.
const RESULT_BYTES: usize = 128;

/// What calls can be replayed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// A fresh instance that was configured and nothing more.
    Start,
    /// What the plugin saved, in its own version of that.
    State {
        /// The description's version of the bytes.
        version: u32,
        /// The bytes.
        bytes: Arc<[u8]>,
    },
    /// Nothing: what came before was dropped, or never told.
    Lost,
}

/// What the recorder is told of an instance.
#[derive(Clone, Debug)]
pub struct FlightEntry {
    /// Whose.
    pub instance: InstanceId,
    /// Counts the entries of an instance, so that a gap is seen.
    pub number: u64,
    /// What.
    pub kind: FlightKind,
}

/// See [`FlightEntry`].
#[derive(Clone, Debug)]
pub enum FlightKind {
    /// A fresh instance is in its place, or its state was saved, at this run time.
    Base(Base, TimeNs),
    /// A call.
    Call(Arc<RecordedCall>),
}

/// Calls one after the other, and what they can be replayed from.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Where it begins.
    pub base: Base,
    /// Run time of the base.
    pub base_ns: TimeNs,
    /// In their order.
    pub calls: VecDeque<Arc<RecordedCall>>,
    bytes: usize,
}

impl Segment {
    fn new(base: Base, base_ns: TimeNs) -> Segment {
        let bytes = match &base {
            Base::State { bytes, .. } => bytes.len(),
            Base::Start | Base::Lost => 0,
        };
        Segment { base, base_ns, calls: VecDeque::new(), bytes }
    }
}

/// How much of an instance is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Run time that is kept at least, where there is room.
    pub keep_ns: DurationNs,
    /// Bytes that are never exceeded after a push.
    pub bytes: usize,
}

/// An instance's share: all plugins have the same, and the instances of a plugin too.
#[must_use]
pub fn share(memory: usize, plugins: usize, instances: usize) -> usize {
    memory / plugins.max(1) / instances.max(1)
}

/// The last calls of one instance.
#[derive(Clone, Debug, Default)]
pub struct FlightLog {
    segments: VecDeque<Segment>,
    bytes: usize,
    next: u64,
    /// Calls that were dropped by time or for want of room.
    dropped: u64,
    /// Entries that never came.
    gaps: u64,
}

impl FlightLog {
    /// Takes an entry, and drops what is out of bounds then.
    pub fn push(&mut self, entry: FlightEntry, bounds: Bounds) {
        let is_next = entry.number == self.next;
        self.gaps += entry.number.saturating_sub(self.next);
        self.next = entry.number.saturating_add(1);
        let now_ns = match entry.kind {
            FlightKind::Base(base, base_ns) => {
                if !is_next && !self.segments.is_empty() && base != Base::Start {
                    // A state that is not the one to which the calls before it lead.
                    self.add_segment(Segment::new(Base::Lost, base_ns));
                }
                self.add_segment(Segment::new(base, base_ns));
                base_ns
            }
            FlightKind::Call(call) => {
                let time_ns = call.time_ns;
                if self.segments.is_empty() || !is_next {
                    self.add_segment(Segment::new(Base::Lost, time_ns));
                }
                let bytes = call.bytes();
                let segment = self.segments.back_mut().expect("one was just added where there was none");
                segment.bytes += bytes;
                self.bytes += bytes;
                segment.calls.push_back(call);
                time_ns
            }
        };
        self.trim(now_ns, bounds);
    }

    fn add_segment(&mut self, segment: Segment) {
        self.bytes += segment.bytes;
        self.segments.push_back(segment);
    }

    fn trim(&mut self, now_ns: TimeNs, bounds: Bounds) {
        let needed_from = now_ns.saturating_sub_unsigned(bounds.keep_ns);
        while let Some(second) = self.segments.get(1) {
            if second.base_ns > needed_from && self.bytes <= bounds.bytes {
                return;
            }
            let first = self.segments.pop_front().expect("there are two");
            self.bytes -= first.bytes;
            self.dropped += first.calls.len() as u64;
        }
        // Nothing to begin at is left but the last base: what follows is kept as evidence, as far as there is room.
        let Some(only) = self.segments.front_mut().filter(|_| self.bytes > bounds.bytes) else { return };
        let base = std::mem::replace(&mut only.base, Base::Lost);
        if let Base::State { bytes, .. } = base {
            only.bytes -= bytes.len();
            self.bytes -= bytes.len();
        }
        while self.bytes > bounds.bytes {
            let Some(call) = only.calls.pop_front() else { break };
            let bytes = call.bytes();
            only.bytes -= bytes;
            self.bytes -= bytes;
            self.dropped += 1;
        }
        only.base_ns = only.calls.front().map_or(now_ns, |call| call.time_ns);
    }

    /// Drops all that is kept: another version of the plugin goes on in its place.
    pub fn forget(&mut self) {
        self.dropped += self.calls() as u64;
        self.segments.clear();
        self.bytes = 0;
    }

    /// What is kept, oldest first. Sharing it copies no call.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter()
    }

    /// Bytes kept, as [`RecordedCall::bytes`] counts them, and those of the states.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Calls kept.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.segments.iter().map(|segment| segment.calls.len()).sum()
    }

    /// Calls that are not kept any more.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Entries that never came.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.gaps
    }
}
