#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use dinrail_core::reading::{RawValue, SourceId};
use dinrail_core::tag::{Tag, TagId, TagTable};
use dinrail_core::time::SECOND_NS;
use dinrail_core::unit::Unit;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::io::Write;
use std::path::Path;

const SECOND: i64 = SECOND_NS as i64;

fn tags(count: usize) -> Vec<TagId> {
    let mut table = TagTable::default();
    (0..count).map(|i| table.add(Tag::new(format!("t{i}"), Unit::parse("").unwrap())).unwrap()).collect()
}

fn name(name: &str) -> ColumnRef {
    ColumnRef::Name(name.to_owned())
}

fn column_time(column: ColumnRef, format: &str) -> CsvTime {
    CsvTime::Column { column, format: format.parse().unwrap() }
}

fn every_second() -> CsvTime {
    CsvTime::Period { start_ns: 0, period_ns: SECOND_NS }
}

struct Table {
    folder: tempfile::TempDir,
    options: CsvOptions,
}

impl Table {
    /// A file with that text, and its columns in the order of the tags.
    fn new(text: &str, separator: &str, columns: Vec<ColumnRef>, time: CsvTime) -> Table {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        let header = columns.iter().any(|column| matches!(column, ColumnRef::Name(_)));
        let ids = tags(columns.len());
        let options = CsvOptions {
            source: SourceId(3),
            path,
            separator: separator.parse().unwrap(),
            header,
            columns: columns.into_iter().zip(ids).collect(),
            time,
            key: None,
            zone: TimeZone::UTC,
            join: vec![],
            after: vec![],
            layout: Layout::Rows,
            numbers: Vec::new(),
        };
        Table { folder, options }
    }

    fn keyed(mut self, key: ColumnRef) -> Table {
        self.options.key = Some(key);
        self
    }

    fn open(&self) -> Result<CsvSource, CsvError> {
        CsvSource::open(self.options.clone())
    }

    fn readings(&self) -> (Vec<Reading>, CsvSource) {
        let mut source = self.open().unwrap();
        let mut readings = vec![];
        source.drain_until(i64::MAX, &mut readings).unwrap();
        assert!(source.finished());
        (readings, source)
    }
}

/// Asset, seconds, numbers (NaN: anything else).
fn summary(readings: &[Reading]) -> Vec<(String, f64, Vec<String>)> {
    readings
        .iter()
        .map(|reading| {
            let values = reading.values.iter().map(|(_, raw)| match raw {
                RawValue::Number(number) => number.to_string(),
                RawValue::Bool(on) => on.to_string(),
                RawValue::Text(text) => format!("'{text}'"),
                RawValue::Missing => "-".to_owned(),
                RawValue::Block(_) => "block".to_owned(),
                RawValue::Picture(_) => "picture".to_owned(),
            });
            let asset = reading.asset.as_deref().unwrap_or("").to_owned();
            (asset, reading.time_ns as f64 / SECOND as f64, values.collect())
        })
        .collect()
}

fn row(asset: &str, seconds: f64, values: &[&str]) -> (String, f64, Vec<String>) {
    (asset.to_owned(), seconds, values.iter().map(|value| (*value).to_owned()).collect())
}

#[test]
fn a_short_record_is_not_filled_by_the_file_beside_it() {
    // In the second record the files together have as many fields as in the first.
    let text = "unit,a\nx,1\nx\nx,3\n";
    let mut table = Table::new(text, ",", vec![name("a"), name("b"), name("c")], every_second()).keyed(name("unit"));
    let beside = table.folder.path().join("beside.csv");
    std::fs::write(&beside, "b,c\n10,100\n20,200,2000\n30,300\n").unwrap();
    table.options.join = vec![beside];
    let (readings, source) = table.readings();
    assert_eq!(summary(&readings), [row("x", 0.0, &["1", "10", "100"]), row("x", 2.0, &["3", "30", "300"])]);
    assert_eq!(source.counts().bad_records, 1);
    let [problem] = source.problems() else { panic!("one problem: {:?}", source.problems()) };
    assert_eq!(problem.to_string(), "line 3: 1 fields where the first line has 2");
}

