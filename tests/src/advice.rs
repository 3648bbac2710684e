//! A reactor whose setpoint stays at 80 °C unless a model's advice moves it, through the built controller.

use crate::controller::{Site, summary};
use crate::environment;
use anyhow::{Context, Result, ensure};

const REACTOR: &str = r#"
[scan]
period = "20ms"
budget = "10ms"
speed = SPEED

[sources.plant]
kind = "sim"
plant = "reactor"

[tags."reactor.temp*"]
source = "plant"
unit = "Cel"

[outputs."sp"]
source = "plant"
actuator = "reactor.temp_sp"
unit = "Cel"
range = [70, 100]
slew = "10 Cel/s"
lease = "10s"
default = 80
readback = "reactor.temp_sp_readback"
on_stop = "hold"
mode = "auto"

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
    /// Calls of the plugin.
    pub calls: u64,
    /// Those that faulted, and those that came too late.
    pub unanswered: u64,
    /// Proposals, whatever the guard made of them.
    pub proposals: u64,
    /// Commands to the plant.
    pub commands: u64,
}

/// Runs the reactor for two seconds with a model's advice: in virtual time, where nothing is late, or in wall time.
pub fn advised(model: &[u8], in_wall_time: bool) -> Result<Advised> {
    let speed = if in_wall_time { "1" } else { "\"max\"" };
    let site = Site::new(&REACTOR.replace("SPEED", speed));
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
