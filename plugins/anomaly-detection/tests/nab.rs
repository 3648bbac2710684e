//! The Numenta Anomaly Benchmark: 58 public series with labelled windows, scored as Lavin and Ahmad (2015) describe it.
//! Only with DINRAIL_DATA set to the folder that holds `nab`; the scorer is tested always.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use anomaly_detection::series::Series;
use common::data;

/// What a hit, a false alarm and a missed window weigh.
#[derive(Clone, Copy)]
struct Profile {
    hit: f64,
    false_alarm: f64,
    miss: f64,
}

const STANDARD: Profile = Profile { hit: 1.0, false_alarm: 0.11, miss: 1.0 };
const FEW_FALSE_ALARMS: Profile = Profile { false_alarm: 0.22, ..STANDARD };
const FEW_MISSES: Profile = Profile { miss: 2.0, ..STANDARD };

/// A labelled series; a window is its first and last row.
struct Labelled {
    name: String,
    times_ns: Vec<i64>,
    values: Vec<f64>,
    windows: Vec<(usize, usize)>,
}

impl Labelled {
    /// Rows at the start that are not judged, which every detector is told.
    fn probation(&self) -> usize {
        (0.15 * self.values.len().min(5000) as f64).floor() as usize
    }

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
            (first, rows.iter().rposition(|(time, _)| *time <= to.as_str()).unwrap())
        };
        Some(Labelled {
            name: name.to_owned(),
            times_ns: rows.iter().map(|(time, _)| second(time) * 1_000_000_000).collect(),
            values: rows.iter().map(|(_, value)| value.trim().parse().unwrap()).collect(),
            windows: windows.as_array().unwrap().iter().map(row_of).collect(),
        })
    }
}

/// From 1 far before 0 to −1 far behind it.
fn sigmoid(position: f64) -> f64 {
    if position > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

/// The raw score of a file's detections, all behind its probation.
fn raw(windows: &[(usize, usize)], detections: &[usize], profile: Profile) -> f64 {
    let mut hits = vec![-profile.miss; windows.len()];
    let mut sum = 0.0;
    for &row in detections {
        if let Some(at) = windows.iter().position(|window| window.0 <= row && row <= window.1) {
            let (first, last) = windows[at];
            let position = -((last - row + 1) as f64) / (last - first + 1) as f64;
            hits[at] = hits[at].max(profile.hit * sigmoid(position) / sigmoid(-1.0));
        } else {
            let before = windows.iter().rfind(|window| window.1 < row);
            let late = |&(first, last): &(usize, usize)| sigmoid((row - last) as f64 / (last - first) as f64);
            sum += profile.false_alarm * before.map_or(-1.0, late);
        }
    }
    sum + hits.iter().sum::<f64>()
}

/// 0 for no detection at all, 100 for every window at its first row and nothing else.
fn normal(raw: f64, windows: usize, profile: Profile) -> f64 {
    100.0 * (raw + profile.miss * windows as f64) / ((profile.hit + profile.miss) * windows as f64)
}

#[test]
fn the_scorer_agrees_with_cases_by_hand() {
    let windows = [(40, 49), (80, 89)];
    let check = |detections: &[usize], profile: Profile, expected: f64| {
        let found = raw(&windows, detections, profile);
        assert!((found - expected).abs() < 1e-4, "{detections:?}: {found}, not {expected}");
    };
    check(&[], STANDARD, -2.0);
    check(&[40, 80], STANDARD, 2.0);
    check(&[40, 45, 49, 80], STANDARD, 2.0);
    check(&[20, 40, 80], STANDARD, 2.0 - 0.11);
    check(&[20, 40, 80], FEW_FALSE_ALARMS, 2.0 - 0.22);
    check(&[40], FEW_MISSES, 1.0 - 2.0);
    check(&[49, 80], STANDARD, 1.0 + 0.244_919 / 0.986_614);
    check(&[40, 52, 80], STANDARD, 2.0 - 0.11 * 0.682_26);
    assert_eq!(normal(-2.0, 2, STANDARD), 0.0);
    assert_eq!(normal(2.0, 2, FEW_MISSES), 100.0);
}

/// The corpus with each row passed through `alter`: its number, its value, the file's standard deviation.
fn score(files: &[Labelled], alter: impl Fn(usize, f64, f64) -> Option<f64>) -> [f64; 3] {
    let windows = files.iter().map(|file| file.windows.len()).sum();
    let mut sums = [0.0; 3];
    for file in files {
        let (n, mut series) = (file.values.len() as f64, Series::new(file.probation()));
        let mean = file.values.iter().sum::<f64>() / n;
        let sd = (file.values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let rows = file.times_ns.iter().zip(&file.values).enumerate();
        let judged = rows.map(|(row, (time, x))| (row, series.row(*time, alter(row, *x, sd)).alarm));
        let detections: Vec<usize> = judged.filter(|(_, alarm)| *alarm).map(|(row, _)| row).collect();
        assert!(detections.iter().all(|row| *row >= file.probation()), "{}", file.name);
        for (sum, profile) in sums.iter_mut().zip([STANDARD, FEW_FALSE_ALARMS, FEW_MISSES]) {
            *sum += raw(&file.windows, &detections, profile);
        }
    }
    [0, 1, 2].map(|at| normal(sums[at], windows, [STANDARD, FEW_FALSE_ALARMS, FEW_MISSES][at]))
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
