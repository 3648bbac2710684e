//! A stirred tank of constant mass in which a [`Network`] reacts, in mass fractions.
//!
//! Balance of a species: dx/dt = (feed − F·x)/mass + Σ gains·rate, rate = k·Π x of what the reaction uses, in 1/s. Feeds are
//! pure, and what flows in flows out.

use nalgebra::{DMatrix, DVector};

use crate::network::Network;

/// The tank: what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tank {
    /// The reactions.
    pub network: Network,
    /// kg.
    pub mass_kg: f64,
    /// The species of each feed.
    pub feeds: Vec<usize>,
}

/// What acts on the tank.
#[derive(Debug, Clone, Copy)]
pub struct Acting<'a> {
    /// kg/s, in the order of [`Tank::feeds`].
    pub feeds: &'a [f64],
    /// Rate constants, 1/s, in the order of the reactions.
    pub rates: &'a [f64],
}

/// An explicit step longer than this could overtake a fast reaction.
const LONGEST_STEP_S: f64 = 5.0;

impl Tank {
    /// Number of species.
    pub fn width(&self) -> usize {
        self.network.species.len()
    }

    /// How fast the fractions change, 1/s.
    pub fn derivative(&self, x: &DVector<f64>, acting: Acting<'_>) -> DVector<f64> {
        let flow: f64 = acting.feeds.iter().sum();
        let mut slope = x * (-flow / self.mass_kg);
        for (species, feed) in self.feeds.iter().zip(acting.feeds) {
            slope[*species] += feed / self.mass_kg;
        }
        for (reaction, k) in self.network.reactions.iter().zip(acting.rates) {
            let rate: f64 = reaction.uses.iter().fold(*k, |rate, s| rate * x[*s]);
            for (slope, gain) in slope.iter_mut().zip(&reaction.gains) {
                *slope += gain * rate;
            }
        }
        slope
    }

    /// d(derivative)/dx.
    pub fn jacobian(&self, x: &DVector<f64>, acting: Acting<'_>) -> DMatrix<f64> {
        let (n, flow) = (self.width(), acting.feeds.iter().sum::<f64>());
        let mut jacobian = DMatrix::from_diagonal_element(n, n, -flow / self.mass_kg);
        for (reaction, k) in self.network.reactions.iter().zip(acting.rates) {
            for (place, by) in reaction.uses.iter().enumerate() {
                let others = reaction.uses.iter().enumerate().filter(|(other, _)| *other != place);
                let change: f64 = others.fold(*k, |rate, (_, s)| rate * x[*s]);
                for (row, gain) in reaction.gains.iter().enumerate() {
                    jacobian[(row, *by)] += gain * change;
                }
            }
        }
        jacobian
    }

    /// The fractions `dt_s` later, everything acting being constant: the classical Runge–Kutta method.
    pub fn after(&self, x: &DVector<f64>, acting: Acting<'_>, dt_s: f64) -> DVector<f64> {
        let steps = (dt_s / LONGEST_STEP_S).ceil().max(1.0);
        let h = dt_s / steps;
        (0..steps as usize).fold(x.clone(), |x, _| {
            let d1 = self.derivative(&x, acting);
            let d2 = self.derivative(&(&x + &d1 * (h / 2.0)), acting);
            let d3 = self.derivative(&(&x + &d2 * (h / 2.0)), acting);
            let d4 = self.derivative(&(&x + &d3 * h), acting);
            x + (d1 + d2 * 2.0 + d3 * 2.0 + d4) * (h / 6.0)
        })
    }

    /// Where the fractions settle, from a guess: Newton's steps from a near one, else implicit Euler steps that grow, which
    /// end as Newton's. None where that does not converge.
    pub fn settled(&self, guess: &DVector<f64>, acting: Acting<'_>) -> Option<DVector<f64>> {
        self.settle(guess, acting, 1e9, 6).or_else(|| self.settle(guess, acting, 60.0, 60))
    }

    /// Implicit Euler steps, the first one of `h` seconds.
    fn settle(&self, guess: &DVector<f64>, acting: Acting<'_>, mut h: f64, most: usize) -> Option<DVector<f64>> {
        let n = self.width();
        let mut x = guess.clone();
        for _ in 0..most {
            let slope = self.derivative(&x, acting);
            if slope.amax() < 1e-12 {
                return Some(x);
            }
            let system = DMatrix::from_diagonal_element(n, n, 1.0 / h) - self.jacobian(&x, acting);
            x = (x + system.lu().solve(&slope)?).map(|fraction| fraction.clamp(0.0, 1.0));
            h *= 3.0;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    const RATES: [f64; 3] = [0.0105, 0.0405, 0.0577];

    fn tank() -> Tank {
        let network = Network::parse("a + b -> 2 c; b + 2 c -> p + 2 e; c + 0.5 p -> 1.5 g").unwrap();
        Tank { network, mass_kg: 2105.0, feeds: vec![0, 1] }
    }

    #[test]
    fn it_settles_where_time_leads_and_keeps_the_mass() {
        let tank = tank();
        let acting = Acting { feeds: &[1.8275, 4.5], rates: &RATES };
        let start = DVector::from_element(6, 1.0 / 6.0);
        let settled = tank.settled(&start, acting).unwrap();
        let later = tank.after(&start, acting, 20_000.0);
        assert!((&settled - &later).amax() < 1e-9, "{settled} {later}");
        assert!((settled.sum() - 1.0).abs() < 1e-9);
        assert!(tank.derivative(&settled, acting).amax() < 1e-12);
    }

    #[test]
    fn the_jacobian_is_the_derivatives_derivative() {
        let tank = tank();
        let acting = Acting { feeds: &[1.8275, 4.5], rates: &RATES };
        let x = DVector::from_vec(vec![0.09, 0.4, 0.02, 0.11, 0.28, 0.1]);
        let jacobian = tank.jacobian(&x, acting);
        for j in 0..6 {
            let mut moved = x.clone();
            moved[j] += 1e-6;
            let slope = (tank.derivative(&moved, acting) - tank.derivative(&x, acting)) / 1e-6;
            assert!((slope - jacobian.column(j)).amax() < 1e-6, "{j}");
        }
    }
}
