//! Courses that the load may take until the billing period ends, drawn from its own past.
//!
//! A course begins at this time of day on a day gone by and goes round the kept days until it is long enough: the circular
//! block bootstrap (Politis, Romano: *A circular block-resampling procedure for stationary data*, 1992), with every day as a
//! beginning instead of a random choice. Days of the same kind, and days whose last hours went like today's, weigh more.
//!
//! Until the end of tomorrow a course is played step by step from the battery's present charge. What a whole day comes to
//! for a battery that was full a day before is the same for every course, and is worked out once a day for a grid of caps.

use serde::{Deserialize, Serialize};

use super::battery::{Battery, Order};
use crate::forecast::history::{History, Row};
use crate::forecast::profile::SLOTS;

/// Days that are kept: four weeks, a billing period.
const DAYS: usize = 28;
/// Caps of the grid.
pub const CAPS: usize = 96;
/// Quarter hours that are compared: four hours.
const COMPARED: usize = 16;
/// Weight of a day of another kind.
const OTHER_KIND: f64 = 0.1;

/// What the kept days come to under each cap. It begins empty and stays so for two days.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Days {
    /// Whole days from midnight to midnight, oldest first.
    loads: Vec<f32>,
    kinds: Vec<u8>,
    /// The grid's lowest cap, in kW, and its step.
    lowest: f64,
    step: f64,
    /// Import peak of each day under each cap, day after day.
    peaks: Vec<f32>,
}

fn kind(weekday: u8) -> u8 {
    weekday.saturating_sub(4)
}

impl Days {
    /// From all days that have ended, by rows of which the newest is the last.
    pub fn new(history: &History, battery: &Battery) -> Self {
        // Today's rows go: a day is cut by rows from the last midnight back, so that a day of 23 or 25 hours is an hour off
        // for those before it, which matters little to a battery that fills at night.
        let today = history.rows().next_back().map_or(0, |row| (usize::from(row.local.slot) + 1) % SLOTS);
        let days = (history.len().saturating_sub(today) / SLOTS).min(DAYS);
        if days < 2 {
            return Self::default();
        }
        let rows: Vec<Row> = history.rows().rev().skip(today).take(days * SLOTS).rev().copied().collect();
        let loads = filled(&rows);
        // Noon tells the day, whatever the clock did in the night.
        let kinds = rows.chunks(SLOTS).map(|day| day.get(SLOTS / 2).map_or(0, |row| kind(row.local.weekday))).collect();
        let mut highest: Vec<f32> = loads.chunks(SLOTS).map(|day| day.iter().copied().fold(0.0, f32::max)).collect();
        highest.sort_by(f32::total_cmp);
        let middle = highest.get(days / 2).copied().map_or(0.0, f64::from);
        let top = highest.last().copied().map_or(0.0, f64::from);
        let lowest = (middle - battery.power_kw).max(0.0);
        let step = (top - lowest) / (CAPS - 1) as f64;
        let mut of_days = Self { loads, kinds, lowest, step, peaks: Vec::new() };
        of_days.peaks = (0..days)
            .flat_map(|day| (0..CAPS).map(move |cap| (day, cap)))
            .map(|(day, cap)| of_days.day_peak(day, cap, battery) as f32)
            .collect();
        of_days
    }

    /// Of a battery that is full a day before that day begins.
    fn day_peak(&self, day: usize, cap: usize, battery: &Battery) -> f64 {
        let order = Order { cap_kw: self.cap(cap), refill_to_kwh: battery.capacity_kwh };
        let mut charge = battery.capacity_kwh;
        for &load in self.day((day + self.len() - 1) % self.len()) {
            charge = battery.follow(order, f64::from(load), charge, 0.25).1;
        }
        battery.peak(order, self.day(day).iter().copied(), charge, 0.0)
    }

    /// Days kept.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// A cap of the grid, in kW.
    pub fn cap(&self, at: usize) -> f64 {
        self.lowest + self.step * at as f64
    }

    fn day(&self, day: usize) -> &[f32] {
        self.loads.get(day * SLOTS..(day + 1) * SLOTS).unwrap_or(&[])
    }

    /// For each cap the highest peak of `count` days from `first` on, going round.
    fn tail(&self, first: usize, count: usize) -> [f32; CAPS] {
        let mut tail = [0.0_f32; CAPS];
        for day in (first..first + count.min(self.len())).map(|day| day % self.len().max(1)) {
            let of_day = self.peaks.get(day * CAPS..(day + 1) * CAPS).unwrap_or(&[]);
            tail.iter_mut().zip(of_day).for_each(|(tail, peak)| *tail = tail.max(*peak));
        }
        tail
    }
}

