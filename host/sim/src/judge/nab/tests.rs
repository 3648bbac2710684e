#![allow(clippy::unwrap_used, reason = "a test may panic")]
use std::path::{Path, PathBuf};

use super::*;

/// A file of `rows` rows, a second apart, with detections on these rows and windows of these rows, without probation.
fn judged(rows: usize, detected: &[usize], windows: &[(i64, i64)], profile: Profile) -> Raw {
    let times_ns: Vec<i64> = (0..rows as i64).collect();
    let detections: Vec<bool> = (0..rows).map(|row| detected.contains(&row)).collect();
    raw_score(&times_ns, &detections, windows, 0, profile).unwrap()
}

fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() < 5e-5, "{got} where {expected} was expected");
}

/// The weights that the benchmark's own tests of its scorer use.
const EVEN: Profile = Profile { tp_weight: 1.0, fp_weight: 1.0, fn_weight: 1.0 };

/// The positions that the benchmark's documentation gives, and the paper's figure 2.
#[test]
fn the_sigmoid_has_its_published_values() {
    for (position, value) in [(-1.0, 0.98661), (-0.5, 0.84828), (0.0, 0.0), (1.0, -0.98661)] {
        close(scaled_sigmoid(position), value);
    }
    assert_eq!((scaled_sigmoid(3.0), scaled_sigmoid(f64::INFINITY)), (-1.0, -1.0));
    assert!(scaled_sigmoid(2.999) > -1.0);
}

/// The benchmark's own example with every kind of count: two windows of five rows; detections on the first row of one,
/// on the next row and three rows after it; the other is missed. It publishes −0.9540.
#[test]
fn the_published_example_comes_out() {
    let raw = judged(100, &[30, 31, 37], &[(30, 34), (70, 74)], EVEN);
    close(raw.score, -0.9540);
    assert_eq!((raw.windows, raw.found, raw.false_detections), (2, 1, 1));
}

#[test]
fn silence_is_null_and_the_first_row_of_each_window_is_perfect() {
    let windows = [(30, 39), (75, 95)];
    for (name, profile) in PROFILES {
        let silent = judged(100, &[], &windows, profile);
        assert_eq!((silent.score, silent.normalised()), (silent.null, Some(0.0)), "{name}");
        assert_eq!(silent.null, -2.0 * profile.fn_weight);
        let perfect = judged(100, &[30, 75], &windows, profile);
        assert_eq!((perfect.score, perfect.normalised()), (2.0, Some(100.0)), "{name}");
    }
    // No window, no detection: nothing to normalise by.
    let empty = judged(10, &[], &[], STANDARD);
    assert_eq!((empty.score, empty.normalised()), (0.0, None));
}

#[test]
fn a_false_detection_far_from_windows_costs_its_weight() {
    assert_eq!(judged(1000, &[0], &[], STANDARD).score, -0.11);
    assert_eq!(judged(1000, &[0, 5], &[], REWARD_LOW_FP).score, -0.44);
    // Before the first window, however near.
    close(judged(100, &[49], &[(50, 59)], STANDARD).score, -1.0 - 0.11);
    // A window of ten rows is nine steps wide: 27 rows after its end the cost is whole, on the row before almost.
    close(judged(100, &[86], &[(50, 59)], EVEN).score, -1.0 - 1.0);
    assert!(judged(100, &[85], &[(50, 59)], EVEN).score > -2.0);
    // One row after its end: 2 / (1 + e^(5/9)) − 1 = −0.27084.
    close(judged(100, &[60], &[(50, 59)], STANDARD).score, -1.0 - 0.11 * 0.27084);
    // The most recent window is the measure.
    close(judged(100, &[21], &[(0, 9), (18, 20)], EVEN).score, -2.0 + scaled_sigmoid(0.5));
}

#[test]
fn in_a_window_the_first_detection_counts_and_only_it() {
    // The sixth of ten rows is at −0.5, the last at −0.1.
    close(judged(100, &[55], &[(50, 59)], STANDARD).score, 0.84828 / 0.98661);
    close(judged(100, &[59], &[(50, 59)], STANDARD).score, 0.24492 / 0.98661);
    let several = judged(100, &[55, 56, 59], &[(50, 59)], STANDARD);
    assert_eq!(several, judged(100, &[55], &[(50, 59)], STANDARD));
}

