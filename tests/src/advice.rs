//! A reactor whose setpoint stays at 80 °C unless a model's advice moves it, through the built controller.

use crate::controller::{Site, reactor, summary};
use crate::environment;
use anyhow::{Context, Result, ensure};

const SCAN: &str = "[scan]\nperiod = \"20ms\"\nbudget = \"10ms\"\n";

const PLUGIN: &str = r#"
[plugins.advice]
component = "adviser.wasm"
inputs = { signals = ["reactor.temp"] }
outputs = { setpoint = "sp" }
models = { model = "model.onnx" }
mode = "auto"
"#;

/// What came of a model's advice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advised {
    /// Calls of the plugin that ended in time, however they did.
    pub calls: u64,
    /// Calls that faulted, and those that came too late; one that did both counts twice.
    pub unanswered: u64,
    /// Proposals, whatever the guard made of them.
    pub proposals: u64,
    /// Commands to the plant.
    pub commands: u64,
}

/// Runs the reactor for two seconds with a model's advice: in virtual time, where nothing is late, or in wall time.
pub fn advised(model: &[u8], in_wall_time: bool) -> Result<Advised> {
    let speed = if in_wall_time { "1" } else { "\"max\"" };
    let site = Site::new(&format!("{SCAN}speed = {speed}\n{}{PLUGIN}", reactor("10 Cel/s")));
    std::fs::copy(environment::guest("adviser"), site.path("adviser.wasm"))?;
    std::fs::write(site.path("model.onnx"), model)?;
    let output = site.output("run", &["--run-time", "2s", "--json", "--quiet"]);
    ensure!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary = summary(&output);
    let plugin = &summary["plugins"][0];
    let count = |value: &serde_json::Value| value.as_u64().with_context(|| summary.to_string());
    Ok(Advised {
        calls: count(&plugin["calls"])?,
        unanswered: count(&plugin["faults"])? + count(&plugin["missed"])?,
        proposals: ["accepted", "clamped", "held", "rejected"]
            .iter()
            .map(|verdict| count(&summary["proposals"][verdict]))
            .sum::<Result<u64>>()?,
        commands: count(&summary["commands"])?,
    })
}
