//! The demand that a plan reckons with: told by the site or forecast, and how far what is told can be believed.

use serde::{Deserialize, Serialize};

/// Readings that the difference from the meter is averaged over: ten minutes of them.
const READINGS: f64 = 60.0;
/// Differences below it, as a share of what is drawn, are the meter's noise.
const NOISE: f64 = 0.03;
/// No share of less than this, in m³/min.
const LEAST_FLOW: f64 = 2.0;

/// A demand that is known ahead.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'a> {
    /// Run time at which its first value begins.
    pub start_s: f64,
    /// How long each value holds, in seconds.
    pub step_s: f64,
    /// Means in m³/min.
    pub values: &'a [f64],
}

impl Ahead<'_> {
    /// The mean from one run time to another; none where the series does not cover it.
    pub(super) fn mean(&self, from_s: f64, to_s: f64) -> Option<f64> {
        if !(self.step_s > 0.0 && from_s >= self.start_s - 1e-6 && to_s > from_s) {
            return None;
        }
        let end_s = self.start_s + self.step_s * self.values.len() as f64;
        if !(to_s.is_finite() && to_s <= end_s + 1e-6) {
            return None;
        }
        Some(mean(self.values, self.start_s, self.step_s, from_s, to_s)).filter(|mean| mean.is_finite() && *mean >= 0.0)
    }
}

/// The mean of steps, of which the first and the last hold on beyond them.
fn mean(values: &[f64], start_s: f64, step_s: f64, from_s: f64, to_s: f64) -> f64 {
    let (from, to) = ((from_s - start_s) / step_s, (to_s - start_s) / step_s);
    let end = values.len() as f64;
    let first = values.first().copied().unwrap_or(0.0) * (to.min(0.0) - from).max(0.0);
    let last = values.last().copied().unwrap_or(0.0) * (to - from.max(end)).max(0.0);
    let inside = values.iter().enumerate().skip(from.max(0.0) as usize).take_while(|(at, _)| (*at as f64) < to);
    let part = |(at, value): (usize, &f64)| value * (to.min(at as f64 + 1.0) - from.max(at as f64)).max(0.0);
    (inside.map(part).sum::<f64>() + first + last) / (to - from)
}

/// What a plan reckons with: means in m³/min, of which the last holds on.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Reckoned {
    pub(super) start_s: f64,
    pub(super) step_s: f64,
    pub(super) means: Vec<f64>,
    /// It was told, and is believed.
    pub(super) is_known: bool,
}

impl Reckoned {
    /// The mean from one run time to a later one.
    pub(super) fn mean(&self, from_s: f64, to_s: f64) -> f64 {
        mean(&self.means, self.start_s, self.step_s, from_s, to_s.max(from_s + 1.0))
    }

    /// Whether both say about the same of this time, in parts of that length.
    pub(super) fn agrees(&self, other: &Self, from_s: f64, part_s: f64, parts: usize) -> bool {
        (0..parts).all(|part| {
            let (from_s, to_s) = (from_s + part_s * part as f64, from_s + part_s * (part + 1) as f64);
            let (one, two) = (self.mean(from_s, to_s), other.mean(from_s, to_s));
            (one - two).abs() <= 0.3 + 0.05 * one
        })
    }
}

/// How far the meter has been from what was told ahead.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Trust {
    bias: f64,
    readings: u32,
    /// What was told of the time until the next call.
    until_next: Option<f64>,
}

impl Trust {
    /// Takes what is told of this moment and of the time until the next call, and what the meter says.
    pub(super) fn observe(&mut self, told: Option<f64>, until_next: Option<f64>, metered: Option<f64>) {
        self.until_next = until_next;
        if let (Some(told), Some(metered)) = (told, metered) {
            self.readings = self.readings.saturating_add(1);
            self.bias += (metered - told - self.bias) / f64::from(self.readings).min(READINGS);
        }
    }

    /// What is to be added to what is told: nothing as long as the difference may be noise.
    pub(super) fn correction(&self, level: f64) -> f64 {
        let noise = NOISE * level.max(LEAST_FLOW);
        if self.readings >= 12 && self.bias.abs() > noise { self.bias } else { 0.0 }
    }

    /// What was drawn since the last call, where it was told then and is believed.
    pub(super) fn drawn(&self, level: f64) -> Option<f64> {
        self.until_next.filter(|_| self.correction(level) == 0.0)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.bias.is_finite() && self.until_next.is_none_or(f64::is_finite)
    }
}
