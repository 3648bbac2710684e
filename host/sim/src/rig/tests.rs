#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use std::f64::consts::TAU;

use super::*;
use crate::fault::Episode;

const SEEDS: std::ops::Range<u64> = 0..5;

/// Readings every 6 s for `scans` scans, one row a scan, and the blocks.
fn run(seed: u64, script: Script, scans: usize) -> (Vec<[f64; VALUES]>, Vec<Vec<f32>>) {
    let mut rig = Rig::new(seed, script).unwrap();
    let (mut rows, mut blocks) = (Vec::new(), Vec::new());
    for _ in 0..scans {
        rig.advance(6.0);
        let mut out = Vec::new();
        rig.read(&mut out);
        let mut row = [f64::NAN; VALUES];
        for reading in out {
            match reading.value {
                Value::Number(x) => row[reading.signal] = x,
                Value::Block { samples, .. } => blocks.push(samples),
            }
        }
        rows.push(row);
    }
    (rows, blocks)
}

fn one(fault: Fault, start_s: f64, growth_s: f64) -> Script {
    let episode = Episode {
        fault,
        start_s,
        duration_s: 700.0,
        growth_s,
        severity: 1.0,
        course: Course::Linear,
        allowed_delay_s: 300.0,
        recovery_s: 300.0,
    };
    Script { episodes: vec![episode], repeat_s: None }
}

fn mean(rows: &[[f64; VALUES]], signal: usize) -> f64 {
    rows.iter().map(|r| r[signal]).sum::<f64>() / rows.len() as f64
}

fn sd(rows: &[[f64; VALUES]], signal: usize) -> f64 {
    let m = mean(rows, signal);
    (rows.iter().map(|r| (r[signal] - m).powi(2)).sum::<f64>() / rows.len() as f64).sqrt()
}

fn correlation(rows: &[[f64; VALUES]], a: usize, b: usize) -> f64 {
    let (ma, mb) = (mean(rows, a), mean(rows, b));
    let cov = rows.iter().map(|r| (r[a] - ma) * (r[b] - mb)).sum::<f64>() / rows.len() as f64;
    cov / (sd(rows, a) * sd(rows, b))
}

fn at(name: &str) -> usize {
    INSTRUMENTS.iter().position(|i| i.0 == name).unwrap()
}

/// Power of a block at a frequency.
fn power(block: &[f32], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, x) in block.iter().enumerate() {
        let phase = TAU * hz * i as f64 / waveform::RATE_HZ;
        re += f64::from(*x) * phase.cos();
        im += f64::from(*x) * phase.sin();
    }
    (re * re + im * im) / (block.len() as f64).powi(2)
}

fn kurtosis(block: &[f32]) -> f64 {
    let n = block.len() as f64;
    let m = block.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let moment = |p: i32| block.iter().map(|x| (f64::from(*x) - m).powi(p)).sum::<f64>() / n;
    moment(4) / moment(2).powi(2)
}

#[test]
fn a_healthy_rig_is_plausible_and_coupled() {
    for seed in SEEDS {
        let (rows, blocks) = run(seed, Script::none(), 600);
        let level = |name| mean(&rows, at(name));
        for (name, lo, hi) in [
            ("rig.current_a", 15.0, 30.0),
            ("rig.suction_pressure", 0.5, 0.85),
            ("rig.discharge_pressure", 2.0, 4.5),
            ("rig.flow", 50.0, 90.0),
            ("rig.bearing_temp_de", 45.0, 60.0),
            ("rig.winding_temp", 45.0, 85.0),
            ("rig.vibration_h", 1.2, 2.5),
            ("rig.speed", 1470.0, 1490.0),
        ] {
            assert!(lo <= level(name) && level(name) <= hi, "seed {seed}: {name} {}", level(name));
        }
        let flow = at("rig.flow");
        assert!(correlation(&rows, flow, at("rig.current_a")) > 0.9, "seed {seed}");
        assert!(correlation(&rows, flow, at("rig.speed")) < -0.7, "seed {seed}");
        assert!(correlation(&rows, flow, at("rig.discharge_pressure")) < -0.8, "seed {seed}");
        assert!(sd(&rows, flow) > 2.0, "seed {seed}: the load does not move");
        assert_eq!(blocks.len(), 600);
        assert!(blocks.iter().all(|b| b.len() == waveform::SAMPLES));
        for row in &rows {
            assert!(row.iter().zip(&INSTRUMENTS).all(|(x, i)| i.2 < *x && *x < i.3), "seed {seed}: {row:?}");
        }
    }
}

