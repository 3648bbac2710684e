//! The best steady state of any plant of this family: its own chemistry and feed, with limits or without.

use std::sync::OnceLock;

use super::kinetics::{Chemistry, FEED_A_KG_S, Fractions, profit, steady_state_of};
use super::optimum::Optimum;
use super::{Inputs, actuators};

/// Upper limits on fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Of A: what leaves unused.
    pub a: f64,
    /// Of G: what is made too far.
    pub g: f64,
}

impl Limits {
    /// Those of the published constrained problem (Marchetti, Chachuat and Bonvin 2009).
    pub const PUBLISHED: Self = Self { a: 0.12, g: 0.08 };

    /// By how much the worse of the two is exceeded, 0 within both.
    pub fn violation(&self, x: &Fractions) -> f64 {
        let [a, _, _, _, g, _] = x;
        (a - self.a).max(g - self.g).max(0.0)
    }
}

/// Halvings of a temperature's range: to some 1e-7 Cel.
const HALVINGS: usize = 28;
/// Golden sections of a range: to some 1e-6 of it.
const SECTIONS: usize = 28;
/// Profit of a feed at which no temperature keeps the limits, for each Cel that is missing.
const OUTSIDE: f64 = -1e6;

/// The best steady state with this feed of A, within the actuators' ranges and the limits; where nothing keeps the limits,
/// what comes nearest.
///
/// With the temperature, A falls and G rises, so the limits leave one interval of it for each feed of B; the profit has one
/// hill in both. Two nested golden sections find its top.
pub fn best(chemistry: &Chemistry, limits: Option<Limits>, feed_a: f64) -> Optimum {
    let ranges: Vec<(f64, f64)> = actuators().iter().map(|a| a.range).collect();
    let [feed_range, temp_range] = [ranges[0], ranges[1]];
    let settled = |feed_b: f64, temp_cel: f64| steady_state_of(feed_a, feed_b, &chemistry.rate_constants(temp_cel));
    let worth = |feed_b: f64, temp_cel: f64| profit(&settled(feed_b, temp_cel), feed_a, feed_b, feed_a + feed_b);
    let of_feed = |feed_b: f64| {
        let (lo, hi) = limits.map_or(temp_range, |limits| {
            let lo = first_true(temp_range, |t| settled(feed_b, t)[0] <= limits.a);
            (lo, first_true(temp_range, |t| settled(feed_b, t)[4] >= limits.g))
        });
        if lo <= hi {
            let temp_cel = top((lo, hi), |t| worth(feed_b, t));
            (temp_cel, worth(feed_b, temp_cel))
        } else {
            (0.5 * (lo + hi), OUTSIDE * (lo - hi))
        }
    };
    let feed_b_kg_s = top(feed_range, |feed_b| of_feed(feed_b).1);
    let temp_cel = of_feed(feed_b_kg_s).0;
    Optimum { inputs: Inputs { feed_b_kg_s, temp_cel }, profit: worth(feed_b_kg_s, temp_cel) }
}

/// Where a condition begins to hold that holds from there on; the upper end where it never does.
fn first_true((mut lo, mut hi): (f64, f64), holds: impl Fn(f64) -> bool) -> f64 {
    if holds(lo) {
        return lo;
    }
    for _ in 0..HALVINGS {
        let mid = 0.5 * (lo + hi);
        if holds(mid) { hi = mid } else { lo = mid }
    }
    hi
}

/// Where a function with one hill is highest, by golden sections.
fn top((mut lo, mut hi): (f64, f64), f: impl Fn(f64) -> f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let (mut left, mut right) = (hi - GOLDEN * (hi - lo), lo + GOLDEN * (hi - lo));
    let (mut at_left, mut at_right) = (f(left), f(right));
    for _ in 0..SECTIONS {
        if at_left < at_right {
            (lo, left, at_left) = (left, right, at_right);
            right = lo + GOLDEN * (hi - lo);
            at_right = f(right);
        } else {
            (hi, right, at_right) = (right, left, at_left);
            left = hi - GOLDEN * (hi - lo);
            at_left = f(left);
        }
    }
    if at_left < at_right { right } else { left }
}