#[test]
fn the_probation_is_not_judged() {
    assert_eq!([0, 7, 100, 5000, 6000, usize::MAX].map(probation_rows), [0, 1, 15, 750, 750, 750]);
    let times_ns: Vec<i64> = (0..100).collect();
    let with = |detected: &[usize], windows: &[(i64, i64)]| {
        let detections: Vec<bool> = (0..100).map(|row| detected.contains(&row)).collect();
        raw_score(&times_ns, &detections, windows, 15, STANDARD).unwrap()
    };
    assert_eq!(with(&[0, 14], &[(50, 59)]).score, -1.0);
    assert_eq!(with(&[0, 15], &[(50, 59)]).score, -1.11);
    // A window that ends in it is not asked for, one that reaches out of it is, from its first judged row on.
    assert_eq!(with(&[], &[(5, 14)]).windows, 0);
    let reaching = with(&[10], &[(10, 19)]);
    assert_eq!((reaching.windows, reaching.found, reaching.score), (1, 0, -1.0));
    close(with(&[10, 15], &[(10, 19)]).score, 0.84828 / 0.98661);
}

#[test]
fn edges_between_rows_and_rows_of_the_same_time() {
    let with = |times_ns: &[i64], row: usize, window| {
        let detections: Vec<bool> = (0..times_ns.len()).map(|at| at == row).collect();
        raw_score(times_ns, &detections, &[window], 0, EVEN)
    };
    let times_ns = [0, 10, 20, 30, 30, 40];
    assert_eq!(with(&times_ns, 1, (5, 25)).unwrap().score, 1.0);
    assert_eq!(with(&times_ns, 2, (5, 25)).unwrap().found, 1);
    assert_eq!(with(&times_ns, 3, (5, 25)).unwrap().found, 0);
    // The window ends on the first of the rows at 30.
    assert_eq!(with(&times_ns, 3, (10, 30)).unwrap().found, 1);
    assert_eq!(with(&times_ns, 4, (10, 30)).unwrap().false_detections, 1);
    // A window of one row: found there at once, and one row later at position 1.
    assert_eq!(with(&times_ns, 2, (20, 20)).unwrap().score, 1.0);
    close(with(&times_ns, 3, (20, 20)).unwrap().score, -1.0 - 0.98661);
    assert_eq!(with(&times_ns, 3, (21, 29)), Err(InputError::Window(0)));
    assert_eq!(with(&times_ns, 3, (20, 10)), Err(InputError::Window(0)));
    assert_eq!(with(&times_ns, 3, (50, 60)), Err(InputError::Window(0)));
}

#[test]
fn bad_input_is_an_error() {
    let plain = |times: &[i64], detections: &[bool], windows: &[(i64, i64)], profile| {
        raw_score(times, detections, windows, 0, profile).unwrap_err()
    };
    assert!(matches!(plain(&[1], &[], &[], STANDARD), InputError::Lengths { .. }));
    assert!(matches!(plain(&[], &[], &[], STANDARD), InputError::Empty(_)));
    assert_eq!(plain(&[2, 1], &[true; 2], &[], STANDARD), InputError::TimeFalls(1));
    assert_eq!(plain(&[0, 1, 2], &[true; 3], &[(0, 1), (1, 2)], STANDARD), InputError::Window(1));
    let nan = Profile { fp_weight: f64::NAN, ..STANDARD };
    assert!(matches!(plain(&[0], &[true], &[], nan), InputError::OutOfRange { what: "fp_weight", .. }));
}

#[test]
fn an_alarm_begins_where_it_was_silent_before() {
    let alarms = [true, true, false, true, false, true, true];
    let edges = rising_edges(&alarms);
    assert_eq!(edges, [true, false, false, true, false, true, false]);
    assert_eq!(rising_edges(&edges), edges);
    assert_eq!(rising_edges(&[]), [] as [bool; 0]);
}

