//! The plugin without a host: what breaks, what is missing, what is saved.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod common;

use anomaly_detection::detector::{Detector, Judgement, NAMED_MAX, Trust};
use anomaly_detection::novelty::WINDOW;
use anomaly_detection::plugin::{Plugin, Watch};
use common::{Native, Perfect, data, judge, table};
use dinrail_sdk::{AnomalyDetection, Bindings, Block, Fault, Frame, Parameters, Quality, Value};

/// SplitMix64 (Steele, Lea, Flood 2014), twelve uniform draws a normal one.
struct Noise(u64);

impl Noise {
    fn normal(&mut self) -> f64 {
        let mut uniform = || {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }
}

/// Channels that follow one load, every third one on its own.
fn plant(seed: u64, rows: usize, channels: usize) -> Vec<Vec<Option<f64>>> {
    let (mut noise, mut load) = (Noise(seed), 0.0);
    let row = |_| {
        load = 0.7 * load + 0.7 * noise.normal();
        let mut cell = |c: usize| 10.0 * c as f64 + if c % 3 == 2 { 0.0 } else { load } + 0.3 * noise.normal();
        (0..channels).map(|c| Some(cell(c))).collect()
    };
    (0..rows).map(row).collect()
}

fn alarms(judgements: &[anomaly_detection::detector::Judgement]) -> usize {
    judgements.iter().filter(|judgement| judgement.alarm).count()
}

#[test]
fn healthy_plants_of_any_size_stay_quiet() {
    for channels in [1, 2, 3, 7, 64, 65, 130, 300] {
        let judged = judge(&plant(channels as u64, 700, channels), &[], 400, &mut Native::new());
        assert_eq!(alarms(&judged), 0, "{channels} channels");
        assert!(judged[..400].iter().all(|j| j.trust == Trust::None), "{channels} channels");
        assert!(judged[400..].iter().all(|j| j.trust != Trust::None && j.score < 1.0), "{channels} channels");
    }
}

#[test]
fn a_departure_alarms_and_names_its_channels() {
    for channels in [1, 2, 8, 100] {
        let mut rows = plant(7, 800, channels);
        for row in &mut rows[600..] {
            row.iter_mut().take(2.max(channels / 4)).flatten().for_each(|x| *x += 6.0);
        }
        let judged = judge(&rows, &[], 400, &mut Perfect);
        assert_eq!(alarms(&judged[..600]), 0, "{channels} channels");
        assert!(alarms(&judged[600..640]) > 20, "{channels} channels");
        let named = &judged[640].named;
        assert!(named.len() <= NAMED_MAX && named.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{named:?}");
        assert!(named[0].0 < 2.max(channels / 4), "{named:?}");
    }
}

/// Two currents of one machine, and, of three, a temperature that the load has no part in. The load moves in steps and
/// between them; from `from` on, the second current reads half as much again.
fn currents(seed: u64, rows: usize, channels: usize, from: usize) -> Vec<Vec<Option<f64>>> {
    let (mut noise, mut load, mut level) = (Noise(seed), 1.0, 1.0);
    let row = |at: usize| {
        if at.is_multiple_of(60) {
            level = 1.0 + 0.25 * noise.normal().clamp(-2.0, 2.0);
        }
        load += 0.2 * (level - load) + 0.01 * noise.normal();
        let odd = if at < from { 1.0 } else { 1.5 };
        let all = [10.0 * load + 0.1 * noise.normal(), 12.0 * odd * load + 0.1 * noise.normal(), 40.0 + noise.normal()];
        all.into_iter().take(channels).map(Some).collect()
    };
    (0..rows).map(row).collect()
}

#[test]
fn one_of_two_currents_that_steps_is_no_load_change() {
    for channels in [2, 3] {
        let (mut false_alarms, mut found) = (0, Vec::new());
        for seed in 1..=20 {
            for warmup in [200, 400] {
                let healthy = judge(&currents(seed, 1600, channels, usize::MAX), &[], warmup, &mut Native::new());
                let judged = judge(&currents(seed, 1000, channels, 900), &[], warmup, &mut Native::new());
                // The temperature's own chart may stray; the currents may not, from each other or from their past.
                let of_currents = |judgement: &Judgement| judgement.alarm && judgement.named[0].0 < 2;
                false_alarms += usize::from(healthy.iter().any(of_currents));
                found.push(alarms(&judged[900..940]));
            }
        }
        println!(
            "{channels} channels: {false_alarms} of 40 healthy runs alarm for a current; rows of 40 in alarm after a step {found:?}"
        );
        assert_eq!(false_alarms, 0, "{channels} channels");
        assert!(found.iter().all(|rows| *rows >= 25), "{channels} channels: {found:?}");
    }
}

#[test]
fn a_drifting_and_a_stuck_sensor_are_doubted_and_named() {
    let mut drifting = plant(9, 800, 9);
    for (age, row) in drifting[600..].iter_mut().enumerate() {
        row[4] = row[4].map(|x| x + 0.05 * age as f64);
    }
    let mut stuck = plant(9, 800, 9);
    let held = stuck[600][4];
    stuck[600..].iter_mut().for_each(|row| row[4] = held);
    for rows in [drifting, stuck] {
        let judged = judge(&rows, &[], 400, &mut Native::new());
        let doubts: Vec<usize> = (0..800).filter(|&row| judged[row].trust == Trust::Uncertain).collect();
        assert_eq!(alarms(&judged), 0);
        assert!(doubts.first().is_some_and(|&first| (600..650).contains(&first)), "{doubts:?}");
        assert!(doubts.len() > 100 && doubts.iter().all(|&row| judged[row].named[0].0 == 4), "{doubts:?}");
    }
}

#[test]
fn single_wild_samples_and_missing_ones_do_not_alarm() {
    let mut rows = plant(11, 900, 6);
    for at in (450..900).step_by(40) {
        rows[at][at % 6] = Some(1e9);
    }
    assert_eq!(alarms(&judge(&rows, &[], 400, &mut Native::new())), 0, "wild");
    let mut rows = plant(12, 900, 6);
    for (at, row) in rows.iter_mut().enumerate() {
        row[at % 6] = None;
        if (500..600).contains(&at) {
            row[3] = None;
        }
        if (700..720).contains(&at) {
            row.fill(None);
        }
    }
    let judged = judge(&rows, &[], 400, &mut Native::new());
    assert_eq!(alarms(&judged), 0, "missing");
    assert_eq!(judged[710].trust, Trust::None, "nothing there to judge");
    assert_eq!(judged[800].trust, Trust::Good);
}

#[test]
fn a_constant_channel_and_one_that_is_never_there_are_left_out() {
    let mut rows = plant(13, 700, 5);
    for (at, row) in rows.iter_mut().enumerate() {
        row[1] = Some(if at < 500 { 42.0 } else { 43.0 });
        row[2] = None;
    }
    let judged = judge(&rows, &[], 400, &mut Native::new());
    assert_eq!(alarms(&judged), 0);
    assert_eq!(judged[650].trust, Trust::Good);
    let flat = vec![vec![Some(1.0)]; 600];
    let judged = judge(&flat, &[], 400, &mut Native::new());
    assert!(judged.iter().all(|j| j.trust == Trust::None && !j.alarm), "nothing is known of it");
}

fn watch(channels: u32, warmup: i64) -> Result<Watch, Fault> {
    let parameters = Parameters::with_defaults(&Plugin::describe()).with("warmup", Value::Integer(warmup));
    Watch::new(&Bindings::group("signals", channels), &parameters)
}

fn frame(rows: &[Vec<Option<f64>>]) -> Frame {
    let values: Vec<f64> = rows.iter().flatten().map(|x| x.unwrap_or(f64::NAN)).collect();
    Frame::of_rows(rows[0].len(), &values)
}

#[test]
fn a_restored_instance_goes_on_as_if_nothing_had_happened() {
    let mut rows = plant(14, 700, 8);
    rows[550..].iter_mut().for_each(|row| row[0] = row[0].map(|x| x + 3.0));
    for cut in [100, 399, 400, 401, 410, 440, 560, 620] {
        let mut whole = watch(8, 400).unwrap();
        let (all, _) = whole.detect(&frame(&rows), &mut Native::new());
        let mut before = watch(8, 400).unwrap();
        before.detect(&frame(&rows[..cut]), &mut Native::new());
        let state = before.save().unwrap();
        let mut after = watch(8, 400).unwrap();
        after.restore(3, &state).unwrap();
        let (rest, _) = after.detect(&frame(&rows[cut..]), &mut Native::new());
        for (a, b) in all[cut..].iter().zip(&rest) {
            assert_eq!((a.score.to_bits(), a.alarm, &a.contributions), (b.score.to_bits(), b.alarm, &b.contributions));
        }
        assert_eq!(whole.save().unwrap(), after.save().unwrap());
    }
}

#[test]
fn a_foreign_state_is_refused() {
    let mut eight = watch(8, 400).unwrap();
    let rows = plant(15, 450, 8);
    eight.detect(&frame(&rows), &mut Perfect);
    let state = eight.save().unwrap();
    assert!(matches!(eight.restore(4, &state), Err(Fault::Configuration(_))));
    assert!(matches!(watch(9, 400).unwrap().restore(3, &state), Err(Fault::Configuration(_))));
    for length in 0..state.len() {
        assert!(eight.restore(3, &state[..length]).is_err(), "{length} bytes");
    }
    eight.restore(3, &state).unwrap();
}

#[test]
fn the_largest_state_is_below_a_mebibyte() {
    let mut most = 0;
    for (channels, warmup) in [(400_u32, 400_i64), (512, 312)] {
        let rows = plant(16, warmup as usize, channels as usize);
        let mut watch = watch(channels, warmup).unwrap();
        watch.detect(&frame(&rows), &mut Perfect);
        most = most.max(watch.save().unwrap().len());
        watch.detect(&frame(&plant(17, 60, channels as usize)), &mut Perfect);
        let later = watch.save().unwrap().len();
        println!("{channels} channels: {most} bytes at the end of the first rows, {later} later");
    }
    assert!(most < 1_048_576, "{most}");
    assert!(matches!(watch(401, 400), Err(Fault::Configuration(_))));
    assert!(matches!(watch(513, 100), Err(Fault::Configuration(_))));
    assert!(matches!(
        Watch::new(&Bindings::group("other", 3), &Parameters::with_defaults(&Plugin::describe())),
        Err(Fault::Configuration(_))
    ));
}

#[test]
fn one_inference_a_row_with_all_channels_as_its_batch() {
    let mut model = Native::new();
    let mut detector = Detector::new(5);
    for row in plant(18, 600, 5) {
        let before = model.runs;
        let (_, ran) = detector.row(&row, &[], 400, &mut model);
        ran.unwrap();
        assert!(model.runs <= before + 1);
    }
    assert!(model.runs > 150, "{}", model.runs);
}

struct Broken;

impl anomaly_detection::novelty::Reconstruct for Broken {
    type Error = &'static str;

    fn reconstruct(&mut self, windows: &[f32]) -> Result<Vec<f32>, Self::Error> {
        assert_eq!(windows.len() % WINDOW, 0);
        Err("no runtime")
    }
}

#[test]
fn a_failing_model_is_reported_and_the_rows_are_judged_without_it() {
    let mut watch = watch(4, 100).unwrap();
    let mut rows = plant(19, 300, 4);
    rows[200..].iter_mut().for_each(|row| row.iter_mut().flatten().for_each(|x| *x += 20.0));
    let (quiet, none) = watch.detect(&frame(&rows[..100]), &mut Broken);
    assert!(none.is_none() && quiet.iter().all(|a| a.quality == Quality::Bad.code()));
    let (results, failure) = watch.detect(&frame(&rows[100..]), &mut Broken);
    assert_eq!(failure, Some("no runtime"));
    assert!(results[130..].iter().any(|a| a.alarm));
}

#[test]
fn a_waveform_counts_for_its_row_and_its_share_goes_to_the_vibration_tags() {
    let parameters = Parameters::with_defaults(&Plugin::describe()).with("warmup", Value::Integer(100));
    let mut bindings = Bindings::group("signals", 2);
    bindings.inputs[0].columns[1].unit = "mm/s".into();
    let mut wave = Bindings::group("waveforms", 1).inputs.remove(0);
    wave.columns[0].unit = "m/s2".into();
    bindings.inputs.push(wave);
    let mut watch = Watch::new(&bindings, &parameters).unwrap();
    let mut noise = Noise(20);
    let mut alarmed = Vec::new();
    for step in 0..300_i64 {
        let mut one = Frame::of_rows(2, &[noise.normal(), noise.normal()]);
        one.times_ns[0] = step * 1_000_000_000;
        let size = if step < 200 { 1.0 } else { 3.0 };
        let samples = (0..256).map(|_| (size * noise.normal()) as f32).collect();
        one.blocks.push(Block { column: 0, time_ns: one.times_ns[0] - 1000, rate_hz: 1000.0, samples });
        let (results, _) = watch.detect(&one, &mut Native::new());
        alarmed.extend(results.into_iter().filter(|a| a.alarm).map(|a| (step, a.contributions[0].column)));
    }
    assert!(alarmed.first().is_some_and(|(step, _)| (200..215).contains(step)), "{alarmed:?}");
    assert!(alarmed.iter().take(20).all(|(_, column)| *column == 1), "{alarmed:?}");
}

#[test]
fn nab_series_alarm_rarely() {
    let Some(root) = data("nab_series_alarm_rarely") else { return };
    let (mut files, mut rows, mut alarmed, mut episodes) = (0, 0, 0, 0);
    for folder in std::fs::read_dir(root.join("nab/data")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let series: Vec<_> =
                table(&file.unwrap().path(), ',', 1).into_iter().map(|x| vec![x.first().copied()]).collect();
            let judged = judge(&series, &[], 400, &mut Native::new());
            files += 1;
            rows += judged.len() - 400;
            alarmed += alarms(&judged);
            episodes += judged.windows(2).filter(|pair| !pair[0].alarm && pair[1].alarm).count();
        }
    }
    println!("NAB: {files} files, {rows} rows judged, {alarmed} in alarm, {episodes} episodes");
    assert!(files > 0 && alarmed < rows / 10);
}

/// Bindings of two signals and a phase, which is the third column.
fn with_phase() -> Bindings {
    let mut bindings = Bindings::group("signals", 2);
    let phase = Bindings::group("phase", 3).inputs.remove(0);
    bindings.inputs.push(dinrail_sdk::InputBinding { columns: phase.columns[2..].to_vec(), ..phase });
    bindings.columns = 3;
    bindings
}

/// Alarms and rows that were judged, of two signals that stand at 0 in one state and at 50 in the other, a hundred rows
/// each in turn; from row `wrong_from` on, the first one departs by 8 in its second state.
fn alarms_of_states(with_phase_bound: bool, wrong_from: usize) -> (Vec<usize>, usize) {
    let parameters = Parameters::with_defaults(&Plugin::describe()).with("warmup", Value::Integer(200));
    let bindings = if with_phase_bound { with_phase() } else { Bindings::group("signals", 2) };
    let mut watch = Watch::new(&bindings, &parameters).unwrap();
    let (mut found, mut judged) = (Vec::new(), 0);
    let noise = plant(21, 2_000, 2);
    for (at, row) in noise.iter().enumerate() {
        let second = at / 100 % 2 == 1;
        let level = if second { 50.0 } else { 0.0 };
        let wrong = if second && at >= wrong_from { 8.0 } else { 0.0 };
        let mut values = vec![row[0].map(|x| x + level + wrong), row[1].map(|x| x + level)];
        if with_phase_bound {
            values.push(Some(f64::from(second)));
        }
        let (results, _) = watch.detect(&frame(&[values]), &mut Native::new());
        judged += usize::from(results[0].quality != Quality::Bad.code());
        if results[0].alarm {
            found.push(at);
        }
    }
    (found, judged)
}

#[test]
fn each_state_has_its_own_baseline() {
    let (quiet, judged) = alarms_of_states(true, usize::MAX);
    assert_eq!(quiet, Vec::<usize>::new());
    // Twice 200 rows learn, and of each later hundred ten rows settle.
    assert!(judged > 1_200, "{judged}");
    let (found, _) = alarms_of_states(true, 1_500);
    assert!(found.first().is_some_and(|at| (1_500..1_560).contains(at)), "{found:?}");
    assert!(found.iter().all(|at| at / 100 % 2 == 1), "only in the state that is wrong: {found:?}");
    let (unaware, _) = alarms_of_states(false, 1_500);
    assert_ne!(unaware, found, "without the phase it is another story");
}
