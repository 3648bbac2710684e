//! What a series was: equally spaced values, those that are missing filled in.

use super::regression::Transform;

/// Values that are kept at most; then the older half goes.
const MAX_VALUES: usize = 4_096;
/// Rest and demand a season apart that agree better than by this correlation (Yule's phi) are the season's.
const BY_SEASON: f64 = 0.3;

/// The newest values.
#[derive(Clone, Debug)]
pub struct History {
    values: Vec<f64>,
    /// Their logarithms, as long as every one is above zero.
    logs: Option<Vec<f64>>,
    known: Vec<bool>,
    /// Values since the beginning.
    count: usize,
    /// Where a value is missing, that so many before it takes its place.
    season: usize,
    /// Range of the known values.
    low: f64,
    high: f64,
}

impl History {
    /// Nothing yet.
    #[must_use]
    pub fn new(season: usize) -> Self {
        Self::after(season, 0)
    }

    /// Nothing yet, but so many values have been.
    fn after(season: usize, count: usize) -> Self {
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { values: Vec::new(), logs: Some(Vec::new()), known: Vec::new(), count, season, low, high }
    }

    /// As it was before its oldest value that is kept: to be filled anew.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self::after(self.season, self.count - self.values.len())
    }

    /// Takes a value, or fills it in where it is missing. Nothing is kept before the first known one.
    pub fn push(&mut self, value: Option<f64>) {
        let Some(filled) = value.or_else(|| self.fill()) else { return };
        self.values.push(filled);
        self.known.push(value.is_some());
        self.count += 1;
        self.low = self.low.min(filled);
        self.high = self.high.max(filled);
        match &mut self.logs {
            Some(logs) if filled > 0.0 => logs.push(filled.ln()),
            logs => *logs = None,
        }
        if self.values.len() > MAX_VALUES {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let gone = self.values.len() - MAX_VALUES / 2;
        self.values.drain(..gone);
        self.known.drain(..gone);
        // What was not above zero may be among those gone.
        self.logs = self.values.iter().map(|value| (*value > 0.0).then(|| value.ln())).collect();
        self.low = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        self.high = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    }

    /// The value a season ago, else the last one.
    fn fill(&self) -> Option<f64> {
        let ago = self.values.len().checked_sub(self.season).and_then(|at| self.values.get(at));
        ago.or(self.values.last()).copied()
    }

    /// Values since the beginning, those no longer kept included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The newest values, the last one last.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The same, where they were measured.
    pub fn known(&self) -> impl Iterator<Item = Option<f64>> {
        self.values.iter().zip(&self.known).map(|(value, known)| known.then_some(*value))
    }

    /// The last value, where it was measured.
    #[must_use]
    pub fn last_known(&self) -> Option<f64> {
        self.known.last().filter(|known| **known).and(self.values.last()).copied()
    }

    /// Whether all values are above zero.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.low > 0.0
    }

    /// Whether no value is below zero.
    #[must_use]
    pub fn is_never_negative(&self) -> bool {
        self.low >= 0.0
    }

    /// How values are compared: by their logarithms where all are above zero.
    #[must_use]
    pub fn transform(&self) -> Transform {
        if self.logs.is_some() { Transform::Log } else { Transform::Level }
    }

    /// Lifts all but the newest `since` values by what a [new level](super::shift) is above the old one.
    #[must_use]
    pub fn lifted(&self, since: usize, by: f64) -> History {
        let old = self.values.len().saturating_sub(since);
        let lift = |(at, value): (usize, Option<f64>)| match self.transform() {
            _ if old <= at => value,
            Transform::Log => value.map(|value| value * by.exp()),
            Transform::Level => value.map(|value| value + by),
        };
        let mut history = self.emptied();
        self.known().enumerate().map(lift).for_each(|value| history.push(value));
        history
    }

    /// As a regression sees them; none where that is not possible.
    #[must_use]
    pub fn seen(&self, transform: Transform) -> Option<&[f64]> {
        match transform {
            Transform::Level => Some(&self.values),
            Transform::Log => self.logs.as_deref(),
        }
    }

    /// Where a forecast is cut, as a regression sees it: the range of the values, and half as much on each side.
    #[must_use]
    pub fn bounds(&self, transform: Transform) -> (f64, f64) {
        let (low, high) = match transform {
            Transform::Level => (self.low, self.high),
            Transform::Log => (self.low.max(f64::MIN_POSITIVE).ln(), self.high.max(f64::MIN_POSITIVE).ln()),
        };
        let room = 0.5 * (high - low);
        (low - room, high + room)
    }

    /// The mean change over a season, without its sign; over one period where there is no season yet.
    #[must_use]
    pub fn mean_change(&self, season: usize) -> f64 {
        let lag = if self.values.len() > season { season } else { 1 };
        let changes = self.values.iter().zip(self.values.iter().skip(lag)).map(|(before, now)| (now - before).abs());
        changes.sum::<f64>() / self.values.len().saturating_sub(lag).max(1) as f64
    }

    /// Whether periods without demand come by the season.
    #[must_use]
    pub fn rests_by_season(&self, season: usize) -> bool {
        if season < 2 {
            return false;
        }
        // Pairs a season apart: both with demand, the first alone, the second alone, neither.
        let mut pairs = [0.0_f64; 4];
        for (before, now) in self.known().zip(self.known().skip(season)) {
            let (Some(before), Some(now)) = (before, now) else { continue };
            pairs[usize::from(before <= 0.0) * 2 + usize::from(now <= 0.0)] += 1.0;
        }
        let [both, first, second, neither] = pairs;
        let sides = (both + first) * (second + neither) * (both + second) * (first + neither);
        let phi = (both * neither - first * second) / sides.sqrt();
        let count: f64 = pairs.iter().sum();
        // NaN, where there is no rest or no demand, is not above anything.
        phi > BY_SEASON.max(3.0 / count.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[Option<f64>]) -> History {
        let mut history = History::new(3);
        values.iter().for_each(|value| history.push(*value));
        history
    }

    #[test]
    fn gaps_are_filled_by_the_season() {
        let history = of(&[None, Some(1.0), None, Some(3.0), None, Some(5.0), None]);
        assert_eq!(history.values(), [1.0, 1.0, 3.0, 1.0, 5.0, 3.0]);
        assert_eq!((history.count(), history.last_known()), (6, None));
        assert_eq!(history.known().flatten().collect::<Vec<_>>(), [1.0, 3.0, 5.0]);
    }

    #[test]
    fn logarithms_end_with_what_is_not_above_zero() {
        let mut history = of(&[Some(1.0), Some(4.0)]);
        assert_eq!(history.seen(Transform::Log), Some([0.0, 4.0_f64.ln()].as_slice()));
        assert!(history.is_positive());
        history.push(Some(0.0));
        assert_eq!(history.seen(Transform::Log), None);
        assert!(!history.is_positive() && history.is_never_negative());
        assert_eq!(history.bounds(Transform::Level), (-2.0, 6.0));
        // They are back once it is forgotten.
        (0..MAX_VALUES).for_each(|_| history.push(Some(2.0)));
        assert!(history.is_positive() && history.seen(Transform::Log).is_some());
        assert!(history.values().len() <= MAX_VALUES && history.count() == MAX_VALUES + 3);
    }

    #[test]
    fn a_night_is_no_lack_of_demand() {
        let night: Vec<Option<f64>> = (0..60).map(|at| Some(if at % 3 == 0 { 2.0 } else { 0.0 })).collect();
        assert!(of(&night).rests_by_season(3));
        let chance: Vec<Option<f64>> = (0..60).map(|at| Some(if at * at % 7 == 1 { 2.0 } else { 0.0 })).collect();
        assert!(!of(&chance).rests_by_season(3));
        assert!(!of(&[Some(1.0); 9]).rests_by_season(3));
    }
}
