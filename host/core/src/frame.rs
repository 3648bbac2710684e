//! Frames: the frozen rows that one plugin instance gets, and what collects them.

use crate::image::ProcessImage;
use crate::reading::Waveform;
use crate::tag::{Quality, TagId};
use crate::time::TimeNs;
use crate::unit::Conversion;
use std::sync::Arc;

/// A waveform as a plugin gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The waveform's index in the binding.
    pub column: u32,
    /// The samples, shared with the process image.
    pub waveform: Arc<Waveform>,
}

/// The rows that are new to an instance, preceded by its window of older ones. Frozen: nothing
/// changes it after it was taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The scan it was taken in.
    pub scan: u64,
    /// Run time of the scan or, for a table, source time of the last row.
    pub time_ns: TimeNs,
    /// Source time of each row.
    pub times_ns: Vec<TimeNs>,
    /// Index of the first new row.
    pub first_new: usize,
    /// Number of value columns.
    pub columns: usize,
    /// rows × columns, row-major; the last usable value where the quality says otherwise, or NaN.
    pub values: Vec<f64>,
    /// [`Quality`] codes, same length.
    pub quality: Vec<u8>,
    /// Waveforms since the last frame.
    pub blocks: Vec<Block>,
}

impl Frame {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.times_ns.len()
    }

    /// Number of new rows.
    #[must_use]
    pub fn new_rows(&self) -> usize {
        self.rows() - self.first_new
    }

    /// Values of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// Worst quality of the last row; good where there is no column.
    #[must_use]
    pub fn last_row_quality(&self) -> Quality {
        let start = self.quality.len() - self.columns.min(self.quality.len());
        self.quality[start..].iter().map(|code| Quality::from_code(*code)).max().unwrap_or(Quality::Good)
    }
}

/// Where a value column comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueColumn {
    /// The tag.
    pub tag: TagId,
    /// From the tag's unit to the input's.
    pub conversion: Conversion,
    /// What the input accepts, in its unit; outside it the quality is bad.
    pub range: Option<(f64, f64)>,
}

/// What limits one frame. More rows than this are dropped, oldest first, and counted.
///
/// 65,536 values are half a megabyte to copy, and at 64 columns a thousand rows: ten times what the
/// fastest plugin asked for between two of its calls.
pub const MAX_FRAME_VALUES: usize = 65_536;

/// Waveforms kept between two frames of an instance; the oldest goes first.
pub const MAX_FRAME_BLOCKS: usize = 64;

/// Collects the rows of one instance between its calls.
#[derive(Debug)]
pub struct FrameBuilder {
    columns: Vec<ValueColumn>,
    waveforms: Vec<TagId>,
    /// `updates` of each waveform's tag when its block was last taken over.
    waveform_updates: Vec<u64>,
    window: usize,
    max_rows: usize,
    first_new: usize,
    times_ns: Vec<TimeNs>,
    values: Vec<f64>,
    quality: Vec<u8>,
    blocks: Vec<Block>,
    dropped_rows: u64,
}

impl FrameBuilder {
    /// `window` is at least 1: the new row itself.
    #[must_use]
    pub fn new(columns: Vec<ValueColumn>, waveforms: Vec<TagId>, window: usize) -> FrameBuilder {
        let window = window.max(1);
        let max_rows = (MAX_FRAME_VALUES / columns.len().max(1)).max(window);
        FrameBuilder {
            waveform_updates: vec![0; waveforms.len()],
            columns,
            waveforms,
            window,
            max_rows,
            first_new: 0,
            times_ns: Vec::new(),
            values: Vec::new(),
            quality: Vec::new(),
            blocks: Vec::new(),
            dropped_rows: 0,
        }
    }

    /// Appends the image as it stands as a new row.
    pub fn push_row(&mut self, time_ns: TimeNs, image: &ProcessImage) {
        if self.times_ns.len() >= self.max_rows {
            self.drop_oldest();
        }
        self.times_ns.push(time_ns);
        for column in &self.columns {
            let state = image.get(column.tag);
            let value = column.conversion.apply(state.value);
            let in_range = column.range.is_none_or(|(lo, hi)| lo <= value && value <= hi);
            let quality = if state.quality.is_usable() && !in_range { Quality::Bad } else { state.quality };
            self.values.push(value);
            self.quality.push(quality.code());
        }
        for (index, tag) in self.waveforms.iter().enumerate() {
            let state = image.get(*tag);
            let Some(block) = &state.block else { continue };
            if state.updates == self.waveform_updates[index] || !state.quality.is_usable() {
                continue;
            }
            self.waveform_updates[index] = state.updates;
            if self.blocks.len() == MAX_FRAME_BLOCKS {
                self.blocks.remove(0);
            }
            self.blocks.push(Block { column: index as u32, waveform: Arc::clone(block) });
        }
    }

    /// New rows that a frame would have.
    #[must_use]
    pub fn new_rows(&self) -> usize {
        self.times_ns.len() - self.first_new
    }

    /// Rows that were dropped because nobody took them in time.
    #[must_use]
    pub fn dropped_rows(&self) -> u64 {
        self.dropped_rows
    }

