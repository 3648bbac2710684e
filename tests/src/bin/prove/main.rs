//! `cargo xtask prove [ROW…]`: full counts and everything timed. A row prints its figure as its last line;
//! the exit code is 1 where one misses.
//!
//! - `crash`: a controller that is killed within a swap
//! - `models`: mutants and crashers, data in other files, slow ones and ones that give no number
//! - `plugin_faults`: endless loops, memory bombs, recursion, huge strings
//! - `replay`: a recorded hour once more, in another process and under other kernels
//! - `samples`: values and their quality, staleness, order
//! - `swaps`: versions swapped under load, bundles tampered with
//! - `site`: the demonstration over many seeds, crash loops, mutated configurations

mod crash;
mod models;
mod plugin_faults;
mod replay;
mod samples;
mod site;
mod swaps;

use anyhow::{Result, bail};
use std::process::ExitCode;

/// A row: its name, what it shows, and the run that gives its figure.
struct Row {
    name: &'static str,
    shows: &'static str,
    run: fn() -> Result<Proof>,
}

/// What a row came to.
struct Proof {
    figure: String,
    holds: bool,
}

const ROWS: [Row; 18] = [
    Row { name: "1", shows: "endless loops are stopped, neighbours go on", run: plugin_faults::loops },
    Row { name: "3", shows: "memory bombs stay within the cap", run: plugin_faults::memory_bombs },
    Row { name: "4", shows: "recursion traps and never aborts", run: plugin_faults::recursion },
    Row { name: "5", shows: "2 MiB across the boundary are refused", run: plugin_faults::huge_strings },
    Row { name: "8", shows: "a crash loop backs off and is quarantined", run: site::crash_loops },
    Row { name: "12", shows: "no model brings the host down", run: models::mutants },
    Row { name: "13", shows: "a model reads no other file", run: models::external_data },
    Row {
        name: "14",
        shows: "slow inference is cut, and what is no number never acts",
        run: models::slow_and_not_a_number,
    },
    Row { name: "bundle", shows: "a bundle that was changed is refused", run: swaps::tampered },
    Row { name: "crash", shows: "killed within a swap, the old version or the new one runs", run: crash::kills },
    Row { name: "swap", shows: "swaps lose no frame, and none has two owners", run: swaps::swaps },
    Row { name: "23", shows: "a bad value is never silently good", run: samples::qualities },
    Row { name: "24", shows: "stale is seen within one scan", run: samples::staleness },
    Row { name: "25", shows: "shuffled and repeated samples are counted exactly", run: samples::order },
    Row { name: "35", shows: "bad configurations are refused with line and column", run: site::mutants },
    Row { name: "demo", shows: "every fault seen, none made up, profit near its optimum", run: site::demo_seeds },
    Row { name: "replay", shows: "a recorded hour is the same in another process, to the byte", run: replay::hour },
    Row { name: "score", shows: "every bar of every scenario whose data are here", run: site::score },
];

fn main() -> Result<ExitCode> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for name in &wanted {
        if !ROWS.iter().any(|row| row.name == name) {
            let known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
            bail!("there is no row `{name}`; there are {}", known.join(", "));
        }
    }
    let mut missed = 0;
    for row in ROWS.iter().filter(|row| wanted.is_empty() || wanted.iter().any(|name| name == row.name)) {
        println!("row {}: {}", row.name, row.shows);
        let proof = match (row.run)() {
            Ok(proof) => proof,
            Err(error) => Proof { figure: format!("failed: {error:#}"), holds: false },
        };
        missed += usize::from(!proof.holds);
        println!("{}: {}", if proof.holds { "holds" } else { "MISSES" }, proof.figure);
    }
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
