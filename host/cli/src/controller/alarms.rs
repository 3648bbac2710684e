//! Alarms of the running controller: those of the configuration and the host's own, and operators' words about them.
//!
//! The host's own have names that begin with `dinrail.`; their conditions are looked up when everything else of a scan is done.

use super::Controller;
use super::slots::Plugin;
use super::supervision::Standing;
use super::words::witnesses;
use crate::config::{self, Config};
use crate::control::{AlarmLine, Answer};
use dinrail_core::alarm::{
    AlarmBoard, AlarmEvent, AlarmId, AlarmSpec, AlarmStanding, AlarmState, AlarmTransition, Delays, Priority, Word,
};
use dinrail_core::flight::IncidentCause;
use dinrail_core::guard::OutputId;
use dinrail_core::outcome::Outcome;
use dinrail_core::record::{InstanceId, ScanRecord};
use dinrail_core::time::{SECOND_NS, TimeNs};
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What happens in a scan and is over (a missed frame, a lost record) stays an alarm for so long, so that a row of them is one.
const MOMENT_NS: u64 = 60 * SECOND_NS;
/// Alarms that an answer lists, the most urgent: with the longest texts they fit its line.
const MAX_LISTED: usize = 250;
/// Longest detail, and longest reason, in an answer, in characters.
const MAX_DETAIL: usize = 200;

/// What other threads could not keep; each only grows.
#[derive(Debug, Default)]
pub struct Losses {
    /// Scans, lines and messages that sinks miss.
    pub records: AtomicU64,
    /// Entries that the store does not have.
    pub store: AtomicU64,
}

/// What the host raises alarms for.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// A plugin faults, or is being started again.
    Fault(usize),
    /// One of its instances is given up.
    Quarantined(usize),
    /// Its answers come too late.
    Missed(usize),
    /// An output's trip is latched.
    Trip(OutputId),
    /// Sinks miss something.
    Records,
    /// The store's folder can't be written.
    Store,
}

/// What a plugin's instances went through in a scan.
#[derive(Clone, Copy, Default)]
struct PluginTrouble {
    fault: bool,
    quarantined: bool,
    missed: bool,
}

/// The controller's alarms.
pub(super) struct Alarms {
    board: AlarmBoard,
    /// Of the host's own, in their order.
    troubles: Vec<Trouble>,
    losses: Arc<Losses>,
    /// What was lost until the last scan: records, and entries of the store.
    known_losses: [u64; 2],
}

impl Alarms {
    /// Of a configuration and its plugins.
    pub(super) fn new(config: &Config, plugins: &[Arc<Plugin>], losses: Arc<Losses>) -> Alarms {
        let mut own = Vec::new();
        for (index, plugin) in plugins.iter().enumerate() {
            own.extend(plugin_alarms(index, &plugin.config.name));
        }
        for (output, id) in config.outputs.iter().zip((0..).map(OutputId)) {
            own.push((Trouble::Trip(id), trip_alarm(&output.spec.name)));
        }
        let text = "look at the disk and the broker that sinks write to; results are missing";
        own.push((Trouble::Records, host_alarm("records.lost", Priority::High, MOMENT_NS, text)));
        let text = "look at the disk of the store's folder; what operators do is not written down";
        own.push((Trouble::Store, host_alarm("store.failed", Priority::High, MOMENT_NS, text)));
        let configured = config.alarms.iter().map(|alarm| alarm.spec.clone());
        let (troubles, specs): (Vec<_>, Vec<_>) = own.into_iter().unzip();
        Alarms { board: AlarmBoard::new(configured.chain(specs)), troubles, losses, known_losses: [0; 2] }
    }

    /// What is known of each.
    pub(super) fn specs(&self) -> Vec<Arc<AlarmSpec>> {
        self.board.specs()
    }

    /// Whether every scan counts, also one in which nothing arrives.
    pub(super) fn has_conditions(&self) -> bool {
        self.board.has_conditions()
    }

    /// Notes what other threads lost since the last scan.
    fn new_losses(&mut self) -> [bool; 2] {
        let now = [self.losses.records.load(Ordering::Relaxed), self.losses.store.load(Ordering::Relaxed)];
        let before = std::mem::replace(&mut self.known_losses, now);
        [before[0] < now[0], before[1] < now[1]]
    }
}

