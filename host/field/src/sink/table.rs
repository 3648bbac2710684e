//! Rows to a table, comma-separated: a time and a number a column, empty where there is none. What the csv source reads.

use crate::message::rfc3339;
use dinrail_core::time::TimeNs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A table that takes rows.
pub struct TableSink {
    writer: csv::Writer<Box<dyn Write + Send>>,
    fields: csv::ByteRecord,
    rows: u64,
}

impl TableSink {
    /// A new file with these columns after `time`.
    ///
    /// # Errors
    /// Where it can't be made or written.
    pub fn create(path: &Path, columns: &[&str]) -> io::Result<TableSink> {
        TableSink::to_writer(BufWriter::new(std::fs::File::create(path)?), columns)
    }

    /// The same to anything.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn to_writer(writer: impl Write + Send + 'static, columns: &[&str]) -> io::Result<TableSink> {
        let mut writer = csv::Writer::from_writer(Box::new(writer) as Box<dyn Write + Send>);
        writer.write_record(std::iter::once("time").chain(columns.iter().copied())).map_err(cause)?;
        Ok(TableSink { writer, fields: csv::ByteRecord::new(), rows: 0 })
    }

    /// One row. A number is written so that reading it gives the same again; what is not finite is left empty.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn row(&mut self, time_ns: TimeNs, values: &[Option<f64>]) -> io::Result<()> {
        self.fields.clear();
        self.fields.push_field(&rfc3339(time_ns));
        for value in values {
            match value {
                Some(number) if number.is_finite() => self.fields.push_field(number.to_string().as_bytes()),
                Some(_) | None => self.fields.push_field(b""),
            }
        }
        self.writer.write_byte_record(&self.fields).map_err(cause)?;
        self.rows += 1;
        Ok(())
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Hands over what is buffered.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The error of the file itself, so that a reader that went away can be told from a full disk.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn rows_have_a_time_and_numbers_that_are_the_same_when_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let mut sink = TableSink::create(&path, &["a.b", "c, d"]).unwrap();
        sink.row(1_767_225_600_250_000_000, &[Some(0.1 + 0.2), Some(f64::NAN)]).unwrap();
        sink.row(1_767_225_601_000_000_000, &[Some(-3e-9), Some(1e300)]).unwrap();
        assert_eq!(sink.rows(), 2);
        sink.flush().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "time,a.b,\"c, d\"");
        assert_eq!(lines[1], "2026-01-01T00:00:00.250Z,0.30000000000000004,");
        let again: Vec<f64> = lines[2].split(',').skip(1).map(|number| number.parse().unwrap()).collect();
        assert_eq!(again, [-3e-9, 1e300]);
    }
}
