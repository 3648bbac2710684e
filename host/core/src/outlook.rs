//! What is known ahead and not sensed: tariffs, schedules, forecasts of weather. Never a future
//! measurement.
//!
//! A [`Timeline`] holds values by two times: from when a value is *valid*, and when it became *known*. What a plugin is
//! told at a moment is made only of what was known by then, so that a replay tells it the same again.

use crate::time::{DurationNs, TimeNs};
use std::collections::BTreeMap;

/// Everything an instance is told of the time ahead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// In the order of the plugin's slots; one that is not bound, or of which nothing is known now, is left out.
    pub series: Vec<Series>,
}

/// One equally spaced series, in the version that was known when the frame was frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The plugin's name for it.
    pub name: String,
    /// UCUM.
    pub unit: String,
    /// Start of the first value.
    pub start_ns: TimeNs,
    /// From one value to the next.
    pub step_ns: DurationNs,
    /// The values.
    pub values: Vec<f64>,
    /// When the newest part of this version became known.
    pub known_at_ns: TimeNs,
}

/// Values of one series beyond which nothing more is learnt: ten years of quarter hours.
pub const MAX_POINTS: usize = 400_000;

/// Longest series that a plugin is told.
pub const MAX_STEPS: usize = 10_000;

/// What was said of one moment: when it became known, and the value; none where it was withdrawn.
type Word = (TimeNs, Option<f64>);

/// Values by the time from which they are valid, each in its versions by the time at which they became known.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// By valid-from; words in the order of their known-at.
    points: BTreeMap<TimeNs, Vec<Word>>,
}

/// Why something is not learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// A value that is no number.
    #[error("a value is not finite")]
    NotFinite,
    /// Past [`MAX_POINTS`].
    #[error("more than {MAX_POINTS} values are known of one series")]
    TooMany,
}

impl Timeline {
    /// Takes a value in. A later known-at supersedes; of two with the same, the one that is learnt last.
    pub fn learn(&mut self, valid_from_ns: TimeNs, known_at_ns: TimeNs, value: f64) -> Result<(), LearnError> {
        if !value.is_finite() {
            return Err(LearnError::NotFinite);
        }
        if self.points.len() >= MAX_POINTS && !self.points.contains_key(&valid_from_ns) {
            return Err(LearnError::TooMany);
        }
        self.say(valid_from_ns, (known_at_ns, Some(value)));
        Ok(())
    }

    /// Takes a whole version in: within its span it stands in place of everything that became known before it, also
    /// where it says nothing. Taken whole or not at all.
    pub fn learn_version(
        &mut self,
        known_at_ns: TimeNs,
        span: std::ops::Range<TimeNs>,
        points: &[(TimeNs, f64)],
    ) -> Result<(), LearnError> {
        if points.iter().any(|(_, value)| !value.is_finite()) {
            return Err(LearnError::NotFinite);
        }
        let new = points.iter().filter(|(from, _)| !self.points.contains_key(from)).count();
        if self.points.len() + new > MAX_POINTS {
            return Err(LearnError::TooMany);
        }
        if span.start < span.end {
            for (_, words) in self.points.range_mut(span) {
                insert(words, (known_at_ns, None));
            }
        }
        for (from, value) in points {
            self.say(*from, (known_at_ns, Some(*value)));
        }
        Ok(())
    }

    fn say(&mut self, valid_from_ns: TimeNs, word: Word) {
        insert(self.points.entry(valid_from_ns).or_default(), word);
    }

    /// The value at a moment as it was known at another, and when it became known.
    #[must_use]
    pub fn value(&self, at_ns: TimeNs, known_by_ns: TimeNs, holds_ns: DurationNs) -> Option<(f64, TimeNs)> {
        let earliest = at_ns.saturating_sub_unsigned(holds_ns);
        let (_, (known_at, value)) = self
            .points
            .range(..=at_ns)
            .rev()
            .take_while(|(from, _)| earliest < **from)
            .find_map(|(from, words)| Some((*from, known(words, known_by_ns)?)))?;
        Some((value, known_at))
    }

