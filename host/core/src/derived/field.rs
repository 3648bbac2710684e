//! The fields of each world's results.
//!
//! | world | fields |
//! | --- | --- |
//! | anomaly-detection | `score`, `alarm`, `severity` |
//! | predictive-maintenance | `index`, `rul`, `rul-lo`, `rul-hi` |
//! | quality-control | `reject-share`, `signal`, `statistic`, `statistic.TAG` |
//! | process-optimization | one for each output |
//! | energy-optimization | `expected-cost`, one for each output |
//! | supply-chain | `forecast`, `forecast.TAG`, one for each output |
//!
//! TAG is a tag that is bound to the plugin; without it, the first one. An output is called by the configuration's name.

use super::Sample;
use crate::description::{Bindings, Column, Description, InputKind, World};
use crate::outcome::{ChartSignal, Decision, Forecast, Health, ItemVerdict, Results};
use crate::tag::Quality;

/// Which number of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Of the last row's anomaly.
    Score,
    /// Of the last row's anomaly: 1 where it alarms, else 0.
    Alarm,
    /// Of the last row's anomaly: 0 info, 1 warning, 2 alarm, 3 critical.
    Severity,
    /// Of the last health.
    Index,
    /// Of the last health: bad where no life can be told.
    Rul,
    /// Lower end of its interval.
    RulLo,
    /// Upper end of its interval; bad where it is open.
    RulHi,
    /// Rejected items, of those that the answer judges.
    RejectShare,
    /// 1 where a rule of a chart fired in the answer, else 0.
    Signal,
    /// A chart's last statistic.
    Statistic {
        /// Value column.
        column: u32,
    },
    /// Of the next period.
    Forecast {
        /// Value column.
        column: u32,
        /// Index of the quantile that is nearest to the median.
        quantile: usize,
    },
    /// Of the plan.
    ExpectedCost,
    /// What is proposed, or ordered.
    Setpoint {
        /// Index among the plugin's bound outputs.
        output: u32,
    },
}

/// A name that is none of a plugin's results.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has no result `{name}`")]
pub struct UnknownField {
    /// As written.
    pub name: String,
    /// What there is.
    pub known: Vec<String>,
}

impl Field {
    /// The field of that name, and the unit of its values (UCUM; empty: a plain number).
    ///
    /// # Errors
    /// Where a plugin of this world, bound so, has no such result.
    pub fn find(
        name: &str,
        world: World,
        description: &Description,
        bindings: &Bindings,
    ) -> Result<(Field, String), UnknownField> {
        let known = known(world, description, bindings);
        match known.iter().find(|(known, ..)| known == name) {
            Some((_, field, unit)) => Ok((*field, unit.clone())),
            None => {
                Err(UnknownField { name: name.to_owned(), known: known.into_iter().map(|(name, ..)| name).collect() })
            }
        }
    }

    /// What an answer says of it; none where it says nothing. Results without a quality of their own have that of what
    /// they were made from, `inputs`.
    #[must_use]
    pub fn read(self, results: &Results, inputs: Quality) -> Option<Sample> {
        match results {
            Results::Anomalies(items) => {
                let last = items.last()?;
                let value = match self {
                    Field::Score => last.score,
                    Field::Alarm => f64::from(u8::from(last.alarm)),
                    Field::Severity => f64::from(last.severity as u8),
                    _ => return None,
                };
                Some(Sample::new(value, last.quality))
            }
            Results::Health(items) => self.of_health(items.last()?),
            Results::Inspection { verdicts, signals } => self.of_inspection(verdicts, signals, inputs),
            Results::Plan(plan) if self == Field::ExpectedCost => Some(Sample::new(plan.expected_cost, inputs)),
            Results::Supply { forecasts, .. } if matches!(self, Field::Forecast { .. }) => self.of_forecasts(forecasts),
            Results::Proposals(_) | Results::Plan(_) | Results::Supply { .. } => {
                let Field::Setpoint { output } = self else { return None };
                let proposal = results.proposals().iter().find(|proposal| proposal.output == output)?;
                Some(Sample::new(proposal.setpoint, inputs))
            }
        }
    }

    fn of_health(self, health: &Health) -> Option<Sample> {
        let life = health.life.as_ref();
        let value = match self {
            Field::Index => Some(health.index),
            Field::Rul => life.map(|life| life.rul),
            Field::RulLo => life.map(|life| life.rul_lo),
            Field::RulHi => life.and_then(|life| life.rul_hi),
            _ => return None,
        };
        Some(value.map_or(Sample::BAD, |value| Sample::new(value, health.quality)))
    }

