//! What came of a call: the results of the six worlds, and the [check](check()) of a guest's answer.

mod check;

pub use check::{MAX_CONTRIBUTIONS, MAX_FORECASTS, MAX_PLAN_STEPS, MAX_TEXT, Nonsense, Question, check, tidy};

use crate::guard::Mode;
use crate::inference::InferenceEntry;
use crate::tag::Quality;
use crate::time::{DurationNs, TimeNs};

/// How grave an anomaly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warning,
    /// Somebody should act.
    Alarm,
    /// Somebody must act now.
    Critical,
}

impl Severity {
    /// In messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Alarm => "alarm",
            Severity::Critical => "critical",
        }
    }
}

/// A column's part in an anomaly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// Value column.
    pub column: u32,
    /// In [0, 1].
    pub share: f64,
}

/// `detect`: one a new row.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// Row of the frame.
    pub row: u32,
    /// Of the result: uncertain where a sensor is in doubt rather than the machine.
    pub quality: Quality,
    /// In [0, 1].
    pub score: f64,
    /// Whether it alarms.
    pub alarm: bool,
    /// How grave.
    pub severity: Severity,
    /// Largest first.
    pub contributions: Vec<Contribution>,
}

/// Remaining useful life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Life {
    /// Estimate, in the unit of the result field `rul`.
    pub rul: f64,
    /// Lower end of its interval.
    pub rul_lo: f64,
    /// Upper end; `None`: more than `rul_lo`.
    pub rul_hi: Option<f64>,
}

/// `assess`.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Row of the frame.
    pub row: u32,
    /// Of the result.
    pub quality: Quality,
    /// 1 as new, 0 failed.
    pub index: f64,
    /// Failure mode, or empty.
    pub mode: String,
    /// Where it can be told.
    pub life: Option<Life>,
}

/// What to do with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Let it pass.
    Pass,
    /// Take it out for rework.
    Rework,
    /// Take it out.
    Reject,
}

impl Decision {
    /// In messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Decision::Pass => "pass",
            Decision::Rework => "rework",
            Decision::Reject => "reject",
        }
    }
}

/// `inspect`: one an item.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemVerdict {
    /// Row of the frame.
    pub row: u32,
    /// Of the result.
    pub quality: Quality,
    /// The item's id.
    pub item: u64,
    /// What to do with it.
    pub decision: Decision,
    /// What is wrong with it, or empty.
    pub defect: String,
    /// In [0, 1].
    pub confidence: f64,
}

/// A point on a control chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartSignal {
    /// Row of the frame.
    pub row: u32,
    /// Value column.
    pub column: u32,
    /// The chart's statistic.
    pub statistic: f64,
    /// Its lower limit.
    pub lower: f64,
    /// Its upper limit.
    pub upper: f64,
    /// The rule that fired, or empty.
    pub rule: String,
}

/// A wish for an output, in the output's unit. Checked: finite, and for an output that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Index among the plugin's bound outputs.
    pub output: u32,
    /// Absolute.
    pub setpoint: f64,
    /// In [0, 1].
    pub confidence: f32,
    /// How long it may stand, run time.
    pub valid_for_ns: DurationNs,
    /// For the operator.
    pub reason: String,
}

/// A step of a plan's schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanStep {
    /// Index among the plugin's bound outputs.
    pub output: u32,
    /// When it begins.
    pub time_ns: TimeNs,
    /// In the output's unit.
    pub setpoint: f64,
}

/// A series that a plan reckons with.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The plugin's name for it.
    pub name: String,
    /// As the plugin says it, UCUM.
    pub unit: String,
    /// Start of the first value.
    pub start_ns: TimeNs,
    /// From one value to the next.
    pub step_ns: DurationNs,
    /// What is expected.
    pub values: Vec<f64>,
}

/// `plan`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Of the result: uncertain where something that it needs is not known.
    pub quality: Quality,
    /// For now.
    pub proposals: Vec<Proposal>,
    /// For later.
    pub schedule: Vec<PlanStep>,
    /// What it reckons with.
    pub expected: Vec<Expectation>,
    /// Over the schedule.
    pub expected_cost: f64,
    /// Over how much time.
    pub horizon_ns: DurationNs,
}

/// `forecast`.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Row of the frame.
    pub row: u32,
    /// Of the result.
    pub quality: Quality,
    /// Value column that is forecast.
    pub column: u32,
    /// 1: the next period.
    pub step: u32,
    /// One a quantile of the description.
    pub quantiles: Vec<f64>,
}

/// What a plugin answered, by world.
#[derive(Clone, Debug, PartialEq)]
pub enum Results {
    /// anomaly-detection
    Anomalies(Vec<Anomaly>),
    /// predictive-maintenance
    Health(Vec<Health>),
    /// quality-control
    Inspection {
        /// One an item.
        verdicts: Vec<ItemVerdict>,
        /// Charts.
        signals: Vec<ChartSignal>,
    },
    /// process-optimization
    Proposals(Vec<Proposal>),
    /// energy-optimization
    Plan(Plan),
    /// supply-chain; an order is a proposal whose setpoint is the quantity
    Supply {
        /// Forecasts.
        forecasts: Vec<Forecast>,
        /// Orders.
        orders: Vec<Proposal>,
    },
}

