//! The records of a table as its rows need them: from one file, from several side by side, or from one in
//! which every line is a whole series.

use super::options::{CsvOptions, Layout};
use super::records::Records;
use csv::ByteRecord;
use std::io;
use std::path::PathBuf;

/// Columns of a file of series.
pub const SERIES_COLUMNS: [&str; 3] = ["series", "step", "value"];

/// Where records come from, one after the other.
pub(super) struct Stream {
    main: Records,
    /// Files whose n-th record goes on with the n-th of the first.
    joined: Vec<(PathBuf, Records)>,
    series: Option<Series>,
    /// What stands in no file like this: several records as one, or a value of a series.
    made: ByteRecord,
}

/// Where reading is in a file of series.
struct Series {
    /// The next field of the record at hand; 0 is the series' name.
    next: usize,
    /// Fields of the record at hand, without the empty ones that fill it up.
    fields: usize,
    /// Whether the names of the three columns were given.
    named: bool,
}

impl Stream {
    pub(super) fn open(options: &CsvOptions) -> io::Result<Stream> {
        let main = Records::open(&options.path, options.separator)?;
        let mut joined = Vec::new();
        for path in &options.join {
            let records = Records::open(path, options.separator)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            joined.push((path.clone(), records));
        }
        let series = match options.layout {
            Layout::Rows => None,
            Layout::Series => Some(Series { next: 0, fields: 0, named: false }),
        };
        let mut stream = Stream { main, joined, series, made: ByteRecord::new() };
        if stream.series.is_some() && options.header {
            // Its header numbers the columns, which the steps do as well.
            stream.main.advance()?;
        }
        Ok(stream)
    }

    /// Goes to the next record; false at the end.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        if self.series.is_some() {
            return self.advance_series();
        }
        let found = self.main.advance()?;
        if self.joined.is_empty() {
            return Ok(found);
        }
        self.made.clear();
        self.made.extend(self.main.record());
        for (path, records) in &mut self.joined {
            if records.advance()? != found {
                let which = if found { "fewer" } else { "more" };
                let why = format!("{} has {which} records than the table that it joins", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            if found {
                self.made.extend(records.record());
            }
        }
        Ok(found)
    }

    /// The record that was last gone to.
    pub(super) fn record(&self) -> &ByteRecord {
        if self.series.is_some() || !self.joined.is_empty() { &self.made } else { self.main.record() }
    }

    /// The line of the first file on which it begins, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.main.line()
    }

    /// The next value of the series at hand, or the first of the next one.
    fn advance_series(&mut self) -> io::Result<bool> {
        let Some(series) = &mut self.series else { return Ok(false) };
        self.made.clear();
        if !std::mem::replace(&mut series.named, true) {
            self.made.extend(SERIES_COLUMNS);
            return Ok(true);
        }
        while series.next >= series.fields {
            if !self.main.advance()? {
                return Ok(false);
            }
            let record = self.main.record();
            series.fields = record.iter().rposition(|field| !field.trim_ascii().is_empty()).map_or(0, |last| last + 1);
            series.next = 1;
        }
        let record = self.main.record();
        self.made.push_field(record.get(0).unwrap_or_default());
        self.made.push_field(series.next.to_string().as_bytes());
        self.made.push_field(record.get(series.next).unwrap_or_default());
        series.next += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::super::{CsvOptions, CsvTime, Separator};
    use super::*;
    use dinrail_core::reading::SourceId;
    use jiff::tz::TimeZone;

    fn options(folder: &tempfile::TempDir, files: &[&str], layout: Layout) -> CsvOptions {
        let mut paths = Vec::new();
        for (index, text) in files.iter().enumerate() {
            let path = folder.path().join(format!("{index}.csv"));
            std::fs::write(&path, text).unwrap();
            paths.push(path);
        }
        let join = paths.split_off(1);
        CsvOptions {
            source: SourceId(0),
            path: paths.remove(0),
            separator: Separator::Character(b','),
            header: true,
            columns: vec![],
            time: CsvTime::Period { start_ns: 0, period_ns: 1 },
            key: None,
            zone: TimeZone::UTC,
            join,
            layout,
            numbers: Vec::new(),
        }
    }

    fn records(files: &[&str], layout: Layout) -> io::Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let mut stream = Stream::open(&options(&folder, files, layout))?;
        let mut all = Vec::new();
        while stream.advance()? {
            let fields: Vec<_> = stream.record().iter().map(String::from_utf8_lossy).collect();
            all.push(fields.join("|"));
        }
        Ok(all)
    }

    #[test]
    fn joined_files_stand_side_by_side() {
        let both = records(&["a,b\n1,2\n3,4\n", "c\n5\n6\n"], Layout::Rows).unwrap();
        assert_eq!(both, ["a|b|c", "1|2|5", "3|4|6"]);
    }

    #[test]
    fn a_joined_file_of_another_length_is_an_error() {
        let fewer = records(&["a\n1\n2\n", "c\n5\n"], Layout::Rows).unwrap_err();
        assert!(fewer.to_string().contains("1.csv has fewer records"), "{fewer}");
        let more = records(&["a\n1\n", "c\n5\n6\n"], Layout::Rows).unwrap_err();
        assert!(more.to_string().contains("1.csv has more records"), "{more}");
    }

    #[test]
    fn a_series_is_one_record_a_value() {
        let file = "V1,V2,V3,V4\nH1,10,,12\nH2,20,,\nH3,,,\nH4,1,2,3\n";
        let all = records(&[file], Layout::Series).unwrap();
        let expected = ["series|step|value", "H1|1|10", "H1|2|", "H1|3|12", "H2|1|20", "H4|1|1", "H4|2|2", "H4|3|3"];
        assert_eq!(all, expected);
    }
}