/// 100 · (raw − null) / (perfect − null) of the sums: two windows found at −0.5, one missed, one false detection.
#[test]
fn a_corpus_is_the_score_of_its_sum() {
    let mut corpus = Corpus::new(STANDARD);
    assert_eq!(corpus.score(), None);
    let times_ns: Vec<i64> = (0..100).collect();
    let on = |detected: &[usize]| -> Vec<bool> { (0..100).map(|row| detected.contains(&row)).collect() };
    corpus.add(&times_ns, &on(&[25, 75]), &[(20, 29), (70, 79)]).unwrap();
    corpus.add(&times_ns, &on(&[]), &[(20, 29)]).unwrap();
    corpus.add(&times_ns, &on(&[3, 50]), &[]).unwrap();
    let raw = 2.0 * 0.84828 / 0.98661 - 1.0 - 0.11;
    close(corpus.sum().score, raw);
    assert!((corpus.score().unwrap() - 100.0 * (raw + 3.0) / 6.0).abs() < 1e-3);
}

/// `2014-04-10 07:15:00.000000` in seconds from some day on; all that matters here is order and equality.
fn seconds(stamp: &str) -> i64 {
    let part = |from: usize, to: usize| stamp[from..to].parse::<i64>().unwrap();
    let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
    let days = (year * 372) + (month - 1) * 31 + day - 1;
    ((days * 24 + part(11, 13)) * 60 + part(14, 16)) * 60 + part(17, 19)
}

/// The windows of each file, from the benchmark's JSON: a file's name ends in `.csv`, every other string is a time.
fn labels(folder: &Path) -> Vec<(PathBuf, Vec<(i64, i64)>)> {
    let text = std::fs::read_to_string(folder.join("combined_windows.json")).unwrap();
    let mut labels: Vec<(PathBuf, Vec<i64>)> = Vec::new();
    for string in text.split('"').skip(1).step_by(2) {
        match labels.last_mut() {
            _ if string.ends_with(".csv") => labels.push((folder.join("data").join(string), Vec::new())),
            Some((_, ends)) => ends.push(seconds(string)),
            None => panic!("{string} belongs to no file"),
        }
    }
    labels.into_iter().map(|(file, ends)| (file, ends.chunks(2).map(|w| (w[0], w[1])).collect())).collect()
}

/// On the benchmark's own files: silence is 0 and perfection 100 under each profile, and an alarm on every row of every
/// file costs what each row costs.
#[test]
fn the_real_windows_give_null_and_perfect() {
    let Some(data) = std::env::var_os("DINRAIL_DATA") else {
        eprintln!("skipped the_real_windows_give_null_and_perfect: DINRAIL_DATA is not set");
        return;
    };
    let folder = Path::new(&data).join("nab");
    for (name, profile) in PROFILES {
        let [mut silent, mut perfect, mut always, mut edges] = [Corpus::new(profile); 4];
        let mut expected = 0;
        for (file, windows) in labels(&folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            let times: Vec<i64> = text.lines().skip(1).map(|line| seconds(line.split(',').next().unwrap())).collect();
            let firsts: Vec<usize> =
                windows.iter().map(|(from, _)| times.iter().position(|t| t == from).unwrap()).collect();
            let at_first: Vec<bool> = (0..times.len()).map(|row| firsts.contains(&row)).collect();
            silent.add(&times, &vec![false; times.len()], &windows).unwrap();
            perfect.add(&times, &at_first, &windows).unwrap();
            always.add(&times, &vec![true; times.len()], &windows).unwrap();
            edges.add(&times, &rising_edges(&vec![true; times.len()]), &windows).unwrap();
            expected += windows.len() as u64;
        }
        assert_eq!(silent.score(), Some(0.0), "{name}");
        assert_eq!(perfect.score(), Some(100.0), "{name}");
        assert_eq!((perfect.sum().windows, perfect.sum().found), (expected, expected));
        assert!(expected > 0 && always.sum().found == expected);
        // One edge, on the first row, in the probation: as good as silence.
        assert_eq!(edges.score(), Some(0.0));
        assert!(always.score().unwrap() < 0.0, "{name}");
    }
}