/// Feeds of A between two knots, as a share of the published one: within one, the best profit is as good as straight.
const KNOT: f64 = 0.01;
/// Knots on either side of the published feed.
const KNOTS: i32 = 30;

/// The best profit of one plant as its feed of A wanders: found at knots when they are first needed, straight between them.
#[derive(Debug, Clone)]
pub struct BestProfit {
    chemistry: Chemistry,
    limits: Option<Limits>,
    knots: Vec<OnceLock<f64>>,
}

impl BestProfit {
    /// Of a plant.
    pub fn new(chemistry: Chemistry, limits: Option<Limits>) -> Self {
        Self { chemistry, limits, knots: vec![OnceLock::new(); 2 * KNOTS as usize + 1] }
    }

    /// Money a second with this feed of A, in kg/s; beyond the outermost knots it goes on straight.
    pub fn at(&self, feed_a: f64) -> f64 {
        let place = (feed_a / FEED_A_KG_S - 1.0) / KNOT;
        let below = place.floor().clamp(f64::from(-KNOTS), f64::from(KNOTS - 1));
        let (low, high) = (self.knot(below as i32), self.knot(below as i32 + 1));
        low + (place - below) * (high - low)
    }

    fn knot(&self, at: i32) -> f64 {
        let find = || best(&self.chemistry, self.limits, FEED_A_KG_S * (1.0 + KNOT * f64::from(at))).profit;
        self.knots.get((at + KNOTS) as usize).map_or_else(find, |knot| *knot.get_or_init(find))
    }
}

#[cfg(test)]
mod tests {
    use super::super::optimum::optimum;
    use super::*;

    const ODD: Chemistry = Chemistry { factors: [0.91, 1.08, 1.1], activations: [1.02, 0.98, 1.01] };

    #[test]
    fn of_the_published_plant_it_is_the_published_one_with_limits_and_without() {
        let free = best(&Chemistry::PUBLISHED, None, FEED_A_KG_S);
        assert!((free.profit - optimum().profit).abs() < 1e-6, "{free:?}");
        let limited = best(&Chemistry::PUBLISHED, Some(Limits::PUBLISHED), FEED_A_KG_S);
        assert!((limited.profit - 178.53).abs() < 0.01, "{limited:?}");
    }

    #[test]
    fn nothing_on_a_grid_is_better_whatever_the_chemistry() {
        for (chemistry, feed_a) in [(Chemistry::PUBLISHED, FEED_A_KG_S), (ODD, 1.7), (ODD, 1.95)] {
            for limits in [None, Some(Limits::PUBLISHED)] {
                let found = best(&chemistry, limits, feed_a);
                for i in 0..=60 {
                    for j in 0..=60 {
                        let (feed_b, temp_cel) = (3.0 + 0.05 * f64::from(i), 70.0 + 0.5 * f64::from(j));
                        let x = steady_state_of(feed_a, feed_b, &chemistry.rate_constants(temp_cel));
                        let allowed = limits.is_none_or(|limits| limits.violation(&x) == 0.0);
                        let worth = profit(&x, feed_a, feed_b, feed_a + feed_b);
                        assert!(!allowed || worth <= found.profit + 1e-9, "{chemistry:?} {feed_b} {temp_cel}");
                    }
                }
            }
        }
    }

    #[test]
    fn between_knots_it_is_straight_enough() {
        for limits in [None, Some(Limits::PUBLISHED)] {
            let interpolated = BestProfit::new(ODD, limits);
            for feed_a in [1.6412, 1.8275, 1.8363, 1.9021] {
                let exact = best(&ODD, limits, feed_a).profit;
                let error = (interpolated.at(feed_a) / exact - 1.0).abs();
                assert!(error < 3e-5, "{limits:?} {feed_a}: {error}");
            }
        }
    }
}
