//! The simulated pump rig, as the demo samples it: a row every 6 s for an hour, four faults, a load that keeps changing.

mod common;

use anomaly_detection::detector::Trust;
use common::{Native, Rig, judge};
use dinrail_sim::Script;
use dinrail_sim::judge::{Detections, Finding};

const PERIOD_S: f64 = 6.0;
const ROWS: usize = 600;
const WARMUP: usize = 140;

struct Outcome {
    seed: u64,
    detections: Vec<dinrail_sim::judge::Detection>,
    false_episodes: u64,
    doubted_rows: usize,
    first_named: Vec<String>,
}

fn run(seed: u64, script: &str, warmup: usize) -> Outcome {
    let script = Script::named(script).expect("a script of the simulator");
    let mut plant = dinrail_sim::plant("rig", seed, script.clone()).expect("the rig");
    let signals = plant.signals().to_vec();
    let rig = Rig::of(&signals);
    let rows: Vec<_> = (0..ROWS)
        .map(|_| {
            plant.advance(PERIOD_S);
            rig.row(plant.as_mut())
        })
        .collect();
    let judgements = judge(&rows, &rig.vibration, warmup, &mut Native::new());
    let mut detections = Detections::new(script);
    let (mut stood, mut doubted_rows, mut first_named) = (false, 0, Vec::new());
    for (row, judgement) in judgements.iter().enumerate() {
        let name = |at: usize| signals.get(at).map_or("wave", |s| s.name);
        let named: Vec<&str> = judgement.named.iter().map(|(at, _)| name(*at)).collect();
        let time_s = PERIOD_S * (row + 1) as f64;
        let uncertain = judgement.trust == Trust::Uncertain;
        detections.observe(time_s, Finding { plugin: "rig", alarm: judgement.alarm, uncertain, named: &named });
        doubted_rows += usize::from(uncertain);
        if judgement.alarm && !stood {
            first_named.push(format!("{time_s} {:.2} {named:?}", judgement.score));
        }
        stood = judgement.alarm;
    }
    Outcome {
        seed,
        detections: detections.detections(PERIOD_S * ROWS as f64),
        false_episodes: detections.false_episodes(),
        doubted_rows,
        first_named,
    }
}

#[test]
fn every_fault_is_seen_and_no_load_change_alarms() {
    let seeds: u64 = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(24);
    let warmup = std::env::var("WARMUP").ok().and_then(|n| n.parse().ok()).unwrap_or(WARMUP);
    let (mut missed, mut false_episodes, mut worst) = (0, 0, [0.0_f64; 4]);
    for seed in 1..=seeds {
        let outcome = run(seed, "demo", warmup);
        for (worst, detection) in worst.iter_mut().zip(&outcome.detections) {
            *worst = worst.max(detection.delay_s.unwrap_or(f64::NAN));
            if detection.delay_s.is_none() {
                missed += 1;
                println!("seed {seed} missed {detection:?}");
            }
        }
        assert_eq!(outcome.detections.len(), 4);
        false_episodes += outcome.false_episodes;
        println!("seed {} false {} {:?}", outcome.seed, outcome.false_episodes, outcome.first_named);
    }
    println!("{seeds} seeds: missed {missed}, false episodes {false_episodes}, longest delays {worst:?} s");
    assert_eq!((missed, false_episodes), (0, 0));
}

#[test]
fn a_healthy_hour_has_no_alarm() {
    let seeds: u64 = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(24);
    let warmup = std::env::var("WARMUP").ok().and_then(|n| n.parse().ok()).unwrap_or(WARMUP);
    let (mut false_episodes, mut doubted) = (0, 0);
    for seed in 101..=100 + seeds {
        let outcome = run(seed, "none", warmup);
        false_episodes += outcome.false_episodes;
        doubted += outcome.doubted_rows;
        if outcome.false_episodes > 0 {
            println!("seed {seed}: {:?}", outcome.first_named);
        }
    }
    println!("{seeds} healthy hours: {false_episodes} alarm episodes, {doubted} rows with a sensor in doubt");
    assert_eq!(false_episodes, 0);
}
