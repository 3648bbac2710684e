//! `dinrail sim`: one simulated plant alone, as messages of a broker or as a table.
//!
//! - [`SimOptions`]: what is asked for
//! - `broker`: the plant on a broker
//! - `truth`: what is really so, in a file of its own

mod broker;

mod truth;

use crate::config::document::did_you_mean;
use crate::controller::pace::{Pace, Speed as PaceSpeed};
use crate::faults;
use crate::run::{Ending, VIRTUAL_ORIGIN_NS, listen_for_signals, wall_clock_ns};
use broker::{BrokerError, PlantOnBroker};
use dinrail_core::time::{SECOND_NS, TimeNs};
use dinrail_field::sink::table::TableSink;
use dinrail_sim::{Kind, Plant, PlantError, Script, Value};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use truth::TruthFile;

/// How long to wait for a broker before its absence is told.
const CONNECT: Duration = Duration::from_secs(3);

/// What the command line asks for.
#[derive(Clone, Debug, Default)]
pub struct SimOptions {
    /// One of `dinrail_sim::PLANTS`.
    pub plant: String,
    /// Of its noise.
    pub seed: u64,
    /// Its fault script as [`faults`] are written, or `@FILE`.
    pub faults: Option<String>,
    /// From one reading to the next, run time.
    pub every: Duration,
    /// Run time over wall time; none: 1 on a broker, else as fast as it goes.
    pub speed: Option<SimSpeed>,
    /// Wall time.
    pub run_for: Option<Duration>,
    /// Run time.
    pub run_time: Option<Duration>,
    /// Where the table goes; `-` is stdout.
    pub csv: Option<PathBuf>,
    /// The broker's address.
    pub mqtt: Option<String>,
    /// What its topics begin with; none: `sim/PLANT`.
    pub topic: Option<String>,
    /// Where the truth goes.
    pub truth: Option<PathBuf>,
    /// Actuators that are set at the start, in the plant's units.
    pub set: Vec<(String, f64)>,
}

/// How fast run time goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SimSpeed {
    /// Run time over wall time.
    Times(f64),
    /// As fast as it goes.
    Max,
}

impl std::str::FromStr for SimSpeed {
    type Err = String;

    fn from_str(text: &str) -> Result<SimSpeed, String> {
        match (text, text.parse::<f64>()) {
            ("max", _) => Ok(SimSpeed::Max),
            (_, Ok(ratio)) if (0.01..=100_000.0).contains(&ratio) => Ok(SimSpeed::Times(ratio)),
            _ => Err("write a number from 0.01 to 100000, or max".to_owned()),
        }
    }
}

/// Why a plant does not run, or stopped.
#[derive(Debug, thiserror::Error)]
enum SimError {
    #[error("{error}{}", why_unknown(.error))]
    Plant { error: PlantError },
    #[error("`--faults`: {0}{why}", why = causes(.0))]
    Script(PlantError),
    #[error("`--faults`: {0}\n  help: {help}", help = faults::GRAMMAR)]
    Faults(#[from] faults::FaultTextError),
    #[error("`--faults`: {}: {error}", path.display())]
    FaultFile { path: PathBuf, error: io::Error },
    #[error("`--every` is too short\n  help: write a duration from 1ms on")]
    TooOften,
    #[error("nothing asks for its readings\n  help: add `--csv FILE`, `--csv -` or `--mqtt URL`")]
    NowhereToGo,
    #[error("a plant at full speed has no end\n  help: add `--run-time 1h`")]
    Endless,
    #[error("a broker's clients live at some speed\n  help: leave `--speed max` out, or write a number: `--speed 60`")]
    NoSpeed,
    #[error("`--set`: the plant has no actuator `{name}`\n  help: {help}")]
    Actuator { name: String, help: String },
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("{what} can't be written: {error}")]
    Write { what: String, error: io::Error },
    #[error("signals can't be listened to: {0}")]
    Signals(io::Error),
}

