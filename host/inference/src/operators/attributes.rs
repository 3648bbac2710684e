//! A node's attributes: known by name, each given once and of the type that its operator asks for.

use super::error::OperatorError;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, NodeProto};

/// A node's attributes. Empty lists count as missing, as old exporters write them.
pub(crate) struct Attributes<'a> {
    all: Vec<(&'static str, &'a AttributeProto)>,
}

impl<'a> Attributes<'a> {
    /// Takes a node's attributes, all of which must be among `known`.
    pub(crate) fn of(node: &'a NodeProto, known: &[&'static str]) -> Result<Attributes<'a>, OperatorError> {
        let mut all: Vec<(&'static str, &AttributeProto)> = Vec::new();
        for attribute in &node.attribute {
            let name = known.iter().find(|known| **known == attribute.name);
            let name = name.ok_or_else(|| OperatorError::Unknown(attribute.name.clone()))?;
            if all.iter().any(|(before, _)| before == name) {
                return Err(OperatorError::Twice(attribute.name.clone()));
            }
            all.push((name, attribute));
        }
        Ok(Attributes { all })
    }

    fn find(
        &self,
        name: &'static str,
        kind: AttributeType,
        expected: &'static str,
    ) -> Result<Option<&'a AttributeProto>, OperatorError> {
        match self.all.iter().find(|(known, _)| *known == name) {
            None => Ok(None),
            Some((_, attribute)) if attribute.r#type == kind as i32 => Ok(Some(attribute)),
            Some(_) => Err(OperatorError::Kind { name, expected }),
        }
    }

    /// A list of integers; empty where it is not given.
    pub(crate) fn ints(&self, name: &'static str) -> Result<&'a [i64], OperatorError> {
        let found = self.find(name, AttributeType::Ints, "a list of integers")?;
        Ok(found.map_or(&[], |attribute| attribute.ints.as_slice()))
    }

    /// A list of finite numbers; empty where it is not given.
    pub(crate) fn floats(&self, name: &'static str) -> Result<&'a [f32], OperatorError> {
        let values = self.any_floats(name)?;
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(OperatorError::NotFinite { name, index }),
            None => Ok(values),
        }
    }

    /// A list of numbers, among which there may be NaN and infinities; empty where it is not given.
    pub(crate) fn any_floats(&self, name: &'static str) -> Result<&'a [f32], OperatorError> {
        let found = self.find(name, AttributeType::Floats, "a list of numbers")?;
        Ok(found.map_or(&[], |attribute| attribute.floats.as_slice()))
    }

    /// A list of texts; empty where it is not given.
    pub(crate) fn texts(&self, name: &'static str) -> Result<&'a [Vec<u8>], OperatorError> {
        let found = self.find(name, AttributeType::Strings, "a list of texts")?;
        Ok(found.map_or(&[], |attribute| attribute.strings.as_slice()))
    }

    /// An integer.
    pub(crate) fn int(&self, name: &'static str) -> Result<Option<i64>, OperatorError> {
        Ok(self.find(name, AttributeType::Int, "an integer")?.map(|attribute| attribute.i))
    }

    /// A number, which may be NaN.
    pub(crate) fn float(&self, name: &'static str) -> Result<Option<f32>, OperatorError> {
        Ok(self.find(name, AttributeType::Float, "a number")?.map(|attribute| attribute.f))
    }

    /// One of several words; the first where it is not given.
    pub(crate) fn choice<T: Copy>(
        &self,
        name: &'static str,
        known: &'static str,
        choices: &[(&str, T)],
    ) -> Result<T, OperatorError> {
        let Some(attribute) = self.find(name, AttributeType::String, "a text")? else {
            return choices.first().map(|(_, value)| *value).ok_or(OperatorError::Missing(name));
        };
        let found = choices.iter().find(|(word, _)| word.as_bytes() == attribute.s.as_slice());
        found.map(|(_, value)| *value).ok_or_else(|| OperatorError::Choice {
            name,
            given: String::from_utf8_lossy(&attribute.s).into_owned(),
            known,
        })
    }
}

/// Checks a list's length.
pub(crate) fn of_length<T>(name: &'static str, values: &[T], expected: usize) -> Result<(), OperatorError> {
    if values.len() == expected { Ok(()) } else { Err(OperatorError::Length { name, given: values.len(), expected }) }
}
