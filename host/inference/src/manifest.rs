//! `model.toml`: what a model directory says of its model.

use crate::inspect::{Declared, Signature, Size, written};
use dinrail_core::unit::{Unit, UnitError};
use serde::Deserialize;

/// Where a directory's description lies.
pub const MANIFEST_FILE: &str = "model.toml";

/// A model directory's description, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What the model is called in messages.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// The ONNX file, beside this one.
    pub file: String,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// SPDX expression.
    pub licence: String,
    /// The file of reference vectors, beside this one (see [`crate::reference`]).
    pub reference: Option<String>,
    /// Inputs in the model's order.
    pub inputs: Vec<TensorEntry>,
    /// Outputs in the model's order.
    pub outputs: Vec<TensorEntry>,
    /// Where it comes from: script, data, seed. For people.
    #[serde(default)]
    pub provenance: toml::Table,
    /// What was measured on data it was not trained on. For people.
    #[serde(default)]
    pub metrics: toml::Table,
}

/// One input or output.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorEntry {
    /// The tensor's name in the ONNX file.
    pub name: String,
    /// Sizes of its dimensions: a number, or a name for one that may vary.
    pub shape: Vec<SizeEntry>,
    /// UCUM.
    pub unit: String,
    /// One sentence.
    #[serde(default)]
    pub summary: String,
    /// What the training data were, of an input.
    pub statistics: Option<Statistics>,
}

/// The range that training data had in each element of an input's last dimension.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Lower ends, such as the 0.1 % quantiles.
    pub low: Vec<f32>,
    /// Upper ends, such as the 99.9 % quantiles.
    pub high: Vec<f32>,
}

/// A row lies outside where more than this share of its elements does. With ends that leave out a thousandth of each
/// element's values, that was 3.5 of a thousand training rows of the shipped life model.
const OUTSIDE_SHARE: f64 = 0.1;

impl Statistics {
    /// Whether any row of a tensor lies outside.
    #[must_use]
    pub fn is_outside(&self, values: &[f32]) -> bool {
        let width = self.low.len().max(1);
        let outside = |row: &[f32]| {
            let ranges = self.low.iter().zip(&self.high);
            row.iter().zip(ranges).filter(|(value, (low, high))| !(**low <= **value && **value <= **high)).count()
        };
        values.chunks(width).any(|row| outside(row) as f64 > OUTSIDE_SHARE * row.len() as f64)
    }
}

/// The size of one dimension.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum SizeEntry {
    /// Always this.
    Fixed(u32),
    /// It may vary.
    Named(String),
}