#[test]
fn semicolons_with_a_header_and_times() {
    // The byte order mark, quotes, spaces, an empty line and no end of line at the end.
    let text = "\u{feff}datetime; Flow Rate ;Current;anomaly\r\n1970-01-01 00:00:10;32.0;1.5;0\r\n\r\n\
                1970-01-01 00:00:11; 33 ;\"1.25\";1\r\n1970-01-01 00:00:13;;x;true";
    let time = column_time(name("datetime"), "%Y-%m-%d %H:%M:%S");
    let table = Table::new(text, ";", vec![name("Current"), name("Flow Rate"), name("anomaly")], time);
    let (readings, source) = table.readings();
    assert_eq!(
        summary(&readings),
        [row("", 10.0, &["1.5", "32", "0"]), row("", 11.0, &["1.25", "33", "1"]), row("", 13.0, &["'x'", "-", "true"]),]
    );
    let counts = CsvCounts { rows: 3, cells: 9, missing_cells: 1, text_cells: 1, bad_records: 0 };
    assert_eq!(source.counts(), counts);
    assert_eq!(readings[0].source, SourceId(3));
    assert!(readings.iter().all(|reading| reading.kind == ReadingKind::Row && reading.asset.is_none()));
    assert!(source.assets().is_empty());
}

#[test]
fn a_scan_takes_what_is_not_later() {
    let text = "t,v\n1,1\n2,2\n3,3\n3,4\n9,5\n";
    let table = Table::new(text, ",", vec![name("v")], column_time(name("t"), "unix"));
    let mut source = table.open().unwrap();
    let mut readings = vec![];
    for (now, taken, next) in [(0, 0, Some(1)), (2, 2, Some(3)), (3, 2, Some(9)), (8, 0, Some(9)), (9, 1, None)] {
        assert_eq!(source.drain_until(now * SECOND, &mut readings).unwrap(), taken, "at {now}");
        assert_eq!(source.next_time(), next.map(|next: i64| next * SECOND));
    }
    assert!(source.finished());
    assert_eq!(source.drain_until(i64::MAX, &mut readings).unwrap(), 0);
    assert_eq!(readings.len(), 5);
}

