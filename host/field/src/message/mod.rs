//! The one JSON form of everything that leaves: one object a result, the same in files and on topics.
//!
//! Every object has `kind` and `time` (RFC 3339, UTC, milliseconds, cut and not rounded). Those of a
//! plugin begin with the same head:
//!
//! | field | what |
//! | --- | --- |
//! | `kind` | see [`Kind`] |
//! | `scan` | the scan's number |
//! | `row` | index among the frame's new rows; for what has no row of its own, the last one |
//! | `time` | source time of that row |
//! | `plugin`, `asset` | names as configured; `asset` is null where the plugin serves none |
//! | `quality` | good, uncertain, bad, stale: of the result, or else of the row's inputs |
//!
//! and go on with
//!
//! | kind | fields |
//! | --- | --- |
//! | anomaly | `score`, `alarm`, `severity`, `contributions` {tag: share} |
//! | health | `index`, `mode`, `rul`, `rul_lo`, `rul_hi` (null: cannot be told, or for `rul_hi` "more than `rul_lo`"), `unit` |
//! | verdict | `item`, `decision`, `defect`, `confidence` |
//! | signal | `tag`, `statistic`, `lower`, `upper`, `rule` |
//! | proposal | `output`, `setpoint`, `unit`, `confidence`, `verdict`, `reason` (the guard's), `applied`, `rationale` (the plugin's) |
//! | plan | `schedule` [{`output`, `time`, `setpoint`, `unit`}], `expected` [{`name`, `unit`, `start`, `step_s`, `values`}], `expected_cost`, `horizon_s` |
//! | forecast | `tag`, `step`, `unit`, `quantiles` {level: value} |
//! | order | `item`, `quantity`, `unit`, `confidence`, `verdict`, `reason`, `applied`, `rationale` |
//! | fault | `outcome` (missed, faulted, skipped), `fault`, `detail` |
//!
//! Those of the controller: value (`scan`, `time`, `tag`, `asset`, `value`, `unit`, `quality`), command
//! (`scan`, `time`, `output`, `plugin`, `asset`, `value`, `unit`, `cause`) and state (`scan`, `time`,
//! `plugin`, `asset`, `world`, `state`, `digest`, `calls`, `faults`, `missed`, `drifted`), and gate (`scan`, `time`, `output`,
//! `items`, `item`, `action`, `cause`, `done`): what a gate did with an item that left it, and alarm (`scan`, `time`, `alarm`, `priority`,
//! `event`, `before`, `state`, `chattering`, `raises`, `text`, `detail`, `user`, `reason`, `until`). A value that is not usable is null.
//! `schema/results.schema.json` says the same for machines.

mod alarm;
mod context;
mod stamp;
mod wire;

pub use alarm::AlarmMessage;
pub use context::{Named, PluginContext};
pub use stamp::rfc3339;
pub use wire::{CommandMessage, GateMessage, StateMessage, ValueMessage};

use dinrail_core::frame::Frame;
use dinrail_core::outcome::{Forecast, Health, Outcome, Plan, Proposal, Results};
use dinrail_core::tag::Quality;
use dinrail_core::time::TimeNs;
use serde::Serialize;

/// The JSON schema of every object.
pub const SCHEMA: &str = include_str!("../../schema/results.schema.json");

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A tag's value.
    Value,
    /// `detect`.
    Anomaly,
    /// `assess`.
    Health,
    /// `inspect`, one an item.
    Verdict,
    /// `inspect`, a point on a control chart.
    Signal,
    /// A wish for an output, and what the guard made of it.
    Proposal,
    /// `plan`: the schedule.
    Plan,
    /// `forecast`.
    Forecast,
    /// `replenish`, and what the guard made of it.
    Order,
    /// A plugin instance's state.
    State,
    /// A call that gave no result.
    Fault,
    /// What was written to an output.
    Command,
    /// What a gate did with an item.
    Gate,
    /// What became of an alarm.
    Alarm,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 14] = [
        Kind::Value,
        Kind::Anomaly,
        Kind::Health,
        Kind::Verdict,
        Kind::Signal,
        Kind::Proposal,
        Kind::Plan,
        Kind::Forecast,
        Kind::Order,
        Kind::State,
        Kind::Fault,
        Kind::Command,
        Kind::Gate,
        Kind::Alarm,
    ];

    /// As JSON and topics call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Value => "value",
            Kind::Anomaly => "anomaly",
            Kind::Health => "health",
            Kind::Verdict => "verdict",
            Kind::Signal => "signal",
            Kind::Proposal => "proposal",
            Kind::Plan => "plan",
            Kind::Forecast => "forecast",
            Kind::Order => "order",
            Kind::State => "state",
            Kind::Fault => "fault",
            Kind::Command => "command",
            Kind::Gate => "gate",
            Kind::Alarm => "alarm",
        }
    }

    /// Whether only the latest counts, so that a topic keeps it for those who come later.
    #[must_use]
    pub fn is_status(self) -> bool {
        matches!(self, Kind::Value | Kind::State | Kind::Health | Kind::Alarm)
    }
}

