//! Regressions of a value on those before it, learnt row by row.

use super::history::History;
use super::moments::Moments;

/// A row that is off what was expected by more than so many times the usual counts for less.
const TRUSTED: f64 = 1.5;
/// The rate at which the usual is learnt, and how many times itself a row adds to it at most.
const USUAL_RATE: f64 = 0.02;
const STRAY: f64 = 4.0;

/// How values are seen by a regression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transform {
    /// As they are.
    Level,
    /// Their logarithms, as long as all are above zero.
    Log,
}

/// Regressions that share their rows: entries are a constant, lags, harmonics (sine and cosine), and the target.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) transform: Transform,
    pub(super) lags: Vec<usize>,
    pub(super) harmonics: Vec<usize>,
    pub(super) moments: Moments,
    /// The solution of its first member, by which a row is expected or strange.
    pub(super) guide: Option<(Vec<usize>, Fit)>,
    /// The mean of how far rows were off it, without sign.
    usual: f64,
}

impl Group {
    pub(super) fn new(transform: Transform, lags: Vec<usize>, harmonics: Vec<usize>, keep: f64) -> Self {
        let width = 2 + lags.len() + 2 * harmonics.len();
        Self { transform, lags, harmonics, moments: Moments::new(width, keep), guide: None, usual: 0.0 }
    }

    /// The entry of the target.
    pub(super) fn target(&self) -> usize {
        1 + self.lags.len() + 2 * self.harmonics.len()
    }

    /// The entries of those of the lags that it has, and of its first `harmonics`.
    pub(super) fn entries(&self, lags: &[usize], harmonics: usize) -> Vec<usize> {
        let place = |lag: &usize| self.lags.iter().position(|own| own == lag).map(|at| at + 1);
        let mut entries: Vec<usize> = lags.iter().filter_map(place).collect();
        entries.extend((0..2 * harmonics.min(self.harmonics.len())).map(|at| 1 + self.lags.len() + at));
        entries
    }

    pub(super) fn deepest(&self) -> usize {
        self.lags.iter().copied().max().unwrap_or(1)
    }

    /// Learns the history's last value, where it is known.
    pub(super) fn learn(&mut self, history: &History, circle: &Circle, row: &mut Vec<f64>) {
        let Some(values) = history.seen(self.transform) else { return };
        let Some(last) = values.len().checked_sub(1) else { return };
        if last < self.deepest() || history.last_known().is_none() {
            return;
        }
        row.clear();
        row.push(1.0);
        row.extend(self.lags.iter().map(|lag| values[last - lag]));
        let time = history.count() - 1;
        row.extend(self.harmonics.iter().flat_map(|turns| circle.at(*turns, time)));
        row.push(values[last]);
        let weight = self.trust(row, values[last]);
        self.moments.add(row, weight);
    }

    /// The weight of a row: less, the farther it is off what was expected (Huber's weights, with the errors of one step as
    /// they were made).
    fn trust(&mut self, row: &[f64], value: f64) -> f64 {
        let Some((entries, fit)) = &self.guide else { return 1.0 };
        let expected: f64 = entries.iter().zip(&fit.coefficients).map(|(entry, b)| row[*entry] * b).sum();
        let off = (value - fit.constant - expected).abs();
        let least = TRUSTED * self.usual;
        self.usual += if self.usual > 0.0 { USUAL_RATE * (off.min(STRAY * self.usual) - self.usual) } else { off };
        if off <= least || least <= 0.0 { 1.0 } else { least / off }
    }
}

/// Sine and cosine over the long season.
#[derive(Clone, Debug)]
pub(super) struct Circle(Vec<[f64; 2]>);

impl Circle {
    pub(super) fn new(length: usize) -> Self {
        let angle = |at: usize| std::f64::consts::TAU * at as f64 / length as f64;
        Self((0..length).map(|at| [angle(at).sin(), angle(at).cos()]).collect())
    }

    pub(super) fn at(&self, turns: usize, time: usize) -> [f64; 2] {
        let length = self.0.len();
        self.0[turns * (time % length) % length]
    }
}

/// A regression's solution.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fit {
    pub(super) constant: f64,
    pub(super) coefficients: Vec<f64>,
}
