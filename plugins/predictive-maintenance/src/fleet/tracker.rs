//! One machine's cycles as features: averages, drifts from its own beginning, and parts of its life so far.

use serde::{Deserialize, Serialize};

use super::history::History;
use super::tables::{Feature, Settings};

/// Weights below this are none.
const NOTHING: f64 = 1e-12;

/// A standardised reading and how much it counts, above 0 and at most 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// In deviations from the fleet's mean.
    pub value: f64,
    /// Its weight.
    pub weight: f64,
}

/// Sums of weighted readings and of their weights, a number a sensor each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sums {
    values: Vec<f64>,
    weights: Vec<f64>,
}

impl Sums {
    fn new(width: usize) -> Self {
        Sums { values: vec![0.0; width], weights: vec![0.0; width] }
    }

    /// What was kept is multiplied by `keep`, what is new by `gain`.
    fn push(&mut self, row: &[Reading], keep: f64, gain: f64) {
        for ((value, weight), reading) in self.values.iter_mut().zip(&mut self.weights).zip(row) {
            *value = *value * keep + gain * reading.weight * reading.value;
            *weight = *weight * keep + gain * reading.weight;
        }
    }

    /// The weighted means; none where nothing was weighed.
    fn means(&self) -> impl Iterator<Item = Option<f64>> {
        self.values.iter().zip(&self.weights).map(|(value, weight)| ratio(*value, *weight))
    }

    fn is_sound(&self, width: usize) -> bool {
        let lengths = self.values.len() == width && self.weights.len() == width;
        lengths && self.values.iter().chain(&self.weights).all(|number| number.is_finite())
    }
}

fn ratio(sum: f64, weight: f64) -> Option<f64> {
    (weight > NOTHING).then(|| sum / weight)
}

/// An exponentially weighted mean of rows, its start corrected: the first row alone is its own mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Average {
    rate: f64,
    sums: Sums,
}

impl Average {
    fn push(&mut self, row: &[Reading]) {
        self.sums.push(row, 1.0 - self.rate, self.rate);
    }

    /// 0, the fleet's mean, where nothing was read yet.
    fn mean(&self) -> Vec<f64> {
        self.sums.means().map(|mean| mean.unwrap_or(0.0)).collect()
    }
}

/// The sum of the first rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Beginning {
    length: u32,
    rows: u32,
    sums: Sums,
}

impl Beginning {
    fn push(&mut self, row: &[Reading]) {
        if self.rows < self.length {
            self.rows += 1;
            self.sums.push(row, 1.0, 1.0);
        }
    }
}

/// What is kept of one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tracker {
    /// One for each rate of the recipe, slowest first.
    averages: Vec<Average>,
    /// One for each length of the recipe.
    beginnings: Vec<Beginning>,
    /// Rows of weighted readings, then their weights.
    history: History,
    /// The side to which each sensor's last reading leapt, or 0.
    leaps: Vec<i8>,
}

impl Tracker {
    /// A machine that has not run yet.
    #[must_use]
    pub fn new(width: usize, features: &[Feature]) -> Self {
        let (mut rates, mut lengths) = (Vec::new(), Vec::new());
        for feature in features {
            match *feature {
                Feature::Average { rate } => rates.push(rate),
                Feature::Drift { rate, baseline } => {
                    rates.push(rate);
                    lengths.push(baseline);
                }
                Feature::Span { .. } => {}
            }
        }
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        lengths.sort_unstable();
        lengths.dedup();
        let average = |rate| Average { rate, sums: Sums::new(width) };
        let beginning = |length| Beginning { length, rows: 0, sums: Sums::new(width) };
        Tracker {
            averages: rates.into_iter().map(average).collect(),
            beginnings: lengths.into_iter().map(beginning).collect(),
            history: History::new(2 * width),
            leaps: vec![0; width],
        }
    }

    /// Cycles so far.
    #[must_use]
    pub fn cycles(&self) -> u32 {
        self.history.cycles()
    }

