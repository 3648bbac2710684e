//! Remaining life from a growing indicator.
//!
//! Degradation grows exponentially with a rate that differs from unit to unit, and the rate's distribution is updated with
//! each observation (Gebraeel, Lawley, Li, Ryan, "Residual-life distributions from component degradation signals: a Bayesian
//! approach", 2005). Their prior comes from units that failed before; here none has, and a rate may be that of minutes or of
//! years. So the logarithm of the rate has a flat prior on a grid, each rate has a Kalman filter of the indicator's logarithm,
//! and rates pass to their neighbours as the indicator grows (an interacting-multiple-model filter, Blom and Bar-Shalom 1988).
//! All noise is measured in growth and not in seconds, so that nothing depends on how fast a bearing wears.
//!
//! Remaining life is the first passage of the failure level.

use serde::{Deserialize, Serialize};

/// The grid of rates, in e-foldings a second: from one in three years to one in two minutes.
const RATE_MIN_PER_S: f64 = 1e-8;
const RATE_STEP: f64 = 0.2;
const RATES: usize = 69;
/// Variance that the logarithm of the rate gains while the indicator grows by a factor e.
const RATE_WANDER: f64 = 0.03;
/// Variance that the indicator's logarithm gains, beyond its rate, while it grows by a factor e.
const PROCESS: f64 = 0.002;
/// An observation of another kind: so likely, and of such a standard deviation.
const OUTLIER_SHARE: f64 = 0.02;
const OUTLIER_SD: f64 = 1.0;
/// The interval holds the truth four times of five.
const TAIL: f64 = 0.1;
/// Where the observations do not bound the life yet, its lower end still leans on the flat prior, which holds rates of years:
/// it is taken further out.
const DEEP_TAIL: f64 = 0.01;
/// An upper end within so many e-foldings, at the rate that is believed in, is the end at hand and always given: slow rates
/// of the flat prior would put it further out.
const END_FOLDINGS: f64 = 1.0;

/// Remaining life, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Life {
    /// Shorter with a chance of one in ten.
    pub lower_s: f64,
    /// As likely shorter as longer.
    pub median_s: f64,
    /// Longer with a chance of one in ten; none where the observations do not bound it yet: "more than `lower_s`".
    pub upper_s: Option<f64>,
}

impl Life {
    /// What is left of it so much later, when nothing else was seen since.
    #[must_use]
    pub fn later(self, since_s: f64) -> Life {
        let left = |s: f64| (s - since_s).max(0.0);
        Life { lower_s: left(self.lower_s), median_s: left(self.median_s), upper_s: self.upper_s.map(left) }
    }
}

/// One rate's filter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Lane {
    weight: f64,
    mean: f64,
    variance: f64,
}

/// What is believed of a growing indicator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    lanes: Vec<Lane>,
    time_s: f64,
}

fn rate(lane: usize) -> f64 {
    RATE_MIN_PER_S * (RATE_STEP * lane as f64).exp()
}

impl Growth {
    /// From a first observation of the indicator's logarithm and its variance.
    pub fn begin(time_s: f64, log_indicator: f64, variance: f64) -> Self {
        let lane = Lane { weight: 1.0 / RATES as f64, mean: log_indicator, variance };
        Growth { lanes: vec![lane; RATES], time_s }
    }

    /// Whether a saved state is one of this grid.
    pub fn is_sound(&self) -> bool {
        let sound = |lane: &Lane| {
            lane.weight.is_finite() && lane.mean.is_finite() && lane.variance.is_finite() && lane.variance > 0.0
        };
        self.lanes.len() == RATES && self.time_s.is_finite() && self.lanes.iter().all(sound)
    }

