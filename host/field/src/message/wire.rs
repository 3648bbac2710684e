//! The wire types: borrowed, and nothing but the shape of the JSON.

use super::context::PluginContext;
use super::stamp::Stamp;
use super::{Judged, Kind};
use dinrail_core::outcome;
use dinrail_core::tag::Quality;
use dinrail_core::time::{SECOND_NS, TimeNs};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

#[derive(Serialize)]
pub(super) struct Anomaly<'a> {
    score: f64,
    alarm: bool,
    severity: &'static str,
    contributions: Shares<'a>,
}

impl<'a> Anomaly<'a> {
    pub(super) fn new(item: &'a outcome::Anomaly, context: &'a PluginContext) -> Anomaly<'a> {
        Anomaly {
            score: item.score,
            alarm: item.alarm,
            severity: item.severity.name(),
            contributions: Shares { parts: &item.contributions, context },
        }
    }
}

struct Shares<'a> {
    parts: &'a [outcome::Contribution],
    context: &'a PluginContext,
}

impl Serialize for Shares<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, part) in self.parts.iter().enumerate() {
            // Guest-controlled: a column may come twice, a key may not. The first, largest, stands.
            if self.parts[..at].iter().any(|earlier| earlier.column == part.column) {
                continue;
            }
            map.serialize_entry(self.context.column(part.column).0, &part.share)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
pub(super) struct Health<'a> {
    index: f64,
    mode: &'a str,
    rul: Option<f64>,
    rul_lo: Option<f64>,
    rul_hi: Option<f64>,
    unit: &'a str,
}

impl<'a> Health<'a> {
    pub(super) fn new(item: &'a outcome::Health, context: &'a PluginContext) -> Health<'a> {
        Health {
            index: item.index,
            mode: &item.mode,
            rul: item.life.map(|life| life.rul),
            rul_lo: item.life.map(|life| life.rul_lo),
            rul_hi: item.life.and_then(|life| life.rul_hi),
            unit: context.life_unit(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ItemVerdict<'a> {
    item: u64,
    decision: &'static str,
    defect: &'a str,
    confidence: f64,
}

impl<'a> ItemVerdict<'a> {
    pub(super) fn new(item: &'a outcome::ItemVerdict) -> ItemVerdict<'a> {
        ItemVerdict {
            item: item.item,
            decision: item.decision.name(),
            defect: &item.defect,
            confidence: item.confidence,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Signal<'a> {
    tag: &'a str,
    statistic: f64,
    lower: f64,
    upper: f64,
    rule: &'a str,
}

impl<'a> Signal<'a> {
    pub(super) fn new(item: &'a outcome::ChartSignal, context: &'a PluginContext) -> Signal<'a> {
        Signal {
            tag: context.column(item.column).0,
            statistic: item.statistic,
            lower: item.lower,
            upper: item.upper,
            rule: &item.rule,
        }
    }
}

#[derive(Serialize)]
pub(super) struct ProposalBody<'a> {
    output: &'a str,
    setpoint: f64,
    unit: &'a str,
    confidence: f32,
    verdict: &'a str,
    reason: &'a str,
    applied: Option<f64>,
    rationale: &'a str,
}

impl<'a> ProposalBody<'a> {
    pub(super) fn new(item: &'a Judged<'a>, context: &'a PluginContext) -> ProposalBody<'a> {
        let (output, unit) = context.output(item.proposal.output);
        ProposalBody {
            output,
            setpoint: item.proposal.setpoint,
            unit,
            confidence: item.proposal.confidence,
            verdict: item.verdict,
            reason: item.reason,
            applied: item.applied,
            rationale: &item.proposal.reason,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Order<'a> {
    item: &'a str,
    quantity: f64,
    unit: &'a str,
    confidence: f32,
    verdict: &'a str,
    reason: &'a str,
    applied: Option<f64>,
    rationale: &'a str,
}

impl<'a> Order<'a> {
    pub(super) fn new(item: &'a Judged<'a>, context: &'a PluginContext) -> Order<'a> {
        let (output, unit) = context.output(item.proposal.output);
        Order {
            item: output,
            quantity: item.proposal.setpoint,
            unit,
            confidence: item.proposal.confidence,
            verdict: item.verdict,
            reason: item.reason,
            applied: item.applied,
            rationale: &item.proposal.reason,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Plan<'a> {
    schedule: Schedule<'a>,
    expected: Expectations<'a>,
    expected_cost: f64,
    horizon_s: f64,
}

impl<'a> Plan<'a> {
    pub(super) fn new(plan: &'a outcome::Plan, context: &'a PluginContext) -> Plan<'a> {
        Plan {
            schedule: Schedule { steps: &plan.schedule, context },
            expected: Expectations(&plan.expected),
            expected_cost: plan.expected_cost,
            horizon_s: plan.horizon_ns as f64 / SECOND_NS as f64,
        }
    }
}

struct Expectations<'a>(&'a [outcome::Expectation]);

#[derive(Serialize)]
struct Expectation<'a> {
    name: &'a str,
    unit: &'a str,
    start: Stamp,
    step_s: f64,
    values: &'a [f64],
}

impl Serialize for Expectations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for series in self.0 {
            list.serialize_element(&Expectation {
                name: &series.name,
                unit: &series.unit,
                start: Stamp(series.start_ns),
                step_s: series.step_ns as f64 / SECOND_NS as f64,
                values: &series.values,
            })?;
        }
        list.end()
    }
}

struct Schedule<'a> {
    steps: &'a [outcome::PlanStep],
    context: &'a PluginContext,
}

#[derive(Serialize)]
struct Step<'a> {
    output: &'a str,
    time: Stamp,
    setpoint: f64,
    unit: &'a str,
}

impl Serialize for Schedule<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.steps.len()))?;
        for step in self.steps {
            let (output, unit) = self.context.output(step.output);
            list.serialize_element(&Step { output, time: Stamp(step.time_ns), setpoint: step.setpoint, unit })?;
        }
        list.end()
    }
}

