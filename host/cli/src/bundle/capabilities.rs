//! What a component asks for, as an operator is told before it is installed.

use dinrail_core::description::Description;
use dinrail_engine::PluginComponent;

/// Sorted names: `assets`, `inference:SLOT`, `log`, `metrics`, `outlook:SERIES`, `propose:OUTPUT`.
#[must_use]
pub fn capabilities(component: &PluginComponent, description: &Description) -> Vec<String> {
    let interface = |import: &String| Some(import.strip_prefix("dinrail:plugin/")?.split_once('@')?.0.to_owned());
    let plain = component.imports().iter().filter_map(interface);
    // Types do nothing, and models are named by their slots.
    let plain = plain.filter(|name| ["assets", "log", "metrics"].contains(&name.as_str()));
    let models = description.models.iter().map(|slot| format!("inference:{}", slot.name));
    let series = description.outlook.iter().map(|slot| format!("outlook:{}", slot.name));
    let outputs = description.outputs.iter().map(|output| format!("propose:{}", output.name));
    let mut all: Vec<String> = plain.chain(models).chain(series).chain(outputs).collect();
    all.sort();
    all.dedup();
    all
}
