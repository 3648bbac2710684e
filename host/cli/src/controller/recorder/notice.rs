//! What is worth an operator's line, and how things stand in one picture.

mod alarms;

use super::{Scan, Setup};
use crate::controller::words::{number, quantity, told, witnesses};
use crate::statistics::{MqttFigures, Statistics};
use crate::view::{Event, EventKind, OutputLine, PluginLine, Snapshot, View};
use dinrail_core::guard::{
    Action, ActionCause, AdviceId, EventKind as Happened, GateOutcome, ItemJudgement, Judgement, Mode, Reason, Reduced,
};
use dinrail_core::outcome::{Anomaly, Health, Outcome};
use dinrail_core::record::{InstanceId, InstanceRecord, PresenceChange, ScanRecord};
use dinrail_core::tag::{Quality, TagTable};
use dinrail_core::time::TimeNs;
use dinrail_field::message::Named;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Between two pictures.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(200);

/// Contributions that a line names.
const NAMED_CONTRIBUTIONS: usize = 3;

/// Tags that a line about silence names; a broken link takes hundreds with it.
const NAMED_TAGS: usize = 5;

/// Between two lines about one output's verdicts, so that a setpoint that moves buries no finding.
const VERDICT_EVERY: Duration = Duration::from_secs(10);

/// Between two lines about proposals that wait for one output: a value that moves at every call is another question
/// every time.
const ASKED_EVERY: Duration = Duration::from_secs(2);

/// What an operator was told of the proposals that wait for an output.
#[derive(Clone, Default)]
struct Asked {
    /// One that has no line yet.
    waiting: Option<AdviceId>,
    told: Option<Instant>,
}

/// What an instance last said.
#[derive(Clone, Default)]
struct Said {
    alarm: bool,
    doubt: bool,
    drift: bool,
    /// The failure mode.
    mode: String,
}

/// Turns records into lines: a line where something begins, changes or ends, none where it goes on.
pub(super) struct Notices {
    time_zone: jiff::tz::TimeZone,
    outputs: Vec<Named>,
    /// By output: its reduced range.
    reduced: Vec<Option<Reduced>>,
    said: HashMap<InstanceId, Said>,
    /// By output: the latest judgement.
    judged: Vec<Option<Judgement>>,
    /// By output: when its last line was, and how many were left out since.
    verdict_lines: Vec<(Option<Instant>, u64)>,
    /// By output that is a gate: the latest item, and what became of the verdict on it; and its mode.
    gates: Vec<Option<(String, Mode)>>,
    /// By output: the value in force.
    applied: Vec<Option<f64>>,
    asked: Vec<Asked>,
    /// See [`Setup::reach`].
    reach: Option<String>,
    last_snapshot: Option<Instant>,
    started: Instant,
}

impl Notices {
    pub(super) fn new(setup: &Setup) -> Notices {
        let outputs = setup.outputs.clone();
        Notices {
            time_zone: setup.time_zone.clone(),
            judged: vec![None; outputs.len()],
            verdict_lines: vec![(None, 0); outputs.len()],
            gates: vec![None; outputs.len()],
            applied: vec![None; outputs.len()],
            asked: vec![Asked::default(); outputs.len()],
            reach: setup.reach.clone(),
            reduced: setup.reduced.clone(),
            outputs,
            said: HashMap::new(),
            last_snapshot: None,
            started: Instant::now(),
        }
    }

    /// Whether a picture is due; it counts as drawn.
    pub(super) fn snapshot_due(&mut self) -> bool {
        let due = self.last_snapshot.is_none_or(|at| at.elapsed() >= SNAPSHOT_EVERY);
        if due {
            self.last_snapshot = Some(Instant::now());
        }
        due
    }

    /// A line about the controller itself.
    pub(super) fn controller(&self, view: &mut View, time_ns: TimeNs, text: &str) {
        self.tell(view, time_ns, EventKind::Controller, text.to_owned());
    }

