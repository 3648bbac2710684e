//! Tables: a row each record, its time from a column, a count, or a fixed period.
//!
//! Fields are separated by a character or by whitespace, columns are found by name or number, and a file
//! whose name ends in `.gz` is unpacked on the fly. A *key* column splits a file into assets that stand in it
//! interleaved or one after the other; they are run side by side, merged by time.
//!
//! Several files may stand side by side as one table, record by record, or one after the other; and a file in which every
//! line is a whole series is read value by value.
//!
//! Nothing is lost silently. An empty cell is [`RawValue::Missing`](dinrail_core::reading::RawValue), one
//! that is no number a text; both are counted, and the tag's map or range decides; the first text of a tag without a
//! map is told of. A record with another number
//! of fields, without its key, or with a time that cannot be read, is skipped, counted, and noted with its line.
//! Rows that are older than the one before are passed on: the process image drops and counts them.

mod earlier;
mod merge;
mod options;
mod records;
mod rows;
mod stream;
mod time;

pub use earlier::MAX_TURNED_CELLS;
pub use merge::MAX_KEYED_CELLS;
pub use options::{Before, ColumnRef, CsvOptions, Layout, Separator, SeparatorError};
pub use records::MAX_RECORD_BYTES;
pub use rows::MAX_ASSETS;
pub use stream::SERIES_COLUMNS;
pub(crate) use time::decimal;
pub use time::{CsvTime, TimeFormat};

use dinrail_core::reading::{RawValue, Reading, ReadingKind};
use dinrail_core::tag::TagId;
use dinrail_core::time::TimeNs;
use merge::Merge;
use rows::{Row, Rows};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Records that cannot be used and are remembered with their line; the rest are only counted.
pub const MAX_PROBLEMS: usize = 16;

/// Records looked at, at most, before a file without a single usable row is refused: a wrong format says
/// so at start-up, not after an hour of silence.
const MAX_BAD_START: u64 = 1_000;

/// Why a table is refused, or cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// It cannot be opened.
    #[error("{}: can't be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be read on: the disk, the packing, or a record without an end.
    #[error("{}, line {line}: can't be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Where about.
        line: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It has no line.
    #[error("{}: is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A column that is not there, or not told apart.
    #[error("{}, line {line}: there is no telling which is column {column}: {why}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The header's line, or the first.
        line: u64,
        /// As configured.
        column: String,
        /// What there is.
        why: String,
    },
    /// Two columns for one tag.
    #[error("{}: the tag of column {column} has another column already", path.display())]
    TagTwice {
        /// The file.
        path: PathBuf,
        /// The second one.
        column: String,
    },
    /// Not one of the first records can be used.
    #[error("{}: none of the first {looked_at} records can be used; {problem}", path.display())]
    NoRow {
        /// The file.
        path: PathBuf,
        /// How many there were.
        looked_at: u64,
        /// What is wrong with the first.
        problem: CsvProblem,
    },
    /// More than is held in memory for a file with a key.
    #[error("{}, line {line}: a file with a key may have {limit} cells; take fewer columns or split it", path.display())]
    TooManyCells {
        /// The file.
        path: PathBuf,
        /// Where it went past.
        line: u64,
        /// [`MAX_KEYED_CELLS`].
        limit: usize,
    },
    /// More keys than there can be instances.
    #[error("{}, line {line}: a file may have {limit} assets; is the key the right column?", path.display())]
    TooManyAssets {
        /// The file.
        path: PathBuf,
        /// Where it went past.
        line: u64,
        /// [`MAX_ASSETS`].
        limit: usize,
    },
}

/// A record that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvProblem {
    /// Where it begins, counted from 1.
    pub line: u64,
    /// What is wrong.
    pub trouble: Trouble,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another number of fields than the first line.
    Fields {
        /// In this record.
        found: usize,
        /// In the first line.
        expected: usize,
    },
    /// Of a table that this one joins: another number of fields than its first line.
    JoinedFields {
        /// Its file.
        path: PathBuf,
        /// Where in it.
        line: u64,
        /// In this record.
        found: usize,
        /// In the file's first line.
        expected: usize,
    },
    /// Its time cannot be read.
    Time {
        /// As written, cut.
        text: String,
    },
    /// It does not say of which asset it is.
    Key,
}

impl fmt::Display for CsvProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: ", self.line)?;
        match &self.trouble {
            Trouble::Fields { found, expected } => {
                write!(formatter, "{found} fields where the first line has {expected}")
            }
            Trouble::JoinedFields { path, line, found, expected } => {
                let path = path.display();
                write!(formatter, "line {line} of {path} has {found} fields where its first line has {expected}")
            }
            Trouble::Time { text } => write!(formatter, "the time `{text}` can't be read"),
            Trouble::Key => formatter.write_str("the key is empty or not text"),
        }
    }
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvCounts {
    /// Records that became rows.
    pub rows: u64,
    /// Cells in them.
    pub cells: u64,
    /// Of those: empty, or not text at all.
    pub missing_cells: u64,
    /// Of those: text.
    pub text_cells: u64,
    /// Records that were skipped.
    pub bad_records: u64,
}

