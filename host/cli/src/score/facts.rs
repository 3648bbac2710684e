//! Numbers that a data set says of each of its files, for the configuration of a run.

use super::data::DataError;
use serde::Deserialize;
use std::path::Path;

/// Where a number stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// A JSON file below the set's folder.
    pub file: String,
    /// JSON pointer (RFC 6901) into it; `{stem}` stands for the run's file, without folders and ending.
    pub pointer: String,
    /// The number is multiplied by it.
    #[serde(default = "one")]
    pub scale: f64,
}

fn one() -> f64 {
    1.0
}

impl Fact {
    /// The number, for the run over `data_file`.
    pub fn read(&self, folder: &Path, data_file: &Path) -> Result<f64, DataError> {
        let path = folder.join(&self.file);
        let content = |why: String| DataError::Content { path: path.clone(), why };
        let text = std::fs::read_to_string(&path).map_err(|error| DataError::Read { path: path.clone(), error })?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| content(error.to_string()))?;
        let stem = data_file.file_stem().unwrap_or_default().to_string_lossy();
        // `Building_1.csv.gz` has two endings.
        let stem = stem.split('.').next().unwrap_or_default();
        let pointer = self.pointer.replace("{stem}", stem);
        let number = json.pointer(&pointer).and_then(serde_json::Value::as_f64).filter(|number| number.is_finite());
        number.map(|number| number * self.scale).ok_or_else(|| content(format!("there is no number at {pointer}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_number_is_found_by_the_files_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("facts.json"), r#"{"homes":{"a":{"kw":4.5},"b":{"kw":"x"}}}"#).unwrap();
        let fact = Fact { file: "facts.json".into(), pointer: "/homes/{stem}/kw".into(), scale: 2.0 };
        assert_eq!(fact.read(folder.path(), Path::new("set/a.csv.gz")).unwrap(), 9.0);
        for other in ["set/b.csv", "set/c.csv"] {
            let error = fact.read(folder.path(), Path::new(other)).unwrap_err().to_string();
            assert!(error.contains("there is no number at /homes/"), "{error}");
        }
    }
}
