//! The `dinrail` command line.

use clap::{Parser, Subcommand};
use dinrail_cli::audit::{self, Place};
use dinrail_cli::bundle::{self, PackOptions};
use dinrail_cli::config::Places;
use dinrail_cli::control::client::{self, Which};
use dinrail_cli::control::{Request, SwapTerms};
use dinrail_cli::replay::{ReplayOptions, replay_file};
use dinrail_cli::run::{Ending, RunOptions};
use dinrail_cli::score::{ScoreEnding, ScoreOptions, score};
use dinrail_cli::sim::{SimOptions, SimSpeed, simulate};
use dinrail_store::audit::Hash;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// A run that did what it should.
const EXIT_OK: u8 = 0;
/// A run that failed, or a demonstration that did not show what it should.
const EXIT_FAILED: u8 = 1;
/// A configuration that is refused.
const EXIT_REFUSED: u8 = 2;
/// A command line that is none.
const EXIT_USAGE: u8 = 64;

/// A configuration's integers end at 2^63 − 1, and runs count up from the first seed.
const SEED_MAX: u64 = u64::MAX / 4;

#[derive(Debug, Parser)]
#[command(name = "dinrail", version, about = "Runs WebAssembly plugins on industrial signals")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
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
struct Sim {
    /// The plant's name; a wrong one lists them all.
    plant: String,
    /// Of its noise: equal seeds, equal plants.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=SEED_MAX))]
    seed: u64,
    /// Run time over wall time, or max. Unsaid: 1 on a broker, max into a table.
    #[arg(long, value_name = "NUMBER|max")]
    speed: Option<SimSpeed>,
    /// From one reading to the next, run time.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    every: Duration,
    /// Stops after this much wall time.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    run_for: Option<Duration>,
    /// Stops after this much run time.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    run_time: Option<Duration>,
    /// What goes wrong: none, demo, wear-out, @FILE, or such as 'stuck rig.flow from 10min for 5min; repeat 1h'; see the
    /// reference of the configuration.
    #[arg(long, value_name = "SCRIPT")]
    faults: Option<String>,
    /// Writes a table with a time and a column a signal; - is stdout.
    #[arg(long, value_name = "FILE|-")]
    csv: Option<PathBuf>,
    /// Publishes every signal: mqtt://HOST or mqtt://HOST:PORT.
    #[arg(long, value_name = "URL")]
    mqtt: Option<String>,
    /// What its topics begin with. Unsaid: sim/PLANT.
    #[arg(long, value_name = "PREFIX", requires = "mqtt")]
    topic: Option<String>,
    /// Writes what is really so, one JSON object a line: faults in force, true condition, profit or cost and its optimum.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Sets an actuator at the start, in the plant's unit; may be given several times.
    #[arg(long, value_name = "ACTUATOR=VALUE", value_parser = parse_setting)]
    set: Vec<(String, f64)>,
}

