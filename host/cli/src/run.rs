//! From a configuration to a finished run and its summary.

mod report;

pub use report::print;

use crate::config::{self, Config, ConfigErrors, Places, Speed};
use crate::control::server::ControlSocket;
use crate::controller::build::{self, Assembly, BuildError, Prepared, Versions, Workshop};
use crate::controller::pace::{Pace, Speed as PaceSpeed};
use crate::controller::plant::SharedPlant;
use crate::controller::recorder::Answer;
use crate::controller::recorder::{Message, Recorder, Scan, mqtt_figures};
use crate::controller::{Controller, recorder};
use crate::logging::log_through;
use crate::statistics::Summary;
use crate::view::View;
use crossbeam_channel::{Receiver, Sender};
use dinrail_core::guard::{Command, ItemJudgement, OutputId};
use dinrail_core::time::TimeNs;
use dinrail_field::link::{Clock, MqttLink};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How a command ended; the binary makes an exit code of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Well,
    /// It ran and failed, or could not run.
    Failed,
    /// The configuration, or what was to be taken, is refused.
    Refused,
    /// A command line that can't be carried out as it is written.
    Usage,
}

/// What the command line says of a run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Wall time from the first scan.
    pub run_for: Option<Duration>,
    /// Run time from the first scan.
    pub run_time: Option<Duration>,
    /// One line of JSON at the end.
    pub json: bool,
    /// No view.
    pub quiet: bool,
    /// Without the versions and parameters that the store says run.
    pub as_configured: bool,
    /// The whole run is recorded into this file.
    pub record: Option<std::path::PathBuf>,
}

/// How long sinks may take to hand over what they have, after the last scan.
const DRAIN: Duration = Duration::from_secs(5);

/// Where virtual time begins when no source says so: 2026-01-01 UTC, so that runs repeat exactly.
pub(crate) const VIRTUAL_ORIGIN_NS: TimeNs = 1_767_225_600 * 1_000_000_000;

/// `dinrail check`
#[must_use]
pub fn check_file(path: &Path, places: &Places) -> Ending {
    let prepared = match config::load(path, places) {
        Ok(config) => Workshop::new().and_then(|workshop| build::prepare(config, &workshop)),
        Err(errors) => {
            let ending = refuse(&errors);
            tell!("no plugin, model or table was opened yet: correct this, and check again");
            return ending;
        }
    };
    match prepared {
        Ok(prepared) => {
            show!("{}: {}\n", path.display(), prepared.summary());
            Ending::Well
        }
        Err(error) => fail(&error),
    }
}

/// `dinrail run`
#[must_use]
pub fn run_file(path: &Path, places: &Places, options: &RunOptions) -> Ending {
    match config::load(path, places) {
        Ok(config) if options.record.is_some() && config.scan.speed != Speed::Max => {
            tell!("dinrail: --record is for runs in virtual time: write `speed = \"max\"` in [scan]");
            Ending::Refused
        }
        Ok(config) => match run(config, options) {
            Ok(finished) => {
                print(&finished.summary, options.json);
                if is_whole(&finished.summary) { Ending::Well } else { Ending::Failed }
            }
            Err(error) => fail(&error),
        },
        Err(errors) => refuse(&errors),
    }
}

/// Whether everything that came in was read to its end, and everything that should go out did.
fn is_whole(summary: &Summary) -> bool {
    if summary.samples.failed_sources > 0 {
        tell!("dinrail: {} sources could not be read to their end", summary.samples.failed_sources);
    }
    if summary.sink_errors > 0 || summary.records_dropped > 0 {
        tell!(
            "dinrail: {} errors of sinks, {} scans without a record: results are missing",
            summary.sink_errors,
            summary.records_dropped
        );
    }
    summary.samples.failed_sources == 0 && summary.sink_errors == 0 && summary.records_dropped == 0
}

/// Says what is wrong with a configuration.
#[must_use]
pub fn refuse(errors: &ConfigErrors) -> Ending {
    if std::io::stderr().is_terminal() {
        tell!("{}", errors.drawn());
    } else {
        tell!("{errors}");
    }
    Ending::Refused
}

/// Says why nothing runs.
#[must_use]
pub fn fail(error: &BuildError) -> Ending {
    match error {
        BuildError::Config(errors) => refuse(errors),
        BuildError::Engine(_)
        | BuildError::Thread(_)
        | BuildError::Bundles { .. }
        | BuildError::Version { .. }
        | BuildError::Control(_)
        | BuildError::Store(_)
        | BuildError::NoReport(_)
        | BuildError::Link { .. }
        | BuildError::Sink { .. } => {
            tell!("dinrail: {error}");
            Ending::Failed
        }
    }
}

