//! The law of demand, from what was sold.
//!
//! Sums alone are kept, and a histogram. The family is the simplest that the data do not speak against: Poisson, unless the
//! index of dispersion is significantly above 1 (then negative binomial) or below it, or quantities are no whole numbers
//! (then normal); the histogram itself where even that is refuted by the distance of Kolmogorov and Smirnov. A demand whose
//! stock ran out is known from below only, and counts as what is expected above it (Dempster, Laird and Rubin 1977, one
//! step of expectation for each observation). A lasting change of the mean is found by a two-sided CUSUM (Page 1954), and
//! what was seen before it is forgotten.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

use super::lattice::Lattice;
use super::law::Law;

/// Observations that the prior's scatter, that of Poisson, counts as.
const PRIOR: f64 = 6.0;
/// Standard errors from which on a scatter is another than Poisson's.
const SIGNIFICANT: f64 = 2.5;
/// √n times the distance from which on a law is refuted: the 0.2 % point of Kolmogorov's distribution is 1.86, and estimated
/// parameters only make the distance smaller.
const REFUTED: f64 = 1.86;
/// Quantities that the histogram tells apart; then neighbours are joined.
const MAX_BINS: usize = 256;
/// Allowance and limit of the change's CUSUM, in standard deviations: a false alarm in about a million periods.
const ALLOWANCE: f64 = 0.5;
const LIMIT: f64 = 12.0;
/// Observations kept to begin anew with: a change of that allowance is found within them.
const KEPT: usize = 96;
/// Observations before the CUSUM runs.
const SETTLED: f64 = 12.0;

/// One period's demand, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Seen {
    /// All of it.
    Demand(f64),
    /// At least so much: the stock ran out.
    AtLeast(f64),
}

/// What is known of an item's demand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    count: f64,
    sum: f64,
    squares: f64,
    /// Of those known from below only.
    cut: f64,
    whole: bool,
    /// How often each quantity was seen, by its number of bins.
    bins: BTreeMap<u64, u32>,
    bin: f64,
    recent: VecDeque<Seen>,
    /// Sums of the CUSUM, up and down, and since how many observations each is above 0.
    up: (f64, usize),
    down: (f64, usize),
}

impl Default for Learner {
    fn default() -> Learner {
        Learner {
            count: 0.0,
            sum: 0.0,
            squares: 0.0,
            cut: 0.0,
            whole: true,
            bins: BTreeMap::new(),
            bin: 1.0,
            recent: VecDeque::new(),
            up: (0.0, 0),
            down: (0.0, 0),
        }
    }
}

impl Learner {
    /// Takes in a period. What is not finite or below 0 counts as not seen.
    pub fn see(&mut self, seen: Seen) {
        let (Seen::Demand(value) | Seen::AtLeast(value)) = seen;
        if !(value.is_finite() && value >= 0.0) {
            return;
        }
        self.recent.push_back(seen);
        if self.recent.len() > KEPT {
            self.recent.pop_front();
        }
        if let Some(since) = self.changed(seen) {
            let again: Vec<Seen> = self.recent.iter().rev().take(since).rev().copied().collect();
            *self = Learner { recent: std::mem::take(&mut self.recent), ..Learner::default() };
            again.into_iter().for_each(|seen| self.count_in(seen));
        } else {
            self.count_in(seen);
        }
    }

    fn count_in(&mut self, seen: Seen) {
        let (first, second) = match seen {
            Seen::Demand(value) => {
                self.whole &= (value - value.round()).abs() < 1e-6;
                self.put(value);
                (value, value * value)
            }
            Seen::AtLeast(value) => {
                self.cut += 1.0;
                self.expected_above(value)
            }
        };
        self.count += 1.0;
        self.sum += first;
        self.squares += second;
    }

    fn put(&mut self, value: f64) {
        if self.bins.is_empty() {
            self.bin = if self.whole { 1.0 } else { (value / 32.0).max(1e-9) };
        }
        let mut at = (value / self.bin).round().min(1e15) as u64;
        *self.bins.entry(at).or_insert(0) += 1;
        while self.bins.len() > MAX_BINS || at > 1_000_000 {
            self.bin *= 2.0;
            let fine = std::mem::take(&mut self.bins);
            for (key, count) in fine {
                *self.bins.entry(key.div_ceil(2)).or_insert(0) += count;
            }
            at = at.div_ceil(2);
        }
    }

