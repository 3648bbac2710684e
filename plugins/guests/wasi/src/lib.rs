//! Imports a clock of WASI, which no plugin may.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameters};

#[allow(unsafe_code, missing_docs, unreachable_pub, reason = "generated code")]
mod clock {
    wit_bindgen::generate!({
        inline: "
            package guest:wasi;

            package wasi:clocks@0.2.0 {
                interface monotonic-clock {
                    now: func() -> u64;
                }
            }

            world clock {
                import wasi:clocks/monotonic-clock@0.2.0;
            }
        ",
        world: "guest:wasi/clock",
        generate_all,
    });
}

struct Wasi;

impl AnomalyDetection for Wasi {
    fn describe() -> Description {
        Description::new("wasi", "0.1.0", "Reads a clock").input(Input::group("signals"))
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(Wasi)
    }

    fn detect(&mut self, _frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        Err(Fault::Input(clock::wasi::clocks::monotonic_clock::now().to_string()))
    }
}

dinrail_sdk::export!(Wasi: AnomalyDetection);
