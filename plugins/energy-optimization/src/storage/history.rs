//! What was measured, step by step, with gaps filled.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Days that are remembered.
pub const DAYS: usize = 30;

/// Load and generation of one step, in kWh.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Used by the site, without what the battery takes.
    pub load: f64,
    /// Generated.
    pub pv: f64,
}

impl Step {
    /// What is used beyond generation.
    pub fn net(&self) -> f64 {
        self.load - self.pv
    }
}

/// The newest [`DAYS`] days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    per_day: usize,
    steps: VecDeque<Step>,
}

impl History {
    /// Of nothing yet, `per_day` steps a day.
    pub fn new(per_day: usize) -> Self {
        Self { per_day: per_day.max(1), steps: VecDeque::new() }
    }

    /// Steps a day.
    pub fn per_day(&self) -> usize {
        self.per_day
    }

    /// Steps that are remembered.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The step of that number, 0 the oldest.
    pub fn get(&self, index: usize) -> Option<Step> {
        self.steps.get(index).copied()
    }

    /// All steps, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter()
    }

    /// Takes a step in. What is missing, not finite or below zero is taken to be as a day earlier, or as a step
    /// earlier.
    pub fn push(&mut self, load: Option<f64>, pv: Option<f64>) {
        let like = self.like_next();
        let usable = |value: Option<f64>| value.filter(|value| value.is_finite() && *value >= 0.0);
        let step = Step { load: usable(load).unwrap_or(like.load), pv: usable(pv).unwrap_or(like.pv) };
        self.steps.push_back(step);
        if self.steps.len() > DAYS * self.per_day {
            self.steps.pop_front();
        }
    }

    /// What the next step is likeliest to be without knowing it: a day earlier, corrected by how the last step
    /// differed.
    fn like_next(&self) -> Step {
        let last = self.steps.back().copied();
        let at = |back: usize| self.steps.len().checked_sub(back).and_then(|index| self.get(index));
        match (at(self.per_day), at(self.per_day + 1), last) {
            (Some(day), Some(before), Some(last)) => {
                let load = (day.load + 0.5 * (last.load - before.load)).max(0.0);
                let share = if before.pv > 0.0 { (last.pv / before.pv).clamp(0.3, 2.0) } else { 1.0 };
                Step { load, pv: day.pv * share }
            }
            (_, _, Some(last)) => last,
            _ => Step { load: 0.0, pv: 0.0 },
        }
    }

    /// Means of load and generation.
    pub fn mean(&self) -> Step {
        let count = self.steps.len().max(1) as f64;
        let (load, pv) = self.steps.iter().fold((0.0, 0.0), |(load, pv), step| (load + step.load, pv + step.pv));
        Step { load: load / count, pv: pv / count }
    }
}