    /// What is known at `now_ns` of the time from the present step on: equal steps (counted from 1970), to the first
    /// of which nothing is known or to the horizon. A value holds for `holds_ns` at most. None where the present step is
    /// unknown already.
    #[must_use]
    pub fn ahead(
        &self,
        now_ns: TimeNs,
        step_ns: DurationNs,
        holds_ns: DurationNs,
        horizon_ns: DurationNs,
    ) -> Option<Ahead> {
        let step = i64::try_from(step_ns).ok().filter(|step| *step > 0)?;
        let start_ns = now_ns.div_euclid(step).checked_mul(step)?;
        let steps = usize::try_from(horizon_ns.div_ceil(step_ns)).unwrap_or(MAX_STEPS).min(MAX_STEPS);
        let mut ahead = Ahead { start_ns, values: Vec::with_capacity(steps), known_at_ns: TimeNs::MIN };
        for index in 0..steps {
            let at = start_ns.saturating_add(step.saturating_mul(i64::try_from(index).unwrap_or(i64::MAX)));
            // The present step's value may begin within it: a tariff that was published a minute ago.
            let at = if index == 0 { now_ns } else { at };
            let Some((value, known_at)) = self.value(at, now_ns, holds_ns) else { break };
            ahead.values.push(value);
            ahead.known_at_ns = ahead.known_at_ns.max(known_at);
        }
        (!ahead.values.is_empty()).then_some(ahead)
    }

    /// Forgets what can't matter any more at `now_ns` or later.
    pub fn forget(&mut self, now_ns: TimeNs, holds_ns: DurationNs) {
        let earliest = now_ns.saturating_sub_unsigned(holds_ns);
        self.points = self.points.split_off(&earliest);
        for words in self.points.values_mut() {
            let superseded = words.iter().rposition(|(known_at, _)| *known_at <= now_ns).unwrap_or(0);
            words.drain(..superseded);
        }
        // What was withdrawn and says nothing any more only takes room.
        self.points.retain(|_, words| !matches!(words.as_slice(), [(known_at, None)] if *known_at <= now_ns));
    }

