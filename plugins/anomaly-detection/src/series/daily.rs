//! Whether a series has left the level that it usually has at this time of day.

use serde::{Deserialize, Serialize};

/// Bins of a day: half an hour each.
const BINS: usize = 48;
const DAY_NS: i64 = 86_400_000_000_000;
/// What a bin's mean follows at least by with every sample.
const BIN_RATE: f64 = 0.01;

/// A running mean that is the plain one until it has seen `memory` samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Mean {
    value: f64,
    samples: u32,
}

impl Mean {
    fn push(&mut self, z: f64, rate_min: f64) {
        self.samples = self.samples.saturating_add(1);
        self.value += (z - self.value) * rate_min.max(1.0 / f64::from(self.samples));
    }
}

/// The smoothed distance to the mean of the same half hour of earlier days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Daily {
    bins: Vec<Mean>,
    all: Mean,
    rate: f64,
    smooth: f64,
}

impl Daily {
    /// Smoothed over so many samples.
    #[must_use]
    pub fn new(samples: f64) -> Self {
        Daily { bins: vec![Mean::default(); BINS], all: Mean::default(), rate: 1.0 / samples.max(1.0), smooth: 0.0 }
    }

    /// Whether what a saved state holds can be used.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.bins.len() == BINS
            && self.bins.iter().chain([&self.all]).all(|mean| mean.value.is_finite())
            && (0.0..=1.0).contains(&self.rate)
            && self.smooth.is_finite()
    }

    /// Takes a sample and its time, nanoseconds since 1970-01-01 UTC.
    pub fn push(&mut self, time_ns: i64, z: f64) -> f64 {
        let at = (time_ns.rem_euclid(DAY_NS) / (DAY_NS / BINS as i64)) as usize;
        let Some(bin) = self.bins.get_mut(at) else { return self.smooth.abs() };
        let usual = match (bin.samples, self.all.samples) {
            (0, 0) => z,
            (0, _) => self.all.value,
            _ => bin.value,
        };
        self.smooth += (z - usual - self.smooth) * self.rate;
        bin.push(z, BIN_RATE);
        self.all.push(z, 0.0);
        self.smooth.abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_rhythm_is_no_departure_but_its_absence_is() {
        let mut daily = Daily::new(4.0);
        let hour = |i: i64| i * DAY_NS / 24;
        let out: Vec<f64> =
            (0..480).map(|i| daily.push(hour(i), if i < 384 && i % 24 < 8 { 3.0 } else { 0.0 })).collect();
        assert!(out[48..384].iter().all(|d| *d < 0.1), "{out:?}");
        assert!(out[384..392].iter().any(|d| *d > 2.0), "{out:?}");
        assert!(daily.push(-1, 0.0).is_finite(), "a time before 1970");
        assert!(daily.is_sound());
    }
}
