//! How far demand has risen beyond what was reckoned with before anybody could answer: learnt from the sequencer's own errors.
//!
//! In each minute the largest rise above the level of its beginning counts, by that level and by the hour of the day. Where
//! little has been seen, a step of usual size is taken to be possible, and until the hour was seen on a week of days, one
//! that brings work to a standing plant.

use serde::{Deserialize, Serialize};

/// Classes of levels, equal shares of what all machines give; the last is open.
const CLASSES: usize = 12;
const HOURS: usize = 24;
/// A step that must be thought of where nothing has been seen, as a share of what all machines give.
const UNSEEN_SHARE: f64 = 0.15;
/// Minutes at about a level and hour after which what was seen there is enough.
const ENOUGH_MIN: f64 = 300.0;
/// Demand while work goes on, as a share of what all machines give: machines are bought with a third in reserve.
const WORK_SHARE: f64 = 0.6;
/// Minutes of an hour and the next one in a week.
const WEEK_MIN: f64 = 840.0;
/// What was seen is exceeded by so much at times, as a factor, and in m³/min.
const BEYOND: (f64, f64) = (1.15, 0.3);
/// Each minute makes what was seen in its class so much smaller.
const FADE: f32 = 0.9999;
/// Minutes over which usual changes are taken.
const CHANGE_MIN: usize = 10;
/// Such a change where nothing has been seen, as a share of what all machines give, and the weight of a minute.
const CHANGE: (f64, f32) = (0.045, 0.01);
/// A demand that leaves its forecast is off by so many mean changes.
const CHANGES: f64 = 2.0;
/// Hours whose steps count for one, on both sides, and those whose minutes do.
const NEAR_H: (usize, usize) = (3, 5);

/// The steps that were seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Steps {
    /// In m³/min, by class and hour.
    largest: Vec<f32>,
    minutes: Vec<u16>,
    /// Of the minute that runs: its number, the level at its beginning, the largest rise so far.
    minute: i64,
    level: f64,
    rise: f64,
    last: Option<f64>,
    /// Levels at the beginnings of the last minutes, the newest last.
    levels: Vec<f32>,
    /// Mean change over so many minutes, in m³/min, by class.
    changes: Vec<f32>,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            largest: vec![0.0; CLASSES * HOURS],
            minutes: vec![0; CLASSES * HOURS],
            minute: i64::MIN,
            level: 0.0,
            rise: 0.0,
            last: None,
            levels: Vec::new(),
            changes: vec![-1.0; CLASSES],
        }
    }
}

fn hour(time_s: f64) -> usize {
    (time_s.rem_euclid(86_400.0) / 3600.0) as usize % HOURS
}

fn class(level: f64, all: f64) -> usize {
    ((level / all.max(1e-6) * CLASSES as f64) as usize).min(CLASSES - 1)
}

impl Steps {
    /// Takes a reading and the level before it, in m³/min; `all` is what all machines give.
    pub fn observe(&mut self, time_s: f64, flow: f64, level: f64, all: f64) {
        let minute = (time_s / 60.0).floor() as i64;
        if minute != self.minute {
            self.close(time_s, all);
            (self.minute, self.level, self.rise) = (minute, level, 0.0);
        }
        // One reading may be wild; two of them are a step.
        let seen = flow.min(self.last.unwrap_or(flow));
        self.last = Some(flow);
        self.rise = self.rise.max(seen - self.level);
    }

    fn close(&mut self, time_s: f64, all: f64) {
        if self.minute == i64::MIN {
            return;
        }
        if self.levels.len() == CHANGE_MIN {
            let before = self.levels.remove(0);
            if let Some(change) = self.changes.get_mut(class(f64::from(before), all)) {
                let known = if 0.0 <= *change { *change } else { (CHANGE.0 * all) as f32 };
                *change = known + CHANGE.1 * ((self.level as f32 - before).abs() - known);
            }
        }
        self.levels.push(self.level as f32);
        let at = class(self.level, all) * HOURS + hour(time_s - 60.0);
        if let (Some(largest), Some(minutes)) = (self.largest.get_mut(at), self.minutes.get_mut(at)) {
            *largest = (*largest * FADE).max(self.rise as f32);
            *minutes = minutes.saturating_add(1);
        }
    }