    /// First and second moment of a demand that is at least `value`, under what is known now.
    fn expected_above(&self, value: f64) -> (f64, f64) {
        let Some(law) = self.family() else { return (value, value * value) };
        let step = law.grain().max(law.mean() / 1_000.0).max(1e-9);
        let lattice = law.sum(1, step, 0.0);
        let from = (value / step - 1e-9).ceil().max(0.0) as usize;
        let above = lattice.weights().iter().enumerate().skip(from);
        let (mut mass, mut first, mut second) = (0.0, 0.0, 0.0);
        for (k, weight) in above {
            let quantity = k as f64 * step;
            mass += weight;
            first += weight * quantity;
            second += weight * quantity * quantity;
        }
        // Where the law finds it all but impossible, it is taken as it is.
        if mass > 1e-9 { (first / mass, second / mass) } else { (value, value * value) }
    }

    /// Since how many observations the mean is another, where it is.
    fn changed(&mut self, seen: Seen) -> Option<usize> {
        let Seen::Demand(value) = seen else { return None };
        if self.count < SETTLED {
            return None;
        }
        let z = (value - self.mean()) / self.variance().sqrt().max(1e-9);
        // One wild value is an outlier and no change.
        let z = z.clamp(-4.0, 4.0);
        let step = |(sum, since): (f64, usize), by: f64| {
            let sum = sum + by;
            if sum > 0.0 { (sum, since + 1) } else { (0.0, 0) }
        };
        self.up = step(self.up, z - ALLOWANCE);
        self.down = step(self.down, -z - ALLOWANCE);
        [self.up, self.down].into_iter().find(|(sum, _)| *sum > LIMIT).map(|(_, since)| since.min(KEPT))
    }

    /// Periods that count.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Whether all that was seen were whole units.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    /// Of a period, towards Poisson's while little is known.
    fn variance(&self) -> f64 {
        let mean = self.mean();
        let scatter = (self.squares - self.count * mean * mean).max(0.0);
        // Not whole: nothing is known of the unit, and a third of the mean is a usual scatter.
        let prior = if self.whole { mean } else { (mean / 3.0).powi(2) };
        (scatter + PRIOR * prior) / (self.count - 1.0 + PRIOR).max(1.0)
    }

    /// The family alone, without doubting it.
    fn family(&self) -> Option<Law> {
        if self.count < 1.0 {
            return None;
        }
        let mean = self.mean();
        if mean <= 0.0 {
            return Some(Law::Poisson { mean: 0.5 / self.count });
        }
        let variance = self.variance();
        if !self.whole {
            return Some(Law::Normal { mean, sd: variance.sqrt().max(1e-6 * mean) });
        }
        // The index of dispersion of n Poisson counts scatters by √(2 / (n − 1)) (Fisher 1950).
        let scatter = (2.0 / (self.count - 1.0 + PRIOR)).sqrt() * SIGNIFICANT;
        let index = variance / mean;
        Some(if index > 1.0 + scatter {
            Law::Scattered { mean, variance }
        } else if index < 1.0 - scatter && mean > 5.0 {
            Law::Normal { mean, sd: variance.sqrt().max(0.3) }
        } else {
            Law::Poisson { mean }
        })
    }

    /// The law that the next periods follow, and the variance of its mean's estimate; none before anything was seen.
    #[must_use]
    pub fn law(&self) -> Option<(Law, f64)> {
        let law = self.family()?;
        let doubt = law.variance() / self.count;
        if self.cut > 0.0 || self.count < 4.0 * PRIOR || !self.refutes(&law) {
            return Some((law, doubt));
        }
        Some((self.histogram(), doubt))
    }

    fn histogram(&self) -> Law {
        let last = self.bins.keys().next_back().copied().unwrap_or(0) as usize;
        let mut weights = vec![0.0; last.min(super::lattice::MAX_POINTS) + 1];
        let top = weights.len() - 1;
        for (key, count) in &self.bins {
            weights[(*key as usize).min(top)] += f64::from(*count);
        }
        Law::Seen { step: self.bin, weights }
    }

