//! Opens a model and a table that nobody granted, and goes on only where it gets one.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameters, load_table};
use dinrail_sdk::{inference::Model, log};

struct Ungranted;

impl AnomalyDetection for Ungranted {
    fn describe() -> Description {
        Description::new("ungranted", "0.1.0", "Reaches for what it was not given").input(Input::group("signals"))
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(Ungranted)
    }

    /// An alarm where anything was handed out; otherwise the model's refusal.
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        let tables = ["secret", "../secret", "/etc/passwd", "a/b", ""].map(|name| load_table(name).is_ok());
        if tables.contains(&true) || Model::open("secret").is_ok() {
            log::error("got what was not granted");
            let alarm = |row: dinrail_sdk::Row<'_>| Anomaly::alarm(row.index, 1.0, dinrail_sdk::Severity::Critical);
            return Ok(frame.new_rows().map(alarm).collect());
        }
        Err(Model::open("secret").err().map_or(Fault::Internal("no refusal".into()), Fault::from))
    }
}

dinrail_sdk::export!(Ungranted: AnomalyDetection);
