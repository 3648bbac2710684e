//! The judge of remaining life: each asset's last answer against the truth.

use super::{INTERVAL_LEVEL, INTERVAL_NAME, JudgeError, Judges, Metric, Trace};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::{DataError, RunInput, read_text};
use dinrail_core::outcome::{Life as Estimate, Results};
use dinrail_sim::judge::regression::{self, Coverage, Interval};
use std::collections::BTreeMap;
use std::path::Path;

pub(super) struct Life {
    /// By asset in the order of its number.
    truth: Vec<f64>,
    clip: f64,
    /// Truth and estimate of every asset that was judged.
    judged: Vec<(f64, Estimate)>,
    unanswered: usize,
}

impl Life {
    /// Numbers, one a line.
    pub(super) fn read(path: &Path, clip: f64) -> Result<Life, JudgeError> {
        let packed = path.with_extension("txt.gz");
        let text = read_text(if path.is_file() { path } else { &packed })?;
        let mut truth = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            truth.push(line.trim().parse().map_err(|error| DataError::Content {
                path: path.to_owned(),
                why: format!("line {}: {error}", index + 1),
            })?);
        }
        Ok(Life { truth, clip, judged: Vec::new(), unanswered: 0 })
    }

    fn pairs(&self, clip: Option<f64>) -> (Vec<f64>, Vec<f64>) {
        let clipped = |truth: f64| clip.map_or(truth, |clip| truth.min(clip));
        self.judged.iter().map(|(truth, life)| (clipped(*truth), life.rul)).unzip()
    }
}

impl Judges for Life {
    fn observe(&mut self, input: &RunInput, _config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        // Every asset that was seen, with the life that it was last given.
        let mut last: BTreeMap<u64, Option<Estimate>> = BTreeMap::new();
        for answer in &finished.answers {
            let Results::Health(healths) = &answer.results else { continue };
            let key = answer.asset.as_deref().unwrap_or("1");
            let number = key.parse().map_err(|_| JudgeError::Run {
                run: input.label.clone(),
                why: format!("the asset `{key}` is no number, and so has no place among the truths"),
            })?;
            // The last row's answer counts, also where it says nothing.
            last.insert(number, healths.last().and_then(|health| health.life));
        }
        if last.len() != self.truth.len() {
            let why = format!("{} assets answered, and there are {} truths", last.len(), self.truth.len());
            return Err(JudgeError::Run { run: input.label.clone(), why });
        }
        let (mut truths, mut estimates, mut intervals) = (Vec::new(), Vec::new(), Vec::new());
        for (index, (life, truth)) in last.into_values().zip(&self.truth).enumerate() {
            match life {
                Some(life) => {
                    self.judged.push((*truth, life));
                    estimates.push((index as f64, life.rul));
                    intervals.push((index as f64, life.rul_lo, life.rul_hi.unwrap_or(f64::INFINITY)));
                }
                None => self.unanswered += 1,
            }
            truths.push((index as f64, *truth));
        }
        Ok(Trace {
            title: input.label.clone(),
            quantity: "remaining life".into(),
            unit: "asset".into(),
            verdict: format!("{} assets", truths.len()),
            lines: vec![("truth".into(), truths), ("estimate".into(), estimates)],
            bands: vec![(INTERVAL_NAME.into(), intervals)],
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let (clipped, estimates) = self.pairs(Some(self.clip));
        let (unclipped, _) = self.pairs(None);
        let interval = |life: &Estimate| Interval { lo: life.rul_lo, hi: life.rul_hi };
        let intervals: Vec<Interval> = self.judged.iter().map(|(_, life)| interval(life)).collect();
        let coverage = Coverage::count(&intervals, &clipped).ok();
        let interval_score =
            regression::interval_score(&intervals, &clipped, 1.0 - INTERVAL_LEVEL, Some(self.clip)).ok();
        vec![
            Metric::new("rmse_clipped", regression::rmse(&estimates, &clipped).ok()),
            Metric::new("rmse_unclipped", regression::rmse(&estimates, &unclipped).ok()),
            Metric::new("phm_score", regression::phm_score(&estimates, &clipped).ok()),
            Metric::coverage("coverage_80", coverage),
            Metric::new("interval_score", interval_score),
            Metric::new("assets_without_life", self.unanswered as f64),
        ]
    }
}
