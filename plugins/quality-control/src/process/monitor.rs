//! One row after another against the model, and which tags a fault shows in.
//!
//! Contributions are those of reconstruction: by how much the squared distance falls if the tag, at one of its lags, were
//! what the others say, g²/C⁻¹ᵢᵢ with g = C⁻¹(row − mean). Unlike the plain parts of the distance they do not smear over tags
//! that are well (C. F. Alcala, S. J. Qin, "Reconstruction-based contribution for process monitoring", Automatica 45, 2009).

use super::calibration::{AVERAGES, Model, WEIGHTS};
use serde::{Deserialize, Serialize};

/// An average stands at most so many times above its limit, so that it comes down soon after a fault has ended.
const CEILING: f64 = 4.0;
/// Tags that are named.
const NAMED: usize = 5;
/// How fast contributions are averaged.
const PART_WEIGHT: f64 = 0.3;
/// A tag is named whose part is at least this.
const LEAST_PART: f64 = 0.05;

/// What a row says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Averages of the score, the fastest first.
    pub averages: [f64; AVERAGES],
    /// Whether each is beyond its limit.
    pub alarms: [bool; AVERAGES],
    /// Tags with their parts in what is unusual, largest first; parts sum up to one over all tags.
    pub named: Vec<(usize, f64)>,
}

impl Judgement {
    /// Whether any average is beyond its limit.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        self.alarms.contains(&true)
    }
}

/// Where the process stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    /// Standardised rows, as many as the model has lags and one, oldest first; fewer at the beginning.
    history: Vec<f64>,
    averages: [f64; AVERAGES],
    /// Averaged contributions of the tags that vary.
    parts: Vec<f64>,
}

impl Monitor {
    /// At its beginning.
    #[must_use]
    pub fn new(model: &Model) -> Monitor {
        Monitor { history: Vec::new(), averages: [model.usual; AVERAGES], parts: vec![1.0; model.used()] }
    }

    /// Takes a row, NaN where a value is missing. None where the lags are not full yet, or less than half of the row is there.
    pub fn row(&mut self, row: &[f64], model: &Model) -> Option<Judgement> {
        let Some(z) = model.scale.standardise(row) else {
            // What comes next does not follow what came before.
            self.history.clear();
            return None;
        };
        let (used, full) = (model.used(), model.factor.values());
        if self.history.len() == full {
            self.history.drain(..used);
        }
        self.history.extend(z);
        if self.history.len() < full {
            return None;
        }
        let (score, white) = model.score(&self.history);
        for ((average, weight), limit) in self.averages.iter_mut().zip(WEIGHTS).zip(model.limits) {
            *average = (*average + weight * (score - *average)).min(CEILING * limit);
        }
        self.take_parts(&model.factor.gradient(&white), model);
        let alarms = std::array::from_fn(|at| self.averages[at] > model.limits[at]);
        Some(Judgement { averages: self.averages, alarms, named: self.named(model) })
    }

    /// The next row does not follow the last one: the lags are filled anew, the averages stay.
    pub fn gap(&mut self) {
        self.history.clear();
    }

    /// A known change: what came before says nothing of what comes.
    pub fn restart(&mut self, model: &Model) {
        *self = Monitor::new(model);
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self, model: &Model) -> bool {
        let (used, full) = (model.used(), model.factor.values());
        let sizes = self.history.len() <= full && self.history.len().is_multiple_of(used) && self.parts.len() == used;
        let numbers = self.history.iter().chain(&self.averages).chain(&self.parts).all(|value| value.is_finite());
        sizes && numbers
    }

    /// The mean contribution over a tag's lags, averaged over a few rows.
    fn take_parts(&mut self, gradient: &[f64], model: &Model) {
        let used = self.parts.len();
        let most = CEILING * CEILING * gradient.len() as f64;
        for (tag, part) in self.parts.iter_mut().enumerate() {
            let lags = gradient.iter().zip(&model.precisions).skip(tag).step_by(used);
            let sum: f64 = lags.map(|(slope, precision)| slope * slope / precision).sum();
            let mean = sum / (model.lags + 1) as f64;
            *part += PART_WEIGHT * (mean.min(most) - *part);
        }
    }

    /// A usual contribution is one: what is above it is unusual.
    fn named(&self, model: &Model) -> Vec<(usize, f64)> {
        let beyond: Vec<f64> = self.parts.iter().map(|part| (part - 1.0).max(0.0)).collect();
        let total: f64 = beyond.iter().sum();
        if total <= 0.0 {
            return Vec::new();
        }
        let mut named: Vec<(usize, f64)> =
            model.scale.used().iter().copied().zip(beyond.iter().map(|part| part / total)).collect();
        named.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        named.truncate(NAMED);
        named.retain(|(_, part)| *part >= LEAST_PART);
        named
    }
}
