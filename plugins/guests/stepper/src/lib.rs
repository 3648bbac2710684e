//! Proposes one step from the value in force at every frame.

use std::time::Duration;

use dinrail_sdk::{Bindings, Description, Fault, Frame, Input, Output, OutputState, Parameter, Parameters};
use dinrail_sdk::{ProcessOptimization, Proposal};

struct Stepper {
    step: f64,
    start: f64,
    valid_for: Duration,
}

impl ProcessOptimization for Stepper {
    fn describe() -> Description {
        Description::new("stepper", "0.1.0", "One proposal a frame")
            .input(Input::group("signals"))
            .output(Output::one("setpoint"))
            .parameter(Parameter::number("step", 0.5).about("From the value in force"))
            .parameter(Parameter::number("start", 0.0).about("Where none is in force"))
            .parameter(Parameter::number("valid-for", 60.0).unit("s").range(0.0, 1e6))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        Ok(Stepper {
            step: parameters.number("step")?,
            start: parameters.number("start")?,
            valid_for: Duration::from_secs_f64(parameters.number("valid-for")?),
        })
    }

    fn optimize(&mut self, _frame: &Frame, outputs: &[OutputState]) -> Result<Vec<Proposal>, Fault> {
        let state = outputs.first().ok_or_else(|| Fault::Input("no output state".into()))?;
        let setpoint = match (state.applied, state.initialise) {
            (Some(applied), true) => applied,
            (Some(applied), false) => applied + self.step,
            (None, _) => self.start,
        };
        Ok(vec![Proposal::new(0, setpoint, self.valid_for, "one step")])
    }
}

dinrail_sdk::export!(Stepper: ProcessOptimization);
