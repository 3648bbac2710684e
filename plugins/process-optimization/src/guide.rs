//! Keeps limits on the way: what the setpoints should deviate from their steady goals so that the fractions some minutes ahead
//! are where the limits want them.
//!
//! Predictive control with one coincidence point (Richalet 1993): the tank is simulated along the setpoints' ramps, and the
//! smallest deviation is taken that brings every fraction within its limit at the horizon, and those whose limit decides the
//! optimum and which are already near it to the limit itself, less a back-off for what the filter does not know of them.

use nalgebra::{DMatrix, DVector};

use crate::climb::Setpoint;
use crate::plan::Model;
use crate::quadratic::{Bound, Hill};
use crate::reaction::Role;

/// How far ahead the fractions are looked at, and in which steps.
const HORIZON_S: f64 = 300.0;
const STEP_S: f64 = 15.0;
/// How far a setpoint may deviate, as a share of its range.
const REACH: f64 = 0.05;
/// A fraction is near its limit within this share of it.
const NEAR: f64 = 0.03;
/// Over which a difference is taken, as a share of a range.
const NUDGE: f64 = 0.01;
/// Standard deviations of the back-off.
const DEVIATIONS: f64 = 3.5;

/// Where the setpoints are, and where they should go; all as shares of their ranges.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The proposals now.
    pub from: &'a [f64],
    /// Their steady goals.
    pub to: &'a [f64],
    /// Between which they can be had.
    pub within: &'a [(f64, f64)],
    /// How much they move in a second.
    pub per_s: f64,
    /// Which limits decide where the goals are.
    pub binding: &'a [bool],
    /// In a corner of limits nothing is pulled out to them: inside both is enough.
    pub corner: bool,
}

/// How far the setpoints should deviate from their goals; none where the model fails.
pub fn deviation(model: Model<'_>, way: Way<'_>) -> Option<DVector<f64>> {
    let n = way.to.len();
    let base = ahead(model, way, None);
    let slope = |i: usize| (ahead(model, way, Some(i)) - &base) / NUDGE;
    let slopes: Vec<DVector<f64>> = (0..n).map(slope).collect();
    let now = model.estimator.fractions();
    let mut bounds = reach(way);
    for (limit, binds) in model.limits.iter().zip(way.binding) {
        let sign = if limit.upper { 1.0 } else { -1.0 };
        let row = DVector::from_iterator(n, slopes.iter().map(|slope| sign * slope[limit.species]));
        let doubt = model.estimator.fraction_variance(limit.species).sqrt();
        let room = limit.room(base[limit.species]) - DEVIATIONS * doubt;
        if *binds && !way.corner && limit.room(now[limit.species]) < NEAR * limit.at {
            bounds.push(Bound { row: -row.clone(), room: -room });
        }
        bounds.push(Bound { row, room });
    }
    let least = Hill { slope: DVector::zeros(n), bend: DMatrix::from_diagonal_element(n, n, -1.0) };
    let deviation = least.top(&bounds);
    deviation.iter().all(|d| d.is_finite()).then_some(deviation)
}

fn reach(way: Way<'_>) -> Vec<Bound> {
    let n = way.to.len();
    let unit = |i: usize, sign: f64| DVector::from_fn(n, |j, _| if i == j { sign } else { 0.0 });
    let of = |(i, (to, (lower, upper))): (usize, (&f64, &(f64, f64)))| {
        let (up, down) = ((upper - to).clamp(0.0, REACH), (to - lower).clamp(0.0, REACH));
        [Bound { row: unit(i, 1.0), room: up }, Bound { row: unit(i, -1.0), room: down }]
    };
    way.to.iter().zip(way.within).enumerate().flat_map(of).collect()
}

/// The fractions at the horizon, with one goal nudged or none.
fn ahead(model: Model<'_>, way: Way<'_>, nudged: Option<usize>) -> DVector<f64> {
    let at = |i: usize, time_s: f64| {
        let (from, to) = (way.from.get(i).copied().unwrap_or(0.5), way.to.get(i).copied().unwrap_or(0.5));
        let to = if nudged == Some(i) { to + NUDGE } else { to };
        let most = way.per_s * time_s;
        from + (to - from).clamp(-most, most)
    };
    let value = |i: usize, setpoint: &Setpoint, time_s: f64| setpoint.at(at(i, time_s));
    let mut foresight = model.estimator.foresight();
    for step in 0..(HORIZON_S / STEP_S) as usize {
        let middle_s = (step as f64 + 0.5) * STEP_S;
        let mut feeds = model.estimator.feeds(model.feeds);
        let mut setpoint_cel = None;
        for (i, (role, setpoint)) in model.roles.iter().zip(model.setpoints).enumerate() {
            match role {
                Role::Feed(feed) => {
                    if let Some(feed) = feeds.get_mut(*feed) {
                        *feed = value(i, setpoint, middle_s);
                    }
                }
                Role::Temperature => setpoint_cel = Some(value(i, setpoint, middle_s)),
            }
        }
        foresight = model.estimator.later(foresight, STEP_S, &feeds, setpoint_cel);
    }
    foresight.0
}
