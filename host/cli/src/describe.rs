//! `dinrail describe`: what a component asks for and gives, or what a simulated plant has.

use crate::config::Places;
use crate::config::document::nearest;
use crate::controller::build::{BuildError, ComponentError, Workshop};
use crate::run::Ending;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use dinrail_core::description::{Description, ModelSlot, ParameterValue, TensorSpec, World};
use dinrail_engine::{Limits, Pace, PluginComponent, Profile};
use dinrail_sim::{Plant, Script};
use std::path::{Path, PathBuf};

/// A component does not say which tables it loads.
const TABLES: &str = "\nTables\n  It loads tables of numbers by name: `NAME.csv` in the folder that `tables = \"FOLDER\"` of its part of the \
configuration names,\n  a line of column names and then numbers. Which they are, its inputs and models above say, or its \
author.\n";

/// Describes a component file, an installed plugin by its file's name, or a simulated plant by its name.
#[must_use]
pub fn describe(what: &str, places: &Places) -> Ending {
    if let Ok(plant) = dinrail_sim::plant(what, 0, Script::none()) {
        show!("{}", plant_text(what, plant.as_ref()));
        return Ending::Well;
    }
    match component(what, places) {
        Ok((component, description)) => {
            show!("{}", component_text(&component, &description));
            Ending::Well
        }
        Err(why) => {
            tell!("dinrail: {why}");
            Ending::Failed
        }
    }
}

/// Why there is nothing to describe.
#[derive(Debug, thiserror::Error)]
enum DescribeError {
    #[error(
        "`{what}` is no component file, no installed plugin and no plant{near}\n  plugins installed in {folders}: {plugins}\n  \
         plants: {plants}",
        near = nearest(what, plugins.iter().map(String::as_str).chain(dinrail_sim::PLANTS))
            .map_or(String::new(), |name| format!("; did you mean `{name}`?")),
        folders = list(folders.iter().map(|folder| folder.display().to_string())),
        plugins = list(plugins.iter().cloned()),
        plants = dinrail_sim::PLANTS.join(", ")
    )]
    Missing { what: String, plugins: Vec<String>, folders: Vec<PathBuf> },
    #[error(transparent)]
    Component(ComponentError),
    #[error(transparent)]
    Engine(#[from] BuildError),
    #[error("`{path}`: {error}", path = .path.display())]
    Describe { path: PathBuf, error: dinrail_engine::DescribeError },
}

fn component(what: &str, places: &Places) -> Result<(PluginComponent, Description), DescribeError> {
    let (path, component) = Workshop::new()?.open(Path::new(what), places).map_err(|error| match error {
        ComponentError::Missing(_) => DescribeError::Missing {
            what: what.to_owned(),
            plugins: installed_plugins(places),
            folders: places.plugins.clone(),
        },
        ComponentError::Read { .. } | ComponentError::Load { .. } => DescribeError::Component(error),
    })?;
    // The roomiest of the limits: what it is given later, the configuration says.
    let limits = Limits::new(Profile::Interpreted, Pace::Background);
    let description = component.describe(&limits).map_err(|error| DescribeError::Describe { path, error })?;
    Ok((component, description))
}

/// Names of the components in the folders where plugins are installed.
pub(crate) fn installed_plugins(places: &Places) -> Vec<String> {
    // A folder that is not there has none.
    let entries = places.plugins.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let components = paths.filter(|path| path.is_file() && path.extension().is_some_and(|ending| ending == "wasm"));
    let mut names: Vec<String> =
        components.filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned())).collect();
    names.sort();
    names.dedup();
    names
}

fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

fn component_text(component: &PluginComponent, described: &Description) -> String {
    let mut text = format!(
        "{} {} ({}): {}\nsha256 {}\n",
        described.name,
        described.version,
        component.world().name(),
        described.summary,
        component.digest()
    );
    let mut part = |title: &str, table: Table| {
        if table.row_count() > 0 {
            text.push_str(&format!("\n{title}\n{table}\n"));
        }
    };
    let mut inputs = table(&["input", "takes", "unit", "range", "meaning"]);
    for input in &described.inputs {
        let takes = takes(input.group, input.required);
        inputs.add_row([&input.name, &takes, &input.unit, &bounds(input.minimum, input.maximum), &input.summary]);
    }
    part("Inputs", inputs);
    let mut outputs = table(&["output", "takes", "unit", "meaning"]);
    for output in &described.outputs {
        outputs.add_row([&output.name, &takes(output.group, output.required), &output.unit, &output.summary]);
    }
    part("Outputs", outputs);
    let mut outlook = table(&["series", "takes", "unit", "meaning"]);
    for slot in &described.outlook {
        outlook.add_row([&slot.name, &takes(false, slot.required), &slot.unit, &slot.summary]);
    }
    part("Known ahead (`outlook = { SERIES = \"CONTEXT\" }`)", outlook);
    let mut parameters = table(&["parameter", "default", "unit", "bounds", "meaning"]);
    for parameter in &described.parameters {
        let bounds = match parameter.choices.is_empty() {
            true => bounds(parameter.minimum, parameter.maximum),
            false => parameter.choices.join(", "),
        };
        let default = value_text(&parameter.default);
        parameters.add_row([&parameter.name, &default, &parameter.unit, &bounds, &parameter.summary]);
    }
    part("Parameters", parameters);
    let mut models = table(&["model", "needed", "shapes", "meaning"]);
    for slot in &described.models {
        let needed = if slot.required { "yes" } else { "no" };
        models.add_row([&slot.name, needed, &shapes(slot), &slot.summary]);
    }
    part("Models", models);
    if component.needs_assets() {
        text.push_str(TABLES);
    }
    let mut part = |title: &str, table: Table| {
        if table.row_count() > 0 {
            text.push_str(&format!("\n{title}\n{table}\n"));
        }
    };
    let mut results = table(&["result", "unit", "meaning"]);
    for field in &described.results {
        results.add_row([&field.name, &field.unit, &field.summary]);
    }
    part("Results", results);
    if component.world() == World::QualityControl {
        text.push_str(GATE);
    }
    text
}