/// The courses from one moment on.
#[derive(Debug, Clone, Default)]
pub struct Scenarios<'a> {
    courses: Vec<Course<'a>>,
}

#[derive(Debug, Clone)]
struct Course<'a> {
    weight: f64,
    /// Step by step until the end of tomorrow, or of the period: the rest of a day, and the day after it.
    near: (&'a [f32], &'a [f32]),
    /// What the days after come to, for each cap.
    tail: [f32; CAPS],
}

impl<'a> Scenarios<'a> {
    /// From what was measured until now, `left` quarter hours ahead.
    pub fn new(days: &'a Days, history: &History, left: usize) -> Self {
        let Some(next) = history.rows().next_back().map(|row| row.local.plus(1)) else { return Self::default() };
        let slot = usize::from(next.slot);
        let newest: Vec<Row> = history.rows().rev().take(COMPARED).rev().copied().collect();
        let newest = filled(&newest);
        let level = days.loads.iter().sum::<f32>() / days.loads.len().max(1) as f32;
        let today = left.min(SLOTS - slot);
        let tomorrow = (left - today).min(SLOTS);
        let later = (left - today - tomorrow).div_ceil(SLOTS);
        let course = |day: usize| {
            let after = (day + 1) % days.len();
            let near = (days.day(day).get(slot..slot + today)?, days.day(after).get(..tomorrow)?);
            let unlike = difference(&days.loads, day * SLOTS + slot, &newest).unwrap_or(level);
            let unlike = f64::from(unlike / level.abs().max(f32::MIN_POSITIVE));
            let same = if days.kinds.get(day).is_some_and(|&k| k == kind(next.weekday)) { 1.0 } else { OTHER_KIND };
            // A hundredth keeps a day that is like none in the game.
            let weight = same * ((-unlike).exp() + 0.01);
            Some(Course { weight, near, tail: days.tail(after + 1, later) })
        };
        Self { courses: (0..days.len()).filter_map(course).collect() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.courses.is_empty()
    }

    fn mean(&self, of: impl Fn(&Course) -> f64) -> f64 {
        let each = self.courses.iter().map(|course| (course.weight * of(course), course.weight));
        let (sum, total) = each.fold((0.0, 0.0), |(s, t), (value, w)| (s + value, t + w));
        sum / total
    }

    /// The place in the grid of the cap that is best for the days after tomorrow, none below `peak_kw`.
    pub fn later(&self, peak_kw: f64) -> usize {
        let expected = |cap: usize| self.mean(|course| course.tail(cap).max(peak_kw));
        let better = |a: (usize, f64), b: (usize, f64)| if b.1 < a.1 { b } else { a };
        (0..CAPS).map(|cap| (cap, expected(cap))).reduce(better).map_or(0, |(cap, _)| cap)
    }

    /// The mean of the courses' import peaks until the period's end, each at least `peak_kw`: under `cap_kw` until the end
    /// of tomorrow, and under the grid's cap `later` from then on. And the mean of those until the end of tomorrow.
    pub fn expected(&self, battery: &Battery, cap_kw: f64, later: usize, charge_kwh: f64, peak_kw: f64) -> (f64, f64) {
        let order = Order { cap_kw, refill_to_kwh: battery.capacity_kwh };
        let near = |course: &Course| {
            let (today, tomorrow) = course.near;
            battery.peak(order, today.iter().chain(tomorrow).copied(), charge_kwh, peak_kw)
        };
        let mut near_sum = (0.0, 0.0);
        let mut sum = 0.0;
        for course in &self.courses {
            let peak = near(course);
            near_sum = (near_sum.0 + course.weight * peak, near_sum.1 + course.weight);
            sum += course.weight * peak.max(course.tail(later));
        }
        (sum / near_sum.1, near_sum.0 / near_sum.1)
    }
}

impl Course<'_> {
    fn tail(&self, cap: usize) -> f64 {
        self.tail.get(cap).copied().map_or(0.0, f64::from)
    }
}

/// Loads with what is missing filled by what is usual, or by the load before.
fn filled(rows: &[Row]) -> Vec<f32> {
    let mut before = 0.0;
    let fill = |row: &Row| {
        before = if row.load.is_finite() {
            row.load
        } else if row.usual.is_finite() {
            row.usual
        } else {
            before
        };
        before
    };
    rows.iter().map(fill).collect()
}

/// Mean absolute difference of the quarter hours before `start` and the newest ones.
fn difference(past: &[f32], start: usize, newest: &[f32]) -> Option<f32> {
    let then = past.get(start.checked_sub(newest.len())?..start)?;
    Some(then.iter().zip(newest).map(|(a, b)| (a - b).abs()).sum::<f32>() / newest.len().max(1) as f32)
}
