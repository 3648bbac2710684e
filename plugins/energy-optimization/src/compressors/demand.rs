//! How much air will be drawn: past days that began as this one did, brought to the level of now.
//!
//! Five-minute means of the last two weeks. A past day counts the more, the nearer its last three hours were to those of
//! today, and more where it is a whole number of weeks ago; the forecast is their weighted mean, plus the difference
//! of now and then, which fades. Without a past the level stays.

use serde::{Deserialize, Serialize};

/// Length of a bin, in seconds.
const BIN_S: f64 = 300.0;
const DAY: usize = 288;
const DAYS: usize = 14;
/// Bins that two days are compared over.
const LOOK: usize = 36;
/// What another weekday adds to the distance: mornings are alike where the days are not.
const OTHER_WEEKDAY: f64 = 0.25;
/// Time in which a difference from the usual fades, in seconds.
const FADE_S: f64 = 1500.0;
/// Readings that make the mean to which a demand may come back as long as no past says otherwise: an hour of them.
const MEMORY: f64 = 360.0;
/// Weight of a new reading, in the level of now.
const READING_WEIGHT: f64 = 0.25;

/// The past, and the level of now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Past {
    /// Newest last; at most [`DAYS`] days and a bin.
    bins: Vec<f32>,
    /// Number of the bin that is being filled: run time over [`BIN_S`].
    bin: i64,
    sum: f64,
    count: u32,
    level: Option<f64>,
    /// Standard deviation of a reading from the level, in m³/min.
    spread: f64,
    jumped: u32,
    /// Mean of the last hour or so.
    mean: f64,
}

impl Past {
    /// Takes a reading in m³/min.
    pub fn observe(&mut self, time_s: f64, flow: f64) {
        let bin = (time_s / BIN_S).floor() as i64;
        if self.count > 0 && bin != self.bin {
            self.close(bin);
        }
        self.bin = bin;
        self.sum += flow;
        self.count += 1;
        let level = *self.level.get_or_insert(flow);
        if self.mean == 0.0 {
            self.mean = flow;
        }
        self.mean += (flow - self.mean) / MEMORY;
        let off = flow - level;
        let usual = self.spread.max(0.02 * level).max(0.05);
        // Two readings beyond the usual on one side are a step, which a mean would follow too slowly.
        let wild = off.abs() > 3.5 * usual;
        self.jumped = if wild { self.jumped + 1 } else { 0 };
        let weight = if self.jumped >= 2 { 0.7 } else { READING_WEIGHT };
        self.level = Some(level + weight * off);
        if !wild {
            self.spread += 0.02 * (off.abs() * 1.25 - self.spread);
        }
    }

    fn close(&mut self, now: i64) {
        let mean = (self.sum / f64::from(self.count.max(1))) as f32;
        // A gap is filled with what was before it, so that days stay in step; a gap of days begins a new past.
        let gap = now.saturating_sub(self.bin);
        if !(1..=DAY as i64).contains(&gap) {
            self.bins.clear();
        } else {
            self.bins.extend(std::iter::repeat_n(mean, gap as usize));
        }
        let over = self.bins.len().saturating_sub(DAYS * DAY + LOOK);
        self.bins.drain(..over);
        (self.sum, self.count) = (0.0, 0);
    }

    /// What is drawn now, in m³/min.
    pub fn level(&self) -> Option<f64> {
        self.level
    }

    /// By how much more is drawn now than in the last hour, in m³/min; 0 where there are past days to tell what is usual.
    pub fn off(&self) -> f64 {
        let told = self.bins.len() >= LOOK + DAY;
        self.level.filter(|_| !told).map_or(0.0, |level| level - self.mean)
    }

    /// Whether a reading is further from the level than readings use to be.
    pub fn is_step(&self, flow: f64) -> bool {
        self.level.is_some_and(|level| (flow - level).abs() > 4.0 * self.spread.max(0.02 * level).max(0.05))
    }

    /// Means of the next stages of this length, in m³/min.
    pub fn ahead(&self, time_s: f64, stage_s: f64, stages: usize) -> Vec<f64> {
        let level = self.level.unwrap_or(0.0);
        let days = self.likely_days();
        let total: f64 = days.iter().map(|(_, weight)| weight).sum();
        let usual = |after_s: f64| {
            // Bins count from their middles, so between two of them it is linear.
            let at = (time_s + after_s) / BIN_S - self.bin as f64 - 0.5;
            let (bin, share) = (at.floor(), at - at.floor());
            let day = |ago: usize| {
                let value = |bin: f64| {
                    let at = self.bins.len() as f64 + bin - (ago * DAY) as f64;
                    self.bins.get((at.max(0.0) as usize).min(self.bins.len().saturating_sub(1))).copied()
                };
                let (one, two) = (value(bin).unwrap_or(0.0), value(bin + 1.0).unwrap_or(0.0));
                f64::from(one) * (1.0 - share) + f64::from(two) * share
            };
            days.iter().map(|(ago, weight)| weight / total * day(*ago)).sum::<f64>()
        };
        let now = if days.is_empty() { level } else { usual(0.0) };
        let mean = |stage: usize| {
            let after_s = (stage as f64 + 0.5) * stage_s;
            if days.is_empty() {
                return level;
            }
            (usual(after_s) + (level - now) * (-after_s / FADE_S).exp()).max(0.0)
        };
        (0..stages).map(mean).collect()
    }

