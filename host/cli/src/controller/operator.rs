//! What an operator asks of the running controller, carried out between two scans.

use super::Controller;
use super::shelf::Pending;
use super::words::{course, quantity, witnesses};
use crate::control::server::Asked;
use crate::control::{Advice, Answer, Request, Standing};
use dinrail_core::alarm::Word;
use dinrail_core::guard::{AdviceId, Mode, OperatorError, OutputId, OutputKind};
use dinrail_core::time::{SECOND_NS, TimeNs};
use std::collections::HashMap;

/// Longest name of a sender that is logged, and longest reason.
const MAX_USER: usize = 64;
const MAX_REASON: usize = 1_000;

/// A sender's text, on one line.
pub(super) fn said(text: &str, longest: usize) -> String {
    text.chars().take(longest).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What was done, or why not.
fn answered(done: Result<String, String>) -> Answer {
    match done {
        Ok(text) => Answer::Done { text },
        Err(why) => Answer::Refused { why },
    }
}

/// What a plugin said for its latest proposal in advise.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) plugin: String,
    pub(super) reason: String,
    pub(super) confidence: f32,
}

/// By output: the latest words, for whom they wait.
pub(super) type AdviceWords = HashMap<OutputId, Words>;

const MODES: [Mode; 4] = [Mode::Manual, Mode::Shadow, Mode::Advise, Mode::Auto];

impl Controller {
    /// Carries a request out and answers it. What an operator did is told in one line: who, what, before and after.
    pub fn carry_out(&mut self, asked: Asked, now_ns: TimeNs) {
        if !asked.claim() {
            return;
        }
        let Asked { mut letter, reply, .. } = asked;
        letter.user = said(&letter.user, MAX_USER);
        let user = letter.user.clone();
        let before = self.standing_of(&letter.request);
        if letter.request.is_slow() {
            return self.ask_shelf(Pending { letter, reply, before }, now_ns);
        }
        let answer = match &letter.request {
            Request::Advices => Answer::Advices { advices: self.advices(now_ns) },
            Request::Modes => Answer::Modes { modes: self.standings() },
            Request::Accept { id } => self.accept(AdviceId(*id), now_ns),
            Request::Reject { id, reason } => self.reject(AdviceId(*id), reason),
            Request::Mode { target, mode } => self.set_mode(target, mode),
            Request::Reset { output } => self.reset(output),
            Request::Status => self.status(now_ns),
            Request::Commit { plugin } => self.commit(plugin, now_ns),
            Request::Override { output, value, for_ms, reason } => {
                self.override_value(output, *value, *for_ms, &said(reason, MAX_REASON), now_ns)
            }
            Request::Release { output } => self.release(output, now_ns),
            Request::Install { .. }
            | Request::Bundles
            | Request::Swap { .. }
            | Request::Set { .. }
            | Request::Rollback { .. } => unreachable!("what is slow went to the shelf"),
            Request::Alarms => self.list_alarms(now_ns),
            Request::Acknowledge { alarm } => answered(self.acknowledge_alarm(alarm, &user, now_ns)),
            Request::Shelve { alarm, for_ms, reason } => {
                let word = Word { user: user.clone(), reason: said(reason, MAX_REASON), until_ns: None };
                answered(self.shelve_alarm(alarm, *for_ms, word, now_ns))
            }
            Request::Unshelve { alarm } => answered(self.unshelve_alarm(alarm, &user, now_ns)),
            Request::Incidents => self.flights.folder(),
            Request::TakeIncident { reason } => self.take_incident(&user, reason),
        };
        self.tell_operator(&user, &letter.request, before, &answer);
        // Who asked may have gone.
        let _ = reply.send(answer);
    }

    /// Writes an answer down and logs it.
    pub(super) fn tell_operator(&self, user: &str, request: &Request, before: String, answer: &Answer) {
        self.write_down(user, request, before, answer);
        match answer {
            Answer::Done { text } => tracing::info!(user, "{text}"),
            Answer::Refused { why } => {
                tracing::warn!(user, ?request, why, "an operator's word is refused")
            }
            Answer::Advices { .. }
            | Answer::Modes { .. }
            | Answer::Alarms { .. }
            | Answer::Incidents { .. }
            | Answer::Status { .. }
            | Answer::Bundles { .. } => {}
        }
    }

    /// An operator's own value for an output.
    fn override_value(&mut self, name: &str, value: f64, for_ms: u64, reason: &str, now_ns: TimeNs) -> Answer {
        let Some(output) = self.output(name) else { return self.no_output(name) };
        if reason.trim().is_empty() {
            let why = format!("{name} is not overridden: that needs its reason, `--reason \"…\"`");
            return Answer::Refused { why };
        }
        let for_ns = for_ms.saturating_mul(1_000_000);
        match self.guard.override_output(output, value, now_ns, for_ns) {
            Ok(_) => {
                let (_, unit) = self.name(output);
                let minutes = for_ms as f64 / 60_000.0;
                let value = quantity(value, unit);
                let text = format!("{name}: overridden to {value} for {minutes:.1} min, within its limits: {reason}");
                Answer::Done { text }
            }
            Err(error) => Answer::Refused { why: format!("{name} is not overridden: {error}") },
        }
    }

