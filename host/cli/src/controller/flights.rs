//! The scan's side of the flight recorder: what instances got and gave is handed to the recorder, by sharing it; what a
//! plugin's state is asked for, and when.

use super::slots::Plugin;
use crate::config::{Config, Recorder};
use crate::control::Answer;
use dinrail_core::flight::{Base, FlightEntry, FlightKind, IncidentCause, RecordedCall, RecordedItem, Trigger, share};
use dinrail_core::frame::Frame;
use dinrail_core::item::Item;
use dinrail_core::outcome::{CallReport, Fault, OutputState};
use dinrail_core::outlook::Outlook;
use dinrail_core::record::InstanceId;
use dinrail_core::time::TimeNs;
use dinrail_engine::AssetTable;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A plugin's state is saved so often within the time, and within the bytes, that are kept: what is dropped at once, a
/// segment, is this part of it.
const SEGMENTS: u64 = 4;
/// Operators' words between two scans that become incidents; further ones are refused.
const MAX_ASKED: usize = 4;
/// Tables of a plugin that are kept for incidents; guest-controlled.
const MAX_TABLES: usize = 64;

/// The folder of incidents within a site's store.
pub const INCIDENTS: &str = "incidents";

impl Config {
    /// Whether anything is kept of the plugins' calls: where it can be written.
    #[must_use]
    pub fn keeps_flights(&self) -> bool {
        self.site.store.is_some() || self.recorder.record.is_some()
    }

    /// Where incidents are written; none where nothing outlasts the controller.
    #[must_use]
    pub fn incidents(&self) -> Option<PathBuf> {
        self.site.store.as_ref().map(|store| store.join(INCIDENTS))
    }
}

/// What is kept of a plugin itself, for incidents.
#[derive(Clone, Debug, Default)]
pub struct PluginFlight {
    /// The component's bytes; none where they are not wanted.
    pub wasm: Option<Arc<[u8]>>,
    /// Whether it could save its state when it was tried.
    pub saves: bool,
    /// The tables that its instances loaded.
    pub tables: LoadedTables,
}

/// Tables that instances of a plugin loaded, by name.
#[derive(Clone, Debug, Default)]
pub struct LoadedTables(Arc<Mutex<BTreeMap<String, AssetTable>>>);

