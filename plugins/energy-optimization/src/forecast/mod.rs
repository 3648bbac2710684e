//! A load's forecast, learnt from its own stream: the next quarter hour, and the next day.
//!
//! - [`profile`]: what the load usually is at a time of day
//! - [`history`]: the quarter hours behind, and what they say of the next
//! - [`trees`]: boosted regression trees, for the next quarter hour
//! - [`ahead`]: ridge regressions for horizons up to a day
//!
//! Nothing is known beforehand: the first forecast is that the load stays. Every constant is a count of rows, a share or a
//! relative measure, so that the load's unit does not matter.

pub mod ahead;

pub mod history;

pub mod profile;

pub mod trees;

use ahead::{Ahead, PROFILES};
use history::{FEATURES, History, Row};
use profile::{Days, Local, Profile, SLOTS};
use serde::{Deserialize, Serialize};
use trees::{Fit, Settings, Trees};

/// Quarter hours that [`Forecaster::ahead`] covers: a day.
pub const HORIZON: usize = SLOTS;
/// How the trees are fitted.
const SETTINGS: Settings = Settings { trees: 300, leaves: 24, leaf_rows: 30, rate: 0.03, sample: 0.7 };
/// Trees grown with each quarter hour, so that a refit takes most of a day and no call is long.
const TREES_A_STEP: usize = 4;
/// Quarter hours before the first fit: a week.
const FIRST_FIT: usize = 7 * SLOTS;
/// Quarter hours missing in a row after which the record starts anew, rather than being filled: four weeks.
const MAX_GAP: i64 = 28 * SLOTS as i64;
/// A value so many times the largest of the last week is no load but a fault, unless the next one says the same.
const ABSURD: f64 = 5.0;
/// What a squared error still counts one quarter hour later: half after two days.
const ERROR_KEEP: f64 = 1.0 - std::f64::consts::LN_2 / (2.0 * 96.0);
/// A way's weight is its mean squared error to the power of minus this.
const ERROR_POWER: i32 = 4;
/// Ways of telling the next quarter hour: as the last, by regression, by trees.
const WAYS: usize = 3;

/// Learns a load and forecasts it. All loads have one unit, whichever it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecaster {
    slow: Profile,
    fast: Profile,
    weekday: Profile,
    history: History,
    ahead: Ahead,
    trees: Trees,
    /// Not kept over a restart: it starts again.
    #[serde(skip)]
    fit: Option<Box<Refit>>,
    /// Quarter hours since the last fit began.
    since_fit: usize,
    /// Number of the last quarter hour, counted from any fixed one; none before the first.
    quarter: Option<i64>,
    /// What each way said of the next quarter hour.
    said: [Option<f64>; WAYS],
    /// Decaying sums of squared errors, and of ones.
    errors: [(f64, f64); WAYS],
    /// A value held back as absurd.
    doubted: Option<f64>,
}

/// A fit in progress.
#[derive(Debug, Clone)]
struct Refit(Fit);

impl PartialEq for Refit {
    /// Where a fit stands is no part of what has been learnt.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Default for Forecaster {
    fn default() -> Self {
        Self::new()
    }
}

impl Forecaster {
    /// With nothing learnt.
    pub fn new() -> Self {
        Self {
            slow: Profile::new(Days::Kinds, (0.05, 0.15)),
            fast: Profile::new(Days::Kinds, (0.2, 0.3)),
            weekday: Profile::new(Days::Each, (0.15, 0.15)),
            history: History::default(),
            ahead: Ahead::new(),
            trees: Trees::default(),
            fit: None,
            since_fit: 0,
            quarter: None,
            said: [None; WAYS],
            errors: [(0.0, 0.0); WAYS],
            doubted: None,
        }
    }

    /// Takes in a quarter hour that has ended: its number on a clock that knows no summer time, its local time, and its mean
    /// load, none where it was not measured.
    ///
    /// Numbers left out count as not measured; one that is not above the last is ignored, which is what false says.
    pub fn push(&mut self, quarter: i64, local: Local, load: Option<f64>) -> bool {
        let gap = self.quarter.map_or(0, |last| quarter.saturating_sub(last).saturating_sub(1));
        if self.quarter.is_some_and(|last| quarter <= last) {
            return false;
        }
        if gap > MAX_GAP {
            self.history = History::default();
            self.said = [None; WAYS];
        } else {
            // The local times in between are counted back from this one.
            let week = 7 * SLOTS;
            for left in (1..=gap as usize).rev() {
                self.take(local.plus((week - left % week) % week), None);
            }
        }
        let load = self.believed(load);
        self.take(local, load);
        self.quarter = Some(quarter);
        self.refit();
        self.said = self.say();
        true
    }

    /// The load of the next quarter hour; none before the first.
    pub fn next(&self) -> Option<f64> {
        let weight = |(sum, n): (f64, f64)| if sum > 0.0 { (n / sum).powi(ERROR_POWER) } else { 0.0 };
        let weights = self.errors.map(weight);
        let of = self.said.iter().zip(weights).filter_map(|(said, w)| said.map(|value| (value, w)));
        let (sum, total) = of.fold((0.0, 0.0), |(s, t), (value, w)| (s + w * value, t + w));
        let combined = sum / total;
        if combined.is_finite() { Some(combined) } else { self.said.iter().find_map(|said| *said) }
    }

