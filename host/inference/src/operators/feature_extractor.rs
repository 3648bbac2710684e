//! `ArrayFeatureExtractor`: columns by their indices.

use super::attributes::Attributes;
use super::error::OperatorError;
use super::operator::{Element, Form, Given, Operator, Values};
use tract_onnx::pb::NodeProto;

/// Picks columns of its first input at the indices in its second.
#[derive(Debug)]
pub(crate) struct FeatureExtractor;

impl FeatureExtractor {
    pub(crate) fn read(node: &NodeProto) -> Result<FeatureExtractor, OperatorError> {
        Attributes::of(node, &[]).map(|_| FeatureExtractor)
    }
}

impl Operator for FeatureExtractor {
    fn name(&self) -> &'static str {
        "ArrayFeatureExtractor"
    }

    fn arity(&self) -> (usize, usize) {
        (2, 1)
    }

    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError> {
        let [input, indices] = inputs else { return Err(OperatorError::Arity { given: inputs.len(), expected: 2 }) };
        if indices.element != Element::I64 {
            return Err(OperatorError::Element { given: "f32".into(), expected: "i64" });
        }
        let count: usize = indices.sizes.iter().product();
        let sizes = match &input.sizes[..] {
            [] => return Err(OperatorError::Shape { given: vec![], expected: "[rows, features]".into() }),
            [_] => vec![1, count],
            [rows @ .., _] => [rows, &[count]].concat(),
        };
        Ok(vec![Form { element: input.element, sizes }])
    }

    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError> {
        let [(form, given), (_, Given::I64(indices))] = inputs else {
            return Err(OperatorError::Arity { given: inputs.len(), expected: 2 });
        };
        let columns = form.sizes.last().copied().unwrap_or_default();
        let index = |index: &i64| {
            let found = usize::try_from(*index).ok().filter(|index| *index < columns);
            found.ok_or(OperatorError::Index { index: *index, size: columns })
        };
        let indices = indices.iter().map(index).collect::<Result<Vec<_>, _>>()?;
        Ok(vec![match given {
            Given::F32(values) => Values::F32(pick(values, columns, &indices)),
            Given::I64(values) => Values::I64(pick(values, columns, &indices)),
        }])
    }
}

fn pick<T: Copy>(values: &[T], columns: usize, indices: &[usize]) -> Vec<T> {
    values.chunks_exact(columns.max(1)).flat_map(|row| indices.iter().map(|index| row[*index])).collect()
}
