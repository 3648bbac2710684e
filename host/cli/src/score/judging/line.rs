//! The judge of a line: what its gate did with each part, against the verdicts and against what was wrong.

use super::{JudgeError, Judges, Metric, Trace};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::RunInput;
use dinrail_core::guard::{ItemJudgement, ItemReason, Verdict};
use dinrail_core::outcome::Decision;
use dinrail_sim::PartFate;
use dinrail_sim::judge::line::LineScore;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Line {
    score: LineScore,
    /// Parts of the run with the fewest.
    fewest: Option<u64>,
    /// Verdicts on items that were settled at the gate before.
    late: u64,
}

impl Judges for Line {
    fn observe(&mut self, input: &RunInput, _config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        if finished.fates.is_empty() {
            let why = "no part left the line: is its plant `line`?".to_owned();
            return Err(JudgeError::Run { run: input.label.clone(), why });
        }
        // At the gate, or past it.
        let is_late = |judged: &&ItemJudgement| judged.verdict == Verdict::Rejected;
        self.late += finished.item_judgements.iter().filter(is_late).count() as u64;
        let score = LineScore::of(&finished.fates, &takes_out(&finished.item_judgements));
        self.score.add(score);
        self.fewest = Some(self.fewest.map_or(score.parts, |fewest| fewest.min(score.parts)));
        Ok(Trace {
            title: input.label.clone(),
            quantity: "parts".into(),
            unit: "parts".into(),
            lines: vec![
                ("taken out".into(), growing(&finished.fates, |fate| fate.ejected)),
                ("bad".into(), growing(&finished.fates, |fate| !fate.defect.is_empty())),
            ],
            verdict: format!(
                "{} parts, {} done wrong, {} without verdict, {} of {} bad ones passed",
                score.parts, score.wrong, score.without_verdict, score.escaped, score.bad
            ),
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        vec![
            Metric::new("wrong_parts", self.score.wrong as f64),
            Metric::new("parts_without_verdict", self.score.without_verdict as f64),
            Metric::new("late_verdicts", self.late as f64),
            Metric::new("parts", self.fewest.map(|parts| parts as f64)),
            Metric::new("escape_rate", self.score.escape_rate()),
            Metric::new("false_reject_rate", self.score.false_reject_rate()),
        ]
    }
}

/// By item that has a verdict: whether any of them takes it out. What came after the item was settled at the gate, or was of
/// no use, is no verdict on it.
pub(super) fn takes_out(judgements: &[ItemJudgement]) -> BTreeMap<u64, bool> {
    let is_in_time =
        |judged: &&ItemJudgement| judged.verdict != Verdict::Rejected && judged.reason != ItemReason::Unusable;
    let mut takes_out: BTreeMap<u64, bool> = BTreeMap::new();
    for judged in judgements.iter().filter(is_in_time) {
        *takes_out.entry(judged.item).or_default() |= judged.decision != Decision::Pass;
    }
    takes_out
}

/// Points that a line of the page has at most.
const DRAWN: usize = 400;

/// How many of the first parts something holds for.
fn growing(fates: &[PartFate], holds: impl Fn(&PartFate) -> bool) -> Vec<(f64, f64)> {
    let step = fates.len().div_ceil(DRAWN).max(1);
    let mut count = 0;
    let points = fates.iter().enumerate().filter_map(|(index, fate)| {
        count += u64::from(holds(fate));
        (index % step == 0).then_some((index as f64, count as f64))
    });
    points.collect()
}
