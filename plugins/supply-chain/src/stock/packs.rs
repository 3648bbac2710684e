//! The best order where packs, a minimum and a maximum bind: there (s, S) is no longer optimal.
//!
//! Relative value iteration over the position (White 1963; Puterman, *Markov Decision Processes*, 1994, section 8.5): with
//! unmet demand owed, the position alone says everything about the future, whatever the lead time (Scarf 1960).

use super::expected::Expected;
use super::lattice::Lattice;

/// Positions at most; the caller's steps are as coarse as that needs.
pub const MAX_POSITIONS: usize = 3_000;
/// Sweeps at most.
const MAX_SWEEPS: usize = 4_000;
/// The span of the differences at which a sweep is the last, as a share of the cost.
const PRECISION: f64 = 1e-4;

/// What an order may be, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Orders are multiples of it; at least 1.
    pub pack: i64,
    /// The smallest order.
    pub minimum: i64,
    /// The largest.
    pub maximum: i64,
}

impl Sizes {
    /// Smallest and largest order in whole packs; none where there is none.
    #[must_use]
    pub fn in_packs(&self) -> Option<(i64, i64)> {
        let pack = self.pack.max(1);
        let (least, most) = (ceil_div(self.minimum.max(1), pack), self.maximum / pack);
        (least <= most).then_some((least, most))
    }
}

/// Positive numbers, rounded up.
fn ceil_div(number: i64, by: i64) -> i64 {
    (number + by - 1) / by
}

/// What to order at each position.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The lowest position of the table; below it the order is that of the lowest.
    first: i64,
    orders: Vec<i64>,
    /// Expected cost of a review's periods; NaN where demand changes from period to period.
    pub cost: f64,
}

impl Table {
    pub(super) fn new(first: i64, orders: Vec<i64>) -> Table {
        Table { first, orders, cost: f64::NAN }
    }

    /// The highest position at which something is ordered, and where that leads to; in steps.
    #[must_use]
    pub fn levels(&self) -> Option<(i64, i64)> {
        let highest = self.orders.iter().rposition(|order| *order > 0)?;
        let lower = self.first + highest as i64;
        Some((lower, lower + self.orders[highest]))
    }

    /// In steps.
    #[must_use]
    pub fn order(&self, position: i64) -> i64 {
        let index = position - self.first;
        if index >= self.orders.len() as i64 {
            return 0;
        }
        self.orders.get(index.max(0) as usize).copied().unwrap_or(0)
    }
}

/// Solves it for positions from `first` to `last`: `first` should lie where an order is surely due, `last` above every
/// position that an order may lead to and still be worth it.
#[must_use]
pub fn solve(demand: &Lattice, expected: &Expected, fixed: f64, sizes: Sizes, first: i64, last: i64) -> Table {
    let count = (last - first + 1).clamp(1, MAX_POSITIONS as i64) as usize;
    let g: Vec<f64> = (0..count as i64).map(|i| expected.at(first + i)).collect();
    let mut value = vec![0.0; count];
    let mut after = vec![0.0; count];
    let mut orders = vec![0_i64; count];
    let mut cost = 0.0;
    for _ in 0..MAX_SWEEPS {
        for (y, worth) in after.iter_mut().enumerate() {
            *worth = g[y] + ahead(demand.weights(), &value, y);
        }
        let next = best_orders(&after, fixed, sizes, &mut orders);
        let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
        for (new, old) in next.iter().zip(&value) {
            (lo, hi) = (lo.min(new - old), hi.max(new - old));
        }
        cost = 0.5 * (lo + hi);
        let origin = next[count - 1];
        // Half a step damps what would swing between two phases.
        value.iter_mut().zip(&next).for_each(|(old, new)| *old = 0.5 * (*old + new - origin - cost));
        if hi - lo <= PRECISION * cost.abs().max(f64::MIN_POSITIVE) {
            break;
        }
    }
    Table { first, orders, cost }
}

/// The expected value after demand; below the lowest position it goes on as the lowest.
pub(super) fn ahead(demand: &[f64], value: &[f64], y: usize) -> f64 {
    let within = demand.len().min(y + 1);
    let mut sum = 0.0;
    for (weight, worth) in demand[..within].iter().zip(value[..=y].iter().rev()) {
        sum += weight * worth;
    }
    let below: f64 = demand[within..].iter().sum();
    sum + below * value[0]
}

/// At each position, the least of ordering nothing and of every order that may be.
pub(super) fn best_orders(after: &[f64], fixed: f64, sizes: Sizes, orders: &mut [i64]) -> Vec<f64> {
    let mut value = after.to_vec();
    orders.fill(0);
    let Some((least, most)) = sizes.in_packs() else { return value };
    let pack = sizes.pack.max(1) as usize;
    for class in 0..pack.min(after.len()) {
        // The positions that whole packs connect, from the top down, with a queue of candidates whose front is the best.
        let chain: Vec<usize> = (class..after.len()).step_by(pack).collect();
        let mut window: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
        for x in (0..chain.len()).rev() {
            let (from, until) = (x as i64 + least, x as i64 + most);
            if from < chain.len() as i64 {
                let new = from as usize;
                while window.back().is_some_and(|old| after[chain[new]] <= after[chain[*old]]) {
                    window.pop_back();
                }
                window.push_back(new);
            }
            while window.front().is_some_and(|old| *old as i64 > until) {
                window.pop_front();
            }
            if let Some(to) = window.front() {
                let worth = fixed + after[chain[*to]];
                if worth < value[chain[x]] {
                    value[chain[x]] = worth;
                    orders[chain[x]] = (chain[*to] - chain[x]) as i64;
                }
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock::expected::Costs;
    use crate::stock::law::Law;
    use crate::stock::levels;

    const FREE: Sizes = Sizes { pack: 1, minimum: 0, maximum: 100_000 };

    fn both(costs: Costs, sizes: Sizes) -> (levels::Levels, Table) {
        let law = Law::Poisson { mean: 10.0 };
        let (demand, exposure) = (law.sum(1, 1.0, 0.0), law.sum(2, 1.0, 0.0));
        let expected = Expected::new(&costs, &[exposure]);
        let levels = levels::optimal(&demand, &expected, costs.fixed);
        let table = solve(&demand, &expected, costs.fixed, sizes, levels.lower - 60, levels.upper + 80);
        (levels, table)
    }

    #[test]
    fn without_bounds_it_is_the_optimal_policy() {
        let (levels, table) = both(Costs { holding: 1.0, shortage: 9.0, fixed: 64.0 }, FREE);
        assert!((table.cost / levels.cost - 1.0).abs() < 1e-3, "{} {}", table.cost, levels.cost);
        assert_eq!(table.order(levels.lower), levels.upper - levels.lower);
        assert_eq!(table.order(levels.lower + 1), 0);
        assert_eq!(table.order(levels.upper + 1_000), 0);
    }

    #[test]
    fn orders_keep_to_their_sizes() {
        let sizes = Sizes { pack: 12, minimum: 20, maximum: 50 };
        assert_eq!(sizes.in_packs(), Some((2, 4)));
        let (levels, table) = both(Costs { holding: 1.0, shortage: 9.0, fixed: 20.0 }, sizes);
        for x in -40..60 {
            assert!([0, 24, 36, 48].contains(&table.order(x)), "{x}: {}", table.order(x));
        }
        assert!(table.cost > levels.cost);
        let never = Sizes { pack: 12, minimum: 50, maximum: 55 };
        assert_eq!(never.in_packs(), None);
    }
}