#[test]
fn wear_shakes_heats_and_hammers() {
    for seed in SEEDS {
        let (healthy, healthy_blocks) = run(seed, Script::none(), 100);
        let (worn, worn_blocks) = run(seed, one(Fault::BearingWear, 0.0, 300.0), 100);
        let gain = |name| mean(&worn[60..], at(name)) - mean(&healthy[60..], at(name));
        assert!(gain("rig.vibration_h") > 1.0, "seed {seed}");
        assert!((6.0..13.0).contains(&gain("rig.bearing_temp_de")), "seed {seed}");
        assert!((0.0..2.0).contains(&gain("rig.bearing_temp_nde")), "seed {seed}");
        assert!((0.05..1.0).contains(&gain("rig.current_a")), "seed {seed}");
        assert!(gain("rig.flow").abs() < 0.5, "seed {seed}");
        let last = |blocks: &[Vec<f32>]| kurtosis(&blocks[99]);
        assert!(last(&healthy_blocks) < 3.6, "seed {seed}: {}", last(&healthy_blocks));
        assert!(last(&worn_blocks) > 4.5, "seed {seed}: {}", last(&worn_blocks));
    }
}

#[test]
fn cavitation_starves_the_pump_and_hisses() {
    for seed in SEEDS {
        let (healthy, healthy_blocks) = run(seed, Script::none(), 100);
        let (starved, starved_blocks) = run(seed, one(Fault::Cavitation, 0.0, 120.0), 100);
        let gain = |name| mean(&starved[40..], at(name)) - mean(&healthy[40..], at(name));
        assert!((-0.4..-0.2).contains(&gain("rig.suction_pressure")), "seed {seed}");
        assert!(gain("rig.discharge_pressure") < -0.2, "seed {seed}");
        assert!(gain("rig.flow") < -1.0, "seed {seed}");
        assert!(gain("rig.vibration_v") > 0.3, "seed {seed}");
        let hiss = |block: &[f32]| (0..50).map(|i| power(block, 2010.0 + 7.0 * f64::from(i))).sum::<f64>();
        assert!(hiss(&starved_blocks[99]) > 5.0 * hiss(&healthy_blocks[99]), "seed {seed}");
    }
}

#[test]
fn the_spectrum_carries_the_shaft_and_its_harmonics() {
    let (rows, blocks) = run(3, Script::none(), 10);
    let shaft_hz = rows[9][at("rig.speed")] / 60.0;
    let floor = power(&blocks[9], shaft_hz * 4.5);
    for order in [1.0, 2.0, 3.0, 6.0] {
        assert!(power(&blocks[9], order * shaft_hz) > 10.0 * floor, "order {order}");
    }
}

#[test]
fn sensor_faults_touch_nothing_but_the_reading() {
    let flow = at("rig.flow");
    let drift = Fault::SensorDrift { signal: "rig.flow".into(), rate_per_s: -0.025 };
    let stuck = Fault::StuckSensor { signal: "rig.flow".into() };
    let (healthy, healthy_blocks) = run(9, Script::none(), 220);
    let (drifted, drifted_blocks) = run(9, one(drift, 300.0, 0.0), 220);
    let (frozen, _) = run(9, one(stuck, 300.0, 0.0), 220);
    assert_eq!(healthy_blocks, drifted_blocks);
    for (scan, row) in healthy.iter().enumerate() {
        for i in (0..VALUES).filter(|i| *i != flow) {
            assert_eq!(row[i], drifted[scan][i]);
            assert_eq!(row[i], frozen[scan][i]);
        }
        // Row `scan` is read at 6·(scan + 1) s; the faults hold from 300 s until just before 1000 s.
        let time_s = 6.0 * (scan + 1) as f64;
        let since_s = if (300.0..1000.0).contains(&time_s) { time_s - 300.0 } else { 0.0 };
        assert!((drifted[scan][flow] - row[flow] + 0.025 * since_s).abs() < 1e-9, "scan {scan}");
        let held = (300.0..1000.0).contains(&time_s);
        assert_eq!(frozen[scan][flow], if held { healthy[49][flow] } else { row[flow] }, "scan {scan}");
    }
}

#[test]
fn readings_do_not_depend_on_how_time_is_sliced() {
    let run = |slice_s: f64| {
        let mut rig = Rig::new(4, Script::demo()).unwrap();
        (0..(1200.0 / slice_s).round() as usize).for_each(|_| rig.advance(slice_s));
        let mut out = Vec::new();
        rig.read(&mut out);
        (out, rig.truth())
    };
    assert_eq!(run(6.0), run(1.0));
    assert_eq!(run(6.0), run(0.1));
    assert_eq!(run(6.0).1.active, ["bearing-wear"]);
}

#[test]
fn seeds_differ_and_repeat() {
    assert_eq!(run(1, Script::demo(), 20), run(1, Script::demo(), 20));
    assert_ne!(run(1, Script::demo(), 20), run(2, Script::demo(), 20));
}

fn truths(seed: u64, script: Script, load: Load, step_s: f64, steps: usize) -> Vec<Condition> {
    let mut rig = Rig::new(seed, script).unwrap().with_load(load);
    let each = (0..steps).map(|_| {
        rig.advance(step_s);
        rig.truth().condition.unwrap()
    });
    each.collect()
}

