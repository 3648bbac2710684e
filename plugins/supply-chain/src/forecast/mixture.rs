//! Who was right lately: the members' weights, and the errors of their mixture.
//!
//! Every few periods the members' forecasts are put aside; when their horizon has passed, they are held against what came.
//! So weights and quantiles stand on forecasts as they were made, and not on how well the past can be fitted.

use std::collections::VecDeque;

use super::bands::Errors;

/// Promises made within one horizon.
const PER_HORIZON: usize = 6;
/// What a promise leaves of the scores before it: some five horizons' count.
const KEEP: f64 = 0.97;
/// A member's weight is 1 / its relative error to this power. Mixing much beats choosing: 1 to 3 do as well.
const POWER: i32 = 2;
/// Added to relative errors, so that one that was exact by chance does not take all.
const LEAST_ERROR: f64 = 0.02;
/// The weighted mean's share of the mixture; the rest is the members' plain median, which no stray moves.
const MEAN_SHARE: f64 = 0.3;

/// A member whose error is so many times the best one's has no vote in the median.
const HOPELESS: f64 = 4.5;

/// The members' forecasts; none of those that could not tell.
pub type Told = Vec<Option<Vec<f64>>>;

/// A forecast of the past that waits for what comes.
#[derive(Clone, Debug)]
struct Promise {
    members: Told,
    mixed: Vec<f64>,
    truth: Vec<Option<f64>>,
}

/// A member's relative errors, faded, and how many they are.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    sum: f64,
    weight: f64,
}

impl Score {
    /// The mean, drawn to 1 by half a promise.
    fn mean(&self) -> f64 {
        (self.sum + 0.5) / (self.weight + 0.5)
    }
}

/// Scores of the members and errors of their mixture.
#[derive(Clone, Debug)]
pub struct Mixture {
    horizon: usize,
    /// Periods until the next promise.
    wait: usize,
    promises: VecDeque<Promise>,
    scores: Vec<Score>,
    errors: Errors,
}

impl Mixture {
    /// Of so many members.
    #[must_use]
    pub fn new(members: usize, horizon: usize) -> Self {
        let (promises, scores) = (VecDeque::new(), vec![Score::default(); members]);
        Self { horizon, wait: 1, promises, scores, errors: Errors::new(horizon) }
    }

    /// Takes the next value, where it is known.
    pub fn learn(&mut self, value: Option<f64>) {
        self.wait = self.wait.saturating_sub(1);
        for promise in &mut self.promises {
            promise.truth.push(value);
        }
        while self.promises.front().is_some_and(|first| first.truth.len() >= self.horizon) {
            if let Some(promise) = self.promises.pop_front() {
                self.judge(&promise);
            }
        }
    }

