//! `LabelEncoder`: looks numbers up in a table. Text is refused.

use super::attributes::{Attributes, of_length};
use super::error::OperatorError;
use super::operator::{Element, Form, Given, Operator, Values};
use super::single_table::only;
use std::collections::HashMap;
use tract_onnx::pb::NodeProto;

const ATTRIBUTES: [&str; 10] = [
    "keys_int64s",
    "keys_floats",
    "keys_strings",
    "values_int64s",
    "values_floats",
    "values_strings",
    "default_int64",
    "default_float",
    "default_string",
    "classes_strings",
];

/// A table from numbers to numbers.
#[derive(Debug)]
pub(crate) struct LabelEncoder {
    keys: Element,
    /// By key (floats by their bits); positions in `values`.
    places: HashMap<i64, usize>,
    values: Table,
}

/// Values, and the one for keys that are not there.
#[derive(Debug)]
enum Table {
    F32(Vec<f32>, f32),
    I64(Vec<i64>, i64),
}

impl LabelEncoder {
    pub(crate) fn read(node: &NodeProto) -> Result<LabelEncoder, OperatorError> {
        let attributes = Attributes::of(node, &ATTRIBUTES)?;
        for texts in ["keys_strings", "values_strings", "classes_strings"] {
            if !attributes.texts(texts)?.is_empty() {
                return Err(OperatorError::Text);
            }
        }
        let (keys, list): (Element, Vec<i64>) =
            match (attributes.ints("keys_int64s")?, attributes.floats("keys_floats")?) {
                ([], []) => return Err(OperatorError::Missing("keys_int64s")),
                (ints, []) => (Element::I64, ints.to_vec()),
                ([], floats) => (Element::F32, floats.iter().map(|key| bits(*key)).collect()),
                _ => return Err(OperatorError::Both("keys_int64s", "keys_floats")),
            };
        let values = match (attributes.ints("values_int64s")?, attributes.any_floats("values_floats")?) {
            ([], []) => return Err(OperatorError::Missing("values_int64s")),
            (ints, []) => {
                of_length("values_int64s", ints, list.len())?;
                Table::I64(ints.to_vec(), attributes.int("default_int64")?.unwrap_or(-1))
            }
            ([], floats) => {
                of_length("values_floats", floats, list.len())?;
                Table::F32(floats.to_vec(), attributes.float("default_float")?.unwrap_or(-0.0))
            }
            _ => return Err(OperatorError::Both("values_int64s", "values_floats")),
        };
        let mut places = HashMap::with_capacity(list.len());
        for (place, key) in list.into_iter().enumerate() {
            // The first of two equal keys counts.
            places.entry(key).or_insert(place);
        }
        Ok(LabelEncoder { keys, places, values })
    }
}

/// What a float is found by: both zeros are one. No key is a NaN.
fn bits(key: f32) -> i64 {
    if key == 0.0 { 0 } else { i64::from(key.to_bits()) }
}

impl Operator for LabelEncoder {
    fn name(&self) -> &'static str {
        "LabelEncoder"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError> {
        let input = only(inputs)?;
        if input.element != self.keys {
            let (given, expected) = match self.keys {
                Element::F32 => ("i64", "f32"),
                Element::I64 => ("f32", "i64"),
            };
            return Err(OperatorError::Element { given: given.into(), expected });
        }
        let element = match self.values {
            Table::F32(..) => Element::F32,
            Table::I64(..) => Element::I64,
        };
        Ok(vec![Form { element, sizes: input.sizes.clone() }])
    }

    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError> {
        let (_, given) = only(inputs)?;
        let places: Vec<Option<usize>> = match given {
            Given::F32(values) => values.iter().map(|key| self.places.get(&bits(*key)).copied()).collect(),
            Given::I64(values) => values.iter().map(|key| self.places.get(key).copied()).collect(),
        };
        let found = places.into_iter();
        Ok(vec![match &self.values {
            Table::F32(values, default) => {
                Values::F32(found.map(|place| place.map_or(*default, |at| values[at])).collect())
            }
            Table::I64(values, default) => {
                Values::I64(found.map(|place| place.map_or(*default, |at| values[at])).collect())
            }
        }])
    }
}
