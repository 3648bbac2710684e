//! The energy-optimization plugin: one component for several tasks, told apart by the parameter `task`.

use std::time::Duration;

use dinrail_sdk::{
    Bindings, Description, EnergyOptimization, EnergyPlan, Fault, Frame, Outlook, OutputState, Parameter, Parameters,
    Quality,
};

pub mod storage;

pub mod peak;

pub mod compressors;

/// The tasks' names, as the parameter `task` gives them.
const TASKS: [&str; 3] = ["storage", "peak", "compressors"];

/// The plugin: one task of them.
pub enum EnergyOptimizer {
    /// A battery behind one meter.
    Storage(Box<storage::StorageTask>),
    /// A battery under a demand charge.
    Peak(Box<peak::PeakTask>),
    /// Air compressors.
    Compressors(Box<compressors::CompressorTask>),
}

impl EnergyOptimization for EnergyOptimizer {
    fn describe() -> Description {
        let description = Description::new(
            "energy-optimization",
            env!("CARGO_PKG_VERSION"),
            "Plans what a site buys, stores and shifts, under a tariff that is known ahead",
        )
        .parameter(Parameter::choice("task", "storage", &TASKS).about("What is planned"))
        .result("expected-cost", "What the schedule is expected to cost, demand charges aside", "{money}")
        .horizon(Duration::from_secs(24 * 3600))
        .state_version(1);
        compressors::describe(peak::describe(storage::describe(description)))
    }

    fn configure(bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        match parameters.text("task")? {
            "storage" => Ok(Self::Storage(Box::new(storage::StorageTask::new(&bindings, &parameters)?))),
            "peak" => Ok(Self::Peak(Box::new(peak::PeakTask::new(&bindings, &parameters)?))),
            "compressors" => Ok(Self::Compressors(Box::new(compressors::CompressorTask::new(&bindings, &parameters)?))),
            other => Err(Fault::Configuration(format!("`task` = {other}: this version has no such task"))),
        }
    }

    fn plan(&mut self, frame: &Frame, outputs: &[OutputState], outlook: &Outlook) -> Result<EnergyPlan, Fault> {
        match self {
            Self::Storage(task) => task.plan(frame, outputs, outlook),
            Self::Peak(task) => task.plan(frame, outputs),
            Self::Compressors(task) => task.plan(frame, outputs, outlook),
        }
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Storage(task) => task.save(),
            Self::Peak(task) => task.save(),
            Self::Compressors(task) => task.save(),
        }
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Storage(task) => task.restore(version, state),
            Self::Peak(task) => task.restore(version, state),
            Self::Compressors(task) => task.restore(version, state),
        }
    }
}

/// An answer of nothing.
fn nothing() -> EnergyPlan {
    EnergyPlan {
        quality: Quality::Good.code(),
        proposals: Vec::new(),
        schedule: Vec::new(),
        expected: Vec::new(),
        expected_cost: 0.0,
        horizon_ns: 0,
    }
}