    /// A line where an alarm or a doubt begins or ends; true where one begins.
    pub(super) fn anomaly(
        &mut self,
        view: &mut View,
        id: InstanceId,
        label: &str,
        anomaly: &Anomaly,
        named: &[&str],
        time_ns: TimeNs,
    ) -> bool {
        let said = self.said.entry(id).or_default();
        let now = Said { alarm: anomaly.alarm, doubt: anomaly.quality == Quality::Uncertain, ..said.clone() };
        let before = std::mem::replace(said, now.clone());
        let mut parts: Vec<String> = anomaly
            .contributions
            .iter()
            .zip(named)
            .take(NAMED_CONTRIBUTIONS)
            .map(|(part, name)| format!("{name} {:.0} %", part.share * 100.0))
            .collect();
        if parts.is_empty() {
            parts.push("no contribution named".into());
        }
        let parts = parts.join(", ");
        let mut say = |text: String| self.tell(view, time_ns, EventKind::Finding, text);
        if now.alarm && !before.alarm {
            let severity = anomaly.severity.name();
            say(format!("{label}: {severity} raised, score {:.2}: {parts}", anomaly.score));
        }
        if !now.alarm && before.alarm {
            say(format!("{label}: alarm over"));
        }
        if now.doubt && !before.doubt {
            say(format!("{label}: a sensor is in doubt: {parts}"));
        }
        if !now.doubt && before.doubt {
            say(format!("{label}: no sensor in doubt any more"));
        }
        (now.alarm && !before.alarm) || (now.doubt && !before.doubt)
    }

    /// A line where a failure mode begins, changes or is gone; true where one begins.
    pub(super) fn health(
        &mut self,
        view: &mut View,
        id: InstanceId,
        label: &str,
        health: &Health,
        time_ns: TimeNs,
    ) -> bool {
        let said = self.said.entry(id).or_default();
        if said.mode == health.mode {
            return false;
        }
        let before = std::mem::replace(&mut said.mode, health.mode.clone());
        let text = match (health.mode.as_str(), health.life) {
            ("", _) => format!("{label}: no sign of {before} any more"),
            (mode, None) => format!("{label}: {mode}, health {:.2}", health.index),
            (mode, Some(life)) => {
                let most = life.rul_hi.map_or(String::new(), |most| format!(" to {most:.1}"));
                format!("{label}: {mode}, health {:.2}, life left from {:.1}{most}", health.index, life.rul_lo)
            }
        };
        self.tell(view, time_ns, EventKind::Finding, text);
        !health.mode.is_empty()
    }

    /// Lines about outputs, silent tags, faults and states.
    pub(super) fn scan(
        &mut self,
        view: &mut View,
        record: &ScanRecord,
        tags: &TagTable,
        label: impl Fn(InstanceId) -> String,
    ) {
        let time_ns = record.time_ns;
        for (silent, what) in [(true, "silent: no sample for longer than `stale_after`"), (false, "speaks again")] {
            let named: Vec<&PresenceChange> = record.presence.iter().filter(|change| change.silent == silent).collect();
            if !named.is_empty() {
                self.controller(view, time_ns, &format!("{}: {what}", tag_list(&named, tags)));
            }
        }
        for instance in &record.instances {
            for judgement in &instance.judgements {
                self.judgement(view, time_ns, judgement);
            }
            self.drift(view, time_ns, instance, &label);
            if let Outcome::Faulted(fault) = &instance.report.outcome {
                let label = label(instance.instance);
                self.controller(view, time_ns, &format!("{label}: frame {}: {fault}", instance.frame.scan));
            }
        }
        for item in &record.items {
            self.item(item);
        }
        for left in &record.gates {
            self.left(view, time_ns, left);
        }
        for command in &record.commands {
            self.applied[command.output().index()] = Some(command.value());
        }
        self.events(view, record, tags);
        for late in &record.late_faults {
            self.controller(view, time_ns, &format!("{}: {}", label(late.instance), late.fault));
        }
        for change in record.states.iter().filter(|change| change.state != "running") {
            self.controller(view, time_ns, &format!("{}: {}", label(change.instance), change.state));
        }
    }

