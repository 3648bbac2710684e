//! Tensors, and the seam between the plugin engine and whatever runs the models.

use crate::description::TensorSpec;
use std::sync::Arc;
use std::time::Instant;

/// A dense f32 tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<u32>,
    values: Arc<[f32]>,
}

/// Largest tensor that a guest may make or get: 16 MiB, a batch of sixteen 512×512 pictures.
pub const MAX_TENSOR_VALUES: usize = 4 * 1024 * 1024;

impl Tensor {
    /// Checks that shape and number of values agree and that it is not too large.
    pub fn new(shape: Vec<u32>, values: Arc<[f32]>) -> Result<Tensor, InferenceError> {
        let count = shape
            .iter()
            .try_fold(1_usize, |count, size| count.checked_mul(*size as usize))
            .filter(|count| *count <= MAX_TENSOR_VALUES);
        match count {
            Some(count) if count == values.len() => Ok(Tensor { shape, values }),
            _ => Err(InferenceError::Shape(format!(
                "a tensor of shape {shape:?} can't have {} values (at most {MAX_TENSOR_VALUES})",
                values.len()
            ))),
        }
    }

    /// Sizes of its dimensions.
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        &self.shape
    }

    /// The values, row-major.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values, shared rather than copied.
    #[must_use]
    pub fn shared_values(&self) -> Arc<[f32]> {
        Arc::clone(&self.values)
    }
}

/// Why an inference gave nothing. The texts are for the plugin's log.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InferenceError {
    /// No model of that name is granted.
    #[error("no model `{0}` is granted; bind it under `models` of the plugin")]
    UnknownModel(String),
    /// Inputs that do not fit.
    #[error("{0}")]
    Shape(String),
    /// The call's deadline passed.
    #[error("the call's deadline passed during inference")]
    Deadline,
    /// An output that is not finite.
    #[error("the model's output `{0}` is not finite")]
    NotFinite(String),
    /// The runtime's own failure.
    #[error("{0}")]
    Failed(String),
}

/// A model as one instance uses it. Two implementations stand behind it: the ONNX runtime, and the
/// journal that a replay reads.
pub trait Model: Send {
    /// Inputs in order.
    fn inputs(&self) -> &[TensorSpec];
    /// Outputs in order.
    fn outputs(&self) -> &[TensorSpec];
    /// Runs it; cut short at `deadline` (wall time), if there is one.
    fn run(&mut self, inputs: &[Tensor], deadline: Option<Instant>) -> Result<Vec<Tensor>, InferenceError>;
    /// Whether these inputs are unlike those that the model was trained on; never, where nobody said what those were.
    fn is_outside(&self, _inputs: &[Tensor]) -> bool {
        false
    }
}

/// An inference that happened, for the record.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceEntry {
    /// The plugin's name for the model.
    pub model: Arc<str>,
    /// Whether its inputs were unlike those that the model was trained on.
    pub outside: bool,
    /// What came out.
    pub outputs: Result<Vec<Tensor>, InferenceError>,
    /// Wall time it took.
    pub duration_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensors_shape_and_values_agree() {
        let zeros = |count: usize| Arc::from(vec![0.0_f32; count]);
        assert!(Tensor::new(vec![2, 3], zeros(6)).is_ok());
        assert!(Tensor::new(vec![2, 3], zeros(5)).is_err());
        assert!(Tensor::new(vec![], zeros(1)).is_ok());
        assert!(Tensor::new(vec![u32::MAX, u32::MAX, u32::MAX], zeros(1)).is_err());
        assert!(Tensor::new(vec![MAX_TENSOR_VALUES as u32 + 1], zeros(MAX_TENSOR_VALUES + 1)).is_err());
    }
}
