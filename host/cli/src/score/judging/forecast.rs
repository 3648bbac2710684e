//! The judges of forecasts with quantiles: against a file that says what came, or against the run's own later rows.

use super::{JudgeError, Metric, Trace};
use crate::controller::recorder::Answer;
use dinrail_core::outcome::Results;
use dinrail_sim::judge::InputError;
use dinrail_sim::judge::forecast::{self as measure, Calibration};

mod ahead;
mod rolling;

pub(super) use ahead::Ahead;
pub(super) use rolling::Rolling;

/// One origin's forecast of one column: by step, and by level within it.
type Steps = Vec<Vec<f64>>;

/// The steps from 1 on that an answer has for a column; they end where one is missing.
fn steps_of(answer: &Answer, column: usize, levels: usize) -> Steps {
    let Results::Supply { forecasts, .. } = &answer.results else { return Vec::new() };
    let mut steps: Steps = Vec::new();
    // Only from the frame's last row is nothing of what came known yet.
    let last = answer.times_ns.len().saturating_sub(1);
    let mut of_column: Vec<_> =
        forecasts.iter().filter(|one| one.column as usize == column && one.row as usize == last).collect();
    of_column.sort_by_key(|one| one.step);
    for one in of_column {
        if one.step as usize != steps.len() + 1 || one.quantiles.len() != levels {
            break;
        }
        steps.push(one.quantiles.clone());
    }
    steps
}

/// Counts and losses of all quantiles, over all that was judged.
#[derive(Debug, Default)]
struct Tally {
    /// By level.
    calibrations: Vec<Calibration>,
}

impl Tally {
    /// Takes forecasts of `truth`, each with its quantiles, and gives their mean pinball loss over levels and steps.
    fn add(&mut self, levels: &[f64], truth: &[f64], steps: &[Vec<f64>]) -> Result<f64, InputError> {
        let mut loss = 0.0;
        for (at, level) in levels.iter().enumerate() {
            let quantile: Vec<f64> = steps.iter().take(truth.len()).filter_map(|step| step.get(at).copied()).collect();
            loss += measure::pinball(truth, &quantile, *level)? / levels.len() as f64;
            for one in measure::calibration(truth, &[(*level, &quantile)])? {
                match self.calibrations.get_mut(at) {
                    Some(sum) => sum.add(&one),
                    None => self.calibrations.push(one),
                }
            }
        }
        Ok(loss)
    }

    /// The largest difference between a level and what was seen; `whole`: of what comes in whole pieces.
    fn error(&self, whole: bool) -> Option<f64> {
        let error = |one: &Calibration| if whole { one.error_of_whole() } else { one.error() };
        let errors: Option<Vec<f64>> = self.calibrations.iter().map(error).collect();
        errors?.into_iter().reduce(f64::max)
    }

    /// What was seen of each level, in words.
    fn told(&self) -> String {
        let one = |one: &Calibration| format!("{:.3}: {:.3}", one.level, one.share().unwrap_or(f64::NAN));
        self.calibrations.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Quantiles, drawn: the median, and the widest interval among them.
fn drawing(title: String, levels: &[f64], before: &[f64], truth: &[f64], steps: &[Vec<f64>]) -> Trace {
    let median = levels.iter().position(|level| *level == 0.5).unwrap_or(0);
    let place = |at: usize| at as f64 + 1.0;
    let came = before.iter().enumerate().map(|(at, value)| (at as f64 + 1.0 - before.len() as f64, *value));
    let came = came.chain(truth.iter().enumerate().map(|(at, value)| (place(at), *value)));
    let of = |level: usize| move |step: &Vec<f64>| step.get(level).copied().unwrap_or(f64::NAN);
    let middle = steps.iter().map(of(median)).enumerate().map(|(at, value)| (place(at), value));
    let (low, high) = (steps.iter().map(of(0)), steps.iter().map(of(levels.len().saturating_sub(1))));
    let band = low.zip(high).enumerate().map(|(at, (low, high))| (place(at), low, high));
    let width = levels.last().zip(levels.first()).map_or(0.0, |(last, first)| 100.0 * (last - first));
    Trace {
        title,
        quantity: "value".into(),
        unit: "step".into(),
        lines: vec![("came".into(), came.collect()), ("median".into(), middle.collect())],
        bands: vec![(format!("{width:.0} % interval"), band.collect())],
        ..Trace::default()
    }
}

/// A mean; none of nothing.
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn refused(run: &str, why: impl std::fmt::Display) -> JudgeError {
    JudgeError::Run { run: run.to_owned(), why: why.to_string() }
}

/// A figure that nothing but its name tells apart.
fn metric(name: &'static str, value: Option<f64>) -> Metric {
    Metric::new(name, value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use dinrail_core::outcome::Forecast;
    use dinrail_core::tag::Quality;

    fn forecast(row: u32, column: u32, step: u32) -> Forecast {
        let value = f64::from(100 * column + step);
        Forecast { row, quality: Quality::Good, column, step, quantiles: vec![value - 1.0, value] }
    }

    #[test]
    fn steps_are_those_of_the_last_row_without_a_gap() {
        let forecasts =
            vec![forecast(1, 0, 2), forecast(1, 0, 1), forecast(0, 0, 3), forecast(1, 1, 1), forecast(1, 1, 3)];
        let results = Results::Supply { forecasts, orders: Vec::new() };
        let answer = Answer { asset: None, times_ns: vec![0, 1], inputs: Vec::new(), results };
        assert_eq!(steps_of(&answer, 0, 2), [[0.0, 1.0], [1.0, 2.0]]);
        assert_eq!(steps_of(&answer, 1, 2), [[100.0, 101.0]]);
        assert!(steps_of(&answer, 0, 3).is_empty() && steps_of(&answer, 2, 2).is_empty());
    }

    #[test]
    fn losses_and_shares_are_pooled() {
        let mut tally = Tally::default();
        let steps = vec![vec![1.0, 3.0]; 2];
        // At 0.5: 0.5·1 and 0; at 0.9: 0.1·1 and 0.1·2.
        let loss = tally.add(&[0.5, 0.9], &[2.0, 1.0], &steps).unwrap();
        assert!((loss - 0.5 * (0.25 + 0.15)).abs() < 1e-12, "{loss}");
        tally.add(&[0.5, 0.9], &[0.5, 9.0], &steps).unwrap();
        assert_eq!((tally.calibrations[0].below, tally.calibrations[1].below), (2, 3));
        assert!((tally.error(false).unwrap() - 0.15).abs() < 1e-12);
        assert_eq!(Tally::default().error(false), None);
    }
}
