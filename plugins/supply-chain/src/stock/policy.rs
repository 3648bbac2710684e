//! From an item's terms and the law of its demand to a rule for orders.

use serde::{Deserialize, Serialize};

use super::expected::{Costs, Expected};
use super::lattice::Lattice;
use super::law::Law;
use super::levels::{self, Levels};
use super::packs::{self, Sizes, Table};
use super::rolling::{self, Period, Rules};

/// Points that a review's demand and an order are told on: with more, steps become coarser.
const FINE: f64 = 1_200.0;

/// What an item costs and how it can be ordered. Quantities in its unit, times in periods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// For a unit on hand at the end of a period, in money, above 0.
    pub holding: f64,
    /// For a unit short at the end of a period, in money, above 0.
    pub shortage: f64,
    /// For each order, in money, not below 0.
    pub fixed: f64,
    /// From an order to its arrival; 0: it is there before the next demand.
    pub lead: u32,
    /// From one look at the position to the next, at least 1.
    pub review: u32,
    /// Orders are multiples of it; 0: any quantity of the demand's own kind.
    pub pack: f64,
    /// The smallest order.
    pub minimum: f64,
    /// The largest order.
    pub maximum: f64,
    /// Demand that meets no stock is lost, and not owed.
    pub lost: bool,
}

/// Terms that make no sense.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum TermsError {
    /// Zero, negative or not finite.
    #[error("`{0}` is {1}; it must be above 0")]
    NotAbove(&'static str, f64),
    /// Negative or not finite.
    #[error("`{0}` is {1}; it must not be below 0")]
    Below(&'static str, f64),
    /// Looked at never.
    #[error("`review` must be at least 1 period")]
    Review,
    /// Nothing can be ordered.
    #[error("no whole number of packs lies between the smallest and the largest order")]
    NoSize,
}

impl Terms {
    /// Everything that other modules rely on.
    ///
    /// # Errors
    /// The first thing that makes no sense.
    pub fn check(&self) -> Result<(), TermsError> {
        for (name, value) in [("holding", self.holding), ("shortage", self.shortage)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(TermsError::NotAbove(name, value));
            }
        }
        for (name, value) in [("fixed", self.fixed), ("pack", self.pack), ("minimum", self.minimum)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(TermsError::Below(name, value));
            }
        }
        if self.review == 0 {
            return Err(TermsError::Review);
        }
        if self.maximum.is_nan()
            || self.maximum <= 0.0
            || self.size_from(self.minimum.max(f64::MIN_POSITIVE)) > self.maximum
        {
            return Err(TermsError::NoSize);
        }
        Ok(())
    }

    /// The costs that the levels are computed with. Where unmet demand is lost, a shortage also ends the wait of what is on
    /// order: the shortage cost grows by the lead time's holding cost (Janakiraman, Seshadri and Shanthikumar 2007; exact
    /// without lead time, and in the limit of dear shortages: Huh, Janakiraman, Muckstadt and Rusmevichientong 2009).
    fn costs(&self) -> Costs {
        let more = if self.lost { f64::from(self.lead) * self.holding } else { 0.0 };
        Costs { holding: self.holding, shortage: self.shortage + more, fixed: self.fixed }
    }

    /// The smallest order of whole packs that is not below `quantity`.
    fn size_from(&self, quantity: f64) -> f64 {
        // A billionth of a pack forgives the rounding of sums.
        if self.pack > 0.0 { (quantity / self.pack - 1e-9).ceil() * self.pack } else { quantity }
    }

    /// The nearest order that may be placed where `wanted` is wanted; 0 where nothing is.
    #[must_use]
    pub fn order_of(&self, wanted: f64) -> f64 {
        if wanted.is_nan() || wanted <= 1e-9 {
            return 0.0;
        }
        let size = match self.pack > 0.0 {
            true => ((wanted / self.pack).round().max(1.0) * self.pack).max(self.size_from(self.minimum)),
            false => wanted.max(self.minimum),
        };
        let most = if self.pack > 0.0 { (self.maximum / self.pack + 1e-9).floor() * self.pack } else { self.maximum };
        size.min(most)
    }
}

/// What is ordered at a position.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// Up to the upper level at or below the lower one.
    Levels { lower: f64, upper: f64 },
    /// As tabulated on steps.
    Table { step: f64, table: Table },
}

/// A rule for orders, with what it is expected to cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    rule: Rule,
    terms: Terms,
    levels: Levels,
    expected: Expected,
    step: f64,
}

