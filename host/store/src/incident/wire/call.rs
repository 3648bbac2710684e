//! What a call got.

use super::super::read::IncidentError;
use super::OutcomeWire;
use dinrail_core::flight::{RecordedCall, RecordedItem, RecordedPicture};
use dinrail_core::frame::{Block, Frame};
use dinrail_core::guard::Mode;
use dinrail_core::inference::{InferenceEntry, InferenceError, Tensor};
use dinrail_core::item::{Item, Picture};
use dinrail_core::outcome::OutputState;
use dinrail_core::outlook::{Outlook, Series};
use dinrail_core::reading::Waveform;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A call: what it got, what its models answered, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallWire {
    /// Run time at which it came back.
    pub time_ns: i64,
    /// It came back too late.
    pub missed: bool,
    frame: FrameWire,
    outputs: Vec<OutputStateWire>,
    outlook: Vec<SeriesWire>,
    items: Vec<ItemWire>,
    /// Its models' answers, in their order.
    pub inferences: Vec<InferenceWire>,
    /// What came of it.
    pub outcome: OutcomeWire,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FrameWire {
    scan: u64,
    time_ns: i64,
    times_ns: Vec<i64>,
    first_new: u32,
    columns: u32,
    values: Vec<f64>,
    quality: Vec<u8>,
    blocks: Vec<BlockWire>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct BlockWire {
    column: u32,
    time_ns: i64,
    rate_hz: f64,
    samples: Vec<f32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OutputStateWire {
    applied: Option<f64>,
    readback: Option<f64>,
    mode: u8,
    limited_low: bool,
    limited_high: bool,
    blocked: bool,
    initialise: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SeriesWire {
    name: String,
    unit: String,
    start_ns: i64,
    step_ns: u64,
    values: Vec<f64>,
    known_at_ns: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ItemWire {
    id: u64,
    trigger_ns: i64,
    encoder: i64,
    measures: Vec<f64>,
    pictures: Vec<PictureWire>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PictureWire {
    width: u32,
    height: u32,
    channels: u32,
    pixels: Option<Vec<u8>>,
}

/// A model's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InferenceWire {
    /// The plugin's name for the model.
    pub model: String,
    /// Whether its inputs were unlike those that the model was trained on.
    pub outside: bool,
    /// What came out, or why nothing did.
    pub answer: Result<Vec<TensorWire>, RefusalWire>,
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorWire {
    shape: Vec<u32>,
    values: Vec<f32>,
}

/// See [`InferenceError`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the variants are the core's")]
pub enum RefusalWire {
    UnknownModel(String),
    Shape(String),
    Deadline,
    NotFinite(String),
    Failed(String),
}

/// What is taken out of a plugin's calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    /// Value columns.
    pub columns: Vec<usize>,
    /// Waveforms, by the block's column.
    pub waveforms: Vec<u32>,
    /// Measures of items.
    pub measures: Vec<usize>,
    /// Outputs, by their index.
    pub outputs: Vec<usize>,
}

impl Redaction {
    /// Whether nothing is taken out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Redaction::default()
    }
}

const MODES: [Mode; 4] = [Mode::Manual, Mode::Shadow, Mode::Advise, Mode::Auto];

/// Bytes of the pictures that are put in the places of those whose pixels were left out, in one call.
const MAX_BLANK_BYTES: usize = 64 * 1024 * 1024;

impl From<&RecordedCall> for CallWire {
    fn from(call: &RecordedCall) -> CallWire {
        CallWire {
            time_ns: call.time_ns,
            missed: call.missed,
            frame: frame(&call.frame),
            outputs: call.outputs.iter().map(output_state).collect(),
            outlook: call.outlook.series.iter().map(series).collect(),
            items: call.items.iter().map(item).collect(),
            inferences: call.report.inferences.iter().map(InferenceWire::from).collect(),
            outcome: OutcomeWire::from(&call.report.outcome),
        }
    }
}

fn frame(frame: &Frame) -> FrameWire {
    let block = |block: &Block| BlockWire {
        column: block.column,
        time_ns: block.waveform.time_ns,
        rate_hz: block.waveform.rate_hz,
        samples: block.waveform.samples.clone(),
    };
    FrameWire {
        scan: frame.scan,
        time_ns: frame.time_ns,
        times_ns: frame.times_ns.clone(),
        first_new: u32::try_from(frame.first_new).unwrap_or(u32::MAX),
        columns: u32::try_from(frame.columns).unwrap_or(u32::MAX),
        values: frame.values.clone(),
        quality: frame.quality.clone(),
        blocks: frame.blocks.iter().map(block).collect(),
    }
}

fn output_state(state: &OutputState) -> OutputStateWire {
    OutputStateWire {
        applied: state.applied,
        readback: state.readback,
        mode: MODES.iter().position(|mode| *mode == state.mode).map_or(0, |at| at as u8),
        limited_low: state.limited_low,
        limited_high: state.limited_high,
        blocked: state.blocked,
        initialise: state.initialise,
    }
}

fn series(series: &Series) -> SeriesWire {
    SeriesWire {
        name: series.name.clone(),
        unit: series.unit.clone(),
        start_ns: series.start_ns,
        step_ns: series.step_ns,
        values: series.values.clone(),
        known_at_ns: series.known_at_ns,
    }
}

fn item(item: &RecordedItem) -> ItemWire {
    let picture = |picture: &RecordedPicture| PictureWire {
        width: picture.width,
        height: picture.height,
        channels: picture.channels,
        pixels: picture.pixels.as_deref().map(<[u8]>::to_vec),
    };
    ItemWire {
        id: item.id,
        trigger_ns: item.trigger_ns,
        encoder: item.encoder,
        measures: item.measures.clone(),
        pictures: item.pictures.iter().map(picture).collect(),
    }
}

impl From<&InferenceEntry> for InferenceWire {
    fn from(entry: &InferenceEntry) -> InferenceWire {
        let tensor = |tensor: &Tensor| TensorWire { shape: tensor.shape().to_vec(), values: tensor.values().to_vec() };
        let answer = match &entry.outputs {
            Ok(outputs) => Ok(outputs.iter().map(tensor).collect()),
            Err(InferenceError::UnknownModel(name)) => Err(RefusalWire::UnknownModel(name.clone())),
            Err(InferenceError::Shape(what)) => Err(RefusalWire::Shape(what.clone())),
            Err(InferenceError::Deadline) => Err(RefusalWire::Deadline),
            Err(InferenceError::NotFinite(what)) => Err(RefusalWire::NotFinite(what.clone())),
            Err(InferenceError::Failed(what)) => Err(RefusalWire::Failed(what.clone())),
        };
        InferenceWire { model: entry.model.to_string(), outside: entry.outside, answer }
    }
}

impl InferenceWire {
    /// The answer as a model gives it; where it makes no sense, an error of the incident.
    pub fn answer(&self) -> Result<Result<Vec<Tensor>, InferenceError>, IncidentError> {
        let tensor = |tensor: &TensorWire| Tensor::new(tensor.shape.clone(), Arc::from(tensor.values.as_slice()));
        match &self.answer {
            Ok(outputs) => {
                let outputs = outputs.iter().map(tensor).collect::<Result<Vec<_>, _>>();
                Ok(Ok(outputs.map_err(|error| IncidentError::Inconsistent(error.to_string()))?))
            }
            Err(RefusalWire::UnknownModel(name)) => Ok(Err(InferenceError::UnknownModel(name.clone()))),
            Err(RefusalWire::Shape(what)) => Ok(Err(InferenceError::Shape(what.clone()))),
            Err(RefusalWire::Deadline) => Ok(Err(InferenceError::Deadline)),
            Err(RefusalWire::NotFinite(what)) => Ok(Err(InferenceError::NotFinite(what.clone()))),
            Err(RefusalWire::Failed(what)) => Ok(Err(InferenceError::Failed(what.clone()))),
        }
    }
}

impl CallWire {
    /// The scan its frame was taken in.
    #[must_use]
    pub fn scan(&self) -> u64 {
        self.frame.scan
    }

    /// The frame, checked: its parts fit together.
    pub fn frame(&self) -> Result<Frame, IncidentError> {
        let wire = &self.frame;
        let inconsistent = |what: &str| IncidentError::Inconsistent(format!("the frame of scan {}: {what}", wire.scan));
        let (rows, columns, first_new) = (wire.times_ns.len(), wire.columns as usize, wire.first_new as usize);
        if rows.checked_mul(columns) != Some(wire.values.len()) || wire.values.len() != wire.quality.len() {
            return Err(inconsistent("rows, columns and values disagree"));
        }
        if first_new > rows {
            return Err(inconsistent("its first new row is past its last"));
        }
        let block = |block: &BlockWire| Block {
            column: block.column,
            waveform: Arc::new(Waveform {
                time_ns: block.time_ns,
                rate_hz: block.rate_hz,
                samples: block.samples.clone(),
            }),
        };
        Ok(Frame {
            scan: wire.scan,
            time_ns: wire.time_ns,
            times_ns: wire.times_ns.clone(),
            first_new,
            columns,
            values: wire.values.clone(),
            quality: wire.quality.clone(),
            blocks: wire.blocks.iter().map(block).collect(),
        })
    }

    /// The outputs' states.
    pub fn outputs(&self) -> Result<Vec<OutputState>, IncidentError> {
        let state = |wire: &OutputStateWire| {
            let mode = MODES.get(usize::from(wire.mode)).copied();
            let mode = mode.ok_or_else(|| IncidentError::Inconsistent(format!("there is no mode {}", wire.mode)))?;
            Ok(OutputState {
                applied: wire.applied,
                readback: wire.readback,
                mode,
                limited_low: wire.limited_low,
                limited_high: wire.limited_high,
                blocked: wire.blocked,
                initialise: wire.initialise,
            })
        };
        self.outputs.iter().map(state).collect()
    }

    /// What was known of the time ahead.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        let series = |wire: &SeriesWire| Series {
            name: wire.name.clone(),
            unit: wire.unit.clone(),
            start_ns: wire.start_ns,
            step_ns: wire.step_ns,
            values: wire.values.clone(),
            known_at_ns: wire.known_at_ns,
        };
        Outlook { series: self.outlook.iter().map(series).collect() }
    }

    /// Whether pictures are here without their pixels: a model that is asked about them can't be asked again.
    #[must_use]
    pub fn lacks_pixels(&self) -> bool {
        self.items.iter().flat_map(|item| &item.pictures).any(|picture| picture.pixels.is_none())
    }

    /// The items; a picture whose pixels were left out is black, in its own size.
    pub fn items(&self) -> Result<Vec<Item>, IncidentError> {
        let mut room = MAX_BLANK_BYTES;
        let item = |wire: &ItemWire| {
            Ok(Item {
                id: wire.id,
                trigger_ns: wire.trigger_ns,
                encoder: wire.encoder,
                measures: wire.measures.clone(),
                pictures: wire
                    .pictures
                    .iter()
                    .map(|wire| picture(wire, &mut room))
                    .collect::<Result<_, IncidentError>>()?,
            })
        };
        self.items.iter().map(item).collect()
    }

    /// Takes out what must not leave the site; also what was made of it, as far as that tells it again.
    pub fn redact(&mut self, redaction: &Redaction) {
        if redaction.is_empty() {
            return;
        }
        let columns = self.frame.columns as usize;
        for (at, value) in self.frame.values.iter_mut().enumerate() {
            if columns > 0 && redaction.columns.contains(&(at % columns)) {
                *value = f64::NAN;
            }
        }
        for block in self.frame.blocks.iter_mut().filter(|block| redaction.waveforms.contains(&block.column)) {
            block.samples.clear();
        }
        for item in &mut self.items {
            for (at, measure) in item.measures.iter_mut().enumerate() {
                if redaction.measures.contains(&at) {
                    *measure = f64::NAN;
                }
            }
        }
        for (at, output) in self.outputs.iter_mut().enumerate() {
            if redaction.outputs.contains(&at) {
                (output.applied, output.readback) = (None, None);
            }
        }
        // A model may answer with what it was asked.
        self.inferences.clear();
    }
}

fn picture(wire: &PictureWire, room: &mut usize) -> Result<Picture, IncidentError> {
    let inconsistent = |what: String| IncidentError::Inconsistent(what);
    let pixels: Arc<[u8]> = match &wire.pixels {
        Some(pixels) => Arc::from(pixels.as_slice()),
        None => {
            let sizes = [wire.height, wire.channels];
            let bytes = sizes.iter().try_fold(wire.width as usize, |bytes, size| bytes.checked_mul(*size as usize));
            let bytes = bytes.filter(|bytes| *bytes <= *room);
            let bytes = bytes.ok_or_else(|| inconsistent(format!("a picture of {}×{}", wire.width, wire.height)))?;
            *room -= bytes;
            Arc::from(vec![0; bytes])
        }
    };
    Picture::new(wire.width, wire.height, wire.channels, pixels).map_err(|error| inconsistent(error.to_string()))
}
