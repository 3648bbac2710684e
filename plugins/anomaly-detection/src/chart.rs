//! A drift-weighted EWMA chart of one standardised series.
//!
//! EWMA charts are Roberts' (1959). The weight mutes what wanders slowly by itself (room and winding temperatures): such a
//! channel's autocorrelation at lags of a few samples is near 1, and its distance from an earlier mean says little.

use serde::{Deserialize, Serialize};

/// Smoothing of the slow average: the centre of gravity of its memory lies ten samples back.
pub const SLOW: f64 = 2.0 / 21.0;
/// Smoothing of the fast average, which lets go of a departure soon after it has ended.
pub const FAST: f64 = 2.0 / 7.0;
/// What the fast average must show of the slow one's departure.
const FAST_FACTOR: f64 = 1.5;
/// Samples a block, for the scatter of block means; a short series has four blocks.
const BLOCK: usize = 20;
/// A series shorter than this has no chart.
pub const SERIES_MIN: usize = 20;

/// Lags, in samples, at which slowness is looked for.
const LAGS: [usize; 3] = [3, 5, 10];
/// How strongly slowness mutes.
const MUTE_POWER: f64 = 2.5;
/// The least scatter that is believed, in standard deviations.
const SCATTER_MIN: f64 = 0.1;
/// A single sample counts for at most so much.
const CLIP: f64 = 12.0;

/// Median of the last three samples: one wild sample never passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Median3 {
    last: f64,
    before: f64,
    seen: u8,
}

impl Median3 {
    /// Takes a sample; the first two pass as they are.
    pub fn push(&mut self, x: f64) -> f64 {
        let (a, b) = (self.before, self.last);
        (self.before, self.last) = (self.last, x);
        if self.seen < 2 {
            self.seen += 1;
            return x;
        }
        a.max(b).min(a.min(b).max(x))
    }
}

/// Slow and fast average of one series, from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ewma {
    /// With [`SLOW`].
    pub slow: f64,
    /// With [`FAST`].
    pub fast: f64,
}

impl Ewma {
    /// Takes a sample.
    pub fn push(&mut self, x: f64) {
        self.slow += SLOW * (x - self.slow);
        self.fast += FAST * (x - self.fast);
    }

    /// Moves the origin by `by`.
    pub fn shift(&mut self, by: f64) {
        self.slow -= by;
        self.fast -= by;
    }

    /// The departure that both agree on.
    #[must_use]
    pub fn departure(&self) -> f64 {
        departure(self.slow, self.fast)
    }
}

/// The departure that a slow and a fast average agree on.
#[must_use]
pub fn departure(slow: f64, fast: f64) -> f64 {
    slow.abs().min(FAST_FACTOR * fast.abs())
}

/// A sample as the chart takes it: `x` standardised, median-filtered.
#[must_use]
pub fn scaled(x: f64, gain: f64) -> f64 {
    (x * gain).clamp(-CLIP, CLIP)
}

