//! Seeded plants with fault scripts, ground truth, a known optimum, and the judges that compare a controller with them.
//!
//! The crate reads no clock, no file and no network: the caller advances a plant by run time, and the seed replays everything.
//!
//! - [`mod@plant`]: what every plant is: signals, actuators, readings, truth
//! - [`options`]: what a plant is built from
//! - [`noise`]: seeded randomness that does not depend on how the caller slices time
//! - [`fault`]: faults, scripts of episodes, and when each is due
//! - [`instruments`]: faults of the instruments of any plant
//! - [`rig`]: a pump and its motor, as values and a vibration waveform
//! - [`reactor`]: the Williams–Otto reactor, its profit and its optimum; as published, and as one finds it
//! - [`vusse`]: the Van de Vusse reactor, whose optimum wanders
//! - [`sharing`]: three units that share a demand
//! - [`home`]: a battery, solar generation and a tariff, from series that the caller gives or a seed makes up
//! - [`peak`]: a site with a battery under a demand charge
//! - [`compressors`]: three air compressors on one receiver, their demand and their optimum
//! - [`mod@line`]: a packaging line with a gauge, a camera and a reject gate
//! - [`surface`]: pictures of a rolled surface, good or with a defect
//! - [`samples`]: levels that shift, for control charts
//! - [`stock`]: an item in stock, its customers and its orders
//! - [`parts`]: spare parts that are asked for now and then
//! - [`demo`]: rig and reactor side by side
//! - [`site`]: a whole works, of which each part feeds another
//! - [`judge`]: what a run, a detector or a forecast achieved

pub mod plant;

pub mod options;

pub mod noise;

pub mod fault;

pub mod instruments;

pub mod rig;

pub mod reactor;

pub mod vusse;

pub mod sharing;

pub mod home;

pub mod peak;

pub mod compressors;

pub mod line;

pub mod surface;

pub mod samples;

pub mod stock;

pub mod parts;

pub mod demo;

pub mod site;

pub mod judge;

pub use fault::{Course, Episode, Fault, Race, Script, ScriptError, Wear};
pub use options::{Options, Recorded};
pub use plant::{
    Account, Actuator, Condition, Event, Kind, PartFate, Picture, Plant, Reading, Schedule, Shift, Signal, Truth, Value,
};

/// Names that [`plant()`] knows.
pub const PLANTS: [&str; 17] = [
    "rig",
    "rig-shifts",
    "reactor",
    "demo",
    "williams-otto",
    "williams-otto-limits",
    "van-de-vusse",
    "load-sharing",
    "home",
    "peak-site",
    "compressors",
    "samples",
    "stock",
    "parts",
    "line",
    "site",
    "surface",
];

