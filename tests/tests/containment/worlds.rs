//! The worlds that no hostile guest has: what goes in comes out.

use crate::rig::{self, GENEROUS, component, frame, limits, models};
use dinrail_core::description::World;
use dinrail_core::guard::Mode;
use dinrail_core::item::{Item, Picture};
use dinrail_core::outcome::{Decision, Outcome, OutputState, PlanStep, Results};
use dinrail_core::outlook::{Outlook, Series};
use dinrail_engine::{Call, Grants};
use std::sync::Arc;

const STATE: OutputState = OutputState {
    applied: Some(10.0),
    readback: None,
    mode: Mode::Auto,
    limited_low: false,
    limited_high: false,
    blocked: false,
    initialise: false,
};

fn outlook() -> Outlook {
    let series = Series {
        name: "price".to_owned(),
        unit: "{EUR}".to_owned(),
        start_ns: 100,
        step_ns: 50,
        values: vec![1.0, 2.0, 4.0],
        known_at_ns: 90,
    };
    Outlook { series: vec![series] }
}

fn answer(guest: &str, world: World, outputs: &[OutputState], items: &[Item]) -> Results {
    let component = component(guest);
    assert_eq!(component.world(), world);
    let mut instance = rig::try_start(&component, models(vec![]), &[], &limits()).unwrap();
    let (frame, outlook) = (frame(1), outlook());
    let call = Call { frame: &frame, outputs, outlook: &outlook, items, deadline: GENEROUS };
    match instance.call(&call).outcome {
        Outcome::Answered(results) => results,
        other => panic!("expected an answer, got {other:?}"),
    }
}

fn item(id: u64, brightness: u8) -> Item {
    let picture = Picture::new(4, 2, 3, Arc::from([brightness; 24])).unwrap();
    Item { id, trigger_ns: 5, encoder: -7, measures: vec![0.5, 2.0], pictures: vec![picture] }
}

#[test]
pub(crate) fn inspector() {
    let items = [item(2, 255), item(3, 204), item(4, 51)];
    let Results::Inspection { verdicts, signals } = answer("inspector", World::QualityControl, &[], &items) else {
        panic!("expected an inspection");
    };
    let judged: Vec<_> = verdicts.iter().map(|verdict| (verdict.item, verdict.decision)).collect();
    assert_eq!(judged, [(2, Decision::Pass), (3, Decision::Rework), (4, Decision::Reject)]);
    assert_eq!(verdicts[0].defect, "[1, 3, 2, 4] -7 [0.5, 2.0]");
    assert_eq!((signals[0].statistic, signals[0].rule.as_str()), (4.0, "beyond"));
}

/// Pictures are handed over and given back: a host that kept them would be full after seven.
#[test]
fn pictures_do_not_pile_up() {
    let component = component("inspector");
    let picture = Picture::new(1_024, 1_024, 1, vec![200_u8; 1_024 * 1_024].into()).unwrap();
    let mut instance = rig::try_start(&component, Grants::default(), &[], &limits()).unwrap();
    let (frame, outlook) = (frame(1), outlook());
    let items = [Item { id: 2, trigger_ns: 0, encoder: 0, measures: vec![], pictures: vec![picture] }];
    for round in 0..40 {
        let call = Call { frame: &frame, outputs: &[], outlook: &outlook, items: &items, deadline: GENEROUS };
        let outcome = instance.call(&call).outcome;
        assert!(matches!(outcome, Outcome::Answered(_)), "round {round}: {outcome:?}");
    }
}

#[test]
pub(crate) fn planner() {
    let Results::Plan(plan) = answer("planner", World::EnergyOptimization, &[STATE], &[]) else {
        panic!("expected a plan");
    };
    assert_eq!((plan.proposals[0].setpoint, plan.expected_cost, plan.horizon_ns), (11.0, 7.0, 150));
    assert_eq!(plan.proposals[0].reason, "price in {EUR}, known at 90");
    let step = |time_ns, setpoint| PlanStep { output: 0, time_ns, setpoint };
    assert_eq!(plan.schedule, [step(100, 1.0), step(150, 2.0), step(200, 4.0)]);
}

#[test]
pub(crate) fn orderer() {
    let Results::Supply { forecasts, orders } = answer("orderer", World::SupplyChain, &[STATE], &[]) else {
        panic!("expected forecasts and orders");
    };
    assert_eq!((forecasts[0].row, forecasts[0].column, forecasts[0].step), (2, 1, 1));
    assert_eq!(forecasts[0].quantiles, [-0.5, 0.5, 1.5]);
    assert_eq!((orders.len(), orders[0].setpoint), (1, 7.0));
}
