//! Describes itself in 2 MiB.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameters};

struct HugeDescribe;

impl AnomalyDetection for HugeDescribe {
    fn describe() -> Description {
        Description::new("huge-describe", "0.1.0", &"x".repeat(2 * 1024 * 1024)).input(Input::group("signals"))
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(HugeDescribe)
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        Ok(frame.new_rows().map(|row| Anomaly::none(row.index)).collect())
    }
}

dinrail_sdk::export!(HugeDescribe: AnomalyDetection);
