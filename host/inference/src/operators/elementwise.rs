//! Operators that change values one by one or row by row and keep the shape: `Scaler`, `Normalizer`, `Imputer`,
//! `Binarizer`, `ZipMap`.

use super::attributes::Attributes;
use super::error::OperatorError;
use super::operator::{Form, Given, Operator, Values};
use super::single_table::only;
use tract_onnx::pb::NodeProto;

/// What is done to a row.
#[derive(Debug)]
pub(crate) enum Change {
    /// (x − offset) · scale; one pair for all columns, or one for each.
    Scale { offset: Vec<f32>, scale: Vec<f32> },
    /// Divided by the row's largest value, its sum of absolute values or its length, unless that is 0.
    Normalize(Norm),
    /// A value that equals `missing` (or is a NaN, where that is one) is replaced; one value for all columns, or one each.
    Impute { with: Vec<f32>, missing: f32 },
    /// 1 above the threshold, else 0.
    Binarize { threshold: f32 },
    /// Nothing. `ZipMap` would turn a row of scores into a map by label; plugins take the row.
    Keep,
}

/// The norm that a row is divided by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Norm {
    Max,
    L1,
    L2,
}

/// An operator that keeps the shape.
#[derive(Debug)]
pub(crate) struct Elementwise {
    name: &'static str,
    change: Change,
}

impl Elementwise {
    pub(crate) fn scaler(node: &NodeProto) -> Result<Elementwise, OperatorError> {
        let attributes = Attributes::of(node, &["offset", "scale"])?;
        let (offset, scale) = (attributes.floats("offset")?.to_vec(), attributes.floats("scale")?.to_vec());
        super::attributes::of_length("scale", &scale, offset.len())?;
        if scale.is_empty() {
            return Err(OperatorError::Missing("scale"));
        }
        Ok(Elementwise { name: "Scaler", change: Change::Scale { offset, scale } })
    }

    pub(crate) fn normalizer(node: &NodeProto) -> Result<Elementwise, OperatorError> {
        let attributes = Attributes::of(node, &["norm"])?;
        let norms = [("MAX", Norm::Max), ("L1", Norm::L1), ("L2", Norm::L2)];
        let norm = attributes.choice("norm", "MAX, L1 and L2", &norms)?;
        Ok(Elementwise { name: "Normalizer", change: Change::Normalize(norm) })
    }

    pub(crate) fn imputer(node: &NodeProto) -> Result<Elementwise, OperatorError> {
        let attributes = Attributes::of(node, &["imputed_value_floats", "replaced_value_float"])?;
        let with = attributes.floats("imputed_value_floats")?.to_vec();
        if with.is_empty() {
            return Err(OperatorError::Missing("imputed_value_floats"));
        }
        let missing = attributes.float("replaced_value_float")?.unwrap_or(0.0);
        Ok(Elementwise { name: "Imputer", change: Change::Impute { with, missing } })
    }

    pub(crate) fn binarizer(node: &NodeProto) -> Result<Elementwise, OperatorError> {
        let threshold = Attributes::of(node, &["threshold"])?.float("threshold")?.unwrap_or(0.0);
        Ok(Elementwise { name: "Binarizer", change: Change::Binarize { threshold } })
    }

    pub(crate) fn zip_map(node: &NodeProto) -> Result<Elementwise, OperatorError> {
        zipped(node)?;
        Ok(Elementwise { name: "ZipMap", change: Change::Keep })
    }

    /// How many columns a row must have; `None`: any.
    fn columns(&self) -> Option<usize> {
        match &self.change {
            Change::Scale { scale: each, .. } | Change::Impute { with: each, .. } if each.len() > 1 => Some(each.len()),
            Change::Scale { .. } | Change::Impute { .. } => None,
            Change::Normalize(_) | Change::Binarize { .. } | Change::Keep => None,
        }
    }
}

/// How many labels a `ZipMap` has, which is how many columns its input has.
pub(crate) fn zipped(node: &NodeProto) -> Result<usize, OperatorError> {
    let attributes = Attributes::of(node, &["classlabels_int64s", "classlabels_strings"])?;
    let ints = attributes.ints("classlabels_int64s")?.len();
    Ok(if ints > 0 { ints } else { attributes.texts("classlabels_strings")?.len() })
}

impl Operator for Elementwise {
    fn name(&self) -> &'static str {
        self.name
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError> {
        let input = only(inputs)?;
        input.only_f32()?;
        let last = input.sizes.last().copied();
        match (&self.change, self.columns()) {
            (_, Some(columns)) if last != Some(columns) => {
                Err(OperatorError::Shape { given: input.sizes.clone(), expected: format!("[rows, {columns}]") })
            }
            (Change::Normalize(_), _) if last.is_none_or(|columns| columns == 0) => {
                Err(OperatorError::Shape { given: input.sizes.clone(), expected: "[rows, features]".into() })
            }
            _ => Ok(vec![input.clone()]),
        }
    }

    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError> {
        let (form, given) = only(inputs)?;
        let mut values = given.f32().to_vec();
        let columns = form.sizes.last().copied().unwrap_or(1).max(1);
        values.chunks_mut(columns).for_each(|row| self.change.apply(row));
        Ok(vec![Values::F32(values)])
    }
}

impl Change {
    fn apply(&self, row: &mut [f32]) {
        match self {
            Change::Scale { offset, scale } => {
                // One pair stands for all columns.
                let pairs = offset.iter().zip(scale).cycle();
                row.iter_mut().zip(pairs).for_each(|(x, (offset, scale))| *x = (*x - offset) * scale);
            }
            Change::Normalize(norm) => {
                let by = norm.of(row);
                if by != 0.0 {
                    row.iter_mut().for_each(|x| *x /= by);
                }
            }
            Change::Impute { with, missing } => {
                for (x, with) in row.iter_mut().zip(with.iter().cycle()) {
                    if *x == *missing || (missing.is_nan() && x.is_nan()) {
                        *x = *with;
                    }
                }
            }
            Change::Binarize { threshold } => {
                row.iter_mut().for_each(|x| *x = f32::from(u8::from(*x > *threshold)));
            }
            Change::Keep => {}
        }
    }
}

impl Norm {
    fn of(self, row: &[f32]) -> f32 {
        match self {
            Norm::Max => row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            Norm::L1 => row.iter().map(|x| x.abs()).sum(),
            Norm::L2 => row.iter().map(|x| x * x).sum::<f32>().sqrt(),
        }
    }
}