/// Why a plant could not be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlantError {
    /// No plant has this name.
    #[error("no plant is called `{0}`; there are {names}", names = PLANTS.join(", "))]
    UnknownPlant(String),
    /// The home's series or settings make no sense.
    #[error(transparent)]
    Home(#[from] home::HomeError),
    /// The script does not fit the plant.
    #[error("the fault script does not fit the plant")]
    Script(#[from] ScriptError),
    /// Series that it does not replay.
    #[error("the plant `{0}` replays no recorded series")]
    NoSeries(String),
    /// A series that it needs.
    #[error("the plant `{plant}` needs the series {needed}")]
    SeriesMissing {
        /// The plant.
        plant: String,
        /// Their names.
        needed: &'static str,
    },
    /// A number that it does not know.
    #[error("the plant `{plant}` has no setting `{name}`; it has {known}")]
    Setting {
        /// The plant.
        plant: String,
        /// As given.
        name: String,
        /// What there is.
        known: String,
    },
    /// Series or settings that can't be.
    #[error("{0}")]
    Unfit(String),
}

/// Builds the plant of that name, at rest in its usual operating point, with `faults` ahead of it.
///
/// Equal arguments give equal plants: every later reading is a function of them, of the run time and of what was written.
pub fn plant(name: &str, seed: u64, faults: Script) -> Result<Box<dyn Plant>, PlantError> {
    let well = bare(name, seed, Script::none())?;
    faults.check(well.signals(), has_machine(name))?;
    let (own, around) = faults.split(has_machine(name));
    let plant = if own.episodes.is_empty() { well } else { bare(name, seed, own)? };
    Ok(instruments::around(plant, seed, around))
}

/// Whether it has a machine that can break.
fn has_machine(name: &str) -> bool {
    matches!(name, "rig" | "rig-shifts" | "demo" | "site")
}

/// The plant with the faults that it plays itself.
fn bare(name: &str, seed: u64, faults: Script) -> Result<Box<dyn Plant>, PlantError> {
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
        "van-de-vusse" => {
            faults.check(&vusse::signals(), false)?;
            Ok(Box::new(vusse::Vusse::new(seed)))
        }
        "load-sharing" => {
            faults.check(&sharing::signals(), false)?;
            Ok(Box::new(sharing::Sharing::new(seed)))
        }
        "home" => {
            let home = home::Home::new(home::synthetic::series(seed, 365, 3600.0), home::HomeSettings::default())?;
            faults.check(home.signals(), false)?;
            Ok(Box::new(home))
        }
        "peak-site" => {
            let site = peak::Site::made_up(seed);
            faults.check(site.signals(), false)?;
            Ok(Box::new(site))
        }
        "compressors" => {
            faults.check(&compressors::signals(), false)?;
            Ok(Box::new(compressors::Compressors::new(seed)))
        }
        "samples" => {
            faults.check(&samples::signals(), false)?;
            Ok(Box::new(samples::Samples::new(seed, 0.0)))
        }
        "stock" => {
            faults.check(&stock::signals(), false)?;
            Ok(Box::new(stock::Stock::from_options(&Options::new(seed, Script::none()))?))
        }
        "parts" => {
            faults.check(&parts::signals(), false)?;
            Ok(Box::new(parts::Shelf::new(seed)))
        }
        "line" => {
            faults.check(&line::signals(), false)?;
            Ok(Box::new(line::Line::new(seed, line::Mishaps::default())))
        }
        "site" => Ok(Box::new(site::Site::new(seed, faults)?)),
        "surface" => {
            faults.check(&surface::strip::signals(), false)?;
            Ok(Box::new(surface::strip::Strip::new(seed)))
        }
        "demo" => Ok(Box::new(demo::Demo::new(seed, faults)?)),
        _ => Err(PlantError::UnknownPlant(name.to_owned())),
    }
}

/// The same with recorded series to replay, and settings in place of its defaults.
pub fn plant_with(name: &str, options: &Options) -> Result<Box<dyn Plant>, PlantError> {
    match name {
        "home" => {
            let home = home::Home::from_options(options)?;
            options.faults.check(home.signals(), false)?;
            return Ok(instruments::around(Box::new(home), options.seed, options.faults.clone()));
        }
        "stock" => {
            options.faults.check(&stock::signals(), false)?;
            return Ok(Box::new(stock::Stock::from_options(options)?));
        }
        "peak-site" => {
            let site = peak::Site::from_options(options)?;
            options.faults.check(site.signals(), false)?;
            return Ok(instruments::around(Box::new(site), options.seed, options.faults.clone()));
        }
        "samples" => {
            options.faults.check(&samples::signals(), false)?;
            return Ok(Box::new(samples::Samples::from_options(options)?));
        }
        "line" => {
            options.faults.check(&line::signals(), false)?;
            if options.recorded.is_some() {
                return Err(PlantError::NoSeries(name.to_owned()));
            }
            return Ok(Box::new(line::Line::new(options.seed, line::Mishaps::from_options(options)?)));
        }
        _ => {}
    }
    let built = plant(name, options.seed, options.faults.clone())?;
    if options.recorded.is_some() {
        return Err(PlantError::NoSeries(name.to_owned()));
    }
    check_settings(name, options, &[])?;
    Ok(built)
}

/// Refuses settings that a plant does not have.
fn check_settings(plant: &str, options: &Options, known: &[&str]) -> Result<(), PlantError> {
    let Some(unknown) = options.unknown_setting(known) else { return Ok(()) };
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(PlantError::Setting { plant: plant.to_owned(), name: unknown.to_owned(), known })
}
