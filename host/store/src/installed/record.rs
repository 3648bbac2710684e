//! What the index says. These are its records as they are encoded (JSON), so that their fields' names are its format.

use super::error::InstalledError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A bundle that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalledBundle {
    /// What it is known by, 64 lower-case hexadecimal digits.
    pub digest: String,
    /// Its plugin's name.
    pub name: String,
    /// Its version, by the rules of semantic versioning.
    pub version: String,
    /// Fingerprint of the key that signed it; none: nobody did.
    pub signer: Option<String>,
    /// Length of its file.
    pub bytes: u64,
    /// Last day on which it could be installed, YYYY-MM-DD.
    pub expires: Option<String>,
    /// What it asks for.
    pub capabilities: Vec<String>,
    /// When it was installed, RFC 3339.
    pub installed_at: String,
    /// Who did.
    pub installed_by: String,
}

/// What runs as a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// The bundle.
    pub digest: String,
    /// What ran before it; none: it is the first.
    pub previous: Option<Box<Previous>>,
    /// Parameters that differ from the configuration's.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// 1 for the first that ran, and one more with each change.
    pub generation: u64,
    /// What an operator has granted it.
    pub capabilities: Vec<String>,
}

/// What ran before: all that is needed to return to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// The bundle.
    pub digest: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Its generation.
    pub generation: u64,
    /// What an operator had granted it.
    pub capabilities: Vec<String>,
}

/// What is about to run instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The bundle; the same as before, where only parameters change.
    pub digest: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// The generation that it takes over from.
    pub from_generation: u64,
    /// All that an operator has granted it; what it asks for beyond that is refused.
    pub capabilities: Vec<String>,
}

/// A change that did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reverted {
    /// Whose.
    pub plugin: String,
    /// To this bundle.
    pub digest: String,
    /// Strikes that it has as this plugin.
    pub strikes: u32,
    /// Whether it is barred from now on.
    pub barred: bool,
}

/// What opening the folder found.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Changes that were under way: what ran before runs on.
    pub reverted: Vec<Reverted>,
    /// Leftover files and folders that were taken away.
    pub swept: Vec<PathBuf>,
    /// What should have been taken away and could not be; the next opening tries again.
    pub left: Vec<InstalledError>,
}
