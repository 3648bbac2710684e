//! Describes itself in ways that contradict each other: no such unit, one name twice, a default outside its bounds.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters};

struct WrongDescribe;

impl AnomalyDetection for WrongDescribe {
    fn describe() -> Description {
        Description::new("wrong-describe", "0.1.0", "Contradicts itself")
            .input(Input::group("signals").unit("bananas"))
            .input(Input::one("signals").range(1.0, f64::NAN))
            .parameter(Parameter::number("gain", 10.0).range(0.0, 1.0))
            .parameter(Parameter::choice("gain", "c", &["a", "b"]))
            .quantiles(&[0.9, 0.1, 7.0])
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(WrongDescribe)
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        Ok(frame.new_rows().map(|row| Anomaly::none(row.index)).collect())
    }
}

dinrail_sdk::export!(WrongDescribe: AnomalyDetection);
