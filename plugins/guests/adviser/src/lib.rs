//! Proposes what a model says at every frame.

use dinrail_sdk::inference::Model;
use dinrail_sdk::{Bindings, Description, Fault, Frame, Input, ModelSlot, Output, OutputState, Parameters};
use dinrail_sdk::{ProcessOptimization, Proposal};
use std::time::Duration;

struct Adviser {
    model: Model,
    shape: Vec<u32>,
}

impl ProcessOptimization for Adviser {
    fn describe() -> Description {
        Description::new("adviser", "0.1.0", "Proposes what a model says")
            .input(Input::group("signals"))
            .output(Output::one("setpoint"))
            .model(ModelSlot::new("model").input("x", &[None, None]).output("y", &[None, None]))
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        let model = Model::open("model")?;
        let input = model.inputs().into_iter().next().ok_or_else(|| Fault::Model("has no input".into()))?;
        let shape = input.shape.into_iter().map(|size| size.unwrap_or(1)).collect();
        Ok(Adviser { model, shape })
    }

    /// The frame's values, repeated or cut to the model's input; as setpoint the first output.
    fn optimize(&mut self, frame: &Frame, _outputs: &[OutputState]) -> Result<Vec<Proposal>, Fault> {
        let size: u32 = self.shape.iter().product();
        let values: Vec<f32> = frame.values.iter().cycle().take(size as usize).map(|&value| value as f32).collect();
        let output = self.model.run_one(&self.shape, &values)?;
        let first = output.first().copied().ok_or_else(|| Fault::Model("gave nothing".into()))?;
        Ok(vec![Proposal::new(0, f64::from(first), Duration::from_secs(60), "as the model says")])
    }
}

dinrail_sdk::export!(Adviser: ProcessOptimization);
