//! Runs a model once a frame, the short way or by tensors that stay in the host.

use dinrail_sdk::inference::{Model, Tensor};
use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, ModelSlot};
use dinrail_sdk::{Parameter, Parameters};

struct Inference {
    model: Model,
    shape: Vec<u32>,
    tensors: bool,
}

impl AnomalyDetection for Inference {
    fn describe() -> Description {
        Description::new("inference", "0.1.0", "Runs a model once a frame")
            .input(Input::group("signals"))
            .parameter(Parameter::choice("way", "run-one", &["run-one", "tensors"]))
            .model(
                ModelSlot::new("model")
                    .input("x", &[None, None])
                    .output("y", &[None, None])
                    .about("One float input, one float output"),
            )
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let model = Model::open("model")?;
        let input = model.inputs().into_iter().next().ok_or_else(|| Fault::Model("has no input".into()))?;
        let shape = input.shape.into_iter().map(|size| size.unwrap_or(1)).collect();
        Ok(Inference { model, shape, tensors: parameters.text("way")? == "tensors" })
    }

    /// The frame's values, repeated or cut to the model's input; as score the first output, cut to [0, 1].
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        let size: u32 = self.shape.iter().product();
        let values: Vec<f32> = frame.values.iter().cycle().take(size as usize).map(|&value| value as f32).collect();
        let output = match self.tensors {
            true => {
                let input = Tensor::create(&self.shape, &values)?;
                self.model.run(&[&input])?.first().map(Tensor::values).unwrap_or_default()
            }
            false => self.model.run_one(&self.shape, &values)?,
        };
        let first = output.first().copied().ok_or_else(|| Fault::Model("gave nothing".into()))?;
        let score = f64::from(first).clamp(0.0, 1.0);
        Ok(frame.new_rows().map(|row| Anomaly::score(row.index, score)).collect())
    }
}

dinrail_sdk::export!(Inference: AnomalyDetection);