    /// Lines about what happened to outputs without a proposal, and about proposals that wait.
    fn events(&mut self, view: &mut View, record: &ScanRecord, tags: &TagTable) {
        let time_ns = record.time_ns;
        for event in &record.events {
            let index = event.output.index();
            let name = &self.outputs[index].name;
            let text = match event.kind {
                Happened::Advised { id } => {
                    self.asked[index].waiting = Some(id);
                    continue;
                }
                Happened::AdviceExpired { id } => {
                    self.asked[index].waiting = None;
                    format!("{name}: number {} expired: nobody answered, and it was not proposed again", id.0)
                }
                Happened::Tripped => match record.trips.iter().find(|trip| trip.output == event.output) {
                    Some(trip) => {
                        let made = witnesses(&trip.witnesses, tags);
                        let reset = match &self.reach {
                            Some(reach) => format!("`dinrail reset {name}{reach}`"),
                            None => "the controller's end".to_owned(),
                        };
                        format!("{name}: tripped by `{}`: {made}; latched until {reset}", trip.expression)
                    }
                    None => format!("{name}: tripped"),
                },
                Happened::LeaseEnded => {
                    format!("{name}: nothing was proposed for its lease: the default or the fail-safe value takes over")
                }
                Happened::Halted => format!("{name}: the line is stopped for an item without a verdict"),
                Happened::OrderDropped => {
                    format!("{name}: an order that was taken could not be placed in its time, and is dropped")
                }
                Happened::RangeReduced => self.range_reduced(index),
                Happened::RangeRestored => format!("{name}: its whole range holds again"),
                Happened::OverrideEnded => format!("{name}: the override ended"),
            };
            self.controller(view, time_ns, &text);
        }
        for index in 0..self.asked.len() {
            let asked = &mut self.asked[index];
            if asked.told.is_some_and(|at| at.elapsed() < ASKED_EVERY) {
                continue;
            }
            let Some(id) = asked.waiting.take() else { continue };
            asked.told = Some(Instant::now());
            let output = &self.outputs[index];
            let show = |value: Option<f64>| value.map_or("unknown".to_owned(), |value| quantity(value, &output.unit));
            let setpoint = show(self.judged[index].and_then(|judgement| judgement.setpoint));
            let answer = match &self.reach {
                Some(reach) => format!("`dinrail advise accept {}{reach}`, or reject", id.0),
                None => "nobody can answer: this controller has no control socket".to_owned(),
            };
            let text = format!(
                "{}: {setpoint} waits for a word (in force {}): {answer}",
                output.name,
                show(self.applied[index])
            );
            self.controller(view, time_ns, &text);
        }
    }

    fn range_reduced(&self, index: usize) -> String {
        let (output, Some(reduced)) = (&self.outputs[index], &self.reduced[index]) else { return String::new() };
        let (lo, hi) = reduced.range;
        let hi = quantity(hi, &output.unit);
        format!("{}: its range is {} to {hi} while `{}` holds", output.name, number(lo), reduced.when.text())
    }

    /// The reason, with the condition that it speaks of.
    fn reason(&self, judgement: &Judgement) -> String {
        told(&judgement.reason, self.reduced[judgement.output.index()].as_ref())
    }

    /// A line where a model begins to see what it was not trained on, and where that ends.
    fn drift(
        &mut self,
        view: &mut View,
        time_ns: TimeNs,
        instance: &InstanceRecord,
        label: &impl Fn(InstanceId) -> String,
    ) {
        let Some(last) = instance.report.inferences.last() else { return };
        let outside = instance.report.inferences.iter().any(|inference| inference.outside);
        let said = self.said.entry(instance.instance).or_default();
        if std::mem::replace(&mut said.drift, outside) != outside {
            let what = if outside { "sees inputs unlike its training data" } else { "sees usual inputs again" };
            self.controller(view, time_ns, &format!("{}: its model `{}` {what}", label(instance.instance), last.model));
        }
    }

    /// A line where an output's verdict or its reason changes, but not more than one every [`VERDICT_EVERY`].
    fn judgement(&mut self, view: &mut View, time_ns: TimeNs, judgement: &Judgement) {
        let index = judgement.output.index();
        self.applied[index] = judgement.applied;
        let before = self.judged[index].replace(*judgement);
        let same = before
            .is_some_and(|before| before.verdict == judgement.verdict && same_kind(&before.reason, &judgement.reason));
        if same {
            return;
        }
        let (last, left_out) = &mut self.verdict_lines[index];
        if last.is_some_and(|last| last.elapsed() < VERDICT_EVERY) {
            *left_out += 1;
            return;
        }
        *last = Some(Instant::now());
        let more = match std::mem::take(left_out) {
            0 => String::new(),
            count => format!("; {count} changes since the last line"),
        };
        let output = &self.outputs[index];
        let unit = &output.unit;
        let setpoint = judgement.setpoint.map_or("none".into(), |value| format!("{value:.4} {unit}"));
        let applied = judgement.applied.map_or("unknown".into(), |value| format!("{value:.4} {unit}"));
        let text = format!(
            "{}: {} {}: {} (in force {applied}{more})",
            output.name,
            setpoint,
            judgement.verdict.name(),
            self.reason(judgement)
        );
        self.tell(view, time_ns, EventKind::Verdict, text);
    }

    fn item(&mut self, item: &ItemJudgement) {
        let text = format!("item {} {}: {}: {}", item.item, item.decision.name(), item.verdict.name(), item.reason);
        self.gates[item.output.index()] = Some((text, item.mode));
    }

