//! Demand that comes now and then: how often, how much, and the quantiles of a period's.
//!
//! Croston's method, *Forecasting and Stock Control for Intermittent Demands*, 1972, smooths the size of a demand and
//! the time between two; SBA takes its bias away (Syntetos & Boylan, *The accuracy of intermittent demand estimates*,
//! 2005); TSB smooths the probability of a demand each period, so that it falls where nothing comes any more (Teunter,
//! Syntetos & Babai, *Intermittent demand: Linking forecasting to inventory obsolescence*, 2011).

use super::LEVELS;

/// How the mean of a period's demand is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Size over interval.
    Croston,
    /// The same less its bias.
    Sba,
    /// Size times probability.
    Tsb,
}

/// The rate of the sizes and intervals. Small rates suit what is rare: Syntetos & Boylan recommend 0.05 to 0.2, and
/// what ends is seen by TSB.
const RATE: f64 = 0.05;
/// The probability's rate of TSB.
const PROBABILITY_RATE: f64 = 0.05;
/// Sizes that are kept for the quantiles.
const MAX_SIZES: usize = 64;
/// A mean of periods between demands from which on they are intermittent, and the squared coefficient of variation of the
/// sizes from which on they are lumpy (Syntetos, Boylan & Croston, *On the categorization of demand patterns*, 2005).
pub const INTERMITTENT_ADI: f64 = 1.32;
/// See [`INTERMITTENT_ADI`].
pub const LUMPY_CV2: f64 = 0.49;
/// Demands before anything is told of their kind.
const MIN_DEMANDS: u64 = 3;
/// A time without demand is the end of it where the intervals before make one so long less probable than this.
const OBSOLETE: f64 = 0.01;

/// What is kept of a series of demands.
#[derive(Clone, Debug, Default)]
pub struct Intermittent {
    /// Known periods.
    periods: u64,
    demands: u64,
    /// Periods since the last demand.
    since: u64,
    size: f64,
    interval: f64,
    probability: f64,
    /// The newest sizes, the last one last.
    sizes: Vec<f64>,
    /// Some demand was below zero: a return, or no demand at all.
    negative: bool,
    /// Some size was not a whole number.
    broken: bool,
}

impl Intermittent {
    /// Takes a period's demand; one that is not known says nothing.
    pub fn push(&mut self, demand: Option<f64>) {
        let Some(demand) = demand else { return };
        self.periods += 1;
        self.since += 1;
        self.negative |= demand < 0.0;
        let came = demand > 0.0;
        if self.demands > 0 {
            self.probability += PROBABILITY_RATE * (f64::from(u8::from(came)) - self.probability);
        }
        if !came {
            return;
        }
        self.demands += 1;
        self.broken |= demand.fract() != 0.0;
        // Of the first few demands the plain mean: what one demand says must not stand for long.
        let rate = RATE.max(1.0 / self.demands as f64);
        self.size += rate * (demand - self.size);
        self.interval += rate * (self.since as f64 - self.interval);
        if self.demands <= MIN_DEMANDS {
            self.probability = self.demands as f64 / self.periods as f64;
        }
        self.since = 0;
        if self.sizes.len() == MAX_SIZES {
            self.sizes.remove(0);
        }
        self.sizes.push(demand);
    }

    /// Mean periods between two demands; none before the first.
    #[must_use]
    pub fn adi(&self) -> Option<f64> {
        (self.demands > 0).then(|| self.periods as f64 / self.demands as f64)
    }

    /// The squared coefficient of variation of the sizes; none before the second.
    #[must_use]
    pub fn cv2(&self) -> Option<f64> {
        let (mean, variance) = self.spread()?;
        Some(variance / (mean * mean))
    }

    /// Mean and variance of the newest sizes.
    fn spread(&self) -> Option<(f64, f64)> {
        let n = self.sizes.len() as f64;
        let mean = self.sizes.iter().sum::<f64>() / n;
        let squares: f64 = self.sizes.iter().map(|size| (size - mean).powi(2)).sum();
        (self.sizes.len() > 1).then(|| (mean, squares / (n - 1.0)))
    }

    /// Whether demand comes now and then rather than always. Before the third demand nothing is said.
    #[must_use]
    pub fn is_intermittent(&self) -> bool {
        let enough = self.demands >= MIN_DEMANDS && !self.negative;
        enough && self.adi().is_some_and(|adi| INTERMITTENT_ADI <= adi)
    }

    /// Whether the time since the last demand is longer than its intervals explain, geometric as they are.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        let chance = (1.0 / self.interval.max(1.0)).min(1.0);
        self.demands >= MIN_DEMANDS && (1.0 - chance).powi(self.since.min(100_000) as i32) < OBSOLETE
    }

    /// The method that suits: TSB where demand seems to end, Croston's where it is hardly intermittent and its sizes are
    /// alike, else SBA (the three authors' scheme).
    #[must_use]
    pub fn method(&self) -> Method {
        let rare = self.adi().is_some_and(|adi| INTERMITTENT_ADI <= adi);
        let lumpy = self.cv2().is_some_and(|cv2| LUMPY_CV2 <= cv2);
        match (self.is_ending(), rare || lumpy) {
            (true, _) => Method::Tsb,
            (false, true) => Method::Sba,
            (false, false) => Method::Croston,
        }
    }

    /// The mean of a period's demand; zero before the first.
    #[must_use]
    pub fn mean(&self, method: Method) -> f64 {
        self.size * self.chance(method)
    }

    /// The probability that a period has a demand.
    #[must_use]
    pub fn chance(&self, method: Method) -> f64 {
        if self.demands == 0 {
            return 0.0;
        }
        let interval = self.interval.max(1.0);
        match method {
            Method::Croston => 1.0 / interval,
            Method::Sba => (1.0 - RATE / 2.0) / interval,
            Method::Tsb => self.probability.clamp(0.0, 1.0),
        }
    }

    /// The quantiles of [`LEVELS`] of one period's demand: nothing with the probability that none comes, else one of the
    /// sizes that came, with an exponential tail above the largest.
    #[must_use]
    pub fn quantiles(&self) -> Vec<f64> {
        let chance = self.chance(self.method());
        let mut sizes = self.sizes.clone();
        sizes.sort_by(f64::total_cmp);
        let of_level = |level: f64| {
            let above = 1.0 - level;
            if chance <= above { 0.0 } else { self.size_at(&sizes, 1.0 - above / chance) }
        };
        LEVELS.iter().map(|level| of_level(*level)).collect()
    }

    /// The size that a share `level` of the demands does not exceed.
    fn size_at(&self, sorted: &[f64], level: f64) -> f64 {
        let n = sorted.len();
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return 0.0 };
        let place = level * (n + 1) as f64;
        let size = if place < 1.0 {
            *first
        } else if place >= n as f64 {
            // With so few sizes the largest is no bound.
            let scale = self.spread().map_or(*last, |(_, variance)| variance.sqrt());
            let beyond = (1.0 - n as f64 / (n + 1) as f64) / (1.0 - level).max(1e-9);
            last + scale * beyond.max(1.0).ln()
        } else {
            let below = place.floor() as usize - 1;
            sorted[below] + place.fract() * (sorted[below + 1] - sorted[below])
        };
        // What comes in whole pieces is not forecast in halves; the tie goes to the larger.
        if self.broken { size } else { (size - 1e-9).ceil() }
    }
}

#[cfg(test)]
mod tests;
