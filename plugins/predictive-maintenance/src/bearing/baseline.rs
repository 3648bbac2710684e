//! What is normal for this machine: learnt from its first blocks.
//!
//! Levels that go with the load are followed slowly while the machine is well, but never far from what was learnt: what
//! creeps would else be taken for usual. Defect lines are not followed at all.

use serde::{Deserialize, Serialize};

use super::features::{Family, GRID_ORDERS, GRID_PER_ORDER, HARMONICS};
use super::point::{Point, line};

/// Levels go on following a healthy machine, with a memory of so many points.
const MEMORY: f64 = 500.0;
/// …and no further than by this much in their logarithm.
const FOLLOW_MAX: f64 = 0.35;

/// The quietest running is this quantile of all healthy points, followed by such steps in its logarithm (Robbins, Monro 1951).
const QUIET_SHARE: f64 = 0.1;
const QUIET_STEP: f64 = 0.03;

/// Mean and variance of one number, as an average over its latest values.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Usual {
    pub(crate) mean: f64,
    variance: f64,
}

impl Usual {
    fn take(&mut self, x: f64, share: f64) {
        let miss = x - self.mean;
        self.mean += share * miss;
        self.variance = (1.0 - share) * (self.variance + share * miss * miss);
    }

    /// Follows a level that was `learnt` once.
    fn follow(&mut self, x: f64, share: f64, learnt: f64) {
        self.take(x, share);
        self.mean = self.mean.clamp(learnt - FOLLOW_MAX, learnt + FOLLOW_MAX);
    }

    pub(crate) fn sd(&self) -> f64 {
        self.variance.sqrt()
    }
}

/// The usual point of a healthy machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Baseline {
    points: u32,
    /// Means of the three logarithms below when learning ended.
    learnt: [f64; 3],
    /// Logarithm of the RMS above the high-pass.
    pub(crate) band: Usual,
    /// Its tenth percentile: how quietly the machine runs at its best load, which a defect's ringing is measured by.
    quiet: f64,
    /// Logarithm of the amplitude at the shaft's speed.
    pub(crate) turn: Usual,
    /// Logarithm of the RMS.
    pub(crate) rms: Usual,
    /// Excess of each family over the power of its noise.
    pub(crate) families: Vec<Usual>,
    /// Noise of the envelope's spectrum.
    pub(crate) noise: f64,
    /// The envelope's spectrum over its noise, by order; empty where the orders are known.
    orders: Vec<f32>,
    /// Score of the strongest family of all orders.
    pub(crate) strongest: Usual,
}

impl Baseline {
    pub(crate) fn new(families: usize) -> Self {
        let usual = Usual::default();
        Baseline {
            points: 0,
            learnt: [0.0; 3],
            band: usual,
            quiet: 0.0,
            turn: usual,
            rms: usual,
            families: vec![usual; families],
            noise: 0.0,
            orders: Vec::new(),
            strongest: usual,
        }
    }

    pub(crate) fn points(&self) -> u32 {
        self.points
    }

    /// Takes one of the first points.
    pub(crate) fn learn(&mut self, point: &Point) {
        self.points = self.points.saturating_add(1);
        let share = 1.0 / f64::from(self.points);
        self.band.take(point.band_rms.ln(), share);
        self.turn.take(point.turn.ln(), share);
        self.rms.take(point.rms.ln(), share);
        self.quiet = self.band.mean - 1.28 * self.band.sd();
        self.learnt = [self.band.mean, self.turn.mean, self.rms.mean];
        for (usual, family) in self.families.iter_mut().zip(&point.families) {
            usual.take(signal(family, point.noise), share);
        }
        self.noise += share * (point.noise - self.noise);
        self.orders.resize(point.orders.len(), 0.0);
        let orders = self.orders.iter_mut().zip(&point.orders);
        orders.for_each(|(mean, x)| *mean += share as f32 * (x - *mean));
        if let Some(strongest) = point.strongest {
            self.strongest.take(strongest.score, share);
        }
    }

    /// Takes a later point of a machine that is well.
    pub(crate) fn follow(&mut self, point: &Point) {
        self.points = self.points.saturating_add(1);
        let share = 1.0 / f64::from(self.points).min(MEMORY);
        let levels = [&mut self.band, &mut self.turn, &mut self.rms];
        let seen = [point.band_rms, point.turn, point.rms];
        for ((level, x), learnt) in levels.into_iter().zip(seen).zip(self.learnt) {
            level.follow(x.ln(), share, learnt);
        }
        self.noise += share * (point.noise - self.noise);
        let [learnt, _, _] = self.learnt;
        let below = f64::from(point.band_rms.ln() < self.quiet);
        self.quiet = (self.quiet + QUIET_STEP * (QUIET_SHARE - below)).clamp(learnt - FOLLOW_MAX, learnt + FOLLOW_MAX);
    }

    /// The RMS above the high-pass of a healthy machine at its best load.
    pub(crate) fn quiet_rms(&self) -> f64 {
        self.quiet.exp()
    }

    /// Watches no family from now on, or one that was found: what was seen at its order before is its usual.
    pub(crate) fn watch_found(&mut self, order: Option<f64>) {
        let usual = |order: f64| {
            let lines = (1..=HARMONICS).map(|h| line(&self.orders, order * h as f64));
            Usual { mean: lines.map(|power| (power - 1.0).max(0.0)).sum(), variance: 0.0 }
        };
        self.families = order.map(usual).into_iter().collect();
    }

    pub(crate) fn is_sound(&self, families: usize) -> bool {
        let all = [&self.band, &self.turn, &self.rms, &self.strongest].into_iter().chain(&self.families);
        let sizes = self.families.len() == families && self.orders.len() <= GRID_ORDERS * GRID_PER_ORDER;
        let mut numbers = self.learnt.iter().chain([&self.quiet, &self.noise]);
        sizes
            && numbers.all(|x| x.is_finite())
            && all.fold(true, |sound, u| sound && u.mean.is_finite() && u.variance >= 0.0)
    }
}

/// A family's excess in units of its noise.
pub(crate) fn signal(family: &Family, noise: f64) -> f64 {
    family.excess / noise.max(f64::MIN_POSITIVE)
}
