//! What a bundle says of itself.

use super::described::Described;
use super::read::BundleError;
use super::{MAX_MANIFEST_BYTES, MAX_PARTS};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Longest name of a bundle, a version, a model's slot or a file, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// Longest line of what changed.
const MAX_CHANGES_BYTES: usize = 1_000;
/// Most capabilities.
const MAX_CAPABILITIES: usize = 256;

/// The manifest. Its fields' order is its encoding's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The plugin's name, which is the bundle's.
    pub name: String,
    /// Its version, by the rules of semantic versioning.
    pub version: String,
    /// Its world.
    pub world: String,
    /// The interfaces that it was built against, such as `dinrail:plugin@0.1.0`.
    pub wit: String,
    /// The oldest dinrail that it runs on.
    pub minimum_dinrail: String,
    /// Last day on which it may be installed, YYYY-MM-DD; a plugin that runs goes on.
    pub expires: Option<String>,
    /// One line: what is new.
    pub changes: String,
    /// `compiled` or `interpreted`: which limits an instance gets.
    pub limits: String,
    /// What it asks for, sorted: `assets`, `inference:SLOT`, `log`, `metrics`, `outlook:SERIES`, `propose:OUTPUT`.
    pub capabilities: Vec<String>,
    /// What the plugin itself says.
    pub description: Described,
    /// The parts, in the order in which they stand in the file.
    pub parts: Vec<Part>,
}

/// A part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// See [`PartKind`].
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 as 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Fingerprint of the device's key that it is encrypted to; none: it is as it is.
    pub sealed_to: Option<String>,
}

/// What a part is, and how it may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// The component, `component.wasm`. There is one.
    Component,
    /// A file of a model: `SLOT/model.onnx`, `SLOT/model.toml`, `SLOT/reference.json`.
    Model,
    /// A table that the plugin reads: `NAME.csv`.
    Asset,
    /// Recorded calls and the results they must give, `trace.tar.gz`.
    Trace,
    /// What it was built from, `sbom.json` (CycloneDX).
    Sbom,
}

/// A model's files.
const MODEL_FILES: [&str; 3] = ["model.onnx", "model.toml", "reference.json"];

impl Manifest {
    /// The one encoding.
    pub fn encode(&self) -> Result<Vec<u8>, BundleError> {
        serde_json::to_vec(self).map_err(|error| BundleError::Manifest { what: error.to_string() })
    }

    /// Of bytes whose signature was checked.
    pub(super) fn decode(bytes: &[u8]) -> Result<Manifest, BundleError> {
        let read: Manifest =
            serde_json::from_slice(bytes).map_err(|error| BundleError::Manifest { what: error.to_string() })?;
        read.check()?;
        if read.encode()? != bytes {
            return Err(BundleError::NotCanonical);
        }
        Ok(read)
    }

    /// The version, comparable.
    pub fn semver(&self) -> Result<semver::Version, BundleError> {
        parse_version("version", &self.version)
    }

    /// Whether it may no longer be installed on this day, YYYY-MM-DD.
    #[must_use]
    pub fn is_expired(&self, today: &str) -> bool {
        self.expires.as_deref().is_some_and(|last| last < today)
    }

    /// What it says must make sense.
    pub(super) fn check(&self) -> Result<(), BundleError> {
        let refused = |what: String| Err(BundleError::Manifest { what });
        if !is_name(&self.name) {
            return refused(format!(
                "the name `{}` should be 1 to {MAX_NAME_BYTES} of a–z, 0–9 and `-`",
                cut(&self.name)
            ));
        }
        self.semver()?;
        parse_version("minimum_dinrail", &self.minimum_dinrail)?;
        if self.expires.as_deref().is_some_and(|day| !is_day(day)) {
            return refused("`expires` should be a day, YYYY-MM-DD".to_owned());
        }
        if self.changes.len() > MAX_CHANGES_BYTES || self.changes.contains(char::is_control) {
            return refused(format!("`changes` should be one line of at most {MAX_CHANGES_BYTES} bytes"));
        }
        if !["compiled", "interpreted"].contains(&self.limits.as_str()) {
            return refused("`limits` should be `compiled` or `interpreted`".to_owned());
        }
        let sorted = self.capabilities.windows(2).all(|pair| pair[0] < pair[1]);
        let printable =
            self.capabilities.iter().all(|text| text.len() <= 2 * MAX_NAME_BYTES && !text.contains(char::is_control));
        if !sorted || !printable || self.capabilities.len() > MAX_CAPABILITIES {
            return refused("`capabilities` should be sorted short names, each once".to_owned());
        }
        self.check_parts()
    }

