//! The optimal (s, S) policy, of which base stock is the case without cost of an order, and the newsvendor.

use libm::erfc;

use super::expected::Expected;
use super::lattice::Lattice;

/// Steps between s and S at most: beyond it an order would cover thousands of periods.
const MAX_SPAN: usize = 200_000;

/// Order up to `upper` when the position is `lower` or below. In steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// s
    pub lower: i64,
    /// S
    pub upper: i64,
    /// Expected cost of a review's periods.
    pub cost: f64,
}

/// The renewal sequence of demand: how often the position is so many steps below S before the next order.
struct Renewal<'a> {
    demand: &'a [f64],
    m: Vec<f64>,
}

impl Renewal<'_> {
    fn until(&mut self, span: usize) {
        let stay = (1.0 - self.demand[0]).max(1e-9);
        while self.m.len() < span {
            let j = self.m.len();
            let first = if j == 0 { 1.0 } else { 0.0 };
            let reach = j.min(self.demand.len() - 1);
            let before: f64 = (1..=reach).map(|k| self.demand[k] * self.m[j - k]).sum();
            self.m.push((first + before) / stay);
        }
    }

    /// Cost a review of the policy that orders up to `upper` at or below `lower`.
    fn cost(&mut self, expected: &Expected, fixed: f64, lower: i64, upper: i64) -> f64 {
        let span = (upper - lower).max(1) as usize;
        self.until(span);
        let (mut sum, mut reviews) = (fixed, 0.0);
        for (m, j) in self.m[..span].iter().zip(0..) {
            sum += m * expected.at(upper - j);
            reviews += m;
        }
        sum / reviews
    }
}

/// The cost of given levels: c(s, S) = (K + Σ m(j) G(S − j)) / Σ m(j), j from 0 to S − s − 1.
#[must_use]
pub fn cost(demand: &Lattice, expected: &Expected, fixed: f64, lower: i64, upper: i64) -> f64 {
    Renewal { demand: demand.weights(), m: Vec::new() }.cost(expected, fixed, lower, upper)
}

/// The optimal levels, by the algorithm of Zheng and Federgruen, *Finding Optimal (s, S) Policies Is About As Simple As
/// Evaluating a Single Policy*, Operations Research 39 (1991), with its corrections of 1992. `demand` is that of a review.
#[must_use]
pub fn optimal(demand: &Lattice, expected: &Expected, fixed: f64) -> Levels {
    let best = expected.best();
    let mut renewal = Renewal { demand: demand.weights(), m: Vec::new() };
    if demand.weights().len() == 1 {
        // Without demand nothing is ever due: what is there is all that is wanted.
        return Levels { lower: best - 1, upper: best, cost: expected.at(best) };
    }
    // The first S, and the s that suits it.
    let (mut upper, mut lower) = (best, best - 1);
    let mut least = renewal.cost(expected, fixed, lower, upper);
    while least > expected.at(lower) && (upper - lower) < MAX_SPAN as i64 {
        lower -= 1;
        least = renewal.cost(expected, fixed, lower, upper);
    }
    let mut tried = upper + 1;
    // No S is worth trying whose own period costs more than the best policy.
    while expected.at(tried) <= least && tried - best < MAX_SPAN as i64 {
        if renewal.cost(expected, fixed, lower, tried) < least {
            upper = tried;
            least = renewal.cost(expected, fixed, lower, upper);
            while lower + 1 < upper && least <= expected.at(lower + 1) {
                let next = renewal.cost(expected, fixed, lower + 1, upper);
                if next > least {
                    break;
                }
                lower += 1;
                least = next;
            }
        }
        tried += 1;
    }
    Levels { lower, upper, cost: least }
}

/// The newsvendor under a normal law: the position that is best for one period (or the periods of a lead time and the next),
/// and its cost, (h + p) σ φ(z), with z the quantile of p / (h + p). Any text has it, for instance Snyder and Shen,
/// *Fundamentals of Supply Chain Theory*, 2nd edition (2019), section 4.3.
#[must_use]
pub fn newsvendor(holding: f64, shortage: f64, mean: f64, sd: f64) -> (f64, f64) {
    let z = normal_quantile(shortage / (holding + shortage));
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (mean + z * sd, (holding + shortage) * sd * density)
}

