//! What a watched bearing's instance saves.

use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::life::{Growth, Life};
use super::modes::{Evidence, Mode};
use super::point::Collector;
use super::{RECENT, Signs};

/// A failure mode that stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) mode: Mode,
    pub(super) growth: Option<Growth>,
    /// What it said at its last observation.
    pub(super) life: Option<Life>,
}

/// Everything that goes on from block to block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BearingState {
    pub(super) time_s: Option<f64>,
    /// Usual time between blocks.
    pub(super) period_s: Option<f64>,
    /// How long the machine stood, as far as blocks told.
    pub(super) stood_s: f64,
    pub(super) baseline: Baseline,
    pub(super) collector: Collector,
    /// The defect's order where none was given, and the powers of its first line and of that line's neighbours.
    pub(super) found: Option<(f64, f64, f64)>,
    /// The latest points' evidence, oldest first.
    pub(super) recent: Vec<Evidence>,
    pub(super) standing: Option<Standing>,
    /// Share of the way to failure, smoothed.
    pub(super) gone: f64,
    /// What the latest point showed.
    pub(super) signs: Option<Signs>,
    /// Share of the latest blocks that said something.
    pub(super) usable: f64,
}

impl BearingState {
    /// Of a bearing of which nothing was seen yet, with so many families of lines to watch.
    pub(super) fn new(families: usize) -> Self {
        BearingState {
            time_s: None,
            period_s: None,
            stood_s: 0.0,
            baseline: Baseline::new(families),
            collector: Collector::default(),
            found: None,
            recent: Vec::new(),
            standing: None,
            gone: 0.0,
            signs: None,
            usable: 1.0,
        }
    }

    /// Whether what was saved fits together, for a bearing of which so many orders are given.
    pub(super) fn is_sound(&self, given: usize) -> bool {
        let families = if self.found.is_some() { 1 } else { given };
        let found = self
            .found
            .is_none_or(|(order, first, beside)| given == 0 && [order, first, beside].iter().all(|x| x.is_finite()));
        let numbers = [self.time_s.unwrap_or(0.0), self.period_s.unwrap_or(0.0), self.stood_s, self.gone, self.usable];
        let evidence = self.recent.iter().all(|e| e.is_sound());
        let growth = self.standing.as_ref().and_then(|standing| standing.growth.as_ref());
        found
            && evidence
            && self.recent.len() <= RECENT
            && numbers.iter().all(|x| x.is_finite())
            && self.baseline.is_sound(families)
            && self.collector.is_sound(families)
            && growth.is_none_or(Growth::is_sound)
    }
}
