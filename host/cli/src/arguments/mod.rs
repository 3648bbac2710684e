//! The command line, as it is written.
//!
//! - [`tools`]: commands that need no controller
//! - [`words`]: words to a running controller, and what it left behind

mod tools;
mod words;

pub(crate) use tools::{BundleTask, Replay, Sim};
pub(crate) use words::{AlarmWord, AuditWord, Incidents, Reach, StorePlace, SwapCommand, Word, alarm_request, millis};

use clap::{Parser, Subcommand};
use dinrail_cli::config::Places;
use dinrail_cli::run::RunOptions;
use std::path::PathBuf;
use std::time::Duration;

/// A configuration's integers end at 2^63 − 1, and runs count up from the first seed.
pub(crate) const SEED_MAX: u64 = u64::MAX / 4;

#[derive(Debug, Parser)]
#[command(name = "dinrail", version, about = "Runs WebAssembly plugins on industrial signals")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a controller until Ctrl-C, or until its tables end.
    Run {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        length: Length,
        /// Records the whole run into this file, for `dinrail replay`; in virtual time only.
        #[arg(long, value_name = "FILE.tar.gz")]
        record: Option<PathBuf>,
    },
    /// Checks a configuration, its plugins and models, and runs nothing.
    Check {
        #[command(flatten)]
        common: Common,
    },
    /// Runs scenarios in virtual time and compares what the plugins did with the truth.
    Score {
        /// Beginnings of scenarios' names, patterns such as '*-normal', or =NAME for one alone; all where none is named.
        #[arg(value_name = "SCENARIO")]
        names: Vec<String>,
        /// Judges this component, or installed plugin, in place of the scenarios' own.
        #[arg(long, value_name = "COMPONENT")]
        plugin: Option<PathBuf>,
        /// First seed of simulated plants.
        #[arg(long, value_parser = clap::value_parser!(u64).range(..=SEED_MAX))]
        seed: Option<u64>,
        /// Where the data sets are; else DINRAIL_DATA says it.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Exits with 2 where data are absent, rather than leaving their scenarios out.
        #[arg(long)]
        require_data: bool,
        /// Prints one line of JSON.
        #[arg(long)]
        json: bool,
        /// Writes a page with what was run, drawn.
        #[arg(long, value_name = "FILE.html")]
        report: Option<PathBuf>,
        /// Where scenarios are, if not in tests/scenarios.
        #[arg(long, value_name = "DIR")]
        scenarios: Option<PathBuf>,
        /// Where installed plugins are.
        #[arg(long, value_name = "DIR")]
        plugins: Option<PathBuf>,
        /// Where installed models are.
        #[arg(long, value_name = "DIR")]
        models: Option<PathBuf>,
    },
    /// Makes, signs, verifies and shows bundles: what an OEM ships, one signed file.
    Bundle {
        #[command(subcommand)]
        task: BundleTask,
    },
    /// Shows what waits for an operator's word, or answers it.
    Advise {
        #[command(flatten)]
        which: Reach,
        #[command(subcommand)]
        word: Option<Word>,
    },
    /// Shows the modes of plugins and outputs, or sets one.
    Mode {
        #[command(flatten)]
        which: Reach,
        /// A plugin or an output.
        #[arg(requires = "mode")]
        target: Option<String>,
        /// manual, shadow, advise or auto.
        mode: Option<String>,
    },
    /// Shows the plugins as they run, and their swaps.
    Status {
        #[command(flatten)]
        which: Reach,
    },
    /// Shows the installed bundles.
    Plugins {
        #[command(flatten)]
        which: Reach,
    },
    /// Verifies a bundle and keeps it in the store; nothing runs by that.
    Install {
        #[command(flatten)]
        which: Reach,
        /// The bundle.
        #[arg(value_name = "FILE.rail")]
        file: PathBuf,
        /// It is older than one that ran, and that is meant.
        #[arg(long)]
        downgrade: bool,
        /// Only says what would be.
        #[arg(long)]
        dry_run: bool,
    },
    /// Puts an installed bundle in shadow beside a plugin.
    Swap(SwapCommand),
    /// Goes one step on with a plugin's swap: from shadow to trial, from trial to the end.
    Commit {
        #[command(flatten)]
        which: Reach,
        /// The plugin.
        plugin: String,
    },
    /// Takes a plugin back to the version before: ends its swap, or undoes the last one, parameters included.
    Rollback {
        #[command(flatten)]
        which: Reach,
        /// The plugin.
        plugin: String,
        /// Only says what would be.
        #[arg(long)]
        dry_run: bool,
    },
    /// Gives a plugin's parameter another value, now and after a restart; `dinrail rollback` undoes it.
    Set {
        #[command(flatten)]
        which: Reach,
        /// The plugin.
        plugin: String,
        /// The parameter.
        parameter: String,
        /// Its value.
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Only says what would be.
        #[arg(long)]
        dry_run: bool,
    },
    /// Sets an output to a value of the operator's own for a time; range, slew and trips hold.
    Override {
        #[command(flatten)]
        which: Reach,
        /// The output.
        output: String,
        /// In the output's unit.
        #[arg(allow_hyphen_values = true)]
        value: f64,
        /// For how long, run time.
        #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
        lasting: Duration,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Ends an override before its time.
    Release {
        #[command(flatten)]
        which: Reach,
        /// The output.
        output: String,
    },
    /// Resets an output's trip once its condition is clear.
    Reset {
        #[command(flatten)]
        which: Reach,
        /// The output.
        output: String,
    },
    /// Shows alarms, or says something of one.
    Alarms {
        #[command(flatten)]
        which: Reach,
        #[command(subcommand)]
        word: Option<AlarmWord>,
    },
    /// Shows what operators did, or checks that nobody changed it.
    Audit {
        #[command(flatten)]
        place: StorePlace,
        /// So many of the latest entries.
        #[arg(long, value_name = "N", default_value_t = 20)]
        last: usize,
        #[command(subcommand)]
        word: Option<AuditWord>,
    },
    /// Shows the incidents that the flight recorder wrote, has one written, or says what is in one.
    Incidents {
        #[command(flatten)]
        which: Reach,
        #[command(subcommand)]
        what: Option<Incidents>,
    },
    /// Makes the calls of an incident once more and says where they differ: 0 where nothing does, 1 where something does, 2
    /// where the file is refused.
    Replay(Replay),
    /// Shows what a plugin component or a simulated plant has: inputs, outputs, parameters, models, signals.
    Describe {
        /// A component file, the name of an installed plugin, or a plant's name.
        what: String,
        /// Where installed plugins are.
        #[arg(long, value_name = "DIR")]
        plugins: Option<PathBuf>,
    },
    /// Runs one simulated plant alone: its signals on a broker or in a table, its truth in a file of its own.
    ///
    /// Actuators rest at their initial values until `--set`, or a message on PREFIX/ACTUATOR/set, sets them: a number, or
    /// an object with `value`, as a controller's command is. On a broker each signal is an object with `time`, `value` and
    /// `unit` on PREFIX/SIGNAL. Waveforms go to brokers only. `dinrail describe PLANT` shows signals and actuators.
    Sim(Sim),
    /// Tries a model out and prints one line of JSON: what a controller starts before it loads one.
    #[command(name = dinrail_cli::plan_child::COMMAND, hide = true)]
    PlanModel {
        /// A model directory or an `.onnx` file.
        model: PathBuf,
    },
    /// Compiles a component and prints one line of JSON: what a controller starts before it takes one from a bundle.
    #[command(name = dinrail_cli::plan_child::COMPILE_COMMAND, hide = true)]
    CompileComponent {
        /// A component.
        component: PathBuf,
    },
    /// Runs the demonstration: a simulated works, nine plugins, and a broker of its own.
    #[cfg(feature = "demo")]
    Demo {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        length: Length,
        /// Seed of the plant's noise, instead of the configuration's.
        #[arg(long, value_parser = clap::value_parser!(u64).range(..=SEED_MAX))]
        seed: Option<u64>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE.toml")]
    pub(crate) config: PathBuf,
    /// Where installed plugins are, beside the configuration's own folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) plugins: Option<PathBuf>,
    /// Where installed models are, beside the configuration's own folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) models: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Length {
    /// Stops after this much wall time, counted from the first scan: 90s, 5min.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) run_for: Option<Duration>,
    /// Stops after this much run time: 1h, 10d. The way to bound a run in virtual time.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) run_time: Option<Duration>,
    /// Prints the summary as one line of JSON on stdout.
    #[arg(long)]
    pub(crate) json: bool,
    /// Shows nothing while it runs.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Runs what the configuration names, whatever versions and parameters the store says were committed; they stay there.
    #[arg(long)]
    pub(crate) as_configured: bool,
}

pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    dinrail_cli::config::amounts::parse_duration(text).map(Duration::from_nanos).map_err(|error| error.to_string())
}

/// Folders for what a configuration names and does not bring along: as told, and beside the
/// folder of the binary.
pub(crate) fn places(plugins: &Option<PathBuf>, models: &Option<PathBuf>) -> Places {
    let beside =
        std::env::current_exe().ok().and_then(|exe| exe.parent().and_then(|bin| bin.parent()).map(PathBuf::from));
    let folders = |told: &Option<PathBuf>, name: &str| {
        told.iter().cloned().chain(beside.iter().map(|root| root.join(name))).collect()
    };
    Places { plugins: folders(plugins, "plugins"), models: folders(models, "models") }
}

impl Common {
    pub(crate) fn places(&self) -> Places {
        places(&self.plugins, &self.models)
    }
}

impl Length {
    pub(crate) fn options(&self) -> RunOptions {
        RunOptions {
            run_for: self.run_for,
            run_time: self.run_time,
            json: self.json,
            quiet: self.quiet,
            as_configured: self.as_configured,
            record: None,
        }
    }
}
