//! The judge of a bearing that wears out.

use super::{INTERVAL_LEVEL, INTERVAL_NAME, JudgeError, Judges, Metric, Trace};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::RunInput;
use dinrail_core::outcome::Results;
use dinrail_core::time::{TimeNs, seconds_between};
use dinrail_sim::judge::ranks::spearman;
use std::collections::{BTreeMap, HashMap};

/// Answers of one run that count towards the coverage: neighbours say nearly the same.
const JUDGED_LIVES: usize = 25;

#[derive(Default)]
pub(super) struct Wear {
    modes: BTreeMap<String, String>,
    life_unit_s: f64,
    runs: usize,
    /// Runs in which the mode that stood last was the right one.
    named: usize,
    covered: usize,
    judged: usize,
    ranks: Vec<f64>,
    claims: usize,
}

impl Wear {
    pub(super) fn new(modes: BTreeMap<String, String>, life_unit_s: f64) -> Wear {
        Wear { modes, life_unit_s, ..Wear::default() }
    }
}

/// The remaining life of a run, to be drawn.
#[derive(Default)]
struct DrawnLife {
    truth: Vec<(f64, f64)>,
    estimate: Vec<(f64, f64)>,
    interval: Vec<(f64, f64, f64)>,
}

impl DrawnLife {
    /// None where no life was told. What is long at first would press the truth flat: the drawing ends at twice the
    /// longest true life.
    fn trace(mut self) -> Option<Box<Trace>> {
        let most = 2.0 * self.truth.iter().map(|(_, life)| *life).fold(0.0, f64::max);
        self.estimate.iter_mut().for_each(|(_, life)| *life = life.min(most));
        for (_, low, high) in &mut self.interval {
            *low = low.min(most);
            *high = high.min(most);
        }
        let trace = Trace {
            quantity: "life left, cut".into(),
            unit: "h".into(),
            lines: vec![("estimate".into(), self.estimate), ("truth".into(), self.truth)],
            bands: vec![(INTERVAL_NAME.into(), self.interval)],
            ..Trace::default()
        };
        trace.lines.iter().any(|(_, points)| !points.is_empty()).then(|| Box::new(trace))
    }
}

impl Judges for Wear {
    fn observe(&mut self, input: &RunInput, _config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let truth: HashMap<TimeNs, &dinrail_sim::Condition> =
            finished.conditions.iter().map(|(time_ns, condition)| (*time_ns, condition)).collect();
        let first_ns = finished.conditions.first().map_or(0, |(time_ns, _)| *time_ns);
        let (mut indexes, mut healths, mut last_mode) = (Vec::new(), Vec::new(), None);
        let (mut drawn_index, mut drawn_truth, mut lives) = (Vec::new(), Vec::new(), Vec::new());
        let mut drawn = DrawnLife::default();
        for answer in &finished.answers {
            let Results::Health(results) = &answer.results else { continue };
            for health in results {
                let Some(time_ns) = answer.times_ns.get(health.row as usize) else { continue };
                let Some(condition) = truth.get(time_ns) else { continue };
                let hour = seconds_between(first_ns, *time_ns) / 3_600.0;
                drawn_index.push((hour, health.index));
                drawn_truth.push((hour, condition.health()));
                let bounded = health.life.is_some_and(|life| life.rul_hi.is_some());
                if condition.mode.is_empty() {
                    self.claims += usize::from(bounded || !health.mode.is_empty());
                    continue;
                }
                // After its failure nothing is left to tell.
                if condition.life_s.is_some_and(|life_s| life_s <= 0.0) {
                    continue;
                }
                indexes.push(health.index);
                healths.push(condition.health());
                if !health.mode.is_empty() {
                    last_mode = Some(self.modes.get(condition.mode).is_some_and(|mode| *mode == health.mode));
                }
                if let (Some(life), Some(life_s)) = (health.life, condition.life_s) {
                    let left = life_s / self.life_unit_s;
                    drawn.truth.push((hour, left));
                    drawn.estimate.push((hour, life.rul));
                    drawn.interval.push((hour, life.rul_lo, life.rul_hi.unwrap_or(f64::INFINITY)));
                    lives.push(life.rul_lo <= left && life.rul_hi.is_none_or(|high| left <= high));
                }
            }
        }
        self.runs += 1;
        self.named += usize::from(last_mode == Some(true));
        let step = lives.len().div_ceil(JUDGED_LIVES).max(1);
        let judged: Vec<bool> = lives.into_iter().step_by(step).collect();
        self.judged += judged.len();
        self.covered += judged.iter().filter(|covered| **covered).count();
        let rank = spearman(&indexes, &healths).ok().flatten();
        self.ranks.extend(rank);
        Ok(Trace {
            title: input.label.clone(),
            quantity: "health".into(),
            unit: "h".into(),
            lines: vec![("index".into(), drawn_index), ("truth".into(), drawn_truth)],
            verdict: format!("rank correlation {:.3}", rank.unwrap_or(f64::NAN)),
            below: drawn.trace(),
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let least = self.ranks.iter().copied().reduce(f64::min).filter(|_| self.ranks.len() == self.runs);
        vec![
            Metric::new("mode_named", share(self.named, self.runs)),
            Metric { reference: Some(INTERVAL_LEVEL), ..Metric::new("coverage_80", share(self.covered, self.judged)) },
            Metric::new("health_rank", least),
            Metric::new("claims_while_well", self.claims as f64),
        ]
    }
}
