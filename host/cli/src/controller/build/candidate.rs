//! A version of a plugin other than the configured one, bound as that one is.

use super::{Workshop, prepare_as};
use crate::config::types::{LimitProfile, PluginModel, PluginParameter};
use crate::config::{Config, ConfigErrors};
use crate::controller::slots::Plugin;
use dinrail_core::description::ParameterValue;
use std::path::PathBuf;
use std::sync::Arc;

/// What is other than the configuration says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// A component, with what it is called in messages.
    pub component: Option<(PathBuf, Vec<u8>)>,
    /// Limits of its instances.
    pub limits: Option<LimitProfile>,
    /// Models by slot, in place of the configuration's for the same slot.
    pub models: Vec<(String, PathBuf)>,
    /// The folder of its tables.
    pub tables: Option<PathBuf>,
    /// Parameters, in place of the configuration's of the same names.
    pub parameters: Vec<(String, ParameterValue)>,
}

/// Makes candidates for the plugins of one configuration.
#[derive(Clone)]
pub struct Preparer {
    config: Arc<Config>,
    workshop: Workshop,
}

impl Preparer {
    /// For this configuration, which was prepared whole.
    #[must_use]
    pub fn new(config: Arc<Config>, workshop: Workshop) -> Preparer {
        Preparer { config, workshop }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Compiles, binds and tries a version of a plugin. The errors point into the configuration, as far as it is theirs.
    pub fn candidate(&self, plugin: usize, change: &Change) -> Result<Plugin, ConfigErrors> {
        let (changed, bytes) = changed(&self.config, plugin, change)?;
        prepare_as(&self.config, &changed, plugin, bytes, &self.workshop)
    }
}

/// The plugin's part of the configuration with a change carried out, and its component's bytes.
pub(super) fn changed(
    config: &Config,
    plugin: usize,
    change: &Change,
) -> Result<(crate::config::Plugin, Vec<u8>), ConfigErrors> {
    let mut plugin = config.plugins[plugin].clone();
    let bytes = match &change.component {
        Some((title, bytes)) => {
            plugin.component.clone_from(title);
            bytes.clone()
        }
        None => super::read_component(config, &plugin)?,
    };
    plugin.limits = change.limits.unwrap_or(plugin.limits);
    if let Some(tables) = &change.tables {
        plugin.tables = Some(tables.clone());
    }
    for (slot, path) in &change.models {
        let (span, path_span) = (plugin.span.clone(), plugin.span.clone());
        plugin.models.retain(|model| model.slot != *slot);
        plugin.models.push(PluginModel { slot: slot.clone(), span, path: path.clone(), path_span });
    }
    for (name, value) in &change.parameters {
        let (span, value_span) = (plugin.span.clone(), plugin.span.clone());
        plugin.parameters.retain(|parameter| parameter.name != *name);
        plugin.parameters.push(PluginParameter { name: name.clone(), span, value: value.clone(), value_span });
    }
    Ok((plugin, bytes))
}
