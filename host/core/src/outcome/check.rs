//! The check of a guest's answer.
//!
//! A guest's numbers are hostile until [`check`] has seen them: rows and columns in range, finite,
//! bounded in number. What fails the check is nonsense, and costs the plugin its slot.

use super::{Anomaly, ChartSignal, Forecast, Health, ItemVerdict, Plan, Proposal, Results};
use crate::description::World;
use crate::frame::Frame;

/// An answer that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Nonsense {
    /// Of another world.
    #[error("results of another world")]
    World,
    /// Row that is not new, or not there.
    #[error("row {row}, where the new rows are {first}..{end}")]
    Row {
        /// Given.
        row: u32,
        /// First new row.
        first: usize,
        /// Past the last.
        end: usize,
    },
    /// Not one result for each new row, in order.
    #[error("{given} results for {wanted} new rows, or not in their order")]
    Count {
        /// Results.
        given: usize,
        /// New rows.
        wanted: usize,
    },
    /// A number that is not finite or out of its bounds.
    #[error("{what} is {value}")]
    Number {
        /// Which.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// A column or output that does not exist.
    #[error("{what} {index}, of {count}")]
    Index {
        /// Column or output.
        what: &'static str,
        /// Given.
        index: u32,
        /// How many there are.
        count: usize,
    },
    /// More than the host takes.
    #[error("{count} {what}, {limit} are the limit")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// Two for one output, or item.
    #[error("{what} {index} twice")]
    Twice {
        /// Output or item.
        what: &'static str,
        /// Which.
        index: u64,
    },
}

/// Contributions a result may carry: more than a screen shows.
pub const MAX_CONTRIBUTIONS: usize = 64;
/// Steps of a plan: a week of quarter hours for a few outputs.
pub const MAX_PLAN_STEPS: usize = 4_096;
/// Series that a plan reckons with.
pub(crate) const MAX_EXPECTATIONS: usize = 8;
/// Forecast steps of a call: 64 series, a week of hours ahead.
pub const MAX_FORECASTS: usize = 16_384;
/// Points on charts for each value of a frame: the charts of one tag and of all together.
const MAX_SIGNALS_PER_VALUE: usize = 8;
/// Characters of a reason, a mode or a defect that are kept.
pub const MAX_TEXT: usize = 240;

/// What an answer is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The plugin's world.
    pub world: World,
    /// The frame it got.
    pub frame: &'a Frame,
    /// Outputs bound to it.
    pub outputs: usize,
    /// Items it got, by id.
    pub items: &'a [u64],
    /// Quantiles it described.
    pub quantiles: usize,
}

/// Checks an answer, and cuts its texts to [`MAX_TEXT`] characters.
pub fn check(mut results: Results, question: &Question<'_>) -> Result<Results, Nonsense> {
    match (&mut results, question.world) {
        (Results::Anomalies(items), World::AnomalyDetection) => check_anomalies(items, question)?,
        (Results::Health(items), World::PredictiveMaintenance) => check_health(items, question)?,
        (Results::Inspection { verdicts, signals }, World::QualityControl) => {
            check_verdicts(verdicts, question)?;
            check_signals(signals, question)?;
        }
        (Results::Proposals(proposals), World::ProcessOptimization) => {
            check_proposals(proposals, question.outputs)?;
        }
        (Results::Plan(plan), World::EnergyOptimization) => check_plan(plan, question)?,
        (Results::Supply { forecasts, orders }, World::SupplyChain) => {
            check_forecasts(forecasts, question)?;
            check_proposals(orders, question.outputs)?;
        }
        _ => return Err(Nonsense::World),
    }
    Ok(results)
}

fn check_anomalies(items: &[Anomaly], question: &Question<'_>) -> Result<(), Nonsense> {
    let frame = question.frame;
    let in_order = items.iter().enumerate().all(|(i, item)| item.row as usize == frame.first_new + i);
    if items.len() != frame.new_rows() || !in_order {
        return Err(Nonsense::Count { given: items.len(), wanted: frame.new_rows() });
    }
    for item in items {
        unit_interval("score", item.score)?;
        at_most("contributions", item.contributions.len(), MAX_CONTRIBUTIONS)?;
        for part in &item.contributions {
            index("column", part.column, frame.columns)?;
            unit_interval("share", part.share)?;
        }
    }
    Ok(())
}

fn check_health(items: &mut [Health], question: &Question<'_>) -> Result<(), Nonsense> {
    at_most("results", items.len(), question.frame.new_rows())?;
    for item in items {
        new_row(item.row, question.frame)?;
        unit_interval("health index", item.index)?;
        tidy(&mut item.mode);
        if let Some(life) = item.life {
            finite("remaining life", life.rul)?;
            finite("remaining life's lower end", life.rul_lo)?;
            let hi = life.rul_hi.unwrap_or(f64::MAX);
            finite("remaining life's upper end", hi)?;
            if !(life.rul_lo <= life.rul && life.rul <= hi) {
                return Err(Nonsense::Number { what: "remaining life outside its interval:", value: life.rul });
            }
        }
    }
    Ok(())
}