#[test]
fn whitespace_without_a_header_by_number() {
    // As C-MAPSS: several spaces, spaces at the ends, unit and cycle first.
    let text = "1 1  -0.0007 100.0  \n 1 2  0.0019\t100.5  \n\n2 1 0.5 99.0\n2 2 0.25 98.0\n2 3 0.125 97.0";
    let time = CsvTime::Count { column: ColumnRef::Number(2), start_ns: 5 * SECOND, period_ns: SECOND_NS };
    let columns = vec![ColumnRef::Number(3), ColumnRef::Number(4)];
    let table = Table::new(text, "whitespace", columns, time).keyed(ColumnRef::Number(1));
    let (readings, source) = table.readings();
    assert_eq!(
        summary(&readings),
        [
            row("1", 6.0, &["-0.0007", "100"]),
            row("2", 6.0, &["0.5", "99"]),
            row("1", 7.0, &["0.0019", "100.5"]),
            row("2", 7.0, &["0.25", "98"]),
            row("2", 8.0, &["0.125", "97"]),
        ]
    );
    assert_eq!(source.assets().iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn assets_interleaved_or_one_after_the_other_run_side_by_side() {
    let sequential = "k,v\nb,1\nb,2\nb,3\na,4\na,5\n";
    let interleaved = "k,v\nb,1\na,4\nb,2\na,5\nb,3\n";
    for text in [sequential, interleaved] {
        let table = Table::new(text, ",", vec![name("v")], every_second()).keyed(name("k"));
        let (readings, _) = table.readings();
        assert_eq!(
            summary(&readings),
            [
                row("b", 0.0, &["1"]),
                row("a", 0.0, &["4"]),
                row("b", 1.0, &["2"]),
                row("a", 1.0, &["5"]),
                row("b", 2.0, &["3"])
            ],
            "{text}"
        );
    }
    // With times of their own, each starts where the file says.
    let timed = "k,t,v\nb,10,1\nb,11,2\na,3,4\na,12,5\n";
    let table = Table::new(timed, ",", vec![name("v")], column_time(name("t"), "unix")).keyed(name("k"));
    let times: Vec<f64> = summary(&table.readings().0).iter().map(|row| row.1).collect();
    assert_eq!(times, [3.0, 10.0, 11.0, 12.0]);
}

#[test]
fn packed_files_are_unpacked_even_in_several_members() {
    let mut table = Table::new("", ",", vec![name("v")], every_second());
    table.options.path = table.folder.path().join("table.csv.gz");
    let mut packed = vec![];
    for part in ["v\n1\n", "2\n3\n"] {
        let mut encoder = GzEncoder::new(vec![], Compression::fast());
        encoder.write_all(part.as_bytes()).unwrap();
        packed.extend(encoder.finish().unwrap());
    }
    std::fs::write(&table.options.path, &packed).unwrap();
    assert_eq!(table.readings().0.len(), 3);

    // Cut off: what could be read comes first, then the error, then the end.
    std::fs::write(&table.options.path, &packed[..packed.len() - 12]).unwrap();
    let mut source = table.open().unwrap();
    let mut readings = vec![];
    let error = source.drain_until(i64::MAX, &mut readings).unwrap_err();
    assert!(matches!(error, CsvError::Read { .. }), "{error}");
    assert!(!readings.is_empty() && source.finished());
    assert_eq!(source.drain_until(i64::MAX, &mut readings).unwrap(), 0);
}

#[test]
fn irregular_and_backward_times_are_passed_on() {
    let text = "t,v\n10,1\n10.5,2\n7,3\n11,4\n";
    let table = Table::new(text, ",", vec![name("v")], column_time(name("t"), "unix"));
    let times: Vec<f64> = summary(&table.readings().0).iter().map(|row| row.1).collect();
    assert_eq!(times, [10.0, 10.5, 7.0, 11.0]);
}

#[test]
fn bad_records_are_skipped_counted_and_named() {
    let text = "k,t,v\na,1,1\na,x,2\na,3\n,4,4\na,5,5,5\n\na,6,6\n";
    let table = Table::new(text, ",", vec![name("v")], column_time(name("t"), "unix")).keyed(name("k"));
    let (readings, source) = table.readings();
    assert_eq!(summary(&readings), [row("a", 1.0, &["1"]), row("a", 6.0, &["6"])]);
    assert_eq!(source.counts().bad_records, 4);
    let told: Vec<String> = source.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 3: the time `x` can't be read",
            "line 4: 2 fields where the first line has 3",
            "line 5: the key is empty or not text",
            "line 6: 4 fields where the first line has 3",
        ]
    );
}

#[test]
fn a_bad_record_takes_its_period() {
    let text = "v,w\n1,1\n2\n3,3\n";
    let table = Table::new(text, ",", vec![name("v")], every_second());
    let (readings, _) = table.readings();
    assert_eq!(summary(&readings), [row("", 0.0, &["1"]), row("", 2.0, &["3"])]);
}

