//! Rational subgroups: values taken so close together that only common causes make them differ.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

/// The largest subgroup.
pub const SIZE_MAX: usize = 25;

/// Mean of the range of n standard normal values, n from 2 on (d₂; ASTM Manual on Presentation of Data and Control Chart
/// Analysis).
const D2: [f64; SIZE_MAX - 1] = [
    1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078, 3.173, 3.258, 3.336, 3.407, 3.472, 3.532, 3.588,
    3.640, 3.689, 3.735, 3.778, 3.819, 3.858, 3.895, 3.931,
];
/// Standard deviation of that range (d₃).
const D3: [f64; SIZE_MAX - 1] = [
    0.853, 0.888, 0.880, 0.864, 0.848, 0.833, 0.820, 0.808, 0.797, 0.787, 0.778, 0.770, 0.763, 0.756, 0.750, 0.744,
    0.739, 0.734, 0.729, 0.724, 0.720, 0.716, 0.712, 0.708,
];

/// How the scatter within a subgroup is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spread {
    /// Largest minus smallest: x̄/R. For single values, the moving range of two.
    #[default]
    Range,
    /// The standard deviation, with n − 1: x̄/S. Better from some ten values on. For single values, the moving range again.
    Deviation,
}

impl Spread {
    /// Of one subgroup; zero of less than two values.
    #[must_use]
    pub fn of(self, values: &[f64]) -> f64 {
        if values.len() < 2 {
            return 0.0;
        }
        match self {
            Spread::Range => {
                let (low, high) = values
                    .iter()
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
                high - low
            }
            Spread::Deviation => {
                let mean = mean(values);
                let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
                (squares / (values.len() - 1) as f64).sqrt()
            }
        }
    }

    /// Mean and standard deviation that this has in subgroups of `size` values of standard deviation one: (d₂, d₃) or
    /// (c₄, √(1 − c₄²)).
    #[must_use]
    pub fn constants(self, size: usize) -> (f64, f64) {
        // Single values have the moving range of two.
        if size < 2 {
            return (D2[0], D3[0]);
        }
        let size = size.min(SIZE_MAX);
        match self {
            Spread::Range => (D2[size - 2], D3[size - 2]),
            Spread::Deviation => {
                let mean = c4(size);
                (mean, (1.0 - mean * mean).sqrt())
            }
        }
    }
}

/// Mean of the standard deviation of n standard normal values: √(2/(n − 1)) Γ(n/2)/Γ((n − 1)/2).
#[must_use]
pub fn c4(size: usize) -> f64 {
    let n = size as f64;
    (2.0 / (n - 1.0)).sqrt() * (ln_gamma(n / 2.0) - ln_gamma((n - 1.0) / 2.0)).exp()
}

/// Arithmetic mean; zero of nothing.
#[must_use]
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// A subgroup that is being filled; of single values, the one before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filling {
    values: Vec<f64>,
}

impl Filling {
    /// Takes a value; gives mean and spread of the subgroup that it completes. Of single values, each is its own mean, and
    /// has a spread where one came before it.
    pub fn add(&mut self, value: f64, size: usize, spread: Spread) -> Option<(f64, Option<f64>)> {
        if size < 2 {
            let before = self.values.pop();
            self.values.push(value);
            return Some((value, before.map(|before| (value - before).abs())));
        }
        self.values.push(value);
        if self.values.len() < size {
            return None;
        }
        let full = (mean(&self.values), Some(spread.of(&self.values)));
        self.values.clear();
        Some(full)
    }

    /// Forgets what is in it.
    pub fn restart(&mut self) {
        self.values.clear();
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.values.len() < SIZE_MAX && self.values.iter().all(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    /// d₂ = ∫ 1 − (1 − Φ)ⁿ − Φⁿ (Tippett 1925).
    #[test]
    fn the_table_of_ranges_is_the_integral() {
        let normal = Normal::standard();
        for (index, tabulated) in D2.iter().enumerate() {
            let n = index as i32 + 2;
            let step = 0.01;
            let integral: f64 = (-800..=800)
                .map(|at| normal.cdf(f64::from(at) * step))
                .map(|below| (1.0 - (1.0 - below).powi(n) - below.powi(n)) * step)
                .sum();
            assert!((integral - tabulated).abs() < 6e-4, "n {n}: {integral} {tabulated}");
        }
    }

    #[test]
    fn the_factor_of_deviations_is_the_published_one() {
        for (size, published) in [(2, 0.7979), (5, 0.9400), (10, 0.9727), (25, 0.9896)] {
            assert!((c4(size) - published).abs() < 5e-5, "{size}");
        }
        // B₃ and B₄ of five: 0 and 2.089; D₄ of five: 2.114 (2.115 by the three decimals here).
        let (mean, deviation) = Spread::Deviation.constants(5);
        assert!((1.0 + 3.0 * deviation / mean - 2.089).abs() < 1e-3);
        let (mean, deviation) = Spread::Range.constants(5);
        assert!((1.0 + 3.0 * deviation / mean - 2.114).abs() < 1e-3);
    }

    #[test]
    fn subgroups_are_filled_one_after_the_other() {
        let mut filling = Filling::default();
        assert_eq!(filling.add(1.0, 3, Spread::Range), None);
        assert_eq!(filling.add(2.0, 3, Spread::Range), None);
        assert_eq!(filling.add(6.0, 3, Spread::Range), Some((3.0, Some(5.0))));
        assert_eq!(filling.add(7.0, 3, Spread::Range), None);
        let mut single = Filling::default();
        assert_eq!(single.add(1.0, 1, Spread::Range), Some((1.0, None)));
        assert_eq!(single.add(4.0, 1, Spread::Deviation), Some((4.0, Some(3.0))));
        single.restart();
        assert_eq!(single.add(9.0, 1, Spread::Range), Some((9.0, None)));
    }
}