    /// Whether it is time for a promise.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.wait == 0
    }

    /// Puts aside what the members forecast.
    pub fn promise(&mut self, members: Told) {
        self.wait = (self.horizon / PER_HORIZON).max(1);
        let mixed = self.mix(&members);
        if !mixed.is_empty() {
            self.promises.push_back(Promise { members, mixed, truth: Vec::with_capacity(self.horizon) });
        }
    }

    fn judge(&mut self, promise: &Promise) {
        let errors: Vec<Option<(f64, f64)>> =
            promise.members.iter().map(|member| error(member.as_ref()?, &promise.truth)).collect();
        let count = errors.iter().flatten().count().max(1) as f64;
        let absolute = errors.iter().flatten().map(|(absolute, _)| absolute).sum::<f64>() / count;
        let relative = errors.iter().flatten().map(|(_, relative)| relative).sum::<f64>() / count;
        if absolute > 0.0 && relative > 0.0 {
            for (score, error) in self.scores.iter_mut().zip(&errors) {
                let Some(error) = error else { continue };
                score.sum = KEEP * score.sum + 0.5 * error.0 / absolute + 0.5 * error.1 / relative;
                score.weight = KEEP * score.weight + 1.0;
            }
        }
        self.errors.add(&promise.mixed, &promise.truth);
    }

    /// Weights of the members that tell something; their sum is 1.
    #[must_use]
    pub fn weights(&self, members: &Told) -> Vec<f64> {
        let each = |(score, member): (&Score, &Option<Vec<f64>>)| {
            if member.is_some() { (score.mean() + LEAST_ERROR).powi(-POWER) } else { 0.0 }
        };
        let weights: Vec<f64> = self.scores.iter().zip(members).map(each).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum.max(f64::MIN_POSITIVE)).collect()
    }

    /// The members' weighted mean and their median, mixed; nothing where no member tells anything.
    #[must_use]
    pub fn mix(&self, members: &Told) -> Vec<f64> {
        let weights = self.weights(members);
        let told: Vec<(&Vec<f64>, f64)> =
            members.iter().zip(weights).filter_map(|(member, weight)| Some((member.as_ref()?, weight))).collect();
        if told.is_empty() {
            return Vec::new();
        }
        // Weights are errors to a power, so their bound is as well.
        let heaviest = told.iter().map(|(_, weight)| *weight).fold(0.0, f64::max);
        let votes = heaviest / HOPELESS.powi(POWER);
        let mut values = Vec::with_capacity(told.len());
        let step = |step: usize| {
            let mean: f64 = told.iter().map(|(member, weight)| weight * member[step]).sum();
            values.clear();
            values.extend(told.iter().filter(|(_, weight)| *weight >= votes).map(|(member, _)| member[step]));
            values.sort_by(f64::total_cmp);
            let n = values.len();
            let median = 0.5 * (values[(n - 1) / 2] + values[n / 2]);
            MEAN_SHARE * mean + (1.0 - MEAN_SHARE) * median
        };
        (0..self.horizon).map(step).collect()
    }

    /// The mixture's errors until now.
    #[must_use]
    pub fn errors(&self) -> &Errors {
        &self.errors
    }
}

/// Mean absolute and mean relative error (as sMAPE has it) over the known values.
fn error(forecast: &[f64], truth: &[Option<f64>]) -> Option<(f64, f64)> {
    let (mut absolute, mut relative, mut count) = (0.0, 0.0, 0.0);
    for (forecast, truth) in forecast.iter().zip(truth) {
        let Some(truth) = truth else { continue };
        let off = (forecast - truth).abs();
        let size = forecast.abs() + truth.abs();
        absolute += off;
        relative += if size > 0.0 { off / size } else { 0.0 };
        count += 1.0;
    }
    (count > 0.0).then(|| (absolute / count, relative / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After ten horizons in which the first member was right, and the second off by one.
    fn learnt() -> Mixture {
        let mut mixture = Mixture::new(3, 2);
        for period in 0..20 {
            mixture.learn(Some(f64::from(period)));
            if mixture.is_due() {
                let ahead = |off: f64| Some(vec![f64::from(period) + 1.0 + off, f64::from(period) + 2.0 + off]);
                mixture.promise(vec![ahead(0.0), ahead(1.0), None]);
            }
        }
        mixture
    }

    #[test]
    fn who_was_right_weighs_most() {
        let members = vec![Some(vec![4.0, 5.0]), Some(vec![6.0, 8.0]), None];
        let weights = learnt().weights(&members);
        assert!(weights[0] > 0.95 && weights[2] == 0.0, "{weights:?}");
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // Those that never told anything before weigh as the mean does.
        let fresh = learnt().weights(&vec![None, Some(vec![6.0, 8.0]), Some(vec![1.0, 1.0])]);
        assert!(fresh[1] < fresh[2], "{fresh:?}");
    }

    #[test]
    fn the_mixture_lies_between_its_members() {
        let members = vec![Some(vec![4.0, 5.0]), Some(vec![6.0, 8.0]), None];
        let mixed = learnt().mix(&members);
        assert!(4.0 < mixed[0] && mixed[0] < 5.0 && 5.0 < mixed[1] && mixed[1] < 6.5, "{mixed:?}");
        assert!(learnt().mix(&vec![None, None, None]).is_empty());
    }

    #[test]
    fn what_is_missing_judges_nobody() {
        let mut mixture = Mixture::new(1, 2);
        mixture.learn(Some(1.0));
        mixture.promise(vec![Some(vec![1.0, 1.0])]);
        mixture.learn(None);
        mixture.learn(None);
        assert_eq!(mixture.scores[0].weight, 0.0);
    }
}
