//! Sends 2 MiB across the boundary, on the way that its parameter names.

use dinrail_sdk::{Bindings, Description, Fault, Frame, Health, Input, Parameter, Parameters, PredictiveMaintenance};
use dinrail_sdk::{inference::Model, log, metrics};

struct HugeString {
    through: String,
}

impl PredictiveMaintenance for HugeString {
    fn describe() -> Description {
        Description::new("huge-string", "0.1.0", "Says far too much")
            .input(Input::group("signals"))
            .parameter(Parameter::choice("through", "result", &["result", "fault", "log", "metric", "model", "state"]))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        Ok(HugeString { through: parameters.text("through")?.to_owned() })
    }

    fn assess(&mut self, frame: &Frame) -> Result<Vec<Health>, Fault> {
        let mut mode = String::new();
        match self.through.as_str() {
            "result" => mode = huge(),
            "fault" => return Err(Fault::Input(huge())),
            "log" => log::info(&huge()),
            "metric" => metrics::gauge(&huge(), 1.0),
            "model" => drop(Model::open(&huge())?),
            _ => (),
        }
        Ok(frame.last_new().map(|row| Health::new(row.index, 1.0).mode(&mode)).into_iter().collect())
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        Ok(if self.through == "state" { huge().into_bytes() } else { Vec::new() })
    }
}

fn huge() -> String {
    "x".repeat(2 * 1024 * 1024)
}

dinrail_sdk::export!(HugeString: PredictiveMaintenance);