fn plugin_alarms(index: usize, name: &str) -> [(Trouble, AlarmSpec); 3] {
    let alarm =
        |what: &str, priority, off_ns, text: &str| host_alarm(&format!("plugin.{name}.{what}"), priority, off_ns, text);
    let fault = "read the plugin's fault in the log; it is started again by itself, and its outputs go by their leases";
    let quarantined =
        "the plugin is given up after repeated faults: correct or replace it, and start the controller again";
    let missed = "the plugin answers too late: give it more time, or the machine less to do";
    [
        (Trouble::Fault(index), alarm("fault", Priority::Medium, MOMENT_NS, fault)),
        (Trouble::Quarantined(index), alarm("quarantined", Priority::High, 0, quarantined)),
        (Trouble::Missed(index), alarm("missed", Priority::Low, MOMENT_NS, missed)),
    ]
}

fn trip_alarm(output: &str) -> AlarmSpec {
    let text = format!("clear what tripped {output}, then `dinrail reset {output}`");
    host_alarm(&format!("output.{output}.trip"), Priority::Critical, 0, &text)
}

fn host_alarm(name: &str, priority: Priority, off_ns: u64, text: &str) -> AlarmSpec {
    AlarmSpec {
        name: format!("{}{name}", config::HOST_PREFIX),
        priority,
        delays: Delays { on_ns: 0, off_ns },
        text: text.to_owned(),
        when: None,
    }
}

impl Controller {
    /// Moves all alarms on; the last of a scan, since what happened in it is looked at.
    pub(super) fn watch_alarms(&mut self, record: &ScanRecord) -> Vec<AlarmTransition> {
        let [records, store] = self.alarms.new_losses();
        let plugins = self.plugin_troubles(record);
        let is_on = |trouble: &Trouble| match trouble {
            Trouble::Fault(plugin) => plugins[*plugin].fault,
            Trouble::Quarantined(plugin) => plugins[*plugin].quarantined,
            Trouble::Missed(plugin) => plugins[*plugin].missed,
            Trouble::Trip(output) => self.guard.is_tripped(*output),
            Trouble::Records => records,
            Trouble::Store => store,
        };
        let on: Vec<bool> = self.alarms.troubles.iter().map(is_on).collect();
        self.alarms.board.scan(record.time_ns, self.images.site(), &on)
    }

    /// An alarm that is raised may have an incident written.
    pub(super) fn cause_incidents(&mut self, transitions: &[AlarmTransition]) {
        for raised in transitions.iter().filter(|transition| transition.event == AlarmEvent::Raised) {
            let Some(spec) = self.alarms.board.spec(raised.alarm) else { continue };
            let cause = IncidentCause::Alarm { alarm: spec.name.to_string(), urgency: raised.priority };
            self.flights.cause(cause);
        }
    }

    /// By plugin: what its instances went through in this scan.
    fn plugin_troubles(&self, record: &ScanRecord) -> Vec<PluginTrouble> {
        let mut troubles = vec![PluginTrouble::default(); self.plugins.len()];
        let of = |instance: InstanceId| self.slots[instance.index()].plugin;
        for slot in &self.slots {
            match slot.supervision.standing() {
                Standing::Running => {}
                Standing::Waiting { .. } => troubles[slot.plugin].fault = true,
                Standing::Quarantined => troubles[slot.plugin].quarantined = true,
            }
        }
        for instance in &record.instances {
            match &instance.report.outcome {
                Outcome::Faulted(_) => troubles[of(instance.instance)].fault = true,
                Outcome::Missed => troubles[of(instance.instance)].missed = true,
                Outcome::Answered(_) | Outcome::Skipped(_) => {}
            }
        }
        record.late_faults.iter().for_each(|late| troubles[of(late.instance)].fault = true);
        troubles
    }

    /// What is answered of all alarms: the most urgent first, then by name.
    pub(super) fn list_alarms(&self, now_ns: TimeNs) -> Answer {
        let mut standings: Vec<AlarmStanding<'_>> = self.alarms.board.standings().collect();
        standings.sort_by(|one, other| urgency(one).cmp(&urgency(other)));
        let listed = standings.iter().take(MAX_LISTED).map(|standing| self.alarm_line(standing, now_ns));
        Answer::Alarms { alarms: listed.collect(), watched: standings.len() }
    }

