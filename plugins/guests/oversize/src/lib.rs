//! Answers with far more than was asked for.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters};

struct Oversize {
    contributions: bool,
    number: u32,
}

impl AnomalyDetection for Oversize {
    fn describe() -> Description {
        Description::new("oversize", "0.1.0", "Answers with too many rows or contributions")
            .input(Input::group("signals"))
            .parameter(Parameter::choice("what", "rows", &["rows", "contributions"]))
            .parameter(Parameter::integer("number", 10_000).range(0.0, 1e6))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let contributions = parameters.text("what")? == "contributions";
        Ok(Oversize { contributions, number: parameters.count("number")? as u32 })
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        if !self.contributions {
            return Ok((0..self.number).map(Anomaly::none).collect());
        }
        let shares = || (0..self.number).map(|column| (column, 0.5));
        Ok(frame.new_rows().map(|row| Anomaly::score(row.index, 0.5).because_of(shares())).collect())
    }
}

dinrail_sdk::export!(Oversize: AnomalyDetection);
