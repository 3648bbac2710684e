//! From a forecast and its past errors to quantiles.

use std::collections::VecDeque;

use super::{LEVELS, MEDIAN};

/// Forecasts of the past whose errors are kept.
const MAX_KEPT: usize = 64;
/// A step's errors are those of the steps this far around it as well.
const REACH: usize = 2;
/// Fewer errors than this say little of a step: then those of all steps count.
const MIN_ERRORS: usize = 24;
/// With fewer than this, quantiles are the normal distribution's.
const LEAST_ERRORS: usize = 9;
/// Share of the past's median error that is expected of the time to come, of all steps together and of each step besides:
/// the errors of one stretch hang together, and their median is mostly chance.
const BIAS_SHARE: f64 = 0.1;
const STEP_BIAS_SHARE: f64 = 0.25;
/// Relative errors are to a size of at least this share of the forecasts' mean.
const LEAST_SIZE: f64 = 0.02;
/// The normal distribution's quantiles at [`LEVELS`].
const NORMAL: [f64; LEVELS.len()] =
    [-1.959_964, -1.644_854, -1.281_552, -0.674_490, 0.0, 0.674_490, 1.281_552, 1.644_854, 1.959_964];

/// Whether errors grow with what is forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errs {
    /// They are a share of it: where all values are above zero.
    Relatively,
    /// They don't.
    Absolutely,
}

/// What forecasts of the past were off by.
#[derive(Clone, Debug)]
pub struct Errors {
    horizon: usize,
    /// The newest last: error and forecast of each step; NaN where nothing came. In single precision: there are many.
    kept: VecDeque<Vec<(f32, f32)>>,
}

impl Errors {
    /// None yet.
    #[must_use]
    pub fn new(horizon: usize) -> Self {
        Self { horizon, kept: VecDeque::new() }
    }

    /// Takes a forecast and what came.
    pub fn add(&mut self, forecast: &[f64], truth: &[Option<f64>]) {
        if self.kept.len() == MAX_KEPT {
            self.kept.pop_front();
        }
        let each = |(forecast, truth): (&f64, &Option<f64>)| {
            (truth.map_or(f32::NAN, |truth| (truth - forecast) as f32), *forecast as f32)
        };
        self.kept.push_back(forecast.iter().zip(truth).map(each).collect());
    }

    /// The quantiles of [`LEVELS`] about a forecast of the horizon. `spread` is the standard deviation that is supposed
    /// while few errors are known.
    #[must_use]
    pub fn quantiles(&self, forecast: &[f64], errs: Errs, spread: f64) -> Vec<Vec<f64>> {
        let mean = forecast.iter().map(|value| value.abs()).sum::<f64>() / forecast.len().max(1) as f64;
        let size = |value: f64| match errs {
            Errs::Absolutely => 1.0,
            Errs::Relatively => value.abs().max(LEAST_SIZE * mean).max(f64::MIN_POSITIVE),
        };
        let all = self.of_steps(0..self.horizon, size);
        let shift = BIAS_SHARE * quantile(&all, 0.5);
        let each = |(step, value): (usize, &f64)| {
            let middle = value + shift * size(*value);
            let steps = step.saturating_sub(REACH)..(step + REACH + 1).min(self.horizon);
            let near = self.of_steps(steps, size);
            let errors = if near.len() < MIN_ERRORS { &all } else { &near };
            if errors.len() < LEAST_ERRORS {
                return NORMAL.iter().map(|normal| value + spread * normal).collect();
            }
            let bias = STEP_BIAS_SHARE * quantile(errors, 0.5);
            let at = |(place, level): (usize, &f64)| {
                let value = middle + size(*value) * (quantile(errors, *level) - bias);
                // The median is the forecast, whatever its errors.
                match place {
                    MEDIAN => middle,
                    below if below < MEDIAN => value.min(middle),
                    _ => value.max(middle),
                }
            };
            LEVELS.iter().enumerate().map(at).collect()
        };
        forecast.iter().enumerate().map(each).collect()
    }

    /// The errors of these steps over their sizes, sorted.
    fn of_steps(&self, steps: std::ops::Range<usize>, size: impl Fn(f64) -> f64) -> Vec<f64> {
        let of_one = |one: &Vec<(f32, f32)>| one.get(steps.clone()).unwrap_or_default().to_vec();
        let known = self.kept.iter().flat_map(of_one).filter(|(error, _)| error.is_finite());
        let mut errors: Vec<f64> =
            known.map(|(error, forecast)| f64::from(error) / size(f64::from(forecast))).collect();
        errors.sort_by(f64::total_cmp);
        errors
    }
}

/// The quantile of sorted values, between the two next to it; 0 of none.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = (level * (last + 2) as f64 - 1.0).clamp(0.0, last as f64);
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + place.fract() * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_sorted_values() {
        assert_eq!(quantile(&[], 0.3), 0.0);
        assert_eq!(quantile(&[2.0], 0.9), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 0.375), 1.5);
        assert_eq!((quantile(&[1.0, 2.0, 3.0], 0.01), quantile(&[1.0, 2.0, 3.0], 0.99)), (1.0, 3.0));
    }

    #[test]
    fn without_errors_the_normal_distribution_stands_in() {
        let told = Errors::new(2).quantiles(&[10.0, 20.0], Errs::Relatively, 2.0);
        assert_eq!((told.len(), told[1][MEDIAN]), (2, 20.0));
        assert!((told[0][8] - 13.919_928).abs() < 1e-9 && (told[0][0] - 6.080_072).abs() < 1e-9);
    }

    #[test]
    fn errors_are_shares_or_sizes() {
        let mut errors = Errors::new(1);
        // Off by −10 % to 10 % of 100.
        (-10..=10).for_each(|off| errors.add(&[100.0], &[Some(100.0 + f64::from(off))]));
        (0..9).for_each(|_| errors.add(&[100.0], &[None]));
        let relative = errors.quantiles(&[200.0], Errs::Relatively, 0.0);
        let absolute = errors.quantiles(&[200.0], Errs::Absolutely, 0.0);
        assert_eq!((relative[0][MEDIAN], absolute[0][MEDIAN]), (200.0, 200.0));
        let wide = |told: &[f64]| told[6] - told[2];
        assert!((wide(&relative[0]) - 2.0 * wide(&absolute[0])).abs() < 1e-3, "{relative:?} {absolute:?}");
        assert!(relative[0].windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
