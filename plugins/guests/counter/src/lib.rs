//! Keeps state: counts the new rows it has seen. Save and restore carry the count on. By its parameters it fails at a count,
//! says something else than it should, or has a large state.

use std::hint::black_box;

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters};

struct Counter {
    /// Rows seen so far.
    rows: u64,
    /// Traps at this count; 0: never.
    trap_at: u64,
    /// Loops at this count; 0: never.
    loop_at: u64,
    /// Added to the score.
    bias: f64,
    /// Bytes of the state beside the count.
    padding: usize,
    /// Refuses every state.
    stubborn: bool,
}

impl AnomalyDetection for Counter {
    fn describe() -> Description {
        Description::new("counter", "0.1.0", "Counts the rows it has seen")
            .input(Input::group("signals"))
            .parameter(Parameter::integer("trap_at", 0).about("Traps at this count; 0: never"))
            .parameter(Parameter::integer("loop_at", 0).about("Loops for ever at this count; 0: never"))
            .parameter(Parameter::number("bias", 0.0).about("Added to the score"))
            .parameter(Parameter::integer("padding", 0).about("Bytes of the state beside the count"))
            .parameter(Parameter::boolean("stubborn", false).about("Refuses every state"))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        Ok(Counter {
            rows: 0,
            trap_at: parameters.integer("trap_at")?.cast_unsigned(),
            loop_at: parameters.integer("loop_at")?.cast_unsigned(),
            bias: parameters.number("bias")?,
            padding: usize::try_from(parameters.integer("padding")?).unwrap_or(0),
            stubborn: parameters.boolean("stubborn")?,
        })
    }

    /// The score is 1 − 1/(rows seen, this one included), so that a test can read the count from it.
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        let judge = |row: dinrail_sdk::Row<'_>| {
            self.rows += 1;
            assert!(self.rows != self.trap_at, "the count at which it traps");
            while black_box(self.rows == self.loop_at) {}
            Anomaly::score(row.index, (1.0 - 1.0 / self.rows as f64 + self.bias).clamp(0.0, 1.0))
        };
        Ok(frame.new_rows().map(judge).collect())
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        let mut state = self.rows.to_le_bytes().to_vec();
        state.resize(8 + self.padding, 0xa5);
        Ok(state)
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        match (version, state.first_chunk::<8>()) {
            (1, Some(bytes)) if !self.stubborn => self.rows = u64::from_le_bytes(*bytes),
            _ => return Err(Fault::Configuration(format!("not a count of version {version}"))),
        }
        Ok(())
    }
}

dinrail_sdk::export!(Counter: AnomalyDetection);
