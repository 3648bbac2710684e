//! Ten simulated days of normal running with load changes, and the demo's faults among them: who is blamed, and how often
//! nobody should have been.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod common;

use anomaly_detection::detector::{Detector, Trust};
use common::{Native, Rig};
use dinrail_sim::Script;
use dinrail_sim::judge::{Detections, Finding};

fn setting(name: &str, otherwise: f64) -> f64 {
    std::env::var(name).ok().and_then(|x| x.parse().ok()).unwrap_or(otherwise)
}

/// What was said in days of running.
struct Days {
    judge: Detections,
    rows: usize,
    alarm_rows: usize,
    /// Alarms and doubts that began: in which fault's time, whether it was an alarm, what it named first.
    began: std::collections::BTreeMap<(String, bool, String), usize>,
}

fn run(name: &str, seed: u64, script: Script, days: f64, period_s: f64, warmup: usize) -> Days {
    let mut plant = dinrail_sim::plant(name, seed, script.clone()).unwrap();
    let signals = plant.signals().to_vec();
    let rig = Rig::of(&signals);
    // The waveform's features have no value signal of their own: the first has its index, the others none.
    let tag = |at: usize| signals.get(at).map_or("rig.vibration_wave", |s| s.name);
    let (mut detector, mut model) = (Detector::new(rig.channels), Native::new());
    let rows = (days * 86_400.0 / period_s) as usize;
    let mut days = Days { judge: Detections::new(script), rows, alarm_rows: 0, began: Default::default() };
    let mut before = (false, false);
    for at in 0..rows {
        plant.advance(period_s);
        let (judgement, ran) = detector.row(&rig.row(plant.as_mut()), &rig.vibration, warmup, &mut model);
        ran.unwrap();
        let named: Vec<&str> = judgement.named.iter().map(|(at, _)| tag(*at)).collect();
        let (alarm, uncertain) = (judgement.alarm, judgement.trust == Trust::Uncertain);
        let time_s = period_s * (at + 1) as f64;
        days.judge.observe(time_s, Finding { plugin: "rig", alarm, uncertain, named: &named });
        days.alarm_rows += usize::from(alarm);
        if alarm && !before.0 || uncertain && !before.1 {
            let first = named.first().copied().unwrap_or_default().to_owned();
            *days.began.entry((plant.truth().active.join("+"), alarm, first)).or_default() += 1;
        }
        before = (alarm, uncertain);
    }
    days
}

impl Days {
    fn print(&self, what: &str, days: f64) -> usize {
        let found = self.judge.detections(days * 86_400.0);
        let missed = found.iter().filter(|d| d.delay_s.is_none()).count();
        println!(
            "{what}: {} false of {} episodes in {days} days, {} rows in alarm of {}; {missed} missed of {} faults",
            self.judge.false_episodes(),
            self.judge.episodes(),
            self.alarm_rows,
            self.rows,
            found.len()
        );
        for ((fault, alarm, named), times) in &self.began {
            println!("  {times:5} {} in `{fault}`, first named {named}", if *alarm { "alarms" } else { "doubts" });
        }
        missed
    }
}

/// A row a minute and a day to learn from, which has seen each shift's load. `DAYS=10` for ten days.
#[test]
fn days_of_three_shifts_have_no_alarm() {
    let (days, period_s) = (setting("DAYS", 3.0), setting("PERIOD", 60.0));
    let warmup = setting("WARMUP", 1440.0) as usize;
    for seed in 1..=setting("SEEDS", 1.0) as u64 {
        let seen = run("rig-shifts", seed, Script::none(), days, period_s, warmup);
        seen.print(&format!("shifts, seed {seed}"), days);
        assert_eq!(seen.judge.false_episodes(), 0, "seed {seed}");
    }
}

/// As the demonstration samples it: a row each six seconds, fourteen minutes to learn from, a fault of each kind an hour.
#[test]
fn hours_of_the_demonstration_name_the_right_signals() {
    let days = setting("HOURS", 6.0) / 24.0;
    for seed in 1..=setting("SEEDS", 1.0) as u64 {
        let seen = run("rig", seed, Script::demo(), days, 6.0, 140);
        let missed = seen.print(&format!("demonstration, seed {seed}"), days);
        assert_eq!((missed, seen.judge.false_episodes()), (0, 0), "seed {seed}");
        for ((fault, alarm, named), _) in seen.began {
            match fault.as_str() {
                "bearing-wear" | "cavitation" if alarm => {
                    assert_eq!(named, "rig.vibration_wave", "seed {seed}: {fault}")
                }
                "sensor-drift(rig.flow)" => assert_eq!((alarm, named.as_str()), (false, "rig.flow"), "seed {seed}"),
                "stuck-sensor(rig.discharge_pressure)" => {
                    assert_eq!((alarm, named.as_str()), (false, "rig.discharge_pressure"), "seed {seed}");
                }
                _ => {}
            }
        }
    }
}
