//! What a source hands in: raw values with their source time, not yet judged.

use crate::item::Picture;
use crate::tag::TagId;
use crate::time::TimeNs;
use std::sync::Arc;

/// A value as the wire or the file had it.
#[derive(Clone, Debug, PartialEq)]
pub enum RawValue {
    /// May be anything a float can be.
    Number(f64),
    /// 0 or 1.
    Bool(bool),
    /// Becomes a number by the tag's map, or by parsing where it has none.
    Text(Arc<str>),
    /// The field was there and empty, or could not be decoded.
    Missing,
    /// A waveform.
    Block(Arc<Waveform>),
    /// A picture.
    Picture(Picture),
}

/// Equally spaced samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Waveform {
    /// Source time of the first sample.
    pub time_ns: TimeNs,
    /// Samples a second.
    pub rate_hz: f64,
    /// In the tag's unit.
    pub samples: Vec<f32>,
}

/// How a reading becomes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingKind {
    /// One record of a table: a row of its own.
    Row,
    /// Values of a live source: they update the process image, and the scan takes one snapshot.
    Live,
}

/// Index of a source in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// Values of one source that share one source time.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Where it came from.
    pub source: SourceId,
    /// Row or live.
    pub kind: ReadingKind,
    /// The asset's key, where the source serves many.
    pub asset: Option<Arc<str>>,
    /// When it was measured.
    pub time_ns: TimeNs,
    /// Each tag at most once.
    pub values: Vec<(TagId, RawValue)>,
}
