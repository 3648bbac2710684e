//! Panics from a scan on, or in another call, as its parameters say.

use dinrail_sdk::{Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters};

struct Trap {
    call: String,
    from_scan: i64,
}

impl AnomalyDetection for Trap {
    fn describe() -> Description {
        Description::new("trap", "0.1.0", "Panics")
            .input(Input::group("signals"))
            .parameter(Parameter::choice("call", "detect", &["configure", "detect", "save", "restore"]))
            .parameter(Parameter::integer("from-scan", 0).about("Before this scan it answers"))
    }

    fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let trap = Trap { call: parameters.text("call")?.to_owned(), from_scan: parameters.integer("from-scan")? };
        trap.spring("configure");
        Ok(trap)
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        if frame.scan as i64 >= self.from_scan {
            self.spring("detect");
        }
        Ok(frame.new_rows().map(|row| Anomaly::none(row.index)).collect())
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        self.spring("save");
        Ok(vec![1])
    }

    fn restore(&mut self, _version: u32, _state: &[u8]) -> Result<(), Fault> {
        self.spring("restore");
        Ok(())
    }
}

impl Trap {
    fn spring(&self, call: &str) {
        assert_ne!(self.call, call, "sprung");
    }
}

dinrail_sdk::export!(Trap: AnomalyDetection);
