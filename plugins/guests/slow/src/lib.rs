//! Takes its time and then answers.

use std::hint::black_box;

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters};

struct Slow {
    iterations: i64,
    every: i64,
}

impl AnomalyDetection for Slow {
    fn describe() -> Description {
        Description::new("slow", "0.1.0", "Answers late")
            .input(Input::group("signals"))
            .parameter(Parameter::integer("iterations", 100_000_000).about("Of a loop, some 1 ns each"))
            .parameter(Parameter::integer("every", 1).about("Late at every so many scans").range(1.0, 1e9))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        Ok(Slow { iterations: parameters.integer("iterations")?, every: parameters.integer("every")? })
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        if frame.scan as i64 % self.every == 0 {
            for iteration in 0..self.iterations {
                black_box(iteration);
            }
        }
        Ok(frame.new_rows().map(|row| Anomaly::none(row.index)).collect())
    }
}

dinrail_sdk::export!(Slow: AnomalyDetection);
