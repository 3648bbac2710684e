//! The plugin: its description, frames in, results out.
//!
//! What is bound says how it works: `sensors`, with a fleet's tables and model ([`fleet`]), or a `waveform` ([`bearing`]).

pub mod fleet;

pub mod bearing;

pub use fleet::Fleet;

use dinrail_sdk::{
    Bindings, Description, Fault, Frame, Health, Input, ModelSlot, Parameter, Parameters, PredictiveMaintenance,
};

use bearing::Bearing;
use fleet::{Granted, MODEL};

/// Of what `save` gives.
const STATE_VERSION: u32 = 1;

/// An instance at work: one machine.
pub enum Plugin {
    /// Of a fleet.
    Fleet(Box<FleetMachine>),
    /// By its vibration.
    Bearing(Box<Bearing>),
}

/// A machine of a fleet with its granted model.
pub struct FleetMachine(Granted);

impl PredictiveMaintenance for Plugin {
    fn describe() -> Description {
        let defaults = crate::bearing::Parameters::default();
        let order = |name, what: &str| {
            let about = format!("{what}, over the shaft's speed; 0: not known");
            Parameter::number(name, 0.0).about(&about).range(0.0, 1_000.0)
        };
        Description::new(
            "predictive-maintenance",
            env!("CARGO_PKG_VERSION"),
            "Tells one machine's remaining life: by what a fleet run to failure has taught, or by its bearing's vibration",
        )
        .input(Input::group("sensors").optional().about("Of a fleet: the sensors that its tables name, by tag; more do no harm"))
        .input(Input::group("settings").optional().about("Of a fleet: the operating settings that its tables name, by tag"))
        .input(Input::one("waveform").waveform().optional().about("Of a bearing: its vibration, acceleration by preference"))
        .input(Input::one("speed").unit("1/min").optional().about("Of a bearing: the shaft's speed; else it is looked for"))
        .parameter(order("bpfo", "Defect frequency of the outer race"))
        .parameter(order("bpfi", "Defect frequency of the inner race"))
        .parameter(order("bsf", "Spin of a rolling element"))
        .parameter(order("ftf", "Frequency of the cage"))
        .parameter(
            Parameter::number("speed", 0.0)
                .unit("1/min")
                .about("The shaft's speed where no tag tells it; 0: looked for in the vibration")
                .range(0.0, 100_000.0),
        )
        .parameter(
            Parameter::integer("learn_blocks", i64::from(defaults.learn_blocks))
                .about("Waveform blocks from which a bearing's usual vibration is learnt")
                .range(16.0, 100_000.0),
        )
        .parameter(
            Parameter::number("failure_ratio", defaults.failure_ratio)
                .about("The defect's ringing at the end of life over the healthy vibration: the maker or an earlier failure tells it")
                .range(1.01, 1_000.0),
        )
        .model(
            ModelSlot::new(MODEL)
                .optional()
                .about("Of a fleet, with its `tables` (regimes, tolerances, means, deviations, weights, limits, features, modes, interval, life: each a .csv): remaining life in cycles from the features of `features.csv`, whether several regimes were seen, and the number of cycles")
                .input("features", &[None, None])
                .output("life", &[None, Some(1)]),
        )
        .result("index", "1 as new, 0 failed", "1")
        .result("rul-sensors", "Remaining life with `sensors` bound: cycles of the fleet", "{cycle}")
        .result("rul-waveform", "Remaining life with a `waveform` bound: hours of running", "h")
        .state_version(STATE_VERSION)
    }

    fn configure(bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let sensors = !bindings.columns_of("sensors").is_empty();
        let waveform = !bindings.columns_of("waveform").is_empty();
        match (sensors, waveform) {
            (true, false) => Ok(Plugin::Fleet(Box::new(FleetMachine(Granted::configure(&bindings)?)))),
            (false, true) => Ok(Plugin::Bearing(Box::new(Bearing::new(&bindings, &parameters)?))),
            (true, true) | (false, false) => Err(Fault::Configuration(
                "bind `sensors`, with a fleet's tables and model, or a bearing's `waveform`: one of the two".into(),
            )),
        }
    }

    fn assess(&mut self, frame: &Frame) -> Result<Vec<Health>, Fault> {
        match self {
            Plugin::Fleet(machine) => machine.0.assess(frame),
            Plugin::Bearing(bearing) => Ok(bearing.assess(frame)),
        }
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        match self {
            Plugin::Fleet(machine) => machine.0.fleet().save(),
            Plugin::Bearing(bearing) => bearing.save(),
        }
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        match self {
            Plugin::Fleet(machine) => machine.0.fleet_mut().restore(version, state),
            Plugin::Bearing(bearing) => bearing.restore(version, state),
        }
    }
}