    /// The distance of its values, where nearly all of them (9 of 10) are equally far apart.
    #[must_use]
    pub fn spacing_ns(&self) -> Option<DurationNs> {
        let mut counts: BTreeMap<DurationNs, usize> = BTreeMap::new();
        for (one, next) in self.points.keys().zip(self.points.keys().skip(1)) {
            *counts.entry(one.abs_diff(*next)).or_default() += 1;
        }
        let (usual, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        (10 * count >= 9 * (self.points.len() - 1)).then_some(usual)
    }

    /// How many moments something is known of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

/// What [`Timeline::ahead`] tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Ahead {
    /// Start of the first step.
    pub start_ns: TimeNs,
    /// One a step.
    pub values: Vec<f64>,
    /// When the newest of them became known.
    pub known_at_ns: TimeNs,
}

/// In the order of known-at; of two with the same, the later said last.
fn insert(words: &mut Vec<Word>, word: Word) {
    let at = words.partition_point(|(known_at, _)| *known_at <= word.0);
    words.insert(at, word);
}

/// The newest word that was known by then; none where nothing was, or where it was withdrawn.
fn known(words: &[Word], by_ns: TimeNs) -> Option<(TimeNs, f64)> {
    let (known_at, value) = words.iter().rev().find(|(known_at, _)| *known_at <= by_ns)?;
    Some((*known_at, (*value)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    fn hourly(values: &[f64], known_at: impl Fn(i64) -> TimeNs) -> Timeline {
        let mut timeline = Timeline::default();
        for (hour, value) in (0i64..).zip(values) {
            timeline.learn(hour * HOUR, known_at(hour), *value).unwrap();
        }
        timeline
    }

    fn told(timeline: &Timeline, now_ns: TimeNs) -> Option<Vec<f64>> {
        timeline.ahead(now_ns, HOUR as u64, HOUR as u64, 24 * HOUR as u64).map(|ahead| ahead.values)
    }

    #[test]
    fn only_what_was_known_by_then_is_told() {
        // Each hour becomes known two hours before.
        let timeline = hourly(&[1.0, 2.0, 3.0, 4.0, 5.0], |hour| (hour - 2) * HOUR);
        assert_eq!(told(&timeline, 0), Some(vec![1.0, 2.0, 3.0]));
        assert_eq!(told(&timeline, HOUR - 1), Some(vec![1.0, 2.0, 3.0]));
        assert_eq!(told(&timeline, HOUR), Some(vec![2.0, 3.0, 4.0]));
        assert_eq!(told(&timeline, 4 * HOUR + HOUR / 2), Some(vec![5.0]));
        assert_eq!(told(&timeline, 5 * HOUR), None, "the last value holds an hour");
        assert_eq!(told(&timeline, -1), None);
    }

    #[test]
    fn a_change_counts_from_the_moment_it_is_known() {
        let mut timeline = hourly(&[1.0; 6], |_| -HOUR);
        timeline.learn(3 * HOUR, 2 * HOUR, 9.0).unwrap();
        assert_eq!(told(&timeline, 2 * HOUR - 1), Some(vec![1.0; 5]));
        assert_eq!(told(&timeline, 2 * HOUR), Some(vec![1.0, 9.0, 1.0, 1.0]));
        let ahead = timeline.ahead(2 * HOUR, HOUR as u64, HOUR as u64, 24 * HOUR as u64).unwrap();
        assert_eq!((ahead.start_ns, ahead.known_at_ns), (2 * HOUR, 2 * HOUR));
        // What comes in late and was known earlier does not supersede.
        timeline.learn(3 * HOUR, HOUR, 7.0).unwrap();
        assert_eq!(told(&timeline, 3 * HOUR), Some(vec![9.0, 1.0, 1.0]));
    }

    #[test]
    fn a_new_version_stands_in_place_of_what_it_covers() {
        let mut timeline = Timeline::default();
        let quarters: Vec<(TimeNs, f64)> = (0..8).map(|i| (i * HOUR / 4, 1.0)).collect();
        timeline.learn_version(0, 0..2 * HOUR, &quarters).unwrap();
        timeline.learn_version(10, 0..2 * HOUR, &[(0, 5.0), (HOUR, 6.0)]).unwrap();
        let quarter = HOUR as u64 / 4;
        let told = |now| timeline.ahead(now, quarter, HOUR as u64, 2 * HOUR as u64).unwrap().values;
        assert_eq!(told(9), vec![1.0; 8]);
        assert_eq!(told(10), [vec![5.0; 4], vec![6.0; 4]].concat());
        assert_eq!(timeline.learn_version(20, 0..HOUR, &[(0, f64::NAN), (HOUR, 1.0)]), Err(LearnError::NotFinite));
        assert_eq!(timeline.value(HOUR, 20, HOUR as u64), Some((6.0, 10)), "nothing of a refused version is taken");
        timeline.learn_version(30, HOUR..2 * HOUR, &[]).unwrap();
        assert_eq!(timeline.value(HOUR + 1, 30, HOUR as u64), None, "a version may say that nothing is known");
        timeline.forget(30, HOUR as u64);
        assert!(timeline.len() <= 4, "what was withdrawn is forgotten: {}", timeline.len());
    }

    #[test]
    fn the_distance_of_values_is_told_where_there_is_one() {
        let mut timeline = hourly(&[1.0; 24], |_| 0);
        assert_eq!(timeline.spacing_ns(), Some(HOUR as u64));
        timeline.learn(40 * HOUR, 0, 1.0).unwrap();
        assert_eq!(timeline.spacing_ns(), Some(HOUR as u64), "one gap is no other distance");
        for minute in [3, 7, 19] {
            timeline.learn(50 * HOUR + minute * HOUR / 60, 0, 1.0).unwrap();
        }
        assert_eq!(timeline.spacing_ns(), None);
        assert_eq!(hourly(&[1.0], |_| 0).spacing_ns(), None);
    }

    #[test]
    fn a_tariff_that_holds_for_long_is_told_to_the_horizon() {
        let mut timeline = Timeline::default();
        timeline.learn(0, 0, 20.0).unwrap();
        timeline.learn(30 * HOUR, 0, 25.0).unwrap();
        let ahead = timeline.ahead(28 * HOUR, HOUR as u64, 9_000 * HOUR as u64, 4 * HOUR as u64).unwrap();
        assert_eq!(ahead.values, [20.0, 20.0, 25.0, 25.0]);
    }

    #[test]
    fn forgetting_changes_nothing_that_is_told_later() {
        let mut timeline = hourly(&[1.0; 48], |hour| (hour - 6) * HOUR);
        for hour in 10..20 {
            timeline.learn(hour * HOUR, (hour - 3) * HOUR, hour as f64).unwrap();
        }
        let whole = timeline.clone();
        for now in 0..48 {
            timeline.forget(now * HOUR, HOUR as u64);
            assert_eq!(told(&timeline, now * HOUR), told(&whole, now * HOUR), "{now}");
        }
        assert!(timeline.len() <= 2, "{}", timeline.len());
    }
}