impl Results {
    /// What it proposes for outputs.
    #[must_use]
    pub fn proposals(&self) -> &[Proposal] {
        match self {
            Results::Proposals(proposals) => proposals,
            Results::Plan(plan) => &plan.proposals,
            Results::Supply { orders, .. } => orders,
            Results::Anomalies(_) | Results::Health(_) | Results::Inspection { .. } => &[],
        }
    }

    /// How many results it holds, of whatever kind.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Results::Anomalies(items) => items.len(),
            Results::Health(items) => items.len(),
            Results::Inspection { verdicts, signals } => verdicts.len() + signals.len(),
            Results::Proposals(items) => items.len(),
            Results::Plan(plan) => plan.proposals.len() + plan.schedule.len(),
            Results::Supply { forecasts, orders } => forecasts.len() + orders.len(),
        }
    }

    /// Makes every good result an uncertain one. Proposals have no quality of their own: what they were made from is
    /// judged by the guard.
    pub fn doubt(&mut self) {
        let doubt = |quality: &mut Quality| *quality = (*quality).max(Quality::Uncertain);
        match self {
            Results::Anomalies(items) => items.iter_mut().for_each(|item| doubt(&mut item.quality)),
            Results::Health(items) => items.iter_mut().for_each(|item| doubt(&mut item.quality)),
            Results::Inspection { verdicts, .. } => verdicts.iter_mut().for_each(|item| doubt(&mut item.quality)),
            Results::Supply { forecasts, .. } => forecasts.iter_mut().for_each(|item| doubt(&mut item.quality)),
            Results::Plan(plan) => doubt(&mut plan.quality),
            Results::Proposals(_) => {}
        }
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A fault that ends a call, or an instance.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The plugin says: configuration.
    #[error("the plugin refuses its configuration: {0}")]
    Configuration(String),
    /// The plugin says: this frame is of no use. The instance stays.
    #[error("the plugin can't use this frame: {0}")]
    Input(String),
    /// The plugin says: model.
    #[error("the plugin's model fails: {0}")]
    Model(String),
    /// The plugin says: may pass. The instance stays.
    #[error("the plugin fails for now: {0}")]
    Transient(String),
    /// The plugin says: broken inside.
    #[error("the plugin is broken inside: {0}")]
    Internal(String),
    /// It trapped.
    #[error("the plugin trapped: {0}")]
    Trap(String),
    /// It went past its hard limit of time and was stopped.
    #[error("the plugin was stopped after {limit_ms} ms")]
    Timeout {
        /// The limit.
        limit_ms: u64,
    },
    /// It went past a limit of memory, tables, handles or bytes across the boundary.
    #[error("the plugin went past a limit: {0}")]
    Limit(String),
    /// Its answer makes no sense.
    #[error("the plugin answered nonsense: {0}")]
    Nonsense(#[from] Nonsense),
}

impl Fault {
    /// Whether the instance must be thrown away.
    #[must_use]
    pub fn discards_instance(&self) -> bool {
        !matches!(self, Fault::Input(_) | Fault::Transient(_) | Fault::Nonsense(_) | Fault::Model(_))
    }

    /// One word, for counters and JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Configuration(_) => "configuration",
            Fault::Input(_) => "input",
            Fault::Model(_) => "model",
            Fault::Transient(_) => "transient",
            Fault::Internal(_) => "internal",
            Fault::Trap(_) => "trap",
            Fault::Timeout { .. } => "timeout",
            Fault::Limit(_) => "limit",
            Fault::Nonsense(_) => "nonsense",
        }
    }
}

/// For each (instance, frame) exactly one.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It answered, and the answer made sense.
    Answered(Results),
    /// It was late; whatever it answers is discarded.
    Missed,
    /// It failed.
    Faulted(Fault),
    /// It was not called, and why.
    Skipped(&'static str),
}

impl Outcome {
    /// One word, for counters and JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Outcome::Answered(_) => "answered",
            Outcome::Missed => "missed",
            Outcome::Faulted(_) => "faulted",
            Outcome::Skipped(_) => "skipped",
        }
    }
}

/// What came of a call, with everything else it left behind.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// The outcome.
    pub outcome: Outcome,
    /// Inferences in their order.
    pub inferences: Vec<InferenceEntry>,
    /// Wall time of the call.
    pub duration_ns: u64,
}

/// What an acting plugin learns of an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutputState {
    /// The value in force; of an output that takes orders, all that was ordered since the start.
    pub applied: Option<f64>,
    /// What the device says.
    pub readback: Option<f64>,
    /// The mode that holds for this plugin and output.
    pub mode: Mode,
    /// The last proposal was cut from below: by the lower limit, or by falling too fast.
    pub limited_low: bool,
    /// The last proposal was cut from above.
    pub limited_high: bool,
    /// Trip latched or inhibit true.
    pub blocked: bool,
    /// Propose `applied` now.
    pub initialise: bool,
}
