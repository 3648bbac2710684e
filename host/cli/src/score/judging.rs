//! From answers and truth to metrics: one judge for each kind of scenario.

mod charts;
mod defects;
mod economy;
mod expected;
mod faults;
mod forecast;
mod life;
mod line;
mod pictures;
mod process;
mod series;
mod site;
mod wear;

use super::data::{DataError, RunInput, set_folder};
use super::scenario::{Judge, Scenario};
use crate::config::Config;
use crate::run::Finished;
use dinrail_sim::judge::regression::Coverage;
use std::path::{Path, PathBuf};

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// None where nothing can be said: no event, no answer.
    pub value: Option<f64>,
    /// What it is compared with, where the scenario names nothing else.
    pub reference: Option<f64>,
    /// Where a test rather than a bar decides.
    pub passed: Option<bool>,
    /// What a coverage counted, to be pooled with that of other scenarios.
    pub coverage: Option<Coverage>,
}

impl Metric {
    /// A plain figure.
    #[must_use]
    pub fn new(name: &'static str, value: impl Into<Option<f64>>) -> Metric {
        Metric { name, value: value.into(), reference: None, passed: None, coverage: None }
    }
}

/// The level of the intervals that lives and forecasts come with.
const INTERVAL_LEVEL: f64 = 0.8;
/// The interval's name in drawings.
const INTERVAL_NAME: &str = "80 % interval";
/// A coverage is refused that chance explains less often than this.
const SIGNIFICANCE: f64 = 0.05;

impl Metric {
    /// A coverage of intervals, judged by a binomial test against their level.
    #[must_use]
    pub fn coverage(name: &'static str, coverage: Option<Coverage>) -> Metric {
        let p_value = coverage.and_then(|coverage| coverage.p_value(INTERVAL_LEVEL).ok());
        Metric {
            name,
            value: coverage.and_then(|coverage| coverage.share()),
            reference: Some(INTERVAL_LEVEL),
            // A coverage that can't be tested does not pass.
            passed: Some(p_value.is_some_and(|p| SIGNIFICANCE <= p)),
            coverage,
        }
    }
}

/// Intervals that are drawn: the name, then place, lower and upper end of each.
pub type Band = (String, Vec<(f64, f64, f64)>);

/// What the page draws of a run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The run.
    pub title: String,
    /// Over the drawing, where a run has several that each tell of something else; else empty.
    pub heading: String,
    /// What a hurried reader sees first: what it is, and how much.
    pub figures: Vec<(&'static str, String)>,
    /// Of the vertical axis.
    pub quantity: String,
    /// Of the horizontal axis.
    pub unit: String,
    /// Each line: its name and its points.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
    /// Where something was wrong: from, to.
    pub truth: Vec<(f64, f64)>,
    /// Where an alarm stood: from, to.
    pub alarms: Vec<(f64, f64)>,
    /// Intervals: the name, then place, lower and upper end of each; infinite where there is no upper end.
    pub bands: Vec<Band>,
    /// Another quantity of the same run, drawn below.
    pub below: Option<Box<Trace>>,
    /// What came of it, in words.
    pub verdict: String,
}

/// Why a run can't be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// Its data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The judge itself.
    #[error("{run}: {why}")]
    Run {
        /// Which run.
        run: String,
        /// Why.
        why: String,
    },
}

/// What each judge does.
trait Judges {
    /// Takes one run, and gives its picture.
    fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<Trace, JudgeError>;
    /// The figures of all runs.
    fn finish(&self) -> Vec<Metric>;
}

/// The scenario's judge at work.
pub struct Judging {
    judge: Box<dyn Judges>,
    traces: Vec<Trace>,
}

impl Judging {
    /// The judge that the scenario names, with what it has to know.
    pub fn new(scenario: &Scenario, data: Option<&Path>) -> Result<Judging, JudgeError> {
        let folder = scenario.file.data.as_ref().map(|wanted| set_folder(wanted, data)).transpose()?;
        let folder = folder.unwrap_or_else(|| PathBuf::from("."));
        let judge: Box<dyn Judges> = match &scenario.file.judge {
            Judge::Detection { label, skip_rows } => Box::new(series::Detection::new(Some(label.clone()), *skip_rows)),
            Judge::Normal { skip_rows } => Box::new(series::Detection::new(None, *skip_rows)),
            Judge::Nab { windows } => Box::new(series::Nab::read(&folder, windows)?),
            Judge::Life { truth, clip } => Box::new(life::Life::read(&folder.join(truth), *clip)?),
            Judge::Wear { modes, life_unit_s } => Box::new(wear::Wear::new(modes.clone(), *life_unit_s)),
            Judge::Profit { settled_from } => {
                Box::new(economy::Flow::new(economy::Figure::Profit, seconds(settled_from)?))
            }
            Judge::Cost { settled_from } => Box::new(economy::Flow::new(economy::Figure::Cost, seconds(settled_from)?)),
            Judge::Account { lagged, forecast } => {
                let forecast = forecast.as_ref().map(expected::Expected::new);
                Box::new(economy::Reckoning::new(*lagged, forecast))
            }
            Judge::RunLength { charts } => Box::new(charts::RunLengths::new(charts.clone())),
            Judge::Process(wanted) => Box::new(process::Process::new(wanted.clone())),
            Judge::Defects { label, defects } => Box::new(defects::Defects::new(label.clone(), defects.clone())),
            Judge::Forecast { tag, truth, season } => Box::new(forecast::Ahead::read(&folder, truth, tag, *season)?),
            Judge::RollingForecast { learn_share, whole } => Box::new(forecast::Rolling::new(*learn_share, *whole)),
            Judge::Site { drawings } => Box::new(site::Site::new(drawings.clone())),
            Judge::Line {} => Box::new(line::Line::default()),
            Judge::Pictures {} => Box::new(pictures::Pictures::default()),
            Judge::Faults { expected } => Box::new(faults::Faults::new(expected.clone())),
        };
        Ok(Judging { judge, traces: Vec::new() })
    }

    /// Takes one run.
    pub fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<(), JudgeError> {
        let trace = self.judge.observe(input, config, finished)?;
        self.traces.push(trace);
        Ok(())
    }

    /// The figures and the pictures.
    #[must_use]
    pub fn finish(self) -> (Vec<Metric>, Vec<Trace>) {
        (self.judge.finish(), self.traces)
    }
}

/// A duration of the scenario file.
fn seconds(text: &str) -> Result<f64, JudgeError> {
    let parsed = crate::config::amounts::parse_duration(text);
    let ns = parsed.map_err(|error| JudgeError::Run { run: "settled_from".to_owned(), why: error.to_string() })?;
    Ok(ns as f64 / 1e9)
}

/// Stretches in which something holds: from the first to the last place, by run.
fn spans(places: &[f64], holds: &[bool]) -> Vec<(f64, f64)> {
    let mut spans: Vec<(f64, f64)> = Vec::new();
    let mut open = false;
    for (place, holds) in places.iter().zip(holds) {
        match (holds, open) {
            (true, true) => {
                if let Some(last) = spans.last_mut() {
                    last.1 = *place;
                }
            }
            (true, false) => spans.push((*place, *place)),
            (false, _) => {}
        }
        open = *holds;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_end_where_it_no_longer_holds() {
        let holds = [false, true, true, false, true];
        assert_eq!(spans(&[0.0, 1.0, 2.0, 3.0, 4.0], &holds), [(1.0, 2.0), (4.0, 4.0)]);
    }
}
