//! Records of a file, whatever separates their fields.

use super::options::Separator;
use csv::ByteRecord;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that one record may take: a thousand columns of sixty digits, and an unclosed quote ends there
/// instead of reading the rest of the file into memory.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

/// Bytes asked of the file at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// Reads record after record into one place.
pub(super) struct Records {
    input: Input,
    record: ByteRecord,
    line: u64,
    /// Bytes read from the file since the last record was complete.
    pending: Arc<AtomicUsize>,
}

enum Input {
    Separated(Box<csv::Reader<Bounded>>),
    Lines { reader: BufReader<Bounded>, buffer: Vec<u8>, next_line: u64 },
}

impl Records {
    pub(super) fn open(path: &Path, separator: Separator) -> io::Result<Records> {
        let file = File::open(path)?;
        // A directory opens, and only fails when it is read.
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let packed = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz"));
        let inner: Box<dyn Read + Send> =
            if packed { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) };
        let pending = Arc::new(AtomicUsize::new(0));
        let bounded = Bounded { inner, pending: Arc::clone(&pending) };
        let input = match separator {
            Separator::Character(delimiter) => Input::Separated(Box::new(
                csv::ReaderBuilder::new()
                    .delimiter(delimiter)
                    .has_headers(false)
                    .flexible(true)
                    .buffer_capacity(BUFFER_BYTES)
                    .from_reader(bounded),
            )),
            Separator::Whitespace => Input::Lines {
                reader: BufReader::with_capacity(BUFFER_BYTES, bounded),
                buffer: Vec::new(),
                next_line: 1,
            },
        };
        Ok(Records { input, record: ByteRecord::new(), line: 0, pending })
    }

    /// Goes to the next record; false at the end. Empty lines are passed over.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        self.pending.store(0, Ordering::Relaxed);
        match &mut self.input {
            Input::Separated(reader) => {
                let line = reader.position().line();
                let found = reader.read_byte_record(&mut self.record).map_err(into_io)?;
                // The record's own position is past the empty lines before it.
                self.line = self.record.position().map_or(line, csv::Position::line);
                Ok(found)
            }
            Input::Lines { reader, buffer, next_line } => loop {
                buffer.clear();
                if reader.read_until(b'\n', buffer)? == 0 {
                    return Ok(false);
                }
                self.line = *next_line;
                *next_line += 1;
                let text = buffer.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(buffer);
                self.record.clear();
                for field in text.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()) {
                    self.record.push_field(field);
                }
                if !self.record.is_empty() {
                    return Ok(true);
                }
            },
        }
    }

    /// The record that was last gone to.
    pub(super) fn record(&self) -> &ByteRecord {
        &self.record
    }

    /// The line on which it begins, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }
}

fn into_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    }
}

/// Refuses to go on where a record does not end.
struct Bounded {
    inner: Box<dyn Read + Send>,
    pending: Arc<AtomicUsize>,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // What was buffered before the record began is not counted, so the bound is one buffer loose.
        if self.pending.load(Ordering::Relaxed) > MAX_RECORD_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a record is longer than {MAX_RECORD_BYTES} bytes (is a quote left open?)"),
            ));
        }
        let read = self.inner.read(into)?;
        self.pending.fetch_add(read, Ordering::Relaxed);
        Ok(read)
    }
}
