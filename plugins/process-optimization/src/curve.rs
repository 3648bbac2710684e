//! One unit's cost as a convex parabola of its power: recursive least squares with slow forgetting and a weak prior.

use nalgebra::{Matrix3, Vector3};

use crate::bytes::{Bytes, ForeignState};
use crate::climb::Setpoint;

/// Settling times after which a reading counts 1/e: machines foul over weeks, not hours.
const MEMORY: f64 = 1000.0;
/// Prior of the slope, as a share of the average cost of a unit of power: no-load cost is a minor part of most machines'.
const SLOPE: (f64, f64) = (0.9, 0.3);
/// Prior of the incremental cost's rise over the range, as a share of itself, and the least rise that is believed.
const RISE: (f64, f64) = (0.2, 0.15);
const LEAST_RISE: f64 = 0.02;
/// Relative error of a reading, until the residuals say otherwise.
const FIRST_ERROR: f64 = 0.02;
/// A reading is off by so many standard deviations at most: a spike is not news.
const SPIKE: f64 = 4.0;
/// So many times the first cost no cost of a unit can be.
const BEYOND: f64 = 1e4;

/// The curve. Powers are counted from the middle of the range in halves of it, costs in the first readings' mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    middle: f64,
    half: f64,
    /// Mean of cost and power over the first readings; the scale is fixed then.
    scale: f64,
    readings: f64,
    /// Variance of a reading, in scales².
    noise: f64,
    information: Matrix3<f64>,
    moment: Vector3<f64>,
    /// Level, slope and bend, and their covariance.
    model: Vector3<f64>,
    covariance: Matrix3<f64>,
    prior: Vector3<f64>,
}

impl Curve {
    /// Of a unit with such limits.
    pub fn new(setpoint: Setpoint) -> Self {
        let half = 0.5 * (setpoint.upper - setpoint.lower);
        Self {
            middle: setpoint.lower + half,
            half,
            scale: 0.0,
            readings: 0.0,
            noise: FIRST_ERROR * FIRST_ERROR,
            information: Matrix3::zeros(),
            moment: Vector3::zeros(),
            model: Vector3::new(1.0, 1.0, 0.1),
            covariance: Matrix3::identity(),
            prior: Vector3::zeros(),
        }
    }

    /// Readings so far.
    pub fn readings(&self) -> f64 {
        self.readings
    }

    fn terms(&self, power: f64) -> Vector3<f64> {
        let x = (power - self.middle) / self.half;
        Vector3::new(1.0, x, x * x)
    }

    /// Takes a reading of the cost at a power; `dt` in settling times since the last one.
    pub fn learn(&mut self, power: f64, cost: f64, dt: f64) {
        if self.readings < 1.0 {
            // Without any cost there is nothing to share by.
            if cost.abs() < 1e-12 {
                return;
            }
            self.scale = cost.abs();
            let average = self.half / power.abs().max(0.1 * self.half);
            self.prior = Vector3::new(1.0, SLOPE.0 * average, 0.25 * RISE.0 * SLOPE.0 * average);
            self.model = self.prior;
        }
        let terms = self.terms(power);
        let off = cost / self.scale - terms.dot(&self.model);
        // A number beyond all measure is not one to learn from.
        if !off.is_finite() || off.abs() >= BEYOND {
            return;
        }
        self.readings += 1.0;
        let variance = self.noise + (self.covariance * terms).dot(&terms);
        let most = SPIKE * variance.sqrt();
        let off = if self.readings > 10.0 { off.clamp(-most, most) } else { off };
        // The noise from residuals, over as many readings as there are, at most the memory's first hundred.
        let rate = 1.0 / (self.readings + 10.0).min(1000.0);
        self.noise = (self.noise + rate * (off * off * self.noise / variance - self.noise)).max(1e-12);
        let keep = (-dt / MEMORY).exp();
        let weight = 1.0 / self.noise;
        let value = terms.dot(&self.model) + off;
        self.information = self.information * keep + terms * terms.transpose() * weight;
        self.moment = self.moment * keep + terms * (weight * value);
        self.solve();
    }

    fn solve(&mut self) {
        let slope_sd = self.prior.y * SLOPE.1 / SLOPE.0;
        let bend_sd = self.prior.z * RISE.1 / RISE.0;
        let precision = Vector3::new(1.0, slope_sd.powi(-2), bend_sd.powi(-2));
        let information = self.information + Matrix3::from_diagonal(&precision);
        let moment = self.moment + precision.component_mul(&self.prior);
        let Some(factor) = information.cholesky() else { return };
        (self.model, self.covariance) = (factor.solve(&moment), factor.inverse());
        // Convex or hardly bent: given that bend, level and slope follow.
        let least = 0.25 * LEAST_RISE * self.prior.y;
        if self.model.z < least {
            let along = self.covariance.column(2) / self.covariance[(2, 2)];
            self.model += along * (least - self.model.z);
        }
    }

    /// The incremental cost at no power, and its rise with the power, above 0.
    pub fn incremental(&self) -> (f64, f64) {
        let (slope, bend) = (self.model.y / self.half, 2.0 * self.model.z / (self.half * self.half));
        let scale = if self.scale > 0.0 { self.scale } else { 1.0 };
        (scale * (slope - bend * self.middle), scale * bend)
    }

    /// Standard deviation of the incremental cost at a power.
    pub fn doubt(&self, power: f64) -> f64 {
        let x = (power - self.middle) / self.half;
        let along = Vector3::new(0.0, 1.0, 2.0 * x);
        let scale = if self.scale > 0.0 { self.scale } else { 1.0 };
        scale * (self.covariance * along).dot(&along).max(0.0).sqrt() / self.half
    }

    /// Its fields, for saving and restoring.
    pub fn bytes(&mut self, io: &mut Bytes<'_>) -> Result<(), ForeignState> {
        io.numbers([&mut self.scale, &mut self.readings, &mut self.noise])?;
        io.numbers(self.information.iter_mut().chain(self.moment.iter_mut()))?;
        io.numbers(self.model.iter_mut().chain(self.covariance.iter_mut()).chain(self.prior.iter_mut()))
    }
}
