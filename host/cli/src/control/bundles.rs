//! Bundles, versions and swaps over the control socket, and how the command line shows them.

use super::client::table;
use comfy_table::Table;
use serde::{Deserialize, Serialize};

/// What a swap is asked for with; what is unsaid, the criteria's defaults say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SwapTerms {
    /// Frames in shadow.
    pub shadow_frames: Option<u64>,
    /// Share of frames whose answers may differ.
    pub divergence: Option<f64>,
    /// What counts as different.
    pub tolerance: Option<f64>,
    /// Frames that the candidate may miss in shadow.
    pub misses: Option<u64>,
    /// Length of the trial, run time.
    pub trial_ms: Option<u64>,
    /// Goes on by itself.
    pub automatic: bool,
    /// May begin without the incumbent's state.
    pub cold: bool,
    /// Grants what the candidate asks for beyond what the incumbent has.
    pub grant: bool,
    /// Takes a bar away.
    pub again: bool,
}

/// An installed bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BundleLine {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The plugins that it runs as.
    pub runs_as: Vec<String>,
    /// Fingerprint of its signer; none: unsigned.
    pub signer: Option<String>,
    /// RFC 3339.
    pub installed_at: String,
    /// By whom.
    pub installed_by: String,
    /// What it is known by.
    pub digest: String,
}

/// A plugin as it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginLine {
    /// Its name.
    pub name: String,
    /// `running`, `restarting` or `quarantined`; of several instances the worst.
    pub state: String,
    /// Its own mode.
    pub mode: String,
    /// Its version, as it describes itself.
    pub version: String,
    /// SHA-256 of the component that executes now.
    pub digest: String,
    /// Instances.
    pub instances: u64,
    /// How often its version changed since the controller started.
    pub generation: u64,
    /// Seconds of run time since its instance was started last.
    pub uptime_s: f64,
    /// Restarts after faults.
    pub restarts: u64,
    /// Calls that came back.
    pub calls: u64,
    /// Of these, faults.
    pub faults: u64,
    /// Frames that it missed.
    pub misses: u64,
    /// Wall time of the last call, µs.
    pub last_us: f64,
    /// Mean.
    pub mean_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// Longest.
    pub max_us: f64,
    /// Standard deviation of a call's time.
    pub jitter_us: f64,
    /// Linear memory of its instances, bytes.
    pub memory_bytes: u64,
    /// The swap under way.
    pub swap: Option<SwapLine>,
}

/// A swap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwapLine {
    /// Its number.
    pub number: u64,
    /// The plugin.
    pub plugin: String,
    /// What is swapped in.
    pub title: String,
    /// Its phase.
    pub phase: String,
    /// SHA-256 of the component that is swapped in.
    pub candidate: String,
    /// Frames that both answered in this phase.
    pub compared: u64,
    /// Of these, how many differed.
    pub differing: u64,
    /// Largest difference, in [0, 1].
    pub largest: f64,
    /// Frames that the candidate missed or faulted on.
    pub failed: u64,
    /// Why it ended, or what it waits for.
    pub why: String,
}

pub(super) fn bundle_table(bundles: &[BundleLine]) -> Table {
    let mut lines = table(&["bundle", "version", "runs as", "signed by", "installed", "digest"]);
    for bundle in bundles {
        lines.add_row([
            bundle.name.clone(),
            bundle.version.clone(),
            bundle.runs_as.join(", "),
            bundle.signer.as_deref().map_or("UNSIGNED".to_owned(), |signer| signer.chars().take(16).collect()),
            format!("{} by {}", bundle.installed_at, bundle.installed_by),
            bundle.digest.chars().take(16).collect(),
        ]);
    }
    lines
}

pub(super) fn status_text(plugins: &[PluginLine], ended: &[SwapLine]) -> String {
    let mut lines = table(&[
        "plugin",
        "state",
        "mode",
        "executes",
        "up",
        "restarts",
        "calls",
        "last / mean / p99 / max",
        "missed",
        "memory",
    ]);
    for plugin in plugins {
        let micro =
            |value: f64| if value < 1_000.0 { format!("{value:.0} µs") } else { format!("{:.1} ms", value / 1_000.0) };
        lines.add_row([
            plugin.name.clone(),
            plugin.state.clone(),
            plugin.mode.clone(),
            format!("{} {}", plugin.version, plugin.digest.get(..12).unwrap_or_default()),
            format!("{:.0} s", plugin.uptime_s),
            plugin.restarts.to_string(),
            plugin.calls.to_string(),
            format!(
                "{} / {} / {} / {}",
                micro(plugin.last_us),
                micro(plugin.mean_us),
                micro(plugin.p99_us),
                micro(plugin.max_us)
            ),
            plugin.misses.to_string(),
            format!("{} KiB", plugin.memory_bytes / 1024),
        ]);
    }
    let mut text = format!("{lines}\n");
    let under_way = plugins.iter().filter_map(|plugin| plugin.swap.as_ref());
    for swap in under_way.chain(ended) {
        text.push_str(&swap_text(swap));
    }
    text
}

fn swap_text(swap: &SwapLine) -> String {
    let seen = match swap.compared {
        0 => String::new(),
        compared => format!(
            "; {} of {compared} frames differ, by up to {:.4}; {} failed",
            swap.differing, swap.largest, swap.failed
        ),
    };
    let why = if swap.why.is_empty() { String::new() } else { format!("; {}", swap.why) };
    format!("swap {} of {}: {} is in {}{seen}{why}\n", swap.number, swap.plugin, swap.title, swap.phase)
}
