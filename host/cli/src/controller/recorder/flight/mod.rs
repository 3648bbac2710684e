//! The flight recorder: keeps the last calls of every instance, and writes incidents.
//!
//! - `manifest`: what an incident says of site and plugins
//! - `incidents`: the thread that writes them, and removes the oldest
//! - `stream`: a whole run in a file
//!
//! The recorder's thread only shares what is kept; what is written is encoded by the thread that writes it.

mod incidents;
mod manifest;
mod stream;

pub use manifest::FlightSetup;

use crate::controller::flights::Fresh;
use crate::controller::slots::Plugin;
use crate::statistics::FlightFigures;
use dinrail_core::flight::{Base, Bounds, FlightEntry, FlightKind, FlightLog, IncidentCause, Trigger, share};
use dinrail_core::outcome::Outcome;
use dinrail_core::record::ScanRecord;
use dinrail_core::time::{SECOND_NS, TimeNs};
use incidents::{Incidents, Order, Taken};
use manifest::Describing;
use std::collections::HashMap;
use std::sync::Arc;
use stream::Stream;

/// Run time within which further causes of one kind about the same are part of the first one's incident: a crash loop is
/// one incident and not six.
const APART_NS: u64 = 60 * SECOND_NS;

/// An instance by its plugin.
struct Known {
    plugin: usize,
    /// Among the plugin's own.
    number: u32,
    label: String,
    log: FlightLog,
}

/// See the module.
pub(super) struct FlightRecorder {
    setup: FlightSetup,
    describing: Arc<Describing>,
    known: Vec<Known>,
    /// By plugin: the assets of its instances.
    assets: Vec<Vec<Option<String>>>,
    incidents: Option<Incidents>,
    stream: Option<Stream>,
    /// By kind and subject: run time of the last incident.
    last: HashMap<(&'static str, String), TimeNs>,
    figures: FlightFigures,
    bytes: usize,
    time_ns: TimeNs,
    scan: u64,
    /// What is to be told with the next record.
    lines: Vec<String>,
}

impl FlightRecorder {
    /// Begins; what can't be opened is told and not written to.
    pub(super) fn start(setup: FlightSetup, plugins: Vec<Arc<Plugin>>) -> FlightRecorder {
        let describing = Arc::new(Describing::new(&setup, plugins));
        let mut lines = Vec::new();
        let mut told = |what: &str, error: std::io::Error| lines.push(format!("{what}: {error}"));
        let incidents = setup.folder.as_ref().and_then(|folder| {
            let started = Incidents::start(folder, setup.retention());
            started.map_err(|error| told("no incident can be written", error)).ok()
        });
        let stream = setup.recorder.record.as_ref().and_then(|path| {
            let started = Stream::create(path, Arc::clone(&describing));
            started.map_err(|error| told("the run is not recorded", error)).ok()
        });
        let failed = lines.len() as u64;
        FlightRecorder {
            assets: vec![Vec::new(); describing.plugins()],
            setup,
            describing,
            known: Vec::new(),
            incidents,
            stream,
            last: HashMap::new(),
            figures: FlightFigures { left_out: failed, ..FlightFigures::default() },
            bytes: 0,
            time_ns: 0,
            scan: 0,
            lines,
        }
    }

    /// An instance that entries will speak of.
    pub(super) fn meet(&mut self, plugin: usize, asset: Option<&str>, label: &str) {
        let assets = &mut self.assets[plugin];
        let number = u32::try_from(assets.len()).unwrap_or(u32::MAX);
        assets.push(asset.map(str::to_owned));
        self.known.push(Known { plugin, number, label: label.to_owned(), log: FlightLog::default() });
    }

    /// Takes in what happened in a scan, and has incidents written. What there is to tell of them.
    pub(super) fn record(&mut self, record: &ScanRecord, fresh: Fresh) -> Vec<String> {
        let Fresh { entries, mut causes, versions } = fresh;
        (self.time_ns, self.scan) = (record.time_ns, record.scan);
        for entry in entries {
            self.keep(entry);
        }
        self.figures.bytes_max = self.figures.bytes_max.max(self.bytes as u64);
        causes.extend(self.traps(record));
        for cause in causes {
            self.consider(&cause);
        }
        for (plugin, version) in versions {
            self.replace(plugin, version);
        }
        self.hear();
        std::mem::take(&mut self.lines)
    }

    /// What comes from here on is another version's; what came before can't stand in one incident with it.
    fn replace(&mut self, plugin: usize, version: Arc<Plugin>) {
        let mut plugins = self.describing.versions().to_vec();
        plugins[plugin] = version;
        self.describing = Arc::new(Describing::new(&self.setup, plugins));
        for known in self.known.iter_mut().filter(|known| known.plugin == plugin) {
            self.bytes -= known.log.bytes();
            known.log.forget();
        }
    }

