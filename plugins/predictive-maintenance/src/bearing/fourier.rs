//! The discrete Fourier transform of lengths that are powers of two (Cooley, Tukey 1965), in place.
//!
//! A plan library would bring a hundred kilobytes of kernels into the component for lengths that never occur here.

use std::f64::consts::{PI, TAU};

/// A spectrum or an analytic signal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Complex {
    pub(crate) re: Vec<f64>,
    pub(crate) im: Vec<f64>,
}

impl Complex {
    /// Real samples; their number must be a power of two for [`Complex::transform`].
    pub(crate) fn real(samples: Vec<f64>) -> Self {
        let im = vec![0.0; samples.len()];
        Complex { re: samples, im }
    }

    /// Squared magnitudes.
    pub(crate) fn power(&self) -> Vec<f64> {
        self.re.iter().zip(&self.im).map(|(re, im)| re * re + im * im).collect()
    }

    /// Forward transform, without a factor; inverse with `inverse`, then divided by the length.
    pub(crate) fn transform(&mut self, inverse: bool) {
        let n = self.re.len();
        debug_assert!(n.is_power_of_two() && self.im.len() == n);
        self.reverse_bits();
        let sign = if inverse { 1.0 } else { -1.0 };
        let turns: Vec<(f64, f64)> = (0..n / 2).map(|k| (sign * TAU * k as f64 / n as f64).sin_cos()).collect();
        let mut half = 1;
        while half < n {
            let stride = n / (2 * half);
            let pairs = self.re.chunks_exact_mut(2 * half).zip(self.im.chunks_exact_mut(2 * half));
            for (re, im) in pairs {
                let (re_a, re_b) = re.split_at_mut(half);
                let (im_a, im_b) = im.split_at_mut(half);
                let lanes = re_a.iter_mut().zip(re_b).zip(im_a.iter_mut().zip(im_b));
                for (((ra, rb), (ia, ib)), &(sin, cos)) in lanes.zip(turns.iter().step_by(stride)) {
                    let (r, i) = (*rb * cos - *ib * sin, *rb * sin + *ib * cos);
                    (*rb, *ib) = (*ra - r, *ia - i);
                    (*ra, *ia) = (*ra + r, *ia + i);
                }
            }
            half *= 2;
        }
        if inverse {
            self.re.iter_mut().chain(&mut self.im).for_each(|x| *x /= n as f64);
        }
    }

    fn reverse_bits(&mut self) {
        let n = self.re.len();
        if n < 2 {
            return;
        }
        let shift = usize::BITS - n.trailing_zeros();
        for i in 0..n {
            let j = i.reverse_bits() >> shift;
            if i < j {
                self.re.swap(i, j);
                self.im.swap(i, j);
            }
        }
    }
}

/// Amplitudes of the sines in `samples`, by bin up to half the rate, seen through a Hann window.
pub(crate) fn amplitudes(samples: &[f64]) -> Vec<f64> {
    let n = samples.len();
    let hann = |i: usize| 0.5 - 0.5 * (2.0 * PI * i as f64 / n as f64).cos();
    let mut spectrum = Complex::real(samples.iter().enumerate().map(|(i, x)| x * hann(i)).collect());
    spectrum.transform(false);
    // The window's mean is a half, and a sine's power is shared by two bins.
    let mut found: Vec<f64> = spectrum.power().into_iter().map(|p| p.sqrt() * 4.0 / n as f64).collect();
    found.truncate(n / 2);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_definition_and_its_inverse() {
        let samples: Vec<f64> = (0..64).map(|i| f64::from(i * i % 37) - 11.0).collect();
        let mut spectrum = Complex::real(samples.clone());
        spectrum.transform(false);
        for k in [0, 1, 5, 31, 32, 63] {
            let at = |i: usize| -TAU * (k * i % 64) as f64 / 64.0;
            let re: f64 = samples.iter().enumerate().map(|(i, x)| x * at(i).cos()).sum();
            let im: f64 = samples.iter().enumerate().map(|(i, x)| x * at(i).sin()).sum();
            assert!((spectrum.re[k] - re).abs() < 1e-9 && (spectrum.im[k] - im).abs() < 1e-9, "bin {k}");
        }
        spectrum.transform(true);
        assert!(spectrum.re.iter().zip(&samples).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(spectrum.im.iter().all(|x| x.abs() < 1e-9));
    }

    #[test]
    fn a_sine_has_its_amplitude() {
        let samples: Vec<f64> = (0..1024).map(|i| 3.0 * (TAU * 40.0 * f64::from(i) / 1024.0 + 0.3).sin()).collect();
        let found = amplitudes(&samples);
        assert!((found[40] - 3.0).abs() < 1e-6 && found[44] < 1e-6, "{} {}", found[40], found[44]);
    }
}
