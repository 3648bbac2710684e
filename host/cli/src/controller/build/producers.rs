//! The plugins in the order in which their results are needed.

use super::{Versions, Workshop, prepare_plugin};
use crate::config::{Config, ConfigError};
use crate::controller::derived::DerivedTags;
use crate::controller::slots::Plugin;
use std::sync::Arc;

/// Opens and binds the plugins, each after those whose results it takes, and gives those results their units. Of a
/// plugin that takes results of one that can't be opened nothing is said.
pub(super) fn prepare_plugins(
    config: &mut Config,
    workshop: &Workshop,
    versions: &Versions,
    errors: &mut Vec<ConfigError>,
) -> (Vec<Arc<Plugin>>, DerivedTags) {
    let count = config.plugins.len();
    let (mut prepared, mut results) = (vec![None; count], vec![Vec::new(); count]);
    let mut failed = vec![false; count];
    for index in config.producers_first() {
        if config.producers_of(index).any(|producer| failed[producer]) {
            failed[index] = true;
            continue;
        }
        let opened = prepare_plugin(config, index, workshop, versions).and_then(|plugin| {
            let bindings = &plugin.bound.bindings;
            let bound = config.settle_results(index, plugin.world(), &plugin.description, bindings)?;
            Ok((plugin, bound))
        });
        match opened {
            Ok((plugin, bound)) => {
                prepared[index] = Some(Arc::new(plugin));
                results[index] = bound;
            }
            Err(found) => {
                failed[index] = true;
                errors.extend(found.iter().cloned());
            }
        }
    }
    if !failed.contains(&true)
        && let Err(found) = config.settle_conditions()
    {
        errors.extend(found.iter().cloned());
    }
    (prepared.into_iter().flatten().collect(), DerivedTags::new(results))
}
