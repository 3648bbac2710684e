//! Which plugin it was: what a result that is read a year later is asked for.

use super::slots::Plugin;

/// A plugin by what it says of itself and what was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its name, as it describes itself.
    pub name: String,
    /// Its version, likewise.
    pub version: String,
    /// SHA-256 of the component, hexadecimal.
    pub digest: String,
    /// Each model by its slot, and SHA-256 of its file.
    pub models: Vec<(String, String)>,
}

impl Identity {
    /// Of a prepared plugin.
    #[must_use]
    pub fn of(plugin: &Plugin) -> Identity {
        Identity {
            name: plugin.description.name.clone(),
            version: plugin.description.version.clone(),
            digest: plugin.component.digest().to_owned(),
            models: plugin.models.iter().map(|(slot, model)| (slot.clone(), model.sha256().to_owned())).collect(),
        }
    }
}