/// Where the description and the ONNX file disagree, or the description is not usable.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ManifestError {
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    #[error("`{key}` is `{value}`; it must be a plain file name, of a file beside {MANIFEST_FILE}")]
    FileName { key: &'static str, value: String },
    #[error("`sha256` is `{0}`; it must be 64 hexadecimal digits")]
    Digest(String),
    #[error("the unit of `{tensor}`: {source}")]
    Unit { tensor: String, source: UnitError },
    #[error("the statistics of `{tensor}` need `low` and `high` of {expected} numbers each, none above its other")]
    Statistics { tensor: String, expected: String },
    #[error("{expected} {what} are described, the ONNX file has {given}: {names}")]
    Count { what: &'static str, expected: usize, given: usize, names: String },
    #[error("{what} {index} is described as `{expected}`, the ONNX file has `{given}`")]
    Name { what: &'static str, index: usize, expected: String, given: String },
    #[error("{what} `{tensor}` is described with the shape {expected}, the ONNX file has {given}")]
    Shape { what: &'static str, tensor: String, expected: String, given: String },
}

impl Manifest {
    /// Reads a description; errors carry line and column.
    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        let manifest: Manifest = toml::from_str(text)?;
        plain_name("file", &manifest.file)?;
        if let Some(reference) = &manifest.reference {
            plain_name("reference", reference)?;
        }
        let digest = &manifest.sha256;
        if digest.len() != 64 || !digest.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(ManifestError::Digest(digest.clone()));
        }
        for tensor in manifest.inputs.iter().chain(&manifest.outputs) {
            Unit::parse(&tensor.unit).map_err(|source| ManifestError::Unit { tensor: tensor.name.clone(), source })?;
            check_statistics(tensor)?;
        }
        Ok(manifest)
    }

    /// Holds the file's signature against the description. A size that the file leaves open may be fixed here; one that
    /// the file fixes must stand here as it is.
    pub fn narrow(&self, signature: Signature) -> Result<Signature, ManifestError> {
        Ok(Signature {
            inputs: narrow("input", &self.inputs, signature.inputs)?,
            outputs: narrow("output", &self.outputs, signature.outputs)?,
        })
    }
}

/// As many numbers as the last dimension has, where that is fixed, and each range the right way round.
fn check_statistics(tensor: &TensorEntry) -> Result<(), ManifestError> {
    let Some(Statistics { low, high }) = &tensor.statistics else { return Ok(()) };
    let width = match tensor.shape.last() {
        Some(SizeEntry::Fixed(size)) => Some(*size as usize),
        Some(SizeEntry::Named(_)) | None => None,
    };
    let fits =
        width == Some(low.len()) && low.len() == high.len() && low.iter().zip(high).all(|(low, high)| low <= high);
    if fits {
        return Ok(());
    }
    let expected = width.map_or_else(|| "a fixed number of".to_owned(), |width| width.to_string());
    Err(ManifestError::Statistics { tensor: tensor.name.clone(), expected })
}

/// Names a file of the directory and nothing else.
fn plain_name(key: &'static str, value: &str) -> Result<(), ManifestError> {
    let plain = !value.is_empty() && !value.starts_with('.') && !value.contains(['/', '\\', ':', '\0']);
    if plain { Ok(()) } else { Err(ManifestError::FileName { key, value: value.to_owned() }) }
}

fn narrow(
    what: &'static str,
    entries: &[TensorEntry],
    declared: Vec<Declared>,
) -> Result<Vec<Declared>, ManifestError> {
    if entries.len() != declared.len() {
        let names = declared.iter().map(|tensor| tensor.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(ManifestError::Count { what, expected: entries.len(), given: declared.len(), names });
    }
    let pairs = entries.iter().zip(declared).enumerate();
    pairs.map(|(index, (entry, tensor))| narrow_one(what, index, entry, tensor)).collect()
}

fn narrow_one(
    what: &'static str,
    index: usize,
    entry: &TensorEntry,
    tensor: Declared,
) -> Result<Declared, ManifestError> {
    if entry.name != tensor.name {
        let (expected, given) = (entry.name.clone(), tensor.name);
        return Err(ManifestError::Name { what, index, expected, given });
    }
    let described: Vec<Size> = entry
        .shape
        .iter()
        .map(|size| match size {
            SizeEntry::Fixed(size) => Size::Fixed(*size),
            SizeEntry::Named(name) => Size::Named(name.clone()),
        })
        .collect();
    let Some(sizes) = &tensor.sizes else { return Ok(Declared { sizes: Some(described), ..tensor }) };
    let agree = sizes.len() == described.len()
        && sizes.iter().zip(&described).all(|(file, said)| file.fixed().is_none() || file == said)
        && !described.contains(&Size::Fixed(0));
    if !agree {
        return Err(ManifestError::Shape {
            what,
            tensor: tensor.name.clone(),
            expected: written(&described),
            given: written(sizes),
        });
    }
    // A name of the file stays: it says which sizes go together.
    let sizes = sizes.iter().zip(&described).map(|(file, said)| match (file, said) {
        (Size::Named(_), Size::Named(_)) => file.clone(),
        (_, said) => said.clone(),
    });
    let sizes = Some(sizes.collect());
    Ok(Declared { sizes, ..tensor })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panic")]
    use super::*;
    use crate::fixtures::{Build, manifest_of};
    use crate::inspect::inspect;

    fn narrowed(change: (&str, &str)) -> Result<Signature, ManifestError> {
        let build = Build::doubler();
        let text = manifest_of(&build.bytes());
        assert!(text.contains(change.0), "nothing to replace: {}", change.0);
        Manifest::parse(&text.replacen(change.0, change.1, 1))?.narrow(inspect(&build.proto()).unwrap())
    }

    #[test]
    fn what_agrees_is_taken_and_what_does_not_says_both() {
        assert!(narrowed(("", "")).is_ok());
        let check = |change, expected: &str| {
            let text = narrowed(change).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        };
        check((r#"name = "x""#, r#"name = "u""#), "input 0 is described as `u`, the ONNX file has `x`");
        check((r#"["batch", 4]"#, r#"["batch", 5]"#), "[batch, 5], the ONNX file has [batch, 4]");
        check((r#"["batch", 4]"#, r#"["batch", "n"]"#), "[batch, n], the ONNX file has [batch, 4]");
        check((r#"["batch", 4]"#, r#"[4]"#), "[4], the ONNX file has [batch, 4]");
        check((r#"["batch", 4]"#, r#"[0, 4]"#), "[0, 4], the ONNX file has [batch, 4]");
        check((r#"file = "model.onnx""#, r#"file = "../model.onnx""#), "a plain file name");
        check(
            (
                r#"file = "model.onnx""#,
                r#"file = "model.onnx"
colour = 1"#,
            ),
            "unknown field `colour`",
        );
        check((r#"unit = "1""#, r#"unit = "furlongs""#), "the unit of `x`");
        check((r#"sha256 = ""#, r#"sha256 = "0"#), "64 hexadecimal digits");
    }

    #[test]
    fn statistics_fit_their_input_and_tell_what_is_unlike_it() {
        let with = |statistics: &str| {
            let said = format!("unit = \"1\"\nstatistics = {statistics}");
            narrowed(("unit = \"1\"", &said)).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(with("{ low = [0, 0, 0, 0], high = [1, 1, 1, 1] }"), Ok(()));
        for wrong in ["{ low = [0], high = [1] }", "{ low = [0, 0, 0, 2], high = [1, 1, 1, 1] }"] {
            let error = with(wrong).unwrap_err();
            assert!(error.contains("`low` and `high` of 4 numbers each"), "{error}");
        }
        let statistics = Statistics { low: vec![0.0; 20], high: vec![1.0; 20] };
        let mut rows = vec![0.5_f32; 60];
        assert!(!statistics.is_outside(&rows));
        (rows[20], rows[21]) = (1.5, f32::NAN);
        assert!(!statistics.is_outside(&rows), "two of twenty are a tenth");
        rows[22] = -0.5;
        assert!(statistics.is_outside(&rows), "one row of three");
    }

    #[test]
    fn an_open_size_may_be_fixed() {
        let signature = narrowed((r#"["batch", 4]"#, "[8, 4]")).unwrap();
        assert_eq!(signature.inputs[0].sizes, Some(vec![Size::Fixed(8), Size::Fixed(4)]));
    }
}