    fn release(&mut self, name: &str, now_ns: TimeNs) -> Answer {
        let Some(output) = self.output(name) else { return self.no_output(name) };
        match self.guard.release(output, now_ns) {
            Ok(()) => Answer::Done { text: format!("{name}: the override is over; its owner has it again") },
            Err(error) => Answer::Refused { why: format!("{name}: {error}") },
        }
    }

    fn no_output(&self, name: &str) -> Answer {
        let help = crate::config::did_you_mean(name, self.outputs.iter().map(|output| output.name.as_str()));
        Answer::Refused { why: format!("there is no output `{name}`; {help}") }
    }

    pub(super) fn name(&self, output: OutputId) -> (&str, &str) {
        self.outputs.get(output.index()).map_or(("", ""), |output| (output.name.as_str(), output.unit.as_str()))
    }

    pub(super) fn output(&self, name: &str) -> Option<OutputId> {
        let index = self.outputs.iter().position(|output| output.name == name)?;
        Some(OutputId(u32::try_from(index).ok()?))
    }

    fn advices(&self, now_ns: TimeNs) -> Vec<Advice> {
        let waiting = self.guard.advices().into_iter();
        let advice = waiting.map(|advice| {
            let (output, unit) = self.name(advice.output);
            let words = self.advice_words.get(&advice.output);
            let left_ns = advice.until_ns.saturating_sub(now_ns);
            let applied = self.guard.output_states(&[advice.output]).first().and_then(|state| state.applied);
            let spec = self.guard.spec(advice.output);
            Advice {
                id: advice.id.0,
                output: output.to_owned(),
                plugin: words.map_or_else(String::new, |words| words.plugin.clone()),
                setpoint: advice.setpoint,
                applied,
                unit: unit.to_owned(),
                reason: words.map_or_else(String::new, |words| words.reason.clone()),
                confidence: words.map_or(0.0, |words| words.confidence),
                verdict: advice.verdict.name().to_owned(),
                guard: spec.map_or_else(String::new, |spec| course(spec, applied, advice.setpoint, advice.reason)),
                since: clock(advice.since_ns),
                expires_in_s: left_ns as f64 / SECOND_NS as f64,
            }
        });
        advice.collect()
    }

    fn accept(&mut self, id: AdviceId, now_ns: TimeNs) -> Answer {
        let accepted = match self.guard.accept(id, now_ns) {
            Ok(accepted) => accepted,
            Err(error) => return Answer::Refused { why: format!("number {} is not accepted: {error}", id.0) },
        };
        let (name, _) = self.name(accepted.output);
        let Some(spec) = self.guard.spec(accepted.output) else {
            return Answer::Done { text: format!("accepted number {}", id.0) };
        };
        if spec.kind == OutputKind::Order {
            let way = course(spec, None, accepted.target, accepted.reason);
            return Answer::Done { text: format!("accepted number {}: {name} {way}", id.0) };
        }
        let way = course(spec, accepted.applied, accepted.setpoint, accepted.reason);
        let plugin = self.advice_words.get(&accepted.output).map_or("its plugin", |words| words.plugin.as_str());
        let text = format!("accepted number {}: {name} {way}; it stands while {plugin} goes on proposing", id.0);
        Answer::Done { text }
    }

    fn reject(&mut self, id: AdviceId, reason: &str) -> Answer {
        let reason = said(reason, MAX_REASON);
        if reason.trim().is_empty() {
            let why = format!("number {} is not rejected: a no needs its reason, `--reason \"…\"`", id.0);
            return Answer::Refused { why };
        }
        match self.guard.reject(id) {
            Ok(output) => {
                let text = format!("rejected number {} for {}: {reason}", id.0, self.name(output).0);
                Answer::Done { text }
            }
            Err(error) => Answer::Refused { why: format!("number {} is not rejected: {error}", id.0) },
        }
    }

    fn take_incident(&mut self, user: &str, reason: &str) -> Answer {
        let reason = said(reason, MAX_REASON);
        if reason.trim().is_empty() {
            let why = "an incident needs its reason, `--reason \"…\"`".to_owned();
            return Answer::Refused { why };
        }
        self.flights.ask(user.to_owned(), reason)
    }

