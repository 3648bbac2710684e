//! The first two lines of a table file: the names of its columns and its first record.

use crate::config::types::Delimiter;
use dinrail_field::source::csv::SERIES_COLUMNS;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The head of a file, unpacked, is looked at no further than this.
const MAX_HEAD_BYTES: u64 = 1024 * 1024;

/// The first lines.
#[derive(Debug, Default)]
pub(super) struct TableHead {
    /// Fields of the first line.
    pub(super) first: Vec<String>,
    /// Fields of the second; none where there is no second.
    pub(super) second: Option<Vec<String>>,
}

impl TableHead {
    /// Goes on with the fields of another table.
    pub(super) fn join(&mut self, other: TableHead) {
        self.first.extend(other.first);
        self.second = self.second.take().zip(other.second).map(|(mut fields, more)| {
            fields.extend(more);
            fields
        });
    }

    /// That of every file of series.
    pub(super) fn of_series() -> TableHead {
        TableHead { first: SERIES_COLUMNS.map(str::to_owned).to_vec(), second: None }
    }
}

/// Why a table can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    /// The file is missing, unreadable or not what its ending says.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Quotes that don't match, and the like.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// A directory, a device or a pipe.
    #[error("it is no file")]
    NoFile,
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
}

/// Reads the head of the file at `path`; one that ends in `.gz` is unpacked.
pub(super) fn table_head(path: &Path, delimiter: Delimiter) -> Result<TableHead, TableError> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(TableError::NoFile);
    }
    let file = File::open(path)?;
    let packed = path.extension().is_some_and(|ending| ending == "gz");
    let bytes: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let bytes = bytes.take(MAX_HEAD_BYTES);
    let mut records = match delimiter {
        Delimiter::Byte(byte) => delimited(bytes, byte)?,
        Delimiter::Whitespace => spaced(bytes)?,
    }
    .into_iter();
    let mut first = records.next().ok_or(TableError::Empty)?;
    if let Some(field) = first.first_mut() {
        // A byte order mark is no part of the first name.
        *field = field.trim_start_matches('\u{feff}').to_owned();
    }
    Ok(TableHead { first, second: records.next() })
}

fn delimited(bytes: impl Read, delimiter: u8) -> Result<Vec<Vec<String>>, TableError> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let mut records = Vec::new();
    for record in reader.byte_records().take(2) {
        let fields = record?;
        records.push(fields.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect());
    }
    Ok(records)
}

fn spaced(bytes: impl Read) -> Result<Vec<Vec<String>>, TableError> {
    let mut reader = BufReader::new(bytes);
    let mut records = Vec::new();
    let mut line = Vec::new();
    while records.len() < 2 && reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        let fields: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
        if !fields.is_empty() {
            records.push(fields);
        }
        line.clear();
    }
    Ok(records)
}