/// A proposal or an order with what the guard made of it.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// As the plugin made it.
    pub proposal: &'a Proposal,
    /// accepted, clamped, held, rejected.
    pub verdict: &'a str,
    /// The guard's reason.
    pub reason: &'a str,
    /// The value in force, or none.
    pub applied: Option<f64>,
}

/// Writes objects into a buffer that it keeps.
#[derive(Debug, Default)]
pub struct Encoder {
    buffer: Vec<u8>,
}

impl Encoder {
    /// With an empty buffer.
    #[must_use]
    pub fn new() -> Encoder {
        Encoder::default()
    }

    /// One object a result, handed to `each` as kind and bytes without a line's end. Proposals and
    /// orders are those in `judged`, in its order, whatever `results` says of them.
    pub fn results(
        &mut self,
        context: &PluginContext,
        frame: &Frame,
        results: &Results,
        judged: &[Judged<'_>],
        each: &mut impl FnMut(Kind, &[u8]),
    ) {
        match results {
            Results::Anomalies(items) => {
                for item in items {
                    let body = wire::Anomaly::new(item, context);
                    each(Kind::Anomaly, self.object(Kind::Anomaly, context, frame, item.row, item.quality, &body));
                }
            }
            Results::Health(items) => {
                for item in items {
                    each(Kind::Health, self.health(context, frame, item));
                }
            }
            Results::Inspection { verdicts, signals } => {
                for item in verdicts {
                    let body = wire::ItemVerdict::new(item);
                    each(Kind::Verdict, self.object(Kind::Verdict, context, frame, item.row, item.quality, &body));
                }
                for item in signals {
                    let body = wire::Signal::new(item, context);
                    let quality = row_quality(frame, item.row as usize);
                    each(Kind::Signal, self.object(Kind::Signal, context, frame, item.row, quality, &body));
                }
            }
            Results::Proposals(_) => self.proposals(context, frame, judged, each),
            Results::Plan(plan) => {
                each(Kind::Plan, self.plan(context, frame, plan));
                self.proposals(context, frame, judged, each);
            }
            Results::Supply { forecasts, .. } => {
                for item in forecasts {
                    each(Kind::Forecast, self.forecast(context, frame, item));
                }
                for item in judged {
                    let body = wire::Order::new(item, context);
                    each(Kind::Order, self.last_row(Kind::Order, context, frame, &body));
                }
            }
        }
    }

    /// Everything that came of a call: its results, or one `fault` that says why there are none.
    pub fn outcome(
        &mut self,
        context: &PluginContext,
        frame: &Frame,
        outcome: &Outcome,
        judged: &[Judged<'_>],
        each: &mut impl FnMut(Kind, &[u8]),
    ) {
        let (fault, detail) = match outcome {
            Outcome::Answered(results) => return self.results(context, frame, results, judged, each),
            Outcome::Missed => (None, String::new()),
            Outcome::Faulted(fault) => (Some(fault.kind()), fault.to_string()),
            Outcome::Skipped(why) => (None, (*why).to_owned()),
        };
        let body = wire::FaultBody { outcome: outcome.kind(), fault, detail: &detail };
        each(Kind::Fault, self.last_row(Kind::Fault, context, frame, &body));
    }

    /// A tag's value.
    pub fn value(&mut self, value: &ValueMessage<'_>) -> &[u8] {
        self.whole(&wire::ValueObject::new(value))
    }

    /// What was written to an output.
    pub fn command(&mut self, command: &CommandMessage<'_>) -> &[u8] {
        self.whole(&wire::CommandObject::new(command))
    }

    /// What a gate did with an item.
    pub fn gate(&mut self, gate: &GateMessage<'_>) -> &[u8] {
        self.whole(&wire::GateObject::new(gate))
    }

    /// What became of an alarm.
    pub fn alarm(&mut self, alarm: &AlarmMessage<'_>) -> &[u8] {
        self.whole(&alarm::AlarmObject::new(alarm))
    }

    /// A plugin instance's state.
    pub fn state(&mut self, state: &StateMessage<'_>) -> &[u8] {
        self.whole(&wire::StateObject::new(state))
    }

    fn health(&mut self, context: &PluginContext, frame: &Frame, item: &Health) -> &[u8] {
        let body = wire::Health::new(item, context);
        self.object(Kind::Health, context, frame, item.row, item.quality, &body)
    }

    fn plan(&mut self, context: &PluginContext, frame: &Frame, plan: &Plan) -> &[u8] {
        let row = u32::try_from(frame.rows().saturating_sub(1)).unwrap_or(u32::MAX);
        let quality = plan.quality.max(frame.last_row_quality());
        self.object(Kind::Plan, context, frame, row, quality, &wire::Plan::new(plan, context))
    }

    fn forecast(&mut self, context: &PluginContext, frame: &Frame, item: &Forecast) -> &[u8] {
        let body = wire::Forecast::new(item, context);
        self.object(Kind::Forecast, context, frame, item.row, item.quality, &body)
    }

    fn proposals(
        &mut self,
        context: &PluginContext,
        frame: &Frame,
        judged: &[Judged<'_>],
        each: &mut impl FnMut(Kind, &[u8]),
    ) {
        for item in judged {
            let body = wire::ProposalBody::new(item, context);
            each(Kind::Proposal, self.last_row(Kind::Proposal, context, frame, &body));
        }
    }

    /// An object for what has no row of its own.
    fn last_row<B: Serialize>(&mut self, kind: Kind, context: &PluginContext, frame: &Frame, body: &B) -> &[u8] {
        let row = u32::try_from(frame.rows().saturating_sub(1)).unwrap_or(u32::MAX);
        self.object(kind, context, frame, row, frame.last_row_quality(), body)
    }

    /// Head and body. The names in the head were escaped once, when the context was made, and the
    /// body's opening brace becomes the comma between the two.
    fn object<B: Serialize>(
        &mut self,
        kind: Kind,
        context: &PluginContext,
        frame: &Frame,
        row: u32,
        quality: Quality,
        body: &B,
    ) -> &[u8] {
        let new_row = (row as usize).saturating_sub(frame.first_new);
        let time_ns: TimeNs = frame.times_ns.get(row as usize).copied().unwrap_or(frame.time_ns);
        let buffer = &mut self.buffer;
        buffer.clear();
        buffer.extend_from_slice(b"{\"kind\":\"");
        buffer.extend_from_slice(kind.name().as_bytes());
        buffer.extend_from_slice(b"\",\"scan\":");
        append(buffer, &frame.scan);
        buffer.extend_from_slice(b",\"row\":");
        append(buffer, &new_row);
        buffer.extend_from_slice(b",\"time\":\"");
        buffer.extend_from_slice(&rfc3339(time_ns));
        buffer.extend_from_slice(context.head());
        buffer.extend_from_slice(quality.name().as_bytes());
        buffer.push(b'"');
        let brace = buffer.len();
        append(buffer, body);
        buffer[brace] = b',';
        buffer
    }

    fn whole<B: Serialize>(&mut self, object: &B) -> &[u8] {
        self.buffer.clear();
        append(&mut self.buffer, object);
        &self.buffer
    }
}

/// Worst quality of a row's inputs.
fn row_quality(frame: &Frame, row: usize) -> Quality {
    let start = row.saturating_mul(frame.columns);
    let cells = frame.quality.get(start..start.saturating_add(frame.columns)).unwrap_or(&[]);
    cells.iter().map(|code| Quality::from_code(*code)).max().unwrap_or(Quality::Good)
}

fn append<B: Serialize>(buffer: &mut Vec<u8>, value: &B) {
    serde_json::to_writer(buffer, value).expect("memory takes every byte, and the wire types have text keys only");
}

#[cfg(test)]
mod tests;