    /// A line where an item is taken out, or something is odd, but not more than one every [`VERDICT_EVERY`].
    fn left(&mut self, view: &mut View, time_ns: TimeNs, left: &GateOutcome) {
        if left.action == Action::Pass && left.cause == ActionCause::Verdict && left.done {
            return;
        }
        let index = left.output.index();
        let (last, left_out) = &mut self.verdict_lines[index];
        if last.is_some_and(|last| last.elapsed() < VERDICT_EVERY) {
            *left_out += 1;
            return;
        }
        *last = Some(Instant::now());
        let more = match std::mem::take(left_out) {
            0 => String::new(),
            count => format!("; {count} others since the last line"),
        };
        let done = if left.done { "" } else { ", and the gate did not stand so" };
        let (action, cause) = (left.action.name(), left.cause.name());
        let text = format!("{}: item {}: {action} by {cause}{done}{more}", self.outputs[index].name, left.item);
        self.tell(view, time_ns, EventKind::Verdict, text);
    }

    fn tell(&self, view: &mut View, time_ns: TimeNs, kind: EventKind, text: String) {
        // Much of it is guest-controlled, and control characters could write anywhere on a terminal.
        let text = text.replace(char::is_control, " ");
        view.event(Event { time: self.clock(time_ns), kind, text });
    }

    /// Run time as the site's clock shows it.
    fn clock(&self, time_ns: TimeNs) -> String {
        match jiff::Timestamp::from_nanosecond(i128::from(time_ns)) {
            Ok(time) => time.to_zoned(self.time_zone.clone()).strftime("%F %T").to_string(),
            Err(_) => format!("{time_ns} ns"),
        }
    }
}

/// The first few by name, the others counted.
fn tag_list(changes: &[&PresenceChange], tags: &TagTable) -> String {
    let name = |change: &&PresenceChange| {
        let tag = &tags.get(change.tag).name;
        change.asset.as_ref().map_or_else(|| tag.clone(), |asset| format!("{tag}[{asset}]"))
    };
    let mut text = changes.iter().take(NAMED_TAGS).map(name).collect::<Vec<_>>().join(", ");
    if changes.len() > NAMED_TAGS {
        text.push_str(&format!(" and {} more", changes.len() - NAMED_TAGS));
    }
    text
}

fn same_kind(one: &Reason, other: &Reason) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// What a picture is drawn from.
pub(super) struct Standing<'a> {
    pub(super) setup: &'a Setup,
    pub(super) statistics: &'a Statistics,
    pub(super) notices: &'a Notices,
    pub(super) scan: &'a Scan,
    pub(super) run_s: f64,
    pub(super) mqtt: Option<MqttFigures>,
    pub(super) profit_ratio: Option<f64>,
}

/// How things stand.
pub(super) fn snapshot(standing: &Standing<'_>) -> Snapshot {
    let Standing { setup, statistics, notices, scan, .. } = standing;
    let plugins = statistics
        .plugins
        .iter()
        .map(|figures| PluginLine {
            name: figures.counts.name.clone(),
            world: figures.counts.world,
            state: figures.counts.state,
            calls: figures.counts.calls,
            last_us: figures.last_call_ns as f64 / 1e3,
            mean_us: figures.mean_call_ns() as f64 / 1e3,
            max_us: figures.max_call_ns() as f64 / 1e3,
            missed: figures.counts.missed,
            faults: figures.counts.faults,
        })
        .collect();
    let outputs = setup
        .outputs
        .iter()
        .enumerate()
        .map(|(index, output)| OutputLine {
            name: output.name.clone(),
            applied: match notices.applied[index] {
                Some(value) => format!("{value:.4} {}", output.unit),
                None => "not known yet".into(),
            },
            mode: match (&notices.gates[index], &notices.judged[index]) {
                (Some((_, mode)), _) => mode.name(),
                (None, judgement) => judgement.map_or("", |judgement| judgement.mode.name()),
            },
            verdict: match (&notices.gates[index], &notices.judged[index]) {
                (Some((text, _)), _) => text.clone(),
                (None, Some(judgement)) => format!("{}: {}", judgement.verdict.name(), notices.reason(judgement)),
                (None, None) => String::new(),
            },
        })
        .collect();
    Snapshot {
        site: setup.site.clone(),
        time: notices.clock(scan.record.time_ns),
        wall_s: notices.started.elapsed().as_secs_f64(),
        run_s: standing.run_s,
        scans: statistics.scans,
        overruns: scan.overruns,
        samples_in: statistics.samples_in,
        inferences: statistics.inferences,
        mqtt: standing.mqtt.map(|figures| (figures.published, figures.acked)),
        profit_ratio: standing.profit_ratio,
        plugins,
        outputs,
    }
}