impl Policy {
    /// The best one for demand of that law. `doubt` is the variance of its estimated mean, 0 where it is known. `terms` are
    /// checked.
    #[must_use]
    pub fn new(terms: &Terms, law: &Law, doubt: f64) -> Policy {
        let costs = terms.costs();
        let step = step(terms, law, doubt);
        let demand = law.sum(terms.review, step, 0.0);
        let exposures: Vec<Lattice> =
            (1..=terms.review).map(|period| law.sum(terms.lead + period, step, doubt)).collect();
        let expected = Expected::new(&costs, &exposures);
        let mut levels = levels::optimal(&demand, &expected, costs.fixed);
        if terms.lost && levels.lower < 0 {
            // What can't be owed never sinks below 0: an order is due there at the latest.
            levels.lower = 0;
            levels.upper = levels.upper.max(1);
        }
        let rule = match table(terms, &demand, &expected, &levels, step) {
            Some(table) => Rule::Table { step, table },
            None => exact(terms, law, doubt, &levels, step),
        };
        Policy { rule, terms: *terms, levels, expected, step }
    }

    /// The best one for the periods ahead, the next one first, of whole units or not; none where none are told. `terms` are
    /// checked.
    #[must_use]
    pub fn ahead(terms: &Terms, periods: &[Period], whole: bool) -> Option<Policy> {
        let count = periods.len().max(1) as f64;
        let mean = periods.iter().map(|period| period.mean).sum::<f64>() / count;
        let variance = periods.iter().map(|period| period.variance).sum::<f64>() / count;
        if periods.is_empty() || !(mean > 0.0 && variance.is_finite()) {
            return None;
        }
        let sd = variance.sqrt().max(1e-6 * mean);
        let usual = if whole { Law::counts(mean, variance) } else { Law::Normal { mean, sd } };
        let step = step(terms, &usual, 0.0);
        let units = |quantity: f64| (quantity / step).round().min(1e9) as i64;
        let sizes = Sizes {
            pack: units(terms.pack).max(1),
            minimum: (terms.minimum / step).ceil() as i64,
            maximum: units(terms.maximum),
        };
        let (lead, review) = (terms.lead as usize, terms.review as usize);
        let rules = Rules { costs: terms.costs(), lead, review, sizes, whole };
        let (table, expected) = rolling::solve(&rules, periods, step);
        let (lower, upper) = table.levels().unwrap_or((0, 0));
        let levels = Levels { lower, upper, cost: table.cost };
        Some(Policy { rule: Rule::Table { step, table }, terms: *terms, levels, expected, step })
    }

    /// What to order at that position; 0 for nothing.
    #[must_use]
    pub fn order(&self, position: f64) -> f64 {
        let wanted = match &self.rule {
            Rule::Levels { lower, upper } if position <= lower + 1e-9 => upper - position,
            Rule::Levels { .. } => 0.0,
            Rule::Table { step, table } => table.order((position / step).round() as i64) as f64 * step,
        };
        self.terms.order_of(wanted)
    }

    /// Below or at the first an order is due, up to the second (where packs bind, about).
    #[must_use]
    pub fn levels(&self) -> (f64, f64) {
        match &self.rule {
            Rule::Levels { lower, upper } => (*lower, *upper),
            Rule::Table { step, .. } => (self.levels.lower as f64 * step, self.levels.upper as f64 * step),
        }
    }

    /// Expected cost a period, in money; NaN where demand changes from period to period.
    #[must_use]
    pub fn cost(&self) -> f64 {
        let review = match &self.rule {
            Rule::Levels { .. } => self.levels.cost,
            Rule::Table { table, .. } => table.cost,
        };
        review / f64::from(self.terms.review)
    }

    /// What it saves in the review's periods to have `quantity` more at that position, in money.
    #[must_use]
    pub fn worth(&self, position: f64, quantity: f64) -> f64 {
        let at = |quantity: f64| self.expected.at((quantity / self.step).round() as i64);
        at(position) - at(position + quantity)
    }
}

/// Steps fine enough for the law, coarse enough for arithmetic, and a whole part of a pack.
fn step(terms: &Terms, law: &Law, doubt: f64) -> f64 {
    let periods = f64::from(terms.lead + terms.review);
    let spread = 12.0 * (periods * law.variance() + periods * periods * doubt).sqrt();
    // An order covers about the demand of Wilson's formula.
    let order = (2.0 * terms.fixed * law.mean() / terms.holding).sqrt().max(terms.minimum).max(terms.pack);
    let width = periods * law.mean() + spread + 2.0 * order;
    let grain = law.grain();
    let coarse = (width / FINE / grain).ceil().max(1.0) * grain;
    if terms.pack <= 0.0 {
        return coarse;
    }
    if terms.pack <= coarse {
        (coarse / terms.pack).ceil() * terms.pack
    } else {
        terms.pack / (terms.pack / coarse).floor()
    }
}

/// Without cost of an order and without packs the level is a quantile, which needs no steps.
fn exact(terms: &Terms, law: &Law, doubt: f64, levels: &Levels, step: f64) -> Rule {
    let free = terms.fixed == 0.0 && terms.review == 1 && terms.pack == 0.0 && terms.minimum == 0.0;
    if let (true, Law::Normal { mean, sd }) = (free, law) {
        let (n, costs) = (f64::from(terms.lead + 1), terms.costs());
        let sd = (n * sd * sd + n * n * doubt).sqrt();
        let (upper, _) = levels::newsvendor(costs.holding, costs.shortage, n * mean, sd);
        return Rule::Levels { lower: upper, upper };
    }
    Rule::Levels { lower: levels.lower as f64 * step, upper: levels.upper as f64 * step }
}

