//! Support vectors and their kernels: what `SVMClassifier` and `SVMRegressor` share.

use super::attributes::{Attributes, of_length};
use super::error::OperatorError;

/// Most values in all support vectors together.
pub const MAX_SUPPORT_VALUES: usize = 4 * 1024 * 1024;

/// A kernel of libsvm.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Linear,
    Poly,
    Rbf,
    Sigmoid,
}

/// A kernel with its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel {
    shape: Shape,
    gamma: f32,
    coef0: f32,
    degree: f32,
}

impl Kernel {
    pub(crate) fn read(attributes: &Attributes<'_>) -> Result<Kernel, OperatorError> {
        let shape = attributes.choice(
            "kernel_type",
            "LINEAR, POLY, RBF and SIGMOID",
            &[("LINEAR", Shape::Linear), ("POLY", Shape::Poly), ("RBF", Shape::Rbf), ("SIGMOID", Shape::Sigmoid)],
        )?;
        let parameters = attributes.floats("kernel_params")?;
        let [gamma, coef0, degree] = match parameters {
            [] => [0.0, 0.0, 3.0],
            _ => {
                of_length("kernel_params", parameters, 3)?;
                [parameters[0], parameters[1], parameters[2]]
            }
        };
        Ok(Kernel { shape, gamma, coef0, degree })
    }

    /// The linear one, which a machine without support vectors has.
    pub(crate) fn linear(self) -> Kernel {
        Kernel { shape: Shape::Linear, ..self }
    }

    pub(crate) fn of(&self, a: &[f32], b: &[f32]) -> f32 {
        let dot = || a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        match self.shape {
            Shape::Linear => dot(),
            Shape::Poly => (self.gamma * dot() + self.coef0).powf(self.degree),
            Shape::Sigmoid => (self.gamma * dot() + self.coef0).tanh(),
            Shape::Rbf => {
                let distance: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
                (-self.gamma * distance).exp()
            }
        }
    }
}

/// Reads `support_vectors`: so many rows.
pub(crate) fn support_vectors(attributes: &Attributes<'_>, rows: usize) -> Result<Vec<f32>, OperatorError> {
    let values = attributes.floats("support_vectors")?;
    if values.is_empty() {
        return Err(OperatorError::Missing("support_vectors"));
    }
    if values.len() > MAX_SUPPORT_VALUES {
        let (count, limit) = (values.len(), MAX_SUPPORT_VALUES);
        return Err(OperatorError::TooMany { what: "values in support vectors", count, limit });
    }
    of_length("support_vectors", values, rows.saturating_mul((values.len() / rows.max(1)).max(1)))?;
    Ok(values.to_vec())
}