    /// Days ago that the next hours may be like, with weights.
    fn likely_days(&self) -> Vec<(usize, f64)> {
        let n = self.bins.len();
        let today = self.bins.get(n.saturating_sub(LOOK)..).unwrap_or_default();
        let scale: f64 = today.iter().map(|x| f64::from(*x)).sum::<f64>() / today.len().max(1) as f64;
        let distance = |ago: usize| {
            let from = n.checked_sub(LOOK + ago * DAY)?;
            let then = self.bins.get(from..from + LOOK)?;
            // What was lately counts more.
            let terms = today.iter().zip(then).enumerate();
            let sum: f64 = terms.map(|(i, (a, b))| f64::from((a - b).abs()) * 0.93_f64.powi((LOOK - i) as i32)).sum();
            let week = if ago.is_multiple_of(7) { 0.0 } else { OTHER_WEEKDAY };
            Some((ago, sum / 13.0 / scale.max(1e-6) + week))
        };
        let found: Vec<_> = (1..=DAYS).filter_map(distance).collect();
        found.into_iter().map(|(ago, far)| (ago, (-far / 0.08).exp().max(1e-9))).collect()
    }

    /// Whether every number is one and nothing is longer than it can grow.
    pub fn is_sound(&self) -> bool {
        self.bins.len() <= DAYS * DAY + LOOK + DAY
            && self.bins.iter().all(|x| x.is_finite())
            && [self.sum, self.spread, self.mean, self.level.unwrap_or(0.0)].iter().all(|x| x.is_finite())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    fn shifts(time_s: f64) -> f64 {
        let (day, hour) = ((time_s / 86_400.0) as u64 % 7, time_s % 86_400.0 / 3600.0);
        if day < 5 && (6.0..22.0).contains(&hour) { 15.0 } else { 3.0 }
    }

    fn after(days: f64) -> Past {
        let mut past = Past::default();
        let readings = (days * 86_400.0 / 10.0).round() as u64;
        (0..readings).for_each(|i| past.observe(i as f64 * 10.0, shifts(i as f64 * 10.0)));
        past
    }

    #[test]
    fn the_morning_is_foreseen_on_the_second_day() {
        let time_s = 86_400.0 + 5.5 * 3600.0;
        let ahead = after(1.0 + 5.5 / 24.0).ahead(time_s, 120.0, 45);
        assert!((ahead[0] - 3.0).abs() < 0.3, "{ahead:?}");
        assert!((ahead[30] - 15.0).abs() < 1.0, "{ahead:?}");
        let first = after(5.5 / 24.0).ahead(5.5 * 3600.0, 120.0, 45);
        assert!(first.iter().all(|x| (x - 3.0).abs() < 0.1), "{first:?}");
    }

    #[test]
    fn a_week_ago_tells_a_saturday_from_a_friday() {
        let friday_s = (11.0 + 5.5 / 24.0) * 86_400.0;
        let ahead = after(11.0 + 5.5 / 24.0).ahead(friday_s, 120.0, 45);
        assert!(ahead[30] > 9.0, "{ahead:?}");
        let saturday_s = (12.0 + 5.5 / 24.0) * 86_400.0;
        let ahead = after(12.0 + 5.5 / 24.0).ahead(saturday_s, 120.0, 45);
        assert!(ahead[30] < 9.0, "{ahead:?}");
    }

    #[test]
    fn a_step_is_followed_at_once_and_a_wild_reading_is_not() {
        let mut past = Past::default();
        (0..60).for_each(|i| past.observe(f64::from(i) * 10.0, 5.0 + 0.1 * f64::from(i % 3)));
        let before = past.level().unwrap();
        past.observe(600.0, 20.0);
        assert!(past.level().unwrap() < 9.0);
        past.observe(610.0, 5.0);
        (0..10).for_each(|i| past.observe(620.0 + f64::from(i), 5.0));
        assert!((past.level().unwrap() - before).abs() < 0.5);
        (0..4).for_each(|i| past.observe(640.0 + f64::from(i), 9.0));
        assert!(past.level().unwrap() > 8.7);
    }

    #[test]
    fn a_gap_keeps_the_days_in_step() {
        let mut past = after(1.0);
        let from_s = 86_400.0 + 3600.0;
        (0..1440).for_each(|i| past.observe(from_s + f64::from(i) * 10.0, 3.0));
        let ahead = past.ahead(from_s + 14_400.0, 120.0, 45);
        assert!(ahead[40] > 12.0, "{ahead:?}");
        assert!(past.is_sound());
    }
}
