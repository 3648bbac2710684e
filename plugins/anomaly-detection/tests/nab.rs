//! The Numenta Anomaly Benchmark: 58 public series with labelled windows, scored by the simulator's judge.
//! Only with DINRAIL_DATA set to the folder that holds `nab`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use anomaly_detection::series::Series;
use common::data;
use dinrail_sim::judge::nab::{Corpus, PROFILES, probation_rows};

/// A labelled series; a window is the numbers of its first and its last row.
struct Labelled {
    name: String,
    times_ns: Vec<i64>,
    values: Vec<f64>,
    windows: Vec<(i64, i64)>,
}

impl Labelled {
    fn read(root: &Path, name: &str, windows: &serde_json::Value) -> Option<Labelled> {
        let text = std::fs::read_to_string(root.join("data").join(name)).ok()?;
        let rows: Vec<(&str, &str)> = text.lines().skip(1).filter_map(|line| line.split_once(',')).collect();
        // ISO 8601 sorts as text; only the time of day matters to the detector.
        let digits = |time: &str, at: usize| time[at..at + 2].parse::<i64>().unwrap();
        let second = |time: &str| digits(time, 11) * 3600 + digits(time, 14) * 60 + digits(time, 17);
        let bound = |window: &serde_json::Value, at: usize| window[at].as_str().unwrap()[..19].to_owned();
        let row_of = |window: &serde_json::Value| {
            let (from, to) = (bound(window, 0), bound(window, 1));
            let first = rows.iter().position(|(time, _)| *time >= from.as_str()).unwrap();
            let last = rows.iter().rposition(|(time, _)| *time <= to.as_str()).unwrap();
            (first as i64, last as i64)
        };
        Some(Labelled {
            name: name.to_owned(),
            times_ns: rows.iter().map(|(time, _)| second(time) * 1_000_000_000).collect(),
            values: rows.iter().map(|(_, value)| value.trim().parse().unwrap()).collect(),
            windows: windows.as_array().unwrap().iter().map(row_of).collect(),
        })
    }
}

/// The corpus with each row passed through `alter`: its number, its value, the file's standard deviation.
fn score(files: &[Labelled], alter: impl Fn(usize, f64, f64) -> Option<f64>) -> [f64; 3] {
    let mut corpora = PROFILES.map(|(_, profile)| Corpus::new(profile));
    for file in files {
        // Every detector is told how long it may learn.
        let probation = probation_rows(file.values.len());
        let (n, mut series) = (file.values.len() as f64, Series::new(probation));
        let mean = file.values.iter().sum::<f64>() / n;
        let sd = (file.values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let rows = file.times_ns.iter().zip(&file.values).enumerate();
        let detections: Vec<bool> = rows.map(|(row, (time, x))| series.row(*time, alter(row, *x, sd)).alarm).collect();
        assert!(!detections.iter().take(probation).any(|detected| *detected), "{}", file.name);
        // The benchmark counts positions in rows, so that their numbers serve as times.
        let numbers: Vec<i64> = (0..detections.len() as i64).collect();
        for corpus in &mut corpora {
            corpus.add(&numbers, &detections, &file.windows).unwrap();
        }
    }
    corpora.map(|corpus| corpus.score().unwrap())
}

/// Between −1 and 1 by a row's number, and as if by chance.
fn chance(row: usize) -> f64 {
    (row as f64 * 12.989_8).sin() * 43_758.545_3 % 1.0
}

#[test]
fn nab_corpus() {
    let Some(root) = data("nab_corpus").map(|root| root.join("nab")) else { return };
    let windows = std::fs::read_to_string(root.join("combined_windows.json")).unwrap();
    let windows: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&windows).unwrap();
    let files: Vec<Labelled> = windows.iter().filter_map(|(name, of)| Labelled::read(&root, name, of)).collect();
    assert!(!files.is_empty(), "no file under {root:?}");
    let check = |what: &str, floor: f64, alter: &dyn Fn(usize, f64, f64) -> Option<f64>| {
        let [standard, few_false_alarms, few_misses] = score(&files, alter);
        println!(
            "NAB, {} files, {what}: standard {standard:.1}, few false alarms {few_false_alarms:.1}, few misses {few_misses:.1}",
            files.len()
        );
        assert!(standard > floor, "{what}: {standard}");
    };
    check("as given", 74.0, &|_, x, _| Some(x));
    check("other unit and offset", 74.0, &|_, x, _| Some(1000.0 * x + 12_345.0));
    check("upside down", 74.0, &|_, x, _| Some(-x));
    check("noise of 1 % of the deviation", 72.0, &|row, x, sd| Some(x + 0.01 * sd * 1.7 * chance(row)));
    check("1 % missing", 70.0, &|row, x, _| (chance(row).abs() > 0.01).then_some(x));
}
