//! Every field of every world, from the name to the number.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::description::{Input, InputBinding, OutputBinding, ResultField};
use crate::outcome::{Anomaly, Life, Plan, Proposal, Severity};

fn description(results: &[(&str, &str)]) -> Description {
    let input = |name: &str, kind| Input {
        name: name.into(),
        summary: String::new(),
        kind,
        unit: String::new(),
        minimum: None,
        maximum: None,
        group: true,
        required: false,
    };
    let result = |(name, unit): &(&str, &str)| ResultField {
        name: (*name).into(),
        summary: String::new(),
        unit: (*unit).into(),
    };
    Description {
        name: "p".into(),
        version: "1".into(),
        summary: String::new(),
        inputs: vec![input("signals", InputKind::Value), input("waveform", InputKind::Waveform)],
        outputs: vec![],
        parameters: vec![],
        models: vec![],
        outlook: vec![],
        results: results.iter().map(result).collect(),
        period_ns: 0,
        budget_ns: 0,
        horizon_ns: 0,
        quantiles: vec![0.1, 0.4, 0.6, 0.9],
        state_version: 1,
    }
}

/// The tags `a` (bar) and `b` (K), a waveform, and the outputs `x` (kW) and `y.z` (%).
fn bindings(waveform: bool) -> Bindings {
    let column = |index, tag: &str, unit: &str| Column {
        index,
        tag: tag.into(),
        unit: unit.into(),
        minimum: None,
        maximum: None,
    };
    let output = |index, tag: &str, unit: &str| OutputBinding {
        output: "setpoints".into(),
        index,
        tag: tag.into(),
        unit: unit.into(),
        minimum: 0.0,
        maximum: 1.0,
        slew_per_s: None,
    };
    let waveforms = if waveform { vec![column(0, "w", "m/s2")] } else { vec![] };
    Bindings {
        asset: None,
        inputs: vec![
            InputBinding { input: "signals".into(), columns: vec![column(0, "a", "bar"), column(1, "b", "K")] },
            InputBinding { input: "waveform".into(), columns: waveforms },
        ],
        outputs: vec![output(0, "x", "kW"), output(1, "y.z", "%")],
        outlook: vec![],
        columns: 2,
        window: 1,
    }
}

fn find(name: &str, world: World, results: &[(&str, &str)], waveform: bool) -> Result<(Field, String), UnknownField> {
    Field::find(name, world, &description(results), &bindings(waveform))
}

fn known(world: World) -> Vec<String> {
    find("?", world, &[], true).unwrap_err().known
}

#[test]
fn each_world_has_its_fields() {
    assert_eq!(known(World::AnomalyDetection), ["score", "alarm", "severity"]);
    assert_eq!(known(World::PredictiveMaintenance), ["index", "rul", "rul-lo", "rul-hi"]);
    assert_eq!(
        known(World::QualityControl),
        ["reject-share", "signal", "statistic", "statistic.a", "statistic.b"],
        "the waveform is no column"
    );
    assert_eq!(known(World::ProcessOptimization), ["x", "y.z"]);
    assert_eq!(known(World::EnergyOptimization), ["expected-cost", "x", "y.z"]);
    assert_eq!(known(World::SupplyChain), ["forecast", "forecast.a", "forecast.b", "x", "y.z"]);
}

#[test]
fn units_are_those_of_what_is_described_and_bound() {
    let rul = [("rul-signals", "{cycle}"), ("rul-waveform", "h"), ("index", "1")];
    let unit = |name, world, results, waveform| find(name, world, results, waveform).unwrap().1;
    assert_eq!(unit("rul", World::PredictiveMaintenance, &rul[1..], true), "h");
    assert_eq!(unit("rul", World::PredictiveMaintenance, &rul[1..], false), "", "nothing is described for it");
    assert_eq!(unit("rul-lo", World::PredictiveMaintenance, &rul, false), "{cycle}");
    assert_eq!(unit("rul-hi", World::PredictiveMaintenance, &[("rul", "d")], true), "d");
    assert_eq!(unit("index", World::PredictiveMaintenance, &rul, true), "1");
    assert_eq!(unit("forecast", World::SupplyChain, &[], true), "bar");
    assert_eq!(unit("forecast.b", World::SupplyChain, &[], true), "K");
    assert_eq!(unit("y.z", World::SupplyChain, &[], true), "%");
    assert_eq!(unit("expected-cost", World::EnergyOptimization, &[("expected-cost", "{money}")], true), "{money}");
}

/// What an answer of that world says of a field, its inputs being uncertain.
fn read(name: &str, world: World, results: &Results) -> Option<(f64, Quality)> {
    let (field, _) = find(name, world, &[], true).unwrap();
    field.read(results, Quality::Uncertain).map(|sample| (sample.value, sample.quality))
}

fn is_bad(sample: Option<(f64, Quality)>) -> bool {
    sample.is_some_and(|(value, quality)| value.is_nan() && quality == Quality::Bad)
}

