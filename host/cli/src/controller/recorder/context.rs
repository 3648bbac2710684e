//! What the sinks know a plugin's instance by.

use crate::controller::slots::Plugin;
use dinrail_core::description::{Bindings, ResultField};
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
        life_unit(&plugin.description.results, &plugin.bound.bindings),
    )
}

/// The unit of a remaining life: that of the result `rul-INPUT` where the input is bound, else of `rul`.
fn life_unit<'d>(results: &'d [ResultField], bindings: &Bindings) -> &'d str {
    let bound = |input: &str| bindings.inputs.iter().any(|known| known.input == input && !known.columns.is_empty());
    let of_input = results.iter().find(|field| field.name.strip_prefix("rul-").is_some_and(bound));
    let field = of_input.or_else(|| results.iter().find(|field| field.name == "rul"));
    field.map_or("", |field| &field.unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dinrail_core::description::{Column, InputBinding};

    #[test]
    fn a_life_has_the_unit_of_what_is_bound() {
        let field =
            |name: &str, unit: &str| ResultField { name: name.into(), summary: String::new(), unit: unit.into() };
        let column = Column { index: 0, tag: "t".into(), unit: String::new(), minimum: None, maximum: None };
        let bindings = |bound: &str| Bindings {
            inputs: vec![InputBinding { input: bound.into(), columns: vec![column.clone()] }],
            ..Bindings::default()
        };
        let both = [field("index", "1"), field("rul-sensors", "{cycle}"), field("rul-waveform", "h")];
        assert_eq!(life_unit(&both, &bindings("sensors")), "{cycle}");
        assert_eq!(life_unit(&both, &bindings("waveform")), "h");
        assert_eq!(life_unit(&both, &bindings("speed")), "");
        assert_eq!(life_unit(&[field("rul", "d")], &bindings("waveform")), "d");
    }
}