    /// By how much the demand is off where it has left its forecast, as a rule, at this level: in m³/min.
    pub fn usual(&self, level: f64, all: f64) -> f64 {
        let change = self.changes.get(class(level, all)).copied().filter(|change| 0.0 <= *change);
        CHANGES * change.map_or(CHANGE.0 * all, f64::from).min(CHANGE.0 * all)
    }

    /// The step that has to be thought of at this level, in m³/min.
    pub fn possible(&self, time_s: f64, level: f64, all: f64) -> f64 {
        let (class, hour) = (class(level, all), hour(time_s));
        let near = |reach: usize| {
            let classes = class.saturating_sub(1)..(class + 2).min(CLASSES);
            classes
                .flat_map(move |class| (0..=2 * reach).map(move |h| class * HOURS + (hour + HOURS + h - reach) % HOURS))
        };
        let largest = near(NEAR_H.0).filter_map(|at| self.largest.get(at)).copied().fold(0.0, f32::max);
        let minutes: f64 = near(NEAR_H.1).filter_map(|at| self.minutes.get(at)).map(|n| f64::from(*n)).sum();
        let unseen = UNSEEN_SHARE * all * (1.0 - minutes / ENOUGH_MIN).max(0.0);
        let at_hour =
            |hour: usize| (0..CLASSES).filter_map(move |class| self.minutes.get(class * HOURS + hour % HOURS));
        let lived: f64 = at_hour(hour).chain(at_hour(hour + 1)).map(|n| f64::from(*n)).sum();
        let work = (WORK_SHARE * all - level) * (1.0 - lived / WEEK_MIN).max(0.0);
        let seen = f64::from(largest) * BEYOND.0 + BEYOND.1;
        seen.max(unseen).max(work).min((all - level).max(0.0))
    }

    /// Whether every number is one, and there are as many as there are to be.
    pub fn is_sound(&self) -> bool {
        self.largest.len() == CLASSES * HOURS
            && self.minutes.len() == CLASSES * HOURS
            && self.levels.len() <= CHANGE_MIN
            && self.changes.len() == CLASSES
            && self.largest.iter().chain(&self.levels).all(|x| x.is_finite())
            && [self.level, self.rise, self.last.unwrap_or(0.0)].iter().all(|x| x.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some hours from this hour on at a level, every tenth minute with a rise.
    fn after(from_h: f64, hours: f64, level: f64, rise: f64) -> Steps {
        let mut steps = Steps::default();
        for i in 0..(hours * 360.0) as u32 {
            let minute = i / 6;
            let flow = if minute % 10 == 5 && i % 6 > 2 { level + rise } else { level };
            steps.observe(from_h * 3600.0 + f64::from(i) * 10.0, flow, level, 28.0);
        }
        steps
    }

    #[test]
    fn what_was_never_seen_may_be_large_and_what_was_seen_is_believed() {
        let noon_s = 12.0 * 3600.0;
        let check = |steps: &Steps, time_s: f64, level: f64, expected: f64| {
            let possible = steps.possible(time_s, level, 28.0);
            assert!((possible - expected).abs() < 0.05, "{time_s} {level}: {possible}, not {expected}");
        };
        check(&Steps::default(), noon_s, 3.0, 13.8);
        check(&Steps::default(), noon_s, 16.0, 4.2);
        let seen = after(6.0, 6.0, 16.0, 2.0);
        check(&seen, noon_s, 16.0, 2.6);
        // Another level, and another time of the day, are still unseen.
        check(&seen, noon_s, 22.0, 4.2);
        check(&seen, 0.0, 16.0, 4.2);
        // Nights that were quiet for a week are quiet.
        let mut nights = Steps::default();
        for i in 0..7 * 8640 {
            let flow = if (i % 8640) < 2880 { 3.0 } else { 16.0 };
            nights.observe(f64::from(i) * 10.0, flow, flow, 28.0);
        }
        check(&nights, 2.0 * 3600.0, 3.0, 0.3);
        assert!(nights.is_sound());
    }

    #[test]
    fn no_more_than_all_machines_give_and_one_wild_reading_is_none() {
        assert!((Steps::default().possible(0.0, 25.0, 28.0) - 3.0).abs() < 1e-9);
        let mut seen = after(6.0, 6.0, 16.0, 0.0);
        seen.observe(43_200.0, 28.0, 16.0, 28.0);
        seen.observe(43_210.0, 16.0, 16.0, 28.0);
        seen.observe(43_260.0, 16.0, 16.0, 28.0);
        assert!(seen.possible(43_200.0, 16.0, 28.0) < 0.9);
    }
}
