//! Tables whose rows come before those of the main one: last month's file, or one that is stored by columns.

use super::options::{Before, CsvOptions};
use super::records::Records;
use csv::ByteRecord;
use std::io;
use std::path::{Path, PathBuf};

/// Cells of a table that is stored by columns: it is turned in memory.
pub const MAX_TURNED_CELLS: usize = 4_000_000;

/// One such table.
pub(super) struct Earlier {
    path: PathBuf,
    gap_ns: i64,
    input: Input,
}

enum Input {
    Rows(Records),
    Turned { records: Vec<ByteRecord>, next: usize },
}

impl Earlier {
    /// Opens it and passes over its header, where the main table has one too.
    pub(super) fn open(before: &Before, options: &CsvOptions) -> io::Result<Earlier> {
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", before.path.display()));
        let mut records = Records::open(&before.path, options.separator).map_err(told)?;
        let input = if before.transposed {
            Input::Turned { records: turned(&mut records).map_err(told)?, next: 0 }
        } else {
            if options.header {
                records.advance().map_err(told)?;
            }
            Input::Rows(records)
        };
        let gap_ns = i64::try_from(before.gap_ns).unwrap_or(i64::MAX);
        Ok(Earlier { path: before.path.clone(), gap_ns, input })
    }

    /// Goes to the next record; false at the end.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        match &mut self.input {
            Input::Rows(records) => records.advance(),
            Input::Turned { records, next } => {
                *next += 1;
                Ok(*next <= records.len())
            }
        }
    }

    /// The record that was last gone to; where nothing was, an empty one.
    pub(super) fn record<'a>(&'a self, empty: &'a ByteRecord) -> &'a ByteRecord {
        match &self.input {
            Input::Rows(records) => records.record(),
            Input::Turned { records, next } => next.checked_sub(1).and_then(|at| records.get(at)).unwrap_or(empty),
        }
    }

    /// Its line, of a table that was turned its column; counted from 1.
    pub(super) fn line(&self) -> u64 {
        match &self.input {
            Input::Rows(records) => records.line(),
            Input::Turned { next, .. } => *next as u64,
        }
    }

    /// How much later than counted what comes after it is.
    pub(super) fn gap_ns(&self) -> i64 {
        self.gap_ns
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The columns of a file as records. All of its lines must be of one length.
fn turned(file: &mut Records) -> io::Result<Vec<ByteRecord>> {
    let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let mut columns: Vec<ByteRecord> = Vec::new();
    let (mut lines, mut cells) = (0_u64, 0);
    while file.advance()? {
        let record = file.record();
        if lines == 0 {
            columns.resize_with(record.len(), ByteRecord::new);
        }
        if record.len() != columns.len() {
            let (found, expected) = (record.len(), columns.len());
            return Err(wrong(format!("line {}: {found} fields where the first line has {expected}", file.line())));
        }
        cells += record.len();
        if cells > MAX_TURNED_CELLS {
            return Err(wrong(format!("more than {MAX_TURNED_CELLS} cells to be turned; split it")));
        }
        columns.iter_mut().zip(record).for_each(|(column, field)| column.push_field(field));
        lines += 1;
    }
    Ok(columns)
}