    fn of_inspection(self, verdicts: &[ItemVerdict], signals: &[ChartSignal], inputs: Quality) -> Option<Sample> {
        match self {
            Field::RejectShare => {
                let quality = verdicts.iter().map(|verdict| verdict.quality).max()?;
                let rejected = verdicts.iter().filter(|verdict| verdict.decision == Decision::Reject).count();
                Some(Sample::new(rejected as f64 / verdicts.len() as f64, quality))
            }
            Field::Signal => {
                let fired = signals.iter().any(|signal| !signal.rule.is_empty());
                Some(Sample::new(f64::from(u8::from(fired)), inputs))
            }
            Field::Statistic { column } => {
                let last = signals.iter().rfind(|signal| signal.column == column)?;
                Some(Sample::new(last.statistic, inputs))
            }
            _ => None,
        }
    }

    /// Of several rows, the last one's next period.
    fn of_forecasts(self, forecasts: &[Forecast]) -> Option<Sample> {
        let Field::Forecast { column, quantile } = self else { return None };
        let mut next = forecasts.iter().filter(|forecast| forecast.column == column && forecast.step == 1);
        let first = next.next()?;
        let last = next.fold(first, |last, forecast| if last.row <= forecast.row { forecast } else { last });
        Some(last.quantiles.get(quantile).map_or(Sample::BAD, |value| Sample::new(*value, last.quality)))
    }
}

/// Every result of a plugin of this world, bound so, with its unit.
fn known(world: World, description: &Description, bindings: &Bindings) -> Vec<(String, Field, String)> {
    let described = |name: &str| described_unit(name, description, bindings);
    let plain = |name: &str, field| (name.to_owned(), field, described(name));
    match world {
        World::AnomalyDetection => {
            vec![plain("score", Field::Score), plain("alarm", Field::Alarm), plain("severity", Field::Severity)]
        }
        World::PredictiveMaintenance => {
            let life = |name: &str, field| (name.to_owned(), field, described("rul"));
            vec![
                plain("index", Field::Index),
                life("rul", Field::Rul),
                life("rul-lo", Field::RulLo),
                life("rul-hi", Field::RulHi),
            ]
        }
        World::QualityControl => {
            let mut known = vec![plain("reject-share", Field::RejectShare), plain("signal", Field::Signal)];
            let statistic = |column: &Column| (Field::Statistic { column: column.index }, described("statistic"));
            known.extend(for_columns("statistic", description, bindings, statistic));
            known
        }
        World::ProcessOptimization => setpoints(bindings).collect(),
        World::EnergyOptimization => {
            std::iter::once(plain("expected-cost", Field::ExpectedCost)).chain(setpoints(bindings)).collect()
        }
        World::SupplyChain => {
            let quantile = nearest_to_median(&description.quantiles);
            let forecast = |column: &Column| (Field::Forecast { column: column.index, quantile }, column.unit.clone());
            for_columns("forecast", description, bindings, forecast).into_iter().chain(setpoints(bindings)).collect()
        }
    }
}

/// The described unit of a result; one that depends on what is bound is described as `NAME-INPUT`.
#[must_use]
pub fn described_unit(name: &str, description: &Description, bindings: &Bindings) -> String {
    let bound = |input: &str| bindings.inputs.iter().any(|known| known.input == input && !known.columns.is_empty());
    let of_input = |field: &str| field.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')).is_some_and(bound);
    let results = &description.results;
    let field = results.iter().find(|field| of_input(&field.name));
    let field = field.or_else(|| results.iter().find(|field| field.name == name));
    field.map_or(String::new(), |field| field.unit.clone())
}

/// `NAME` for the first value column, and `NAME.TAG` for each.
fn for_columns(
    name: &str,
    description: &Description,
    bindings: &Bindings,
    field: impl Fn(&Column) -> (Field, String),
) -> Vec<(String, Field, String)> {
    let is_value =
        |input: &str| description.inputs.iter().any(|known| known.name == input && known.kind == InputKind::Value);
    let columns = bindings.inputs.iter().filter(|input| is_value(&input.input)).flat_map(|input| &input.columns);
    let mut known = Vec::new();
    for column in columns {
        let (field, unit) = field(column);
        if column.index == 0 {
            known.push((name.to_owned(), field, unit.clone()));
        }
        known.push((format!("{name}.{}", column.tag), field, unit));
    }
    known
}

fn setpoints(bindings: &Bindings) -> impl Iterator<Item = (String, Field, String)> {
    let outputs = bindings.outputs.iter();
    outputs.map(|output| (output.tag.clone(), Field::Setpoint { output: output.index }, output.unit.clone()))
}

/// Of two that are equally near, the lower.
fn nearest_to_median(quantiles: &[f64]) -> usize {
    let distance = |at: &usize| (quantiles[*at] - 0.5).abs();
    (0..quantiles.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0)
}

#[cfg(test)]
mod tests;
