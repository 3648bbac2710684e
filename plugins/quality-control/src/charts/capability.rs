//! Capability: how a process's scatter compares with its specification, and how sure that is.
//!
//! Cp = (U − L)/6σ̂ and Cpk = min(U − μ̂, μ̂ − L)/3σ̂ with σ̂ from within subgroups: what the process could do. Pp and Ppk
//! likewise with the deviation s of all values: what it did (Montgomery, chapter 8; ISO 22514-2). Intervals: of Cp and Pp
//! from χ² with ν degrees of freedom, Ĉ √(χ²(α/2)/ν) to Ĉ √(χ²(1 − α/2)/ν) (Kane, "Process capability indices", Journal
//! of Quality Technology 18, 1986); of Cpk and Ppk Ĉ (1 ± z √(1/(9nĈ²) + 1/(2ν))) (Bissell, "How reliable is your
//! capability index?", Applied Statistics 39, 1990). They hold of values that are about normal.

use super::subgroup::{Filling, Spread};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

/// Efficiency of the mean moving range: ν per value of σ̂ = MR̄/d₂ (Cryer and Ryan, "The estimation of sigma for an X
/// chart", Journal of Quality Technology 22, 1990: its variance is 0.826 σ²/n, that of s is σ²/2n).
const MOVING_RANGE_EFFICIENCY: f64 = 0.605;

/// What a part must be: one limit or both, in the tag's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Specification {
    /// Least.
    pub lower: Option<f64>,
    /// Most.
    pub upper: Option<f64>,
}

impl Specification {
    /// None without a limit, or where they contradict each other.
    #[must_use]
    pub fn new(lower: Option<f64>, upper: Option<f64>) -> Option<Specification> {
        let finite = lower.is_none_or(f64::is_finite) && upper.is_none_or(f64::is_finite);
        let ordered = lower.zip(upper).is_none_or(|(lower, upper)| lower < upper);
        (finite && ordered && (lower.is_some() || upper.is_some())).then_some(Specification { lower, upper })
    }
}

/// An index with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Index {
    /// Estimate.
    pub value: f64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// The four indices. Cp and Pp need both limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capability {
    /// Potential, within subgroups.
    pub cp: Option<Index>,
    /// The same with the centre where it is.
    pub cpk: Index,
    /// Performance, all values.
    pub pp: Option<Index>,
    /// The same with the centre where it is.
    pub ppk: Index,
}

/// What is kept of the values: their number, mean, squares (Welford 1962), and what subgroups scatter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    count: u64,
    mean: f64,
    squares: f64,
    filling: Filling,
    /// Sum of variances of full subgroups, or of moving ranges; and how many.
    within: f64,
    groups: u64,
}

impl Tally {
    /// Takes a value; `size` values are a subgroup.
    pub fn add(&mut self, value: f64, size: usize) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
        if let Some((_, Some(spread))) = self.filling.add(value, size, Spread::Deviation) {
            self.within += if size < 2 { spread } else { spread * spread };
            self.groups += 1;
        }
    }

    /// Values so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// σ̂ within subgroups and its degrees of freedom: pooled variances, or the mean moving range over d₂.
    fn within(&self, size: usize) -> Option<(f64, f64)> {
        let groups = self.groups as f64;
        let (sigma, freedom) = match size {
            0 | 1 => (self.within / groups / Spread::Range.constants(2).0, MOVING_RANGE_EFFICIENCY * groups),
            _ => ((self.within / groups).sqrt(), groups * (size - 1) as f64),
        };
        (self.groups > 1 && sigma > 0.0).then_some((sigma, freedom))
    }

    /// The indices with intervals of this confidence, say 0.95; none where there are less than two subgroups, or nothing
    /// varies.
    #[must_use]
    pub fn capability(&self, specification: Specification, size: usize, confidence: f64) -> Option<Capability> {
        let (within, freedom) = self.within(size)?;
        let n = self.count as f64;
        let overall = (self.squares / (n - 1.0)).sqrt();
        if self.count < 3 || overall <= 0.0 || !(0.0 < confidence && confidence < 1.0) {
            return None;
        }
        let potential = |sigma: f64, freedom: f64| {
            let (lower, upper) = specification.lower.zip(specification.upper)?;
            around_potential((upper - lower) / (6.0 * sigma), freedom, confidence)
        };
        let centred = |sigma: f64, freedom: f64| {
            let sides = [
                specification.upper.map(|upper| upper - self.mean),
                specification.lower.map(|lower| self.mean - lower),
            ];
            let nearest = sides.into_iter().flatten().fold(f64::INFINITY, f64::min);
            around_centred(nearest / (3.0 * sigma), n, freedom, confidence)
        };
        Some(Capability {
            cp: potential(within, freedom),
            cpk: centred(within, freedom),
            pp: potential(overall, n - 1.0),
            ppk: centred(overall, n - 1.0),
        })
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let numbers = [self.mean, self.squares, self.within];
        numbers.into_iter().all(f64::is_finite) && self.squares >= 0.0 && self.within >= 0.0 && self.filling.is_sound()
    }
}