/// What a configuration can do with the verdicts of a plugin.
const GATE: &str = "\nIt judges the items that `items = \"NAME\"` hands it, measures and pictures in the order of [items.NAME]. An output \
                    of `kind = \"gate\"` with the same `items` carries its verdicts out: pass, rework or reject, when the item is there.\n";

fn plant_text(name: &str, plant: &dyn Plant) -> String {
    let mut signals = table(&["signal", "unit", "kind", "range"]);
    for (index, signal) in plant.signals().iter().enumerate() {
        let kind = match signal.kind {
            dinrail_sim::Kind::Value => "value",
            dinrail_sim::Kind::Waveform => "waveform",
            dinrail_sim::Kind::Picture => "picture",
        };
        let kind = if plant.event_signals().contains(&index) { format!("{kind} of an event") } else { kind.to_owned() };
        signals.add_row([signal.name, signal.unit, &kind, &bounds(Some(signal.range.0), Some(signal.range.1))]);
    }
    let mut actuators = table(&["actuator", "unit", "range", "at the start"]);
    for actuator in plant.actuators() {
        let range = bounds(Some(actuator.range.0), Some(actuator.range.1));
        actuators.add_row([actuator.name, actuator.unit, &range, &actuator.initial.to_string()]);
    }
    let mut text = format!("the simulated plant `{name}`\n\nSignals\n{signals}\n");
    if actuators.row_count() > 0 {
        text.push_str(&format!("\nActuators\n{actuators}\n"));
    }
    if !plant.schedules().is_empty() {
        let mut schedules = table(&["schedule", "unit", "step"]);
        for schedule in plant.schedules() {
            schedules.add_row([schedule.name, schedule.unit, &format!("{} s", schedule.step_s)]);
        }
        text.push_str(&format!("\nKnown ahead (a context's `schedule`)\n{schedules}\n"));
    }
    text
}

fn takes(group: bool, required: bool) -> String {
    let count = if group { "any number" } else { "one" };
    if required { count.to_owned() } else { format!("{count}, optional") }
}

fn bounds(lowest: Option<f64>, highest: Option<f64>) -> String {
    match (lowest, highest) {
        (Some(lo), Some(hi)) => format!("{lo} … {hi}"),
        (Some(lo), None) => format!("from {lo}"),
        (None, Some(hi)) => format!("to {hi}"),
        (None, None) => String::new(),
    }
}

fn value_text(value: &ParameterValue) -> String {
    match value {
        ParameterValue::Boolean(value) => value.to_string(),
        ParameterValue::Integer(value) => value.to_string(),
        ParameterValue::Number(value) => value.to_string(),
        ParameterValue::Text(value) => format!("\"{value}\""),
    }
}

fn shapes(slot: &ModelSlot) -> String {
    let list = |specs: &[TensorSpec]| specs.iter().map(tensor_text).collect::<Vec<_>>().join(", ");
    format!("{} → {}", list(&slot.inputs), list(&slot.outputs))
}

fn tensor_text(spec: &TensorSpec) -> String {
    let sizes = spec.shape.iter().map(|size| size.map_or("any".to_owned(), |size| size.to_string()));
    format!("{}[{}]", spec.name, sizes.collect::<Vec<_>>().join(" × "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_plant_shows_every_signal_and_actuator() {
        let plant = dinrail_sim::plant("demo", 0, Script::none()).unwrap();
        let text = plant_text("demo", plant.as_ref());
        for signal in plant.signals() {
            assert!(text.contains(signal.name), "{} is not in\n{text}", signal.name);
        }
        assert!(text.contains("reactor.temp_sp") && text.contains("70 … 100"), "{text}");
    }

    #[test]
    fn what_is_neither_file_nor_plant_is_said() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("high-limit.wasm"), "").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "").unwrap();
        let places = Places { plugins: vec![folder.path().to_owned()], models: vec![] };
        let said = |what: &str| component(what, &places).err().unwrap().to_string();
        for part in [&dinrail_sim::PLANTS.join(", "), ": high-limit\n", &folder.path().display().to_string()] {
            assert!(said("nothing-there").contains(part), "{}", said("nothing-there"));
        }
        assert!(!said("nothing-there").contains("did you mean"));
        assert!(said("high-limt").contains("did you mean `high-limit`?"), "{}", said("high-limt"));
        assert!(said("reacter").contains("did you mean `reactor`?"), "{}", said("reacter"));
    }
}
