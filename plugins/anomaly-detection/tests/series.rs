//! One signal alone: what alarms, what does not, what is missing, what is saved.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use anomaly_detection::detector::{Gravity, Trust};
use anomaly_detection::plugin::{Plugin, Watch};
use anomaly_detection::series::Series;
use common::Perfect;
use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Fault, Frame, Parameters, Quality, Severity, Value};

const WARMUP: usize = 300;
const MINUTES_5_NS: i64 = 300_000_000_000;

/// Uniform in −0.5…0.5, from a row's number (SplitMix64's mixing; Steele, Lea, Flood 2014).
fn noise(row: usize) -> f64 {
    let x = (row as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

/// A daily wave at a sample every five minutes, and noise.
fn wave(rows: usize) -> Vec<Option<f64>> {
    let at = |row: usize| (row as f64 * std::f64::consts::TAU / 288.0).sin() + 0.4 * noise(row);
    (0..rows).map(|row| Some(at(row))).collect()
}

fn alarms(series: &mut Series, samples: &[Option<f64>]) -> Vec<usize> {
    let judged = samples.iter().enumerate().map(|(row, x)| (row, series.row(row as i64 * MINUTES_5_NS, *x)));
    let judged = judged.inspect(|(row, j)| {
        assert!((0.0..1.0).contains(&j.score) && (j.score >= 0.5) == j.alarm, "row {row}: {j:?}");
        assert!(*row >= WARMUP || j.trust == Trust::None, "row {row} calibrates: {j:?}");
    });
    judged.filter(|(_, judgement)| judgement.alarm).map(|(row, _)| row).collect()
}

fn of(samples: &[Option<f64>]) -> Vec<usize> {
    alarms(&mut Series::new(WARMUP), samples)
}

#[test]
fn a_natural_rhythm_is_quiet_in_any_unit() {
    let plain = wave(3000);
    let found = of(&plain);
    assert!(found.len() <= 2, "{found:?}");
    for (factor, offset) in [(1024.0, 0.0), (-1.0, 0.0), (0.25, 4096.0)] {
        let other: Vec<Option<f64>> = plain.iter().map(|x| x.map(|x| x * factor + offset)).collect();
        assert_eq!(of(&other), found, "{factor} {offset}");
    }
    assert!(of(&vec![Some(21.5); 3000]).is_empty(), "constant");
    let square: Vec<Option<f64>> = (0..3000).map(|row| Some(f64::from(row / 60 % 2))).collect();
    assert!(of(&square).is_empty(), "a perfect square wave");
}

#[test]
fn what_was_never_seen_before_alarms_soon_and_once() {
    let normal = of(&wave(1990));
    type Change = fn(usize, f64) -> f64;
    let changes: [(&str, Change); 5] = [
        ("step", |_, x| x + 3.0),
        ("spike", |age, x| if age < 3 { x + 8.0 } else { x }),
        ("flat", |_, _| 0.9),
        ("noisy", |age, x| x + 6.0 * noise(77 + age)),
        ("fast", |age, x| x + (age as f64 * 0.5).sin()),
    ];
    for (name, change) in changes {
        let mut samples = wave(2050);
        for (age, x) in samples[1990..].iter_mut().enumerate() {
            *x = x.map(|x| change(age, x));
        }
        let found = of(&samples);
        assert_eq!(found[..normal.len()], normal, "{name}");
        assert_eq!(found.len(), normal.len() + 1, "{name}: {found:?} after {normal:?}");
        assert!((1990..2050).contains(&found[normal.len()]), "{name}: {found:?}");
    }
}

#[test]
fn a_flat_calibration_and_a_silent_one_are_survived() {
    let step: Vec<Option<f64>> = (0..1000).map(|row| Some(if row < 700 { 5.0 } else { 6.0 })).collect();
    assert_eq!(of(&step).first().map(|row| (700..730).contains(row)), Some(true));
    let mut late = wave(3000);
    late[..400].fill(None);
    let found = of(&late);
    assert!(found.iter().all(|row| *row >= 550), "nothing is known before: {found:?}");
    assert!(of(&vec![None; 1000]).is_empty());
    let wild = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, 1e300];
    let hostile: Vec<Option<f64>> = (0..2000).map(|row| Some(wild[row % 5])).collect();
    of(&hostile);
}

#[test]
fn samples_that_are_missing_are_no_alarm() {
    let mut samples = wave(3000);
    let whole = of(&samples).len();
    (0..3000).filter(|row| row % 97 == 5).for_each(|row| samples[row] = None);
    let mut series = Series::new(WARMUP);
    for (row, x) in samples.iter().enumerate() {
        let judged = series.row(row as i64 * MINUTES_5_NS, *x);
        assert!(x.is_some() || (!judged.alarm && judged.trust == Trust::None), "{row}");
        assert!(judged.alarm || judged.gravity <= Gravity::Slight);
    }
    assert!(of(&samples).len() <= whole + 1);
}

fn watch(columns: u32, method: &str, warmup: usize) -> Result<Watch, Fault> {
    let parameters = Parameters::with_defaults(&Plugin::describe())
        .with("warmup", Value::Integer(warmup as i64))
        .with("method", Value::Text(method.into()));
    Watch::new(&Bindings::group("signals", columns), &parameters)
}

fn detect(watch: &mut Watch, samples: &[Option<f64>], first: usize) -> Vec<Anomaly> {
    let values: Vec<f64> = samples.iter().map(|x| x.unwrap_or(f64::NAN)).collect();
    let mut frame = Frame::of_rows(1, &values);
    frame.times_ns = (first..first + samples.len()).map(|row| row as i64 * MINUTES_5_NS).collect();
    watch.detect(&frame, &mut Perfect).0
}

#[test]
fn one_signal_is_a_series_unless_it_is_said_otherwise() {
    let mut samples = wave(900);
    samples[700..].iter_mut().for_each(|x| *x = x.map(|x| x + 20.0));
    let auto = detect(&mut watch(1, "auto", WARMUP).unwrap(), &samples, 0);
    let series = detect(&mut watch(1, "series", WARMUP).unwrap(), &samples, 0);
    let channels = detect(&mut watch(1, "channels", WARMUP).unwrap(), &samples, 0);
    assert_eq!(auto, series);
    assert_ne!(auto, channels);
    let alarm = auto.iter().find(|result| result.alarm && result.row >= 700).unwrap();
    assert_eq!(alarm.contributions.len(), 1);
    assert!(alarm.severity >= Severity::Alarm && alarm.score >= 0.5);
    assert!(auto[..WARMUP].iter().all(|result| result.quality == Quality::Bad.code() && !result.alarm));
    assert!(matches!(watch(2, "series", WARMUP), Err(Fault::Configuration(_))));
    assert!(watch(2, "auto", WARMUP).is_ok() && watch(1, "auto", 20_000).is_ok());
}

#[test]
fn a_restored_series_goes_on_as_if_nothing_had_happened() {
    let mut samples = wave(1500);
    samples[1200..].iter_mut().for_each(|x| *x = x.map(|x| x + 3.0));
    let mut whole = watch(1, "auto", WARMUP).unwrap();
    let all = detect(&mut whole, &samples, 0);
    for cut in [1, 299, 300, 301, 777, 1210] {
        let mut before = watch(1, "auto", WARMUP).unwrap();
        detect(&mut before, &samples[..cut], 0);
        let state = before.save().unwrap();
        assert!(state.len() < 100_000, "{} bytes", state.len());
        let mut after = watch(1, "auto", WARMUP).unwrap();
        after.restore(3, &state).unwrap();
        for (a, b) in all[cut..].iter().zip(detect(&mut after, &samples[cut..], cut)) {
            assert_eq!(
                (a.score.to_bits(), a.alarm, a.severity),
                (b.score.to_bits(), b.alarm, b.severity),
                "cut at {cut}"
            );
        }
        assert_eq!(after.save().unwrap(), whole.save().unwrap());
        assert!(matches!(watch(1, "channels", WARMUP).unwrap().restore(3, &state), Err(Fault::Configuration(_))));
        assert!(matches!(watch(1, "auto", WARMUP + 1).unwrap().restore(3, &state), Err(Fault::Configuration(_))));
        assert!((0..state.len()).step_by(7).all(|length| after.restore(3, &state[..length]).is_err()));
    }
}
