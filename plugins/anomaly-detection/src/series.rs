//! One series against its own past: for a single signal, where no other channel can say what is natural.
//!
//! Nine statistics ask in different ways whether the last stretch is like the ones before: eight of its shape, in windows of
//! 1/26 and 1/13 of the calibration cut into 1, 2, 4 and 8 blocks ([`shape`]), and one of its level for the time of day
//! ([`daily`]). Each is turned into how rare it is in its own history ([`tail`]); their mean is the evidence, and a threshold
//! that every alarm raises makes alarms of it ([`threshold`]). All lengths are shares of the calibration (`warmup`), all values
//! are in widths of the first rows ([`scale`]): there is nothing to be set by unit or rate.
//!
//! The settings were chosen on 32 files of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, "Evaluating Real-time
//! Anomaly Detection Algorithms"), where the calibration is the benchmark's probationary part, for a level that neighbouring
//! settings and altered files share rather than for the best figure. An alarm is one row, as that benchmark counts them.

pub mod daily;
pub mod scale;
pub mod shape;
pub mod tail;
pub mod threshold;

use serde::{Deserialize, Serialize};

use crate::detector::{Gravity, Judgement, Trust};
use daily::Daily;
use scale::Scale;
use shape::Shapes;
use tail::Tail;
use threshold::Threshold;

/// The scale is learnt from at most so many rows, which are kept until then: 16 KB, and few enough to go through at once.
const SCALE_ROWS_MAX: usize = 1000;
/// Blocks in a calibration, for each cut…
const CUTS: [usize; 5] = [13, 26, 52, 104, 208];
/// …and the windows of shape: index of the cut and blocks; 26 or 13 windows fill the calibration.
const WINDOWS: [(usize, usize); 8] = [(1, 1), (0, 1), (2, 2), (1, 2), (3, 4), (2, 4), (4, 8), (3, 8)];
/// The level is smoothed over the calibration divided by this.
const DAILY_SHARE: f64 = 100.0;
const STATISTICS: usize = WINDOWS.len() + 1;
/// An alarm is a grave one from this multiple of the threshold on.
const GRAVE: f64 = 2.0;
/// A score without an alarm stays below 0.5.
const QUIET_MAX: f64 = 0.99;

/// Everything that goes on from row to row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Rows of the calibration.
    warmup: u32,
    /// Rows so far, until the calibration is over.
    rows: u32,
    /// The first samples, until the scale is known.
    first: Vec<(i64, f64)>,
    scale: Option<Scale>,
    shapes: Vec<Shapes>,
    /// Of [`WINDOWS`], since their last whole block.
    novelties: Vec<f64>,
    daily: Daily,
    tails: Vec<Tail>,
    threshold: Threshold,
}

impl Series {
    /// That calibrates on so many rows, at least one.
    #[must_use]
    pub fn new(warmup: usize) -> Self {
        let warmup = u32::try_from(warmup.max(1)).unwrap_or(u32::MAX);
        Series {
            warmup,
            rows: 0,
            first: Vec::new(),
            scale: None,
            shapes: CUTS.iter().map(|cut| Shapes::new(block_length(warmup, *cut))).collect(),
            novelties: vec![0.0; WINDOWS.len()],
            daily: Daily::new(f64::from(warmup) / DAILY_SHARE),
            tails: vec![Tail::default(); STATISTICS],
            threshold: Threshold::default(),
        }
    }

    /// Whether what a saved state holds fits together, and this calibration.
    #[must_use]
    pub fn is_sound(&self, warmup: usize) -> bool {
        let shapes = self.shapes.iter().zip(CUTS).all(|(shapes, cut)| shapes.is_sound(block_length(self.warmup, cut)));
        self.warmup as usize == warmup.max(1)
            && self.rows <= self.warmup
            && self.first.len() <= SCALE_ROWS_MAX
            && self.shapes.len() == CUTS.len()
            && shapes
            && self.novelties.len() == WINDOWS.len()
            && self.novelties.iter().all(|novelty| novelty.is_finite())
            && self.daily.is_sound()
            && self.tails.len() == STATISTICS
            && self.tails.iter().all(Tail::is_sound)
            && self.threshold.is_sound()
    }

    /// About how many bytes its state takes, at most.
    #[must_use]
    pub fn size_hint(&self) -> usize {
        let blocks: usize = self.shapes.iter().map(Shapes::blocks).sum();
        20 * self.first.len() + 8 * blocks + 5 * 400 * STATISTICS + 1024
    }

    /// Judges a row: a usable sample, or none, and its time in nanoseconds since 1970-01-01 UTC.
    pub fn row(&mut self, time_ns: i64, sample: Option<f64>) -> Judgement {
        let calibrating = self.rows < self.warmup;
        if calibrating {
            self.rows += 1;
        } else {
            self.threshold.tick(self.warmup as usize);
        }
        let evidence = sample.filter(|x| x.is_finite()).and_then(|x| self.learn(time_ns, x));
        match evidence {
            Some(evidence) if !calibrating => self.judge(evidence),
            _ => Judgement::none(false),
        }
    }

    /// Takes a sample; the evidence, once there is a scale.
    fn learn(&mut self, time_ns: i64, x: f64) -> Option<f64> {
        if let Some(scale) = &mut self.scale {
            let z = scale.apply(x);
            return Some(self.push(time_ns, z));
        }
        self.first.push((time_ns, x));
        // A calibration in which nothing was measured goes on with what comes after it.
        let enough = (self.warmup as usize).min(SCALE_ROWS_MAX);
        if self.first.len() < enough && (self.rows < self.warmup || 2 * self.first.len() < enough) {
            return None;
        }
        let first = std::mem::take(&mut self.first);
        let mut scale = Scale::learn(&first.iter().map(|(_, x)| *x).collect::<Vec<f64>>());
        let mut evidence = None;
        for (time_ns, x) in first {
            let z = scale.apply(x);
            evidence = Some(self.push(time_ns, z));
        }
        self.scale = Some(scale);
        evidence
    }

    /// The mean rarity of all statistics.
    fn push(&mut self, time_ns: i64, z: f64) -> f64 {
        for (cut, shapes) in self.shapes.iter_mut().enumerate() {
            if !shapes.push(z) {
                continue;
            }
            for (novelty, (of, blocks)) in self.novelties.iter_mut().zip(WINDOWS) {
                if of == cut {
                    *novelty = shapes.novelty(blocks).unwrap_or(*novelty);
                }
            }
        }
        let level = self.daily.push(time_ns, z);
        let statistics = self.novelties.iter().chain([&level]);
        let sum: f64 = self.tails.iter_mut().zip(statistics).map(|(tail, statistic)| tail.push(*statistic)).sum();
        sum / STATISTICS as f64
    }

    fn judge(&mut self, evidence: f64) -> Judgement {
        let (ratio, alarm) = self.threshold.judge(evidence, self.warmup as usize);
        let gravity = match (alarm, ratio) {
            (true, GRAVE..) => Gravity::Grave,
            (true, _) => Gravity::Clear,
            // The evidence of an alarm that was already raised still stands.
            (false, 1.0..) => Gravity::Slight,
            (false, _) => Gravity::None,
        };
        let ratio = if alarm { ratio } else { ratio.min(QUIET_MAX) };
        let score = ratio / (1.0 + ratio);
        Judgement { trust: Trust::Good, score, alarm, gravity, named: vec![(0, 1.0)], q: 0.0, t2: 0.0 }
    }
}

/// Samples of a block where `cut` of them fill the calibration.
fn block_length(warmup: u32, cut: usize) -> usize {
    ((f64::from(warmup) / cut as f64).round() as usize).max(1)
}
