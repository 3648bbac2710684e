//! The least that a stock item could cost: the optimum that an inventory policy is judged against.
//!
//! Relative value iteration over the positions of an item whose demand is whole units (Puterman, *Markov Decision
//! Processes*, 1994, section 8.5). Where unmet demand is owed, the position (on hand and on order, less owed) tells all
//! of the future, whatever the lead time (Karlin and Scarf 1958). Where it is lost, that is so without a lead time; with
//! one of a period, what is on hand does.

/// Positions at most.
pub const MAX_POSITIONS: usize = 4_000;
/// Orders times positions times demands of a sweep, at most, where demand is lost: a second of arithmetic.
const MAX_WORK: usize = 20_000_000;
/// Sweeps at most.
const MAX_SWEEPS: usize = 20_000;
/// The span of a sweep's differences at which the cost is known, as a share of it.
const PRECISION: f64 = 1e-7;

/// One period of a cycle that repeats: a season, or the periods from one review to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// How probable demands of 0, 1, 2 … units are; sums to 1.
    pub demand: Vec<f64>,
    /// Whether an order may be placed before it.
    pub may_order: bool,
}

/// An item. Costs are counted at the end of a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// For a unit on hand.
    pub holding: f64,
    /// For a unit owed, or lost.
    pub shortage: f64,
    /// For an order.
    pub fixed: f64,
    /// Periods from an order to its arrival; 0: before the next demand.
    pub lead: usize,
    /// Unmet demand is lost.
    pub lost: bool,
    /// Orders are multiples of it, at least 1.
    pub pack: usize,
    /// The smallest order.
    pub minimum: usize,
    /// The largest order.
    pub maximum: usize,
    /// The cycle, at least one phase.
    pub phases: Vec<Phase>,
}

/// A case whose optimum is not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// Numbers that make no sense.
    #[error("costs must be finite and not below 0, a cycle needs a phase with demand in which an order may be placed")]
    Nonsense,
    /// More positions than are computed.
    #[error("the item has more positions than the {MAX_POSITIONS} that are computed")]
    Large,
    /// Lost demand and a longer lead time: the position alone does not tell the future.
    #[error("where demand is lost, lead times above one period are not computed")]
    LostAndLate,
}

/// The least cost, and the orders that lead to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimum {
    /// A period's mean.
    pub cost: f64,
    first: i64,
    /// By phase and position.
    orders: Vec<Vec<usize>>,
}

impl Optimum {
    /// What to order in a phase, at a position (where demand is lost with a lead time: at so much on hand), before its demand.
    pub fn order(&self, phase: usize, position: i64) -> usize {
        let Some(orders) = self.orders.get(phase % self.orders.len().max(1)) else { return 0 };
        let last = orders.len() as i64 - 1;
        let index = (position - self.first).clamp(0, last.max(0));
        let below = (self.first - position).max(0) as usize;
        let order = orders.get(index as usize).copied().unwrap_or(0);
        // Far below, an order also makes up for what is missing to the lowest position.
        if order > 0 { order + below } else { 0 }
    }
}

/// Mean and variance of a demand.
fn moments(demand: &[f64]) -> (f64, f64) {
    let mean: f64 = demand.iter().zip(0..).map(|(p, k)| p * f64::from(k)).sum();
    let variance = demand.iter().zip(0..).map(|(p, k)| p * (f64::from(k) - mean).powi(2)).sum();
    (mean, variance)
}

impl Case {
    fn check(&self) -> Result<(), CaseError> {
        let money = [self.holding, self.shortage, self.fixed];
        let sound =
            money.iter().all(|cost| cost.is_finite() && *cost >= 0.0) && self.holding > 0.0 && self.shortage > 0.0;
        let demands =
            self.phases.iter().all(|phase| !phase.demand.is_empty() && phase.demand.iter().all(|p| *p >= 0.0));
        let moves = self.phases.iter().any(|phase| moments(&phase.demand).0 > 0.0);
        let may = self.phases.iter().any(|phase| phase.may_order) && self.pack > 0 && self.minimum <= self.maximum;
        if sound && demands && moves && may { Ok(()) } else { Err(CaseError::Nonsense) }
    }

    /// The demand of the phases from one on, `count` of them.
    fn sum(&self, from: usize, count: usize) -> Vec<f64> {
        let mut sum = vec![1.0];
        for at in from..from + count {
            let demand = &self.phases[at % self.phases.len()].demand;
            let mut next = vec![0.0; sum.len() + demand.len() - 1];
            for (i, one) in sum.iter().enumerate() {
                demand.iter().enumerate().for_each(|(j, two)| next[i + j] += one * two);
            }
            sum = next;
        }
        sum
    }

