//! The two-sided tabular cumulative sum.
//!
//! E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954):
//! C⁺ = max(0, C⁺ + z − k), C⁻ = max(0, C⁻ − z − k), a signal where one exceeds h. With a fast initial response both begin
//! at a share of h (J. M. Lucas, R. B. Crosier, "Fast initial response for CUSUM quality-control schemes", Technometrics 24,
//! 1982; they recommend one half).

use serde::{Deserialize, Serialize};

/// How it is set up, in σ of what is plotted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Reference value: half the shift that is to be found fastest.
    pub k: f64,
    /// Decision interval.
    pub h: f64,
    /// Where the sums begin, as a share of h: 0 without a fast initial response.
    pub head_start: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { k: 0.5, h: 5.0, head_start: 0.0 }
    }
}

/// Its state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cusum {
    high: f64,
    low: f64,
}

/// What a sum says.
pub(crate) const HIGH: &str = "cusum-high";
pub(crate) const LOW: &str = "cusum-low";

impl Cusum {
    /// At its beginning.
    #[must_use]
    pub fn new(settings: &Settings) -> Cusum {
        let start = settings.head_start * settings.h;
        Cusum { high: start, low: start }
    }

    /// Takes a value in σ of what is plotted, from the centre; says which sum exceeds h.
    pub fn observe(&mut self, z: f64, settings: &Settings) -> Option<&'static str> {
        self.high = (self.high + z - settings.k).max(0.0);
        self.low = (self.low - z - settings.k).max(0.0);
        match (self.high > settings.h, self.low > settings.h) {
            (true, _) => Some(HIGH),
            (false, true) => Some(LOW),
            (false, false) => None,
        }
    }

    /// The larger of the two sums, the lower one as a negative number.
    #[must_use]
    pub fn statistic(&self) -> f64 {
        if self.high >= self.low { self.high } else { -self.low }
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [self.high, self.low].into_iter().all(|sum| sum.is_finite() && sum >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Montgomery's worked example of the tabular CUSUM (target 10, σ 1, k .5, h 5): the 29th sample is the first to signal.
    #[test]
    fn the_textbook_series_signals_at_its_29th_sample() {
        let samples = [
            9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08, 9.37,
            10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
        ];
        let settings = Settings::default();
        let mut chart = Cusum::new(&settings);
        let mut sums = Vec::new();
        let mut first = None;
        for (at, sample) in (1..).zip(samples) {
            let said = chart.observe(sample - 10.0, &settings);
            sums.push((chart.high, chart.low));
            if said.is_some() && first.is_none() {
                first = Some((at, said));
            }
        }
        assert_eq!(first, Some((29, Some(HIGH))));
        assert!((sums[28].0 - 5.28).abs() < 1e-9, "{:?}", sums[28]);
        // Sample 2: max(0, 10 − .5 − 7.99 + .05) = 1.56.
        assert!((sums[1].1 - 1.56).abs() < 1e-9, "{:?}", sums[1]);
    }

    #[test]
    fn a_head_start_shortens_the_way_to_a_signal_that_is_due() {
        let plain = Settings::default();
        let quick = Settings { head_start: 0.5, ..plain };
        let length = |settings: &Settings| {
            let mut chart = Cusum::new(settings);
            (1..).find(|_| chart.observe(1.5, settings).is_some())
        };
        assert_eq!((length(&plain), length(&quick)), (Some(6), Some(3)));
    }
}
