//! `SVMRegressor`: support vector regression, and one-class machines.

use super::attributes::{Attributes, of_length};
use super::error::OperatorError;
use super::operator::{Form, Given, Operator, Values};
use super::single_table::{Features, only};
use super::svm::{Kernel, support_vectors};
use super::transform::Transform;
use tract_onnx::pb::NodeProto;

/// Σ coefficientᵢ · kernel(x, vectorᵢ) + rho.
#[derive(Debug)]
pub(crate) struct SvmRegressor {
    kernel: Kernel,
    /// One after the other; for a linear machine without support vectors, its coefficients.
    vectors: Vec<f32>,
    coefficients: Vec<f32>,
    features: usize,
    rho: f32,
    one_class: bool,
}

impl SvmRegressor {
    pub(crate) fn read(node: &NodeProto) -> Result<SvmRegressor, OperatorError> {
        let known = [
            "kernel_type",
            "kernel_params",
            "n_supports",
            "support_vectors",
            "coefficients",
            "rho",
            "one_class",
            "post_transform",
        ];
        let attributes = Attributes::of(node, &known)?;
        let kernel = Kernel::read(&attributes)?;
        let given = attributes.floats("coefficients")?;
        if given.is_empty() {
            return Err(OperatorError::Missing("coefficients"));
        }
        let supports = attributes.int("n_supports")?.unwrap_or(0);
        let count = usize::try_from(supports);
        let count = count.map_err(|_| OperatorError::OutOfRange { name: "n_supports", index: 0, value: supports })?;
        let (kernel, vectors, coefficients) = if count > 0 {
            of_length("coefficients", given, count)?;
            (kernel, support_vectors(&attributes, count)?, given.to_vec())
        } else {
            (kernel.linear(), given.to_vec(), vec![1.0])
        };
        // It changes nothing of a single score, as in onnxruntime.
        Transform::without_probit(&attributes)?;
        let rho = attributes.floats("rho")?;
        of_length("rho", rho, 1)?;
        Ok(SvmRegressor {
            kernel,
            features: vectors.len() / coefficients.len(),
            vectors,
            coefficients,
            rho: rho[0],
            one_class: attributes.int("one_class")?.unwrap_or(0) != 0,
        })
    }

    fn value(&self, row: &[f32]) -> f32 {
        let pairs = self.vectors.chunks_exact(self.features).zip(&self.coefficients);
        let sum = pairs.map(|(vector, coefficient)| coefficient * self.kernel.of(row, vector)).sum::<f32>() + self.rho;
        match self.one_class {
            true if sum > 0.0 => 1.0,
            true => -1.0,
            false => sum,
        }
    }
}

impl Operator for SvmRegressor {
    fn name(&self) -> &'static str {
        "SVMRegressor"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError> {
        Ok(vec![Form::f32(&[only(inputs)?.rows_of(self.features, true)?, 1])])
    }

    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError> {
        Ok(vec![Values::F32(Features::of(inputs)?.each().map(|row| self.value(row)).collect())])
    }
}
