//! Loops for ever in the call that its parameter names.

use std::hint::black_box;

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters};

struct Loop {
    call: String,
}

impl AnomalyDetection for Loop {
    fn describe() -> Description {
        Description::new("loop", "0.1.0", "Never answers").input(Input::group("signals")).parameter(Parameter::choice(
            "call",
            "detect",
            &["configure", "detect", "save"],
        ))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let call = parameters.text("call")?.to_owned();
        loop_if(call == "configure");
        Ok(Loop { call })
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        loop_if(self.call == "detect");
        Ok(frame.new_rows().map(|row| Anomaly::none(row.index)).collect())
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        loop_if(self.call == "save");
        Ok(Vec::new())
    }
}

fn loop_if(condition: bool) {
    while black_box(condition) {}
}

dinrail_sdk::export!(Loop: AnomalyDetection);
