//! An instance of a guest as the containment tests and `prove` use it: what it is bound to, and frames to give it.

use crate::environment;
use anyhow::Result;
use dinrail_core::description::{
    Bindings, Column, Description, InputBinding, InputKind, OutputBinding, ParameterValue,
};
use dinrail_core::frame::Frame;
use dinrail_core::guard::Mode;
use dinrail_core::outcome::{CallReport, OutputState};
use dinrail_core::outlook::Outlook;
use dinrail_core::record::InstanceId;
use dinrail_engine::{Call, Engine, Grants, Instance, Job, Limits, PluginComponent};
use std::sync::Arc;
use std::time::Duration;

/// A compiled guest.
pub fn component(engine: &Engine, guest: &str) -> Result<PluginComponent> {
    Ok(engine.compile(&std::fs::read(environment::guest(guest))?)?)
}

/// A configured instance. What the guest itself refuses is a [`Fault`](dinrail_core::outcome::Fault).
pub fn start(
    component: &PluginComponent,
    grants: Grants,
    given: &[(&str, ParameterValue)],
    limits: &Limits,
) -> Result<Box<Instance>> {
    let mut instance = component.instantiate(grants, limits)?;
    let description = instance.describe()?;
    instance.configure(&bindings(&description), &parameters(&description, given))?;
    Ok(Box::new(instance))
}

/// The given parameters, and the defaults of the others, as the host completes them.
fn parameters(description: &Description, given: &[(&str, ParameterValue)]) -> Vec<(String, ParameterValue)> {
    let value = |name: &str, default: &ParameterValue| {
        given.iter().find(|(given, _)| *given == name).map_or(default.clone(), |(_, value)| value.clone())
    };
    let all = &description.parameters;
    all.iter().map(|parameter| (parameter.name.clone(), value(&parameter.name, &parameter.default))).collect()
}

/// Two columns for every value input, one output from 0 to 100 for every output.
fn bindings(description: &Description) -> Bindings {
    let column =
        |index| Column { index, tag: format!("tag{index}"), unit: String::new(), minimum: None, maximum: None };
    let values = description.inputs.iter().filter(|input| input.kind == InputKind::Value);
    let inputs = values.map(|input| InputBinding { input: input.name.clone(), columns: vec![column(0), column(1)] });
    let outputs = description.outputs.iter().zip(0..).map(|(output, index)| OutputBinding {
        output: output.name.clone(),
        index,
        tag: format!("output{index}"),
        unit: String::new(),
        minimum: 0.0,
        maximum: 100.0,
        slew_per_s: None,
    });
    Bindings {
        asset: None,
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        outlook: Vec::new(),
        columns: 2,
        window: 2,
    }
}

/// Three rows of two columns, the first seen before: values 0.0, 0.1 … 0.5.
#[must_use]
pub fn frame(scan: u64) -> Frame {
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
#[must_use]
pub fn call(instance: &mut Instance, frame: &Frame, deadline: Duration) -> CallReport {
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

/// A job for a worker.
#[must_use]
pub fn job(id: u32, instance: Box<Instance>, deadline: Duration) -> Job {
    Job {
        id: InstanceId(id),
        instance,
        frame: Arc::new(frame(1)),
        outputs: vec![],
        outlook: Arc::new(Outlook::default()),
        items: vec![],
        deadline,
        wants_state: false,
    }
}
