//! What the sinks know a plugin's instance by.

use crate::controller::slots::Plugin;
use dinrail_core::derived::described_unit;
use dinrail_field::message::{Named, PluginContext};

/// Its name and asset, its columns and outputs by index, and the units of its results.
pub(super) fn context(plugin: &Plugin, asset: Option<&str>, outputs: &[Named]) -> PluginContext {
    let mut columns = vec![Named::default(); plugin.bound.bindings.columns as usize];
    for input in &plugin.bound.bindings.inputs {
        let is_value = plugin
            .description
            .inputs
            .iter()
            .any(|known| known.name == input.input && known.kind == dinrail_core::description::InputKind::Value);
        for column in input.columns.iter().filter(|_| is_value) {
            columns[column.index as usize] = Named::new(column.tag.clone(), column.unit.clone());
        }
    }
    let bound = plugin.bound.outputs.iter().map(|bound| outputs[bound.output.index()].clone());
    PluginContext::new(
        &plugin.config.name,
        asset,
        columns,
        bound.collect(),
        &plugin.description.quantiles,
        &described_unit("rul", &plugin.description, &plugin.bound.bindings),
    )
}
