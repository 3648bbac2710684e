//! Takes memory until it is stopped, already when it is asked what it is.

use std::hint::black_box;

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Parameters};

struct AllocInDescribe;

impl AnomalyDetection for AllocInDescribe {
    fn describe() -> Description {
        let mut taken = Vec::new();
        loop {
            taken.push(black_box(vec![0xA5_u8; 64 * 1024]));
        }
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(AllocInDescribe)
    }

    fn detect(&mut self, _frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        Ok(Vec::new())
    }
}

dinrail_sdk::export!(AllocInDescribe: AnomalyDetection);
