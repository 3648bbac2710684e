#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::noise;

fn quiet() -> Finding<'static> {
    Finding { plugin: "watch", alarm: false, uncertain: false, named: &[] }
}

fn alarm() -> Finding<'static> {
    Finding { alarm: true, ..quiet() }
}

/// A judge of the demo's hour that saw these findings and quiet between them.
fn judged(findings: &[(f64, Finding<'_>)]) -> Detections {
    let mut judge = Detections::new(Script::demo());
    for (time_s, finding) in findings {
        judge.observe(*time_s, *finding);
        judge.observe(*time_s, quiet());
    }
    judge
}

fn delays(judge: &Detections, run_s: f64) -> Vec<Option<f64>> {
    judge.detections(run_s).into_iter().map(|d| d.delay_s).collect()
}

#[test]
fn an_alarm_within_the_allowed_delay_sees_the_fault_and_not_a_moment_later() {
    for (time_s, expected) in [(899.9, None), (900.0, Some(0.0)), (1260.0, Some(360.0)), (1260.1, None)] {
        let judge = judged(&[(time_s, alarm())]);
        assert_eq!(delays(&judge, 1260.0), [expected], "{time_s}");
        assert_eq!(judge.false_episodes(), u64::from(time_s < 900.0));
    }
}

#[test]
fn an_alarm_that_stood_before_sees_nothing() {
    let mut judge = Detections::new(Script::demo());
    for scan in 0..600 {
        judge.observe(6.0 * f64::from(scan), alarm());
    }
    assert_eq!(delays(&judge, 3600.0), [None; 4]);
    assert_eq!((judge.episodes(), judge.false_episodes()), (1, 1));
}

#[test]
fn a_sensor_fault_is_also_seen_by_an_uncertain_result_that_names_it() {
    let doubt = |named| Finding { uncertain: true, named, ..quiet() };
    let flow: &[&str] = &["rig.speed", "rig.flow"];
    let judge = judged(&[(2300.0, doubt(&["rig.speed"])), (2400.0, doubt(flow)), (2500.0, doubt(flow))]);
    assert_eq!(delays(&judge, 2580.0)[2], Some(180.0));
    assert_eq!(judge.episodes(), 0);
    // The same doubt about a machine that is ill sees nothing.
    assert_eq!(delays(&judged(&[(1000.0, doubt(flow))]), 1260.0), [None]);
}

#[test]
fn only_faults_whose_delay_ended_are_judged() {
    let judge = judged(&[]);
    assert_eq!(judge.detections(1259.9).len(), 0);
    assert_eq!(judge.detections(1260.0).len(), 1);
    assert_eq!(judge.detections(3600.0).len(), 4);
    assert_eq!(judge.detections(3600.0 + 1260.0).len(), 5);
}

#[test]
fn recovery_is_forgiven_and_what_comes_after_is_false() {
    for (time_s, expected) in [(1320.0, 0), (1620.0, 0), (1620.1, 1), (3500.0, 1), (3600.0 + 900.0, 0)] {
        assert_eq!(judged(&[(time_s, alarm())]).false_episodes(), expected, "{time_s}");
    }
}

#[test]
fn each_plugin_has_episodes_of_its_own() {
    let mut judge = Detections::new(Script::none());
    for (plugin, on) in [("a", true), ("b", true), ("a", true), ("b", false), ("b", true), ("a", false)] {
        judge.observe(1.0, Finding { plugin, alarm: on, ..quiet() });
    }
    assert_eq!((judge.episodes(), judge.false_episodes()), (3, 3));
}

/// Whatever is fed, the figures stay consistent with each other.
#[test]
fn random_findings_never_break_the_books() {
    for seed in 0..200 {
        let mut rng: Pcg64Mcg = noise::stream(seed, 9, 0);
        let mut judge = Detections::new(Script::demo());
        let (mut time_s, mut rises, mut stood) = (0.0, 0, false);
        for _ in 0..400 {
            time_s += noise::uniform(&mut rng, 0.0, 40.0);
            let on = noise::uniform(&mut rng, 0.0, 1.0) < 0.2;
            let uncertain = noise::uniform(&mut rng, 0.0, 1.0) < 0.1;
            rises += u64::from(on && !stood);
            stood = on;
            judge.observe(time_s, Finding { alarm: on, uncertain, named: &["rig.flow"], ..quiet() });
        }
        assert_eq!(judge.episodes(), rises, "seed {seed}");
        assert!(judge.false_episodes() <= rises, "seed {seed}");
        for (d, o) in judge.detections(time_s).iter().zip(Script::demo().occurrences(time_s)) {
            let within = d.delay_s.is_none_or(|s| 0.0 <= s && s <= o.episode.allowed_delay_s);
            assert!(within && d.injected_at_s == o.injected_at_s, "seed {seed}: {d:?}");
        }
    }
}

#[test]
fn the_ratio_is_of_the_last_tenth() {
    let mut ratio = ProfitRatio::new(200.0);
    assert_eq!((ratio.ratio(), ratio.rose()), (None, false));
    for scan in 0..600 {
        ratio.observe(6.0 * f64::from(scan), if scan < 540 { 100.0 } else { 190.0 });
    }
    assert!((ratio.ratio().unwrap() - 0.95).abs() < 0.01, "{ratio:?}");
    assert_eq!(ratio.first_ratio(), Some(0.5));
    assert!(ratio.rose());
}

/// Against the plain mean over all observations, for runs of any length and step.
#[test]
fn merging_stretches_loses_nothing_that_counts() {
    for seed in 0..40 {
        let mut rng = noise::stream(seed, 10, 0);
        let step_s = noise::uniform(&mut rng, 0.05, 30.0);
        let n = noise::uniform(&mut rng, 1.0, 20_000.0) as usize;
        let mut ratio = ProfitRatio::new(1.0);
        let seen: Vec<(f64, f64)> = (0..n).map(|i| (i as f64 * step_s, 1.0 + i as f64 / n as f64)).collect();
        seen.iter().for_each(|(t, p)| ratio.observe(*t, *p));
        let from_s = 0.9 * (n - 1) as f64 * step_s;
        let tail: Vec<f64> = seen.iter().filter(|(t, _)| *t >= from_s).map(|(_, p)| *p).collect();
        let plain = tail.iter().sum::<f64>() / tail.len() as f64;
        let close = (ratio.ratio().unwrap() - plain).abs();
        assert!(close < 0.002 + 1.0 / n as f64, "seed {seed}: {close} with {n} of {step_s} s");
    }
}
