//! What the recorder tells the sinks.

use super::Recording;
use crate::controller::words::{told, witnesses};
use dinrail_core::guard::{Command, Judgement};
use dinrail_core::outcome::Outcome;
use dinrail_core::record::{InstanceRecord, ScanRecord};
use dinrail_field::message::{AlarmMessage, CommandMessage, GateMessage, Judged, StateMessage, ValueMessage};

impl Recording {
    pub(super) fn tell_sinks(&mut self, instance: &InstanceRecord) {
        let known = &self.known[instance.instance.index()];
        let outcome = &instance.report.outcome;
        let proposals = match outcome {
            Outcome::Answered(results) => results.proposals(),
            Outcome::Missed | Outcome::Faulted(_) | Outcome::Skipped(_) => &[],
        };
        let reduced = |judgement: &Judgement| self.setup.reduced.get(judgement.output.index()).and_then(Option::as_ref);
        let told = |judgement: &Judgement| told(&judgement.reason, reduced(judgement));
        let reasons: Vec<String> = instance.judgements.iter().map(told).collect();
        let judged: Vec<Judged<'_>> = proposals
            .iter()
            .zip(instance.judgements.iter().zip(&reasons))
            .map(|(proposal, (judgement, reason))| Judged {
                proposal,
                verdict: judgement.verdict.name(),
                reason,
                applied: judgement.applied,
            })
            .collect();
        for sink in &mut self.setup.jsonl {
            sink.outcome(&known.context, &instance.frame, outcome, &judged);
        }
        for (sink, id) in self.setup.mqtt.iter_mut().zip(&known.registered) {
            sink.outcome(*id, &instance.frame, outcome, &judged);
        }
    }

    pub(super) fn tell_states(&mut self, record: &ScanRecord) {
        for change in &record.states {
            let known = &self.known[change.instance.index()];
            let figures = &self.statistics.plugins[known.plugin];
            let message = StateMessage {
                scan: record.scan,
                time_ns: record.time_ns,
                plugin: &figures.counts.name,
                asset: known.asset.as_deref(),
                world: figures.counts.world,
                state: change.state,
                digest: &figures.counts.digest,
                calls: figures.counts.calls,
                faults: figures.counts.faults,
                missed: figures.counts.missed,
                drifted: figures.counts.drifted,
            };
            for sink in &mut self.setup.mqtt {
                sink.state(&message);
            }
        }
    }

    pub(super) fn tell_commands(&mut self, commands: &[Command]) {
        for command in commands {
            let output = &self.setup.outputs[command.output().index()];
            let message = CommandMessage {
                scan: command.scan(),
                time_ns: command.time_ns(),
                output: &output.name,
                plugin: None,
                asset: None,
                value: command.value(),
                unit: &output.unit,
                cause: command.cause().name(),
            };
            for sink in &mut self.setup.mqtt {
                sink.command(&message);
            }
            for sink in &mut self.setup.jsonl {
                sink.command(&message);
            }
        }
    }

    pub(super) fn tell_gates(&mut self, record: &ScanRecord) {
        for left in &record.gates {
            let message = GateMessage {
                scan: record.scan,
                time_ns: record.time_ns,
                output: &self.setup.outputs[left.output.index()].name,
                items: self.setup.items.get(left.items).map_or("", String::as_str),
                item: left.item,
                action: left.action.name(),
                cause: left.cause.name(),
                done: left.done,
            };
            self.setup.mqtt.iter_mut().for_each(|sink| sink.gate(&message));
            self.setup.jsonl.iter_mut().for_each(|sink| sink.gate(&message));
        }
    }

    pub(super) fn tell_alarms(&mut self, record: &ScanRecord) {
        for transition in &record.alarms {
            let spec = &self.setup.alarms[transition.alarm.index()];
            let detail = witnesses(&transition.witnesses, &self.setup.tags);
            let message =
                AlarmMessage { scan: record.scan, alarm: &spec.name, text: &spec.text, detail: &detail, transition };
            self.setup.mqtt.iter_mut().for_each(|sink| sink.alarm(&message));
            self.setup.jsonl.iter_mut().for_each(|sink| sink.alarm(&message));
            self.statistics.alarms.count(transition);
            self.notices.alarm(&mut self.setup.view, spec, transition, &detail);
        }
    }

    pub(super) fn tell_values(&mut self, record: &ScanRecord) {
        for value in &record.values {
            let tag = self.setup.tags.get(value.tag);
            let message = ValueMessage {
                scan: record.scan,
                time_ns: value.time_ns,
                tag: &tag.name,
                asset: value.asset.as_deref(),
                value: value.value,
                unit: tag.unit.code(),
                quality: value.quality,
            };
            for sink in &mut self.setup.mqtt {
                sink.value(&message);
            }
        }
    }
}
