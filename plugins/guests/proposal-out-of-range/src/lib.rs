//! Proposes what no output can be.

use std::time::Duration;

use dinrail_sdk::{Bindings, Description, Fault, Frame, Input, Output, OutputState, Parameter, Parameters};
use dinrail_sdk::{ProcessOptimization, Proposal};

const WHAT: [&str; 8] = ["nan", "infinite", "above", "below", "output", "twice", "confidence", "lease"];

struct ProposalOutOfRange {
    what: String,
    minimum: f64,
    maximum: f64,
}

impl ProcessOptimization for ProposalOutOfRange {
    fn describe() -> Description {
        Description::new("proposal-out-of-range", "0.1.0", "Proposes what no output can be")
            .input(Input::group("signals"))
            .output(Output::one("setpoint"))
            .parameter(Parameter::choice("what", WHAT[0], &WHAT))
    }

    fn configure(bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let output = bindings.require_output("setpoint")?;
        let what = parameters.text("what")?.to_owned();
        Ok(ProposalOutOfRange { what, minimum: output.minimum, maximum: output.maximum })
    }

    fn optimize(&mut self, _frame: &Frame, _outputs: &[OutputState]) -> Result<Vec<Proposal>, Fault> {
        let middle = (self.minimum + self.maximum) / 2.0;
        let proposal = Proposal::new(0, middle, Duration::from_secs(60), "out of range");
        Ok(match self.what.as_str() {
            "nan" => vec![Proposal { setpoint: f64::NAN, ..proposal }],
            "infinite" => vec![Proposal { setpoint: f64::NEG_INFINITY, ..proposal }],
            "above" => vec![Proposal { setpoint: self.maximum + 1e6, ..proposal }],
            "below" => vec![Proposal { setpoint: self.minimum - 1e6, ..proposal }],
            "output" => vec![Proposal { output: u32::MAX, ..proposal }],
            "twice" => vec![proposal.clone(), Proposal { setpoint: self.maximum, ..proposal }],
            "confidence" => vec![proposal.confidence(f32::NAN)],
            _ => vec![Proposal { valid_for_ns: u64::MAX, ..proposal }],
        })
    }
}

dinrail_sdk::export!(ProposalOutOfRange: ProcessOptimization);
