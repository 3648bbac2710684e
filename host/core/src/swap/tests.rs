#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::outcome::{Anomaly, Fault, Proposal, Results, Severity};
use crate::tag::Quality;

fn anomaly(score: f64, alarm: bool) -> Results {
    Results::Anomalies(vec![Anomaly {
        row: 0,
        quality: Quality::Good,
        score,
        alarm,
        severity: Severity::Info,
        contributions: vec![],
    }])
}

fn proposal(setpoint: f64, reason: &str) -> Results {
    Results::Proposals(vec![Proposal { output: 0, setpoint, confidence: 1.0, valid_for_ns: 1, reason: reason.into() }])
}

#[test]
fn two_answers_are_so_far_apart() {
    for (one, other, expected) in [
        (anomaly(0.5, false), anomaly(0.5, false), 0.0),
        (anomaly(0.5, false), anomaly(0.6, false), 0.1),
        (anomaly(0.5, false), anomaly(0.5, true), 1.0),
        (anomaly(0.5, false), Results::Anomalies(vec![]), 1.0),
        (proposal(80.0, "a"), proposal(88.0, "b"), 8.0 / 88.0),
        (proposal(80.0, "a"), proposal(-80.0, "a"), 1.0),
        (proposal(80.0, "a"), anomaly(0.5, false), 1.0),
    ] {
        let found = difference(&one, &other);
        assert!((found - expected).abs() < 1e-12, "{one:?} {other:?}: {found}");
        assert!((difference(&other, &one) - found).abs() < 1e-12, "either way round");
    }
}

fn tally(frames: &[(Outcome, Outcome)]) -> Tally {
    let mut tally = Tally::default();
    frames.iter().for_each(|(old, new)| tally.count(old, new, 0.01));
    tally
}

fn answered(score: f64) -> Outcome {
    Outcome::Answered(anomaly(score, false))
}

#[test]
fn frames_are_counted_by_what_both_said() {
    let trap = || Outcome::Faulted(Fault::Trap("x".into()));
    let useless = || Outcome::Faulted(Fault::Input("x".into()));
    let counted = tally(&[
        (answered(0.5), answered(0.5)),
        (answered(0.5), answered(0.9)),
        (answered(0.5), Outcome::Missed),
        (answered(0.5), trap()),
        (useless(), useless()),
        (answered(0.5), useless()),
        (trap(), trap()),
        (Outcome::Missed, answered(0.5)),
        (answered(0.5), Outcome::Skipped("x")),
    ]);
    assert_eq!((counted.compared, counted.differing, counted.missed, counted.faulted), (2, 1, 1, 3));
    assert!((counted.largest - 0.4).abs() < 1e-12 && (counted.divergence() - 0.5).abs() < 1e-12);
}

#[test]
fn a_candidate_is_ready_after_its_frames_and_out_after_a_miss() {
    let criteria = Criteria { shadow_frames: 3, misses: 1, ..Criteria::default() };
    let good = |compared| Tally { compared, ..Tally::default() };
    assert_eq!(criteria.shadow(&good(2)), Decision::Wait);
    assert_eq!(criteria.shadow(&good(3)), Decision::Ready);
    assert_eq!(criteria.shadow(&Tally { missed: 1, ..good(3) }), Decision::Ready);
    let out = criteria.shadow(&Tally { missed: 1, faulted: 1, ..good(3) });
    assert_eq!(out, Decision::Out(Reason::Misses { missed: 1, faulted: 1, allowed: 1 }));
    let none = Criteria { shadow_frames: 0, ..criteria };
    assert_eq!(none.shadow(&good(0)), Decision::Ready, "a way back waits for nothing");
}

#[test]
fn too_many_other_answers_put_a_candidate_out() {
    let criteria = Criteria { shadow_frames: 100, divergence: 0.1, ..Criteria::default() };
    let seen = |compared, differing| Tally { compared, differing, largest: 0.5, ..Tally::default() };
    assert_eq!(criteria.shadow(&seen(10, 10)), Decision::Wait, "ten frames say nothing of a share");
    assert_eq!(criteria.shadow(&seen(100, 10)), Decision::Ready, "at the limit");
    assert!(matches!(criteria.shadow(&seen(100, 11)), Decision::Out(Reason::Divergence { .. })));
    assert!(matches!(criteria.trial(&seen(100, 11), 0, 1), Decision::Out(Reason::Divergence { .. })));
}

#[test]
fn a_trial_ends_by_time_by_a_miss_or_by_silence() {
    let criteria = Criteria { trial_ns: 1_000, automatic: true, misses: 9, ..Criteria::default() };
    let good = Tally { compared: 5, ..Tally::default() };
    assert_eq!(criteria.trial(&good, 100, 1_099), Decision::Wait);
    assert_eq!(criteria.trial(&good, 100, 1_100), Decision::Ready);
    let asked = Criteria { automatic: false, ..criteria };
    assert_eq!(asked.trial(&good, 100, 1_099), Decision::Wait);
    assert_eq!(asked.trial(&good, 100, 1_100), Decision::Out(Reason::NotConfirmed));
    let missed = Tally { missed: 1, ..good };
    assert!(matches!(criteria.trial(&missed, 100, 101), Decision::Out(Reason::Misses { allowed: 0, .. })));
}
