//! The judge of a whole works: what each part came to, and what of it a page shows.

use super::{JudgeError, Judges, Metric, Trace, line, spans};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::RunInput;
use crate::score::scenario::Drawn;
use dinrail_sim::judge::cost::{ratio_to_optimum, savings_share};
use dinrail_sim::judge::line::LineScore;

const HOUR_S: f64 = 3_600.0;

pub(super) struct Site {
    drawings: Vec<Drawn>,
    runs: Vec<Figures>,
}

/// What a run came to; none where its plant has no such part.
struct Figures {
    faults_seen: Option<f64>,
    false_episodes: Option<f64>,
    profit_ratio: Option<f64>,
    cost_ratio: Option<f64>,
    saving_share: Option<f64>,
    violation_share: Option<f64>,
    line: LineScore,
    plugin_faults: u64,
}

impl Site {
    pub(super) fn new(drawings: Vec<Drawn>) -> Site {
        Site { drawings, runs: Vec::new() }
    }

    fn worst(&self, of: fn(&Figures) -> Option<f64>, worse: fn(f64, f64) -> f64) -> Option<f64> {
        self.runs.iter().filter_map(of).reduce(worse)
    }

    /// A drawing of watched tags.
    fn drawn(&self, drawing: &Drawn, finished: &Finished) -> Result<Trace, String> {
        let mut lines = Vec::new();
        for (name, tag) in &drawing.lines {
            let values = finished.watched.get(tag).ok_or_else(|| format!("there is no tag `{tag}` to draw"))?;
            lines.push((name.clone(), values.iter().map(|(time_s, value)| (time_s / HOUR_S, *value)).collect()));
        }
        Ok(Trace {
            heading: drawing.title.clone(),
            quantity: drawing.quantity.clone(),
            unit: "h".into(),
            lines,
            verdict: drawing.about.clone(),
            ..Trace::default()
        })
    }
}

impl Judges for Site {
    fn observe(&mut self, input: &RunInput, _config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let figures = Figures::of(finished);
        let nothing = |why: String| JudgeError::Run { run: input.label.clone(), why };
        let drawings = self.drawings.iter().map(|drawing| self.drawn(drawing, finished));
        let mut drawings: Vec<Trace> = drawings.collect::<Result<_, _>>().map_err(nothing)?;
        // Under the first: when the machine was really in trouble.
        if let Some(first) = drawings.first_mut() {
            first.truth = troubles(finished);
        }
        let told = figures.told();
        self.runs.push(figures);
        let below = drawings.into_iter().rev().fold(None, |below, trace| Some(Box::new(Trace { below, ..trace })));
        let profit = |of: fn(&crate::controller::recorder::Economy) -> Option<f64>| {
            finished.economy.iter().filter_map(|point| Some((point.time_s / HOUR_S, of(point)?))).collect()
        };
        Ok(Trace {
            title: input.label.clone(),
            heading: "What the reactor earns".into(),
            figures: told,
            quantity: "money/s".into(),
            unit: "h".into(),
            lines: vec![
                ("true profit".into(), profit(|point| point.profit)),
                ("the best that it could be".into(), profit(|point| point.optimum_profit)),
            ],
            verdict: "A Williams–Otto reactor whose rates the optimizer learns from noisy measurements".into(),
            below,
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let sum = |of: fn(&Figures) -> u64| self.runs.iter().map(of).sum::<u64>() as f64;
        vec![
            Metric::new("faults_seen", self.worst(|run| run.faults_seen, f64::min)),
            Metric::new("false_episodes", self.worst(|run| run.false_episodes, f64::max)),
            Metric::new("profit_ratio", self.worst(|run| run.profit_ratio, f64::min)),
            Metric::new("cost_ratio", self.worst(|run| run.cost_ratio, f64::max)),
            Metric::new("saving_share", self.worst(|run| run.saving_share, f64::min)),
            Metric::new("violation_share", self.worst(|run| run.violation_share, f64::max)),
            Metric::new("parts", sum(|run| run.line.parts)),
            Metric::new("wrong_parts", sum(|run| run.line.wrong)),
            Metric::new("parts_without_verdict", sum(|run| run.line.without_verdict)),
            Metric::new("bad_parts_passed", sum(|run| run.line.escaped)),
            Metric::new("plugin_faults", sum(|run| run.plugin_faults)),
        ]
    }
}

impl Figures {
    fn of(finished: &Finished) -> Figures {
        let summary = &finished.summary;
        let seen = |detections: &Vec<crate::statistics::DetectionSummary>| {
            let found = detections.iter().filter(|detection| detection.delay_s.is_some()).count();
            (!detections.is_empty()).then(|| found as f64 / detections.len() as f64)
        };
        let costs = finished.economy.iter().filter_map(|point| Some((point.cost?, point.optimum_cost?)));
        let (cost, least) = costs.fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        let violations: Vec<f64> = finished.economy.iter().filter_map(|point| point.violation).collect();
        let violated = violations.iter().filter(|by| **by > 0.0).count();
        Figures {
            faults_seen: summary.detections.as_ref().and_then(seen),
            false_episodes: summary.false_episodes.map(|count| count as f64),
            profit_ratio: summary.reactor.as_ref().and_then(|reactor| reactor.profit_ratio),
            cost_ratio: ratio_to_optimum(cost, least),
            saving_share: finished
                .account
                .and_then(|account| savings_share(account.baseline, account.cost, account.optimum)),
            violation_share: (!violations.is_empty()).then(|| violated as f64 / violations.len() as f64),
            line: LineScore::of(&finished.fates, &line::takes_out(&finished.item_judgements)),
            plugin_faults: summary.plugins.iter().map(|plugin| plugin.counts.faults + plugin.counts.missed).sum(),
        }
    }

    /// For a hurried reader.
    fn told(&self) -> Vec<(&'static str, String)> {
        let percent =
            |share: Option<f64>| share.map_or("unknown".to_owned(), |share| format!("{:.1} %", 100.0 * share));
        let LineScore { parts, wrong, without_verdict, bad, escaped, .. } = self.line;
        vec![
            ("reactor: profit of the best, last tenth", percent(self.profit_ratio)),
            ("faults seen in time", percent(self.faults_seen)),
            ("false alarms", format!("{}", self.false_episodes.unwrap_or(0.0))),
            ("pumps: cost above the least", percent(self.cost_ratio.map(|ratio| ratio - 1.0))),
            ("energy: of what hindsight could save", percent(self.saving_share)),
            ("air: time outside the pressure band", percent(self.violation_share)),
            ("parts made; bad ones taken out", format!("{parts}; {} of {bad}", bad - escaped)),
            ("parts done wrong; without verdict", format!("{wrong}; {without_verdict}")),
        ]
    }
}

/// Stretches in which the simulated machine had a failure mode.
fn troubles(finished: &Finished) -> Vec<(f64, f64)> {
    let origin_ns = finished.conditions.first().map_or(0, |(time_ns, _)| *time_ns);
    let hours = |time_ns: i64| dinrail_core::time::seconds_between(origin_ns, time_ns) / HOUR_S;
    let places: Vec<f64> = finished.conditions.iter().map(|(time_ns, _)| hours(*time_ns)).collect();
    let holds: Vec<bool> = finished.conditions.iter().map(|(_, condition)| !condition.mode.is_empty()).collect();
    spans(&places, &holds)
}
