//! Answers for rows and columns that it was not asked about.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters};

const WHAT: [&str; 6] = ["past-the-end", "seen-before", "twice", "falling", "missing", "column"];

struct BadRow {
    what: String,
}

impl AnomalyDetection for BadRow {
    fn describe() -> Description {
        Description::new("bad-row", "0.1.0", "Answers for rows that are not there")
            .input(Input::group("signals"))
            .parameter(Parameter::choice("what", WHAT[0], &WHAT))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        Ok(BadRow { what: parameters.text("what")?.to_owned() })
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        let mut rows: Vec<Anomaly> = frame.new_rows().map(|row| Anomaly::score(row.index, 0.5)).collect();
        match self.what.as_str() {
            "past-the-end" => rows.iter_mut().for_each(|anomaly| anomaly.row = frame.row_count() as u32),
            "seen-before" => rows.iter_mut().for_each(|anomaly| anomaly.row = frame.first_new.saturating_sub(1)),
            "twice" => rows = rows.iter().chain(&rows).cloned().collect(),
            "falling" => rows.reverse(),
            "missing" => drop(rows.pop()),
            _ => rows = rows.into_iter().map(|row| row.because_of([(u32::MAX, 1.0)])).collect(),
        }
        Ok(rows)
    }
}

dinrail_sdk::export!(BadRow: AnomalyDetection);