/// A run that ended.
#[derive(Debug)]
pub struct Finished {
    /// Its figures.
    pub summary: Summary,
    /// Whether the plant's true profit rose; none where it makes none.
    pub profit_rose: Option<bool>,
    /// The answers of the plugin that was to be collected.
    pub answers: Vec<Answer>,
    /// The tag of each of its columns.
    pub columns: Vec<String>,
    /// The quantiles that it describes.
    pub quantiles: Vec<f64>,
    /// The simulated machine's true condition in each scan.
    pub conditions: Vec<(TimeNs, dinrail_sim::Condition)>,
    /// What the simulated plant earned or cost in each scan.
    pub economy: Vec<recorder::Economy>,
    /// By output: how far its commands moved it in all, in its unit.
    pub travel: Vec<f64>,
    /// The configuration's outputs that the judged plugin proposes for, in its own order.
    pub own_outputs: Vec<OutputId>,
    /// Every command.
    pub commands: Vec<Command>,
    /// What gates made of every verdict on an item.
    pub item_judgements: Vec<ItemJudgement>,
    /// By watched tag: its usable values, with the run time at which they came, in seconds.
    pub watched: std::collections::BTreeMap<String, Vec<(f64, f64)>>,
    /// What the run came to, where the simulated plant gives an account and answers were collected.
    pub account: Option<dinrail_sim::Account>,
    /// What became of every part that left the simulated line.
    pub fates: Vec<dinrail_sim::PartFate>,
    /// Levels that shift in the simulated plant, by the signal's name.
    pub shifts: Vec<(String, dinrail_sim::Shift)>,
}

/// Runs in virtual time what was prepared, without view and signals, and keeps the answers of one plugin and the values of
/// the site's tags of these names, as far as they are known.
pub fn run_collecting(
    prepared: Prepared,
    plugin: usize,
    watch: &[String],
    run_time: Option<Duration>,
) -> Result<Finished, BuildError> {
    let (clock, start_clock) = run_clock(prepared.speed());
    let mut assembly = prepared.assemble(&clock, View::none())?;
    assembly.setup.collect = Some(plugin);
    assembly.controller.wants_values |= !watch.is_empty();
    assembly.setup.watch = watch.iter().filter_map(|name| assembly.setup.tags.find(name)).collect();
    start_clock(origin(&assembly));
    let (_keep, stop) = crossbeam_channel::bounded(1);
    run_assembled(assembly, &RunOptions { run_time, quiet: true, ..RunOptions::default() }, &stop, Instant::now())
}

/// Runs a controller until it is stopped, its time is over, or its tables end.
pub fn run(mut config: Config, options: &RunOptions) -> Result<Finished, BuildError> {
    let began = began();
    config.recorder.record.clone_from(&options.record);
    let view = if options.quiet { View::none() } else { View::start() };
    log_through(&view, config.site.time_zone.clone());
    if !config.contexts.is_empty() {
        let version = crate::controller::calendar::time_zone_database();
        tracing::info!(version, "local times are reckoned with this time zone database");
    }
    let is_virtual = config.scan.speed == Speed::Max;
    let versions = if is_virtual { Versions::default() } else { Versions::open(&config, options.as_configured)? };
    let prepared = build::prepare_with(config, &Workshop::new()?, &versions).inspect_err(|_error| {
        if !versions.changes.is_empty() {
            tell!("dinrail: this is with the versions and parameters that the store has; `--as-configured` runs without them");
        }
    })?;
    let (clock, start_clock) = run_clock(prepared.speed());
    let assembly = prepared.assemble(&clock, view)?;
    let (stop_now, stop) = crossbeam_channel::bounded(1);
    listen_for_signals(stop_now).map_err(BuildError::Thread)?;
    start_clock(origin(&assembly));
    run_assembled(assembly, options, &stop, began)
}

/// When whoever started this says that it began (milliseconds since 1970), else now.
fn began() -> Instant {
    let now = Instant::now();
    let said = std::env::var("DINRAIL_STARTED_MS").ok().and_then(|text| text.parse().ok());
    let passed =
        said.and_then(|ms| SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + Duration::from_millis(ms)).ok());
    passed.and_then(|passed| now.checked_sub(passed)).unwrap_or(now)
}

/// Runs what was assembled until `stop` gets a message, its time is over, or its tables end. `began`:
/// when the process, or whatever the first scan's delay counts from, began.
pub fn run_assembled(
    assembly: Assembly,
    options: &RunOptions,
    stop: &Receiver<()>,
    began: Instant,
) -> Result<Finished, BuildError> {
    let origin_ns = origin(&assembly);
    let mut run = Run::start(assembly, origin_ns, options)?;
    run.recorder.began(began);
    run.until_stopped(stop).finish(began)
}