    fn alarm_line(&self, standing: &AlarmStanding<'_>, now_ns: TimeNs) -> AlarmLine {
        let AlarmStanding { spec, alarm, shelved_by, .. } = standing;
        let inputs = self.alarms.board.inputs(standing.id, self.images.site());
        let detail = witnesses(&inputs, self.images.tags());
        AlarmLine {
            name: spec.name.clone(),
            priority: spec.priority.name().to_owned(),
            state: alarm.state().name().to_owned(),
            text: spec.text.clone(),
            detail: detail.chars().take(MAX_DETAIL).collect(),
            changed: alarm.changed_ns().map(super::operator::clock),
            raises: alarm.raises(),
            chattering: alarm.is_chattering(),
            chattering_raises: alarm.chattering_raises(),
            blind: alarm.is_blind(),
            shelved_for_s: alarm
                .shelved_until_ns()
                .map(|until_ns| until_ns.saturating_sub(now_ns).max(0) as f64 / SECOND_NS as f64),
            shelved_by: shelved_by.map(|word| word.user.clone()),
            reason: shelved_by.map(|word| word.reason.chars().take(MAX_DETAIL).collect()),
        }
    }

    /// An alarm by name, or what to say.
    fn alarm(&self, name: &str) -> Result<AlarmId, String> {
        self.alarms.board.find(name).ok_or_else(|| {
            let specs = self.alarms.board.specs();
            let help = config::did_you_mean(name, specs.iter().map(|spec| spec.name.as_str()));
            format!("there is no alarm `{name}`; {help}")
        })
    }

    /// How an alarm stands, for the record of what an operator did.
    pub(super) fn alarm_state(&self, name: &str) -> Option<AlarmState> {
        self.alarms.board.state(self.alarms.board.find(name)?)
    }

    pub(super) fn acknowledge_alarm(&mut self, name: &str, user: &str, now_ns: TimeNs) -> Result<String, String> {
        let id = self.alarm(name)?;
        let word = Word { user: user.to_owned(), ..Word::default() };
        let acknowledged = self.alarms.board.acknowledge(id, word, now_ns);
        let (before, state) = acknowledged.map_err(|error| format!("{name}: {error}"))?;
        Ok(format!("{name}: acknowledged, {} → {}", before.name(), state.name()))
    }

    pub(super) fn shelve_alarm(
        &mut self,
        name: &str,
        for_ms: u64,
        word: Word,
        now_ns: TimeNs,
    ) -> Result<String, String> {
        let id = self.alarm(name)?;
        let reason = word.reason.clone();
        if reason.trim().is_empty() {
            return Err(format!("{name} is not shelved: a shelving needs its reason, `--reason \"…\"`"));
        }
        let for_ns = for_ms.saturating_mul(1_000_000);
        let shelved = self.alarms.board.shelve(id, word, now_ns, for_ns);
        let (before, _) = shelved.map_err(|error| format!("{name}: {error}"))?;
        let length = config::amounts::show(for_ns);
        Ok(format!("{name}: shelved for {length} (was {}): {reason}", before.name()))
    }

    pub(super) fn unshelve_alarm(&mut self, name: &str, user: &str, now_ns: TimeNs) -> Result<String, String> {
        let id = self.alarm(name)?;
        let word = Word { user: user.to_owned(), ..Word::default() };
        let unshelved = self.alarms.board.unshelve(id, word, now_ns);
        let (_, state) = unshelved.map_err(|error| format!("{name}: {error}"))?;
        Ok(format!("{name}: no longer shelved, it is {}", state.name()))
    }
}

/// What stands first where alarms are listed.
fn urgency<'b>(standing: &AlarmStanding<'b>) -> (u8, Reverse<Priority>, &'b str) {
    let state = match standing.alarm.state() {
        AlarmState::UnacknowledgedActive => 0,
        AlarmState::ReturnedUnacknowledged => 1,
        AlarmState::AcknowledgedActive => 2,
        AlarmState::Shelved => 3,
        AlarmState::Normal => 4,
    };
    (state, Reverse(standing.spec.priority), standing.spec.name.as_str())
}
