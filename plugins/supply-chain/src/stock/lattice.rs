//! A distribution as weights on equally spaced quantities from 0 on.

/// Mass that may be left out at the upper end.
const TAIL: f64 = 1e-12;
/// Most points: finer than any policy needs, and some milliseconds of arithmetic.
pub const MAX_POINTS: usize = 4_096;

/// Weights `p[k]` of the quantities `k · step`. They sum to 1, and there is at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Lattice {
    step: f64,
    p: Vec<f64>,
}

impl Lattice {
    /// From weights, which are made to sum to 1; what is not finite or below 0 counts as 0. Without weight it is all at 0.
    #[must_use]
    pub fn new(step: f64, mut p: Vec<f64>) -> Lattice {
        p.iter_mut().for_each(|weight| *weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 });
        let sum: f64 = p.iter().sum();
        if sum.is_nan() || sum <= 0.0 {
            return Lattice { step, p: vec![1.0] };
        }
        let mut tail = 0.0;
        while p.len() > 1 && (tail + p[p.len() - 1]) / sum < TAIL {
            tail += p.pop().unwrap_or(0.0);
        }
        let kept = sum - tail;
        p.iter_mut().for_each(|weight| *weight /= kept);
        Lattice { step, p }
    }

    /// From a distribution function: each point takes the mass within half a step of it, the first all below.
    #[must_use]
    pub fn from_cdf(step: f64, points: usize, cdf: impl Fn(f64) -> f64) -> Lattice {
        let mut below = 0.0;
        let mass = |k: usize| {
            let until = cdf((k as f64 + 0.5) * step);
            let weight = until - below;
            below = until;
            weight
        };
        Lattice::new(step, (0..points.clamp(1, MAX_POINTS)).map(mass).collect())
    }

    /// From one point to the next.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.step
    }

    /// The weights.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.p
    }

    /// In steps.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.p.iter().zip(0..).map(|(weight, k)| weight * f64::from(k)).sum()
    }

    /// In squared steps.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        self.p.iter().zip(0..).map(|(weight, k)| weight * (f64::from(k) - mean).powi(2)).sum()
    }

    /// Of the sum of two independent quantities on the same steps.
    #[must_use]
    pub fn plus(&self, other: &Lattice) -> Lattice {
        let mut p = vec![0.0; self.p.len() + other.p.len() - 1];
        for (i, one) in self.p.iter().enumerate() {
            for (j, two) in other.p.iter().enumerate() {
                p[i + j] += one * two;
            }
        }
        Lattice::new(self.step, p)
    }

    /// Of the sum of so many independent quantities of this kind; of none, all at 0.
    #[must_use]
    pub fn times(&self, count: u32) -> Lattice {
        let mut sum = Lattice { step: self.step, p: vec![1.0] };
        let mut power = self.clone();
        let mut left = count;
        while left > 0 {
            if left & 1 == 1 {
                sum = sum.plus(&power);
            }
            left >>= 1;
            if left > 0 {
                power = power.plus(&power);
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_the_sum_of_means_and_variances() {
        let die = Lattice::new(1.0, vec![0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let five = die.times(5);
        assert!((five.mean() - 17.5).abs() < 1e-9);
        assert!((five.variance() - 5.0 * 35.0 / 12.0).abs() < 1e-9);
        assert_eq!(die.times(0).weights(), [1.0]);
        assert!((die.times(2).weights()[7] - 6.0 / 36.0).abs() < 1e-12);
    }

    #[test]
    fn nonsense_is_no_demand() {
        assert_eq!(Lattice::new(1.0, vec![f64::NAN, -1.0]).weights(), [1.0]);
        assert_eq!(Lattice::new(1.0, vec![]).weights(), [1.0]);
        assert_eq!(Lattice::new(1.0, vec![1.0, 0.0, 0.0]).weights(), [1.0]);
    }
}