    /// The loads of the next [`HORIZON`] quarter hours; empty before the first one.
    pub fn ahead(&self) -> Vec<f64> {
        let (Some(now), Some(next)) = (self.now(), self.next()) else { return Vec::new() };
        let later = (2..=HORIZON).map(|h| self.profiles(now.plus(h)).map_or(next, |p| self.ahead.forecast(h, p)));
        let (lo, hi) = self.range();
        std::iter::once(next).chain(later).map(|load| load.clamp(lo, hi)).collect()
    }

    /// What has been measured.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Local time of the last quarter hour.
    pub fn now(&self) -> Option<Local> {
        self.history.rows().next_back().map(|row| row.local)
    }

    /// Lets the fit in progress, or one that begins now, run to its end: for tests and for hosts that have the time.
    pub fn fit_now(&mut self) {
        let mut fit = self.fit.take().map_or_else(|| self.begin(), |fit| fit.0);
        fit.step(SETTINGS.trees);
        self.trees = fit.finish();
        self.said = self.say();
    }

    /// None for what is not measured, not finite, or absurd and alone.
    fn believed(&mut self, load: Option<f64>) -> Option<f64> {
        let load = load.filter(|load| load.is_finite() && load.abs() < f64::from(f32::MAX))?;
        let week = self.history.rows().rev().take(FIRST_FIT).map(|row| row.load.abs()).filter(|load| load.is_finite());
        let (largest, seen) = week.fold((0.0_f32, 0), |(m, n), load| (m.max(load), n + 1));
        let absurd = |load: f64| seen >= SLOTS && load.abs() > ABSURD * f64::from(largest) && largest > 0.0;
        let again = self.doubted.is_some_and(|before| absurd(before) && load.signum() == before.signum());
        self.doubted = absurd(load).then_some(load);
        (self.doubted.is_none() || again).then_some(load)
    }

    fn take(&mut self, local: Local, load: Option<f64>) {
        let profiles = self.profiles(local);
        if let Some(load) = load {
            self.score(load);
            if let Some(profiles) = profiles {
                self.ahead.learn(profiles, load);
            }
            for profile in [&mut self.slow, &mut self.fast, &mut self.weekday] {
                profile.push(local, load);
            }
        }
        self.said = [None; WAYS];
        let usual = profiles.map_or(f32::NAN, |[slow, ..]| slow as f32);
        self.history.push(Row { load: load.map_or(f32::NAN, |load| load as f32), usual, local });
        self.ahead.depart(self.history.departure());
        if local.slot % 4 == 3 {
            self.ahead.solve();
        }
        self.since_fit += 1;
    }

    fn score(&mut self, load: f64) {
        for ((sum, n), said) in self.errors.iter_mut().zip(self.said) {
            if let Some(said) = said {
                *sum = ERROR_KEEP * *sum + (said - load).powi(2);
                *n = ERROR_KEEP * *n + 1.0;
            }
        }
    }

    fn profiles(&self, at: Local) -> Option<[f64; PROFILES]> {
        Some([self.slow.at(at)?, self.fast.at(at)?, self.weekday.at(at)?])
    }

    fn say(&self) -> [Option<f64>; WAYS] {
        let last = self.history.last_load();
        let Some(at) = self.now().map(|now| now.plus(1)) else { return [None; WAYS] };
        let profiles = self.profiles(at);
        let (lo, hi) = self.range();
        let regression = profiles.map(|p| self.ahead.forecast(1, p).clamp(lo, hi));
        let usual = profiles.map_or(f32::NAN, |[slow, ..]| slow as f32);
        let usual_after = self.slow.at(at.plus(1)).map_or(f32::NAN, |slow| slow as f32);
        let row = self.history.features(self.history.len(), at, usual, usual_after);
        let trees = (!self.trees.is_empty()).then(|| self.trees.predict(&row).clamp(lo, hi));
        [last, regression, trees]
    }

    /// The smallest and largest load of the last four weeks.
    fn range(&self) -> (f64, f64) {
        let recent = self.history.rows().rev().take(4 * FIRST_FIT).map(|row| f64::from(row.load));
        let (lo, hi) = recent
            .filter(|load| load.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), load| (lo.min(load), hi.max(load)));
        if lo <= hi { (lo, hi) } else { (f64::MIN, f64::MAX) }
    }

    fn refit(&mut self) {
        if let Some(mut fit) = self.fit.take() {
            if fit.0.step(TREES_A_STEP) {
                self.trees = fit.0.finish();
            } else {
                self.fit = Some(fit);
            }
        } else if self.history.len() >= FIRST_FIT && (self.trees.is_empty() || self.since_fit >= SLOTS) {
            self.since_fit = 0;
            self.fit = Some(Box::new(Refit(self.begin())));
        }
    }

    fn begin(&self) -> Fit {
        let rows = self.history.len();
        let mut features = Vec::with_capacity(rows * FEATURES);
        let mut targets = Vec::with_capacity(rows);
        for (at, row) in self.history.rows().enumerate() {
            let after = self.history.get(at + 1).map_or(f32::NAN, |row| row.usual);
            features.extend(self.history.features(at, row.local, row.usual, after));
            targets.push(row.load);
        }
        Fit::new(&features, FEATURES, &targets, SETTINGS)
    }
}

#[cfg(test)]
mod tests;
