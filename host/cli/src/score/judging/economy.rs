//! The judges of what a plant earned or cost: against its optimum at each moment, or against the best course of a whole run.

use super::expected::Expected;
use super::{JudgeError, Judges, Metric, Trace};
use crate::config::Config;
use crate::controller::recorder::Economy;
use crate::run::Finished;
use crate::score::data::RunInput;
use dinrail_core::outcome::Results;
use dinrail_core::time::{TimeNs, seconds_between};
use dinrail_sim::judge::cost::{ratio_to_optimum, savings_share};

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// Higher is better.
    Profit,
    /// Lower is better.
    Cost,
}

/// Money that flows now against the best that could: settled and from the beginning.
pub(super) struct Flow {
    figure: Figure,
    settled_from_s: f64,
    settled: Vec<f64>,
    whole: Vec<f64>,
    violation_shares: Vec<f64>,
    worst_violation: Option<f64>,
    travels: Vec<f64>,
}

impl Flow {
    pub(super) fn new(figure: Figure, settled_from_s: f64) -> Flow {
        Flow {
            figure,
            settled_from_s,
            settled: Vec::new(),
            whole: Vec::new(),
            violation_shares: Vec::new(),
            worst_violation: None,
            travels: Vec::new(),
        }
    }

    /// What flowed and what could have, of the moments where both are known.
    fn pair(&self, point: &Economy) -> Option<(f64, f64)> {
        match self.figure {
            Figure::Profit => Some((point.profit?, point.optimum_profit?)),
            Figure::Cost => Some((point.cost?, point.optimum_cost?)),
        }
    }

    /// Mean over mean from a time on; none where nothing is known.
    fn ratio(&self, points: &[Economy], from_s: f64) -> Option<f64> {
        let counted = points.iter().filter(|point| from_s <= point.time_s).filter_map(|point| self.pair(point));
        let (is, best) = counted.fold((0.0, 0.0), |(is, best), pair| (is + pair.0, best + pair.1));
        ratio_to_optimum(is, best)
    }

    fn worst(&self, ratios: &[f64]) -> Option<f64> {
        match self.figure {
            Figure::Profit => ratios.iter().copied().reduce(f64::min),
            Figure::Cost => ratios.iter().copied().reduce(f64::max),
        }
    }
}

