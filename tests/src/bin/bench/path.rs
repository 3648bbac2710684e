//! The whole path of a controller: 64 tags in blocks of 64 rows, a z-score detector, an optimizer with one
//! proposal a block through the guard, scan records into the recorder's ring, results as JSON lines to
//! nowhere. Everything is the controller's own but the source, which makes its rows up.

use anyhow::{Result, anyhow, ensure};
use dinrail_cli::config::{self, Places};
use dinrail_cli::controller::build::{self, Prepared, Workshop};
use dinrail_cli::controller::source::Source;
use dinrail_cli::run::{self, RunOptions};
use dinrail_cli::view::View;
use dinrail_core::reading::{RawValue, Reading, ReadingKind, SourceId};
use dinrail_core::tag::TagId;
use dinrail_core::time::TimeNs;
use dinrail_tests::environment;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const TAGS: usize = 64;
const ROWS: usize = 64;
/// A row each millisecond of run time.
const ROW_NS: i64 = 1_000_000;
/// Blocks that are made before the clock starts, and given round and round.
const MADE_BLOCKS: usize = 16;

/// Samples a second from source to sink.
pub(crate) fn samples_per_s() -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let (prepared, tags) = prepared(folder.path())?;
    let clock: dinrail_field::link::Clock = Arc::new(|| 0);
    let mut assembly = prepared.assemble(&clock, View::none())?;
    assembly.controller.replace_sources(vec![Box::new(Blocks::new(&tags))]);
    let started = Instant::now();
    let options = RunOptions { run_for: Some(Duration::from_secs(5)), ..RunOptions::default() };
    let (_keep, stop) = crossbeam_channel::bounded(1);
    let finished = run::run_assembled(assembly, &options, &stop, started)?;
    let elapsed = started.elapsed().as_secs_f64();
    let summary = finished.summary;
    ensure!(summary.plugins.iter().all(|plugin| plugin.counts.faults == 0 && plugin.counts.calls > 100), "{summary:?}");
    ensure!(summary.sink_errors == 0 && summary.records_dropped == 0, "{summary:?}");
    let proposals = summary.proposals.accepted + summary.proposals.clamped + summary.proposals.held;
    ensure!(proposals + 1 >= summary.scans, "one proposal a block: {summary:?}");
    Ok(summary.samples_in as f64 / elapsed)
}

/// The controller in this folder, opened and checked, and its tags.
fn prepared(folder: &Path) -> Result<(Prepared, Vec<TagId>)> {
    let header: Vec<String> = (0..TAGS).map(|tag| format!("t{tag}")).collect();
    let zeros = vec!["0"; TAGS].join(",");
    std::fs::write(folder.join("head.csv"), format!("{}\n{zeros}\n", header.join(",")))?;
    let path = folder.join("dinrail.toml");
    let guests = environment::guest("zscore");
    let places = Places { plugins: vec![guests.parent().unwrap_or(Path::new(".")).to_path_buf()], ..Places::default() };
    let config = config::parse(&path, configuration(), &places).map_err(|errors| anyhow!("{errors}"))?;
    let tags = config.tags.iter().map(|(id, _)| id).collect();
    Ok((build::prepare(config, &Workshop::new()?)?, tags))
}

fn configuration() -> String {
    let mut text = String::from(
        r#"
[scan]
period = "64ms"
speed = "max"
workers = 1

[sources.rows]
kind = "csv"
path = "head.csv"
time = { period = "1ms" }

[tags."t*"]
source = "rows"
range = [-1000, 1000]

[sources.plant]
kind = "sim"
plant = "reactor"

[outputs."reactor.temp_sp"]
source = "plant"
unit = "Cel"
range = [70, 100]
slew = "2 Cel/s"
lease = "10s"
fail_safe = 80
readback = false
on_stop = "hold"
mode = "auto"

[plugins.zscore]
component = "zscore.wasm"
inputs = { signals = ["t*"] }
window = 32

[plugins.stepper]
component = "stepper.wasm"
inputs = { signals = ["t*"] }
outputs = { setpoint = "reactor.temp_sp" }
parameters = { step = 0.001, start = 80.0 }
mode = "auto"
"#,
    );
    // Nowhere, through the ordinary sink.
    let _ = writeln!(text, "\n[sinks.nowhere]\nkind = \"jsonl\"\npath = \"/dev/null\"\n");
    text
}

/// Rows that were made ahead, with their times moved on.
struct Blocks {
    blocks: Vec<Vec<Vec<(TagId, RawValue)>>>,
    next: usize,
    time_ns: TimeNs,
}

impl Blocks {
    fn new(tags: &[TagId]) -> Blocks {
        let mut state = 1_u64;
        let mut noise = || {
            // A linear congruential generator (Knuth's MMIX constants): any numbers will do.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut row = || tags.iter().take(TAGS).map(|tag| (*tag, RawValue::Number(noise()))).collect();
        let blocks = (0..MADE_BLOCKS).map(|_| (0..ROWS).map(|_| row()).collect()).collect();
        Blocks { blocks, next: 0, time_ns: 0 }
    }
}

impl Source for Blocks {
    fn drain(&mut self, _now_ns: TimeNs, readings: &mut Vec<Reading>) {
        for row in &self.blocks[self.next] {
            self.time_ns += ROW_NS;
            readings.push(Reading {
                source: SourceId(0),
                kind: ReadingKind::Row,
                asset: None,
                time_ns: self.time_ns,
                values: row.clone(),
            });
        }
        self.next = (self.next + 1) % MADE_BLOCKS;
    }

    fn next_time_ns(&self) -> Option<TimeNs> {
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_configuration_is_prepared() {
        let folder = tempfile::tempdir().unwrap();
        prepared(folder.path()).unwrap();
    }
}
