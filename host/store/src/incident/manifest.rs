//! `incident.json`.

use serde::{Deserialize, Serialize};

/// What happened, when and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// See [`FORMAT`](super::FORMAT).
    pub format: u32,
    /// Version of dinrail that wrote it.
    pub dinrail: String,
    /// Version of its time zone database.
    pub time_zone_database: String,
    /// The site's name.
    pub site: String,
    /// `trap`, `operator`, `alarm`, `revert`; `record` for a whole run.
    pub kind: String,
    /// In a sentence.
    pub why: String,
    /// Run time, nanoseconds since 1970.
    pub time_ns: i64,
    /// The same for people, UTC.
    pub time: String,
    /// Scan in which it was written.
    pub scan: u64,
    /// Patterns of tags that were taken out.
    pub redacted: Vec<String>,
    /// Whether pictures have their pixels.
    pub images: bool,
    /// The configuration as the file had it.
    pub configuration: String,
    /// In the configuration's order.
    pub plugins: Vec<PluginManifest>,
}

/// A plugin that was there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginManifest {
    /// The configuration's name for it.
    pub name: String,
    /// As it describes itself.
    pub component: String,
    /// Its version, likewise.
    pub version: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Whether the bytes are in the container.
    pub included: bool,
    /// Its world.
    pub world: String,
    /// `compiled` or `interpreted`.
    pub limits: String,
    /// Whether it ran beside the scan.
    pub background: bool,
    /// Whether its state could be saved, so that its calls can be replayed from the middle of a run.
    pub saves: bool,
    /// Its models; their weights are never in an incident.
    pub models: Vec<ModelManifest>,
    /// Tags and outputs it is bound to that were taken out: it can't be replayed byte for byte.
    pub redacted: Vec<String>,
    /// The asset of each of its instances, by the instance's number.
    pub instances: Vec<Option<String>>,
}

/// A model that answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelManifest {
    /// The plugin's name for it.
    pub slot: String,
    /// Its own.
    pub name: String,
    /// SHA-256 of its file, hexadecimal.
    pub sha256: String,
    /// Inputs: name and shape, null: any size.
    pub inputs: Vec<(String, Vec<Option<u32>>)>,
    /// Outputs likewise.
    pub outputs: Vec<(String, Vec<Option<u32>>)>,
}