#[test]
fn a_run_to_failure_counts_its_life_down_to_the_second() {
    for (seed, race) in [(1, Race::Outer), (2, Race::Inner), (3, Race::Outer)] {
        let script = Script::wear_out(3600.0, 36_000.0, race);
        script.check(&signals(), true).unwrap();
        let seen = truths(seed, script.clone(), Load::Steps, 60.0, 1300);
        let ends_s = seen[0].life_s.expect("the script holds a failure") + 60.0;
        assert!((0.4 * 36_000.0..2.0 * 36_000.0).contains(&(ends_s - 3600.0)), "seed {seed}: {ends_s}");
        for (minute, condition) in seen.iter().enumerate() {
            let time_s = 60.0 * (minute + 1) as f64;
            if time_s >= 3600.0 + 72_000.0 {
                assert_eq!((condition.severity, condition.mode, condition.life_s), (0.0, "", None), "repaired");
                continue;
            }
            let left_s = condition.life_s.unwrap();
            assert!((left_s - (ends_s - time_s).max(0.0)).abs() < 1e-6, "seed {seed}: {left_s} at {time_s}");
            assert_eq!(condition.mode, if time_s < 3600.0 { "" } else { race.mode() });
            assert_eq!(left_s == 0.0, condition.severity >= 1.0, "seed {seed}: {condition:?}");
        }
        assert!(seen[..1259].is_sorted_by(|a, b| a.health() >= b.health()), "seed {seed}");
        assert_eq!(seen, truths(seed, script, Load::Steps, 60.0, 1300));
    }
}

fn rms(block: &[f32]) -> f64 {
    (block.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / block.len() as f64).sqrt()
}

#[test]
fn kurtosis_rises_before_rms_does() {
    for seed in SEEDS {
        let script = Script::wear_out(600.0, 6000.0, Race::Outer);
        let (_, blocks) = run(seed, script.clone(), 2200);
        let severities: Vec<f64> =
            truths(seed, script, Load::Steps, 6.0, 2200).into_iter().map(|c| c.severity).collect();
        let mean = |lo: f64, hi: f64, of: fn(&[f32]) -> f64| {
            let those = blocks.iter().zip(&severities).filter(|(_, s)| lo <= **s && **s < hi);
            let all: Vec<f64> = those.map(|(b, _)| of(b)).collect();
            all.iter().sum::<f64>() / all.len() as f64
        };
        let (healthy, early) = (mean(-1.0, 0.01, kurtosis), mean(0.3, 0.4, kurtosis));
        assert!(early > 1.4 * healthy, "seed {seed}: kurtosis {healthy} {early}");
        let (well, soon, late) = (mean(-1.0, 0.01, rms), mean(0.2, 0.3, rms), mean(0.9, 1.1, rms));
        assert!(soon < 1.4 * well && late > 2.0 * well, "seed {seed}: RMS {well} {soon} {late}");
    }
}

#[test]
fn what_cannot_run_to_failure_is_refused() {
    let check = |change: fn(&mut Episode)| {
        let mut script = Script::wear_out(600.0, 6000.0, Race::Outer);
        change(&mut script.episodes[0]);
        script.check(&signals(), true)
    };
    let refused = Err(ScriptError::NoRunToFailure(0));
    let course = |initial, exponent| {
        Course::ToFailure(crate::Wear { initial, exponent, spread: 0.1, wander: 0.1, race: Race::Outer })
    };
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(check(|e| e.fault = Fault::Cavitation), refused);
    assert_eq!(check(|e| e.growth_s = 0.0), refused);
    let bad = [(0.0, 1.0), (1.0, 1.0), (f64::NAN, 1.0), (0.1, 0.9), (0.1, f64::NAN)];
    for (initial, exponent) in bad {
        let mut script = Script::wear_out(600.0, 6000.0, Race::Outer);
        script.episodes[0].course = course(initial, exponent);
        assert_eq!(script.check(&signals(), true), refused, "{initial} {exponent}");
    }
}

#[test]
fn shifts_move_the_load_over_the_day_and_faults_of_the_demo_have_their_condition() {
    let mut rig = Rig::new(5, Script::none()).unwrap().with_load(Load::Shifts);
    let mut flows = [[0.0; 24]; 7];
    for minute in 0..7 * 1440 {
        rig.advance(60.0);
        flows[minute / 1440][minute % 1440 / 60] += rig.machine.flow_m3_h / 60.0;
    }
    for day in &flows[..5] {
        let (night, early) = (day[..6].iter().sum::<f64>() / 6.0, day[7..13].iter().sum::<f64>() / 6.0);
        assert!(early > night + 12.0, "{night} {early}");
    }
    assert!(flows[5][10] < 60.0 && flows[0][10] > 65.0, "{} {}", flows[5][10], flows[0][10]);
    let demo = truths(1, Script::demo(), Load::Steps, 1.0, 2000);
    assert_eq!((demo[100].severity, demo[100].mode, demo[100].life_s), (0.0, "", Some(1260.0 - 101.0)));
    assert_eq!((demo[1300].severity, demo[1300].life_s), (1.0, Some(0.0)));
    assert_eq!((demo[1900].mode, demo[1900].life_s), ("cavitation", Some(4860.0 - 1901.0)));
}