fn around_potential(value: f64, freedom: f64, confidence: f64) -> Option<Index> {
    let spread = ChiSquared::new(freedom).ok()?;
    let at = |share: f64| value * (spread.inverse_cdf(share) / freedom).sqrt();
    let tail = (1.0 - confidence) / 2.0;
    Some(Index { value, lower: at(tail), upper: at(1.0 - tail) })
}

fn around_centred(value: f64, n: f64, freedom: f64, confidence: f64) -> Index {
    let z = Normal::standard().inverse_cdf(1.0 - (1.0 - confidence) / 2.0);
    // Bissell's Ĉ √(1/(9nĈ²) + 1/(2ν)), in the form that also holds at zero.
    let reach = z * (1.0 / (9.0 * n) + value * value / (2.0 * freedom)).sqrt();
    Index { value, lower: value - reach, upper: value + reach }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use rand::SeedableRng;
    use rand_distr::{Distribution, Normal as Draw};
    use rand_pcg::Pcg64Mcg;

    /// Montgomery, example 8.5: Ĉp 2.29 from n = 20 has the 95 % interval 1.57 to 3.01; example 8.6: Ĉpk 1.33, n = 20,
    /// has .88 to 1.78 or so.
    #[test]
    fn intervals_are_the_textbook_s() {
        let cp = around_potential(2.29, 19.0, 0.95).unwrap();
        assert!((cp.lower - 1.57).abs() < 0.01 && (cp.upper - 3.01).abs() < 0.01, "{cp:?}");
        let cpk = around_centred(1.33, 20.0, 19.0, 0.95);
        assert!((cpk.lower - 0.88).abs() < 0.015 && (cpk.upper - 1.78).abs() < 0.015, "{cpk:?}");
    }

    #[test]
    fn indices_of_a_known_process() {
        let mut rng = Pcg64Mcg::seed_from_u64(11);
        let draw = Draw::new(10.5, 1.0).unwrap();
        let both = Specification::new(Some(5.0), Some(15.0)).unwrap();
        for size in [1, 5] {
            let mut tally = Tally::default();
            (0..20_000).for_each(|_| tally.add(draw.sample(&mut rng), size));
            let found = tally.capability(both, size, 0.95).unwrap();
            let (cp, pp) = (found.cp.unwrap(), found.pp.unwrap());
            for (index, truth) in [(cp, 10.0 / 6.0), (pp, 10.0 / 6.0), (found.cpk, 1.5), (found.ppk, 1.5)] {
                assert!((index.value - truth).abs() < 0.03, "{size} {index:?} {truth}");
                assert!(index.lower < index.value && index.value < index.upper);
            }
        }
    }

    /// The 95 % intervals hold the truth in about 95 of 100 samples.
    #[test]
    fn intervals_cover_what_they_promise() {
        let mut rng = Pcg64Mcg::seed_from_u64(12);
        let draw = Draw::new(0.0, 1.0).unwrap();
        let both = Specification::new(Some(-4.0), Some(4.5)).unwrap();
        let (mut cp, mut cpk, mut single) = (0, 0, 0);
        for _ in 0..1_000 {
            let (mut grouped, mut lone) = (Tally::default(), Tally::default());
            for _ in 0..100 {
                let value = draw.sample(&mut rng);
                grouped.add(value, 5);
                lone.add(value, 1);
            }
            let found = grouped.capability(both, 5, 0.95).unwrap();
            let holds = |index: Index, truth: f64| usize::from(index.lower <= truth && truth <= index.upper);
            cp += holds(found.cp.unwrap(), 8.5 / 6.0);
            cpk += holds(found.cpk, 4.0 / 3.0);
            single += holds(lone.capability(both, 1, 0.95).unwrap().cp.unwrap(), 8.5 / 6.0);
        }
        for covered in [cp, cpk, single] {
            assert!((925..=975).contains(&covered), "{cp} {cpk} {single}");
        }
    }

    #[test]
    fn one_limit_gives_half_of_the_indices() {
        let mut tally = Tally::default();
        (0..50).for_each(|at| tally.add(f64::from(at % 7), 1));
        let found = tally.capability(Specification::new(None, Some(12.0)).unwrap(), 1, 0.95).unwrap();
        assert!(found.cp.is_none() && found.pp.is_none() && found.cpk.value > 0.0);
        assert!(Specification::new(None, None).is_none() && Specification::new(Some(2.0), Some(1.0)).is_none());
    }
}
