//! The demonstration's site: many seeds in virtual time, and its configuration mutated.

use crate::Proof;
use anyhow::{Context, Result, ensure};
use dinrail_cli::config::{self, Places};
use dinrail_tests::controller::{DEMO, Site, demo_hour};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

const SEEDS: u64 = 20;
const MUTANTS: usize = 500;
/// Six traps each.
const CRASHING_ASSETS: usize = 170;
/// Minutes: the last of five delays, 16 s, is long over.
const CRASHING_ROWS: usize = 20;

/// One hour of run time a seed: all four faults, no false episode, the last tenth's true profit.
pub(crate) fn demo_seeds() -> Result<Proof> {
    let (mut seen, mut all, mut false_episodes) = (0, 0, 0);
    let mut ratios = Vec::new();
    for seed in 1..=SEEDS {
        let site = Site::new(&demo_hour(seed));
        let output = site.output("run", &["--json", "--quiet", "--run-time", "1h"]);
        ensure!(output.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&output.stderr));
        let summary = dinrail_tests::controller::summary(&output);
        let detections = summary["detections"].as_array().context("the plant has a fault script")?;
        let missed: Vec<&Value> = detections.iter().filter(|fault| fault["delay_s"].is_null()).collect();
        all += detections.len();
        seen += detections.len() - missed.len();
        false_episodes += summary["false_episodes"].as_u64().unwrap_or(u64::MAX);
        let ratio = summary["reactor"]["profit_ratio"].as_f64().context("the plant makes a profit")?;
        ratios.push(ratio);
        println!(
            "  seed {seed}: {}/{} faults, profit {ratio:.4} {missed:?}",
            detections.len() - missed.len(),
            detections.len()
        );
    }
    let worst = ratios.iter().copied().fold(f64::MAX, f64::min);
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    Ok(Proof {
        figure: format!(
            "{SEEDS} seeds: {seen}/{all} faults seen, {false_episodes} false episodes, profit ratio worst {worst:.4}, mean {mean:.4}"
        ),
        holds: seen == all && all as u64 == 4 * SEEDS && false_episodes == 0 && worst >= 0.98,
    })
}

/// Every scenario that can be run here, through `dinrail score`.
pub(crate) fn score() -> Result<Proof> {
    let output = dinrail_tests::controller::dinrail("score").arg("--json").output()?;
    let line = dinrail_tests::controller::summary(&output);
    let rows = line["scenarios"].as_array().context("`score` prints its rows")?;
    let count = |verdict: &str| rows.iter().filter(|row| row["verdict"] == verdict && !row["bar"].is_null()).count();
    for row in rows.iter().filter(|row| !row["bar"].is_null()) {
        println!("  {} {}: {} ({})", row["name"], row["metric"], row["result"], row["verdict"]);
    }
    let (met, missed, skipped) = (count("met"), count("missed"), count("skipped"));
    Ok(Proof {
        figure: format!("{met} bars met, {missed} missed, {skipped} skipped"),
        holds: output.status.success() && missed == 0 && met > 0,
    })
}

/// Row 8. A plugin that traps on every frame, for each of so many assets that there are 1,000 traps, beside one that
/// answers: each instance is started again five times and then no more.
pub(crate) fn crash_loops() -> Result<Proof> {
    let site = Site::new(&dinrail_tests::controller::crash_loop());
    for name in ["trap", "counter"] {
        let from = dinrail_tests::environment::guest(name);
        std::fs::copy(from, site.path(&format!("{name}.wasm")))?;
    }
    std::fs::write(site.path("rows.csv"), dinrail_tests::controller::asset_rows(CRASHING_ASSETS, CRASHING_ROWS))?;
    let summary = site.run();
    let of = |index: usize, field: &str| summary["plugins"][index][field].as_u64().unwrap_or(u64::MAX);
    let (traps, skipped, answered) = (of(0, "faults"), of(0, "skipped"), of(1, "calls"));
    let rows = (CRASHING_ASSETS * CRASHING_ROWS) as u64;
    let restarts = traps as f64 / CRASHING_ASSETS as f64 - 1.0;
    Ok(Proof {
        figure: format!(
            "{CRASHING_ASSETS} instances: {traps} traps, {restarts} restarts each, {skipped} frames skipped; the neighbour answered {answered} of {rows}"
        ),
        holds: traps >= 1_000 && restarts <= 5.0 && traps + skipped == rows && answered == rows,
    })
}

/// Row 35. Mutants of the demonstration's configuration: each resolves, or is refused with a place.
pub(crate) fn mutants() -> Result<Proof> {
    let plugins = dinrail_tests::environment::plugin("anomaly-detection");
    let places = Places {
        plugins: vec![plugins.parent().unwrap_or(Path::new(".")).to_path_buf()],
        models: vec![dinrail_tests::controller::models()],
    };
    let path = Path::new("mutant.toml");
    let (mut resolved, mut refused, mut panicked, mut unplaced) = (0, 0, 0, 0);
    let mut state = 11_u64;
    let mut chance = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    for _ in 0..MUTANTS {
        let text = mutate(&mut chance);
        let lines = text.split('\n').count();
        match catch_unwind(AssertUnwindSafe(|| config::parse(path, text, &places))) {
            Ok(Ok(_)) => resolved += 1,
            Ok(Err(errors)) => {
                refused += 1;
                let placed = |error: &config::ConfigError| (1..=lines).contains(&error.line_column().0);
                unplaced += usize::from(errors.iter().next().is_none() || !errors.iter().all(placed));
            }
            Err(_) => panicked += 1,
        }
    }
    Ok(Proof {
        figure: format!(
            "{MUTANTS} mutants: {resolved} resolved, {refused} refused, {unplaced} without a place, {panicked} panics"
        ),
        holds: panicked == 0 && unplaced == 0 && refused > MUTANTS / 4,
    })
}

/// Drops, doubles, swaps or garbles lines and characters.
fn mutate(chance: &mut impl FnMut(usize) -> usize) -> String {
    let mut lines: Vec<String> = DEMO.lines().map(str::to_owned).collect();
    for _ in 0..=chance(4) {
        let index = chance(lines.len());
        match chance(5) {
            0 => drop(lines.remove(index)),
            1 => lines.insert(index, lines[index].clone()),
            2 => {
                let other = chance(lines.len());
                lines.swap(index, other);
            }
            3 => {
                let keep = chance(lines[index].len() + 1);
                lines[index] = lines[index].chars().take(keep).collect();
            }
            _ => {
                let at = chance(lines[index].chars().count() + 1);
                let odd = ['"', '[', ']', '=', '\u{0}', 'é', '9', '-', '{', '*'][chance(10)];
                let (head, tail): (String, String) =
                    (lines[index].chars().take(at).collect(), lines[index].chars().skip(at).collect());
                lines[index] = format!("{head}{odd}{tail}");
            }
        }
    }
    lines.join("\n")
}
