//! What each row told of the next ones, against what they were.

use super::{Tally, drawing, mean, metric, refused, steps_of};
use crate::config::Config;
use crate::controller::recorder::Answer;
use crate::run::Finished;
use crate::score::data::RunInput;
use crate::score::judging::{JudgeError, Judges, Metric, Trace};
use dinrail_sim::judge::InputError;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(in crate::score::judging) struct Rolling {
    learn_share: f64,
    /// What is forecast comes in whole pieces.
    whole: bool,
    tally: Tally,
    /// By series and run: the mean loss, and that of the past's own quantiles; over the series' mean.
    losses: Vec<f64>,
    reference: Vec<f64>,
    unanswered: usize,
}

/// One column of one asset: its values, and what each row told.
struct Course<'a> {
    answers: &'a [&'a Answer],
    column: usize,
}

impl Course<'_> {
    fn value(&self, at: usize) -> Option<f64> {
        self.answers.get(at)?.inputs.get(self.column).copied().filter(|value| value.is_finite())
    }
}

/// The values so far, sorted.
#[derive(Default)]
struct Past(Vec<f64>);

impl Past {
    fn add(&mut self, value: f64) {
        let at = self.0.partition_point(|before| *before < value);
        self.0.insert(at, value);
    }

    /// The quantile by the inverse of the share of values at or below it.
    fn quantile(&self, level: f64) -> f64 {
        let at = (level * self.0.len() as f64).ceil() as usize;
        self.0.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
    }
}

impl Rolling {
    pub(in crate::score::judging) fn new(learn_share: f64, whole: bool) -> Rolling {
        let (losses, reference) = (Vec::new(), Vec::new());
        Rolling { learn_share, whole, tally: Tally::default(), losses, reference, unanswered: 0 }
    }

    /// Judges a series; the rows of the first part are only learnt from.
    fn judge(&mut self, levels: &[f64], course: &Course<'_>) -> Result<(), InputError> {
        let count = course.answers.len();
        let learnt = (self.learn_share * count as f64).ceil() as usize;
        let (mut past, mut naive) = (Past::default(), Tally::default());
        let (mut loss, mut reference, mut size, mut judged) = (0.0, 0.0, 0.0, 0.0);
        for at in 0..count {
            if let Some(value) = course.value(at) {
                past.add(value);
            }
            if at < learnt || at + 1 == count {
                continue;
            }
            let Some(answer) = course.answers.get(at) else { continue };
            let steps = steps_of(answer, course.column, levels.len());
            self.unanswered += usize::from(steps.is_empty());
            for (ahead, step) in (1..).zip(&steps) {
                let Some(came) = course.value(at + ahead) else { continue };
                loss += self.tally.add(levels, &[came], std::slice::from_ref(step))?;
                let usual = vec![levels.iter().map(|level| past.quantile(*level)).collect()];
                reference += naive.add(levels, &[came], &usual)?;
                size += came.abs();
                judged += 1.0;
            }
        }
        if size > 0.0 && judged > 0.0 {
            self.losses.push(loss / size);
            self.reference.push(reference / size);
        }
        Ok(())
    }
}

impl Judges for Rolling {
    fn observe(&mut self, input: &RunInput, _config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let levels = &finished.quantiles;
        let mut by_asset: BTreeMap<Option<Arc<str>>, Vec<&Answer>> = BTreeMap::new();
        for answer in &finished.answers {
            by_asset.entry(answer.asset.clone()).or_default().push(answer);
        }
        let mut trace = None;
        for answers in by_asset.values() {
            for (column, name) in finished.columns.iter().enumerate() {
                let told = answers.iter().any(|answer| !steps_of(answer, column, levels.len()).is_empty());
                if !told {
                    continue;
                }
                let course = Course { answers, column };
                self.judge(levels, &course).map_err(|error| refused(&input.label, format!("`{name}`: {error}")))?;
                trace.get_or_insert_with(|| drawn(format!("{}: {name}", input.label), levels, &course));
            }
        }
        let verdict = format!("{} series; {}", self.losses.len(), self.tally.told());
        Ok(Trace { verdict, ..trace.unwrap_or_default() })
    }

    fn finish(&self) -> Vec<Metric> {
        let (loss, reference) = (mean(&self.losses), mean(&self.reference));
        vec![
            Metric { reference, ..metric("quantile_loss", loss) },
            metric("quantile_loss_ratio", loss.zip(reference).map(|(loss, reference)| loss / reference)),
            metric("calibration_error", self.tally.error(self.whole)),
            metric("series_judged", Some(self.losses.len() as f64)),
            metric("rows_unanswered", Some(self.unanswered as f64)),
        ]
    }
}

/// The next step's median and interval as each row told them, beside what came.
fn drawn(title: String, levels: &[f64], course: &Course<'_>) -> Trace {
    let (mut came, mut steps) = (Vec::new(), Vec::new());
    for (at, answer) in course.answers.iter().enumerate() {
        let Some(next) = steps_of(answer, course.column, levels.len()).into_iter().next() else { continue };
        let Some(value) = course.value(at + 1) else { continue };
        came.push(value);
        steps.push(next);
    }
    drawing(title, levels, &[], &came, &steps)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use dinrail_core::outcome::{Forecast, Results};
    use dinrail_core::tag::Quality;

    #[test]
    fn the_next_rows_are_what_is_judged() {
        let answer = |at: usize, value: f64| {
            let quantiles = vec![value, 2.0 * value];
            let forecast = Forecast { row: 0, quality: Quality::Good, column: 0, step: 1, quantiles };
            let results = Results::Supply { forecasts: vec![forecast], orders: Vec::new() };
            Answer { asset: None, times_ns: vec![at as i64], inputs: vec![value], results }
        };
        let answers: Vec<Answer> = [1.0, 2.0, 3.0, 5.0].iter().enumerate().map(|(at, v)| answer(at, *v)).collect();
        let answers: Vec<&Answer> = answers.iter().collect();
        let mut judge = Rolling::new(0.25, false);
        judge.judge(&[0.5, 0.9], &Course { answers: &answers, column: 0 }).unwrap();
        // From 2: 2 and 4 for the 3 that came; from 3: 3 and 6 for the 5.
        let loss = 0.5 * (0.5 + 0.1) + 0.5 * (1.0 + 0.1);
        assert!((judge.losses[0] - loss / 8.0).abs() < 1e-12, "{:?}", judge.losses);
        // The past's own: 1 and 2, then 2 and 3.
        let usual = 0.5 * (1.0 + 0.9) + 0.5 * (1.5 + 1.8);
        assert!((judge.reference[0] - usual / 8.0).abs() < 1e-12, "{:?}", judge.reference);
        assert_eq!(judge.unanswered, 0);
        let shares: Vec<u64> = judge.tally.calibrations.iter().map(|one| one.below).collect();
        assert_eq!(shares, [0, 2]);
    }
}
