//! Shewhart's chart: each point by itself, and the runs rules.

use super::rules::{Rule, Rules, Runs};
use serde::{Deserialize, Serialize};

/// How it is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where the limits stand, in σ of what is plotted.
    pub width: f64,
    /// What signals.
    pub rules: Rules,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { width: 3.0, rules: Rules::limits() }
    }
}

/// Its state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shewhart {
    runs: Runs,
}

impl Shewhart {
    /// Takes a value in σ of what is plotted, from the centre.
    pub fn observe(&mut self, z: f64, settings: &Settings) -> Option<Rule> {
        self.runs.observe(z, &settings.rules, settings.width)
    }

    /// Begins anew.
    pub fn restart(&mut self) {
        self.runs.restart();
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.runs.is_sound()
    }
}