/// Mean and standard deviation.
#[must_use]
pub fn moments(series: &[f64]) -> (f64, f64) {
    if series.is_empty() {
        return (0.0, 0.0);
    }
    let n = series.len() as f64;
    let mean = series.iter().sum::<f64>() / n;
    let variance = series.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// The gain from standard deviations to the chart's unit, from a calibration series in standard deviations: the weight
/// against slowness, over the scatter of the slow average and of block means.
#[must_use]
pub fn gain(series: &[f64]) -> f64 {
    if series.len() < SERIES_MIN {
        return 0.0;
    }
    let weight = (1.0 - slowness(series).clamp(0.0, 1.0)).powf(MUTE_POWER);
    let (mut median, mut average) = (Median3::default(), Ewma::default());
    let filtered: Vec<f64> = series.iter().map(|&x| median.push(x)).collect();
    let averages: Vec<f64> = filtered
        .iter()
        .map(|&x| {
            average.push(x);
            average.slow
        })
        .collect();
    let block = BLOCK.min(series.len() / 4);
    let wander = moments(&averages[block..]).1;
    let blocks: Vec<f64> = filtered.chunks_exact(block).map(|block| moments(block).0).collect();
    let drift = moments(&blocks).1;
    weight / (SCATTER_MIN * SCATTER_MIN + 2.0 * wander * wander + 4.0 * drift * drift).sqrt()
}

/// The largest autocorrelation at [`LAGS`].
fn slowness(series: &[f64]) -> f64 {
    let (mean, _) = moments(series);
    let power: f64 = series.iter().map(|x| (x - mean) * (x - mean)).sum();
    let at = |lag: usize| {
        let pairs = series.iter().zip(series.iter().skip(lag));
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / power.max(1e-9)
    };
    LAGS.into_iter().map(at).fold(f64::NEG_INFINITY, f64::max)
}

/// How far a chart fitted on one half of the calibration strays on the other half, at most, both ways round.
///
/// What strays there will stray later too: its gain is too large for what the channel does.
#[must_use]
pub fn strays(series: &[f64]) -> f64 {
    let half = series.len() / 2;
    let one_way = |fit: &[f64], test: &[f64]| {
        let (mean, scale) = moments(fit);
        if scale <= 0.0 {
            return 0.0;
        }
        let standard = |x: &f64| (x - mean) / scale;
        let gain = gain(&fit.iter().map(standard).collect::<Vec<_>>());
        let (mut median, mut average) = (Median3::default(), Ewma::default());
        let departures = test.iter().map(|x| {
            average.push(scaled(median.push(standard(x)), gain));
            average.departure()
        });
        departures.fold(0.0, f64::max)
    };
    one_way(&series[..half], &series[half..]).max(one_way(&series[half..], &series[..half]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    #[test]
    fn one_wild_sample_never_passes_the_median() {
        let mut median = Median3::default();
        let passed: Vec<f64> = [1.0, 2.0, 1.5, 900.0, 1.7, 1.6].into_iter().map(|x| median.push(x)).collect();
        assert_eq!(passed, [1.0, 2.0, 1.5, 2.0, 1.7, 1.7]);
    }

    #[test]
    fn a_slow_series_is_muted_and_a_quick_one_is_not() {
        let mut noise = Noise::new(1);
        let quick: Vec<f64> = (0..400).map(|_| noise.normal()).collect();
        let mut at = 0.0;
        let slow: Vec<f64> = (0..400)
            .map(|_| {
                at = 0.99 * at + 0.14 * noise.normal();
                at
            })
            .collect();
        let (mean, scale) = moments(&slow);
        let slow: Vec<f64> = slow.iter().map(|x| (x - mean) / scale).collect();
        assert!(gain(&quick) > 1.0, "{}", gain(&quick));
        assert!(gain(&slow) < 0.05, "{}", gain(&slow));
        assert_eq!(gain(&quick[..SERIES_MIN - 1]), 0.0);
    }

    #[test]
    fn a_departure_is_seen_and_let_go() {
        let mut noise = Noise::new(2);
        let series: Vec<f64> = (0..400).map(|_| noise.normal()).collect();
        let gain = gain(&series);
        let mut average = Ewma::default();
        let highest = |average: &mut Ewma, noise: &mut Noise, offset: f64, n: usize| {
            (0..n).fold(0.0_f64, |highest, _| {
                average.push(scaled(noise.normal() + offset, gain));
                highest.max(average.departure())
            })
        };
        assert!(highest(&mut average, &mut noise, 0.0, 300) < 1.8);
        assert!(highest(&mut average, &mut noise, 3.0, 60) > 3.0);
        highest(&mut average, &mut noise, 0.0, 30);
        assert!(highest(&mut average, &mut noise, 0.0, 60) < 1.8);
    }

    #[test]
    fn a_series_that_steps_between_its_halves_strays() {
        let mut noise = Noise::new(3);
        let steady: Vec<f64> = (0..200).map(|_| noise.normal()).collect();
        let stepping: Vec<f64> = steady.iter().enumerate().map(|(i, x)| x + if i < 100 { 0.0 } else { 4.0 }).collect();
        assert!(strays(&steady) < 2.5, "{}", strays(&steady));
        assert!(strays(&stepping) > 4.0, "{}", strays(&stepping));
        assert_eq!(strays(&[5.0; 200]), 0.0);
    }
}
