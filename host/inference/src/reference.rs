//! The vectors that a model must reproduce on this machine, since tract picks its kernels by the CPU.
//!
//! JSON: `{"tolerance": 1e-4, "cases": [{"inputs": {NAME: {"shape": [..], "values": [..]}}, "outputs": {…}}]}`, values
//! row-major, every input and output of the model in every case. The tolerance is absolute, in the output's own unit.

use crate::model::OnnxModel;
use dinrail_core::description::TensorSpec;
use dinrail_core::inference::{InferenceError, Model, Tensor};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Inputs with the outputs they must give.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Largest difference that is let through.
    pub tolerance: f32,
    /// At least one.
    pub cases: Vec<Case>,
}

/// One call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// By name.
    pub inputs: BTreeMap<String, Values>,
    /// By name.
    pub outputs: BTreeMap<String, Values>,
}

/// A tensor, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// Sizes of its dimensions.
    pub shape: Vec<u32>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// Why the vectors don't hold.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ReferenceError {
    #[error("{0}")]
    Syntax(#[from] serde_json::Error),
    #[error("it has no case")]
    Empty,
    #[error("its tolerance {0} is not a positive number")]
    Tolerance(f32),
    #[error("case {case} has the {what}s {given}; the model has {expected}")]
    Names { case: usize, what: &'static str, expected: String, given: String },
    #[error("case {case}: {source}")]
    Run { case: usize, source: InferenceError },
    #[error("case {case}: output `{output}` came in the shape {given:?}, expected {expected:?}")]
    Shape { case: usize, output: String, expected: Vec<u32>, given: Vec<u32> },
    #[error("case {case}: output `{output}`, value {index}: {given} came, {expected} ± {tolerance} was expected")]
    Differs { case: usize, output: String, index: usize, expected: f32, given: f32, tolerance: f32 },
}

impl Reference {
    /// Reads the vectors.
    pub fn parse(text: &[u8]) -> Result<Reference, ReferenceError> {
        let reference: Reference = serde_json::from_slice(text)?;
        if reference.cases.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if !reference.tolerance.is_finite() || reference.tolerance <= 0.0 {
            return Err(ReferenceError::Tolerance(reference.tolerance));
        }
        Ok(reference)
    }

    /// Runs every case; the largest difference that was seen.
    pub fn check(&self, model: &Arc<OnnxModel>) -> Result<f32, ReferenceError> {
        let mut largest = 0.0_f32;
        for (case, vectors) in self.cases.iter().enumerate() {
            let inputs = in_order(case, "input", model.inputs(), &vectors.inputs)?;
            let expected = in_order(case, "output", model.outputs(), &vectors.outputs)?;
            let outputs = model.session().run(&inputs, None).map_err(|source| ReferenceError::Run { case, source })?;
            for ((spec, expected), given) in model.outputs().iter().zip(&expected).zip(&outputs) {
                largest = largest.max(self.compare(case, &spec.name, expected, given)?);
            }
        }
        Ok(largest)
    }

    fn compare(&self, case: usize, output: &str, expected: &Tensor, given: &Tensor) -> Result<f32, ReferenceError> {
        let output = output.to_owned();
        if expected.shape() != given.shape() {
            let (expected, given) = (expected.shape().to_vec(), given.shape().to_vec());
            return Err(ReferenceError::Shape { case, output, expected, given });
        }
        let mut largest = 0.0_f32;
        for (index, (expected, given)) in expected.values().iter().zip(given.values()).enumerate() {
            let difference = (given - expected).abs();
            // So that a NaN differs.
            let within = difference <= self.tolerance;
            if !within {
                let (expected, given, tolerance) = (*expected, *given, self.tolerance);
                return Err(ReferenceError::Differs { case, output, index, expected, given, tolerance });
            }
            largest = largest.max(difference);
        }
        Ok(largest)
    }
}

fn in_order(
    case: usize,
    what: &'static str,
    specs: &[TensorSpec],
    tensors: &BTreeMap<String, Values>,
) -> Result<Vec<Tensor>, ReferenceError> {
    if specs.len() != tensors.len() || !specs.iter().all(|spec| tensors.contains_key(&spec.name)) {
        let expected = specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ");
        let given = tensors.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(ReferenceError::Names { case, what, expected, given });
    }
    let tensor = |spec: &TensorSpec| {
        let values = &tensors[&spec.name];
        let tensor = Tensor::new(values.shape.clone(), Arc::from(values.values.as_slice()));
        tensor.map_err(|source| ReferenceError::Run { case, source })
    };
    specs.iter().map(tensor).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panic")]
    use super::*;
    use crate::fixtures::{Build, DOUBLER_REFERENCE};

    fn check(change: (&str, &str)) -> Result<f32, ReferenceError> {
        assert!(DOUBLER_REFERENCE.contains(change.0), "nothing to replace: {}", change.0);
        let text = DOUBLER_REFERENCE.replacen(change.0, change.1, 1);
        Reference::parse(text.as_bytes())?.check(&Build::doubler().model())
    }

    #[test]
    fn vectors_hold_within_their_tolerance_and_no_further() {
        assert_eq!(check(("", "")).unwrap(), 0.0);
        assert!(check((r#""values": [2.0"#, r#""values": [2.0009"#)).unwrap() > 0.0008);
        let fails = |change, expected: &str| {
            let text = check(change).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        };
        fails(
            (r#""values": [2.0"#, r#""values": [2.0011"#),
            "output `y`, value 0: 2 came, 2.0011 ± 0.001 was expected",
        );
        fails((r#""x""#, r#""u""#), "case 0 has the inputs u; the model has x");
        fails((r#""y""#, r#""z""#), "case 0 has the outputs z; the model has y");
        fails((r#"0.001"#, "0"), "not a positive number");
        fails((r#"[1, 4]"#, "[1, 5]"), "can't have 4 values");
        fails((r#"[1, 4]"#, "[2, 2]"), "[2, 2] was given");
    }
}
