//! Says what it was given, so that a test can compare it with what was sent.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameters, Row, log};

struct Echo;

impl AnomalyDetection for Echo {
    fn describe() -> Description {
        Description::new("echo", "0.1.0", "Says what it was given")
            .input(Input::group("signals").optional())
            .input(Input::one("wave").waveform().optional())
    }

    fn configure(bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        for binding in &bindings.inputs {
            let tags: Vec<&str> = binding.columns.iter().map(|column| column.tag.as_str()).collect();
            log::info(&format!("{} = {}", binding.input, tags.join(" ")));
        }
        Ok(Echo)
    }

    /// One line of log with the frame's shape. For each new row: the share of usable values as score, the worst
    /// quality (stale as bad), and as contribution of each usable column its value, cut to [0, 1].
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        log::info(&format!(
            "scan {} time {} rows {} new from {} columns {} blocks {}",
            frame.scan,
            frame.time_ns,
            frame.row_count(),
            frame.first_new,
            frame.column_count(),
            frame.blocks.len()
        ));
        Ok(frame.new_rows().map(|row| echo(&row)).collect())
    }
}

fn echo(row: &Row<'_>) -> Anomaly {
    let values: Vec<(u32, f64)> = row.usable().map(|(column, value)| (column as u32, value.clamp(0.0, 1.0))).collect();
    let score = values.len() as f64 / row.values.len().max(1) as f64;
    let quality = row.quality.iter().copied().max().unwrap_or(0).min(2);
    Anomaly { quality, ..Anomaly::score(row.index, score) }.because_of(values)
}

dinrail_sdk::export!(Echo: AnomalyDetection);
