//! What is done to a row of scores at the end: `post_transform`.

use super::attributes::Attributes;
use super::error::OperatorError;

/// `post_transform` of the ONNX specification. The formulas are those of onnxruntime where the specification has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transform {
    None,
    Softmax,
    Logistic,
    /// A softmax in which scores of 0 stay 0.
    SoftmaxZero,
    Probit,
}

impl Transform {
    pub(crate) fn of(attributes: &Attributes<'_>) -> Result<Transform, OperatorError> {
        attributes.choice(
            "post_transform",
            "NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO and PROBIT",
            &[
                ("NONE", Transform::None),
                ("SOFTMAX", Transform::Softmax),
                ("LOGISTIC", Transform::Logistic),
                ("SOFTMAX_ZERO", Transform::SoftmaxZero),
                ("PROBIT", Transform::Probit),
            ],
        )
    }

    /// The same for operators of which onnxruntime leaves open what a PROBIT gives.
    pub(crate) fn without_probit(attributes: &Attributes<'_>) -> Result<Transform, OperatorError> {
        match Transform::of(attributes)? {
            Transform::Probit => {
                Err(OperatorError::Unsupported("its post_transform PROBIT is known of several scores of trees only"))
            }
            other => Ok(other),
        }
    }

    /// Transforms a row of scores.
    pub(crate) fn apply(self, scores: &mut [f32]) {
        match self {
            Transform::None => {}
            Transform::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Transform::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
            Transform::Softmax => softmax(scores, |_| true),
            Transform::SoftmaxZero => softmax(scores, |score| score.abs() > 1e-7),
        }
    }
}

/// 1 / (1 + e⁻ˣ), without an overflow on either side.
pub(crate) fn logistic(x: f32) -> f32 {
    let positive = 1.0 / (1.0 + (-x.abs()).exp());
    if x < 0.0 { 1.0 - positive } else { positive }
}

/// Inverse of the normal distribution, √2 erf⁻¹(2 p − 1), with Winitzki's approximation of erf⁻¹ (a = 0.147).
pub(crate) fn probit(probability: f32) -> f32 {
    use std::f32::consts::{PI, SQRT_2};
    const A: f32 = 0.147;
    let x = 2.0 * probability - 1.0;
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let half = 2.0 / (PI * A) + 0.5 * log;
    SQRT_2 * x.signum() * (-half + (half * half - 1.0 / A * log).sqrt()).sqrt()
}

/// A softmax over the scores that `counts`; the others are multiplied by e^−max and share the sum, as onnxruntime does.
fn softmax(scores: &mut [f32], counts: fn(f32) -> bool) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let rest = (-largest).exp();
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = if counts(*score) { (*score - largest).exp() } else { *score * rest };
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}
