//! What the containment tests share: the engine, an instance of a guest, and frames to give it.

use dinrail_core::description::{
    Bindings, Column, Description, InputBinding, InputKind, OutputBinding, ParameterValue,
};
use dinrail_core::frame::Frame;
use dinrail_core::guard::Mode;
use dinrail_core::inference::Model;
use dinrail_core::outcome::{CallReport, Fault, Outcome, OutputState, Results};
use dinrail_core::outlook::Outlook;
use dinrail_core::record::InstanceId;
use dinrail_engine::{Call, Engine, EngineSettings, Grants, Instance, Job, Limits, Pace, PluginComponent, Profile};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Long enough that only a guest that never ends meets it, whatever else this machine does.
pub(crate) const GENEROUS: Duration = Duration::from_secs(30);
/// For the guests that never end.
pub(crate) const SHORT: Duration = Duration::from_millis(20);

/// Bytes of a guest's component.
pub(crate) fn bytes(guest: &str) -> Vec<u8> {
    std::fs::read(dinrail_tests::environment::guest(guest)).unwrap()
}

/// The one engine of this process.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineSettings::default()).unwrap())
}

/// A compiled guest.
pub(crate) fn component(guest: &str) -> PluginComponent {
    engine().compile(&bytes(guest)).unwrap()
}

/// The limits of a compiled plugin that runs beside the scan, with a generous time for `configure`.
pub(crate) fn limits() -> Limits {
    Limits { lifecycle: GENEROUS, ..Limits::new(Profile::Compiled, Pace::Background) }
}

/// Grants of these models and nothing else.
pub(crate) fn models(models: Vec<(&str, Box<dyn Model>)>) -> Grants {
    let models = models.into_iter().map(|(name, model)| (name.to_owned(), model)).collect();
    Grants { models, models_optional: true, ..Grants::default() }
}

/// The given parameters, and the defaults of the others, as the host completes them.
pub(crate) fn parameters(description: &Description, given: &[(&str, ParameterValue)]) -> Vec<(String, ParameterValue)> {
    let value = |name: &str, default: &ParameterValue| {
        given.iter().find(|(given, _)| *given == name).map_or(default.clone(), |(_, value)| value.clone())
    };
    let all = &description.parameters;
    all.iter().map(|parameter| (parameter.name.clone(), value(&parameter.name, &parameter.default))).collect()
}

/// Two columns for every value input, one output from 0 to 100 for every output.
pub(crate) fn bindings(description: &Description) -> Bindings {
    let column =
        |index| Column { index, tag: format!("tag{index}"), unit: String::new(), minimum: None, maximum: None };
    let values = description.inputs.iter().filter(|input| input.kind == InputKind::Value);
    let inputs = values.map(|input| InputBinding { input: input.name.clone(), columns: vec![column(0), column(1)] });
    let outputs = description.outputs.iter().enumerate().map(|(index, output)| OutputBinding {
        output: output.name.clone(),
        index: u32::try_from(index).unwrap(),
        tag: format!("output{index}"),
        unit: String::new(),
        minimum: 0.0,
        maximum: 100.0,
        slew_per_s: None,
    });
    Bindings { asset: None, inputs: inputs.collect(), outputs: outputs.collect(), columns: 2, window: 2 }
}

/// A configured instance, or why there is none.
pub(crate) fn try_start(
    component: &PluginComponent,
    grants: Grants,
    given: &[(&str, ParameterValue)],
    limits: &Limits,
) -> Result<Box<Instance>, Fault> {
    let mut instance = component.instantiate(grants, limits).unwrap();
    let description = instance.describe().unwrap();
    instance.configure(&bindings(&description), &parameters(&description, given))?;
    Ok(Box::new(instance))
}

/// A configured instance without grants.
pub(crate) fn start(guest: &str, given: &[(&str, ParameterValue)]) -> Box<Instance> {
    try_start(&component(guest), models(vec![]), given, &limits()).unwrap()
}

/// A text parameter.
pub(crate) fn text(value: &str) -> ParameterValue {
    ParameterValue::Text(value.to_owned())
}

/// Three rows of two columns, the first seen before: values 0.0, 0.1 … 0.5.
pub(crate) fn frame(scan: u64) -> Frame {
    Frame {
        scan,
        time_ns: 3_000_000_000,
        times_ns: vec![1_000_000_000, 2_000_000_000, 3_000_000_000],
        first_new: 1,
        columns: 2,
        values: (0..6).map(|i| f64::from(i) / 10.0).collect(),
        quality: vec![0; 6],
        blocks: vec![],
    }
}

/// Gives an instance a frame.
pub(crate) fn call(instance: &mut Instance, frame: &Frame, deadline: Duration) -> CallReport {
    let state = OutputState {
        applied: Some(10.0),
        readback: None,
        mode: Mode::Auto,
        limited_low: false,
        limited_high: false,
        blocked: false,
        initialise: false,
    };
    let acts = instance.world().acts();
    let outputs = if acts { std::slice::from_ref(&state) } else { &[] };
    let outlook = Outlook::default();
    instance.call(&Call { frame, outputs, outlook: &outlook, items: &[], deadline })
}

/// What an instance answers to [`frame`], where nothing but the answer matters.
pub(crate) fn outcome(instance: &mut Instance) -> Outcome {
    call(instance, &frame(0), GENEROUS).outcome
}

/// The fault, where there is one.
pub(crate) fn fault(outcome: Outcome) -> Fault {
    match outcome {
        Outcome::Faulted(fault) => fault,
        other => panic!("expected a fault, got {other:?}"),
    }
}

/// The scores of an answer.
pub(crate) fn scores(outcome: &Outcome) -> Vec<f64> {
    match outcome {
        Outcome::Answered(Results::Anomalies(items)) => items.iter().map(|item| item.score).collect(),
        other => panic!("expected anomalies, got {other:?}"),
    }
}

/// A job for a worker.
pub(crate) fn job(id: u32, instance: Box<Instance>, deadline: Duration) -> Job {
    Job {
        id: InstanceId(id),
        instance,
        frame: Arc::new(frame(1)),
        outputs: vec![],
        outlook: Arc::new(Outlook::default()),
        items: vec![],
        deadline,
    }
}