#[test]
fn anomalies_and_health_are_read_from_the_last_row() {
    let anomaly = |row, score, alarm, quality| Anomaly {
        row,
        quality,
        score,
        alarm,
        severity: Severity::Critical,
        contributions: vec![],
    };
    let world = World::AnomalyDetection;
    let results = Results::Anomalies(vec![anomaly(0, 0.9, false, Quality::Bad), anomaly(1, 0.7, true, Quality::Good)]);
    assert_eq!(read("score", world, &results), Some((0.7, Quality::Good)));
    assert_eq!(read("alarm", world, &results), Some((1.0, Quality::Good)));
    assert_eq!(read("severity", world, &results), Some((3.0, Quality::Good)));
    assert_eq!(read("score", world, &Results::Anomalies(vec![])), None, "it says nothing, and what was holds");
    let health =
        |life| Results::Health(vec![Health { row: 0, quality: Quality::Good, index: 0.4, mode: String::new(), life }]);
    let world = World::PredictiveMaintenance;
    let open = health(Some(Life { rul: 30.0, rul_lo: 20.0, rul_hi: None }));
    assert_eq!(read("index", world, &open), Some((0.4, Quality::Good)));
    assert_eq!(read("rul", world, &open), Some((30.0, Quality::Good)));
    assert_eq!(read("rul-lo", world, &open), Some((20.0, Quality::Good)));
    assert!(is_bad(read("rul-hi", world, &open)), "more than `rul-lo` is no number");
    assert!(is_bad(read("rul", world, &health(None))), "a life that can't be told does not hold");
}

#[test]
fn inspections_are_read_as_a_whole() {
    let world = World::QualityControl;
    let verdict = |item, decision, quality| ItemVerdict {
        row: 0,
        quality,
        item,
        decision,
        defect: String::new(),
        confidence: 1.0,
    };
    let point = |column, statistic, rule: &str| ChartSignal {
        row: 0,
        column,
        statistic,
        lower: -3.0,
        upper: 3.0,
        rule: rule.into(),
    };
    let verdicts = vec![
        verdict(1, Decision::Reject, Quality::Good),
        verdict(2, Decision::Pass, Quality::Good),
        verdict(3, Decision::Rework, Quality::Uncertain),
        verdict(4, Decision::Pass, Quality::Good),
    ];
    let signals = vec![point(0, 1.0, ""), point(1, 9.0, "beyond"), point(0, 2.0, "")];
    let results = Results::Inspection { verdicts, signals };
    assert_eq!(read("reject-share", world, &results), Some((0.25, Quality::Uncertain)));
    assert_eq!(read("signal", world, &results), Some((1.0, Quality::Uncertain)));
    assert_eq!(read("statistic", world, &results), Some((2.0, Quality::Uncertain)));
    assert_eq!(read("statistic.b", world, &results), Some((9.0, Quality::Uncertain)));
    let nothing = Results::Inspection { verdicts: vec![], signals: vec![] };
    assert_eq!(read("reject-share", world, &nothing), None);
    assert_eq!(read("signal", world, &nothing), Some((0.0, Quality::Uncertain)));
    assert_eq!(read("statistic", world, &nothing), None);
}

#[test]
fn proposals_plans_and_orders_are_read_by_output() {
    let proposal =
        |output, setpoint| Proposal { output, setpoint, confidence: 1.0, valid_for_ns: 1, reason: String::new() };
    let proposals = vec![proposal(1, 40.0)];
    let doubted = |value| Some((value, Quality::Uncertain));
    let results = Results::Proposals(proposals.clone());
    assert_eq!(read("y.z", World::ProcessOptimization, &results), doubted(40.0));
    assert_eq!(read("x", World::ProcessOptimization, &results), None, "nothing is proposed for it");
    let plan = Results::Plan(Plan {
        quality: Quality::Good,
        proposals: proposals.clone(),
        schedule: vec![],
        expected: vec![],
        expected_cost: 12.5,
        horizon_ns: 1,
    });
    assert_eq!(read("expected-cost", World::EnergyOptimization, &plan), doubted(12.5));
    assert_eq!(read("y.z", World::EnergyOptimization, &plan), doubted(40.0));
    let forecast = |row, column, step, median| Forecast {
        row,
        quality: Quality::Good,
        column,
        step,
        quantiles: vec![0.0, median, 99.0, 100.0],
    };
    let forecasts =
        vec![forecast(1, 0, 1, 7.0), forecast(0, 0, 1, 6.0), forecast(1, 0, 2, 8.0), forecast(1, 1, 1, 3.0)];
    let supply = Results::Supply { forecasts, orders: proposals };
    assert_eq!(read("forecast", World::SupplyChain, &supply), Some((7.0, Quality::Good)), "of the last row");
    assert_eq!(read("forecast.b", World::SupplyChain, &supply), Some((3.0, Quality::Good)));
    assert_eq!(read("y.z", World::SupplyChain, &supply), doubted(40.0));
}

#[test]
fn the_quantile_nearest_to_the_median_counts() {
    for (quantiles, expected) in
        [(vec![0.1, 0.5, 0.9], 1), (vec![0.05, 0.4, 0.6], 1), (vec![0.9], 0), (vec![], 0), (vec![0.1, 0.8, 0.9], 1)]
    {
        assert_eq!(nearest_to_median(&quantiles), expected, "{quantiles:?}");
    }
}