    /// Takes one cycle's readings. One that is missing weighs nothing. So does one that leaps away from the fastest average,
    /// unless the one before leapt the same way: a single spike does not age the machine, a step does.
    pub fn push(&mut self, readings: &[Option<Reading>], settings: &Settings) {
        let settled = self.cycles() >= settings.spike_after;
        let middles: Vec<Option<f64>> = match self.averages.last() {
            Some(fastest) if settled => fastest.sums.means().collect(),
            _ => vec![None; readings.len()],
        };
        let row: Vec<Reading> = (readings.iter().zip(middles).zip(&mut self.leaps))
            .map(|((reading, middle), leapt)| {
                let Some(Reading { value, weight }) = *reading else {
                    *leapt = 0;
                    return Reading { value: 0.0, weight: 0.0 };
                };
                let value = value.clamp(-settings.clip, settings.clip);
                let Some(middle) = middle else { return Reading { value, weight } };
                // Where wear is told less loudly, there is more noise.
                let limit = settings.spike / weight.sqrt();
                let leap = if (value - middle).abs() <= limit { 0 } else { (value - middle).signum() as i8 };
                let before = std::mem::replace(leapt, leap);
                match leap {
                    0 => Reading { value, weight },
                    _ if leap == before => Reading { value: middle + f64::from(leap) * limit, weight },
                    _ => Reading { value, weight: 0.0 },
                }
            })
            .collect();
        self.averages.iter_mut().for_each(|average| average.push(&row));
        self.beginnings.iter_mut().for_each(|beginning| beginning.push(&row));
        let weighted = row.iter().map(|reading| reading.weight * reading.value);
        self.history.push(&weighted.chain(row.iter().map(|reading| reading.weight)).collect::<Vec<f64>>());
    }

    /// The slowest average: what drift is judged by.
    #[must_use]
    pub fn slowest(&self) -> Vec<f64> {
        self.averages.first().map(Average::mean).unwrap_or_default()
    }

    /// The features in the recipe's order.
    #[must_use]
    pub fn features(&self, recipe: &[Feature]) -> Vec<f32> {
        let mut features: Vec<f32> = Vec::new();
        for feature in recipe {
            let block = match *feature {
                Feature::Average { rate } => self.average(rate),
                Feature::Drift { rate, baseline } => {
                    let begun = self.beginning(baseline);
                    self.average(rate).iter().zip(begun).map(|(now, begun)| now - begun).collect()
                }
                Feature::Span { from, to } => self.span(from, to),
            };
            features.extend(block.into_iter().map(|value| value as f32));
        }
        features
    }

    /// Whether it is one of this recipe; for states that were stored elsewhere.
    #[must_use]
    pub fn is_sound(&self, width: usize, recipe: &[Feature]) -> bool {
        let fresh = Tracker::new(width, recipe);
        let averages = self.averages.len() == fresh.averages.len()
            && self.averages.iter().zip(&fresh.averages).all(|(a, b)| a.rate == b.rate && a.sums.is_sound(width));
        let beginnings = self.beginnings.len() == fresh.beginnings.len()
            && self
                .beginnings
                .iter()
                .zip(&fresh.beginnings)
                .all(|(a, b)| a.length == b.length && a.sums.is_sound(width));
        averages && beginnings && self.leaps.len() == width && self.history.is_sound(2 * width)
    }

    fn average(&self, rate: f64) -> Vec<f64> {
        self.averages.iter().find(|average| average.rate == rate).map(Average::mean).unwrap_or_default()
    }

    /// Where nothing was read, the slowest average stands for it.
    fn or_slowest(&self, means: impl Iterator<Item = Option<f64>>) -> Vec<f64> {
        means.zip(self.slowest()).map(|(mean, slowest)| mean.unwrap_or(slowest)).collect()
    }

    fn beginning(&self, length: u32) -> Vec<f64> {
        let found = self.beginnings.iter().find(|beginning| beginning.length == length);
        found.map_or_else(Vec::new, |found| self.or_slowest(found.sums.means()))
    }