impl Sim {
    fn options(&self) -> SimOptions {
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

fn parse_setting(text: &str) -> Result<(String, f64), String> {
    let parts = text.split_once('=').and_then(|(name, value)| Some((name.trim(), value.trim().parse::<f64>().ok()?)));
    match parts {
        Some((name, value)) if value.is_finite() && !name.is_empty() => Ok((name.to_owned(), value)),
        _ => Err("write ACTUATOR=NUMBER".to_owned()),
    }
}

#[derive(Debug, clap::Args)]
struct Replay {
    /// An incident, or the record of a run.
    #[arg(value_name = "FILE.tar.gz")]
    incident: PathBuf,
    /// Runs this component in place of the recorded one, and compares within a tolerance.
    #[arg(long, value_name = "OTHER.wasm")]
    component: Option<PathBuf>,
    /// Runs the component of this bundle in its place, likewise.
    #[arg(long, value_name = "OTHER.rail", conflicts_with = "component")]
    bundle: Option<PathBuf>,
    /// Replays this plugin alone.
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Runs the models again, rather than taking their answers from the journal, and compares within a tolerance.
    #[arg(long)]
    recompute: bool,
    /// Where the models are that run again.
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Prints one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Replay {
    fn options(&self) -> ReplayOptions {
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
enum Incidents {
    /// Shows those that are kept.
    List,
    /// Has one written of the last minutes.
    Take {
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Says what is in one.
    Show {
        /// The incident.
        #[arg(value_name = "FILE.tar.gz")]
        file: PathBuf,
    },
}

impl Incidents {
    fn answer(&self, which: &Reach) -> Ending {
        match self {
            Incidents::List => dinrail_cli::incidents::list(&which.meant(), which.json),
            Incidents::Take { reason } => which.ask(Request::TakeIncident { reason: reason.clone() }),
            Incidents::Show { file } => dinrail_cli::incidents::show(file, which.json),
        }
    }
}

#[derive(Debug, Subcommand)]
enum BundleTask {
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
struct SwapCommand {
    #[command(flatten)]
    which: Reach,
    /// The plugin, as the configuration calls it.
    plugin: String,
    /// The installed bundle: NAME, NAME@1 or NAME@1.2.3.
    bundle: String,
    /// Frames that both compute in shadow.
    #[arg(long, value_name = "FRAMES")]
    shadow: Option<u64>,
    /// Share of frames whose answers may differ, from 0 to 1.
    #[arg(long, value_name = "SHARE")]
    divergence: Option<f64>,
    /// What counts as different, as a part of a number's size.
    #[arg(long, value_name = "PART")]
    tolerance: Option<f64>,
    /// Frames that the candidate may miss in shadow.
    #[arg(long, value_name = "FRAMES")]
    misses: Option<u64>,
    /// How long the trial lasts, run time.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    trial: Option<Duration>,
    /// Goes on by itself; else `dinrail commit` takes it from step to step.
    #[arg(long)]
    auto: bool,
    /// Begins without the state of the version before, where it can't take it over.
    #[arg(long)]
    cold: bool,
    /// Grants what it asks for beyond what the version before has.
    #[arg(long)]
    grant: bool,
    /// Tries a bundle once more that two failed swaps have barred.
    #[arg(long)]
    again: bool,
    /// Only says what would be.
    #[arg(long)]
    dry_run: bool,
}

impl SwapCommand {
    fn request(&self) -> Request {
        let terms = SwapTerms {
            shadow_frames: self.shadow,
            divergence: self.divergence,
            tolerance: self.tolerance,
            misses: self.misses,
            trial_ms: self.trial.map(millis),
            automatic: self.auto,
            cold: self.cold,
            grant: self.grant,
            again: self.again,
        };
        Request::Swap { plugin: self.plugin.clone(), bundle: self.bundle.clone(), terms, dry_run: self.dry_run }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Debug, clap::Args)]
struct Pack {
    /// A component file, or the name of an installed plugin.
    component: PathBuf,
    /// A model directory or an .onnx file for a slot; may be given several times.
    #[arg(long, value_name = "SLOT=PATH", value_parser = parse_model)]
    model: Vec<(String, PathBuf)>,
    /// A table that the plugin reads; may be given several times.
    #[arg(long, value_name = "FILE.csv")]
    asset: Vec<PathBuf>,
    /// Recorded calls and the results that they must give.
    #[arg(long, value_name = "FILE.tar.gz")]
    trace: Option<PathBuf>,
    /// What it was built from, in CycloneDX.
    #[arg(long, value_name = "FILE.json")]
    sbom: Option<PathBuf>,
    /// The bundle's name, if not the plugin's own.
    #[arg(long)]
    name: Option<String>,
    /// One line: what is new.
    #[arg(long, value_name = "TEXT", default_value = "")]
    changes: String,
    /// Last day on which it may be installed.
    #[arg(long, value_name = "YYYY-MM-DD")]
    expires: Option<String>,
    /// JavaScript or Python: with the limits that their interpreters need.
    #[arg(long)]
    interpreted: bool,
    /// The oldest dinrail that it runs on, if not this one.
    #[arg(long, value_name = "VERSION")]
    minimum_dinrail: Option<String>,
    /// Signs it.
    #[arg(long, value_name = "NAME.key")]
    key: Option<PathBuf>,
    /// A folder, or a file.
    #[arg(short, long, value_name = "DIR|FILE.rail")]
    output: Option<PathBuf>,
    /// Where installed plugins are.
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
}

impl Pack {
    fn options(&self) -> PackOptions {
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

fn parse_model(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((slot, path)) if !slot.is_empty() && !path.is_empty() => Ok((slot.to_owned(), PathBuf::from(path))),
        _ => Err("write SLOT=PATH".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
enum Word {
    /// Shows what waits.
    List,
    /// Yes: it is judged again and taken.
    Accept {
        /// Its number.
        id: u64,
    },
    /// No: it is not asked again until another value is proposed.
    Reject {
        /// Its number.
        id: u64,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
enum AlarmWord {
    /// You know of it.
    Ack {
        /// The alarm.
        name: String,
    },
    /// Puts it aside for a time, at most 12 hours; it tells nothing meanwhile.
    Shelve {
        /// The alarm.
        name: String,
        /// How long: 30min, 2h.
        #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
        length: Duration,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Takes it back.
    Unshelve {
        /// The alarm.
        name: String,
    },
}

fn alarm_request(word: Option<&AlarmWord>) -> Request {
    match word {
        None => Request::Alarms,
        Some(AlarmWord::Ack { name }) => Request::Acknowledge { alarm: name.clone() },
        Some(AlarmWord::Shelve { name, length, reason }) => Request::Shelve {
            alarm: name.clone(),
            for_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
            reason: reason.clone(),
        },
        Some(AlarmWord::Unshelve { name }) => Request::Unshelve { alarm: name.clone() },
    }
}

#[derive(Debug, Subcommand)]
enum AuditWord {
    /// Checks the chain: exit code 2 where something was changed, or is missing.
    Verify {
        /// The hash of an entry that was kept elsewhere: shows whether the end was cut off.
        #[arg(long, value_name = "HASH", value_parser = parse_hash)]
        head: Option<Hash>,
    },
}

fn parse_hash(text: &str) -> Result<Hash, String> {
    Hash::parse(text).ok_or_else(|| "a hash has 64 hexadecimal digits in lower case".to_owned())
}

/// The store that is meant.
#[derive(Debug, clap::Args)]
struct StorePlace {
    /// The configuration whose `[site] store` it is.
    #[arg(short, long, value_name = "FILE.toml", global = true)]
    config: Option<PathBuf>,
    /// Its folder.
    #[arg(long, value_name = "DIR", conflicts_with = "config", global = true)]
    store: Option<PathBuf>,
    /// Prints one line of JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl StorePlace {
    fn carry_out(&self, last: usize, word: Option<&AuditWord>) -> Ending {
        let place = Place { config: self.config.clone(), store: self.store.clone() };
        match word {
            None => audit::show(&place, last, self.json),
            Some(AuditWord::Verify { head }) => audit::check(&place, *head, self.json),
        }
    }
}

/// The running controller that is meant; where only one runs, nothing need be said.
#[derive(Debug, clap::Args)]
struct Reach {
    /// Its configuration.
    #[arg(short, long, value_name = "FILE.toml", global = true)]
    config: Option<PathBuf>,
    /// Its control socket.
    #[arg(long, value_name = "PATH", conflicts_with = "config", global = true)]
    socket: Option<PathBuf>,
    /// Prints one line of JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl Reach {
    fn meant(&self) -> Which {
        Which { config: self.config.clone(), socket: self.socket.clone() }
    }

    fn ask(&self, request: Request) -> Ending {
        client::command(&self.meant(), request, self.json)
    }
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE.toml")]
    config: PathBuf,
    /// Where installed plugins are, beside the configuration's own folder.
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// Where installed models are, beside the configuration's own folder.
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Length {
    /// Stops after this much wall time, counted from the first scan: 90s, 5min.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    run_for: Option<Duration>,
    /// Stops after this much run time: 1h, 10d. The way to bound a run in virtual time.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    run_time: Option<Duration>,
    /// Prints the summary as one line of JSON on stdout.
    #[arg(long)]
    json: bool,
    /// Shows nothing while it runs.
    #[arg(long)]
    quiet: bool,
    /// Runs what the configuration names, whatever versions and parameters the store says were committed; they stay there.
    #[arg(long)]
    as_configured: bool,
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    dinrail_cli::config::amounts::parse_duration(text).map(Duration::from_nanos).map_err(|error| error.to_string())
}

/// Folders for what a configuration names and does not bring along: as told, and beside the
/// folder of the binary.
fn places(plugins: &Option<PathBuf>, models: &Option<PathBuf>) -> Places {
    let beside =
        std::env::current_exe().ok().and_then(|exe| exe.parent().and_then(|bin| bin.parent()).map(PathBuf::from));
    let folders = |told: &Option<PathBuf>, name: &str| {
        told.iter().cloned().chain(beside.iter().map(|root| root.join(name))).collect()
    };
    Places { plugins: folders(plugins, "plugins"), models: folders(models, "models") }
}

impl Common {
    fn places(&self) -> Places {
        places(&self.plugins, &self.models)
    }
}

impl Length {
    fn options(&self) -> RunOptions {
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

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; a closed stdout is nobody's concern.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { EXIT_OK });
        }
    };
    dinrail_cli::plan_child::enable();
    let ending = match &arguments.command {
        Command::PlanModel { model } => dinrail_cli::plan_child::plan(model),
        Command::CompileComponent { component } => dinrail_cli::plan_child::compile(component),
        Command::Run { common, length, record } => {
            let options = RunOptions { record: record.clone(), ..length.options() };
            dinrail_cli::run::run_file(&common.config, &common.places(), &options)
        }
        Command::Check { common } => dinrail_cli::run::check_file(&common.config, &common.places()),
        Command::Score { names, plugin, seed, data, require_data, json, report, scenarios, plugins, models } => {
            let data = data.clone().or_else(|| std::env::var_os("DINRAIL_DATA").map(PathBuf::from));
            let options = ScoreOptions {
                names: names.clone(),
                plugin: plugin.clone(),
                seed: *seed,
                data,
                require_data: *require_data,
                json: *json,
                report: report.clone(),
                scenarios: scenarios.clone(),
            };
            return ExitCode::from(match score(&options, &places(plugins, models)) {
                ScoreEnding::Met => EXIT_OK,
                ScoreEnding::Missed => EXIT_FAILED,
                ScoreEnding::Refused => EXIT_REFUSED,
                ScoreEnding::Usage => EXIT_USAGE,
            });
        }
        Command::Bundle { task } => match task {
            BundleTask::Keygen { name } => bundle::keygen(name),
            BundleTask::Pack(pack) => bundle::pack(&pack.options(), &places(&pack.plugins, &None)),
            BundleTask::Sign { file, key, output } => bundle::sign(file, key, output.as_deref()),
            BundleTask::Verify { file, key } => bundle::verify(file, key),
            BundleTask::Inspect { file, json } => bundle::inspect(file, *json),
        },
        Command::Advise { which, word } => which.ask(match word {
            None | Some(Word::List) => Request::Advices,
            Some(Word::Accept { id }) => Request::Accept { id: *id },
            Some(Word::Reject { id, reason }) => Request::Reject { id: *id, reason: reason.clone() },
        }),
        Command::Mode { which, target: Some(target), mode: Some(mode) } => {
            which.ask(Request::Mode { target: target.clone(), mode: mode.clone() })
        }
        Command::Mode { which, .. } => which.ask(Request::Modes),
        Command::Status { which } => which.ask(Request::Status),
        Command::Plugins { which } => which.ask(Request::Bundles),
        Command::Install { which, file, downgrade, dry_run } => {
            // The controller has a folder of its own.
            let path = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            which.ask(Request::Install { path, downgrade: *downgrade, dry_run: *dry_run })
        }
        Command::Swap(swap) => swap.which.ask(swap.request()),
        Command::Commit { which, plugin } => which.ask(Request::Commit { plugin: plugin.clone() }),
        Command::Rollback { which, plugin, dry_run } => {
            which.ask(Request::Rollback { plugin: plugin.clone(), dry_run: *dry_run })
        }
        Command::Set { which, plugin, parameter, value, dry_run } => which.ask(Request::Set {
            plugin: plugin.clone(),
            parameter: parameter.clone(),
            value: value.clone(),
            dry_run: *dry_run,
        }),
        Command::Override { which, output, value, lasting, reason } => which.ask(Request::Override {
            output: output.clone(),
            value: *value,
            for_ms: millis(*lasting),
            reason: reason.clone(),
        }),
        Command::Release { which, output } => which.ask(Request::Release { output: output.clone() }),
        Command::Reset { which, output } => which.ask(Request::Reset { output: output.clone() }),
        Command::Alarms { which, word } => which.ask(alarm_request(word.as_ref())),
        Command::Audit { place, last, word } => place.carry_out(*last, word.as_ref()),
        Command::Incidents { which, what } => what.as_ref().unwrap_or(&Incidents::List).answer(which),
        Command::Replay(replay) => replay_file(&replay.options(), &places(&None, &replay.models)),
        Command::Sim(sim) => simulate(&sim.options()),
        Command::Describe { what, plugins } => dinrail_cli::describe::describe(what, &places(plugins, &None)),
        #[cfg(feature = "demo")]
        Command::Demo { common, length, seed } => {
            dinrail_cli::demo::demo(&common.config, &common.places(), &length.options(), *seed)
        }
    };
    ExitCode::from(match ending {
        Ending::Well => EXIT_OK,
        Ending::Failed => EXIT_FAILED,
        Ending::Refused => EXIT_REFUSED,
        Ending::Usage => EXIT_USAGE,
    })
}