    /// Takes an observation of the indicator's logarithm and its variance.
    pub fn observe(&mut self, time_s: f64, log_indicator: f64, variance: f64) {
        let dt_s = time_s - self.time_s;
        if !(dt_s > 0.0 && log_indicator.is_finite() && variance > 0.0) {
            return;
        }
        self.time_s = time_s;
        self.mix(dt_s);
        let mut total = 0.0;
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let grown = rate(at) * dt_s;
            lane.mean += grown;
            lane.variance += PROCESS * grown;
            let miss = log_indicator - lane.mean;
            let spread = lane.variance + variance;
            let near = (1.0 - OUTLIER_SHARE) * density(miss, spread);
            let far = OUTLIER_SHARE * density(miss, spread + OUTLIER_SD * OUTLIER_SD);
            let likelihood = near + far;
            // An observation of the other kind is weighed by how likely it is not.
            let gain = lane.variance / spread * near / likelihood.max(f64::MIN_POSITIVE);
            lane.mean += gain * miss;
            lane.variance *= 1.0 - gain;
            lane.weight *= likelihood;
            total += lane.weight;
        }
        // All rates refuted at once: the weights before it stand.
        if total > 0.0 && total.is_finite() {
            self.lanes.iter_mut().for_each(|lane| lane.weight /= total);
        } else {
            self.lanes.iter_mut().for_each(|lane| lane.weight = 1.0 / RATES as f64);
        }
    }

    /// Rates pass to their neighbours, the more the further the indicator would have grown.
    fn mix(&mut self, dt_s: f64) {
        let moves = |at: usize| (RATE_WANDER * rate(at) * dt_s / (RATE_STEP * RATE_STEP)).min(0.5);
        let before = self.lanes.clone();
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let from = [at.checked_sub(1), Some(at), Some(at + 1)].into_iter().flatten();
            let shares = from.filter_map(|other| {
                let source = before.get(other)?;
                let share = if other == at { 1.0 - moves(at) } else { 0.5 * moves(other) };
                Some((source.weight * share, source))
            });
            let shares: Vec<(f64, &Lane)> = shares.collect();
            let weight: f64 = shares.iter().map(|(w, _)| w).sum();
            if weight > 1e-300 {
                let mean = shares.iter().map(|(w, l)| w * l.mean).sum::<f64>() / weight;
                let second = shares.iter().map(|(w, l)| w * (l.variance + (l.mean - mean).powi(2))).sum::<f64>();
                *lane = Lane { weight, mean, variance: second / weight };
            } else {
                lane.weight = 1e-300;
            }
        }
    }

    /// Time of the last observation.
    pub fn time_s(&self) -> f64 {
        self.time_s
    }

    /// The indicator's logarithm now.
    pub fn log_indicator(&self) -> f64 {
        self.lanes.iter().map(|lane| lane.weight * lane.mean).sum()
    }

    /// The rate that is believed in, in e-foldings a second.
    fn rate_per_s(&self) -> f64 {
        let lane: f64 = self.lanes.iter().enumerate().map(|(at, lane)| lane.weight * at as f64).sum();
        RATE_MIN_PER_S * (RATE_STEP * lane).exp()
    }

    /// The chance that the failure level, known to `level_sd`, is passed within `life_s`.
    fn fails_within(&self, life_s: f64, level: f64, level_sd: f64) -> f64 {
        let chance = |(at, lane): (usize, &Lane)| {
            let left = level - lane.mean;
            let grown = rate(at) * life_s;
            let ahead = left.max(0.0).min(grown);
            // What is not known: where it stands, where it fails, and what rate and indicator do on the way.
            let variance = lane.variance
                + level_sd * level_sd
                + PROCESS * ahead
                + ahead * ahead * (RATE_WANDER * ahead / 3.0 + RATE_STEP * RATE_STEP / 12.0);
            lane.weight * normal_cdf((grown - left) / variance.sqrt())
        };
        self.lanes.iter().enumerate().map(chance).sum()
    }

    /// Remaining life until the indicator's logarithm passes `level`, itself known to a standard deviation of `level_sd`.
    ///
    /// The upper end is given where it is at most `trusted` times the lower one.
    pub fn life(&self, level: f64, level_sd: f64, trusted: f64) -> Life {
        let quantile = |share: f64| {
            let (mut lo, mut hi) = ((1.0_f64).ln(), (4e9_f64).ln());
            for _ in 0..40 {
                let middle = 0.5 * (lo + hi);
                if self.fails_within(middle.exp(), level, level_sd) < share {
                    lo = middle;
                } else {
                    hi = middle;
                }
            }
            let found = (0.5 * (lo + hi)).exp();
            if found < 1.01 { 0.0 } else { found }
        };
        let (lower_s, median_s, upper_s) = (quantile(TAIL), quantile(0.5), quantile(1.0 - TAIL));
        // At the very end the lower end is 0 and the ratio says nothing: what is not known then is where the level is, some
        // share of an e-folding at the rate that is seen.
        let bounded = upper_s <= trusted * lower_s.max(0.1 * median_s) || upper_s <= END_FOLDINGS / self.rate_per_s();
        if bounded {
            Life { lower_s, median_s, upper_s: Some(upper_s) }
        } else {
            Life { lower_s: quantile(DEEP_TAIL), median_s, upper_s: None }
        }
    }
}

