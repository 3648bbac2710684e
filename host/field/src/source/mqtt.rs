//! What a topic's payload says, as a reading.
//!
//! A payload is JSON (an object into which pointers lead, or a plain number, boolean or string) or plain
//! text (`23.5`, `on`). Its size and content are a peer's, and may be anything: what cannot be decoded is
//! counted, and the tag gets a missing value, so that its quality turns bad. A waveform is an object of its own, a block of
//! samples with their rate, and its time that of the first sample. The time is the payload's
//! own where a pointer is given, and otherwise that of its arrival. Note that a broker sends a *retained* message
//! as soon as one subscribes, however old it is: without a time of its own it counts as new.

use crate::source::csv::decimal;
use dinrail_core::reading::{RawValue, Reading, ReadingKind, SourceId, Waveform};
use dinrail_core::tag::TagId;
use dinrail_core::time::{SECOND_NS, TimeNs};
use serde_json::Value;
use std::str::FromStr;
use std::sync::Arc;

/// Bytes of a payload that is decoded: a thousand times a usual one. Larger ones are counted and bad.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// Bytes of one with a waveform in it: some 20,000 samples. A link takes packets a little larger.
pub const MAX_WAVEFORM_BYTES: usize = 3 * MAX_PAYLOAD_BYTES;

/// Bytes of a text value that are taken; texts stand for recipes and states.
const MAX_TEXT_BYTES: usize = 256;

/// How far ahead of its arrival a payload's time may be: what clocks that are kept in step differ by, and some.
/// Everything after a message from the future would look old until that future is there.
const MAX_AHEAD_NS: i64 = 60 * SECOND_NS as i64;

/// One topic, and what is in its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Exact, without wildcards.
    pub topic: String,
    /// The asset its values belong to.
    pub asset: Option<Arc<str>>,
    /// Each tag at most once.
    pub fields: Vec<Field>,
    /// Where its time is; otherwise the time of arrival counts.
    pub time: Option<PayloadTime>,
}

/// A value in a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Whose.
    pub tag: TagId,
    /// Where; `None`: the whole payload.
    pub pointer: Option<Pointer>,
    /// Whether it is a block of samples, `{"rate_hz": 12000, "samples": [0.1, …]}`, rather than one value.
    pub waveform: bool,
}

/// Where a payload has its time, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadTime {
    /// Where.
    pub pointer: Pointer,
    /// How.
    pub format: PayloadTimeFormat,
}

/// How a payload's time is written. From text: `rfc3339`, `unix`, `unix_ms`, `unix_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadTimeFormat {
    /// A string with an offset or `Z`.
    Rfc3339,
    /// Seconds since 1970-01-01 UTC, with or without fractions; as a JSON number to about a
    /// quarter of a microsecond, as a string exactly.
    Unix,
    /// Milliseconds.
    UnixMs,
    /// Nanoseconds.
    UnixNs,
}

/// Not one of the formats.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time format `{text}` should be rfc3339, unix, unix_ms or unix_ns")]
pub struct PayloadTimeFormatError {
    /// As written.
    pub text: String,
}

impl FromStr for PayloadTimeFormat {
    type Err = PayloadTimeFormatError;

    fn from_str(text: &str) -> Result<PayloadTimeFormat, PayloadTimeFormatError> {
        match text {
            "rfc3339" => Ok(PayloadTimeFormat::Rfc3339),
            "unix" => Ok(PayloadTimeFormat::Unix),
            "unix_ms" => Ok(PayloadTimeFormat::UnixMs),
            "unix_ns" => Ok(PayloadTimeFormat::UnixNs),
            _ => Err(PayloadTimeFormatError { text: text.to_owned() }),
        }
    }
}

/// A JSON pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(String);

/// Not a pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the JSON pointer `{text}` should be empty or begin with `/`, and have `~` only as `~0` or `~1`")]
pub struct PointerError {
    /// As written.
    pub text: String,
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Pointer, PointerError> {
        let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if escapes && (text.is_empty() || text.starts_with('/')) {
            Ok(Pointer(text.to_owned()))
        } else {
            Err(PointerError { text: text.to_owned() })
        }
    }
}

/// What became of the payloads that arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeCounts {
    /// Payloads that gave a reading in which every value was found.
    pub decoded: u64,
    /// Payloads that are not what was told of them: no JSON where a pointer leads into it, a value that is
    /// a list or an object, text too long, bytes that are not UTF-8.
    pub malformed: u64,
    /// Payloads above [`MAX_PAYLOAD_BYTES`], with a waveform [`MAX_WAVEFORM_BYTES`].
    pub oversize: u64,
    /// Values that were not in their payload.
    pub missing_fields: u64,
    /// Payloads whose time is missing, cannot be read, or is too far ahead.
    pub bad_times: u64,
}