/// A column of texts where numbers should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextColumn {
    /// Whose.
    pub tag: TagId,
    /// Where its first text is, counted from 1.
    pub line: u64,
    /// That text.
    pub text: Arc<str>,
}

/// A table that is being read.
pub struct CsvSource {
    rows: Rows,
    ahead: Ahead,
    /// What reading ahead came upon; told after the rows before it.
    failed: Option<CsvError>,
}

/// The rows that were read and not yet taken.
enum Ahead {
    /// Without a key: the next one. The file is read as it is taken.
    One(Option<Row>),
    /// With a key: all of them.
    All(Merge),
}

impl CsvSource {
    /// Opens a table and checks everything that can be checked: the columns, and that it has a row that can
    /// be used. With a key the whole file is read.
    pub fn open(options: CsvOptions) -> Result<CsvSource, CsvError> {
        let keyed = options.key.is_some();
        let mut rows = Rows::open(options)?;
        let first = rows.next_row()?;
        let ahead = if keyed { Ahead::All(Merge::read(first, &mut rows)?) } else { Ahead::One(first) };
        Ok(CsvSource { rows, ahead, failed: None })
    }

    /// Columns of tags that take [numbers](CsvOptions::numbers) alone and have none in the first `records` rows, only
    /// texts. The table is opened for this and closed again.
    pub fn texts_only(options: CsvOptions, records: usize) -> Result<Vec<TextColumn>, CsvError> {
        let numbers: Vec<TagId> = options.numbers.iter().map(|(tag, _)| *tag).collect();
        // Nothing is told of here: what this finds is refused.
        let mut rows = Rows::open(CsvOptions { numbers: Vec::new(), ..options })?;
        let mut seen: Vec<(TagId, Option<TextColumn>, bool)> =
            numbers.into_iter().map(|tag| (tag, None, false)).collect();
        for _ in 0..records {
            let Some(row) = rows.next_row()? else { break };
            let line = rows.line();
            for (tag, value) in &row.values {
                let Some((_, text_seen, has_number)) = seen.iter_mut().find(|(known, ..)| known == tag) else {
                    continue;
                };
                match value {
                    RawValue::Text(text) => {
                        text_seen.get_or_insert_with(|| TextColumn { tag: *tag, line, text: Arc::clone(text) });
                    }
                    RawValue::Number(_) | RawValue::Bool(_) => *has_number = true,
                    RawValue::Missing | RawValue::Block(_) | RawValue::Picture(_) => {}
                }
            }
        }
        Ok(seen.into_iter().filter(|(_, _, has_number)| !has_number).filter_map(|(_, text, _)| text).collect())
    }

    /// Source time of the next row; `None` at the end.
    #[must_use]
    pub fn next_time(&self) -> Option<TimeNs> {
        match &self.ahead {
            Ahead::One(row) => row.as_ref().map(|row| row.time_ns),
            Ahead::All(merge) => merge.next_time(),
        }
    }

    /// Whether every row was taken.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.next_time().is_none() && self.failed.is_none()
    }

    /// Takes the next row, whatever its time; `None` at the end. After an error the table is at its end.
    pub fn next_reading(&mut self) -> Result<Option<Reading>, CsvError> {
        let taken = match &mut self.ahead {
            Ahead::One(ahead) => {
                let taken = ahead.take();
                if taken.is_some() {
                    match self.rows.next_row() {
                        Ok(next) => *ahead = next,
                        Err(error) => self.failed = Some(error),
                    }
                }
                taken
            }
            Ahead::All(merge) => merge.next(),
        };
        let Some(row) = taken else {
            return self.failed.take().map_or(Ok(None), Err);
        };
        let keyed = self.rows.options().key.is_some();
        Ok(Some(Reading {
            source: self.rows.options().source,
            kind: ReadingKind::Row,
            asset: keyed.then(|| Arc::clone(self.rows.key(row.asset))),
            time_ns: row.time_ns,
            values: row.values,
        }))
    }

    /// Appends all rows up to the first that is later than `now`, and says how many. An error comes after
    /// the rows before it were taken, and ends the table.
    pub fn drain_until(&mut self, now: TimeNs, into: &mut Vec<Reading>) -> Result<usize, CsvError> {
        let before = into.len();
        for reading in self.take_until(now) {
            into.push(reading?);
        }
        Ok(into.len() - before)
    }

    /// The same, one by one.
    pub fn take_until(&mut self, now: TimeNs) -> impl Iterator<Item = Result<Reading, CsvError>> {
        std::iter::from_fn(move || match self.next_time() {
            Some(next) if next > now => None,
            _ => self.next_reading().transpose(),
        })
    }

    /// The keys in the order in which the file has them; none where there is no key column.
    #[must_use]
    pub fn assets(&self) -> Vec<Arc<str>> {
        match &self.ahead {
            Ahead::One(_) => Vec::new(),
            Ahead::All(_) => self.rows.keys().cloned().collect(),
        }
    }

    /// What was read so far; with a key, the whole file.
    #[must_use]
    pub fn counts(&self) -> CsvCounts {
        self.rows.counts
    }

    /// The first records that were skipped.
    #[must_use]
    pub fn problems(&self) -> &[CsvProblem] {
        &self.rows.problems
    }
}

#[cfg(test)]
mod tests;
