//! The second stage: a plugin's part against what the plugin says of itself.

use super::{Folder, GOOD};
use crate::config::{BoundPlugin, Config, ConfigErrors, bind};
use dinrail_core::description::{Description, Input, InputKind, ModelSlot, Output, Parameter, ParameterValue, World};

pub(super) fn input(name: &str, unit: &str, group: bool) -> Input {
    Input {
        name: name.to_owned(),
        summary: format!("what {name} is for"),
        kind: InputKind::Value,
        unit: unit.to_owned(),
        minimum: None,
        maximum: None,
        group,
        required: true,
    }
}

fn parameter(name: &str, default: ParameterValue) -> Parameter {
    Parameter {
        name: name.to_owned(),
        summary: String::new(),
        unit: String::new(),
        default,
        minimum: None,
        maximum: None,
        choices: vec![],
    }
}

fn slot(name: &str, required: bool) -> ModelSlot {
    ModelSlot { name: name.to_owned(), summary: "a model".to_owned(), required, inputs: vec![], outputs: vec![] }
}

pub(super) fn plain(name: &str) -> Description {
    Description {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        summary: String::new(),
        inputs: vec![],
        outputs: vec![],
        parameters: vec![],
        models: vec![],
        outlook: vec![],
        results: vec![],
        period_ns: 0,
        budget_ns: 0,
        horizon_ns: 0,
        quantiles: vec![],
        state_version: 1,
    }
}

/// What fits `[plugins.pump-watch]`.
fn watch() -> Description {
    Description {
        inputs: vec![input("phase", "", false), input("signals", "", true)],
        parameters: vec![
            parameter("depth", ParameterValue::Integer(3)),
            Parameter { minimum: Some(1.0), maximum: Some(1000.0), ..parameter("warmup", ParameterValue::Integer(9)) },
            parameter("gain", ParameterValue::Number(1.0)),
            parameter("strict", ParameterValue::Boolean(false)),
            Parameter {
                choices: vec!["low".into(), "high".into()],
                ..parameter("profile", ParameterValue::Text("low".into()))
            },
        ],
        models: vec![slot("channel", true), slot("spare", false)],
        outlook: vec![],
        ..plain("watch")
    }
}

/// What fits `[plugins.climb]`.
fn climb() -> Description {
    Description {
        inputs: vec![input("temperature", "Cel", false)],
        outputs: vec![
            Output { name: "setpoints".into(), summary: String::new(), unit: "K".into(), group: true, required: true },
            Output { name: "valve".into(), summary: String::new(), unit: String::new(), group: false, required: false },
        ],
        ..plain("climb")
    }
}

fn bind_in(config: &Config, plugin: &str, description: &Description) -> Result<BoundPlugin, ConfigErrors> {
    let plugin = config.plugins.iter().find(|known| known.name == plugin).unwrap();
    let world = if description.outputs.is_empty() { World::AnomalyDetection } else { World::ProcessOptimization };
    bind(config, plugin, description, world)
}

#[test]
fn columns_follow_the_description() {
    let config = Folder::new().good(GOOD);
    let bound = bind_in(&config, "pump-watch", &watch()).unwrap();
    let bindings = &bound.bindings;
    assert_eq!((bindings.columns, bindings.window, bound.columns.len()), (16, 32, 16));
    assert_eq!((bindings.inputs[0].input.as_str(), bindings.inputs[0].columns[0].index), ("phase", 0));
    let signals = &bindings.inputs[1].columns;
    assert!(signals.iter().map(|column| column.index).eq(1..16), "the waveform is passed over");
    let flow = signals.iter().find(|column| column.tag == "rig.flow").unwrap();
    assert_eq!((flow.unit.as_str(), flow.minimum, flow.maximum), ("m3/h", Some(0.0), Some(150.0)));
    assert!(bound.waveforms.is_empty());
    let names: Vec<&str> = bound.parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["depth", "warmup", "gain", "strict", "profile"]);
    assert_eq!(bound.parameters[0].1, ParameterValue::Integer(3), "the default");
    assert_eq!(bound.parameters[1].1, ParameterValue::Integer(400));
    assert_eq!(bound.models.len(), 2);
    assert_eq!((bound.period_ns, bound.deadline_ns), (1_000_000_000, 20_000_000));
}

