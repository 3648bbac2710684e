//! From rows in which nothing was wrong to a model with limits.

use super::factor::{Factor, Scatter};
use super::limits::{averages, limit, median};
use super::missing::Scale;
use super::{TAGS_MAX, VALUES_MAX};
use serde::{Deserialize, Serialize};

/// Rows before the present one that are looked at with it, at most.
const LAGS_MAX: usize = 3;
/// Rows for each value of a lagged row, at least: below this, distances of rows that the fit did not see grow large.
const ROWS_PER_VALUE: usize = 3;
/// Of the covariance's off-diagonal.
const SHRINK: f64 = 0.003;
/// Stretches that are scored by a fit to the others.
const FOLDS: usize = 10;
/// Rows beside a stretch that its fit does not see either.
const EMBARGO: usize = 10;
/// A row whose score is so many deviations above the median was not normal, or stands at a seam: it is left out.
const SCREEN: f64 = 8.0;
/// No more than this share of the rows is left out.
const LEFT_OUT_MAX: f64 = 0.1;
/// Scores are cut at so many times the usual one: a single wild row says no more than that.
const CUT: f64 = 50.0;

/// Moving averages of the score.
pub const AVERAGES: usize = 3;
/// Their weights, the fastest first: a few rows for what is large, some fifty for what is small and lasts.
pub(crate) const WEIGHTS: [f64; AVERAGES] = [0.5, 0.1, 0.02];

/// Why there is no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// Too few rows.
    #[error("{rows} normal rows are too few for {tags} tags that vary: at least {least} are needed")]
    Rows {
        /// Given.
        rows: usize,
        /// That vary.
        tags: usize,
        /// Needed.
        least: usize,
    },
    /// Too many tags.
    #[error("{0} tags are watched together; at most {TAGS_MAX} can be")]
    Tags(usize),
    /// Nothing varies, or in a way that can't be computed with.
    #[error("the normal rows do not vary in a way that can be learnt from")]
    Scatter,
}

/// What is normal, and where it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub(crate) scale: Scale,
    pub(crate) lags: usize,
    pub(crate) factor: Factor,
    /// Diagonal of the inverse covariance.
    pub(crate) precisions: Vec<f64>,
    /// The usual score.
    pub(crate) usual: f64,
    /// Limits of the averages.
    pub(crate) limits: [f64; AVERAGES],
    left_out: usize,
}

impl Model {
    /// From rows of `tags` values each, one after the other in time, NaN where one is missing.
    ///
    /// # Errors
    /// [`CalibrationError`] where there is too little to learn from.
    pub fn learn(rows: &[f64], tags: usize) -> Result<Model, CalibrationError> {
        if tags > TAGS_MAX {
            return Err(CalibrationError::Tags(tags));
        }
        let scale = Scale::learn(rows, tags.max(1)).ok_or(CalibrationError::Scatter)?;
        let used = scale.used().len();
        // A row of which less than half is there leaves a seam, as does one that was left out.
        // At its full size from the start: growing by doubling would need the memory three times.
        let mut z: Vec<f64> = Vec::with_capacity(rows.len() / tags * used);
        rows.chunks_exact(tags).filter_map(|row| scale.standardise(row)).for_each(|row| z.extend(row));
        let count = z.len() / used;
        let fits = |lags: &usize| count >= ROWS_PER_VALUE * used * (lags + 1) + lags && used * (lags + 1) <= VALUES_MAX;
        let lags = (0..=LAGS_MAX).rev().find(fits).ok_or(CalibrationError::Rows {
            rows: count,
            tags: used,
            least: ROWS_PER_VALUE * used,
        })?;
        let lagged = Lagged { z: &z, used, lags };
        let mut left_out = vec![false; lagged.count()];
        let mut scores = lagged.cross_scores(&left_out).ok_or(CalibrationError::Scatter)?;
        if screen(&scores, &mut left_out) {
            scores = lagged.cross_scores(&left_out).ok_or(CalibrationError::Scatter)?;
        }
        let kept: Vec<f64> =
            scores.iter().zip(&left_out).filter(|(_, left_out)| !**left_out).map(|(score, _)| *score).collect();
        let usual = median(&kept);
        scores.iter_mut().zip(&left_out).filter(|(_, left_out)| **left_out).for_each(|(score, _)| *score = usual);
        let limits = WEIGHTS.map(|weight| limit(&averages(&scores, weight, usual)));
        let [Some(fast), Some(middle), Some(slow)] = limits else { return Err(CalibrationError::Scatter) };
        let factor = lagged.scatter(&left_out).factorise(SHRINK).ok_or(CalibrationError::Scatter)?;
        let precisions = factor.precisions();
        let left_out = left_out.iter().filter(|left_out| **left_out).count();
        Ok(Model { scale, lags, factor, precisions, usual, limits: [fast, middle, slow], left_out })
    }

