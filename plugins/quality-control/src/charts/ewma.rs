//! The exponentially weighted moving average.
//!
//! S. W. Roberts, "Control chart tests based on geometric moving averages", Technometrics 1 (1959):
//! E ← E + λ(z − E), limits ± L √(λ/(2 − λ) · (1 − (1 − λ)^(2t))), which soon stand at ± L √(λ/(2 − λ)). Average run lengths
//! by J. M. Lucas, M. S. Saccucci, Technometrics 32 (1990), are for the latter, fixed limits.

use serde::{Deserialize, Serialize};

/// How it is set up, in σ of what is plotted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Weight of the newest value, in (0, 1].
    pub lambda: f64,
    /// Where the limits stand, in σ of the average.
    pub width: f64,
    /// Whether limits are narrower at the beginning, as the average's own deviation is.
    pub exact: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { lambda: 0.2, width: 2.962, exact: false }
    }
}

/// Its state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ewma {
    at: f64,
    /// (1 − λ)^(2t).
    fade: f64,
}

pub(crate) const HIGH: &str = "ewma-high";
pub(crate) const LOW: &str = "ewma-low";

impl Default for Ewma {
    fn default() -> Ewma {
        Ewma { at: 0.0, fade: 1.0 }
    }
}

impl Ewma {
    /// Takes a value in σ of what is plotted, from the centre.
    pub fn observe(&mut self, z: f64, settings: &Settings) -> Option<&'static str> {
        self.at += settings.lambda * (z - self.at);
        if settings.exact {
            self.fade *= (1.0 - settings.lambda) * (1.0 - settings.lambda);
        }
        let limit = self.limit(settings);
        match (self.at > limit, self.at < -limit) {
            (true, _) => Some(HIGH),
            (false, true) => Some(LOW),
            (false, false) => None,
        }
    }

    /// The average.
    #[must_use]
    pub fn statistic(&self) -> f64 {
        self.at
    }

    /// Its upper limit; the lower one is minus that.
    #[must_use]
    pub fn limit(&self, settings: &Settings) -> f64 {
        let grown = if settings.exact { 1.0 - self.fade } else { 1.0 };
        settings.width * (settings.lambda / (2.0 - settings.lambda) * grown).sqrt()
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.at.is_finite() && (0.0..=1.0).contains(&self.fade)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Montgomery's worked example of the EWMA (λ .1, L 2.7, target 10, σ 1), its first average and limits.
    #[test]
    fn the_textbook_series_has_its_averages_and_limits() {
        let settings = Settings { lambda: 0.1, width: 2.7, exact: true };
        let mut chart = Ewma::default();
        chart.observe(9.45 - 10.0, &settings);
        assert!((10.0 + chart.statistic() - 9.945).abs() < 1e-9);
        assert!((10.0 + chart.limit(&settings) - 10.27).abs() < 1e-9);
        chart.observe(7.99 - 10.0, &settings);
        assert!((10.0 + chart.statistic() - 9.7495).abs() < 1e-9);
        assert!((10.0 + chart.limit(&settings) - 10.363).abs() < 1e-3);
        let fixed = Settings { exact: false, ..settings };
        assert!((10.0 + Ewma::default().limit(&fixed) - 10.62).abs() < 1e-2);
    }
}
