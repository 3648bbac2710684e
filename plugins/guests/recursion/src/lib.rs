//! Calls itself until the stack ends.

use std::hint::black_box;

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameters};

struct Recursion;

impl AnomalyDetection for Recursion {
    fn describe() -> Description {
        Description::new("recursion", "0.1.0", "Calls itself for ever").input(Input::group("signals"))
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(Recursion)
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        Err(Fault::Input(deeper(frame.scan, black_box(u64::MAX)).to_string()))
    }
}

/// Twice, so that no compiler makes a loop of it.
fn deeper(depth: u64, end: u64) -> u64 {
    if depth == end { depth } else { deeper(depth + 1, end) ^ deeper(depth + 2, end) }
}

dinrail_sdk::export!(Recursion: AnomalyDetection);
