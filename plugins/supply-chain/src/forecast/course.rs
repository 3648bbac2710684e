//! A series whose seasons are settled: its history, and what forecasts it.

use super::bands::Errs;
use super::history::History;
use super::intermittent::Intermittent;
use super::mixture::{Mixture, Told};
use super::pool::Pool;
use super::season::Seasons;
use super::shift;

/// Of a standard deviation, that of a normal distribution, the mean absolute value is this share.
const MEAN_ABSOLUTE: f64 = 0.797_885;

/// A new level is looked for so many times in a long season.
const LOOKS_A_SEASON: usize = 14;

/// What has been learnt of a series.
#[derive(Clone, Debug)]
pub struct Course {
    seasons: Seasons,
    horizon: usize,
    history: History,
    intermittent: Intermittent,
    /// Values until a new level is looked for again.
    wait: usize,
    /// None while demand is intermittent.
    regular: Option<Regular>,
}

/// The mixture of the pool.
#[derive(Clone, Debug)]
struct Regular {
    pool: Pool,
    mixture: Mixture,
}

impl Regular {
    fn new(seasons: Seasons, horizon: usize) -> Self {
        let pool = Pool::new(seasons, horizon);
        Self { mixture: Mixture::new(pool.len(), horizon), pool }
    }

    /// Learns the history's last value.
    fn learn(&mut self, history: &History) {
        self.pool.learn(history);
        self.mixture.learn(history.last_known());
        if self.mixture.is_due() {
            self.pool.fit();
            self.mixture.promise(self.pool.forecast(history));
        }
    }
}

impl Course {
    /// Of these seasons; `horizon` unsaid is theirs.
    #[must_use]
    pub fn new(seasons: Seasons, horizon: Option<usize>) -> Self {
        let horizon = horizon.unwrap_or(seasons.horizon());
        let (history, intermittent) = (History::new(seasons.short), Intermittent::default());
        Self {
            seasons,
            horizon,
            history,
            intermittent,
            wait: seasons.long,
            regular: Some(Regular::new(seasons, horizon)),
        }
    }

    /// The same values seen with other seasons.
    #[must_use]
    pub fn with_seasons(&self, seasons: Seasons, horizon: Option<usize>) -> Self {
        let mut course = Self::new(seasons, horizon);
        self.history.known().for_each(|value| course.push(value));
        course
    }

    /// Takes the next period's value, where there is one.
    pub fn push(&mut self, value: Option<f64>) {
        self.history.push(value);
        if self.history.values().is_empty() {
            return;
        }
        self.intermittent.push(value);
        if self.is_intermittent() {
            self.regular = None;
        } else if let Some(lifted) = self.at_new_level() {
            self.history = lifted;
            self.regular = Some(self.relearnt());
        } else if let Some(regular) = &mut self.regular {
            regular.learn(&self.history);
        } else {
            self.regular = Some(self.relearnt());
        }
    }

    /// The history as if its new level had always been, where there is one.
    fn at_new_level(&mut self) -> Option<History> {
        self.wait = self.wait.saturating_sub(1);
        if self.wait > 0 {
            return None;
        }
        self.wait = (self.seasons.long / LOOKS_A_SEASON).max(1);
        let shift = shift::find(&self.history, self.seasons.long)?;
        // Until a season has passed the same change would be seen again.
        self.wait = self.seasons.long;
        Some(self.history.lifted(shift.since, shift.by))
    }

    /// Whether demand comes now and then, and not by the season (a shop that is closed at night is no such thing).
    fn is_intermittent(&self) -> bool {
        self.intermittent.is_intermittent() && !self.history.rests_by_season(self.seasons.long)
    }

    /// The pool, having learnt what is known of the past.
    fn relearnt(&self) -> Regular {
        let mut regular = Regular::new(self.seasons, self.horizon);
        let mut history = self.history.emptied();
        for value in self.history.known() {
            history.push(value);
            regular.learn(&history);
        }
        regular
    }

    /// The quantiles of each period ahead; nothing before the first value.
    #[must_use]
    pub fn forecast(&self) -> Vec<Vec<f64>> {
        let Some(regular) = &self.regular else {
            return vec![self.intermittent.quantiles(); self.horizon];
        };
        let mixed = regular.mixture.mix(&regular.pool.forecast(&self.history));
        let errs = if self.history.is_positive() { Errs::Relatively } else { Errs::Absolutely };
        let spread = self.history.mean_change(self.seasons.short) / MEAN_ABSOLUTE;
        let mut quantiles = regular.mixture.errors().quantiles(&mixed, errs, spread);
        if self.history.is_never_negative() {
            quantiles.iter_mut().flatten().for_each(|value| *value = value.max(0.0));
        }
        quantiles
    }

    /// Its seasons.
    #[must_use]
    pub fn seasons(&self) -> Seasons {
        self.seasons
    }

    /// Its values.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What is known of it as intermittent demand.
    #[must_use]
    pub fn intermittent(&self) -> &Intermittent {
        &self.intermittent
    }

    /// What each member of the pool forecasts and its weight; nothing while demand is intermittent.
    #[must_use]
    pub fn members(&self) -> (Told, Vec<f64>) {
        let Some(regular) = &self.regular else { return (Vec::new(), Vec::new()) };
        let told = regular.pool.forecast(&self.history);
        let weights = regular.mixture.weights(&told);
        (told, weights)
    }
}
