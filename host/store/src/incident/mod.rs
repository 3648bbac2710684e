//! Incidents: what the flight recorder had in memory when something happened. The format is in `INCIDENT.md`.
//!
//! - [`manifest`]: `incident.json`: what happened, when and where, and which plugins were there
//! - [`wire`]: calls as they are written: exact, and the same bytes for the same call
//! - [`mod@write`]: to a container, also of a run that has not ended
//! - [`mod@read`]: from one that anybody may have made
//! - [`folder`]: where they are kept, and for how long

pub mod folder;
pub mod manifest;
pub mod read;
pub mod wire;
pub mod write;

#[cfg(test)]
mod tests;

pub use folder::{IncidentFolder, Kept, Retention};
pub use manifest::{Manifest, ModelManifest, PluginManifest};
pub use read::{Incident, IncidentError, read, read_manifest};
pub use wire::{BindingWire, CallWire, EntryWire, OutcomeWire, Redaction, TableWire};
pub use write::IncidentWriter;

/// Version of the format: of the names in the container and of the bytes behind them.
pub const FORMAT: u32 = 1;

/// The manifest's place.
const MANIFEST: &str = "incident.json";
