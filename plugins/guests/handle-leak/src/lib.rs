//! Makes tensors in the host and never gives one back.

use std::mem::forget;

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters};
use dinrail_sdk::{inference::Tensor, log};

struct HandleLeak {
    number: usize,
}

impl AnomalyDetection for HandleLeak {
    fn describe() -> Description {
        Description::new("handle-leak", "0.1.0", "Holds on to the host's tensors")
            .input(Input::group("signals"))
            .parameter(Parameter::integer("number", 1_000_000).about("Tensors a call").range(0.0, 1e7))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        Ok(HandleLeak { number: parameters.count("number")? })
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        for _ in 0..self.number {
            forget(Tensor::create(&[1], &[0.0])?);
        }
        log::error("every tensor was handed out");
        Ok(frame.new_rows().map(|row| Anomaly::none(row.index)).collect())
    }
}

dinrail_sdk::export!(HandleLeak: AnomalyDetection);