#[test]
fn units_are_converted_on_the_way_in_and_out() {
    let config = Folder::new().good(GOOD);
    let bound = bind_in(&config, "climb", &climb()).unwrap();
    let temperature = &bound.columns[0];
    assert!((temperature.conversion.apply(353.15) - 80.0).abs() < 1e-9, "the tag is in K, the input in Cel");
    assert_eq!(bound.bindings.inputs[0].columns[0].unit, "Cel");
    let setpoint = &bound.bindings.outputs[0];
    assert_eq!((setpoint.tag.as_str(), setpoint.unit.as_str(), setpoint.index), ("reactor.temp_sp", "K", 0));
    assert!((setpoint.minimum - 343.15).abs() < 1e-9 && (setpoint.maximum - 373.15).abs() < 1e-9);
    assert!((setpoint.slew_per_s.unwrap() - 0.5 / 60.0).abs() < 1e-12);
    assert!((bound.outputs[0].conversion.apply(353.15) - 80.0).abs() < 1e-9, "from the plugin's unit to the output's");
    assert_eq!(bound.bindings.outputs[1].index, 1);
    assert_eq!(bound.deadline_ns, config.scan.budget_ns);
}

#[test]
fn waveforms_count_for_themselves() {
    let config = Folder::new().good(GOOD);
    let mut description = watch();
    description.inputs[1] = Input { kind: InputKind::Waveform, unit: "m/s2".into(), ..input("signals", "", true) };
    // `pump1.current` is named and is no waveform.
    let errors = bind_in(&config, "pump-watch", &description).unwrap_err();
    assert!(errors.to_string().contains("takes a waveform, and `pump1.current` is a value"), "{errors}");
    let text = GOOD.replace("\"rig.*\", \"pump1.current\"", "\"rig.*\"");
    let config = Folder::new().good(&text);
    let bound = bind_in(&config, "pump-watch", &description).unwrap();
    assert_eq!((bound.waveforms.len(), bound.bindings.inputs[1].columns[0].index), (1, 0));
    description.inputs[1].unit = "mm/s2".into();
    let errors = bind_in(&config, "pump-watch", &description).unwrap_err();
    assert!(errors.to_string().contains("waveforms are not converted"), "{errors}");
}

/// Changes description and text, and compares the only complaint with its marked line.
#[track_caller]
fn check(plugin: &str, change: fn(&mut Description), (from, to): (&str, &str), place: &str, message: &str, help: &str) {
    let text = GOOD.replacen(from, to, 1);
    let config = Folder::new().good(&text);
    let mut description = if plugin == "climb" { climb() } else { watch() };
    change(&mut description);
    let errors = bind_in(&config, plugin, &description).unwrap_err();
    assert_eq!(errors.count(), 1, "{errors}");
    let error = errors.iter().next().unwrap();
    let at = text.find(place).unwrap_or_else(|| panic!("`{place}` is not there"));
    assert_eq!(error.line_column(), config.text.line_column(at), "{errors}");
    assert!(error.message().contains(message), "wanted: {message}\n{errors}");
    assert!(error.help_text().contains(help), "wanted help: {help}\n{errors}");
}

