//! The records of a table as its rows need them: from one file, from several side by side, or from one in
//! which every line is a whole series.

use super::Trouble;
use super::earlier::Earlier;
use super::options::{CsvOptions, Layout};
use super::records::Records;
use csv::ByteRecord;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

/// Columns of a file of series; `last` is 1 with the series' last value, else 0.
pub const SERIES_COLUMNS: [&str; 4] = ["series", "step", "value", "last"];

/// Where records come from, one after the other.
pub(super) struct Stream {
    main: Records,
    path: PathBuf,
    /// Whether the main file's first record is its header, and comes first of all.
    header_due: bool,
    /// Tables that come before it; the first is being read.
    earlier: VecDeque<Earlier>,
    /// Whether the record at hand is of it.
    in_earlier: bool,
    /// Gaps after the earlier tables that were read, together.
    passed_ns: i64,
    /// Files whose n-th record goes on with the n-th of the first.
    joined: Vec<(PathBuf, Records)>,
    series: Option<Series>,
    /// What stands in no file like this: several records as one, or a value of a series.
    made: ByteRecord,
    /// Fields of the first record of each file, where several stand side by side.
    widths: Vec<usize>,
    /// The first file whose record at hand has another number of fields.
    misfit: Option<Trouble>,
}

/// Where reading is in a file of series.
struct Series {
    /// The next field of the record at hand; 0 is the series' name.
    next: usize,
    /// Fields of the record at hand, without the empty ones that fill it up.
    fields: usize,
    /// Whether the names of the columns were given.
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
        let earlier: io::Result<VecDeque<Earlier>> =
            options.after.iter().map(|before| Earlier::open(before, options)).collect();
        let (path, header_due) = (options.path.clone(), options.header);
        let mut stream = Stream {
            main,
            path,
            header_due,
            earlier: earlier?,
            in_earlier: false,
            passed_ns: 0,
            joined,
            series,
            made: ByteRecord::new(),
            widths: Vec::new(),
            misfit: None,
        };
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
        if !std::mem::take(&mut self.header_due) {
            while let Some(earlier) = self.earlier.front_mut() {
                self.in_earlier = earlier.advance()?;
                if self.in_earlier {
                    return Ok(true);
                }
                self.passed_ns = self.passed_ns.saturating_add(earlier.gap_ns());
                self.earlier.pop_front();
            }
        }
        let found = self.main.advance()?;
        if self.joined.is_empty() {
            return Ok(found);
        }
        for (path, records) in &mut self.joined {
            if records.advance()? != found {
                let which = if found { "fewer" } else { "more" };
                let why = format!("{} has {which} records than the table that it joins", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        if found {
            self.put_side_by_side();
        }
        Ok(found)
    }

    /// Makes one record of those at hand. Each file keeps its own columns: what a record lacks is left empty, what it has
    /// too much is left out, and either makes it a misfit.
    fn put_side_by_side(&mut self) {
        let files = || std::iter::once(&self.main).chain(self.joined.iter().map(|(_, records)| records));
        if self.widths.is_empty() {
            self.widths = files().map(|records| records.record().len()).collect();
        }
        self.made.clear();
        for (records, width) in files().zip(&self.widths) {
            self.made.extend((0..*width).map(|field| records.record().get(field).unwrap_or_default()));
        }
        let mut fields = files().map(|records| records.record().len()).zip(&self.widths);
        self.misfit = fields.position(|(found, expected)| found != *expected).and_then(|at| {
            let expected = *self.widths.get(at)?;
            Some(match at.checked_sub(1).and_then(|joined| self.joined.get(joined)) {
                None => Trouble::Fields { found: self.main.record().len(), expected },
                Some((path, records)) => Trouble::JoinedFields {
                    path: path.clone(),
                    line: records.line(),
                    found: records.record().len(),
                    expected,
                },
            })
        });
    }

    /// Why the record at hand does not fit the first one, which had so many fields.
    pub(super) fn misfit(&self, expected: usize) -> Option<Trouble> {
        let found = self.record().len();
        let other = || (found != expected).then_some(Trouble::Fields { found, expected });
        self.misfit.clone().or_else(other)
    }

    /// The record that was last gone to.
    pub(super) fn record(&self) -> &ByteRecord {
        match self.reading_earlier() {
            Some(earlier) => earlier.record(&self.made),
            None if self.series.is_some() || !self.joined.is_empty() => &self.made,
            None => self.main.record(),
        }
    }

    /// The line on which it begins, counted from 1; of files side by side, that of the first.
    pub(super) fn line(&self) -> u64 {
        self.reading_earlier().map_or_else(|| self.main.line(), Earlier::line)
    }

    /// How much later than its number says the record at hand is, because of gaps between tables.
    pub(super) fn passed_ns(&self) -> i64 {
        self.passed_ns
    }

    /// The file that is read.
    pub(super) fn path(&self) -> &Path {
        self.reading_earlier().map_or(&self.path, Earlier::path)
    }

    /// The earlier table that the record at hand is of.
    fn reading_earlier(&self) -> Option<&Earlier> {
        self.earlier.front().filter(|_| self.in_earlier)
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
        self.made.push_field(if series.next < series.fields { b"0" } else { b"1" });
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::super::{Before, CsvOptions, CsvTime, Separator};
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
            after: Vec::new(),
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

    fn one_after_the_other(main: &str, header: bool, earlier: &[(&str, bool)]) -> io::Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let mut options = CsvOptions { header, ..options(&folder, &[main], Layout::Rows) };
        for (index, (text, transposed)) in earlier.iter().enumerate() {
            let path = folder.path().join(format!("before-{index}.csv"));
            std::fs::write(&path, text).unwrap();
            options.after.push(Before { path, transposed: *transposed, gap_ns: 0 });
        }
        let mut stream = Stream::open(&options)?;
        let mut all = Vec::new();
        while stream.advance()? {
            let fields: Vec<_> = stream.record().iter().map(String::from_utf8_lossy).collect();
            let file = stream.path().file_stem().unwrap().to_string_lossy().into_owned();
            all.push(format!("{file}:{} {}", stream.line(), fields.join("|")));
        }
        Ok(all)
    }

    #[test]
    fn earlier_tables_come_first_and_after_the_header() {
        let all = one_after_the_other("a,b\n5,6\n", true, &[("a,b\n1,2\n", false), ("3,30\n4,40\n", true)]).unwrap();
        assert_eq!(all, ["0:1 a|b", "before-0:2 1|2", "before-1:1 3|4", "before-1:2 30|40", "0:2 5|6"]);
        let all = one_after_the_other("5,6\n", false, &[("1,2\n3,4\n", false)]).unwrap();
        assert_eq!(all, ["before-0:1 1|2", "before-0:2 3|4", "0:1 5|6"]);
        let ragged = one_after_the_other("5,6\n", false, &[("1,2\n3\n", true)]).unwrap_err();
        assert!(ragged.to_string().contains("line 2: 1 fields where the first line has 2"), "{ragged}");
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
    fn a_file_keeps_its_columns_whatever_its_neighbour_lacks() {
        let folder = tempfile::tempdir().unwrap();
        // The first file's second record is short, the second file's third, and the fourth records make up for each
        // other.
        let files = ["a,b\n1,2\n3\n5,6\n7\n", "c,d\n10,20\n30,40\n50\n60,70,80\n"];
        let mut stream = Stream::open(&options(&folder, &files, Layout::Rows)).unwrap();
        let mut seen = Vec::new();
        while stream.advance().unwrap() {
            let fields: Vec<_> = stream.record().iter().map(String::from_utf8_lossy).collect();
            seen.push((fields.join("|"), stream.misfit(4)));
        }
        let short = Some(Trouble::Fields { found: 1, expected: 2 });
        let path = folder.path().join("1.csv");
        let joined = Some(Trouble::JoinedFields { path, line: 4, found: 1, expected: 2 });
        let expected = [
            ("a|b|c|d", None),
            ("1|2|10|20", None),
            ("3||30|40", short.clone()),
            ("5|6|50|", joined),
            ("7||60|70", short),
        ];
        assert_eq!(seen, expected.map(|(text, trouble)| (text.to_owned(), trouble)));
    }

    #[test]
    fn a_series_is_one_record_a_value() {
        let file = "V1,V2,V3,V4\nH1,10,,12\nH2,20,,\nH3,,,\nH4,1,2,3\n";
        let all = records(&[file], Layout::Series).unwrap();
        let expected = [
            "series|step|value|last",
            "H1|1|10|0",
            "H1|2||0",
            "H1|3|12|1",
            "H2|1|20|1",
            "H4|1|1|0",
            "H4|2|2|0",
            "H4|3|3|1",
        ];
        assert_eq!(all, expected);
    }
}
