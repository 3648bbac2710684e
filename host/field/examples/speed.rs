//! How fast the field's edges are: `cargo run --release -p dinrail-field --example speed`.
#![allow(clippy::unwrap_used, reason = "a measurement may panic")]

use dinrail_core::frame::Frame;
use dinrail_core::outcome::{Anomaly, Contribution, Results, Severity};
use dinrail_core::reading::SourceId;
use dinrail_core::tag::{Quality, Tag, TagTable};
use dinrail_core::unit::Unit;
use dinrail_field::message::{Named, PluginContext};
use dinrail_field::sink::jsonl::JsonlSink;
use dinrail_field::source::csv::{ColumnRef, CsvOptions, CsvSource, CsvTime, Layout, Separator};
use std::fmt::Write;
use std::time::Instant;

const COLUMNS: usize = 64;
const ROWS: usize = 20_000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    for (label, separator, between, keyed, timed) in [
        ("csv, strptime column", Separator::Character(b';'), ";", false, true),
        ("csv, fixed period", Separator::Character(b';'), ";", false, false),
        ("whitespace, key, fixed period", Separator::Whitespace, "  ", true, false),
    ] {
        let path = folder.path().join("table.csv");
        std::fs::write(&path, table(between, timed)).unwrap();
        let mut tags = TagTable::default();
        let columns = (0..COLUMNS)
            .map(|at| {
                (ColumnRef::Number(at + 2), tags.add(Tag::new(format!("t{at}"), Unit::parse("").unwrap())).unwrap())
            })
            .collect();
        let time = if timed {
            CsvTime::Column { column: ColumnRef::Number(1), format: "%Y-%m-%d %H:%M:%S".parse().unwrap() }
        } else {
            CsvTime::Period { start_ns: 0, period_ns: 1_000_000_000 }
        };
        let options = CsvOptions {
            source: SourceId(0),
            path,
            separator,
            header: false,
            columns,
            time,
            key: keyed.then_some(ColumnRef::Number(1)),
            zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
            join: vec![],
            after: vec![],
            layout: Layout::Rows,
            numbers: Vec::new(),
        };
        let start = Instant::now();
        let mut source = CsvSource::open(options).unwrap();
        let mut readings = vec![];
        while let Some(next) = source.next_time() {
            readings.clear();
            source.drain_until(next, &mut readings).unwrap();
        }
        let rate = source.counts().cells as f64 / start.elapsed().as_secs_f64();
        assert_eq!(source.counts().cells, (ROWS * COLUMNS) as u64);
        println!("{label}: {:.1} million cells/s", rate / 1e6);
    }
    for contributions in [0, 3, 64] {
        println!("jsonl, anomalies with {contributions} contributions: {:.0} results/s", anomalies(contributions));
    }
}

fn table(between: &str, timed: bool) -> String {
    let mut text = String::new();
    for row in 0..ROWS {
        if timed {
            write!(
                text,
                "2020-03-{:02} {:02}:{:02}:{:02}",
                1 + row / 86_400,
                row / 3_600 % 24,
                row / 60 % 60,
                row % 60
            )
            .unwrap();
        } else {
            write!(text, "{}", row % 100).unwrap();
        }
        for column in 0..COLUMNS {
            write!(text, "{between}{}", (row * 31 + column * 7) as f64 / 1_000.0).unwrap();
        }
        text.push('\n');
    }
    text
}

/// Results a second, a frame of 64 rows after the other, to a writer that takes everything.
fn anomalies(contributions: u32) -> f64 {
    let rows = 64_i32;
    let columns = (0..64).map(|at| Named::new(format!("pump{at}.current"), "A")).collect();
    let context = PluginContext::new("pump-watch", None, columns, vec![], &[], "");
    let frame = Frame {
        times_ns: (0..rows).map(|row| i64::from(row) * 1_234_567_891).collect(),
        columns: 64,
        quality: vec![0; 64 * rows as usize],
        ..Frame::default()
    };
    let item = |row: u32| Anomaly {
        row,
        quality: Quality::Good,
        score: f64::from(row) / 65.0,
        alarm: row.is_multiple_of(7),
        severity: Severity::Warning,
        contributions: (0..contributions)
            .map(|column| Contribution { column, share: 1.0 / f64::from(column + 2) })
            .collect(),
    };
    let results = Results::Anomalies((0..rows as u32).map(item).collect());
    let mut sink = JsonlSink::to_writer(std::io::sink());
    let frames = 2_000;
    let start = Instant::now();
    for _ in 0..frames {
        sink.results(&context, &frame, &results, &[]);
        sink.flush().unwrap();
    }
    sink.counts().lines as f64 / start.elapsed().as_secs_f64()
}
