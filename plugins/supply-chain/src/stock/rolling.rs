//! The best order where demand changes from period to period and a forecast tells how: dynamic programming over the periods
//! ahead, anew at each review (Scarf 1960; the rolling horizon of Sethi and Sorger 1991).

use serde::{Deserialize, Serialize};

use super::expected::{Costs, Expected};
use super::lattice::Lattice;
use super::law::Law;
use super::packs::{self, MAX_POSITIONS, Sizes, Table};

/// What is expected of a period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Period {
    /// Of its demand.
    pub mean: f64,
    /// Of its demand, what is not known of the mean included.
    pub variance: f64,
}

/// Periods that are looked ahead at least and at most; beyond the forecast it is repeated.
const AHEAD: (usize, usize) = (48, 120);

/// How an item is ordered, in steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// What stock costs.
    pub costs: Costs,
    /// Periods from an order to its arrival.
    pub lead: usize,
    /// Periods from one look to the next.
    pub review: usize,
    /// What an order may be.
    pub sizes: Sizes,
    /// Demand comes in whole units.
    pub whole: bool,
}

impl Rules {
    fn law(&self, period: Period) -> Law {
        let Period { mean, variance } = period;
        if self.whole { Law::counts(mean, variance) } else { Law::Normal { mean, sd: variance.sqrt().max(1e-9) } }
    }
}

/// What to order now at each position, and the expected cost of the first period that an order reaches. `ahead` holds the next
/// period first, and at least one.
#[must_use]
pub fn solve(rules: &Rules, ahead: &[Period], step: f64) -> (Table, Expected) {
    let sum = |from: usize, count: usize| {
        (from..from + count).fold(Period { mean: 0.0, variance: 0.0 }, |sum, at| {
            let one = ahead[at % ahead.len()];
            Period { mean: sum.mean + one.mean, variance: sum.variance + one.variance }
        })
    };
    let mean = (sum(0, ahead.len()).mean / ahead.len() as f64).max(1e-9);
    let wilson = (2.0 * rules.costs.fixed * mean / rules.costs.holding).sqrt();
    let cycle = (3.0 * wilson / mean).min(AHEAD.1 as f64) as usize;
    let stages = (cycle + rules.lead + 2 * rules.review + 4).clamp(AHEAD.0, AHEAD.1);
    let whole = sum(0, rules.lead + rules.review);
    let wait = rules.costs.fixed / rules.costs.shortage;
    let most = ahead.iter().map(|period| period.mean + 8.0 * period.variance.sqrt()).fold(0.0, f64::max);
    let below = (8.0 * whole.variance.sqrt() + wait + 2.0 * most) / step + 4.0;
    let order = wilson * (most / mean).sqrt().max(1.0);
    let above = (whole.mean + most + 8.0 * whole.variance.sqrt() + 2.0 * order) / step
        + (rules.sizes.pack + rules.sizes.minimum) as f64
        + 4.0;
    let first = -below as i64;
    let count = ((above + below) as usize).clamp(2, MAX_POSITIONS);
    let demand: Vec<Lattice> = (0..stages.min(ahead.len())).map(|at| rules.law(ahead[at]).sum(1, step, 0.0)).collect();
    let mut exposed: Vec<Expected> = (0..stages.min(ahead.len()))
        .map(|at| Expected::new(&rules.costs, &[rules.law(sum(at, rules.lead + 1)).sum(1, step, 0.0)]))
        .collect();
    let mut value = vec![0.0; count];
    let mut orders = vec![0; count];
    for stage in (0..stages).rev() {
        let (demand, expected) = (&demand[stage % demand.len()], &exposed[stage % exposed.len()]);
        let after: Vec<f64> =
            (0..count).map(|y| expected.at(first + y as i64) + packs::ahead(demand.weights(), &value, y)).collect();
        value = match stage % rules.review {
            0 => packs::best_orders(&after, rules.costs.fixed, rules.sizes, &mut orders),
            _ => after,
        };
        let origin = value[count - 1];
        value.iter_mut().for_each(|worth| *worth -= origin);
    }
    (Table::new(first, orders), exposed.swap_remove(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        costs: Costs { holding: 1.0, shortage: 9.0, fixed: 64.0 },
        lead: 0,
        review: 1,
        sizes: Sizes { pack: 1, minimum: 0, maximum: 100_000 },
        whole: true,
    };

    #[test]
    fn what_stays_the_same_is_ordered_as_ever() {
        let (table, _) = solve(&RULES, &[Period { mean: 20.0, variance: 20.0 }; 8], 1.0);
        assert_eq!((table.order(14), table.order(15)), (48, 0));
        let (late, _) = solve(&Rules { lead: 2, ..RULES }, &[Period { mean: 20.0, variance: 20.0 }], 1.0);
        assert!(late.order(50) > 0 && late.order(70) == 0);
    }

    #[test]
    fn what_is_coming_is_ordered_for() {
        let quiet = Period { mean: 2.0, variance: 2.0 };
        let rush = Period { mean: 60.0, variance: 60.0 };
        let (before, _) = solve(&Rules { lead: 1, ..RULES }, &[quiet, rush, quiet, quiet], 1.0);
        let (after, _) = solve(&Rules { lead: 1, ..RULES }, &[quiet, quiet, quiet, rush], 1.0);
        assert!(before.order(10) >= 50, "{}", before.order(10));
        assert_eq!(after.order(10), 0);
    }
}
