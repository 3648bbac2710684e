//! The load of the last year, quarter hour by quarter hour, and what it says about the next one.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

use super::ahead::Departure;
use super::profile::{Local, SLOTS};

/// A year and a day: the newest quarter hours that are kept.
pub const MAX_ROWS: usize = 366 * SLOTS;
/// Values that [`History::features`] gives.
pub const FEATURES: usize = 22;

/// One quarter hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The load; NaN where it is missing.
    pub load: f32,
    /// The slow profile of this time as it was before.
    pub usual: f32,
    /// When it was.
    pub local: Local,
}

/// The rows, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    rows: VecDeque<Row>,
}

impl History {
    /// Takes in a row, and lets go of one that is too old.
    pub fn push(&mut self, row: Row) {
        if self.rows.len() >= MAX_ROWS {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
    }

    /// Rows kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row at that place, 0 the oldest.
    pub fn get(&self, at: usize) -> Option<&Row> {
        self.rows.get(at)
    }

    /// All rows.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> + ExactSizeIterator {
        self.rows.iter()
    }

    /// The last load that was measured.
    pub fn last_load(&self) -> Option<f64> {
        self.rows.iter().rev().map(|row| row.load).find(|load| load.is_finite()).map(f64::from)
    }

    /// The load `back` rows before the row at `at`, which may be one past the last; NaN where it is missing.
    fn load(&self, at: usize, back: usize) -> f32 {
        at.checked_sub(back).and_then(|at| self.rows.get(at)).map_or(f32::NAN, |row| row.load)
    }

    fn usual(&self, at: usize) -> f32 {
        self.rows.get(at).map_or(f32::NAN, |row| row.usual)
    }

    /// The mean of the measured loads among the `count` rows before `at`.
    fn mean(&self, at: usize, count: usize) -> f32 {
        let rows = self.rows.range(at.saturating_sub(count).min(self.len())..at.min(self.len()));
        let (sum, n) = rows.filter(|row| row.load.is_finite()).fold((0.0, 0.0), |(s, n), row| (s + row.load, n + 1.0));
        if n > 0.0 { sum / n } else { f32::NAN }
    }

    /// What is known of the row at `at` (one past the last: the next) before its load is: past loads, usual loads, the
    /// calendar. `usual` is the slow profile at it and `usual_after` one row later. Missing ones are NaN.
    pub fn features(&self, at: usize, local: Local, usual: f32, usual_after: f32) -> [f32; FEATURES] {
        let lag = |back| self.load(at, back);
        let usual_before = at.checked_sub(1).map_or(f32::NAN, |at| self.usual(at));
        [
            lag(1),
            lag(2),
            lag(3),
            lag(4),
            lag(5),
            lag(8),
            lag(12),
            lag(95),
            lag(96),
            lag(192),
            lag(672),
            usual,
            usual_before,
            usual_after,
            f32::from(local.slot),
            f32::from(local.weekday),
            lag(1) - lag(2),
            lag(1) - usual_before,
            self.mean(at, 4),
            lag(96) - lag(97),
            self.mean(at, 16),
            self.mean(at, 96),
        ]
    }

    /// How the newest rows depart from the slow profile.
    pub fn departure(&self) -> Departure {
        let over = |count: usize| {
            let measured =
                self.rows.iter().rev().take(count).filter(|row| row.load.is_finite() && row.usual.is_finite());
            let (sum, usual, n) = measured.fold((0.0, 0.0, 0.0_f64), |(sum, usual, n), row| {
                (sum + f64::from(row.load), usual + f64::from(row.usual), n + 1.0)
            });
            let relative = if usual.abs() > 0.0 { ((sum - usual) / usual.abs()).clamp(-1.0, 1.0) } else { 0.0 };
            (relative, (sum - usual) / n.max(1.0))
        };
        let ((hour, level), (four_hours, _)) = (over(4), over(16));
        Departure { three_days: over(3 * SLOTS).0, day: over(SLOTS).0, four_hours, hour, level }
    }
}