#[test]
fn tables_that_cannot_be_used_are_refused() {
    let time = || column_time(name("t"), "unix");
    let of = |text: &str, columns: Vec<ColumnRef>, time: CsvTime| {
        Table::new(text, ",", columns, time).open().err().map(|error| error.to_string()).unwrap_or_default()
    };
    let cases = [
        (of("", vec![name("v")], every_second()), "table.csv: is empty"),
        (
            of("t,v\n1,1\n", vec![name("w")], time()),
            "line 1: there is no telling which is column `w`: the header has t, v",
        ),
        (of("t,v,v\n1,1,1\n", vec![name("v")], time()), "two columns have this name"),
        (of("t,v\n1,1\n", vec![name("v")], column_time(name("time"), "unix")), "column `time`"),
        (of("1,1\n", vec![ColumnRef::Number(3)], every_second()), "column number 3: columns count from 1 to 2"),
        (of("1,1\n", vec![ColumnRef::Number(0)], every_second()), "column number 0"),
        (of("1,1\n", vec![ColumnRef::Number(1)], time()), "no header"),
        (
            of("t,v\nx,1\ny,2\n", vec![name("v")], time()),
            "none of the first 2 records can be used; line 2: the time `x`",
        ),
        (of(&format!("t,v\n{}", "x,1\n".repeat(5_000)), vec![name("v")], time()), "none of the first 1000 records"),
    ];
    for (told, expected) in cases {
        assert!(told.contains(expected), "`{told}` should have `{expected}`");
    }
    let mut twice = Table::new("a,b\n1,2\n", ",", vec![name("a"), name("b")], every_second());
    twice.options.columns[1].1 = twice.options.columns[0].1;
    assert!(matches!(twice.open(), Err(CsvError::TagTwice { .. })));
    let mut missing = Table::new("a\n", ",", vec![name("a")], every_second());
    missing.options.path = Path::new("/nowhere/table.csv").to_owned();
    assert!(matches!(missing.open(), Err(CsvError::Open { .. })));
    missing.options.path = missing.folder.path().to_owned();
    assert!(matches!(missing.open(), Err(CsvError::Open { .. })));
    // A header and nothing else is a table that is at its end.
    assert!(Table::new("a\n", ",", vec![name("a")], every_second()).open().unwrap().finished());
}

#[test]
fn limits_hold() {
    // An open quote must not read the rest of the file into memory.
    let open_quote = format!("v\n1\n\"{}", "2\n".repeat(MAX_RECORD_BYTES));
    let endless_line = format!("v\n1\n{}", "2".repeat(4 * MAX_RECORD_BYTES));
    for (text, separator) in [(&open_quote, ","), (&endless_line, ","), (&endless_line, "whitespace")] {
        let table = Table::new(text, separator, vec![name("v")], every_second());
        let mut source = table.open().unwrap();
        let mut readings = vec![];
        let error = source.drain_until(i64::MAX, &mut readings).unwrap_err();
        assert!(matches!(error, CsvError::Read { .. }), "{error}");
        assert_eq!(readings.len(), 1);
    }
    let keys: String = (0..=MAX_ASSETS).map(|key| format!("{key},1\n")).collect();
    let table = Table::new(&format!("k,v\n{keys}"), ",", vec![name("v")], every_second()).keyed(name("k"));
    assert!(matches!(table.open(), Err(CsvError::TooManyAssets { .. })));
    // At a limit everything still works.
    let keys: String = (0..MAX_ASSETS).map(|key| format!("{key},1\n")).collect();
    let table = Table::new(&format!("k,v\n{keys}"), ",", vec![name("v")], every_second()).keyed(name("k"));
    assert_eq!(table.open().unwrap().assets().len(), MAX_ASSETS);
}

#[test]
fn cells_are_read() {
    let cases: [(&[u8], RawValue); 14] = [
        (b"1.5", RawValue::Number(1.5)),
        (b"  -2e3 ", RawValue::Number(-2000.0)),
        (b"+1", RawValue::Number(1.0)),
        (b".5", RawValue::Number(0.5)),
        (b"inf", RawValue::Number(f64::INFINITY)),
        (b"TRUE", RawValue::Bool(true)),
        (b"False", RawValue::Bool(false)),
        (b"", RawValue::Missing),
        (b"   ", RawValue::Missing),
        (b"\xff\xfe", RawValue::Missing),
        (b"1,5", RawValue::Text("1,5".into())),
        (b"Light_Load", RawValue::Text("Light_Load".into())),
        (b"1 2", RawValue::Text("1 2".into())),
        (&[b'x'; 257], RawValue::Missing),
    ];
    for (bytes, expected) in cases {
        assert_eq!(rows::cell(bytes, &mut None), expected, "{bytes:?}");
    }
    assert!(matches!(rows::cell(b"NaN", &mut None), RawValue::Number(number) if number.is_nan()));
}