fn why_unknown(error: &PlantError) -> String {
    match error {
        PlantError::UnknownPlant(name) => format!("\n  help: {}", did_you_mean(name, dinrail_sim::PLANTS)),
        _ => String::new(),
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    error.source().map_or(String::new(), |cause| format!(": {cause}"))
}

impl SimError {
    /// Whether it is the command line's fault.
    fn ending(&self) -> Ending {
        match self {
            SimError::Write { error, .. } if error.kind() == io::ErrorKind::BrokenPipe => Ending::Well,
            SimError::Write { .. } | SimError::Signals(_) | SimError::Broker(BrokerError::Link(_)) => Ending::Failed,
            _ => Ending::Refused,
        }
    }
}

/// Runs a plant until it is stopped, its time is over, or what it replays ends.
#[must_use]
pub fn simulate(options: &SimOptions) -> Ending {
    match Simulation::start(options).and_then(|simulation| simulation.run(options)) {
        Ok(said) => {
            tell!("{said}");
            Ending::Well
        }
        Err(error) => {
            let ending = error.ending();
            if ending != Ending::Well {
                tell!("dinrail: {error}");
            }
            ending
        }
    }
}

/// A plant, and where it goes.
struct Simulation {
    plant: Box<dyn Plant>,
    speed: SimSpeed,
    table: Option<Table>,
    broker: Option<PlantOnBroker>,
    truth: Option<TruthFile>,
}

/// The table and which signals are its columns.
struct Table {
    sink: TableSink,
    name: String,
    /// By signal.
    columns: Vec<Option<usize>>,
    /// Rows that may still be overtaken by an earlier one, by time and in the order in which they came.
    waiting: BTreeMap<(TimeNs, u64), Vec<Option<f64>>>,
    /// How long a row waits: not at all where no station tells late of what happened.
    wait_ns: TimeNs,
    taken: u64,
}

/// The latest that a station tells of what happened.
const LATEST_NS: TimeNs = 60 * SECOND_NS as TimeNs;

impl Simulation {
    fn start(options: &SimOptions) -> Result<Simulation, SimError> {
        let mut plant = plant(options)?;
        let default = if options.mqtt.is_some() { SimSpeed::Times(1.0) } else { SimSpeed::Max };
        let speed = options.speed.unwrap_or(default);
        let endless = options.run_time.is_none() && options.run_for.is_none() && plant.end_s().is_none();
        match (&options.csv, &options.mqtt, speed) {
            _ if options.every < Duration::from_millis(1) => return Err(SimError::TooOften),
            (None, None, _) => return Err(SimError::NowhereToGo),
            (_, Some(_), SimSpeed::Max) => return Err(SimError::NoSpeed),
            (_, None, SimSpeed::Max) if endless => return Err(SimError::Endless),
            _ => {}
        }
        for (name, value) in &options.set {
            let actuators = plant.actuators();
            let index = actuators.iter().position(|actuator| actuator.name == name).ok_or_else(|| {
                let help = did_you_mean(name, actuators.iter().map(|actuator| actuator.name));
                SimError::Actuator { name: name.clone(), help }
            })?;
            plant.write(index, *value);
        }
        let table = options.csv.as_deref().map(|path| Table::start(path, plant.as_ref())).transpose()?;
        let truth = options.truth.as_deref().map(|path| {
            TruthFile::create(path).map_err(|error| SimError::Write { what: path.display().to_string(), error })
        });
        let prefix = options.topic.clone().unwrap_or_else(|| format!("sim/{}", options.plant));
        let broker = options
            .mqtt
            .as_deref()
            .map(|url| PlantOnBroker::start(url, &prefix, &options.plant, plant.signals(), plant.actuators()));
        Ok(Simulation { speed, table, broker: broker.transpose()?, truth: truth.transpose()?, plant })
    }

    fn run(mut self, options: &SimOptions) -> Result<String, SimError> {
        let (stop_now, stop) = crossbeam_channel::bounded(1);
        listen_for_signals(stop_now).map_err(SimError::Signals)?;
        if self.broker.as_ref().is_some_and(|broker| !broker.wait_connected(CONNECT)) {
            tell!("dinrail: the broker does not answer yet; what is measured meanwhile waits for it");
        }
        let every_s = options.every.as_secs_f64();
        let (origin_ns, period, speed) = match self.speed {
            SimSpeed::Max => (VIRTUAL_ORIGIN_NS, options.every, PaceSpeed::Max),
            SimSpeed::Times(times) => (wall_clock_ns(), options.every.div_f64(times), PaceSpeed::Times(times)),
        };
        let mut pace = Pace::new(origin_ns, period, speed).ending_after(options.run_for);
        let (mut done, mut count, mut readings, mut events) = (0, 0_u64, Vec::new(), Vec::new());
        let began = std::time::Instant::now();
        while let Some(slot) = pace.next(&stop) {
            let step = (slot.now_ns.abs_diff(origin_ns) as f64 / 1e9 / every_s).round() as u64;
            let passed = options.every.saturating_mul(u32::try_from(step).unwrap_or(u32::MAX));
            let over = options.run_time.is_some_and(|length| length <= passed);
            let late = speed == PaceSpeed::Max && options.run_for.is_some_and(|length| length <= began.elapsed());
            if over || late {
                break;
            }
            for (actuator, value) in self.broker.as_mut().map(PlantOnBroker::commands).unwrap_or_default() {
                self.plant.write(actuator, value);
            }
            self.plant.advance((step - done) as f64 * every_s);
            done = step;
            readings.clear();
            self.plant.read(&mut readings);
            count += 1;
            self.plant.events(&mut events);
            for event in events.drain(..) {
                let time_ns = origin_ns.saturating_add((event.time_s * SECOND_NS as f64) as TimeNs);
                self.hand_over(time_ns, &event.readings);
            }
            let time_ns = origin_ns.saturating_add_unsigned(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX));
            self.hand_over(time_ns, &readings);
            if let Some(table) = &mut self.table {
                table.write_until(time_ns.saturating_sub(table.wait_ns))?;
            }
            self.tell_truth(time_ns)?;
            if self.plant.end_s().is_some_and(|end_s| end_s <= passed.as_secs_f64() + 1e-3) {
                break;
            }
        }
        self.finish(options, count)
    }

    /// What was read in one moment, or of one event, to everybody.
    fn hand_over(&mut self, time_ns: TimeNs, readings: &[dinrail_sim::Reading]) {
        if let Some(table) = &mut self.table {
            table.take(time_ns, readings);
        }
        if let Some(broker) = &self.broker {
            // What arrives at a broker is of now, however fast the plant lives.
            broker.publish(wall_clock_ns(), readings);
        }
    }

    fn tell_truth(&mut self, time_ns: TimeNs) -> Result<(), SimError> {
        if let Some(truth) = &mut self.truth {
            let moment = self.plant.truth();
            truth.moment(time_ns, &moment).map_err(|error| SimError::Write { what: "the truth".into(), error })?;
        }
        Ok(())
    }

    fn finish(mut self, options: &SimOptions, count: u64) -> Result<String, SimError> {
        let mut said = format!("{}: {count} moments", options.plant);
        if let Some(table) = &mut self.table {
            table.write_until(TimeNs::MAX)?;
            table.sink.flush().map_err(|error| table.failed(error))?;
            said.push_str(&format!(
                ", {} rows of {} signals in {}",
                table.sink.rows(),
                table.columns.iter().flatten().count(),
                table.name
            ));
        }
        if let Some(broker) = &self.broker {
            let (published, lost) = broker.stop();
            said.push_str(&format!(", {published} messages published, {lost} not"));
        }
        if let Some(truth) = self.truth.take() {
            let account = self.plant.account();
            truth.end(account.as_ref()).map_err(|error| SimError::Write { what: "the truth".into(), error })?;
        }
        Ok(said)
    }
}

