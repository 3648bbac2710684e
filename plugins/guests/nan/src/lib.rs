//! Answers with scores that are no scores.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters};

struct Nan {
    score: f64,
    share: f64,
}

impl AnomalyDetection for Nan {
    fn describe() -> Description {
        Description::new("nan", "0.1.0", "Answers with numbers outside their range")
            .input(Input::group("signals"))
            .parameter(Parameter::choice("score", "nan", &["nan", "infinite", "negative", "above-one", "share"]))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let (score, share) = match parameters.text("score")? {
            "infinite" => (f64::INFINITY, 1.0),
            "negative" => (-0.001, 1.0),
            "above-one" => (1.001, 1.0),
            "share" => (0.5, f64::NAN),
            _ => (f64::NAN, 1.0),
        };
        Ok(Nan { score, share })
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        let judge = |row: dinrail_sdk::Row<'_>| Anomaly::score(row.index, self.score).because_of([(0, self.share)]);
        Ok(frame.new_rows().map(judge).collect())
    }
}

dinrail_sdk::export!(Nan: AnomalyDetection);
