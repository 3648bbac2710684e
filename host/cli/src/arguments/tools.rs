//! Commands that need no controller: bundles, simulated plants, replays.

use super::{SEED_MAX, parse_duration};
use clap::Subcommand;
use dinrail_cli::bundle::PackOptions;
use dinrail_cli::replay::ReplayOptions;
use dinrail_cli::sim::{SimOptions, SimSpeed};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Sim {
    /// The plant's name; a wrong one lists them all.
    pub(crate) plant: String,
    /// Of its noise: equal seeds, equal plants.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=SEED_MAX))]
    pub(crate) seed: u64,
    /// Run time over wall time, or max. Unsaid: 1 on a broker, max into a table.
    #[arg(long, value_name = "NUMBER|max")]
    pub(crate) speed: Option<SimSpeed>,
    /// From one reading to the next, run time.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    pub(crate) every: Duration,
    /// Stops after this much wall time.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) run_for: Option<Duration>,
    /// Stops after this much run time.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) run_time: Option<Duration>,
    /// What goes wrong: none, demo, wear-out, @FILE, or such as 'stuck rig.flow from 10min for 5min; repeat 1h'; see the
    /// reference of the configuration.
    #[arg(long, value_name = "SCRIPT")]
    pub(crate) faults: Option<String>,
    /// Writes a table with a time and a column a signal; - is stdout.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) csv: Option<PathBuf>,
    /// Publishes every signal: mqtt://HOST or mqtt://HOST:PORT.
    #[arg(long, value_name = "URL")]
    pub(crate) mqtt: Option<String>,
    /// What its topics begin with. Unsaid: sim/PLANT.
    #[arg(long, value_name = "PREFIX", requires = "mqtt")]
    pub(crate) topic: Option<String>,
    /// Writes what is really so, one JSON object a line: faults in force, true condition, profit or cost and its optimum.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Sets an actuator at the start, in the plant's unit; may be given several times.
    #[arg(long, value_name = "ACTUATOR=VALUE", value_parser = parse_setting)]
    pub(crate) set: Vec<(String, f64)>,
}

impl Sim {
    pub(crate) fn options(&self) -> SimOptions {
        SimOptions {
            plant: self.plant.clone(),
            seed: self.seed,
            faults: self.faults.clone(),
            every: self.every,
            speed: self.speed,
            run_for: self.run_for,
            run_time: self.run_time,
            csv: self.csv.clone(),
            mqtt: self.mqtt.clone(),
            topic: self.topic.clone(),
            truth: self.truth.clone(),
            set: self.set.clone(),
        }
    }
}

pub(crate) fn parse_setting(text: &str) -> Result<(String, f64), String> {
    let parts = text.split_once('=').and_then(|(name, value)| Some((name.trim(), value.trim().parse::<f64>().ok()?)));
    match parts {
        Some((name, value)) if value.is_finite() && !name.is_empty() => Ok((name.to_owned(), value)),
        _ => Err("write ACTUATOR=NUMBER".to_owned()),
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// An incident, or the record of a run.
    #[arg(value_name = "FILE.tar.gz")]
    pub(crate) incident: PathBuf,
    /// Runs this component in place of the recorded one, and compares within a tolerance.
    #[arg(long, value_name = "OTHER.wasm")]
    pub(crate) component: Option<PathBuf>,
    /// Runs the component of this bundle in its place, likewise.
    #[arg(long, value_name = "OTHER.rail", conflicts_with = "component")]
    pub(crate) bundle: Option<PathBuf>,
    /// Replays this plugin alone.
    #[arg(long, value_name = "NAME")]
    pub(crate) plugin: Option<String>,
    /// Runs the models again, rather than taking their answers from the journal, and compares within a tolerance.
    #[arg(long)]
    pub(crate) recompute: bool,
    /// Where the models are that run again.
    #[arg(long, value_name = "DIR")]
    pub(crate) models: Option<PathBuf>,
    /// Prints one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Replay {
    pub(crate) fn options(&self) -> ReplayOptions {
        ReplayOptions {
            incident: self.incident.clone(),
            component: self.component.clone(),
            bundle: self.bundle.clone(),
            plugin: self.plugin.clone(),
            recompute: self.recompute,
            json: self.json,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum BundleTask {
    /// Makes a pair of keys: NAME.key signs, NAME.pub verifies.
    Keygen {
        /// What both are called.
        name: PathBuf,
    },
    /// Packs a component with its models and tables.
    Pack(Box<Pack>),
    /// Signs a bundle, or signs it anew.
    Sign {
        /// The bundle.
        file: PathBuf,
        /// The secret key.
        #[arg(long, value_name = "NAME.key")]
        key: PathBuf,
        /// Where the signed one goes; unsaid: in place.
        #[arg(short, long, value_name = "FILE.rail")]
        output: Option<PathBuf>,
    },
    /// Checks every byte of a bundle against a key. Exits with 0, or with 2 where it is refused.
    Verify {
        /// The bundle.
        file: PathBuf,
        /// The public key.
        #[arg(long, value_name = "NAME.pub")]
        key: PathBuf,
    },
    /// Shows what a bundle says of itself.
    Inspect {
        /// The bundle.
        file: PathBuf,
        /// Prints one line of JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pack {
    /// A component file, or the name of an installed plugin.
    pub(crate) component: PathBuf,
    /// A model directory or an .onnx file for a slot; may be given several times.
    #[arg(long, value_name = "SLOT=PATH", value_parser = parse_model)]
    pub(crate) model: Vec<(String, PathBuf)>,
    /// A table that the plugin reads; may be given several times.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) asset: Vec<PathBuf>,
    /// Recorded calls and the results that they must give.
    #[arg(long, value_name = "FILE.tar.gz")]
    pub(crate) trace: Option<PathBuf>,
    /// What it was built from, in CycloneDX.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) sbom: Option<PathBuf>,
    /// The bundle's name, if not the plugin's own.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// One line: what is new.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) changes: String,
    /// Last day on which it may be installed.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) expires: Option<String>,
    /// JavaScript or Python: with the limits that their interpreters need.
    #[arg(long)]
    pub(crate) interpreted: bool,
    /// The oldest dinrail that it runs on, if not this one.
    #[arg(long, value_name = "VERSION")]
    pub(crate) minimum_dinrail: Option<String>,
    /// Signs it.
    #[arg(long, value_name = "NAME.key")]
    pub(crate) key: Option<PathBuf>,
    /// A folder, or a file.
    #[arg(short, long, value_name = "DIR|FILE.rail")]
    pub(crate) output: Option<PathBuf>,
    /// Where installed plugins are.
    #[arg(long, value_name = "DIR")]
    pub(crate) plugins: Option<PathBuf>,
}

impl Pack {
    pub(crate) fn options(&self) -> PackOptions {
        PackOptions {
            component: self.component.clone(),
            models: self.model.clone(),
            assets: self.asset.clone(),
            trace: self.trace.clone(),
            sbom: self.sbom.clone(),
            name: self.name.clone(),
            changes: self.changes.clone(),
            expires: self.expires.clone(),
            interpreted: self.interpreted,
            minimum_dinrail: self.minimum_dinrail.clone(),
            key: self.key.clone(),
            output: self.output.clone(),
        }
    }
}

pub(crate) fn parse_model(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((slot, path)) if !slot.is_empty() && !path.is_empty() => Ok((slot.to_owned(), PathBuf::from(path))),
        _ => Err("write SLOT=PATH".to_owned()),
    }
}