/// Of the standard normal distribution, by bisection of erfc. `share` in (0, 1).
#[must_use]
pub fn normal_quantile(share: f64) -> f64 {
    let below = |z: f64| 0.5 * erfc(-z / std::f64::consts::SQRT_2);
    let (mut lo, mut hi) = (-40.0, 40.0);
    for _ in 0..200 {
        let mid = 0.5 * (lo + hi);
        if below(mid) < share { lo = mid } else { hi = mid }
    }
    0.5 * (lo + hi)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock::expected::Costs;
    use crate::stock::law::Law;

    fn of(law: &Law, costs: Costs, lead: u32) -> Levels {
        let step = law.grain();
        let expected = Expected::new(&costs, &[law.sum(lead + 1, step, 0.0)]);
        optimal(&law.sum(1, step, 0.0), &expected, costs.fixed)
    }

    #[test]
    fn the_published_optima_of_poisson_demand() {
        let costs = Costs { holding: 1.0, shortage: 9.0, fixed: 64.0 };
        // Zheng and Federgruen (1991), table I.
        for (mean, lower, upper, cost) in [
            (10.0, 6, 40, 35.022),
            (15.0, 10, 49, 42.698),
            (20.0, 14, 62, 49.173),
            (25.0, 19, 56, 54.262),
            (35.0, 28, 77, 61.215),
            (50.0, 42, 108, 70.975),
            (21.0, 15, 65, 50.406),
            (23.0, 17, 52, 52.757),
            (30.0, 23, 66, 57.819),
            (40.0, 33, 87, 64.512),
            (45.0, 37, 97, 67.776),
            (55.0, 47, 118, 74.149),
            (61.0, 52, 131, 77.929),
            (63.0, 54, 73, 78.287),
            (75.0, 67, 86, 79.554),
        ] {
            let found = of(&Law::Poisson { mean }, costs, 0);
            assert_eq!((found.lower, found.upper), (lower, upper), "{mean}");
            assert!((found.cost - cost).abs() < 6e-4, "{mean}: {}", found.cost);
        }
    }

    #[test]
    fn no_other_levels_are_better() {
        let laws = [Law::Poisson { mean: 3.0 }, Law::Scattered { mean: 4.0, variance: 20.0 }];
        for law in laws {
            for (fixed, lead) in [(0.0, 0), (5.0, 0), (20.0, 2), (100.0, 1)] {
                let costs = Costs { holding: 1.0, shortage: 6.0, fixed };
                let found = of(&law, costs, lead);
                let expected = Expected::new(&costs, &[law.sum(lead + 1, 1.0, 0.0)]);
                let demand = law.sum(1, 1.0, 0.0);
                for upper in found.upper - 15..found.upper + 30 {
                    for lower in found.lower - 8..upper {
                        let other = cost(&demand, &expected, fixed, lower, upper);
                        assert!(
                            found.cost <= other + 1e-9,
                            "{law:?} {fixed} {lead}: {found:?}, {lower} {upper} {other}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn base_stock_is_the_newsvendors() {
        let (level, cost) = newsvendor(0.18, 0.70, 50.0, 8.0);
        assert!((level - 56.604).abs() < 5e-4 && (cost - 1.9976).abs() < 5e-5, "{level} {cost}");
        let law = Law::Normal { mean: 50.0, sd: 8.0 };
        let found = of(&law, Costs { holding: 0.18, shortage: 0.70, fixed: 0.0 }, 0);
        assert!((found.upper as f64 * law.grain() - level).abs() <= law.grain());
        assert!((found.cost / cost - 1.0).abs() < 1e-3, "{}", found.cost);
        assert_eq!(found.lower, found.upper - 1);
    }
}
