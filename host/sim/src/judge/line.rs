//! What a line did with its parts, against the verdicts on them and against what was really wrong.

use crate::plant::PartFate;
use std::collections::BTreeMap;

/// What a line's gate did, counted over parts. Counts add up over runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineScore {
    /// That left the line.
    pub parts: u64,
    /// Of those: under one of whose numbers there was no verdict.
    pub without_verdict: u64,
    /// Parts with which the gate did not do what the verdicts on them say: one was taken out whose own say that it passes,
    /// one passed whose own say that it goes, or the gate moved while it was over one. Also a part of which the trigger never
    /// told, and that was taken out on another's verdict.
    pub wrong: u64,
    /// Really bad.
    pub bad: u64,
    /// Of those: not taken out.
    pub escaped: u64,
    /// Good, and taken out.
    pub rejected_good: u64,
}

impl LineScore {
    /// Counts the parts of one run. `takes_out` says of each number that was judged whether it is to be taken out; of two
    /// numbers of one part, either is enough.
    pub fn of(fates: &[PartFate], takes_out: &BTreeMap<u64, bool>) -> LineScore {
        let mut score = LineScore { parts: fates.len() as u64, ..LineScore::default() };
        for fate in fates {
            let verdicts: Vec<Option<bool>> = fate.ids.iter().map(|id| takes_out.get(id).copied()).collect();
            let owed = verdicts.contains(&Some(true));
            let is_judged = !verdicts.contains(&None);
            score.without_verdict += u64::from(fate.ids.is_empty() || !is_judged);
            // Without a verdict, what the configuration says happens to it.
            score.wrong += u64::from(is_judged && (fate.ejected != owed || fate.torn));
            let is_bad = !fate.defect.is_empty();
            score.bad += u64::from(is_bad);
            score.escaped += u64::from(is_bad && !fate.ejected);
            score.rejected_good += u64::from(!is_bad && fate.ejected);
        }
        score
    }

    /// Adds another run's.
    pub fn add(&mut self, other: LineScore) {
        self.parts += other.parts;
        self.without_verdict += other.without_verdict;
        self.wrong += other.wrong;
        self.bad += other.bad;
        self.escaped += other.escaped;
        self.rejected_good += other.rejected_good;
    }

    /// Bad parts that passed, over bad parts.
    pub fn escape_rate(&self) -> Option<f64> {
        super::input::share(self.escaped, self.bad)
    }

    /// Good parts that were taken out, over good parts.
    pub fn false_reject_rate(&self) -> Option<f64> {
        super::input::share(self.rejected_good, self.parts - self.bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(ids: &[u64], defect: &'static str, ejected: bool, torn: bool) -> PartFate {
        PartFate { ids: ids.to_vec(), defect, ejected, torn }
    }

    #[test]
    fn parts_by_hand() {
        let takes_out =
            BTreeMap::from([(1, false), (2, true), (3, false), (4, true), (5, true), (7, false), (8, true)]);
        let fates = [
            fate(&[1], "", false, false),
            fate(&[2], "size", true, false),
            // Taken out in the place of its neighbour.
            fate(&[3], "", true, false),
            fate(&[4], "surface", false, false),
            // Half taken out.
            fate(&[5], "size", true, true),
            fate(&[6], "", true, false),
            // Numbered twice: the stricter holds.
            fate(&[7, 8], "", true, false),
            fate(&[1, 9], "", true, false),
            // Of which the trigger never told.
            fate(&[], "", false, false),
            fate(&[], "size", true, false),
        ];
        let score = LineScore::of(&fates, &takes_out);
        let expected = LineScore { parts: 10, without_verdict: 4, wrong: 4, bad: 4, escaped: 1, rejected_good: 4 };
        assert_eq!(score, expected);
        assert_eq!((score.escape_rate(), score.false_reject_rate()), (Some(0.25), Some(4.0 / 6.0)));
        assert_eq!(LineScore::default().escape_rate(), None);
        let mut sum = score;
        sum.add(score);
        assert_eq!((sum.parts, sum.wrong), (20, 8));
    }
}
