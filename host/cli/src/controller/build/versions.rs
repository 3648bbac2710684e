//! The versions that the store says run, in place of those of the configuration.

use super::{BuildError, Change};
use crate::config::Config;
use crate::controller::shelf;
use dinrail_store::folder::StoreFolder;
use dinrail_store::installed::{Installed, InstalledError};
use std::collections::HashMap;
use std::sync::Arc;

/// The folder of the bundles, in the store's.
const FOLDER: &str = "bundles";

/// See the module.
#[derive(Clone, Default)]
pub struct Versions {
    /// The store's folder, locked; none: the configuration has none.
    pub folder: Option<Arc<StoreFolder>>,
    /// The bundles in it.
    pub installed: Option<Arc<Installed>>,
    /// By plugin: what is other than its configuration says.
    pub changes: HashMap<usize, Change>,
}

impl Versions {
    /// Opens the store of a configuration that has one, and says what was found there.
    pub fn open(config: &Config, as_configured: bool) -> Result<Versions, BuildError> {
        let Some(store) = &config.site.store else { return Ok(Versions::default()) };
        let of_store = |error: InstalledError| BuildError::Bundles { error };
        let holder = super::control::holder(config);
        let folder = StoreFolder::open(store, &holder).map_err(|error| BuildError::Store(error.into()))?;
        let installed = Installed::open(&store.join(FOLDER)).map_err(of_store)?;
        for reverted in &installed.recovered().reverted {
            let (plugin, digest, strikes) = (&reverted.plugin, &reverted.digest, reverted.strikes);
            tracing::warn!(plugin, digest, strikes, "a swap was cut off; the version before it runs");
        }
        let mut changes = HashMap::new();
        for (name, running) in installed.all_running().map_err(of_store)? {
            let Some(index) = config.plugins.iter().position(|plugin| plugin.name == name) else {
                tracing::warn!(
                    plugin = name,
                    "the store has a version of a plugin that the configuration does not have"
                );
                continue;
            };
            if as_configured {
                tracing::warn!(
                    plugin = name,
                    "a committed version or parameter is left aside, as the command line says"
                );
                continue;
            }
            let changed = shelf::change(Some(&installed), &name, &running.digest, &running.parameters);
            let (change, title) = changed.map_err(|why| BuildError::Version { plugin: name.clone(), why })?;
            if change != Change::default() {
                tracing::info!(plugin = name, generation = running.generation, "{title} runs, as was committed");
                changes.insert(index, change);
            }
        }
        Ok(Versions { folder: Some(Arc::new(folder)), installed: Some(Arc::new(installed)), changes })
    }
}
