//! What the containment tests share: the engine, the limits, and what they expect of an answer.

use dinrail_core::description::ParameterValue;
use dinrail_core::inference::Model;
use dinrail_core::outcome::{Fault, Outcome, Results};
use dinrail_engine::{Engine, EngineSettings, Grants, Instance, Limits, Pace, PluginComponent, Profile};
use dinrail_tests::instance;
pub(crate) use dinrail_tests::instance::{call, frame, job};
use std::sync::OnceLock;
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
    instance::component(engine(), guest).unwrap()
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

/// A configured instance, or why there is none.
pub(crate) fn try_start(
    component: &PluginComponent,
    grants: Grants,
    given: &[(&str, ParameterValue)],
    limits: &Limits,
) -> Result<Box<Instance>, Fault> {
    instance::start(component, grants, given, limits).map_err(|error| error.downcast().unwrap())
}

/// A configured instance without grants.
pub(crate) fn start(guest: &str, given: &[(&str, ParameterValue)]) -> Box<Instance> {
    try_start(&component(guest), models(vec![]), given, &limits()).unwrap()
}

/// A text parameter.
pub(crate) fn text(value: &str) -> ParameterValue {
    ParameterValue::Text(value.to_owned())
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
