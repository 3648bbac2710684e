//! Guests that behave: what they answer, and what is kept of it.

use crate::inferences::Sum;
use crate::rig::{self, GENEROUS, SHORT, call, component, fault, frame, limits, models, outcome, scores, start};
use dinrail_core::description::{ParameterValue, TensorSpec, World};
use dinrail_core::outcome::{Fault, Outcome, Results};
use dinrail_core::tag::Quality;
use dinrail_engine::{Grants, LogLevel};
use std::sync::Arc;

#[test]
pub(crate) fn echo() {
    let mut instance = start("echo", &[]);
    let lines = instance.take_notes().logs;
    assert_eq!((lines[0].level, lines[0].message.as_str()), (LogLevel::Info, "signals = tag0 tag1"));
    let mut doubtful = frame(7);
    doubtful.quality = vec![0, 0, 1, 0, 3, 0];
    let Outcome::Answered(Results::Anomalies(rows)) = call(&mut instance, &doubtful, GENEROUS).outcome else {
        panic!("expected anomalies");
    };
    assert_eq!(rows.iter().map(|row| (row.row, row.score)).collect::<Vec<_>>(), [(1, 1.0), (2, 0.5)]);
    assert_eq!(rows.iter().map(|row| row.quality).collect::<Vec<_>>(), [Quality::Uncertain, Quality::Bad]);
    let parts: Vec<_> = rows[0].contributions.iter().map(|part| (part.column, part.share)).collect();
    assert_eq!(parts, [(1, 0.3), (0, 0.2)]);
    let said = &instance.take_notes().logs[0].message;
    assert_eq!(said, "scan 7 time 3000000000 rows 3 new from 1 columns 2 blocks 0");
    assert!(instance.take_notes().is_empty(), "notes are handed over once");
}

/// Row 10: past the budget lines are dropped and counted, whoever looks or not.
#[test]
fn a_talkative_plugin_is_cut_short() {
    let mut instance = start("echo", &[]);
    for _ in 0..1_000 {
        assert!(matches!(outcome(&mut instance), Outcome::Answered(_)));
    }
    let notes = instance.take_notes();
    assert_eq!(notes.logs.len() as u64 + notes.logs_dropped, 1_001);
    assert_eq!(notes.logs.len(), 64);
}

#[test]
pub(crate) fn counter() {
    let mut instance = start("counter", &[]);
    assert_eq!(scores(&outcome(&mut instance)), [0.0, 0.5]);
    let state = instance.save().unwrap();
    let mut heir = start("counter", &[]);
    heir.restore(1, &state).unwrap();
    let expected = [1.0 - 1.0 / 3.0, 0.75];
    assert_eq!(scores(&outcome(&mut heir)), expected);
    assert_eq!(scores(&outcome(&mut instance)), expected, "saving changes nothing");
    let refused = start("counter", &[]).restore(9, &state);
    assert!(matches!(refused, Err(Fault::Configuration(_))), "{refused:?}");
    let refused = start("counter", &[]).restore(1, &vec![0; 1024 * 1024 + 1]);
    assert!(matches!(refused, Err(Fault::Limit(_))), "{refused:?}");
}

#[test]
pub(crate) fn stepper() {
    let component = component("stepper");
    assert_eq!(component.world(), World::ProcessOptimization);
    assert_eq!(component.digest().len(), 64);
    let Outcome::Answered(results) = outcome(&mut start("stepper", &[])) else { panic!("expected a proposal") };
    let [proposal] = results.proposals() else { panic!("expected one proposal") };
    assert_eq!((proposal.output, proposal.setpoint, proposal.valid_for_ns), (0, 10.5, 60_000_000_000));
}

/// A model's answer becomes a proposal, and its failure a fault.
#[test]
pub(crate) fn adviser() {
    let component = component("adviser");
    for fails in [false, true] {
        let specs = [TensorSpec { name: "x".to_owned(), shape: vec![Some(1), Some(2)] }];
        let model = Box::new(Sum { specs, fails, deadlines: Arc::default() });
        let mut instance = rig::try_start(&component, models(vec![("model", model)]), &[], &limits()).unwrap();
        match (outcome(&mut instance), fails) {
            (Outcome::Answered(results), false) => {
                assert_eq!(results.proposals()[0].setpoint, f64::from(0.1_f32));
            }
            (Outcome::Faulted(Fault::Model(_)), true) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[test]
pub(crate) fn zscore() {
    let mut instance = start("zscore", &[]);
    assert_eq!(scores(&outcome(&mut instance)).len(), 2);
}

#[test]
pub(crate) fn slow() {
    let component = component("slow");
    let asked = |iterations, deadline| {
        let given = [("iterations", ParameterValue::Integer(iterations))];
        let mut instance = rig::try_start(&component, Grants::default(), &given, &limits()).unwrap();
        call(&mut instance, &frame(0), deadline).outcome
    };
    assert!(matches!(asked(1_000_000, GENEROUS), Outcome::Answered(_)));
    assert_eq!(fault(asked(i64::MAX, SHORT)), Fault::Timeout { limit_ms: 20 });
}
