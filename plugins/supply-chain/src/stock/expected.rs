//! Holding and shortage cost of a period, by the position after ordering.

use super::lattice::Lattice;

/// What stock costs, in money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// For a unit on hand at the end of a period, above 0.
    pub holding: f64,
    /// For a unit short at the end of a period, above 0.
    pub shortage: f64,
    /// For each order, not below 0.
    pub fixed: f64,
}

/// Expected cost G of a review's periods, at positions of whole steps. Convex; at both ends it goes on in a straight line.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    g: Vec<f64>,
    /// A step below 0, and above the last.
    slopes: (f64, f64),
}

impl Expected {
    /// From the demand until the end of each period that an order of this review is the last to reach: with a lead time of L
    /// periods and a review every R, the sums of L + 1 … L + R periods.
    #[must_use]
    pub fn new(costs: &Costs, exposures: &[Lattice]) -> Expected {
        let points = exposures.iter().map(|lattice| lattice.weights().len()).max().unwrap_or(1);
        let step = exposures.first().map_or(1.0, Lattice::step);
        let mut g = vec![0.0; points + 1];
        for exposure in exposures {
            let mean = exposure.mean();
            // E(D − y)⁺ falls by P(D > y) from each y to the next.
            let (mut short, mut above) = (mean, 1.0);
            for (y, cost) in g.iter_mut().enumerate() {
                let over = y as f64 - mean + short;
                *cost += step * (costs.holding * over + costs.shortage * short);
                above -= exposure.weights().get(y).copied().unwrap_or(0.0);
                short = (short - above.max(0.0)).max(0.0);
            }
        }
        let periods = exposures.len() as f64;
        Expected { g, slopes: (-step * costs.shortage * periods, step * costs.holding * periods) }
    }

    /// G at that many steps.
    #[must_use]
    pub fn at(&self, y: i64) -> f64 {
        let last = self.g.len() as i64 - 1;
        if y < 0 {
            self.g[0] + self.slopes.0 * y as f64
        } else if y > last {
            self.g[last as usize] + self.slopes.1 * (y - last) as f64
        } else {
            self.g[y as usize]
        }
    }

    /// Where it is least: the smallest such position.
    #[must_use]
    pub fn best(&self) -> i64 {
        let mut best = 0;
        for y in 1..self.g.len() {
            // Convex, so that a first rise ends it; a plateau's rounding is no rise.
            if self.g[y] < self.g[best] - 1e-12 * self.g[best].abs() {
                best = y;
            }
        }
        best as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock::law::Law;

    #[test]
    fn it_is_the_sum_over_all_demands() {
        let costs = Costs { holding: 1.0, shortage: 9.0, fixed: 0.0 };
        let demand = Law::Poisson { mean: 7.0 }.sum(1, 1.0, 0.0);
        let expected = Expected::new(&costs, std::slice::from_ref(&demand));
        for y in [-3_i64, 0, 5, 11, 30, 90] {
            let by_hand: f64 = demand
                .weights()
                .iter()
                .zip(0..)
                .map(|(weight, d)| {
                    let left = y - d;
                    weight * if left > 0 { left as f64 } else { -9.0 * left as f64 }
                })
                .sum();
            assert!((expected.at(y) - by_hand).abs() < 1e-9, "{y}: {} for {by_hand}", expected.at(y));
        }
        assert_eq!(expected.best(), 10, "P(D ≤ 10) is the first above 0.9");
    }
}
