//! What the model cannot redraw: the reconstruction error of each channel's last samples, against its own calibration.

use serde::{Deserialize, Serialize};

/// Samples a window; the model's shape says the same.
pub const WINDOW: usize = 32;
/// Windows of the calibration that are looked at, spread over it: one inference each, one a row, so that no row waits.
pub const POSITIONS: usize = 32;
/// What the model was trained with: inputs are clipped to this many standard deviations.
const CLIP: f64 = 8.0;
/// Keeps the logarithm of an error finite.
const ERROR_MIN: f64 = 0.02;
/// The least scatter of a log error that is believed.
const SCATTER_MIN: f64 = 0.05;
/// An error of so many standard deviations is at the limit.
const LIMIT: f64 = 8.0;

/// Redraws windows: `windows` is channels × [`WINDOW`], row-major, oldest sample first; the answer has the same shape.
pub trait Reconstruct {
    /// Why it gave nothing.
    type Error;

    /// One inference, all channels as its batch.
    ///
    /// # Errors
    /// Whatever the model's runtime answers.
    fn reconstruct(&mut self, windows: &[f32]) -> Result<Vec<f32>, Self::Error>;
}

/// The last [`WINDOW`] samples of a channel, in standard deviations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// A ring once it is full.
    samples: Vec<f32>,
    /// Where the oldest sample stands.
    start: u8,
}

impl Window {
    /// Takes a sample.
    pub fn push(&mut self, z: f64) {
        let z = z.clamp(-CLIP, CLIP) as f32;
        if self.samples.len() < WINDOW {
            self.samples.push(z);
        } else {
            self.samples[usize::from(self.start) % WINDOW] = z;
            self.start = (self.start + 1) % WINDOW as u8;
        }
    }

    /// Whether it holds [`WINDOW`] samples.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.samples.len() == WINDOW
    }

    /// Appends the samples, oldest first; zeros where it is not full, so that a batch keeps its size.
    pub fn append_to(&self, batch: &mut Vec<f32>) {
        if self.is_full() {
            let (newer, older) = self.samples.split_at(usize::from(self.start) % WINDOW);
            batch.extend_from_slice(older);
            batch.extend_from_slice(newer);
        } else {
            batch.resize(batch.len() + WINDOW, 0.0);
        }
    }
}

/// Logarithm of the RMS difference of each window from its reconstruction. Nothing where the answer has another shape.
#[must_use]
pub fn log_errors(windows: &[f32], redrawn: &[f32]) -> Option<Vec<f64>> {
    if windows.len() != redrawn.len() {
        return None;
    }
    let pairs = windows.chunks_exact(WINDOW).zip(redrawn.chunks_exact(WINDOW));
    let rms = pairs.map(|(window, redrawn)| {
        let squares = window.iter().zip(redrawn).map(|(a, b)| f64::from(a - b) * f64::from(a - b));
        (squares.sum::<f64>() / WINDOW as f64).sqrt()
    });
    Some(rms.map(|rms| (rms + ERROR_MIN).ln()).collect())
}

/// The errors that are natural for one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Natural {
    n: u16,
    sum: f64,
    squares: f64,
}

impl Natural {
    /// Takes an error of the calibration.
    pub fn learn(&mut self, log_error: f64) {
        if log_error.is_finite() {
            self.n = self.n.saturating_add(1);
            self.sum += log_error;
            self.squares += log_error * log_error;
        }
    }

    /// The error over its limit; 0 where it is smaller than usual, or too little was learnt.
    #[must_use]
    pub fn departure(&self, log_error: f64) -> f64 {
        if usize::from(self.n) < POSITIONS / 2 || !log_error.is_finite() {
            return 0.0;
        }
        let n = f64::from(self.n);
        let mean = self.sum / n;
        let scatter = (self.squares / n - mean * mean).max(0.0).sqrt() + SCATTER_MIN;
        ((log_error - mean) / scatter / LIMIT).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_window_gives_its_samples_oldest_first() {
        let mut window = Window::default();
        let drawn = |window: &Window| {
            let mut batch = Vec::new();
            window.append_to(&mut batch);
            batch
        };
        (0..WINDOW - 1).for_each(|i| window.push(i as f64 / 100.0));
        assert!(!window.is_full());
        assert_eq!(drawn(&window), [0.0; WINDOW]);
        window.push(100.0);
        assert!(window.is_full());
        assert_eq!(drawn(&window)[WINDOW - 1], 8.0, "clipped");
        window.push(0.5);
        let samples = drawn(&window);
        assert_eq!((samples[0], samples[WINDOW - 2], samples[WINDOW - 1]), (0.01, 8.0, 0.5));
    }

    #[test]
    fn errors_are_held_against_what_was_natural() {
        let windows = vec![0.5; 2 * WINDOW];
        let mut redrawn = windows.clone();
        redrawn[WINDOW..].iter_mut().for_each(|x| *x += 1.0);
        let errors = log_errors(&windows, &redrawn).unwrap();
        assert!((errors[0] - 0.02_f64.ln()).abs() < 1e-9 && (errors[1] - 1.02_f64.ln()).abs() < 1e-6, "{errors:?}");
        assert_eq!(log_errors(&windows, &redrawn[1..]), None);
        let mut natural = Natural::default();
        assert_eq!(natural.departure(9.0), 0.0, "nothing learnt");
        (0..POSITIONS).for_each(|i| natural.learn(if i % 2 == 0 { -1.1 } else { -0.9 }));
        natural.learn(f64::NAN);
        assert_eq!(natural.departure(-1.5), 0.0);
        assert_eq!(natural.departure(f64::NAN), 0.0);
        // Scatter 0.1 and 0.05 on top: eight times that is the limit.
        assert!((natural.departure(-1.0 + 1.2) - 1.0).abs() < 1e-9);
    }
}