#[derive(Serialize)]
pub(super) struct Forecast<'a> {
    tag: &'a str,
    step: u32,
    unit: &'a str,
    quantiles: Quantiles<'a>,
}

impl<'a> Forecast<'a> {
    pub(super) fn new(item: &'a outcome::Forecast, context: &'a PluginContext) -> Forecast<'a> {
        let (tag, unit) = context.column(item.column);
        Forecast {
            tag,
            step: item.step,
            unit,
            quantiles: Quantiles { labels: context.quantiles(), values: &item.quantiles },
        }
    }
}

struct Quantiles<'a> {
    labels: &'a [String],
    values: &'a [f64],
}

impl Serialize for Quantiles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.labels.iter().zip(self.values))
    }
}

#[derive(Serialize)]
pub(super) struct FaultBody<'a> {
    pub(super) outcome: &'static str,
    pub(super) fault: Option<&'static str>,
    pub(super) detail: &'a str,
}

/// A tag's value, to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct ValueMessage<'a> {
    /// In which scan it held.
    pub scan: u64,
    /// When it was measured.
    pub time_ns: TimeNs,
    /// The tag.
    pub tag: &'a str,
    /// The asset's key.
    pub asset: Option<&'a str>,
    /// In `unit`; not finite: null.
    pub value: f64,
    /// UCUM.
    pub unit: &'a str,
    /// Of the value.
    pub quality: Quality,
}

#[derive(Serialize)]
pub(super) struct ValueObject<'a> {
    kind: &'static str,
    scan: u64,
    time: Stamp,
    tag: &'a str,
    asset: Option<&'a str>,
    value: Option<f64>,
    unit: &'a str,
    quality: &'static str,
}