impl LoadedTables {
    /// Remembers one.
    pub fn note(&self, name: &str, table: &AssetTable) {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.len() < MAX_TABLES && !tables.contains_key(name) {
            tables.insert(name.to_owned(), table.clone());
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, AssetTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the recorder is told of a scan beside its record.
#[derive(Default)]
pub struct Fresh {
    /// What instances got and gave.
    pub entries: Vec<FlightEntry>,
    /// What happened of which an incident may be written.
    pub causes: Vec<IncidentCause>,
    /// Plugins whose version changed, by index; after all of the above.
    pub versions: Vec<(usize, Arc<Plugin>)>,
}

/// What a call left behind.
pub(super) struct Landed {
    pub(super) id: InstanceId,
    pub(super) time_ns: TimeNs,
    pub(super) frame: Arc<Frame>,
    pub(super) outputs: Vec<OutputState>,
    pub(super) outlook: Arc<Outlook>,
    pub(super) items: Vec<Item>,
    pub(super) report: Arc<CallReport>,
    pub(super) missed: bool,
    pub(super) state: Option<Result<Vec<u8>, Fault>>,
}

/// What is known of an instance.
struct Tracked {
    plugin: usize,
    /// Of its next entry.
    number: u64,
    saves: bool,
    state_version: u32,
    /// Of its last base.
    base_ns: TimeNs,
    bytes_since: usize,
}

/// See the module.
pub struct Flights {
    settings: Option<Recorder>,
    folder: Option<PathBuf>,
    /// By plugin.
    instances_of: Vec<usize>,
    /// By instance.
    tracked: Vec<Tracked>,
    entries: Vec<FlightEntry>,
    causes: Vec<IncidentCause>,
    /// Plugins whose version changed.
    versions: Vec<(usize, Arc<Plugin>)>,
}

impl Flights {
    /// As the configuration says; where nothing can be written, nothing is kept.
    #[must_use]
    pub fn of(config: &Config) -> Flights {
        Flights {
            settings: config.keeps_flights().then(|| config.recorder.clone()),
            folder: config.incidents(),
            instances_of: vec![0; config.plugins.len()],
            tracked: Vec::new(),
            entries: Vec::new(),
            causes: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// An instance has its place; they come in the order of their ids.
    pub(super) fn added(&mut self, plugin: usize, of: &Plugin) {
        self.instances_of[plugin] += 1;
        self.tracked.push(Tracked {
            plugin,
            number: 0,
            saves: of.flight.saves,
            state_version: of.description.state_version,
            base_ns: TimeNs::MIN,
            bytes_since: 0,
        });
    }

    /// A fresh instance is in its place.
    pub(super) fn started(&mut self, id: InstanceId, now_ns: TimeNs) {
        self.base(id, Base::Start, now_ns);
    }

    fn base(&mut self, id: InstanceId, base: Base, now_ns: TimeNs) {
        let tracked = &mut self.tracked[id.index()];
        (tracked.base_ns, tracked.bytes_since) = (now_ns, 0);
        self.push(id, FlightKind::Base(base, now_ns));
    }

    fn push(&mut self, id: InstanceId, kind: FlightKind) {
        if self.settings.is_none() {
            return;
        }
        let tracked = &mut self.tracked[id.index()];
        self.entries.push(FlightEntry { instance: id, number: tracked.number, kind });
        tracked.number += 1;
    }

    /// Whether a plugin's state is wanted after its next call.
    pub(super) fn wants_state(&self, id: InstanceId, now_ns: TimeNs) -> bool {
        let Some(settings) = &self.settings else { return false };
        let tracked = &self.tracked[id.index()];
        let share = share(settings.memory, self.instances_of.len(), self.instances_of[tracked.plugin]);
        let is_old = now_ns.saturating_sub(tracked.base_ns).unsigned_abs() >= settings.keep_ns / SEGMENTS;
        tracked.saves && (is_old || tracked.bytes_since as u64 >= share as u64 / SEGMENTS)
    }

    /// A call came back.
    pub(super) fn landed(&mut self, landed: Landed) {
        let Some(settings) = &self.settings else { return };
        let Landed { id, time_ns, frame, outputs, outlook, items, report, missed, state } = landed;
        let items = items.into_iter().map(|item| RecordedItem::of(item, settings.images)).collect();
        let call = RecordedCall { time_ns, frame, outputs, outlook, items, report, missed };
        self.tracked[id.index()].bytes_since += call.bytes();
        self.push(id, FlightKind::Call(Arc::new(call)));
        let version = self.tracked[id.index()].state_version;
        match state {
            Some(Ok(bytes)) => self.base(id, Base::State { version, bytes: bytes.into() }, time_ns),
            // It will not be asked again: a plugin that can't save is replayed from its start.
            Some(Err(fault)) => {
                tracing::warn!(%fault, "a plugin's state can't be saved for the flight recorder");
                self.tracked[id.index()].saves = false;
            }
            None => {}
        }
    }

    /// An operator wants an incident.
    pub(super) fn ask(&mut self, user: String, reason: String) -> Answer {
        let refused = |why: &str| Answer::Refused { why: why.to_owned() };
        let (Some(settings), Some(folder)) = (&self.settings, &self.folder) else {
            return refused("nothing is recorded: the configuration's [site] has no `store`");
        };
        if !settings.on.contains(&Trigger::Operator) {
            return refused("`on` of [recorder] does not hold \"operator\"");
        }
        if self.causes.len() >= MAX_ASKED {
            return refused("incidents were asked for already; try again");
        }
        let text = format!("an incident is being written below {}: {reason}", folder.display());
        self.causes.push(IncidentCause::Operator { user, reason });
        Answer::Done { text }
    }

    /// Where incidents are.
    pub(super) fn folder(&self) -> Answer {
        Answer::Incidents { folder: self.folder.as_ref().map(|folder| folder.display().to_string()) }
    }

    /// Something happened of which an incident may be written: the way in for alarms and reverts.
    pub fn cause(&mut self, cause: IncidentCause) {
        self.causes.push(cause);
    }

    /// Another version computes in the places of a plugin: what was recorded of them ends here, and goes on from its next
    /// saved state.
    pub(super) fn changed(
        &mut self,
        plugin: usize,
        version: &Arc<Plugin>,
        instances: impl Iterator<Item = InstanceId>,
    ) {
        if self.settings.is_none() {
            return;
        }
        for id in instances {
            let tracked = &mut self.tracked[id.index()];
            // A number that is left out is a gap.
            tracked.number += 1;
            (tracked.base_ns, tracked.bytes_since) = (TimeNs::MIN, 0);
            (tracked.saves, tracked.state_version) = (version.flight.saves, version.description.state_version);
        }
        self.versions.push((plugin, Arc::clone(version)));
    }

    /// What the recorder has not got yet.
    #[must_use]
    pub fn take(&mut self) -> Fresh {
        Fresh {
            entries: std::mem::take(&mut self.entries),
            causes: std::mem::take(&mut self.causes),
            versions: std::mem::take(&mut self.versions),
        }
    }
}
