//! Objects to a file, one a line.
//!
//! Writing never fails towards the scan: lines that the disk does not take are counted, the first error is
//! told at the next [`flush`](JsonlSink::flush), and later lines are tried again.

use crate::message::{
    AlarmMessage, CommandMessage, Encoder, GateMessage, Judged, Kind, PluginContext, StateMessage, ValueMessage,
};
use dinrail_core::frame::Frame;
use dinrail_core::outcome::{Outcome, Results};
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Bytes kept before they go to the file: two hundred results, one system call.
const BUFFER_BYTES: usize = 64 * 1024;

/// Why lines are missing.
#[derive(Debug, thiserror::Error)]
pub enum JsonlError {
    /// The file cannot be made or opened.
    #[error("{}: can't be opened for writing", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It took some lines and not others.
    #[error("{name}: can't be written; {lost} lines are lost so far")]
    Write {
        /// The file, or what stands for it.
        name: String,
        /// Lines lost since it was opened.
        lost: u64,
        /// The first error since the last flush.
        #[source]
        source: io::Error,
    },
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonlCounts {
    /// Lines taken, to the buffer at least.
    pub lines: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Lines known to be lost. Those in a buffer that could not be written are tried again.
    pub lost: u64,
}

/// A file that takes objects.
pub struct JsonlSink {
    name: String,
    out: BufWriter<Box<dyn Write + Send>>,
    encoder: Encoder,
    writer: Counted,
}

/// What the closure of the encoder may touch while the encoder itself is lent out.
#[derive(Default)]
struct Counted {
    counts: JsonlCounts,
    failed: Option<io::Error>,
}

impl Counted {
    fn line(&mut self, out: &mut impl Write, object: &[u8]) {
        match out.write_all(object).and_then(|()| out.write_all(b"\n")) {
            Ok(()) => {
                self.counts.lines += 1;
                self.counts.bytes += object.len() as u64 + 1;
            }
            Err(error) => {
                self.counts.lost += 1;
                self.failed.get_or_insert(error);
            }
        }
    }
}

impl JsonlSink {
    /// Opens a file: to go on with what is there, or to begin anew.
    pub fn open(path: &Path, append: bool) -> Result<JsonlSink, JsonlError> {
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .append(append)
            .truncate(!append)
            .open(path)
            .map_err(|source| JsonlError::Open { path: path.to_owned(), source })?;
        Ok(JsonlSink::new(path.display().to_string(), Box::new(file)))
    }

    /// Writes to anything.
    #[must_use]
    pub fn to_writer(writer: impl Write + Send + 'static) -> JsonlSink {
        JsonlSink::new("writer".to_owned(), Box::new(writer))
    }

    fn new(name: String, out: Box<dyn Write + Send>) -> JsonlSink {
        JsonlSink {
            name,
            out: BufWriter::with_capacity(BUFFER_BYTES, out),
            encoder: Encoder::new(),
            writer: Counted::default(),
        }
    }

    /// One object, encoded already.
    pub fn write(&mut self, _kind: Kind, object: &[u8]) {
        self.writer.line(&mut self.out, object);
    }

    /// One object a result. See [`Encoder::results`].
    pub fn results(&mut self, context: &PluginContext, frame: &Frame, results: &Results, judged: &[Judged<'_>]) {
        let (writer, out) = (&mut self.writer, &mut self.out);
        self.encoder.results(context, frame, results, judged, &mut |_, object| writer.line(out, object));
    }

    /// Everything that came of a call. See [`Encoder::outcome`].
    pub fn outcome(&mut self, context: &PluginContext, frame: &Frame, outcome: &Outcome, judged: &[Judged<'_>]) {
        let (writer, out) = (&mut self.writer, &mut self.out);
        self.encoder.outcome(context, frame, outcome, judged, &mut |_, object| writer.line(out, object));
    }

    /// A tag's value.
    pub fn value(&mut self, value: &ValueMessage<'_>) {
        self.writer.line(&mut self.out, self.encoder.value(value));
    }

    /// What was written to an output.
    pub fn command(&mut self, command: &CommandMessage<'_>) {
        self.writer.line(&mut self.out, self.encoder.command(command));
    }

    /// What a gate did with an item.
    pub fn gate(&mut self, gate: &GateMessage<'_>) {
        self.writer.line(&mut self.out, self.encoder.gate(gate));
    }

    /// What became of an alarm.
    pub fn alarm(&mut self, alarm: &AlarmMessage<'_>) {
        self.writer.line(&mut self.out, self.encoder.alarm(alarm));
    }

    /// A plugin instance's state.
    pub fn state(&mut self, state: &StateMessage<'_>) {
        self.writer.line(&mut self.out, self.encoder.state(state));
    }

    /// Hands everything to the file: after each scan, and at the end. Tells the first error since the last
    /// time; the sink can be used on.
    pub fn flush(&mut self) -> Result<(), JsonlError> {
        let flushed = self.out.flush();
        match self.writer.failed.take().or(flushed.err()) {
            None => Ok(()),
            Some(source) => Err(JsonlError::Write { name: self.name.clone(), lost: self.writer.counts.lost, source }),
        }
    }

    /// What was written so far.
    #[must_use]
    pub fn counts(&self) -> JsonlCounts {
        self.writer.counts
    }
}

#[cfg(test)]
mod tests;