    /// Holding and shortage cost of what is left, or missing.
    fn cost_of(&self, left: i64) -> f64 {
        if left >= 0 { self.holding * left as f64 } else { self.shortage * -left as f64 }
    }

    fn expected(&self, demand: &[f64], position: i64) -> f64 {
        demand.iter().zip(0..).map(|(p, d)| p * self.cost_of(position - d)).sum()
    }

    /// Lowest and highest position worth looking at.
    fn reach(&self) -> (i64, i64) {
        let periods = self.lead + self.phases.len();
        let (mean, variance) = moments(&self.sum(0, periods));
        let a_period = mean / periods as f64;
        let wilson = (2.0 * self.fixed * a_period / self.holding).sqrt();
        // What a shortage may cost before an order is worth it, in units of a period's shortage.
        let wait = self.fixed / self.shortage;
        let below = 8.0 * variance.sqrt() + wait + 2.0 * a_period * self.phases.len() as f64 + 10.0;
        let above = mean + 8.0 * variance.sqrt() + 3.0 * wilson + (self.minimum + self.pack) as f64 + 10.0;
        (if self.lost { 0 } else { -below as i64 }, above as i64)
    }
}

/// The optimum.
///
/// # Errors
/// Where the case makes no sense, or is one that is not computed.
pub fn optimum(case: &Case) -> Result<Optimum, CaseError> {
    case.check()?;
    let (first, last) = case.reach();
    let count = (last - first + 1) as usize;
    if count > MAX_POSITIONS {
        return Err(CaseError::Large);
    }
    match (case.lost, case.lead) {
        (true, 2..) => Err(CaseError::LostAndLate),
        (true, 1) => {
            let widest = case.phases.iter().map(|phase| phase.demand.len()).max().unwrap_or(1);
            let work = count * widest + count * count.div_ceil(case.pack);
            if work > MAX_WORK { Err(CaseError::Large) } else { Ok(iterate(case, first, count, Model::LostLate)) }
        }
        (true, 0) => Ok(iterate(case, first, count, Model::Lost)),
        (false, _) => Ok(iterate(case, first, count, Model::Owed)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Model {
    Owed,
    Lost,
    /// What is ordered comes after the period's demand.
    LostLate,
}

fn iterate(case: &Case, first: i64, count: usize, model: Model) -> Optimum {
    let phases = case.phases.len();
    let costs: Vec<Vec<f64>> = (0..phases)
        .map(|phase| {
            let exposure = if model == Model::Owed { case.sum(phase, case.lead + 1) } else { case.sum(phase, 1) };
            (0..count as i64).map(|at| case.expected(&exposure, first + at)).collect()
        })
        .collect();
    let mut value = vec![0.0; count];
    let mut orders = vec![vec![0; count]; phases];
    let mut cost = 0.0;
    for _ in 0..MAX_SWEEPS {
        // A whole cycle backward.
        let before = value.clone();
        for phase in (0..phases).rev() {
            value = backward(case, phase, &costs[phase], &value, model, &mut orders[phase]);
        }
        let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
        for (new, old) in value.iter().zip(&before) {
            (lo, hi) = (lo.min(new - old), hi.max(new - old));
        }
        cost = 0.5 * (lo + hi) / phases as f64;
        if hi - lo <= PRECISION * cost.abs() * phases as f64 {
            break;
        }
        // Half a step damps cycles of the positions themselves; only differences matter.
        let origin = 0.5 * (value[0] + before[0]);
        value.iter_mut().zip(&before).for_each(|(new, old)| *new = 0.5 * (*new + old) - origin);
    }
    Optimum { cost, first, orders }
}

/// The value before a phase's order, from that after it.
fn backward(case: &Case, phase: usize, costs: &[f64], value: &[f64], model: Model, orders: &mut [usize]) -> Vec<f64> {
    let demand = &case.phases[phase].demand;
    let count = value.len();
    // What follows where so much is there when demand comes; below the lowest position it goes on as the lowest.
    let ahead: Vec<f64> = (0..count)
        .map(|at| demand.iter().enumerate().map(|(d, p)| p * value[at.saturating_sub(d)]).sum::<f64>())
        .collect();
    let may_order = case.phases[phase].may_order;
    let sizes = || (case.minimum.max(1).div_ceil(case.pack)..=case.maximum / case.pack).map(|packs| packs * case.pack);
    let mut before = Vec::with_capacity(count);
    for at in 0..count {
        let (mut best, mut order) = (costs[at] + ahead[at], 0);
        let worth = |size: usize| match model {
            Model::Owed | Model::Lost => case.fixed + costs[at + size] + ahead[at + size],
            Model::LostLate => {
                let next =
                    demand.iter().enumerate().map(|(d, p)| p * value[(at.saturating_sub(d) + size).min(count - 1)]);
                case.fixed + costs[at] + next.sum::<f64>()
            }
        };
        for size in sizes().take_while(|size| may_order && at + size < count) {
            let worth = worth(size);
            // Of equal ones the smaller.
            if worth < best - 1e-9 {
                (best, order) = (worth, size);
            }
        }
        orders[at] = order;
        before.push(best);
    }
    before
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;
    use crate::stock::demand::Demand;

    fn poisson(mean: f64) -> Case {
        let phase = Phase { demand: Demand::poisson(mean).weights(1.0), may_order: true };
        Case {
            holding: 1.0,
            shortage: 9.0,
            fixed: 64.0,
            lead: 0,
            lost: false,
            pack: 1,
            minimum: 0,
            maximum: 100_000,
            phases: vec![phase],
        }
    }

    #[test]
    fn the_published_optima() {
        // Zheng and Federgruen, Operations Research 39 (1991), table I.
        for (mean, lower, upper, cost) in [(10.0, 6, 40, 35.022), (25.0, 19, 56, 54.262), (50.0, 42, 108, 70.975)] {
            let found = optimum(&poisson(mean)).unwrap();
            assert!((found.cost - cost).abs() < 6e-4, "{mean}: {}", found.cost);
            assert_eq!((found.order(0, lower), found.order(0, lower + 1)), ((upper - lower) as usize, 0), "{mean}");
            assert_eq!(found.order(0, -1_000), 1_000 + upper as usize, "{mean}");
        }
    }

    #[test]
    fn base_stock_is_a_quantile() {
        let case = Case { fixed: 0.0, lead: 3, ..poisson(5.0) };
        let found = optimum(&case).unwrap();
        let four = case.sum(0, 4);
        let mut sum = 0.0;
        let level = four.iter().position(|p| {
            sum += p;
            sum >= 0.9
        });
        assert_eq!(found.order(0, 0), level.unwrap());
        assert!((found.cost - case.expected(&four, level.unwrap() as i64)).abs() < 1e-4);
    }

    #[test]
    fn bounds_cost_and_lost_demand_with_a_lead_time_is_dearer_than_without() {
        let free = Case { fixed: 10.0, ..poisson(4.0) };
        let cost = |case: &Case| optimum(case).unwrap().cost;
        let base = cost(&free);
        assert!(base < cost(&Case { pack: 15, ..free.clone() }));
        assert!(base < cost(&Case { minimum: 25, ..free.clone() }));
        assert!(base < cost(&Case { maximum: 8, ..free.clone() }));
        let lost = Case { lost: true, ..free.clone() };
        assert!(cost(&lost) < cost(&Case { lead: 1, ..lost.clone() }));
        // With owed demand the same lead time costs more where a shortage lasts.
        assert!(cost(&Case { lead: 1, ..lost.clone() }) < cost(&Case { lead: 1, ..free.clone() }));
        assert_eq!(optimum(&Case { lead: 2, ..lost }), Err(CaseError::LostAndLate));
    }

    #[test]
    fn every_second_period_is_a_cycle_of_two() {
        let every = Case { fixed: 0.0, ..poisson(6.0) };
        let mut second = every.clone();
        second.phases.push(Phase { may_order: false, ..every.phases[0].clone() });
        let found = optimum(&second).unwrap();
        assert!(found.cost > optimum(&every).unwrap().cost);
        assert!(found.order(0, 0) > 6 && found.order(1, 0) == 0);
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        assert_eq!(optimum(&Case { phases: vec![], ..poisson(1.0) }), Err(CaseError::Nonsense));
        assert_eq!(optimum(&Case { pack: 0, ..poisson(1.0) }), Err(CaseError::Nonsense));
        assert_eq!(optimum(&Case { holding: f64::NAN, ..poisson(1.0) }), Err(CaseError::Nonsense));
        assert_eq!(optimum(&poisson(0.0)), Err(CaseError::Nonsense));
    }
}
