//! What a call gave. These are only compared and shown: nothing is made of them again.

use dinrail_core::outcome::{
    Anomaly, ChartSignal, Expectation, Fault, Forecast, Health, ItemVerdict, Outcome, Plan, PlanStep, Proposal, Results,
};
use serde::{Deserialize, Serialize};

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeWire {
    /// It answered.
    Answered(ResultsWire),
    /// It failed.
    Faulted(FaultWire),
    /// There was no answer of the plugin's own.
    None(String),
}

/// A fault by its kind, and in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultWire {
    /// See [`Fault::kind`].
    pub kind: String,
    /// The whole of it.
    pub text: String,
}

/// Results by world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultsWire {
    /// anomaly-detection
    Anomalies(Vec<AnomalyWire>),
    /// predictive-maintenance
    Health(Vec<HealthWire>),
    /// quality-control
    Inspection(InspectionWire),
    /// process-optimization
    Proposals(Vec<ProposalWire>),
    /// energy-optimization
    Plan(PlanWire),
    /// supply-chain
    Supply(SupplyWire),
}

macro_rules! mirrored {
    ($(#[$doc:meta])* $wire:ident of $core:ident { $($field:ident: $type:ty = $value:expr),* $(,)? } with $given:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the fields are the core's")]
        pub struct $wire { $(pub $field: $type),* }

        impl From<&$core> for $wire {
            fn from($given: &$core) -> $wire { $wire { $($field: $value),* } }
        }
    };
}

mirrored!(
    /// See [`Anomaly`].
    AnomalyWire of Anomaly {
        row: u32 = given.row,
        quality: u8 = given.quality.code(),
        score: f64 = given.score,
        alarm: bool = given.alarm,
        severity: String = given.severity.name().to_owned(),
        contributions: Vec<(u32, f64)> = given.contributions.iter().map(|part| (part.column, part.share)).collect(),
    } with given
);
mirrored!(
    /// See [`Health`].
    HealthWire of Health {
        row: u32 = given.row,
        quality: u8 = given.quality.code(),
        index: f64 = given.index,
        mode: String = given.mode.clone(),
        life: Option<(f64, f64, Option<f64>)> = given.life.map(|life| (life.rul, life.rul_lo, life.rul_hi)),
    } with given
);
mirrored!(
    /// See [`ItemVerdict`].
    VerdictWire of ItemVerdict {
        row: u32 = given.row,
        quality: u8 = given.quality.code(),
        item: u64 = given.item,
        decision: String = given.decision.name().to_owned(),
        defect: String = given.defect.clone(),
        confidence: f64 = given.confidence,
    } with given
);
mirrored!(
    /// See [`ChartSignal`].
    SignalWire of ChartSignal {
        row: u32 = given.row,
        column: u32 = given.column,
        statistic: f64 = given.statistic,
        lower: f64 = given.lower,
        upper: f64 = given.upper,
        rule: String = given.rule.clone(),
    } with given
);
mirrored!(
    /// See [`Proposal`].
    ProposalWire of Proposal {
        output: u32 = given.output,
        setpoint: f64 = given.setpoint,
        confidence: f32 = given.confidence,
        valid_for_ns: u64 = given.valid_for_ns,
        reason: String = given.reason.clone(),
    } with given
);
mirrored!(
    /// See [`PlanStep`].
    StepWire of PlanStep {
        output: u32 = given.output,
        time_ns: i64 = given.time_ns,
        setpoint: f64 = given.setpoint,
    } with given
);
mirrored!(
    /// See [`Expectation`].
    ExpectationWire of Expectation {
        name: String = given.name.clone(),
        unit: String = given.unit.clone(),
        start_ns: i64 = given.start_ns,
        step_ns: u64 = given.step_ns,
        values: Vec<f64> = given.values.clone(),
    } with given
);
mirrored!(
    /// See [`Plan`].
    PlanWire of Plan {
        quality: u8 = given.quality.code(),
        proposals: Vec<ProposalWire> = given.proposals.iter().map(Into::into).collect(),
        schedule: Vec<StepWire> = given.schedule.iter().map(Into::into).collect(),
        expected: Vec<ExpectationWire> = given.expected.iter().map(Into::into).collect(),
        expected_cost: f64 = given.expected_cost,
        horizon_ns: u64 = given.horizon_ns,
    } with given
);
mirrored!(
    /// See [`Forecast`].
    ForecastWire of Forecast {
        row: u32 = given.row,
        quality: u8 = given.quality.code(),
        column: u32 = given.column,
        step: u32 = given.step,
        quantiles: Vec<f64> = given.quantiles.clone(),
    } with given
);

/// See [`Results::Inspection`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the core's")]
pub struct InspectionWire {
    pub verdicts: Vec<VerdictWire>,
    pub signals: Vec<SignalWire>,
}

/// See [`Results::Supply`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the core's")]
pub struct SupplyWire {
    pub forecasts: Vec<ForecastWire>,
    pub orders: Vec<ProposalWire>,
}

fn all<'c, C, W: From<&'c C>>(items: &'c [C]) -> Vec<W> {
    items.iter().map(W::from).collect()
}

impl From<&Results> for ResultsWire {
    fn from(results: &Results) -> ResultsWire {
        match results {
            Results::Anomalies(items) => ResultsWire::Anomalies(all(items)),
            Results::Health(items) => ResultsWire::Health(all(items)),
            Results::Inspection { verdicts, signals } => {
                ResultsWire::Inspection(InspectionWire { verdicts: all(verdicts), signals: all(signals) })
            }
            Results::Proposals(items) => ResultsWire::Proposals(all(items)),
            Results::Plan(plan) => ResultsWire::Plan(plan.into()),
            Results::Supply { forecasts, orders } => {
                ResultsWire::Supply(SupplyWire { forecasts: all(forecasts), orders: all(orders) })
            }
        }
    }
}

impl From<&Outcome> for OutcomeWire {
    fn from(outcome: &Outcome) -> OutcomeWire {
        match outcome {
            Outcome::Answered(results) => OutcomeWire::Answered(results.into()),
            Outcome::Faulted(fault) => OutcomeWire::Faulted(fault.into()),
            Outcome::Missed | Outcome::Skipped(_) => OutcomeWire::None(outcome.kind().to_owned()),
        }
    }
}

impl From<&Fault> for FaultWire {
    fn from(fault: &Fault) -> FaultWire {
        FaultWire { kind: fault.kind().to_owned(), text: fault.to_string() }
    }
}

impl OutcomeWire {
    /// Whether it was the wall clock that ended the call: on another machine it would have gone on.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        matches!(self, OutcomeWire::Faulted(fault) if fault.kind == "timeout")
    }
}
