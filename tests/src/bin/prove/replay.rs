//! An hour of the demonstration, recorded, and replayed in other processes: from the journal to the byte, and with the models
//! run again under each kernel that tract can be made to choose here.

use crate::Proof;
use anyhow::{Context, Result, ensure};
use dinrail_tests::controller::{Site, demo_hour, dinrail_alone, models, summary};
use serde_json::Value;
use std::path::Path;
use std::time::Instant;

/// What tract is told that this processor lacks (its `TRACT_CPU_ISA`), from all that it has down to nothing beyond the plain
/// architecture. What a processor does not have is taken away without effect.
const KERNELS: [(&str, &str); 5] = [
    ("as found", ""),
    ("no amx, vnni, fp16", "-amx-int8,-amx-bf16,-avx512vnni,-avx512fp16"),
    ("no avx512", "-amx-int8,-amx-bf16,-avx512vnni,-avx512fp16,-avx512f,-avxvnni"),
    ("no fma", "-amx-int8,-amx-bf16,-avx512vnni,-avx512fp16,-avx512f,-avxvnni,-fma,-f16c"),
    ("none", "-amx-int8,-amx-bf16,-avx512vnni,-avx512fp16,-avx512f,-avxvnni,-fma,-f16c,-avx2,-avx"),
];

/// Row `replay`.
pub(crate) fn hour() -> Result<Proof> {
    // With pictures, or the model that looks at them could not be run again.
    let site = Site::new(&demo_hour(1).replace("[scan]", "[recorder]\nimages = true\n\n[scan]"));
    let file = site.path("hour.tar.gz");
    let began = Instant::now();
    let mut run = site.command("run");
    run.args(["--json", "--quiet", "--run-time", "1h", "--record"]).arg(&file);
    let output = run.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let recorded = summary(&output);
    let run_s = began.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(&file)?.len();

    let (equal, report, replay_s) = replay(&file, None)?;
    let (mut calls, mut same, mut states) = (0, 0, 0);
    for plugin in plugins(&report)? {
        let count = |key: &str| plugin[key].as_u64().unwrap_or(0);
        println!(
            "  {}: {} calls, {} equal, {} states",
            plugin["plugin"],
            count("calls"),
            count("equal"),
            count("states")
        );
        (calls, same, states) = (calls + count("calls"), same + count("equal"), states + count("states"));
    }
    let ran: u64 = plugins(&recorded)?.iter().filter_map(|plugin| plugin["calls"].as_u64()).sum();
    let mut holds = equal && calls == ran && same == calls && calls > 0;
    let mut farthest: f64 = 0.0;
    // The names are those of one architecture.
    let known = if std::env::consts::ARCH == "x86_64" { KERNELS.len() } else { 1 };
    for (name, isa) in &KERNELS[..known] {
        let (within, report, _) = replay(&file, Some(isa))?;
        let models = plugins(&report)?.iter().map(|plugin| plugin["recomputed"]["largest"].as_f64().unwrap_or(0.0));
        let results = plugins(&report)?.iter().map(|plugin| plugin["largest"].as_f64().unwrap_or(0.0));
        let (models, results) = (models.fold(0.0, f64::max), results.fold(0.0, f64::max));
        println!("  kernels {name}: within {within}, models {models:.1e}, results {results:.1e} apart at most");
        holds &= within;
        farthest = farthest.max(models).max(results);
    }
    Ok(Proof {
        figure: format!(
            "{same} of {ran} calls equal to the byte, {states} saved states too; {} KiB; run in {run_s:.0} s, replayed in \
             {replay_s:.0} s; under {} sets of kernels {farthest:.1e} apart at most, of {} allowed",
            bytes / 1024,
            known,
            dinrail_cli::replay::TOLERANCE.0
        ),
        holds,
    })
}

/// Whether it holds, what is said, and how long it took.
fn replay(file: &Path, recompute_without: Option<&str>) -> Result<(bool, Value, f64)> {
    let began = Instant::now();
    let mut command = dinrail_alone();
    command.arg("replay").arg(file).arg("--json");
    if let Some(isa) = recompute_without {
        command.arg("--recompute").arg("--models").arg(models());
        if !isa.is_empty() {
            command.env("TRACT_CPU_ISA", isa);
        }
    }
    let output = command.output()?;
    ensure!(output.status.code() != Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), summary(&output), began.elapsed().as_secs_f64()))
}

fn plugins(report: &Value) -> Result<&Vec<Value>> {
    report["plugins"].as_array().context("plugins are listed")
}
