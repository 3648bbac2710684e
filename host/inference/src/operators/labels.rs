//! A classifier's labels. What leaves the model is a number: an integer label itself, and for labels that are text the
//! position of the label in the model's list, from 0.

use super::attributes::Attributes;
use super::error::OperatorError;

/// Most classes of a classifier.
pub const MAX_CLASSES: usize = 4_096;
/// Integers up to here are exact in f32.
const MAX_EXACT: i64 = 1 << 24;

/// Reads the labels, of which at least two and at most [`MAX_CLASSES`] must be there.
pub(crate) fn labels(
    attributes: &Attributes<'_>,
    integers: &'static str,
    texts: &'static str,
) -> Result<Vec<i64>, OperatorError> {
    let (ints, strings) = (attributes.ints(integers)?, attributes.texts(texts)?);
    let labels: Vec<i64> = match (ints, strings) {
        ([], strings) => (0..).take(strings.len()).collect(),
        (ints, []) => ints.to_vec(),
        (_, _) => return Err(OperatorError::Both(integers, texts)),
    };
    if labels.len() < 2 {
        return Err(OperatorError::Labels { given: labels.len() });
    }
    if labels.len() > MAX_CLASSES {
        return Err(OperatorError::TooMany { what: "class labels", count: labels.len(), limit: MAX_CLASSES });
    }
    match labels.iter().find(|label| !(-MAX_EXACT..=MAX_EXACT).contains(*label)) {
        Some(label) => Err(OperatorError::LargeLabel(*label)),
        None => Ok(labels),
    }
}