const AS_IS: (&str, &str) = ("", "");

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let watch = "pump-watch";
    check(
        watch,
        |d| d.inputs.push(input("load", "kW", false)),
        AS_IS,
        "pump-watch]",
        "leaves its input `load` unbound",
        "add `load = \"…\"` in kW",
    );
    let renamed = |d: &mut Description| d.inputs[1] = Input { required: false, ..input("signal", "", true) };
    check(watch, renamed, AS_IS, "signals = ", "has no input `signals`", "did you mean `signal`?");
    check(watch, |d| d.inputs[1].group = false, AS_IS, "signals = ", "takes one tag, 15 are bound", "only groups");
    check(
        watch,
        |d| d.inputs[0].unit = "bar".into(),
        AS_IS,
        "\"line.material\" }",
        "`1 (no unit)` can't be converted to `bar`",
        "[tags.\"line.material\"]",
    );
    check(
        watch,
        |_| {},
        ("phase = \"line.material\"", "phase = []"),
        "phase = ",
        "bound to no tag",
        "at least one tag",
    );
    check(watch, |_| {}, ("window = 32", "window = 60000"), "pump-watch]", "60000 rows of 16 values", "smaller");
}

#[test]
fn outputs_that_do_not_fit_are_refused() {
    check(
        "climb",
        |d| d.outputs[0].unit = "bar".into(),
        AS_IS,
        "\"reactor.*\"]",
        "`bar` can't be converted to `Cel`",
        "",
    );
    check("climb", |d| d.outputs[1].name = "gate".into(), AS_IS, "valve = \"valve\"", "has no output `valve`", "");
    let feed = |d: &mut Description| {
        let feed = Output { name: "feed".into(), required: true, ..d.outputs[1].clone() };
        d.outputs.push(feed);
    };
    check("climb", feed, AS_IS, "climb]", "leaves its output `feed` unbound", "add `feed");
}

#[test]
fn parameters_and_models_that_do_not_fit_are_refused() {
    let watch = "pump-watch";
    check(watch, |_| {}, ("warmup = 400", "warmup = 4000"), "4000", "should be between 1 and 1000, is 4000", "default");
    check(watch, |_| {}, ("warmup = 400", "warmup = 4.5"), "4.5", "should be of type integer, is number", "");
    check(watch, |_| {}, ("\"low\"", "\"mid\""), "\"mid\"", "should be one of \"low\", \"high\", is \"mid\"", "");
    check(watch, |_| {}, ("gain = 0.5", "gian = 0.5"), "gian", "has no parameter `gian`", "did you mean `gain`?");
    let least = |d: &mut Description| d.parameters[2].minimum = Some(1.0);
    check(watch, least, AS_IS, "0.5, strict", "should be at least 1, is 0.5", "default");
    check(
        watch,
        |d| d.models.push(slot("other", true)),
        AS_IS,
        "pump-watch]",
        "no model for its slot `other`",
        "models = {",
    );
    check(
        watch,
        |_| {},
        ("spare = \"spare.onnx\"", "spar = \"spare.onnx\""),
        "spar = ",
        "has no model slot `spar`",
        "`spare`",
    );
}

#[test]
fn times_that_do_not_fit_are_refused() {
    let late = |d: &mut Description| d.budget_ns = 90_000_000;
    check("climb", late, AS_IS, "climb]", "wants 90ms a call, and the scan's budget is 40ms", "background");
    let slow = |d: &mut Description| d.period_ns = 300_000_000_000;
    check(
        "climb",
        slow,
        ("[outputs.valve]", "[outputs.valve]\nlease = \"1h\""),
        "\"5min\"",
        "its lease of 300000 ms is shorter",
        "longer",
    );
    let fast = (
        "background = true\ndeadline = \"2s\"\nperiod = \"1h\"",
        "background = true\ndeadline = \"2s\"\nperiod = \"1s\"",
    );
    let folder = Folder::new();
    let config = folder.good(&GOOD.replacen(fast.0, fast.1, 1));
    let description =
        Description { inputs: vec![input("sensors", "", true), input("settings", "", true)], ..plain("rul") };
    let errors = bind_in(&config, "engines", &description).unwrap_err();
    assert!(errors.to_string().contains("its period ends before its deadline"), "{errors}");
    assert!(bind_in(&folder.good(GOOD), "engines", &description).is_ok());
}
