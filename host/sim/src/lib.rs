//! Seeded plants with fault scripts, ground truth, a known optimum, and the judges that compare a controller with them.
//!
//! The crate reads no clock, no file and no network: the caller advances a plant by run time, and the seed replays everything.
//!
//! - [`mod@plant`]: what every plant is: signals, actuators, readings, truth
//! - [`noise`]: seeded randomness that does not depend on how the caller slices time
//! - [`fault`]: faults, scripts of episodes, and when each is due
//! - [`rig`]: a pump and its motor, as values and a vibration waveform
//! - [`reactor`]: the Williams–Otto reactor, its profit and its optimum; as published, and as one finds it
//! - [`demo`]: both side by side
//! - [`judge`]: what a run, a detector or a forecast achieved

pub mod plant;

pub mod noise;

pub mod fault;

pub mod rig;

pub mod reactor;

pub mod demo;

pub mod judge;

pub use fault::{Course, Episode, Fault, Race, Script, ScriptError, Wear};
pub use plant::{Account, Actuator, Condition, Kind, Plant, Reading, Signal, Truth, Value};

/// Names that [`plant()`] knows.
pub const PLANTS: [&str; 6] = ["rig", "rig-shifts", "reactor", "williams-otto", "williams-otto-limits", "demo"];

/// Why a plant could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlantError {
    /// No plant has this name.
    #[error(
        "no plant is called `{0}`; there are rig, rig-shifts, reactor, williams-otto, williams-otto-limits and demo"
    )]
    UnknownPlant(String),
    /// The script does not fit the plant.
    #[error("the fault script does not fit the plant")]
    Script(#[from] ScriptError),
}

/// Builds the plant of that name, at rest in its usual operating point, with `faults` ahead of it.
///
/// Equal arguments give equal plants: every later reading is a function of them, of the run time and of what was written.
pub fn plant(name: &str, seed: u64, faults: Script) -> Result<Box<dyn Plant>, PlantError> {
    match name {
        "rig" => Ok(Box::new(rig::Rig::new(seed, faults)?)),
        "rig-shifts" => Ok(Box::new(rig::Rig::new(seed, faults)?.with_load(rig::Load::Shifts))),
        "reactor" => {
            faults.check(&reactor::signals(), false)?;
            Ok(Box::new(reactor::Reactor::new(seed)))
        }
        "williams-otto" | "williams-otto-limits" => {
            faults.check(&reactor::signals(), false)?;
            let limits = (name == "williams-otto-limits").then_some(reactor::best::Limits::PUBLISHED);
            Ok(Box::new(reactor::site::Site::new(seed, limits)))
        }
        "demo" => Ok(Box::new(demo::Demo::new(seed, faults)?)),
        _ => Err(PlantError::UnknownPlant(name.to_owned())),
    }
}
