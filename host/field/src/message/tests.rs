#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod schema;

use super::*;
use dinrail_core::outcome::{
    Anomaly, ChartSignal, Contribution, Decision, Expectation, Fault, ItemVerdict, Life, PlanStep, Severity,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const T0: TimeNs = 1_583_748_873_250_999_999;

fn frame() -> Frame {
    Frame {
        scan: 12,
        time_ns: T0 + 2_000_000_000,
        times_ns: vec![T0, T0 + 1_000_000_000, T0 + 2_000_000_000],
        first_new: 1,
        columns: 2,
        values: vec![0.0; 6],
        quality: vec![0, 0, 0, 1, 0, 3],
        blocks: vec![],
    }
}

fn context(asset: Option<&str>) -> PluginContext {
    let columns = vec![Named::new("pump1.\"current\"", "A"), Named::new("pump1.flow", "m3/h")];
    let outputs = vec![Named::new("reactor.temp_sp", "Cel"), Named::new("bolts", "{pcs}")];
    PluginContext::new("a\\b", asset, columns, outputs, &[0.1, 0.5, 0.9], "h")
}

fn proposal(output: u32, setpoint: f64) -> Proposal {
    Proposal { output, setpoint, confidence: 0.75, valid_for_ns: 1, reason: "uphill".into() }
}

fn anomaly(contributions: Vec<Contribution>) -> Anomaly {
    Anomaly { row: 2, quality: Quality::Uncertain, score: 0.875, alarm: true, severity: Severity::Alarm, contributions }
}

/// What the encoder writes, read again, each checked against the schema.
fn objects(asset: Option<&str>, outcome: &Outcome, judged: &[Judged<'_>]) -> Vec<Value> {
    let mut written = vec![];
    Encoder::new().outcome(&context(asset), &frame(), outcome, judged, &mut |kind, bytes| {
        let value: Value = serde_json::from_slice(bytes).unwrap();
        assert_eq!(value["kind"], kind.name());
        schema::check(&value);
        written.push(value);
    });
    written
}

#[test]
fn anomalies() {
    let share = |column, share| Contribution { column, share };
    // A guest may name a column twice.
    let item = anomaly(vec![share(1, 0.75), share(0, 0.25), share(1, 0.5)]);
    let outcome = Outcome::Answered(Results::Anomalies(vec![item]));
    assert_eq!(
        objects(Some("7"), &outcome, &[]),
        [json!({
            "kind": "anomaly", "scan": 12, "row": 1, "time": "2020-03-09T10:14:35.250Z", "plugin": "a\\b",
            "asset": "7", "quality": "uncertain", "score": 0.875, "alarm": true, "severity": "alarm",
            "contributions": {"pump1.flow": 0.75, "pump1.\"current\"": 0.25},
        })]
    );
}

#[test]
fn health() {
    let item = |life| Health { row: 1, quality: Quality::Good, index: 0.5, mode: "fan".into(), life };
    let life = |rul_hi| Some(Life { rul: 40.0, rul_lo: 30.0, rul_hi });
    for (life, expected) in [
        (life(Some(50.0)), json!([40.0, 30.0, 50.0])),
        (life(None), json!([40.0, 30.0, null])),
        (None, json!([null, null, null])),
    ] {
        let outcome = Outcome::Answered(Results::Health(vec![item(life)]));
        let object = objects(None, &outcome, &[]).remove(0);
        assert_eq!(json!([object["rul"], object["rul_lo"], object["rul_hi"]]), expected);
        assert_eq!((&object["index"], &object["unit"], &object["row"]), (&json!(0.5), &json!("h"), &json!(0)));
        assert_eq!(object["asset"], Value::Null);
    }
}

#[test]
fn verdicts_and_signals() {
    let verdict = ItemVerdict {
        row: 2,
        quality: Quality::Good,
        item: u64::MAX,
        decision: Decision::Reject,
        defect: "scratch".into(),
        confidence: 0.5,
    };
    let signal = ChartSignal { row: 1, column: 1, statistic: 3.5, lower: -3.0, upper: 3.0, rule: "beyond".into() };
    let results = Results::Inspection { verdicts: vec![verdict], signals: vec![signal] };
    let objects = objects(None, &Outcome::Answered(results), &[]);
    assert_eq!(objects[0]["item"], json!(u64::MAX));
    assert_eq!(objects[0]["decision"], "reject");
    assert_eq!(objects[1]["tag"], "pump1.flow");
    assert_eq!(objects[1]["quality"], "uncertain", "the worst of the row's inputs");
}

#[test]
fn proposals_plans_and_orders() {
    let wishes = [proposal(0, 91.5), proposal(1, 40.0)];
    let judged: Vec<Judged<'_>> = wishes
        .iter()
        .zip([Some(90.0), None])
        .map(|(proposal, applied)| Judged { proposal, verdict: "clamped", reason: "slew", applied })
        .collect();
    let first = json!({
        "kind": "proposal", "scan": 12, "row": 1, "time": "2020-03-09T10:14:35.250Z", "plugin": "a\\b", "asset": null,
        "quality": "stale", "output": "reactor.temp_sp", "setpoint": 91.5, "unit": "Cel", "confidence": 0.75,
        "verdict": "clamped", "reason": "slew", "applied": 90.0, "rationale": "uphill",
    });
    let written = objects(None, &Outcome::Answered(Results::Proposals(wishes.to_vec())), &judged);
    assert_eq!(written[0], first);
    assert_eq!(written[1]["applied"], Value::Null);

    let plan = Plan {
        quality: Quality::Good,
        proposals: wishes.to_vec(),
        schedule: vec![PlanStep { output: 0, time_ns: T0, setpoint: 80.0 }],
        expected: vec![Expectation {
            name: "load".into(),
            unit: "kW".into(),
            start_ns: T0,
            step_ns: 900_000_000_000,
            values: vec![3.5, 4.0],
        }],
        expected_cost: 12.5,
        horizon_ns: 86_400_000_000_000,
    };
    let written = objects(None, &Outcome::Answered(Results::Plan(plan)), &judged);
    assert_eq!(written[0]["horizon_s"], 86_400.0);
    assert_eq!(
        written[0]["schedule"],
        json!([{"output": "reactor.temp_sp", "time": "2020-03-09T10:14:33.250Z", "setpoint": 80.0, "unit": "Cel"}])
    );
    assert_eq!(
        written[0]["expected"],
        json!([{"name": "load", "unit": "kW", "start": "2020-03-09T10:14:33.250Z", "step_s": 900.0, "values": [3.5, 4.0]}])
    );
    assert_eq!(written[1], first);

    let forecast = Forecast { row: 2, quality: Quality::Good, column: 0, step: 3, quantiles: vec![1.0, 2.0, 3.0] };
    let results = Results::Supply { forecasts: vec![forecast], orders: wishes.to_vec() };
    let written = objects(None, &Outcome::Answered(results), &judged[1..]);
    assert_eq!(written[0]["quantiles"], json!({"0.1": 1.0, "0.5": 2.0, "0.9": 3.0}));
    assert_eq!(
        (&written[1]["kind"], &written[1]["item"], &written[1]["quantity"]),
        (&json!("order"), &json!("bolts"), &json!(40.0))
    );
}

#[test]
fn calls_without_results() {
    let cases = [
        (Outcome::Missed, json!(["missed", null, ""])),
        (Outcome::Skipped("quarantined"), json!(["skipped", null, "quarantined"])),
        (
            Outcome::Faulted(Fault::Timeout { limit_ms: 5 }),
            json!(["faulted", "timeout", "the plugin was stopped after 5 ms"]),
        ),
    ];
    for (outcome, expected) in cases {
        let object = objects(None, &outcome, &[]).remove(0);
        assert_eq!(json!([object["outcome"], object["fault"], object["detail"]]), expected);
    }
}

#[test]
fn what_belongs_to_the_controller() {
    let mut encoder = Encoder::new();
    let read = |bytes: &[u8]| {
        let value: Value = serde_json::from_slice(bytes).unwrap();
        schema::check(&value);
        value
    };
    let mut value =
        ValueMessage { scan: 1, time_ns: T0, tag: "t", asset: None, value: 2.5, unit: "bar", quality: Quality::Good };
    let cases =
        [(2.5, Quality::Good, json!(2.5)), (2.5, Quality::Bad, json!(null)), (f64::NAN, Quality::Good, json!(null))];
    for (number, quality, expected) in cases {
        (value.value, value.quality) = (number, quality);
        let object = read(encoder.value(&value));
        assert_eq!((&object["value"], &object["quality"]), (&expected, &json!(quality.name())));
    }
    let command = CommandMessage {
        scan: 1,
        time_ns: T0,
        output: "o",
        plugin: Some("p"),
        asset: None,
        value: 1.0,
        unit: "",
        cause: "on_stop",
    };
    assert_eq!(read(encoder.command(&command))["cause"], "on_stop");
    let state = StateMessage {
        scan: 1,
        time_ns: T0,
        plugin: "p",
        asset: Some("a"),
        world: "supply-chain",
        state: "running",
        digest: "abc",
        calls: 3,
        faults: 1,
        missed: 0,
        drifted: 2,
    };
    assert_eq!(read(encoder.state(&state))["faults"], 1);
}

#[test]
fn every_transition_of_an_alarm_is_an_object() {
    use dinrail_core::alarm::{AlarmEvent, AlarmId, AlarmState, AlarmTransition, Priority, Word};
    let states = [
        AlarmState::Normal,
        AlarmState::UnacknowledgedActive,
        AlarmState::AcknowledgedActive,
        AlarmState::ReturnedUnacknowledged,
        AlarmState::Shelved,
    ];
    let events = [
        AlarmEvent::Raised,
        AlarmEvent::Returned,
        AlarmEvent::Acknowledged,
        AlarmEvent::Shelved,
        AlarmEvent::Unshelved,
        AlarmEvent::ShelvingEnded,
        AlarmEvent::Blind,
        AlarmEvent::Sighted,
    ];
    let said = Word { user: "ada".into(), reason: "cleaning".into(), until_ns: Some(T0) };
    let mut encoder = Encoder::new();
    for (index, event) in events.into_iter().enumerate() {
        let transition = AlarmTransition {
            alarm: AlarmId(0),
            priority: Priority::ALL[index % 4].1,
            event,
            before: states[index % 5],
            state: states[(index + 1) % 5],
            time_ns: T0,
            chattering: false,
            raises: 2,
            witnesses: Vec::new(),
            word: index.is_multiple_of(2).then(|| said.clone()),
        };
        let message = AlarmMessage {
            scan: 1,
            alarm: "tank.high",
            text: "open",
            detail: "level is 93 %",
            transition: &transition,
        };
        let object: Value = serde_json::from_slice(encoder.alarm(&message)).unwrap();
        schema::check(&object);
        assert_eq!(
            (object["event"].as_str(), object["state"].as_str()),
            (Some(event.name()), Some(transition.state.name()))
        );
        assert_eq!(object["until"].as_str().is_some(), index.is_multiple_of(2), "{object}");
    }
}

#[test]
fn every_kind_is_in_the_schema() {
    for kind in Kind::ALL {
        assert!(schema::knows(kind.name()), "{kind:?}");
    }
    let wrong = [
        json!({"kind": "anomaly"}),
        json!({"kind": "value", "scan": 1, "time": "now", "tag": "t", "asset": null, "value": 1.0, "unit": "", "quality": "good"}),
        json!({"kind": "value", "scan": 1, "time": "2020-03-09T10:14:33.250Z", "tag": "t", "asset": null, "value": "1", "unit": "", "quality": "good"}),
        json!({"kind": "value", "scan": 1, "time": "2020-03-09T10:14:33.250Z", "tag": "t", "asset": null, "value": 1.0, "unit": "", "quality": "fine"}),
        json!({"kind": "value", "scan": 1, "time": "2020-03-09T10:14:33.250Z", "tag": "t", "asset": null, "value": 1.0, "unit": "", "quality": "good", "more": 1}),
    ];
    for value in wrong {
        assert!(schema::problem(&value).is_some(), "{value}");
    }
}

proptest! {
    /// Whatever a guest's numbers and a configuration's names are, the line is one JSON object of the schema.
    #[test]
    fn every_line_is_valid(
        name in ".{0,20}", mode in ".{0,20}", asset in proptest::option::of(".{0,8}"),
        index in 0.0_f64..=1.0, rul in any::<f64>(), row in 0_u32..5,
    ) {
        let context = PluginContext::new(&name, asset.as_deref(), vec![], vec![], &[], &mode);
        let life = Life { rul, rul_lo: rul, rul_hi: None };
        let item = Health { row, quality: Quality::Good, index, mode: mode.clone(), life: Some(life) };
        let mut encoder = Encoder::new();
        let mut lines = 0;
        encoder.results(&context, &frame(), &Results::Health(vec![item]), &[], &mut |_, bytes| {
            lines += 1;
            assert!(!bytes.contains(&b'\n'));
            let value: Value = serde_json::from_slice(bytes).unwrap();
            schema::check(&value);
            assert_eq!(value["plugin"], Value::from(name.as_str()));
            assert_eq!(value["mode"], Value::from(mode.as_str()));
        });
        prop_assert_eq!(lines, 1);
    }
}