    /// Freezes the rows into a frame and keeps the window's tail for the next one; `None` where no
    /// row is new.
    pub fn take(&mut self, scan: u64, time_ns: TimeNs) -> Option<Frame> {
        if self.new_rows() == 0 {
            return None;
        }
        let keep = (self.window - 1).min(self.times_ns.len());
        let kept_from = self.times_ns.len() - keep;
        let cells_from = kept_from * self.columns.len();
        let kept_times = self.times_ns[kept_from..].to_vec();
        let kept_values = self.values[cells_from..].to_vec();
        let kept_quality = self.quality[cells_from..].to_vec();
        let frame = Frame {
            scan,
            time_ns,
            first_new: self.first_new,
            columns: self.columns.len(),
            times_ns: std::mem::replace(&mut self.times_ns, kept_times),
            values: std::mem::replace(&mut self.values, kept_values),
            quality: std::mem::replace(&mut self.quality, kept_quality),
            blocks: std::mem::take(&mut self.blocks),
        };
        self.first_new = keep;
        Some(frame)
    }

    /// Drops a quarter of the rows at once, so that a flood costs one move a quarter.
    fn drop_oldest(&mut self) {
        let rows = (self.max_rows / 4).max(1);
        self.dropped_rows += rows.saturating_sub(self.first_new) as u64;
        self.first_new = self.first_new.saturating_sub(rows);
        self.times_ns.drain(..rows);
        self.values.drain(..rows * self.columns.len());
        self.quality.drain(..rows * self.columns.len());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::reading::{RawValue, Reading, ReadingKind, SourceId};
    use crate::tag::{Tag, TagTable};
    use crate::unit::Unit;
    use proptest::prelude::*;

    struct Rig {
        tags: TagTable,
        id: TagId,
        image: ProcessImage,
        builder: FrameBuilder,
    }

    impl Rig {
        fn new(window: usize) -> Rig {
            let mut tags = TagTable::default();
            let id = tags.add(Tag::new("t", Unit::parse("bar").unwrap())).unwrap();
            let conversion = Unit::parse("bar").unwrap().conversion_to(&Unit::parse("kPa").unwrap()).unwrap();
            let column = ValueColumn { tag: id, conversion, range: Some((0.0, 10_000.0)) };
            let image = ProcessImage::new(&tags);
            Rig { tags, id, image, builder: FrameBuilder::new(vec![column], vec![], window) }
        }

        fn row(&mut self, time_ns: TimeNs, value: f64) {
            let reading = Reading {
                source: SourceId(0),
                kind: ReadingKind::Row,
                asset: None,
                time_ns,
                values: vec![(self.id, RawValue::Number(value))],
            };
            self.image.apply(&self.tags, &reading, time_ns);
            self.builder.push_row(time_ns, &self.image);
        }
    }

    #[test]
    fn units_convert_and_the_inputs_range_counts() {
        let mut rig = Rig::new(1);
        rig.row(1, 2.0);
        rig.row(2, 200.0);
        rig.row(3, f64::NAN);
        let frame = rig.builder.take(7, 3).unwrap();
        assert_eq!(frame.values[0], 200.0);
        assert_eq!(frame.quality, [0, 2, 2]);
        assert_eq!((frame.scan, frame.first_new, frame.rows()), (7, 0, 3));
        assert!(rig.builder.take(8, 3).is_none(), "no row is new");
    }

    #[test]
    fn rows_nobody_takes_are_dropped_oldest_first_and_counted() {
        let mut rig = Rig::new(3);
        let rows = MAX_FRAME_VALUES as i64 + 10;
        for time in 0..rows {
            rig.row(time, 1.0);
        }
        let dropped = rig.builder.dropped_rows();
        let frame = rig.builder.take(0, rows).unwrap();
        assert_eq!(dropped + frame.new_rows() as u64, rows as u64);
        assert_eq!(frame.times_ns.last(), Some(&(rows - 1)));
    }

    proptest! {
        /// However the rows are cut into frames, each is new exactly once, and the window before
        /// the new ones is what came just before.
        #[test]
        fn every_row_is_new_once(
            window in 1_usize..6,
            cuts in proptest::collection::vec(0_usize..5, 1..30),
        ) {
            let mut rig = Rig::new(window);
            let mut time = 0;
            let mut seen = vec![];
            for (scan, rows) in cuts.iter().enumerate() {
                for _ in 0..*rows {
                    rig.row(time, time as f64);
                    time += 1;
                }
                let Some(frame) = rig.builder.take(scan as u64, time) else {
                    prop_assert_eq!(*rows, 0);
                    continue;
                };
                prop_assert!(frame.first_new < window);
                prop_assert_eq!(frame.first_new, seen.len().min(window - 1));
                let first = frame.times_ns[0];
                let expected: Vec<i64> = (first..time).collect();
                prop_assert_eq!(&frame.times_ns, &expected);
                seen.extend_from_slice(&frame.times_ns[frame.first_new..]);
            }
            prop_assert_eq!(seen, (0..time).collect::<Vec<_>>());
        }
    }
}
