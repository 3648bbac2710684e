//! `cargo xtask bench [--json]`: what things cost on this machine. Minima of interleaved runs.
//!
//! - `calls`: an empty call, a cold one, a frame through a guest against the same code natively
//! - `models`: each shipped model through a guest, against the same tract plan and against onnxruntime
//! - `path`: the whole path of a controller on one core
//! - `setting`: what the engine's settings cost

mod calls;
mod models;
mod path;
mod setting;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use std::process::Command;

/// What is to be reached.
const TARGETS: [(&str, f64, bool); 6] = [
    // name, bound, whether it is an upper one
    ("empty_call_us", 0.25, true),
    ("cold_call_us", 10.0, true),
    ("frame1024_ratio", 1.6, true),
    ("frame4096_ratio", 1.35, true),
    ("samples_per_s", 2e6, false),
    ("inference_extra_us", 2.0, true),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--path-only") {
        println!("{}", path::samples_per_s()?);
        return Ok(());
    }
    let mut figures = Map::new();
    calls::measure(&mut figures)?;
    setting::measure(&mut figures)?;
    let (samples_per_s, pinned) = on_one_core()?;
    figures.insert("samples_per_s".into(), json!(samples_per_s.round()));
    figures.insert("one_core".into(), json!(pinned));
    if arguments.iter().any(|argument| argument == "--json") {
        println!("{}", Value::Object(figures));
        return Ok(());
    }
    for (name, value) in &figures {
        let target = TARGETS.iter().find(|(known, ..)| known == name);
        let note = match target {
            Some((_, bound, true)) => format!("to reach: at most {bound}"),
            Some((_, bound, false)) => format!("to reach: at least {bound}"),
            None => String::new(),
        };
        let value = value.as_f64().map_or_else(|| value.to_string(), |number| format!("{number:.3}"));
        println!("{name:<34}{value:>16}  {note}");
    }
    Ok(())
}

/// The path's figure from a process of its own that may use one core only, where `taskset` is there.
fn on_one_core() -> Result<(f64, bool)> {
    let this = std::env::current_exe().context("finding this program")?;
    let pinned = Command::new("taskset").args(["-c", "0"]).arg(&this).arg("--path-only").output();
    let (output, is_pinned) = match pinned {
        Ok(output) if output.status.success() => (output, true),
        _ => (Command::new(&this).arg("--path-only").output().context("running the path")?, false),
    };
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the path was not measured ({}): {told}", output.status);
    Ok((figure(&String::from_utf8_lossy(&output.stdout))?, is_pinned))
}

/// The figure that the path prints: its last line, a number above 0.
fn figure(text: &str) -> Result<f64> {
    let line = text.trim_end().lines().last().unwrap_or_default().trim();
    let figure: f64 = line.parse().with_context(|| format!("`{line}` is not the path's figure"))?;
    ensure!(figure.is_finite() && figure > 0.0, "{figure} samples a second were measured");
    Ok(figure)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_paths_figure_is_its_last_line() {
        assert_eq!(figure("2134567.5\n").unwrap(), 2_134_567.5);
        assert_eq!(figure("a note\n12\n\n").unwrap(), 12.0);
        for wrong in ["", "\n", "12 samples", "NaN", "0", "-3", "inf"] {
            assert!(figure(wrong).is_err(), "{wrong:?}");
        }
    }
}