    fn check_parts(&self) -> Result<(), BundleError> {
        let refused = |what: String| Err(BundleError::Manifest { what });
        if self.parts.len() > MAX_PARTS {
            return refused(format!("{} parts, {MAX_PARTS} are the limit", self.parts.len()));
        }
        let ordered = self.parts.windows(2).all(|pair| (pair[0].kind, &pair[0].name) < (pair[1].kind, &pair[1].name));
        if !ordered {
            return refused("the parts should be sorted by kind and name, each once".to_owned());
        }
        // A folder whose file system knows no capitals would take two for one.
        let mut folded = HashSet::new();
        for part in &self.parts {
            part.check()?;
            if !folded.insert((part.kind, part.name.to_ascii_lowercase())) {
                return refused(format!("two parts are called `{}` but for capitals", part.name));
            }
        }
        match self.parts.iter().filter(|part| part.kind == PartKind::Component).count() {
            1 => Ok(()),
            number => refused(format!("{number} components; there should be one")),
        }
    }

    /// Its component.
    #[must_use]
    pub fn component(&self) -> &Part {
        let found = self.parts.iter().find(|part| part.kind == PartKind::Component);
        found.expect("a checked manifest has one")
    }
}

impl Part {
    fn check(&self) -> Result<(), BundleError> {
        let fits = match self.kind {
            PartKind::Component => self.name == "component.wasm",
            PartKind::Model => {
                self.name.split_once('/').is_some_and(|(slot, file)| is_slot(slot) && MODEL_FILES.contains(&file))
            }
            PartKind::Asset => self.name.strip_suffix(".csv").is_some_and(is_slot),
            PartKind::Trace => self.name == "trace.tar.gz",
            PartKind::Sbom => self.name == "sbom.json",
        };
        let refused = |what: String| Err(BundleError::Manifest { what });
        if !fits {
            return refused(format!("no {} may be called `{}`", self.kind.name(), cut(&self.name)));
        }
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if self.sha256.len() != 64 || !digits(&self.sha256) {
            return refused(format!("the SHA-256 of `{}` should be 64 lower-case hexadecimal digits", self.name));
        }
        if self.sealed_to.is_some() && self.kind != PartKind::Model {
            return refused(format!("`{}` is encrypted; only models may be", self.name));
        }
        Ok(())
    }
}

impl PartKind {
    /// In messages and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PartKind::Component => "component",
            PartKind::Model => "model",
            PartKind::Asset => "asset",
            PartKind::Trace => "trace",
            PartKind::Sbom => "sbom",
        }
    }
}

fn parse_version(field: &str, text: &str) -> Result<semver::Version, BundleError> {
    let wrong = |why: String| BundleError::Manifest { what: format!("`{field}`, `{}`: {why}", cut(text)) };
    if text.len() > MAX_NAME_BYTES {
        return Err(wrong(format!("longer than {MAX_NAME_BYTES} bytes")));
    }
    semver::Version::parse(text).map_err(|error| wrong(error.to_string()))
}

/// Of a bundle: it is part of a file's name, also where capitals are none.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(known) && !text.starts_with('-')
}

/// Of a model's slot or a table: no dot at either end, so that it never leads anywhere.
fn is_slot(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let dotted = text.starts_with('.') || text.ends_with('.');
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(known) && !dotted
}

/// Shaped as YYYY-MM-DD, so that days compare as texts do.
pub(crate) fn is_day(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        text.get(range).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    let shaped = text.len() == 10 && digits(0..4) && digits(5..7) && digits(8..10);
    let dashed = text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    shaped && dashed && (1..=12).contains(&number(5..7)) && (1..=31).contains(&number(8..10))
}

/// What of a foreign text is shown.
fn cut(text: &str) -> String {
    text.chars().take(MAX_NAME_BYTES).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A manifest must be one that a reader takes.
pub(super) fn bounded(bytes: &[u8]) -> Result<u32, BundleError> {
    match u32::try_from(bytes.len()) {
        Ok(length) if length <= MAX_MANIFEST_BYTES => Ok(length),
        _ => Err(BundleError::TooLarge { bytes: bytes.len() as u64, limit: u64::from(MAX_MANIFEST_BYTES) }),
    }
}