fn check_verdicts(verdicts: &mut [ItemVerdict], question: &Question<'_>) -> Result<(), Nonsense> {
    at_most("verdicts", verdicts.len(), question.items.len())?;
    let mut seen = std::collections::HashSet::new();
    for verdict in verdicts {
        if !question.items.contains(&verdict.item) {
            return Err(Nonsense::Index { what: "item", index: verdict.item as u32, count: question.items.len() });
        }
        if !seen.insert(verdict.item) {
            return Err(Nonsense::Twice { what: "item", index: verdict.item });
        }
        unit_interval("confidence", verdict.confidence)?;
        tidy(&mut verdict.defect);
    }
    Ok(())
}

fn check_signals(signals: &mut [ChartSignal], question: &Question<'_>) -> Result<(), Nonsense> {
    at_most("chart signals", signals.len(), MAX_SIGNALS_PER_VALUE * question.frame.values.len())?;
    for signal in signals {
        new_row(signal.row, question.frame)?;
        index("column", signal.column, question.frame.columns)?;
        finite("statistic", signal.statistic)?;
        finite("lower limit", signal.lower)?;
        finite("upper limit", signal.upper)?;
        tidy(&mut signal.rule);
    }
    Ok(())
}

fn check_proposals(proposals: &mut [Proposal], outputs: usize) -> Result<(), Nonsense> {
    at_most("proposals", proposals.len(), outputs)?;
    let mut seen = vec![false; outputs];
    for proposal in proposals {
        index("output", proposal.output, outputs)?;
        if std::mem::replace(&mut seen[proposal.output as usize], true) {
            return Err(Nonsense::Twice { what: "output", index: u64::from(proposal.output) });
        }
        finite("setpoint", proposal.setpoint)?;
        unit_interval("confidence", f64::from(proposal.confidence))?;
        tidy(&mut proposal.reason);
    }
    Ok(())
}

fn check_plan(plan: &mut Plan, question: &Question<'_>) -> Result<(), Nonsense> {
    check_proposals(&mut plan.proposals, question.outputs)?;
    at_most("plan steps", plan.schedule.len(), MAX_PLAN_STEPS)?;
    for step in &plan.schedule {
        index("output", step.output, question.outputs)?;
        finite("planned setpoint", step.setpoint)?;
    }
    at_most("expected series", plan.expected.len(), MAX_EXPECTATIONS)?;
    for series in &mut plan.expected {
        at_most("expected values", series.values.len(), MAX_PLAN_STEPS)?;
        series.values.iter().try_for_each(|value| finite("expected value", *value))?;
        tidy(&mut series.name);
        tidy(&mut series.unit);
    }
    finite("expected cost", plan.expected_cost)
}

fn check_forecasts(forecasts: &[Forecast], question: &Question<'_>) -> Result<(), Nonsense> {
    at_most("forecasts", forecasts.len(), MAX_FORECASTS)?;
    for forecast in forecasts {
        new_row(forecast.row, question.frame)?;
        index("column", forecast.column, question.frame.columns)?;
        if forecast.quantiles.len() != question.quantiles {
            return Err(Nonsense::Count { given: forecast.quantiles.len(), wanted: question.quantiles });
        }
        for quantile in &forecast.quantiles {
            finite("quantile", *quantile)?;
        }
    }
    Ok(())
}

fn new_row(row: u32, frame: &Frame) -> Result<(), Nonsense> {
    if (frame.first_new..frame.rows()).contains(&(row as usize)) {
        Ok(())
    } else {
        Err(Nonsense::Row { row, first: frame.first_new, end: frame.rows() })
    }
}

fn index(what: &'static str, index: u32, count: usize) -> Result<(), Nonsense> {
    if (index as usize) < count { Ok(()) } else { Err(Nonsense::Index { what, index, count }) }
}

fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), Nonsense> {
    if count <= limit { Ok(()) } else { Err(Nonsense::TooMany { what, count, limit }) }
}

fn finite(what: &'static str, value: f64) -> Result<(), Nonsense> {
    if value.is_finite() { Ok(()) } else { Err(Nonsense::Number { what, value }) }
}

fn unit_interval(what: &'static str, value: f64) -> Result<(), Nonsense> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(Nonsense::Number { what, value }) }
}