    fn standings(&self) -> Vec<Standing> {
        let mut modes: Vec<Standing> = Vec::new();
        for (plugin, mode) in self.plugins.iter().zip(&self.plugin_modes) {
            modes.push(Standing {
                kind: "plugin".to_owned(),
                name: plugin.config.name.clone(),
                mode: mode.name().to_owned(),
                holds: None,
                tripped: false,
                trip: None,
            });
        }
        for (output, id) in self.outputs.iter().zip((0..).map(OutputId)) {
            let Some(spec) = self.guard.spec(id) else { continue };
            modes.push(Standing {
                kind: "output".to_owned(),
                name: output.name.clone(),
                mode: spec.mode.name().to_owned(),
                holds: Some(spec.mode.min(spec.owner_mode).name().to_owned()),
                tripped: self.guard.is_tripped(id),
                trip: self.guard.is_tripped(id).then(|| self.trip_text(id)),
            });
        }
        modes
    }

    fn set_mode(&mut self, target: &str, mode: &str) -> Answer {
        let refused = |why: String| Answer::Refused { why };
        let Some(mode) = MODES.into_iter().find(|known| known.name() == mode) else {
            return refused(format!("`{mode}` is no mode; there are manual, shadow, advise and auto"));
        };
        if let Some(output) = self.output(target) {
            let gap = self.auto_gaps.get(output.index()).copied().flatten();
            if let Some(gap) = gap.filter(|_| mode == Mode::Auto) {
                return refused(format!("{target} can't go to auto: {gap}; add it to the configuration"));
            }
            let before = self.guard.spec(output).map_or("unknown", |spec| spec.mode.name());
            return match self.guard.set_mode(output, mode) {
                Ok(()) => Answer::Done { text: self.mode_text("output", target, before, mode, &[output]) },
                Err(error) => refused(error.to_string()),
            };
        }
        let Some(index) = self.plugins.iter().position(|plugin| plugin.config.name == target) else {
            let outputs = self.outputs.iter().map(|output| output.name.as_str());
            let names = self.plugins.iter().map(|plugin| plugin.config.name.as_str()).chain(outputs);
            let help = crate::config::did_you_mean(target, names);
            return refused(format!("there is no plugin and no output `{target}`; {help}"));
        };
        let outputs = self.plugins[index].output_ids();
        let before = std::mem::replace(&mut self.plugin_modes[index], mode);
        let owner = self.instances().find(|(_, plugin, _)| *plugin == index).map(|(id, ..)| id);
        if let Some(owner) = owner {
            self.guard.set_owner_mode(owner, mode);
        }
        Answer::Done { text: self.mode_text("plugin", target, before.name(), mode, &outputs) }
    }

    /// What was changed, and what now holds for the outputs that it is about.
    fn mode_text(&self, kind: &str, target: &str, before: &str, mode: Mode, outputs: &[OutputId]) -> String {
        let held = outputs.iter().filter_map(|output| {
            let spec = self.guard.spec(*output)?;
            let holds = spec.mode.min(spec.owner_mode);
            (holds != mode)
                .then(|| format!("; for {} {} holds, the lower of plugin and output", spec.name, holds.name()))
        });
        format!("{kind} {target}: mode {before} → {}{}", mode.name(), held.collect::<String>())
    }

    /// Why an output is tripped.
    fn trip_text(&self, output: OutputId) -> String {
        let condition = self.guard.spec(output).and_then(|spec| spec.trip.as_ref()).map_or("", |trip| trip.text());
        let made = self.guard.trip_witnesses(output);
        format!("`{condition}`, when {}", witnesses(made, self.images.tags()))
    }

    fn reset(&mut self, name: &str) -> Answer {
        let Some(output) = self.output(name) else { return self.no_output(name) };
        let halted = self.guard.is_halted(output) && !self.guard.is_tripped(output);
        match self.guard.reset_trip(output) {
            Ok(()) if halted => {
                Answer::Done { text: format!("{name}: the line goes on; the item that it stood for is taken out") }
            }
            Ok(()) => {
                let spec = self.guard.spec(output);
                let value = spec.and_then(|spec| Some(quantity(spec.fail_safe?, spec.unit.code()))).unwrap_or_default();
                let text = format!(
                    "{name}: trip reset; it stays at its fail-safe value {value} until something is proposed for it"
                );
                Answer::Done { text }
            }
            Err(error) => {
                let now = self.guard.trip_now(output, self.images.site());
                let made = match (error, now.as_slice()) {
                    (OperatorError::TripHolds, [_, ..]) => format!(": {}", witnesses(&now, self.images.tags())),
                    _ => String::new(),
                };
                Answer::Refused { why: format!("{name}: {error}{made}") }
            }
        }
    }
}

pub(super) fn clock(time_ns: TimeNs) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(time_ns))
        .map_or_else(|_| time_ns.to_string(), |stamp| stamp.to_string())
}