    /// Rows before the present one that are looked at with it.
    #[must_use]
    pub fn lags(&self) -> usize {
        self.lags
    }

    /// Rows that were not normal and left out.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Tags that vary.
    #[must_use]
    pub fn used(&self) -> usize {
        self.scale.used().len()
    }

    /// Limits of the averages of the score, the fastest first.
    #[must_use]
    pub fn limits(&self) -> [f64; AVERAGES] {
        self.limits
    }

    /// Squared distance over the number of values, cut; and what it was made of.
    pub(crate) fn score(&self, lagged_row: &[f64]) -> (f64, Vec<f64>) {
        let white = self.factor.whiten(lagged_row);
        let score = mean_square(&white).min(CUT * self.usual);
        (score, white)
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self, tags: usize) -> bool {
        let values = self.scale.used().len() * (self.lags + 1);
        let sizes = self.scale.tags() == tags && self.factor.values() == values && self.precisions.len() == values;
        let positive = |value: &f64| value.is_finite() && *value > 0.0;
        let numbers = self.precisions.iter().chain(&self.limits).chain([&self.usual]).all(positive);
        self.lags <= LAGS_MAX && sizes && numbers && self.scale.is_sound() && self.factor.is_sound()
    }
}

fn mean_square(white: &[f64]) -> f64 {
    white.iter().map(|value| value * value).sum::<f64>() / white.len() as f64
}

/// Marks what is far above the others; says whether anything was. Where too many are, the stretch is as it is.
fn screen(scores: &[f64], left_out: &mut [bool]) -> bool {
    let usual = median(scores);
    let off: Vec<f64> = scores.iter().map(|score| (score - usual).abs()).collect();
    let most = usual + SCREEN * 1.4826 * median(&off);
    let beyond = scores.iter().filter(|score| **score > most).count();
    if beyond == 0 || beyond as f64 > LEFT_OUT_MAX * scores.len() as f64 {
        return false;
    }
    left_out.iter_mut().zip(scores).for_each(|(left_out, score)| *left_out = *score > most);
    true
}

/// Standardised rows, each with those before it: since they stand one after the other, a lagged row is a piece of them.
struct Lagged<'a> {
    z: &'a [f64],
    used: usize,
    lags: usize,
}

impl Lagged<'_> {
    fn count(&self) -> usize {
        self.z.len() / self.used - self.lags
    }

    fn row(&self, at: usize) -> &[f64] {
        &self.z[at * self.used..(at + self.lags + 1) * self.used]
    }

    fn scatter(&self, left_out: &[bool]) -> Scatter {
        let mut scatter = Scatter::new(self.used * (self.lags + 1));
        (0..self.count()).filter(|at| !left_out[*at]).for_each(|at| scatter.add(self.row(at), 1.0));
        scatter
    }

    /// The score of each row by a fit that saw neither it nor its neighbours.
    fn cross_scores(&self, left_out: &[bool]) -> Option<Vec<f64>> {
        let n = self.count();
        let mut scatter = self.scatter(left_out);
        let mut scores = Vec::with_capacity(n);
        for fold in 0..FOLDS {
            let (from, to) = (fold * n / FOLDS, (fold + 1) * n / FOLDS);
            let unseen = from.saturating_sub(EMBARGO)..(to + EMBARGO).min(n);
            let rows = || unseen.clone().filter(|at| !left_out[*at]);
            rows().for_each(|at| scatter.add(self.row(at), -1.0));
            if scatter.count() < (self.used * (self.lags + 1)) as f64 {
                return None;
            }
            let factor = scatter.factorise(SHRINK)?;
            scores.extend((from..to).map(|at| mean_square(&factor.whiten(self.row(at)))));
            rows().for_each(|at| scatter.add(self.row(at), 1.0));
        }
        scores.iter().all(|score| score.is_finite()).then_some(scores)
    }
}
