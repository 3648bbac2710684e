//! What a plant is built from besides its name: a seed, a fault script, recorded series, settings.

use crate::fault::Script;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Recorded series that a plant replays, such as the load of a real site. All are of one length.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// From one value to the next, in seconds.
    pub step_s: f64,
    /// By the plant's own names for them.
    pub series: BTreeMap<String, Vec<f64>>,
}

/// Everything that a plant may be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Equal options give equal plants.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Script,
    /// What it replays.
    pub recorded: Option<Arc<Recorded>>,
    /// Numbers by the plant's own names, in place of its defaults.
    pub settings: BTreeMap<String, f64>,
}

impl Options {
    /// Nothing but a seed and a script.
    pub fn new(seed: u64, faults: Script) -> Options {
        Options { seed, faults, recorded: None, settings: BTreeMap::new() }
    }

    /// A setting, or its default.
    pub fn setting(&self, name: &str, default: f64) -> f64 {
        self.settings.get(name).copied().unwrap_or(default)
    }

    /// The first setting that is none of `known`.
    pub fn unknown_setting(&self, known: &[&str]) -> Option<&str> {
        self.settings.keys().map(String::as_str).find(|name| !known.contains(name))
    }
}

impl Recorded {
    /// A series by its name.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.series.get(name).map(Vec::as_slice)
    }
}