impl<'a> ValueObject<'a> {
    pub(super) fn new(message: &ValueMessage<'a>) -> ValueObject<'a> {
        // The last usable value of a tag that is bad now would read like a measurement.
        let usable = message.quality.is_usable() && message.value.is_finite();
        ValueObject {
            kind: Kind::Value.name(),
            scan: message.scan,
            time: Stamp(message.time_ns),
            tag: message.tag,
            asset: message.asset,
            value: usable.then_some(message.value),
            unit: message.unit,
            quality: message.quality.name(),
        }
    }
}

/// What was written to an output, to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct CommandMessage<'a> {
    /// In which scan.
    pub scan: u64,
    /// Run time of that scan.
    pub time_ns: TimeNs,
    /// The output.
    pub output: &'a str,
    /// The plugin whose proposal it follows, where there is one.
    pub plugin: Option<&'a str>,
    /// The asset's key.
    pub asset: Option<&'a str>,
    /// In `unit`.
    pub value: f64,
    /// UCUM.
    pub unit: &'a str,
    /// Why it was written, in the guard's words.
    pub cause: &'a str,
}

#[derive(Serialize)]
pub(super) struct CommandObject<'a> {
    kind: &'static str,
    scan: u64,
    time: Stamp,
    output: &'a str,
    plugin: Option<&'a str>,
    asset: Option<&'a str>,
    value: f64,
    unit: &'a str,
    cause: &'a str,
}

impl<'a> CommandObject<'a> {
    pub(super) fn new(message: &CommandMessage<'a>) -> CommandObject<'a> {
        CommandObject {
            kind: Kind::Command.name(),
            scan: message.scan,
            time: Stamp(message.time_ns),
            output: message.output,
            plugin: message.plugin,
            asset: message.asset,
            value: message.value,
            unit: message.unit,
            cause: message.cause,
        }
    }
}

/// What a gate did with an item, to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct GateMessage<'a> {
    /// The scan in which the item left.
    pub scan: u64,
    /// Run time of that scan.
    pub time_ns: TimeNs,
    /// The gate.
    pub output: &'a str,
    /// The configuration's name of the items.
    pub items: &'a str,
    /// The item's id.
    pub item: u64,
    /// What it was owed.
    pub action: &'a str,
    /// What decided that.
    pub cause: &'a str,
    /// Whether the gate stood so.
    pub done: bool,
}

#[derive(Serialize)]
pub(super) struct GateObject<'a> {
    kind: &'static str,
    scan: u64,
    time: Stamp,
    output: &'a str,
    items: &'a str,
    item: u64,
    action: &'a str,
    cause: &'a str,
    done: bool,
}

impl<'a> GateObject<'a> {
    pub(super) fn new(message: &GateMessage<'a>) -> GateObject<'a> {
        GateObject {
            kind: Kind::Gate.name(),
            scan: message.scan,
            time: Stamp(message.time_ns),
            output: message.output,
            items: message.items,
            item: message.item,
            action: message.action,
            cause: message.cause,
            done: message.done,
        }
    }
}

/// A plugin instance's state, to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct StateMessage<'a> {
    /// In which scan.
    pub scan: u64,
    /// Run time of that scan.
    pub time_ns: TimeNs,
    /// The plugin's name.
    pub plugin: &'a str,
    /// The asset's key.
    pub asset: Option<&'a str>,
    /// The world's name.
    pub world: &'a str,
    /// One word: running, restarting, quarantined…
    pub state: &'a str,
    /// Of the component that is executing.
    pub digest: &'a str,
    /// Calls so far.
    pub calls: u64,
    /// Of those: faulted.
    pub faults: u64,
    /// Of those: missed.
    pub missed: u64,
    /// Calls in which a model saw inputs unlike those it was trained on.
    pub drifted: u64,
}

#[derive(Serialize)]
pub(super) struct StateObject<'a> {
    kind: &'static str,
    scan: u64,
    time: Stamp,
    plugin: &'a str,
    asset: Option<&'a str>,
    world: &'a str,
    state: &'a str,
    digest: &'a str,
    calls: u64,
    faults: u64,
    missed: u64,
    drifted: u64,
}

impl<'a> StateObject<'a> {
    pub(super) fn new(message: &StateMessage<'a>) -> StateObject<'a> {
        StateObject {
            kind: Kind::State.name(),
            scan: message.scan,
            time: Stamp(message.time_ns),
            plugin: message.plugin,
            asset: message.asset,
            world: message.world,
            state: message.state,
            digest: message.digest,
            calls: message.calls,
            faults: message.faults,
            missed: message.missed,
            drifted: message.drifted,
        }
    }
}
