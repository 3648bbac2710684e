//! The load of the next day, each horizon a ridge regression on profiles and on how the last hours departed from them.
//!
//! A profile knows the calendar; what it cannot know is that the plant has stood still since yesterday, or has been running
//! high for three days. How much of such a departure lasts, the regression learns from the stream, for each horizon.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

use super::profile::SLOTS;

/// Profiles of a target: slow, fast, and weekday by weekday.
pub const PROFILES: usize = 3;
const FEATURES: usize = PROFILES + 5;
/// Horizons with a regression of their own, in quarter hours; one between two of them takes the longer one's.
const HORIZONS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 96];
/// Share of the first profile's energy that holds the coefficients to the mean of the profiles.
const RIDGE: f64 = 0.03;
/// What a quarter hour's product still weighs one quarter hour later: half after 180 days.
const KEEP: f64 = 1.0 - std::f64::consts::LN_2 / (180.0 * 96.0);

/// How the load departs from its slow profile now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Departure {
    /// Over the last three days, relative to the profile, in [−1, 1].
    pub three_days: f64,
    /// Over the last day.
    pub day: f64,
    /// Over the last four hours.
    pub four_hours: f64,
    /// Over the last hour.
    pub hour: f64,
    /// Over the last hour, in the load's unit.
    pub level: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ridge {
    horizon: u8,
    products: [[f64; FEATURES]; FEATURES],
    targets: [f64; FEATURES],
    coefficients: [f64; FEATURES],
}

/// The regressions and what they remember.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ahead {
    ridges: Vec<Ridge>,
    /// Newest first, as they stood after each of the last quarter hours.
    departures: VecDeque<Departure>,
}

impl Default for Ahead {
    fn default() -> Self {
        Self::new()
    }
}

fn features(profiles: [f64; PROFILES], departure: &Departure) -> [f64; FEATURES] {
    let [slow, fast, weekday] = profiles;
    let Departure { three_days, day, four_hours, hour, level } = *departure;
    [slow, fast, weekday, day * slow, three_days * slow, four_hours * slow, hour * slow, level]
}

/// The mean of the profiles, before anything is learnt.
fn prior() -> [f64; FEATURES] {
    std::array::from_fn(|at| if at < PROFILES { 1.0 / PROFILES as f64 } else { 0.0 })
}

impl Ridge {
    fn learn(&mut self, row: &[f64; FEATURES], target: f64) {
        for ((products, by), a) in self.products.iter_mut().zip(&mut self.targets).zip(row) {
            products.iter_mut().zip(row).for_each(|(product, b)| *product = KEEP * *product + a * b);
            *by = KEEP * *by + a * target;
        }
    }

    /// Solves the normal equations by elimination; the ridge keeps their pivots above zero.
    fn solve(&mut self) {
        let prior = prior();
        let [[energy, ..], ..] = self.products;
        let hold = RIDGE * energy;
        if hold.is_nan() || hold <= 0.0 {
            return;
        }
        let mut matrix = self.products;
        let mut right = self.targets;
        for (at, (row, (b, prior))) in matrix.iter_mut().zip(right.iter_mut().zip(&prior)).enumerate() {
            if let Some(diagonal) = row.get_mut(at) {
                *diagonal += hold;
            }
            *b += hold * prior;
        }
        for at in 0..FEATURES {
            let (pivot, pivot_right) = (matrix[at], right[at]);
            for below in at + 1..FEATURES {
                let share = matrix[below][at] / pivot[at];
                matrix[below].iter_mut().zip(&pivot).for_each(|(x, p)| *x -= share * p);
                right[below] -= share * pivot_right;
            }
        }
        let mut solution = [0.0; FEATURES];
        for at in (0..FEATURES).rev() {
            let known: f64 = (at + 1..FEATURES).map(|k| matrix[at][k] * solution[k]).sum();
            solution[at] = (right[at] - known) / matrix[at][at];
        }
        if solution.iter().all(|c| c.is_finite()) {
            self.coefficients = solution;
        }
    }
}

impl Ahead {
    /// With nothing learnt: the mean of the profiles.
    pub fn new() -> Self {
        let ridge = |horizon: usize| Ridge {
            horizon: horizon as u8,
            products: [[0.0; FEATURES]; FEATURES],
            targets: [0.0; FEATURES],
            coefficients: prior(),
        };
        Self { ridges: HORIZONS.map(ridge).to_vec(), departures: VecDeque::new() }
    }

    /// Learns from a quarter hour's load, given the profiles as they were before it.
    pub fn learn(&mut self, profiles: [f64; PROFILES], load: f64) {
        for ridge in &mut self.ridges {
            if let Some(then) = self.departures.get(usize::from(ridge.horizon) - 1) {
                ridge.learn(&features(profiles, then), load);
            }
        }
    }

    /// Remembers how the load departs after a quarter hour, whether or not it was measured.
    pub fn depart(&mut self, departure: Departure) {
        self.departures.push_front(departure);
        self.departures.truncate(SLOTS);
    }

    /// Draws the coefficients from all that was learnt: once an hour or a day.
    pub fn solve(&mut self) {
        self.ridges.iter_mut().for_each(Ridge::solve);
    }

    /// The load `horizon` quarter hours from now, given the profiles of that time.
    pub fn forecast(&self, horizon: usize, profiles: [f64; PROFILES]) -> f64 {
        let departure = self.departures.front().copied().unwrap_or_default();
        let row = features(profiles, &departure);
        let of = |ridge: &Ridge| ridge.coefficients.iter().zip(&row).map(|(c, x)| c * x).sum();
        let ridge = self.ridges.iter().find(|ridge| usize::from(ridge.horizon) >= horizon).or(self.ridges.last());
        ridge.map_or(0.0, of)
    }
}