/// Run time for what arrives without a time of its own.
fn run_clock(speed: Speed) -> (Clock, impl FnOnce(TimeNs)) {
    let factor = match speed {
        Speed::Ratio(factor) => factor,
        Speed::Max => 1.0,
    };
    let origin = Arc::new(std::sync::OnceLock::new());
    let read = Arc::clone(&origin);
    let clock: Clock = Arc::new(move || match read.get() {
        Some((origin_ns, started)) => {
            let elapsed: Instant = *started;
            let run_ns = (elapsed.elapsed().as_nanos() as f64 * factor) as i64;
            i64::saturating_add(*origin_ns, run_ns)
        }
        None => wall_clock_ns(),
    });
    (clock, move |origin_ns| {
        // Set once: the controller starts once.
        let _ = origin.set((origin_ns, Instant::now()));
    })
}

/// Run time of the first scan: a table's first row, else the wall clock, else a fixed date.
fn origin(assembly: &Assembly) -> TimeNs {
    match (assembly.controller.next_time_ns(), assembly.speed) {
        (Some(first_ns), _) => first_ns,
        (None, Speed::Max) => VIRTUAL_ORIGIN_NS,
        (None, Speed::Ratio(_)) => wall_clock_ns(),
    }
}

pub(crate) fn wall_clock_ns() -> TimeNs {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    TimeNs::try_from(since.as_nanos()).unwrap_or(TimeNs::MAX)
}

/// Ctrl-C and SIGTERM stop the controller cleanly; a second one ends the process at once.
pub(crate) fn listen_for_signals(stop_now: Sender<()>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                std::process::exit(128 + signal);
            }
            // The run may have ended by itself in the meantime.
            let _ = stop_now.try_send(());
        }
    })?;
    Ok(())
}

struct Run {
    controller: Controller,
    recorder: Recorder,
    links: Vec<MqttLink>,
    truth: Option<SharedPlant>,
    /// Whether the run is to be judged.
    collects: bool,
    pace: Pace,
    run_for: Option<Duration>,
    /// Run time at which it ends.
    until_ns: Option<TimeNs>,
    /// Where an operator reaches it.
    control: Option<ControlSocket>,
    /// Instances that the recorder knows of.
    announced: usize,
    last: Option<crate::controller::pace::Slot>,
}

impl Run {
    fn start(assembly: Assembly, origin_ns: TimeNs, options: &RunOptions) -> Result<Run, BuildError> {
        let Assembly { controller, setup, links, truth, period, speed, control } = assembly;
        let collects = setup.collect.is_some();
        let speed = match speed {
            Speed::Ratio(factor) => PaceSpeed::Times(factor),
            Speed::Max => PaceSpeed::Max,
        };
        let recorder = Recorder::start(setup, speed == PaceSpeed::Max).map_err(BuildError::Thread)?;
        let pace = Pace::new(origin_ns, period, speed).ending_after(options.run_for);
        let until_ns = options
            .run_time
            .map(|length| origin_ns.saturating_add(TimeNs::try_from(length.as_nanos()).unwrap_or(TimeNs::MAX)));
        let run_for = options.run_for;
        Ok(Run {
            controller,
            recorder,
            links,
            truth,
            collects,
            pace,
            run_for,
            until_ns,
            control,
            announced: 0,
            last: None,
        })
    }

    fn until_stopped(mut self, stop: &Receiver<()>) -> Run {
        let nobody = crossbeam_channel::never();
        loop {
            let asked = self.control.as_ref().map_or(&nobody, ControlSocket::asked);
            let Some(slot) = self.pace.next_and(stop, asked, |asked, now_ns| self.controller.carry_out(asked, now_ns))
            else {
                break;
            };
            // Before the first scan there are no instances that a word could be about; it waits.
            let words = self.control.as_ref().filter(|_| self.last.is_some());
            while let Some(asked) = words.and_then(ControlSocket::next) {
                self.controller.carry_out(asked, slot.now_ns);
            }
            let record = self.controller.scan(slot);
            self.last = Some(slot);
            self.tell(record);
            let past_end = self.until_ns.is_some_and(|until_ns| until_ns <= slot.now_ns);
            let time_over = match (self.run_for, self.pace.started()) {
                (Some(run_for), Some(started)) => started.elapsed() >= run_for,
                _ => false,
            };
            let no_more = self.controller.is_exhausted() && !self.controller.has_work();
            if past_end || time_over || no_more {
                break;
            }
            if let Some(next_ns) = self.controller.idle_until_ns() {
                self.pace.skip_towards(self.until_ns.map_or(next_ns, |until_ns| until_ns.min(next_ns)));
            }
        }
        self
    }