    fn keep(&mut self, entry: FlightEntry) {
        let known = &self.known[entry.instance.index()];
        if let Some(stream) = &mut self.stream
            && let Err(error) = stream.entry(known.plugin, known.number, &entry.kind)
        {
            self.lines.push(format!("the record of the run ends here: {error}"));
            self.figures.left_out += 1;
            self.stream = None;
        }
        self.figures.states += u64::from(matches!(&entry.kind, FlightKind::Base(Base::State { .. }, _)));
        let instances = self.assets[known.plugin].len();
        let bytes = share(self.setup.recorder.memory, self.assets.len(), instances);
        let log = &mut self.known[entry.instance.index()].log;
        let before = log.bytes();
        log.push(entry, Bounds { keep_ns: self.setup.recorder.keep_ns, bytes });
        self.bytes = self.bytes + log.bytes() - before;
    }

    /// Instances that were lost in this scan.
    fn traps(&self, record: &ScanRecord) -> Vec<IncidentCause> {
        let outcomes = record.instances.iter().filter_map(|instance| match &instance.report.outcome {
            Outcome::Faulted(fault) => Some((instance.instance, fault)),
            Outcome::Answered(_) | Outcome::Missed | Outcome::Skipped(_) => None,
        });
        let late = record.late_faults.iter().map(|late| (late.instance, &late.fault));
        let lost = outcomes.chain(late).filter(|(_, fault)| fault.discards_instance());
        let trap = lost.filter_map(|(id, fault)| {
            let plugin = self.known.get(id.index())?.label.clone();
            Some(IncidentCause::Trap { plugin, fault: fault.to_string() })
        });
        trap.collect()
    }

    /// Has an incident written, where the configuration says so and none was just now.
    fn consider(&mut self, cause: &IncidentCause) {
        let fires = self.setup.recorder.on.iter().any(|trigger: &Trigger| trigger.fires(cause));
        let Some(incidents) = self.incidents.as_mut().filter(|_| fires) else { return };
        let key = (cause.kind(), cause.subject().to_owned());
        let asked = matches!(cause, IncidentCause::Operator { .. });
        let is_one = |last: &TimeNs| self.time_ns.abs_diff(*last) < APART_NS;
        if !asked && self.last.get(&key).is_some_and(is_one) {
            return;
        }
        let taken = self.known.iter().map(|known| Taken {
            plugin: known.plugin,
            number: known.number,
            segments: known.log.segments().cloned().collect(),
        });
        let order = Order {
            cause: cause.clone(),
            time_ns: self.time_ns,
            scan: self.scan,
            assets: self.assets.clone(),
            describing: Arc::clone(&self.describing),
            taken: taken.collect(),
        };
        if incidents.order(order, self.setup.is_virtual) {
            self.last.insert(key, self.time_ns);
        } else {
            self.figures.left_out += 1;
            self.lines.push(format!("no incident of `{cause}`: others are being written"));
        }
    }

    /// What became of incidents.
    fn hear(&mut self) {
        let Some(incidents) = &self.incidents else { return };
        for written in incidents.written() {
            match written {
                Ok(written) => {
                    self.figures.incidents += 1;
                    self.figures.bytes_written += written.bytes;
                    self.lines.push(format!("incident {} ({} KiB)", written.path.display(), written.bytes / 1024));
                }
                Err(error) => {
                    self.figures.left_out += 1;
                    self.lines.push(format!("an incident can't be written: {error}"));
                }
            }
        }
    }

    /// Waits for what is being written, and ends the record of the run.
    pub(super) fn finish(mut self) -> (FlightFigures, Vec<String>) {
        if let Some(incidents) = &mut self.incidents {
            incidents.close();
        }
        self.hear();
        if let Some(stream) = self.stream.take() {
            match stream.finish(self.time_ns, self.scan, &self.assets) {
                Ok(bytes) => self.figures.bytes_written += bytes,
                Err(error) => {
                    self.figures.left_out += 1;
                    self.lines.push(format!("the record of the run can't be ended: {error}"));
                }
            }
        }
        self.figures.calls = self.known.iter().map(|known| known.log.calls() as u64).sum();
        self.figures.gaps = self.known.iter().map(|known| known.log.gaps()).sum();
        self.figures.bytes = self.bytes as u64;
        debug_assert_eq!(self.describing.plugins(), self.assets.len(), "each plugin is described");
        (self.figures, self.lines)
    }
}