impl Table {
    fn start(path: &Path, plant: &dyn Plant) -> Result<Table, SimError> {
        let is_stdout = path == Path::new("-");
        let name = if is_stdout { "stdout".to_owned() } else { path.display().to_string() };
        let mut names = Vec::new();
        let mut columns = Vec::new();
        for signal in plant.signals() {
            columns.push((signal.kind == Kind::Value).then_some(names.len()));
            names.extend((signal.kind == Kind::Value).then_some(signal.name));
        }
        let sink = match is_stdout {
            true => TableSink::to_writer(io::stdout(), &names),
            false => TableSink::create(path, &names),
        };
        let sink = sink.map_err(|error| SimError::Write { what: name.clone(), error })?;
        let wait_ns = if plant.event_signals().is_empty() { 0 } else { LATEST_NS };
        Ok(Table { sink, name, columns, waiting: BTreeMap::new(), wait_ns, taken: 0 })
    }

    fn failed(&self, error: io::Error) -> SimError {
        SimError::Write { what: self.name.clone(), error }
    }

    /// Takes what was read in one moment, or of one event.
    fn take(&mut self, time_ns: TimeNs, readings: &[dinrail_sim::Reading]) {
        let mut row = vec![None; self.columns.iter().flatten().count()];
        for reading in readings {
            if let (Some(column), Value::Number(value)) = (self.columns[reading.signal], &reading.value) {
                row[column] = Some(*value);
            }
        }
        self.waiting.insert((time_ns, self.taken), row);
        self.taken += 1;
    }

    /// Writes the rows that nothing earlier comes before any more.
    fn write_until(&mut self, time_ns: TimeNs) -> Result<(), SimError> {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= time_ns) {
            let ((time_ns, _), row) = first.remove_entry();
            self.sink.row(time_ns, &row).map_err(|error| self.failed(error))?;
        }
        Ok(())
    }
}

/// The plant with its script.
fn plant(options: &SimOptions) -> Result<Box<dyn Plant>, SimError> {
    let script = match options.faults.as_deref() {
        None => Script::none(),
        Some(text) => match text.strip_prefix('@') {
            Some(path) => {
                let failed = |error| SimError::FaultFile { path: PathBuf::from(path), error };
                faults::parse(&std::fs::read_to_string(path).map_err(failed)?)?
            }
            None => faults::parse(text)?,
        },
    };
    dinrail_sim::plant(&options.plant, options.seed, script).map_err(|error| match error {
        PlantError::Script(_) => SimError::Script(error),
        error => SimError::Plant { error },
    })
}