/// Where packs, a minimum or a maximum bind, the best order at each position.
fn table(terms: &Terms, demand: &Lattice, expected: &Expected, levels: &Levels, step: f64) -> Option<Table> {
    let span = (levels.upper - levels.lower) as f64;
    let pack = (terms.pack / step).round().max(1.0);
    // The largest order of the levels' policy leaves from where a large demand ends.
    let reach = demand.mean() + 8.0 * demand.variance().sqrt();
    let most = (terms.maximum / step).floor();
    let is_free = pack <= 1.0 && terms.minimum / step <= span && span + reach <= most;
    if is_free || terms.fixed == 0.0 && pack <= 1.0 && terms.minimum <= step && 3.0 * reach <= most {
        return None;
    }
    let sizes = Sizes {
        pack: pack as i64,
        minimum: (terms.minimum / step).ceil() as i64,
        // A bound that no policy meets need not be told.
        maximum: most.min(4.0 * (span + reach) + pack + (terms.minimum / step).ceil() * 2.0) as i64,
    };
    let (_, largest) = sizes.in_packs()?;
    let least = (terms.minimum / step).ceil() as i64;
    let below = (4.0 * reach) as i64 + sizes.pack;
    let above = (sizes.pack + least).max(2 * span as i64).min(largest * sizes.pack) + sizes.pack;
    let first = levels.lower - below;
    Some(packs::solve(demand, expected, terms.fixed, sizes, first, levels.upper + above))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        holding: 1.0,
        shortage: 9.0,
        fixed: 64.0,
        lead: 0,
        review: 1,
        pack: 0.0,
        minimum: 0.0,
        maximum: f64::INFINITY,
        lost: false,
    };

    #[test]
    fn orders_follow_the_levels() {
        let policy = Policy::new(&TERMS, &Law::Poisson { mean: 10.0 }, 0.0);
        assert_eq!(policy.levels(), (6.0, 40.0));
        assert_eq!((policy.order(6.0), policy.order(7.0), policy.order(-3.0)), (34.0, 0.0, 43.0));
        assert!((policy.cost() - 35.022).abs() < 6e-4);
    }

    #[test]
    fn base_stock_of_a_normal_law_is_exact() {
        let terms = Terms { holding: 0.18, shortage: 0.70, fixed: 0.0, ..TERMS };
        let policy = Policy::new(&terms, &Law::Normal { mean: 50.0, sd: 8.0 }, 0.0);
        assert!((policy.levels().1 - 56.604).abs() < 5e-4);
        assert!((policy.order(50.0) - 6.604).abs() < 5e-4);
        assert_eq!(policy.order(57.0), 0.0);
    }

    #[test]
    fn sizes_are_kept_to() {
        let terms = Terms { pack: 12.0, minimum: 24.0, maximum: 60.0, lead: 2, ..TERMS };
        terms.check().expect("sound terms");
        let policy = Policy::new(&terms, &Law::Poisson { mean: 10.0 }, 0.0);
        for position in -100..100 {
            let order = policy.order(f64::from(position));
            assert!([0.0, 24.0, 36.0, 48.0, 60.0].contains(&order), "{position}: {order}");
        }
        assert_eq!(policy.order(-100.0), 60.0);
        assert_eq!(Terms { minimum: 61.0, ..terms }.check(), Err(TermsError::NoSize));
        assert_eq!(Terms { review: 0, ..terms }.check(), Err(TermsError::Review));
    }

    #[test]
    fn a_large_mean_keeps_its_cost() {
        // Scaling units and costs alike scales the policy: coarser steps must not cost.
        let small = Policy::new(&TERMS, &Law::Normal { mean: 100.0, sd: 20.0 }, 0.0);
        let large = Policy::new(
            &Terms { holding: 0.001, shortage: 0.009, ..TERMS },
            &Law::Normal { mean: 100_000.0, sd: 20_000.0 },
            0.0,
        );
        assert!((small.cost() / large.cost() - 1.0).abs() < 2e-3, "{} {}", small.cost(), large.cost());
    }

    #[test]
    fn every_second_period_costs_more_than_every_one() {
        let law = Law::Poisson { mean: 10.0 };
        let every = Policy::new(&Terms { fixed: 5.0, lead: 1, ..TERMS }, &law, 0.0);
        let second = Policy::new(&Terms { fixed: 5.0, lead: 1, review: 2, ..TERMS }, &law, 0.0);
        assert!(every.cost() < second.cost());
        assert!(every.levels().1 < second.levels().1);
    }
}
