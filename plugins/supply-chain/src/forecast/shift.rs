//! New levels: a change from one long season to the next that stays.

use super::history::History;

/// A long season is looked at in so many blocks.
const BLOCKS: usize = 7;
/// So many newest blocks must show the new level before it is believed: less may be a holiday.
const SHOWN: usize = 3;
/// How many times the usual change over a season a new level is off by, and how near to the old one the block before it was.
const OFF: f64 = 4.0;
const NEAR: f64 = 2.0;

/// A new level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Values since then.
    pub since: usize,
    /// What it is above the old one; its logarithm over the old one's where values are all above zero.
    pub by: f64,
}

/// Looks for a new level that began within the last long season.
#[must_use]
pub fn find(history: &History, long: usize) -> Option<Shift> {
    let block = long / BLOCKS;
    let values = history.seen(history.transform())?;
    if block == 0 || values.len() < 4 * long {
        return None;
    }
    let changes: Vec<f64> = values.iter().zip(values.iter().skip(long)).map(|(before, now)| now - before).collect();
    let (past, newest) = changes.split_at(changes.len() - BLOCKS * block);
    let usual = median(past.iter().map(|change| change.abs()).collect());
    // From the newest block back.
    let medians: Vec<f64> = newest.rchunks(block).map(|block| median(block.to_vec())).collect();
    let by = median(medians[..SHOWN].to_vec());
    // Three quarters of a block, so that one that a holiday ends in does not count.
    let is_off = |block: &[f64]| {
        let least = quantile(block.iter().map(|change| change * by.signum()).collect(), 0.25);
        least > OFF * usual && least > 0.5 * by.abs()
    };
    let shown = newest.rchunks(block).take_while(|block| is_off(block)).count();
    let before = medians.get(shown)?;
    if usual <= 0.0 || shown < SHOWN {
        return None;
    }
    // The block in between may hold a part of both.
    let settled = medians.get(shown + 1).unwrap_or(before);
    if settled.abs() > NEAR * usual && before.abs() > NEAR * usual {
        return None;
    }
    // Where the sum of what exceeds half of the change is largest, it began.
    let mut sum = 0.0;
    let mut best = (0.0, 0);
    for (at, change) in newest.iter().rev().enumerate() {
        sum += (change - 0.5 * by) * by.signum();
        if sum > best.0 {
            best = (sum, at + 1);
        }
    }
    Some(Shift { since: best.1, by })
}

fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value at that share of the sorted values; 0 of none.
fn quantile(mut values: Vec<f64>, level: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (level * values.len().saturating_sub(1) as f64).floor() as usize;
    values.get(at).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(value: impl Fn(usize) -> f64, count: usize) -> History {
        let mut history = History::new(24);
        (0..count).for_each(|at| history.push(Some(value(at))));
        history
    }

    /// A day's wave about 100, a little off each week.
    fn usual(at: usize) -> f64 {
        100.0 + 30.0 * (std::f64::consts::TAU * at as f64 / 24.0).sin() + (at * 7_919 % 101) as f64 / 50.0
    }

    #[test]
    fn a_level_that_stays_is_found_where_it_began() {
        let since = 700;
        let level = |at: usize| usual(at) * if at < since { 1.0 } else { 1.5 };
        let found = find(&history(level, since + 80), 168);
        assert!(
            found.is_some_and(|found| found.since.abs_diff(80) <= 2 && (found.by - 1.5_f64.ln()).abs() < 0.02),
            "{found:?}"
        );
        let below_zero = |at: usize| level(at) - 200.0;
        let found = find(&history(below_zero, since + 80), 168);
        assert!(
            found.is_some_and(|found| found.since.abs_diff(80) <= 2 && (found.by - 50.0).abs() < 20.0),
            "{found:?}"
        );
    }

    #[test]
    fn a_holiday_and_a_usual_week_are_none() {
        assert_eq!(find(&history(usual, 780), 168), None);
        let holiday = |at: usize| usual(at) * if (700..748).contains(&at) { 0.4 } else { 1.0 };
        for count in [730, 748, 760, 780, 800] {
            assert_eq!(find(&history(holiday, count), 168), None, "{count}");
        }
        assert_eq!(find(&history(|_| 3.0, 780), 168), None);
        assert_eq!(find(&history(usual, 300), 168), None, "too short");
    }
}
