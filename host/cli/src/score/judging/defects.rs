//! The judge of parts: which failed, by what was said of each row.

use super::{JudgeError, Judges, Metric, Trace, spans};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::{RunInput, truth_rows};
use dinrail_core::outcome::{Decision, Results};
use dinrail_core::time::TimeNs;
use dinrail_sim::judge::classification::Confusion;
use std::collections::{BTreeMap, HashMap};

/// Classes: it is well, it failed.
const WELL: usize = 0;
const FAILED: usize = 1;

pub(super) struct Defects {
    label: String,
    /// By the plugin's name, the tag that tells of it.
    tags: BTreeMap<String, String>,
    parts: Option<Confusion>,
    /// Parts that failed, were found, and have a known defect; those of which one that they have was named.
    known: usize,
    named: usize,
    unanswered: usize,
    unlabelled: usize,
}

impl Defects {
    pub(super) fn new(label: String, tags: BTreeMap<String, String>) -> Defects {
        let parts = Confusion::new(2).ok();
        Defects { label, tags, parts, known: 0, named: 0, unanswered: 0, unlabelled: 0 }
    }
}

/// By time, what was said of a row: the defect, or that it is well. A verdict counts where there is one, else the first
/// signal; a signal without a rule says that nothing is wrong.
fn by_time(finished: &Finished) -> HashMap<TimeNs, Option<String>> {
    let mut rows: HashMap<TimeNs, Option<String>> = HashMap::new();
    for answer in &finished.answers {
        let Results::Inspection { verdicts, signals } = &answer.results else { continue };
        for signal in signals {
            if let Some(time_ns) = answer.times_ns.get(signal.row as usize) {
                let said = (!signal.rule.is_empty()).then(|| signal.rule.clone());
                rows.entry(*time_ns).or_insert(said);
            }
        }
        for verdict in verdicts {
            if let Some(time_ns) = answer.times_ns.get(verdict.row as usize) {
                let said = (verdict.decision != Decision::Pass).then(|| verdict.defect.clone());
                rows.insert(*time_ns, said);
            }
        }
    }
    rows
}

impl Judges for Defects {
    fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let refused = |why: String| JudgeError::Run { run: input.label.clone(), why };
        let judged_by = std::iter::once(&self.label).chain(self.tags.values());
        if let Some(tag) = judged_by.into_iter().find(|tag| finished.columns.contains(tag)) {
            let why = format!("the plugin is given `{tag}`, by which it is judged; leave it out of its inputs");
            return Err(refused(why));
        }
        let said = by_time(finished);
        let rows = truth_rows(config, Some(&self.label))?;
        let mut defects = Vec::new();
        for (name, tag) in &self.tags {
            defects.push((name, truth_rows(config, Some(tag))?));
        }
        let parts = self.parts.as_mut().ok_or_else(|| refused("no part can be counted".into()))?;
        let (mut failed, mut rejected) = (Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            let answer = said.get(&row.time_ns);
            self.unanswered += usize::from(answer.is_none());
            let found = answer.and_then(Option::as_deref);
            rejected.push(found.is_some());
            failed.push(row.label.is_finite() && row.label != 0.0);
            if !row.label.is_finite() {
                self.unlabelled += 1;
                continue;
            }
            let truth = if row.label != 0.0 { FAILED } else { WELL };
            let predicted = if found.is_some() { FAILED } else { WELL };
            parts.observe(truth, predicted).map_err(|error| refused(error.to_string()))?;
            let has = |rows: &[crate::score::data::TruthRow]| rows.get(at).is_some_and(|row| row.label == 1.0);
            if let (FAILED, Some(found)) = (truth, found)
                && defects.iter().any(|(_, rows)| has(rows))
            {
                self.known += 1;
                self.named += usize::from(defects.iter().any(|(name, rows)| name.as_str() == found && has(rows)));
            }
        }
        let places: Vec<f64> = (0..rows.len()).map(|row| row as f64).collect();
        let count = |flags: &[bool]| flags.iter().filter(|flag| **flag).count();
        Ok(Trace {
            title: input.label.clone(),
            quantity: "part".into(),
            unit: "row".into(),
            truth: spans(&places, &failed),
            alarms: spans(&places, &rejected),
            verdict: format!("{} of {} parts failed, {} rejected", count(&failed), rows.len(), count(&rejected)),
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let of =
            |figure: fn(&Confusion, usize) -> Option<f64>| self.parts.as_ref().and_then(|parts| figure(parts, FAILED));
        vec![
            Metric::new("f1", of(Confusion::f1)),
            Metric::new("precision", of(Confusion::precision)),
            Metric::new("recall", of(Confusion::recall)),
            Metric::new("defect_named", (self.known > 0).then(|| self.named as f64 / self.known as f64)),
            Metric::new("rows_unanswered", self.unanswered as f64),
            Metric::new("rows_without_label", self.unlabelled as f64),
        ]
    }
}