impl Judges for Flow {
    fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let points = &finished.economy;
        let nothing = |what: &str| JudgeError::Run { run: input.label.clone(), why: what.to_owned() };
        let whole = self.ratio(points, 0.0).ok_or_else(|| nothing("the plant tells no optimum above zero"))?;
        let settled =
            self.ratio(points, self.settled_from_s).ok_or_else(|| nothing("the run ends before `settled_from`"))?;
        self.whole.push(whole);
        self.settled.push(settled);
        let violations: Vec<f64> = points.iter().filter_map(|point| point.violation).collect();
        if !violations.is_empty() {
            let exceeded = violations.iter().filter(|by| **by > 0.0).count();
            self.violation_shares.push(exceeded as f64 / violations.len() as f64);
            let worst = violations.iter().copied().fold(0.0, f64::max);
            self.worst_violation = Some(self.worst_violation.map_or(worst, |known| known.max(worst)));
        }
        self.travels.push(travel(config, finished));
        let line = |of: fn((f64, f64)) -> f64| {
            points.iter().filter_map(|point| Some((point.time_s / 3_600.0, of(self.pair(point)?)))).collect()
        };
        Ok(Trace {
            title: input.label.clone(),
            quantity: if self.figure == Figure::Profit { "profit".into() } else { "cost".into() },
            unit: "h".into(),
            lines: vec![("is".into(), line(|pair| pair.0)), ("optimum".into(), line(|pair| pair.1))],
            verdict: format!("settled {:.2} %, whole {:.2} %", settled * 100.0, whole * 100.0),
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let best = |metric: Metric| Metric { reference: Some(1.0), ..metric };
        let mut metrics = match self.figure {
            Figure::Profit => vec![
                best(Metric::new("settled_profit_ratio", self.worst(&self.settled))),
                best(Metric::new("settled_profit_ratio_mean", mean(&self.settled))),
                best(Metric::new("integrated_profit_ratio", self.worst(&self.whole))),
            ],
            Figure::Cost => vec![
                best(Metric::new("cost_ratio", self.worst(&self.whole))),
                best(Metric::new("cost_ratio_mean", mean(&self.whole))),
                best(Metric::new("settled_cost_ratio", self.worst(&self.settled))),
            ],
        };
        if let Some(worst) = self.worst_violation {
            metrics.push(Metric::new("violation_share", self.violation_shares.iter().copied().reduce(f64::max)));
            metrics.push(Metric::new("worst_violation", worst));
        }
        metrics.push(Metric::new("actuator_travel", mean(&self.travels)));
        metrics
    }
}

/// How far all outputs were moved, in shares of their ranges.
fn travel(config: &Config, finished: &Finished) -> f64 {
    let outputs = config.outputs.iter().zip(&finished.travel);
    outputs.map(|(output, moved)| moved / (output.spec.range.1 - output.spec.range.0).max(f64::MIN_POSITIVE)).sum()
}

/// What a whole run came to, against the best course that hindsight knows.
#[derive(Default)]
pub(super) struct Reckoning {
    lagged: bool,
    expected: Option<Expected>,
    cost: f64,
    baseline: f64,
    optimum: f64,
    shares: Vec<f64>,
    ratios: Vec<f64>,
    violation_shares: Vec<f64>,
    travels: Vec<f64>,
}

impl Reckoning {
    pub(super) fn new(lagged: bool, expected: Option<Expected>) -> Reckoning {
        Reckoning { lagged, expected, ..Reckoning::default() }
    }
}

impl Judges for Reckoning {
    fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let account = finished.account.as_ref().ok_or_else(|| JudgeError::Run {
            run: input.label.clone(),
            why: "the plant gives no account of the run".to_owned(),
        })?;
        if let Some(expected) = &mut self.expected {
            expected.observe(input, config, finished)?;
        }
        self.cost += account.cost;
        self.baseline += account.baseline;
        self.optimum += account.optimum;
        let share = savings_share(account.baseline, account.cost, account.optimum);
        self.shares.extend(share);
        self.ratios.extend(ratio_to_optimum(account.cost, account.optimum));
        self.violation_shares.push(account.violation_s / account.time_s.max(f64::MIN_POSITIVE));
        self.travels.push(travel(config, finished));
        let points = &finished.economy;
        let cost = points.iter().filter_map(|point| Some((point.time_s / 3_600.0, point.cost?))).collect();
        Ok(Trace {
            title: input.label.clone(),
            quantity: "cost".into(),
            unit: "h".into(),
            lines: vec![("is".into(), cost)],
            below: plan_and_course(config, finished).map(Box::new),
            verdict: format!(
                "cost {:.2}, without {:.2}, best {:.2}: {:.1} % of what could be saved",
                account.cost,
                account.baseline,
                account.optimum,
                share.unwrap_or(f64::NAN) * 100.0
            ),
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let best = |metric: Metric| Metric { reference: Some(1.0), ..metric };
        let (pooled, worst) = match self.lagged {
            false => ("saving_share", "saving_share_worst"),
            true => ("saving_share_lagged", "saving_share_lagged_worst"),
        };
        let travel = self.travels.iter().sum::<f64>() / self.travels.len().max(1) as f64;
        let mut metrics = vec![
            best(Metric::new(pooled, savings_share(self.baseline, self.cost, self.optimum))),
            best(Metric::new(worst, self.shares.iter().copied().reduce(f64::min))),
            best(Metric::new("cost_ratio", self.ratios.iter().copied().reduce(f64::max))),
            Metric::new("violation_share", self.violation_shares.iter().copied().reduce(f64::max)),
            Metric::new("actuator_travel", travel),
        ];
        metrics.extend(self.expected.iter().flat_map(Expected::metrics));
        metrics
    }
}

/// Days at the end of a run of which a plan is drawn: of a year nothing would be seen.
const DRAWN_H: f64 = 7.0 * 24.0;

/// What was planned for an output, a horizon after the other, and what it was told in the end; none where nothing was planned.
fn plan_and_course(config: &Config, finished: &Finished) -> Option<Trace> {
    let mut plans = finished.answers.iter().filter_map(|answer| match &answer.results {
        Results::Plan(plan) if !plan.schedule.is_empty() => Some((*answer.times_ns.last()?, plan)),
        _ => None,
    });
    let (first_ns, first) = plans.next()?;
    let (planned_output, last_ns) = (first.schedule.first()?.output, finished.answers.last()?.times_ns.last()?);
    let output = *finished.own_outputs.get(planned_output as usize)?;
    let spec = &config.outputs.get(output.index())?.spec;
    let hour = |time_ns: TimeNs| seconds_between(first_ns, time_ns) / 3_600.0;
    let from = hour(*last_ns) - DRAWN_H;
    let (mut planned, mut until) = (Vec::new(), from);
    for (time_ns, plan) in std::iter::once((first_ns, first)).chain(plans) {
        if until <= hour(time_ns) {
            let steps = plan.schedule.iter().filter(|step| step.output == planned_output);
            planned.extend(steps.map(|step| (hour(step.time_ns), step.setpoint)));
            until = hour(time_ns) + plan.horizon_ns as f64 / 3.6e12;
        }
    }
    let commands = finished.commands.iter().filter(|command| command.output() == output);
    let came = commands.map(|command| (hour(command.time_ns()), command.value())).filter(|point| from <= point.0);
    Some(Trace {
        quantity: format!("{} {}", spec.name, spec.unit.code()),
        unit: "h".into(),
        lines: vec![("planned".into(), planned), ("commanded".into(), steps(came.collect()))],
        ..Trace::default()
    })
}

/// A value holds until the next one.
fn steps(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let corners = points.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
    corners.chain(points.last().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_means_and_from_the_time_on() {
        let point = |time_s, profit, optimum| Economy {
            time_s,
            profit: Some(profit),
            optimum_profit: Some(optimum),
            ..Economy::default()
        };
        let points = [point(0.0, 50.0, 100.0), point(1.0, 90.0, 100.0), point(2.0, 190.0, 200.0)];
        let flow = Flow::new(Figure::Profit, 1.0);
        assert_eq!(flow.ratio(&points, 0.0), Some(330.0 / 400.0));
        assert_eq!(flow.ratio(&points, 1.0), Some(280.0 / 300.0));
        assert_eq!(flow.ratio(&points, 3.0), None);
        assert_eq!(flow.worst(&[0.9, 0.8]), Some(0.8));
        assert_eq!(Flow::new(Figure::Cost, 0.0).worst(&[1.1, 1.2]), Some(1.2));
    }

    #[test]
    fn a_command_is_drawn_until_the_next() {
        assert_eq!(steps(vec![(0.0, 1.0), (2.0, 3.0)]), [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0)]);
        assert_eq!(steps(vec![]), []);
    }
}