/// Cuts a guest's text to [`MAX_TEXT`] characters and replaces control characters, which could write
/// anywhere on an operator's terminal.
pub fn tidy(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
    }
    if text.contains(char::is_control) {
        *text = text.replace(char::is_control, " ");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::outcome::{Contribution, Decision, Life, Severity};
    use crate::tag::Quality;

    fn frame() -> Frame {
        Frame {
            scan: 1,
            time_ns: 2,
            times_ns: vec![0, 1, 2],
            first_new: 1,
            columns: 2,
            values: vec![0.0; 6],
            quality: vec![0; 6],
            blocks: vec![],
        }
    }

    fn judge(results: Results, world: World) -> Result<Results, Nonsense> {
        let frame = frame();
        check(results, &Question { world, frame: &frame, outputs: 2, items: &[7, 8], quantiles: 3 })
    }

    fn anomaly(row: u32, score: f64, column: u32) -> Anomaly {
        Anomaly {
            row,
            quality: Quality::Good,
            score,
            alarm: false,
            severity: Severity::Info,
            contributions: vec![Contribution { column, share: 1.0 }],
        }
    }

    fn proposal(output: u32, setpoint: f64) -> Proposal {
        Proposal { output, setpoint, confidence: 1.0, valid_for_ns: 1, reason: "x".repeat(1_000) }
    }

    #[test]
    fn one_anomaly_a_new_row() {
        let of = |items: Vec<Anomaly>| judge(Results::Anomalies(items), World::AnomalyDetection);
        assert!(of(vec![anomaly(1, 0.0, 0), anomaly(2, 1.0, 1)]).is_ok());
        assert!(of(vec![anomaly(1, 0.5, 0)]).is_err(), "one missing");
        assert!(of(vec![anomaly(0, 0.5, 0), anomaly(1, 0.5, 0)]).is_err(), "an old row");
        assert!(of(vec![anomaly(2, 0.5, 0), anomaly(1, 0.5, 0)]).is_err(), "out of order");
        assert!(of(vec![anomaly(1, 1.01, 0), anomaly(2, 0.5, 0)]).is_err(), "score above 1");
        assert!(of(vec![anomaly(1, f64::NAN, 0), anomaly(2, 0.5, 0)]).is_err(), "no score");
        assert!(of(vec![anomaly(1, 0.5, 2), anomaly(2, 0.5, 0)]).is_err(), "no such column");
    }

    #[test]
    fn proposals_are_finite_for_outputs_that_exist_once() {
        let of = |items: Vec<Proposal>| judge(Results::Proposals(items), World::ProcessOptimization);
        let Ok(Results::Proposals(kept)) = of(vec![proposal(0, 1.0), proposal(1, -1.0)]) else {
            panic!("two sound proposals are taken");
        };
        assert_eq!(kept[0].reason.len(), MAX_TEXT);
        assert!(of(vec![proposal(2, 1.0)]).is_err());
        assert!(of(vec![proposal(0, f64::INFINITY)]).is_err());
        assert!(of(vec![proposal(0, 1.0), proposal(0, 2.0)]).is_err());
    }

    #[test]
    fn texts_are_cut_and_cannot_write_on_a_terminal() {
        let mut text = "\u{1b}[2Jé".repeat(100);
        tidy(&mut text);
        assert_eq!(text.chars().count(), MAX_TEXT);
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn the_world_is_the_authority() {
        let refused = judge(Results::Proposals(vec![proposal(0, 1.0)]), World::AnomalyDetection);
        assert_eq!(refused, Err(Nonsense::World));
    }

    #[test]
    fn health_lies_within_its_interval() {
        let of = |index: f64, life: Life| {
            let item = Health { row: 2, quality: Quality::Good, index, mode: String::new(), life: Some(life) };
            judge(Results::Health(vec![item]), World::PredictiveMaintenance)
        };
        assert!(of(0.5, Life { rul: 5.0, rul_lo: 1.0, rul_hi: Some(9.0) }).is_ok());
        assert!(of(0.5, Life { rul: 5.0, rul_lo: 1.0, rul_hi: None }).is_ok());
        assert!(of(0.5, Life { rul: 10.0, rul_lo: 1.0, rul_hi: Some(9.0) }).is_err());
        assert!(of(-0.1, Life { rul: 5.0, rul_lo: 1.0, rul_hi: Some(9.0) }).is_err());
    }

    #[test]
    fn verdicts_are_for_items_that_were_given() {
        let of = |items: &[u64]| {
            let verdicts = items
                .iter()
                .map(|item| ItemVerdict {
                    row: 1,
                    quality: Quality::Good,
                    item: *item,
                    decision: Decision::Pass,
                    defect: String::new(),
                    confidence: 1.0,
                })
                .collect();
            judge(Results::Inspection { verdicts, signals: vec![] }, World::QualityControl)
        };
        assert!(of(&[7, 8]).is_ok());
        assert!(of(&[9]).is_err());
        assert!(of(&[7, 7]).is_err());
    }

    #[test]
    fn forecasts_have_the_described_quantiles() {
        let of = |quantiles: Vec<f64>| {
            let forecast = Forecast { row: 2, quality: Quality::Good, column: 0, step: 1, quantiles };
            judge(Results::Supply { forecasts: vec![forecast], orders: vec![] }, World::SupplyChain)
        };
        assert!(of(vec![1.0, 2.0, 3.0]).is_ok());
        assert!(of(vec![1.0, 2.0]).is_err());
        assert!(of(vec![1.0, f64::NAN, 3.0]).is_err());
    }
}
