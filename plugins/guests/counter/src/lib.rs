//! Keeps state: counts the new rows it has seen. Save and restore carry the count on.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameters};

/// Rows seen so far.
struct Counter(u64);

impl AnomalyDetection for Counter {
    fn describe() -> Description {
        Description::new("counter", "0.1.0", "Counts the rows it has seen").input(Input::group("signals"))
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(Counter(0))
    }

    /// The score is 1 − 1/(rows seen, this one included), so that a test can read the count from it.
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        let judge = |row: dinrail_sdk::Row<'_>| {
            self.0 += 1;
            Anomaly::score(row.index, 1.0 - 1.0 / self.0 as f64)
        };
        Ok(frame.new_rows().map(judge).collect())
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        Ok(self.0.to_le_bytes().to_vec())
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        match (version, <[u8; 8]>::try_from(state)) {
            (1, Ok(bytes)) => self.0 = u64::from_le_bytes(bytes),
            _ => return Err(Fault::Configuration(format!("not a count of version {version}"))),
        }
        Ok(())
    }
}

dinrail_sdk::export!(Counter: AnomalyDetection);