    /// Whether the quantities seen are too far from a law.
    fn refutes(&self, law: &Law) -> bool {
        let Law::Seen { step, weights } = self.histogram() else { return false };
        let seen = Lattice::new(step, weights);
        let expected = match law {
            // Normal laws of whole numbers gather at them, as the histogram's bins do.
            Law::Normal { mean, sd } => {
                let below = |x: f64| 0.5 * libm::erfc((mean - x) / (sd * std::f64::consts::SQRT_2));
                Lattice::from_cdf(step, seen.weights().len() + 1, below)
            }
            _ => law.sum(1, step, 0.0),
        };
        let (mut one, mut two, mut distance) = (0.0, 0.0, 0.0_f64);
        for k in 0..seen.weights().len().max(expected.weights().len()) {
            one += seen.weights().get(k).copied().unwrap_or(0.0);
            two += expected.weights().get(k).copied().unwrap_or(0.0);
            distance = distance.max((one - two).abs());
        }
        distance * self.count.sqrt() > REFUTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of a law in a scrambled order: a sample without randomness.
    fn feed(learner: &mut Learner, law: &Law, count: usize) {
        let lattice = law.sum(1, law.grain(), 0.0);
        for i in 0..count {
            let share = ((i as f64 + 0.5) * 0.618_033_988_749_895).fract();
            let mut sum = 0.0;
            let at = lattice.weights().iter().position(|weight| {
                sum += weight;
                sum > share
            });
            learner.see(Seen::Demand(at.unwrap_or(0) as f64 * law.grain()));
        }
    }

    fn learnt(law: &Law, count: usize) -> (Law, f64) {
        let mut learner = Learner::default();
        feed(&mut learner, law, count);
        learner.law().expect("something was seen")
    }

    #[test]
    fn the_family_is_found() {
        assert!(
            matches!(learnt(&Law::Poisson { mean: 10.0 }, 300).0, Law::Poisson { mean } if (mean - 10.0).abs() < 0.2)
        );
        let scattered = Law::Scattered { mean: 10.0, variance: 40.0 };
        assert!(matches!(learnt(&scattered, 300).0, Law::Scattered { variance, .. } if (variance - 40.0).abs() < 4.0));
        let normal = Law::Normal { mean: 50.0, sd: 8.0 };
        assert!(matches!(learnt(&normal, 300).0, Law::Normal { sd, .. } if (sd - 8.0).abs() < 0.5));
        let lumpy = Law::Seen { step: 1.0, weights: [vec![0.8], vec![0.0; 19], vec![0.2]].concat() };
        let (law, _) = learnt(&lumpy, 300);
        assert!(matches!(&law, Law::Seen { .. }), "{law:?}");
        assert!((law.mean() - 4.0).abs() < 0.2);
    }

    #[test]
    fn nothing_and_little_are_taken_with_care() {
        assert_eq!(Learner::default().law(), None);
        let mut learner = Learner::default();
        learner.see(Seen::Demand(f64::NAN));
        learner.see(Seen::Demand(-1.0));
        assert_eq!(learner.law(), None);
        learner.see(Seen::Demand(0.0));
        assert!(learner.law().is_some_and(|(law, _)| law.mean() > 0.0));
        learner.see(Seen::Demand(12.0));
        let (law, doubt) = learner.law().expect("two were seen");
        assert!(doubt > 0.2 * law.variance(), "two observations leave a doubt");
    }

    #[test]
    fn a_lasting_change_is_followed() {
        let mut learner = Learner::default();
        feed(&mut learner, &Law::Poisson { mean: 10.0 }, 400);
        feed(&mut learner, &Law::Poisson { mean: 18.0 }, 60);
        let (law, _) = learner.law().expect("something was seen");
        assert!((law.mean() - 18.0).abs() < 1.5, "{law:?}");
    }

    #[test]
    fn what_ran_out_was_more() {
        let lattice = Law::Poisson { mean: 10.0 }.sum(1, 1.0, 0.0);
        let (mut learner, mut naive) = (Learner::default(), Learner::default());
        let mut state = 1_u64;
        for _ in 0..600 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
            let mut sum = 0.0;
            let demand = lattice.weights().iter().position(|weight| {
                sum += weight;
                sum > share
            });
            let demand = demand.unwrap_or(0) as f64;
            let stock = 11.0;
            learner.see(if demand >= stock { Seen::AtLeast(stock) } else { Seen::Demand(demand) });
            naive.see(Seen::Demand(demand.min(stock)));
        }
        let mean = learner.law().expect("much was seen").0.mean();
        assert!((mean - 10.0).abs() < 0.45, "{mean}");
        assert!(naive.law().expect("much was seen").0.mean() < 9.4);
    }
}