#[test]
fn columns_that_begin_with_texts_alone_are_found() {
    let text = "a,b,c,d\n1,on,,x\n2,off,,7\n3,on,,y\n";
    let columns = ["a", "b", "c", "d"].map(name).to_vec();
    let mut table = Table::new(text, ",", columns, every_second());
    let ids = tags(4);
    let found = |table: &Table, records| CsvSource::texts_only(table.options.clone(), records).unwrap();
    assert_eq!(found(&table, 100), [], "no tag is said to take numbers alone");
    table.options.numbers = ids.iter().map(|id| (*id, "tag".to_owned())).collect();
    let b = TextColumn { tag: ids[1], line: 2, text: "on".into() };
    assert_eq!(found(&table, 100), std::slice::from_ref(&b), "an empty column may come alive, and `d` has a number");
    let d = TextColumn { tag: ids[3], line: 2, text: "x".into() };
    assert_eq!(found(&table, 1), [b, d]);
    // What is asked first changes nothing of what is read.
    let (readings, source) = table.readings();
    assert_eq!((readings.len(), source.counts().text_cells), (3, 5));
}

#[test]
fn separators_are_read() {
    for (text, expected) in [
        (",", Some(Separator::Character(b','))),
        (";", Some(Separator::Character(b';'))),
        ("|", Some(Separator::Character(b'|'))),
        ("tab", Some(Separator::Character(b'\t'))),
        ("\t", Some(Separator::Character(b'\t'))),
        (" ", Some(Separator::Character(b' '))),
        ("whitespace", Some(Separator::Whitespace)),
        ("", None),
        (";;", None),
        (".", None),
        ("-", None),
        ("\"", None),
        ("a", None),
        ("§", None),
    ] {
        assert_eq!(text.parse::<Separator>().ok(), expected, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What was written is read, whatever the numbers, the separator and how assets are mixed: each asset's rows in
    /// order, all rows in the order of time.
    #[test]
    fn tables_are_read_back(
        cells in proptest::collection::vec((0_u8..4, any::<f64>(), any::<f32>()), 1..60),
        separator in proptest::sample::select(vec![",", ";", "tab", "whitespace"]),
    ) {
        let between = match separator { "tab" => "\t", "whitespace" => "   ", other => other };
        let mut text = ["k", "a", "b"].join(between) + "\n";
        for (key, a, b) in &cells {
            text += &format!("e{key}{between}{a}{between}{b}\n");
        }
        let table = Table::new(&text, separator, vec![name("a"), name("b")], every_second()).keyed(name("k"));
        let (readings, source) = table.readings();
        prop_assert_eq!(readings.len(), cells.len());
        prop_assert_eq!(source.counts().bad_records, 0);
        prop_assert!(readings.windows(2).all(|pair| pair[0].time_ns <= pair[1].time_ns));
        for asset in 0_u8..4 {
            let of_asset: Vec<&Reading> =
                readings.iter().filter(|r| r.asset.as_deref() == Some(format!("e{asset}").as_str())).collect();
            let written = cells.iter().filter(|(key, _, _)| *key == asset);
            prop_assert_eq!(of_asset.len(), written.clone().count());
            for (index, (reading, (_, a, b))) in of_asset.iter().zip(written).enumerate() {
                prop_assert_eq!(reading.time_ns, index as i64 * SECOND);
                prop_assert_eq!(&reading.values[0].1, &RawValue::Number(*a));
                prop_assert_eq!(&reading.values[1].1, &RawValue::Number(b.to_string().parse().unwrap()));
            }
        }
    }

    /// Any bytes are read to the end or refused, and every record is a row or counted as bad.
    #[test]
    fn any_bytes_are_counted(bytes in proptest::collection::vec(any::<u8>(), 0..400), whitespace in any::<bool>()) {
        let separator = if whitespace { "whitespace" } else { "," };
        let time = column_time(ColumnRef::Number(1), "unix");
        let table = Table::new("", separator, vec![ColumnRef::Number(1)], time);
        std::fs::write(&table.options.path, &bytes).unwrap();
        if let Ok(mut source) = table.open() {
            let mut readings = vec![];
            source.drain_until(i64::MAX, &mut readings).unwrap();
            prop_assert_eq!(source.counts().rows, readings.len() as u64);
        }
    }

    /// Times of a fixed period are exact after any number of rows.
    #[test]
    fn periods_never_drift(rows in 1_usize..500, period_ns in 1_u64..10_000_000_000) {
        let text = "v\n".to_owned() + &"1\n".repeat(rows);
        let table = Table::new(&text, ",", vec![name("v")], CsvTime::Period { start_ns: 7, period_ns });
        let (readings, _) = table.readings();
        prop_assert_eq!(readings.last().unwrap().time_ns, 7 + (rows as i64 - 1) * period_ns as i64);
    }
}

/// The public sets, where the folder is given: shapes only, the data never enters the repository.
#[test]
fn public_data() {
    let Some(folder) = std::env::var_os("DINRAIL_DATA") else {
        eprintln!("skipped public_data: DINRAIL_DATA is not set");
        return;
    };
    let folder = Path::new(&folder);
    let mut skab =
        Table::new("", ";", vec![name("Current"), name("Volume Flow RateRMS"), name("anomaly")], every_second());
    skab.options.path = folder.join("skab/valve1/0.csv");
    skab.options.time = column_time(name("datetime"), "%Y-%m-%d %H:%M:%S");
    let (readings, source) = skab.readings();
    assert_eq!(source.counts().bad_records, 0);
    assert_eq!(source.counts().text_cells + source.counts().missing_cells, 0);
    assert!(readings.len() > 1_000);
    assert_eq!(readings[1].time_ns - readings[0].time_ns, SECOND);

    let mut nab = Table::new("", ",", vec![name("value")], column_time(name("timestamp"), "%Y-%m-%d %H:%M:%S"));
    nab.options.path = folder.join("nab/data/realTweets/Twitter_volume_IBM.csv");
    let (readings, source) = nab.readings();
    assert_eq!((source.counts().bad_records, source.counts().text_cells), (0, 0));
    assert!(readings.len() > 10_000);

    let sensors = (3..=26).map(ColumnRef::Number).collect();
    let cycles = CsvTime::Count { column: ColumnRef::Number(2), start_ns: 0, period_ns: SECOND_NS };
    let mut engines = Table::new("", "whitespace", sensors, cycles).keyed(ColumnRef::Number(1));
    engines.options.path = folder.join("cmapss/train_FD001.txt.gz");
    let (readings, source) = engines.readings();
    assert_eq!(source.assets().len(), 100);
    assert_eq!(readings.len(), 20_631);
    assert_eq!(source.counts().cells, 20_631 * 24);
    assert!(readings[..100].iter().all(|reading| reading.time_ns == SECOND), "side by side");
}

#[test]
fn counted_times_go_on_through_earlier_tables_and_leave_their_gaps() {
    let number = |at| ColumnRef::Number(at);
    let mut table = Table::new("5 50\n6 60\n", "whitespace", vec![number(1), number(2)], every_second());
    let path = table.folder.path().join("before.csv");
    std::fs::write(&path, "1 2 3\n10 20 30\n").unwrap();
    for (gap_s, expected) in [(0, [0, 1, 2, 3, 4]), (60, [0, 1, 2, 63, 64])] {
        let gap_ns = gap_s * SECOND_NS;
        table.options.after = vec![Before { path: path.clone(), transposed: true, gap_ns }];
        let (readings, source) = table.readings();
        let times: Vec<i64> = readings.iter().map(|reading| reading.time_ns / SECOND_NS as i64).collect();
        assert_eq!(times, expected);
        assert_eq!(readings[1].values[1].1, RawValue::Number(20.0));
        assert_eq!(readings[4].values[0].1, RawValue::Number(6.0));
        assert_eq!(source.counts().rows, 5);
    }
}