    fn span(&self, from: f64, to: f64) -> Vec<f64> {
        let means = self.history.mean(from, to);
        let (values, weights) = means.split_at(means.len() / 2);
        self.or_slowest(values.iter().zip(weights).map(|(value, weight)| ratio(*value, *weight)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { cap: 125.0, least_cycles: 3, clip: 8.0, spike: 2.0, spike_after: 3 };
    const RECIPE: [Feature; 4] = [
        Feature::Average { rate: 0.5 },
        Feature::Average { rate: 0.25 },
        Feature::Drift { rate: 0.5, baseline: 2 },
        Feature::Span { from: 0.5, to: 1.0 },
    ];

    fn weighted(readings: &[Option<(f64, f64)>]) -> Tracker {
        let mut tracker = Tracker::new(1, &RECIPE);
        for reading in readings {
            tracker.push(&[reading.map(|(value, weight)| Reading { value, weight })], &SETTINGS);
        }
        tracker
    }

    fn after(readings: &[Option<f64>]) -> Tracker {
        weighted(&readings.iter().map(|reading| reading.map(|value| (value, 1.0))).collect::<Vec<_>>())
    }

    fn check(readings: &[Option<f64>], expected: [f32; 4]) {
        let features = after(readings).features(&RECIPE);
        let near = features.len() == 4
            && features.iter().zip(expected).all(|(given, expected)| (given - expected).abs() < 1e-5);
        assert!(near, "{readings:?}: {features:?}, expected {expected:?}");
    }

    #[test]
    fn features_follow_the_recipe() {
        check(&[Some(1.0)], [1.0, 1.0, 0.0, 1.0]);
        // (0.5·1 + 1·2)/1.5 and (0.75·1 + 1·2)/1.75, against a beginning of 1.5.
        check(&[Some(1.0), Some(2.0)], [5.0 / 3.0, 11.0 / 7.0, 1.0 / 6.0, 2.0]);
    }

    #[test]
    fn gaps_clips_and_spikes() {
        assert_eq!(after(&[Some(1.0), None]).features(&RECIPE), [1.0, 1.0, 0.0, 1.0]);
        let late = after(&[None, Some(2.0)]).features(&RECIPE);
        assert_eq!(late, [2.0, 2.0, 0.0, 2.0], "a gap weighs nothing");
        assert_eq!(after(&[None]).features(&RECIPE), [0.0; 4]);
        assert_eq!(after(&[Some(9.0)]).slowest(), [8.0]);
        let (calm, leap) = ([Some(0.0); 3], [Some(7.0); 2]);
        let span = |readings: &[&[Option<f64>]]| after(&readings.concat()).features(&RECIPE)[3];
        assert_eq!(span(&[&calm[..2], &leap[..1]]), 3.5, "too early to tell a spike");
        assert_eq!(span(&[&calm, &leap[..1]]), 0.0, "a spike");
        // Three cycles from 2.5 on, of which the first leap weighs nothing and the second is cut to 2.
        assert_eq!(span(&[&calm, &leap]), 1.0, "a step");
    }

    #[test]
    fn a_reading_counts_by_its_weight() {
        let features = weighted(&[Some((1.0, 1.0)), Some((3.0, 0.5))]).features(&RECIPE);
        // (0.5·1 + 0.5·3)/(0.5 + 0.5) of the fast average; the beginning is (1 + 1.5)/1.5.
        assert!((features[0] - 2.0).abs() < 1e-6 && (features[2] - (2.0 - 5.0 / 3.0)).abs() < 1e-6, "{features:?}");
        assert_eq!(features[3], 3.0);
    }

    #[test]
    fn a_state_is_of_one_recipe() {
        let tracker = after(&[Some(1.0), Some(2.0)]);
        assert!(tracker.is_sound(1, &RECIPE));
        assert!(!tracker.is_sound(2, &RECIPE));
        assert!(!tracker.is_sound(1, &RECIPE[..2]));
    }
}