fn density(x: f64, variance: f64) -> f64 {
    (-0.5 * x * x / variance).exp() / (std::f64::consts::TAU * variance).sqrt()
}

/// The standard normal distribution by Abramowitz and Stegun 7.1.26, to 1.5e-7.
fn normal_cdf(x: f64) -> f64 {
    let z = x.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let poly =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let tail = 0.5 * poly * (-z * z).exp();
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_right() {
        for (x, expected) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.281_551_6, 0.1), (3.0, 0.998_650_1)] {
            assert!((normal_cdf(x) - expected).abs() < 1e-6, "{x}: {}", normal_cdf(x));
        }
    }

    #[test]
    fn steady_growth_of_any_speed_is_extrapolated() {
        for life_s in [3600.0, 86_400.0, 1e7] {
            let mut growth = Growth::begin(0.0, -3.0, 0.01);
            for step in 1..=100 {
                let time_s = 0.6 * life_s * f64::from(step) / 100.0;
                let jitter = if step % 2 == 0 { 0.05 } else { -0.05 };
                growth.observe(time_s, -3.0 + 3.0 * time_s / life_s + jitter, 0.0025);
            }
            let life = growth.life(0.0, 0.05, 20.0);
            let truth = 0.4 * life_s;
            assert!((life.median_s / truth - 1.0).abs() < 0.1, "{life_s}: {life:?}");
            let upper_s = life.upper_s.expect("bounded");
            assert!(life.lower_s < truth && truth < upper_s && upper_s < 2.0 * life.lower_s, "{life_s}: {life:?}");
        }
    }

    #[test]
    fn one_observation_bounds_nothing_and_the_level_passed_is_the_end() {
        let growth = Growth::begin(0.0, -3.0, 0.01);
        assert_eq!(growth.life(0.0, 0.05, 20.0).upper_s, None);
        let mut growth = Growth::begin(0.0, -1.0, 0.01);
        (1..=60).for_each(|minute| growth.observe(60.0 * f64::from(minute), -1.0 + f64::from(minute) / 40.0, 0.001));
        let life = growth.life(0.0, 0.05, 20.0);
        assert_eq!((life.lower_s, life.median_s, life.upper_s), (0.0, 0.0, Some(0.0)), "{life:?}");
    }

    /// Near its end the lower end of the life is 0 while the level is known to a share of an e-folding only: what is left is
    /// bounded all the same. It was told as "more than 0".
    #[test]
    fn the_end_at_hand_is_bounded() {
        let (life_s, level_sd) = (36_000.0, 0.15);
        let mut growth = Growth::begin(0.0, -3.0, 0.01);
        let mut at_zero = 0;
        for step in 1..=300 {
            let time_s = life_s * f64::from(step) / 300.0;
            let jitter = if step % 2 == 0 { 0.05 } else { -0.05 };
            growth.observe(time_s, -3.0 + 3.0 * time_s / life_s + jitter, 0.0036);
            let left_s = life_s - time_s;
            if left_s > 0.05 * life_s {
                continue;
            }
            let life = growth.life(0.0, level_sd, 10.0);
            let upper_s = life.upper_s.expect("bounded");
            assert!(left_s <= upper_s && upper_s < 0.3 * life_s, "{left_s}: {life:?}");
            at_zero += usize::from(life.lower_s == 0.0);
        }
        assert!(at_zero > 5, "the case is the one that is meant");
    }

    #[test]
    fn one_wild_observation_changes_little() {
        let run = |wild: bool| {
            let mut growth = Growth::begin(0.0, -3.0, 0.01);
            for minute in 1..=200 {
                let odd = if wild && minute == 190 { 2.0 } else { 0.0 };
                growth.observe(60.0 * f64::from(minute), -3.0 + f64::from(minute) / 100.0 + odd, 0.0025);
            }
            growth.life(0.0, 0.05, 20.0)
        };
        let (clean, hit) = (run(false), run(true));
        assert!((hit.median_s / clean.median_s - 1.0).abs() < 0.1, "{clean:?} {hit:?}");
        assert!(hit.upper_s.is_some());
    }
}
