//! Takes memory until it is stopped.

use std::hint::black_box;

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameters};

struct MemoryBomb {
    taken: Vec<Vec<u8>>,
}

impl AnomalyDetection for MemoryBomb {
    fn describe() -> Description {
        Description::new("memory-bomb", "0.1.0", "Takes all the memory it can get").input(Input::group("signals"))
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(MemoryBomb { taken: Vec::new() })
    }

    fn detect(&mut self, _frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        loop {
            // Written, so that every page is really there.
            self.taken.push(black_box(vec![0xA5; 64 * 1024]));
        }
    }
}

dinrail_sdk::export!(MemoryBomb: AnomalyDetection);
