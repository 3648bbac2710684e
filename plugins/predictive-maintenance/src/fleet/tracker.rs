//! One machine's cycles as features: averages, drifts from its own beginning, and parts of its life so far.

use serde::{Deserialize, Serialize};

use super::history::History;
use super::tables::{Feature, Settings};

/// An exponentially weighted mean of rows, its start corrected: the first row alone is its own mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Average {
    rate: f64,
    weight: f64,
    sums: Vec<f64>,
}

impl Average {
    fn push(&mut self, row: &[f64]) {
        self.weight = self.weight * (1.0 - self.rate) + self.rate;
        for (sum, value) in self.sums.iter_mut().zip(row) {
            *sum = *sum * (1.0 - self.rate) + self.rate * value;
        }
    }

    fn mean(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| if self.weight > 0.0 { sum / self.weight } else { 0.0 }).collect()
    }
}

/// The sum of the first rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Beginning {
    length: u32,
    rows: u32,
    sums: Vec<f64>,
}

impl Beginning {
    fn push(&mut self, row: &[f64]) {
        if self.rows < self.length {
            self.rows += 1;
            self.sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
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
    history: History,
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
        let sums = vec![0.0; width];
        let average = |rate| Average { rate, weight: 0.0, sums: sums.clone() };
        let beginning = |length| Beginning { length, rows: 0, sums: sums.clone() };
        Tracker {
            averages: rates.into_iter().map(average).collect(),
            beginnings: lengths.into_iter().map(beginning).collect(),
            history: History::new(width),
        }
    }

    /// Cycles so far.
    #[must_use]
    pub fn cycles(&self) -> u32 {
        self.history.cycles()
    }

    /// Takes one cycle's standardised readings. A reading that is missing is taken to be the slowest average; one that
    /// leaps is cut, so that a single spike does not age the machine.
    pub fn push(&mut self, readings: &[Option<f64>], settings: &Settings) {
        let slowest = self.slowest();
        let fastest = self.averages.last().map(Average::mean).unwrap_or_default();
        let settled = self.cycles() >= settings.spike_after;
        let row: Vec<f64> = (readings.iter().zip(&slowest).zip(&fastest))
            .map(|((reading, slowest), fastest)| {
                let value = reading.unwrap_or(*slowest).clamp(-settings.clip, settings.clip);
                match settled {
                    true => value.clamp(fastest - settings.spike, fastest + settings.spike),
                    false => value,
                }
            })
            .collect();
        self.averages.iter_mut().for_each(|average| average.push(&row));
        self.beginnings.iter_mut().for_each(|beginning| beginning.push(&row));
        self.history.push(&row);
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
                Feature::Span { from, to } => self.history.mean(from, to),
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
            && self.averages.iter().zip(&fresh.averages).all(|(given, fresh)| {
                given.rate == fresh.rate
                    && (0.0..=1.000_001).contains(&given.weight)
                    && given.sums.len() == width
                    && given.sums.iter().all(|sum| sum.is_finite())
            });
        let beginnings = self.beginnings.len() == fresh.beginnings.len()
            && self.beginnings.iter().zip(&fresh.beginnings).all(|(given, fresh)| {
                given.length == fresh.length
                    && given.rows <= given.length
                    && given.sums.len() == width
                    && given.sums.iter().all(|sum| sum.is_finite())
            });
        averages && beginnings && self.history.is_sound(width)
    }

    fn average(&self, rate: f64) -> Vec<f64> {
        self.averages.iter().find(|average| average.rate == rate).map(Average::mean).unwrap_or_default()
    }

    fn beginning(&self, length: u32) -> Vec<f64> {
        let found = self.beginnings.iter().find(|beginning| beginning.length == length);
        found.map_or_else(Vec::new, |found| found.sums.iter().map(|sum| sum / f64::from(found.rows.max(1))).collect())
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

    fn after(readings: &[Option<f64>]) -> Tracker {
        let mut tracker = Tracker::new(1, &RECIPE);
        readings.iter().for_each(|reading| tracker.push(&[*reading], &SETTINGS));
        tracker
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
        assert_eq!(after(&[None]).features(&RECIPE), [0.0; 4]);
        assert_eq!(after(&[Some(9.0)]).slowest(), [8.0]);
        let calm = [Some(0.0); 3];
        assert_eq!(after(&[&calm[..2], &[Some(7.0)]].concat()).features(&RECIPE)[3], 3.5, "too early to tell a spike");
        assert_eq!(
            after(&[&calm[..], &[Some(7.0)]].concat()).features(&RECIPE)[3],
            1.0,
            "cut to 2 above an average of 0"
        );
    }

    #[test]
    fn a_state_is_of_one_recipe() {
        let tracker = after(&[Some(1.0), Some(2.0)]);
        assert!(tracker.is_sound(1, &RECIPE));
        assert!(!tracker.is_sound(2, &RECIPE));
        assert!(!tracker.is_sound(1, &RECIPE[..2]));
    }
}
