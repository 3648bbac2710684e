//! What plans expected of a load, against what came.

use super::{JudgeError, Metric};
use crate::config::Config;
use crate::controller::recorder::Answer;
use crate::run::Finished;
use crate::score::data::RunInput;
use crate::score::scenario::JudgedForecast;
use dinrail_core::outcome::{Expectation, Results};
use dinrail_core::time::{TimeNs, seconds_between};
use std::collections::HashMap;

/// Quarter hours of a day.
const DAY: usize = 96;
const QUARTER_NS: i64 = 900_000_000_000;

/// Errors of the next quarter hour, and of the next day as it is told at local midnight.
pub(super) struct Expected {
    wanted: JudgedForecast,
    next: Errors,
    day: Errors,
}

#[derive(Default)]
struct Errors {
    squares: f64,
    count: usize,
}

impl Errors {
    fn add(&mut self, expected: f64, came: f64) {
        self.squares += (expected - came).powi(2);
        self.count += 1;
    }

    fn rmse(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.squares / self.count as f64).sqrt())
    }
}

impl Expected {
    pub(super) fn new(wanted: &JudgedForecast) -> Expected {
        Expected { wanted: wanted.clone(), next: Errors::default(), day: Errors::default() }
    }

    /// Takes one run.
    pub(super) fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<(), JudgeError> {
        let tag = finished.columns.iter().position(|name| *name == self.wanted.tag);
        let column = tag.ok_or_else(|| JudgeError::Run {
            run: input.label.clone(),
            why: format!("`{}` is no input of the plugin", self.wanted.tag),
        })?;
        let last_ns = |answer: &Answer| answer.times_ns.last().copied();
        let first_ns = finished.answers.first().and_then(last_ns).unwrap_or(0);
        let whole_s = seconds_between(first_ns, finished.answers.last().and_then(last_ns).unwrap_or(first_ns));
        // By the time at which the quarter hour was over.
        let came: HashMap<TimeNs, f64> = finished
            .answers
            .iter()
            .filter_map(|answer| Some((*answer.times_ns.last()?, *answer.inputs.get(column)?)))
            .filter(|(_, value)| value.is_finite())
            .collect();
        for answer in &finished.answers {
            let Some((time_ns, series)) = self.series(answer) else { continue };
            // Only quarter hours to come are a forecast.
            let present_ns = time_ns.div_euclid(QUARTER_NS) * QUARTER_NS;
            if series.step_ns != QUARTER_NS.unsigned_abs() || series.start_ns < present_ns {
                return Err(JudgeError::Run {
                    run: input.label.clone(),
                    why: format!("the plans' `{}` should be quarter hours from the present one on", self.wanted.series),
                });
            }
            if seconds_between(first_ns, time_ns) < self.wanted.learn_share * whole_s {
                continue;
            }
            let midnight = is_midnight(config, time_ns) && series.values.len() >= DAY;
            for (at, value) in (0i64..).zip(series.values.iter().take(DAY)) {
                let Some(came) = came.get(&series.start_ns.saturating_add((at + 1) * QUARTER_NS)) else { continue };
                let (expected, came) = (value * self.wanted.scale, came * self.wanted.scale);
                if at == 0 {
                    self.next.add(expected, came);
                }
                if midnight {
                    self.day.add(expected, came);
                }
            }
        }
        Ok(())
    }

    fn series<'a>(&self, answer: &'a Answer) -> Option<(TimeNs, &'a Expectation)> {
        let Results::Plan(plan) = &answer.results else { return None };
        let series = plan.expected.iter().find(|series| series.name == self.wanted.series)?;
        Some((*answer.times_ns.last()?, series))
    }

    pub(super) fn metrics(&self) -> [Metric; 2] {
        [Metric::new("rmse_15min", self.next.rmse()), Metric::new("rmse_day_ahead", self.day.rmse())]
    }
}

fn is_midnight(config: &Config, time_ns: TimeNs) -> bool {
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(time_ns)).unwrap_or_default();
    stamp.to_zoned(config.site.time_zone.clone()).time() == jiff::civil::Time::MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_the_mean_square() {
        let mut errors = Errors::default();
        assert_eq!(errors.rmse(), None);
        errors.add(3.0, 0.0);
        errors.add(0.0, 4.0);
        assert_eq!(errors.rmse(), Some(12.5_f64.sqrt()));
    }
}
