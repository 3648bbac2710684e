//! Learns what an objective is made of: prices of what leaves and of what enters, and what heat costs.
//!
//! objective = Σ price·fraction·outflow + Σ price·feed + price·temperature + constant, fitted by recursive least squares with
//! forgetting. Where the plant's own system computes the objective from the same measurements, the fit is exact within
//! minutes, noise and all, since the noise is on both sides.

use nalgebra::{DMatrix, DVector};

use crate::bytes::{Bytes, ForeignState};

/// Observations after which an old one counts 1/e.
const MEMORY: f64 = 3000.0;
/// Against directions that never moved: so much of an observation's weight stands for "no price".
const RIDGE: f64 = 1e-9;

/// The regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    information: DMatrix<f64>,
    moment: DVector<f64>,
    /// None until enough was seen.
    price: DVector<f64>,
    seen: u64,
}

impl Prices {
    /// For so many species and feeds.
    pub fn new(species: usize, feeds: usize) -> Self {
        let n = species + feeds + 2;
        Self { information: DMatrix::zeros(n, n), moment: DVector::zeros(n), price: DVector::zeros(n), seen: 0 }
    }

    fn terms(&self, fractions: &[f64], outflow: f64, feeds: &[f64], temp_cel: f64) -> DVector<f64> {
        let parts = fractions.iter().map(|x| x * outflow).chain(feeds.iter().copied()).chain([temp_cel / 100.0, 1.0]);
        DVector::from_iterator(self.price.len(), parts)
    }

    /// Takes one observation, all of it measured at one time.
    pub fn observe(&mut self, fractions: &[f64], outflow: f64, feeds: &[f64], temp_cel: f64, objective: f64) {
        let terms = self.terms(fractions, outflow, feeds, temp_cel);
        let keep = 1.0 - 1.0 / MEMORY;
        self.information = &self.information * keep + &terms * terms.transpose();
        self.moment = &self.moment * keep + &terms * objective;
        self.seen += 1;
        let n = self.price.len();
        let ridge = DMatrix::from_diagonal_element(n, n, RIDGE * self.information.trace());
        if let Some(factor) = (&self.information + ridge).cholesky() {
            self.price = factor.solve(&self.moment);
        }
    }

    /// Whether more was seen than there are prices.
    pub fn known(&self) -> bool {
        self.seen > self.price.len() as u64 + 2
    }

    /// What the objective would be.
    pub fn objective(&self, fractions: &[f64], outflow: f64, feeds: &[f64], temp_cel: f64) -> f64 {
        self.price.dot(&self.terms(fractions, outflow, feeds, temp_cel))
    }

    /// Its fields, for saving and restoring.
    pub fn bytes(&mut self, io: &mut Bytes<'_>) -> Result<(), ForeignState> {
        io.same(self.price.len() as u64)?;
        io.numbers(self.information.iter_mut())?;
        io.numbers(self.moment.iter_mut())?;
        io.numbers(self.price.iter_mut())?;
        io.count(&mut self.seen)
    }
}