impl Subscription {
    /// Decodes a payload that arrived at `arrival_ns`. There is always a reading: what cannot be decoded is
    /// missing in it.
    #[must_use]
    pub fn decode(&self, source: SourceId, payload: &[u8], arrival_ns: TimeNs, counts: &mut DecodeCounts) -> Reading {
        let before = (counts.malformed, counts.missing_fields, counts.bad_times);
        let mut reading = Reading {
            source,
            kind: ReadingKind::Live,
            asset: self.asset.clone(),
            time_ns: arrival_ns,
            values: Vec::with_capacity(self.fields.len()),
        };
        let has_waveform = self.fields.iter().any(|field| field.waveform);
        let limit = if has_waveform { MAX_WAVEFORM_BYTES } else { MAX_PAYLOAD_BYTES };
        if payload.len() > limit {
            counts.oversize += 1;
            self.all_missing(&mut reading);
            return reading;
        }
        let has_pointers =
            has_waveform || self.time.is_some() || self.fields.iter().any(|field| field.pointer.is_some());
        if !has_pointers && let Some(number) = plain_number(payload) {
            counts.decoded += 1;
            reading.values.extend(self.fields.iter().map(|field| (field.tag, RawValue::Number(number))));
            return reading;
        }
        let json: Option<Value> = serde_json::from_slice(payload).ok();
        if json.is_none() && has_pointers {
            counts.malformed += 1;
            self.all_missing(&mut reading);
            return reading;
        }
        if let Some(time) = &self.time {
            match json.as_ref().and_then(|json| time.read(json, arrival_ns)) {
                Some(time_ns) => reading.time_ns = time_ns,
                None => {
                    // A value whose time is unknown is not one of now.
                    counts.bad_times += 1;
                    self.all_missing(&mut reading);
                    return reading;
                }
            }
        }
        for field in &self.fields {
            let value = match (&field.pointer, &json) {
                (Some(Pointer(pointer)), Some(json)) => match json.pointer(pointer) {
                    Some(value) if field.waveform => block(value, reading.time_ns, counts),
                    Some(value) => from_json(value, counts),
                    None => {
                        counts.missing_fields += 1;
                        RawValue::Missing
                    }
                },
                (None, Some(json)) if field.waveform => block(json, reading.time_ns, counts),
                (None, Some(json)) => from_json(json, counts),
                (_, None) => from_text(payload, counts),
            };
            reading.values.push((field.tag, value));
        }
        let after = (counts.malformed, counts.missing_fields, counts.bad_times);
        counts.decoded += u64::from(before == after);
        reading
    }

    fn all_missing(&self, reading: &mut Reading) {
        reading.values = self.fields.iter().map(|field| (field.tag, RawValue::Missing)).collect();
    }
}

impl PayloadTime {
    fn read(&self, json: &Value, arrival_ns: TimeNs) -> Option<TimeNs> {
        let value = json.pointer(&self.pointer.0)?;
        let number = |digits: usize| match value {
            Value::Number(number) => decimal(&number.to_string(), digits),
            Value::String(text) => decimal(text.trim(), digits),
            _ => None,
        };
        let time_ns = match self.format {
            PayloadTimeFormat::Unix => number(9),
            PayloadTimeFormat::UnixMs => number(6),
            PayloadTimeFormat::UnixNs => number(0),
            PayloadTimeFormat::Rfc3339 => {
                let timestamp: jiff::Timestamp = value.as_str()?.trim().parse().ok()?;
                TimeNs::try_from(timestamp.as_nanosecond()).ok()
            }
        }?;
        (time_ns <= arrival_ns.saturating_add(MAX_AHEAD_NS)).then_some(time_ns)
    }
}

fn from_json(value: &Value, counts: &mut DecodeCounts) -> RawValue {
    match value {
        Value::Number(number) => number.as_f64().map_or(RawValue::Missing, RawValue::Number),
        Value::Bool(on) => RawValue::Bool(*on),
        Value::String(text) if text.len() <= MAX_TEXT_BYTES => RawValue::Text(text.as_str().into()),
        Value::Null => RawValue::Missing,
        Value::String(_) | Value::Array(_) | Value::Object(_) => {
            counts.malformed += 1;
            RawValue::Missing
        }
    }
}

/// A block of samples, the first of which was taken at `time_ns`.
fn block(value: &Value, time_ns: TimeNs, counts: &mut DecodeCounts) -> RawValue {
    let rate_hz = value.get("rate_hz").and_then(Value::as_f64);
    let number = |sample: &Value| sample.as_f64().map(|sample| sample as f32);
    let samples: Option<Vec<f32>> =
        value.get("samples").and_then(Value::as_array).and_then(|samples| samples.iter().map(number).collect());
    match (rate_hz, samples) {
        (Some(rate_hz), Some(samples)) if rate_hz > 0.0 && !samples.is_empty() => {
            RawValue::Block(Arc::new(Waveform { time_ns, rate_hz, samples }))
        }
        _ => {
            counts.malformed += 1;
            RawValue::Missing
        }
    }
}

/// The usual payload; also in spellings that JSON has not (`+5`, `.5`, `007`, `nan`).
fn plain_number(payload: &[u8]) -> Option<f64> {
    std::str::from_utf8(payload.trim_ascii()).ok()?.parse().ok()
}

/// Of a payload that is neither a number nor JSON.
fn from_text(payload: &[u8], counts: &mut DecodeCounts) -> RawValue {
    let payload = payload.trim_ascii();
    if payload.is_empty() {
        return RawValue::Missing;
    }
    match std::str::from_utf8(payload) {
        Ok(text) if text.len() <= MAX_TEXT_BYTES => RawValue::Text(text.into()),
        Ok(_) | Err(_) => {
            counts.malformed += 1;
            RawValue::Missing
        }
    }
}

#[cfg(test)]
mod tests;