    fn tell(&mut self, record: dinrail_core::record::ScanRecord) {
        let new: Vec<_> = self
            .controller
            .instances()
            .skip(self.announced)
            .map(|(id, plugin, asset)| Message::Instance { id, plugin, asset: asset.cloned() })
            .collect();
        self.announced += new.len();
        for message in new {
            self.recorder.tell(message);
        }
        let flights = self.controller.flights().take();
        self.recorder.tell(Message::Scan(Box::new(Scan {
            record: Arc::new(record),
            truth: self.truth.as_ref().map(SharedPlant::truth),
            sources: self.controller.source_counts(),
            notes: self.controller.take_notes(),
            rows_dropped: self.controller.rows_dropped(),
            items: self.controller.item_figures(),
            overruns: self.pace.overruns(),
            flights,
        })));
    }

    /// Every output does its `on_stop`, the sinks drain, the figures are added up.
    fn finish(mut self, began: Instant) -> Result<Finished, BuildError> {
        let wall_s = self.pace.started().map_or(0.0, |started| started.elapsed().as_secs_f64());
        let first_scan_s = self.pace.started().map_or(0.0, |started| (started - began).as_secs_f64());
        let scans = self.last.map_or(0, |slot| slot.scan + 1);
        let overruns = self.pace.overruns();
        let until = Instant::now() + DRAIN;
        // Outputs first: nothing of what follows may hold them up.
        let last_ns = self.last.map_or(0, |last| last.now_ns);
        let verdicts = self.last.map(|last| self.controller.stop(last)).unwrap_or_default();
        let abandoned = self.controller.abandon();
        let report = self.recorder.finish(last_ns, verdicts, abandoned, DRAIN);
        for link in &self.links {
            // A moment is left even where the sinks took all the time: commands go through links too.
            link.stop(until.saturating_duration_since(Instant::now()).max(Duration::from_millis(500)));
        }
        let mqtt = mqtt_figures(&self.links);
        let (report, records_dropped) = report?;
        let account = self.truth.as_ref().filter(|_| self.collects).and_then(SharedPlant::account);
        let shifts = self.truth.as_ref().filter(|_| self.collects).map_or_else(Vec::new, SharedPlant::shifts);
        let fates = self.truth.as_ref().filter(|_| self.collects).map_or_else(Vec::new, SharedPlant::fates);
        let ends = Ends { scans, overruns, records_dropped, mqtt, wall_s, first_scan_s, account, shifts, fates };
        Ok(finished(report, ends))
    }
}

/// What the run itself knows at the end.
struct Ends {
    scans: u64,
    overruns: u64,
    records_dropped: u64,
    mqtt: crate::statistics::MqttFigures,
    wall_s: f64,
    first_scan_s: f64,
    account: Option<dinrail_sim::Account>,
    fates: Vec<dinrail_sim::PartFate>,
    shifts: Vec<(String, dinrail_sim::Shift)>,
}

fn finished(report: recorder::Report, ends: Ends) -> Finished {
    let statistics = report.statistics;
    let left_out = report.view.finish();
    if left_out > 0 {
        tell!("{left_out} lines were left out of the view, which could not keep up");
    }
    let (detections, false_episodes) = match report.detections {
        Some((detections, false_episodes)) => (Some(detections), Some(false_episodes)),
        None => (None, None),
    };
    let summary = Summary {
        time_zone_database: crate::controller::calendar::time_zone_database(),
        scans: ends.scans,
        overruns: ends.overruns,
        samples_in: statistics.samples_in,
        samples: statistics.samples,
        findings: statistics.findings,
        alarms: statistics.alarms,
        results: statistics.results,
        inferences: statistics.inferences,
        proposals: statistics.proposals,
        commands: statistics.commands,
        items: statistics.items,
        mqtt: ends.mqtt,
        plugins: statistics.plugin_summaries(),
        reactor: report.reactor,
        detections,
        false_episodes,
        recorder: statistics.recorder,
        sink_errors: statistics.sink_errors,
        records_dropped: ends.records_dropped,
        first_scan_s: ends.first_scan_s,
        wall_s: ends.wall_s,
        run_s: report.run_s,
    };
    Finished {
        summary,
        profit_rose: report.profit_rose,
        answers: report.answers,
        columns: report.columns,
        quantiles: report.quantiles,
        conditions: report.conditions,
        economy: report.economy,
        travel: report.travel,
        own_outputs: report.own_outputs,
        commands: report.commands,
        item_judgements: report.item_judgements,
        watched: report.watched,
        account: ends.account,
        fates: ends.fates,
        shifts: ends.shifts,
    }
}
