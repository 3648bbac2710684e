//! The judge of pictures: what is said of each piece, against what is really wrong with it.

use super::{JudgeError, Judges, Metric, Trace};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::RunInput;
use dinrail_core::outcome::{Decision, Results};
use std::collections::{BTreeMap, HashMap};

/// Pieces of one true class.
#[derive(Default)]
struct Tally {
    pieces: u64,
    right: u64,
}

#[derive(Default)]
pub(super) struct Pictures {
    /// By what is really wrong; empty: nothing.
    classes: BTreeMap<&'static str, Tally>,
    without_verdict: u64,
}

/// By the piece's number, the defect that was named; empty where it passed.
fn by_piece(finished: &Finished) -> HashMap<u64, &str> {
    let mut said = HashMap::new();
    for answer in &finished.answers {
        let Results::Inspection { verdicts, .. } = &answer.results else { continue };
        for verdict in verdicts {
            // A piece that goes without a name of its defect is named nothing that any piece has.
            let defect = match (verdict.decision, verdict.defect.as_str()) {
                (Decision::Pass, _) => "",
                (_, "") => "unnamed",
                (_, defect) => defect,
            };
            said.insert(verdict.item, defect);
        }
    }
    said
}

impl Judges for Pictures {
    fn observe(&mut self, input: &RunInput, _config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        if finished.fates.is_empty() {
            let why = "no piece was pictured: is its plant `surface`?".to_owned();
            return Err(JudgeError::Run { run: input.label.clone(), why });
        }
        let said = by_piece(finished);
        let (mut wrong, mut unjudged) = (Vec::new(), 0_u64);
        for (place, fate) in finished.fates.iter().enumerate() {
            let verdict = fate.ids.iter().find_map(|id| said.get(id));
            unjudged += u64::from(verdict.is_none());
            let tally = self.classes.entry(fate.defect).or_default();
            tally.pieces += 1;
            if verdict == Some(&fate.defect) {
                tally.right += 1;
            } else {
                wrong.push((place as f64, wrong.len() as f64 + 1.0));
            }
        }
        self.without_verdict += unjudged;
        let pieces = finished.fates.len();
        Ok(Trace {
            title: input.label.clone(),
            quantity: "pieces".into(),
            unit: "pieces".into(),
            verdict: format!("{pieces} pieces, {} named wrong, {unjudged} of them without verdict", wrong.len()),
            lines: vec![("named wrong".into(), wrong)],
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let share = |tally: &Tally| tally.right as f64 / tally.pieces as f64;
        let mut all = Tally::default();
        for tally in self.classes.values() {
            all.pieces += tally.pieces;
            all.right += tally.right;
        }
        let worst = self.classes.values().map(share).reduce(f64::min);
        vec![
            Metric::new("accuracy", (all.pieces > 0).then(|| share(&all))),
            Metric::new("accuracy_worst_class", worst),
            Metric::new("pieces", all.pieces as f64),
            Metric::new("pieces_without_verdict", self.without_verdict as f64),
        ]
    }
}
