//! What operators share that take one table: a row of features in, a row of scores and perhaps a label out.

use super::error::OperatorError;
use super::operator::{Form, Given, Values};

/// The only input.
pub(crate) fn only<T>(inputs: &[T]) -> Result<&T, OperatorError> {
    match inputs {
        [input] => Ok(input),
        _ => Err(OperatorError::Arity { given: inputs.len(), expected: 1 }),
    }
}

/// A table of f32, row-major.
pub(crate) struct Features<'a> {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) values: &'a [f32],
}

impl<'a> Features<'a> {
    /// The only input, as a table.
    pub(crate) fn of(inputs: &[(&Form, Given<'a>)]) -> Result<Features<'a>, OperatorError> {
        let (form, given) = only(inputs)?;
        let (rows, columns) = form.rows()?;
        Ok(Features { rows, columns, values: given.f32() })
    }

    /// Row after row.
    pub(crate) fn each(&self) -> std::slice::ChunksExact<'a, f32> {
        self.values.chunks_exact(self.columns.max(1))
    }
}

/// A classifier's outputs: a label for each row, and its `scores`. A row has `features`, or, where not `exactly`, more.
pub(crate) fn label_forms(
    inputs: &[Form],
    features: usize,
    exactly: bool,
    scores: usize,
) -> Result<Vec<Form>, OperatorError> {
    let rows = only(inputs)?.rows_of(features, exactly)?;
    Ok(vec![Form::i64(&[rows]), Form::f32(&[rows, scores])])
}

/// A classifier's answer: `decide` fills a row's `width` scores in, and says which of `labels` is its.
pub(crate) fn classify(
    inputs: &[(&Form, Given<'_>)],
    labels: &[i64],
    width: usize,
    decide: impl Fn(&[f32], &mut [f32]) -> usize,
) -> Result<Vec<Values>, OperatorError> {
    let table = Features::of(inputs)?;
    let mut scores = vec![0.0; table.rows * width];
    let each = table.each().zip(scores.chunks_exact_mut(width));
    let labels = each.map(|(row, scores)| labels[decide(row, scores)]).collect();
    Ok(vec![Values::I64(labels), Values::F32(scores)])
}
