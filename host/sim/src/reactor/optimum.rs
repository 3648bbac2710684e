//! The reactor's best steady state, found from its equations: what a controller is measured against.

use std::sync::OnceLock;

use super::kinetics::{FEED_A_KG_S, Inputs, profit, steady_state};

/// The best steady state within the actuators' ranges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimum {
    /// Where it is.
    pub inputs: Inputs,
    /// Money a second there.
    pub profit: f64,
}

/// Money a second at the steady state of `inputs`.
pub fn steady_profit(inputs: Inputs) -> f64 {
    let feed_b = inputs.feed_b_kg_s;
    profit(&steady_state(inputs), FEED_A_KG_S, feed_b, FEED_A_KG_S + feed_b)
}

/// The optimum, computed once.
pub fn optimum() -> Optimum {
    static FOUND: OnceLock<Optimum> = OnceLock::new();
    *FOUND.get_or_init(search)
}

/// A compass search: the profit has one hill within the ranges, so the best of four neighbours leads up it, and the stride
/// halves where none is better.
fn search() -> Optimum {
    let mut at = Inputs { feed_b_kg_s: 4.5, temp_cel: 85.0 };
    let mut best = steady_profit(at);
    let (mut feed_stride, mut temp_stride) = (0.5, 5.0);
    while temp_stride > 1e-5 {
        let neighbours = [(feed_stride, 0.0), (-feed_stride, 0.0), (0.0, temp_stride), (0.0, -temp_stride)];
        let better = neighbours.iter().find_map(|(df, dt)| {
            let there = Inputs {
                feed_b_kg_s: (at.feed_b_kg_s + df).clamp(3.0, 6.0),
                temp_cel: (at.temp_cel + dt).clamp(70.0, 100.0),
            };
            let gain = steady_profit(there);
            (gain > best).then_some((there, gain))
        });
        match better {
            Some((there, gain)) => (at, best) = (there, gain),
            None => (feed_stride, temp_stride) = (feed_stride / 2.0, temp_stride / 2.0),
        }
    }
    Optimum { inputs: at, profit: best }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_one() {
        let found = optimum();
        assert!((found.inputs.feed_b_kg_s - 4.787).abs() < 0.001, "{found:?}");
        assert!((found.inputs.temp_cel - 89.70).abs() < 0.01, "{found:?}");
        assert!((found.profit - 190.98).abs() < 0.005, "{found:?}");
    }

    #[test]
    fn nothing_on_a_grid_is_better() {
        let best = optimum().profit;
        for i in 0..=30 {
            for j in 0..=30 {
                let inputs = Inputs { feed_b_kg_s: 3.0 + 0.1 * f64::from(i), temp_cel: 70.0 + f64::from(j) };
                assert!(steady_profit(inputs) <= best, "{inputs:?}");
            }
        }
    }
}
