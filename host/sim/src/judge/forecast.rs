//! Forecasts against what came: the M4 competition's measures, its benchmark, and quantiles.
//!
//! The M4 measures are those of Makridakis, Spiliotis & Assimakopoulos, *The M4 Competition: 100,000 time series and 61
//! forecasting methods*, International Journal of Forecasting 36 (2020), and of the competitors' guide before it. A
//! competition's figure is the mean of the series' figures; OWA divides such means, it is not a mean of ratios.

use super::input::{self, InputError, share};

/// Mean of 200 · |y − f| / (|y| + |f|), in percent, 0 to 200 (M4). Where both are zero the error is zero.
pub fn smape(actual: &[f64], forecast: &[f64]) -> Result<f64, InputError> {
    input::pair("actual and forecast", actual, forecast)?;
    let each = |(y, f): (&f64, &f64)| {
        let size = y.abs() + f.abs();
        if size > 0.0 { 200.0 * (y - f).abs() / size } else { 0.0 }
    };
    Ok(actual.iter().zip(forecast).map(each).sum::<f64>() / actual.len() as f64)
}

/// Mean absolute error over that of the seasonal naive forecast within the history (Hyndman & Koehler 2006, as in M4):
/// the scale is the mean of |h_t − h_(t−period)|. Below 1 is better than that. A history that repeats itself exactly
/// has no scale, which is an error.
pub fn mase(history: &[f64], actual: &[f64], forecast: &[f64], period: usize) -> Result<f64, InputError> {
    input::pair("actual and forecast", actual, forecast)?;
    input::finite("history", history)?;
    let steps = history.len().saturating_sub(period);
    if period == 0 || steps == 0 {
        return Err(InputError::ShortHistory { rows: history.len(), period });
    }
    let changes = history.iter().zip(history.iter().skip(period)).map(|(before, now)| (now - before).abs());
    let scale = changes.sum::<f64>() / steps as f64;
    if scale == 0.0 {
        return Err(InputError::NoScale(period));
    }
    let error = actual.iter().zip(forecast).map(|(y, f)| (y - f).abs()).sum::<f64>() / actual.len() as f64;
    Ok(error / scale)
}

/// M4's overall weighted average: the mean of sMAPE over Naive2's and MASE over Naive2's, each the mean over all
/// series. 1 is Naive2 itself. None unless both of Naive2's are above zero and all are finite.
pub fn owa(smape: f64, mase: f64, naive2_smape: f64, naive2_mase: f64) -> Option<f64> {
    let owa = 0.5 * (smape / naive2_smape + mase / naive2_mase);
    (naive2_smape > 0.0 && naive2_mase > 0.0 && owa.is_finite()).then_some(owa)
}

/// Two-sided 90 % limit of the normal distribution, as M4's seasonality test has it.
const LIMIT_90: f64 = 1.645;

/// M4's test for a season: with r the autocorrelations, |r_period| > 1.645 · √((1 + 2 Σ_(k<period) r_k²) / n).
///
/// False for fewer than three periods, a period of 1, and a history that never changes. (M4's script looks no further
/// than lag 10 · log₁₀ n, which none of its series reaches.)
pub fn is_seasonal(history: &[f64], period: usize) -> bool {
    let n = history.len();
    if period < 2 || n / 3 < period {
        return false;
    }
    let mean = history.iter().sum::<f64>() / n as f64;
    let about = |lag: usize| -> f64 {
        history.iter().zip(history.iter().skip(lag)).map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    let variance = about(0);
    let earlier: f64 = (1..period).map(|lag| (about(lag) / variance).powi(2)).sum();
    let limit = LIMIT_90 * ((1.0 + 2.0 * earlier) / n as f64).sqrt();
    // NaN, where nothing ever changes, is not above anything.
    (about(period) / variance).abs() > limit
}

/// The factors of a season by classical multiplicative decomposition, `period` of them, that of the history's first row
/// first, with a mean of 1.
///
/// As R's `decompose`, which M4 used: the trend is the centred moving average over one period (of an even one the
/// outermost two rows weigh half), a factor is the mean of history over trend at its place in the season, and the
/// factors are divided by their mean. Two whole periods are needed. Factors are not finite where the trend touches
/// zero.
pub fn seasonal_factors(history: &[f64], period: usize) -> Result<Vec<f64>, InputError> {
    input::finite("history", history)?;
    let half = period / 2;
    if period < 2 || history.len() / 2 < period {
        return Err(InputError::ShortHistory { rows: history.len(), period });
    }
    let mut sums = vec![(0.0, 0_u64); period];
    for (start, window) in history.windows(2 * half + 1).enumerate() {
        let [first, .., last] = window else { continue };
        let total: f64 = window.iter().sum();
        // An even period's window has one row more than the period.
        let trend = if period.is_multiple_of(2) { total - 0.5 * (first + last) } else { total } / period as f64;
        let at = start + half;
        if let (Some(value), Some((sum, n))) = (history.get(at), sums.get_mut(at % period)) {
            *sum += value / trend;
            *n += 1;
        }
    }
    let factors: Vec<f64> = sums.into_iter().map(|(sum, n)| sum / n as f64).collect();
    let mean = factors.iter().sum::<f64>() / period as f64;
    Ok(factors.into_iter().map(|factor| factor / mean).collect())
}

/// The most rows that [`naive2`] looks ahead: a century of hours.
pub const MAX_HORIZON: usize = 1_000_000;

/// M4's benchmark Naive2: if the history [`is_seasonal`], its last value without the season, times the season of each
/// row to come; if not, the last value. The first row to come follows the history's last.
///
/// A history whose season cannot be divided out, its trend touching zero, gets the last value as well.
pub fn naive2(history: &[f64], period: usize, horizon: usize) -> Result<Vec<f64>, InputError> {
    input::finite("history", history)?;
    input::in_range("horizon", horizon as f64, horizon <= MAX_HORIZON)?;
    let Some(last) = history.last() else {
        return Err(InputError::Empty("history"));
    };
    if !is_seasonal(history, period) {
        return Ok(vec![*last; horizon]);
    }
    let factors = seasonal_factors(history, period)?;
    let of_row = |row: usize| factors.get(row % period).copied().unwrap_or(f64::NAN);
    let level = last / of_row(history.len() - 1);
    let forecast: Vec<f64> = (history.len()..history.len() + horizon).map(|row| level * of_row(row)).collect();
    Ok(if forecast.iter().all(|f| f.is_finite()) { forecast } else { vec![*last; horizon] })
}

fn check_level(level: f64) -> Result<(), InputError> {
    input::in_range("level", level, 0.0 < level && level < 1.0)
}

/// Mean pinball loss of forecasts of one quantile, in the unit of the values; smaller is better.
///
/// Koenker & Bassett, *Regression Quantiles*, 1978: level · (y − q) where the truth y is above the forecast q, else
/// (1 − level) · (q − y). At 0.5 it is half the mean absolute error; some report twice this figure, M5 scales it.
pub fn pinball(actual: &[f64], quantile: &[f64], level: f64) -> Result<f64, InputError> {
    input::pair("actual and quantile", actual, quantile)?;
    check_level(level)?;
    let each = |(y, q): (&f64, &f64)| if y >= q { level * (y - q) } else { (1.0 - level) * (q - y) };
    Ok(actual.iter().zip(quantile).map(each).sum::<f64>() / actual.len() as f64)
}

/// How often the truth was not above the forecast of one quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The quantile's level: what [`Calibration::share`] ought to be.
    pub level: f64,
    /// Truths at or below the forecast.
    pub below: u64,
    /// Truths that are the forecast itself; counted among `below` too.
    pub ties: u64,
    /// All truths.
    pub judged: u64,
}

impl Calibration {
    /// The share of truths at or below the forecast; none where nothing was judged.
    pub fn share(&self) -> Option<f64> {
        share(self.below, self.judged)
    }

    /// How far the level is from the share of truths at or below the forecast; none where nothing was judged.
    pub fn error(&self) -> Option<f64> {
        self.share().map(|share| (share - self.level).abs())
    }

    /// The same for what comes in whole pieces: the quantile of such a truth is right as soon as the share below it is at
    /// most the level and the share at or below it at least, so this is how far the level is from that stretch.
    pub fn error_of_whole(&self) -> Option<f64> {
        let at_or_below = self.share()?;
        let below = share(self.below - self.ties, self.judged)?;
        Some((below - self.level).max(self.level - at_or_below).max(0.0))
    }

    /// Counts those of another as well, which are of the same level.
    pub fn add(&mut self, other: &Calibration) {
        self.below += other.below;
        self.ties += other.ties;
        self.judged += other.judged;
    }

    /// How probable a share is that is no likelier than this one, if the level is right and every truth for itself:
    /// [`super::regression::binomial_two_sided`]. Rows of one series are not for themselves.
    pub fn p_value(&self) -> Result<f64, InputError> {
        super::regression::binomial_two_sided(self.below, self.judged, self.level)
    }
}

/// Calibration of each quantile's forecasts, given as level and one forecast for each truth (Gneiting, Balabdaoui &
/// Raftery, *Probabilistic Forecasts, Calibration and Sharpness*, 2007: probabilistic calibration).
pub fn calibration(actual: &[f64], quantiles: &[(f64, &[f64])]) -> Result<Vec<Calibration>, InputError> {
    let judge = |&(level, forecast): &(f64, &[f64])| {
        input::pair("actual and quantile", actual, forecast)?;
        check_level(level)?;
        let count =
            |holds: fn(f64, f64) -> bool| actual.iter().zip(forecast).filter(|(y, q)| holds(**y, **q)).count() as u64;
        let (below, ties) = (count(|y, q| y <= q), count(|y, q| y == q));
        Ok(Calibration { level, below, ties, judged: actual.len() as u64 })
    };
    quantiles.iter().map(judge).collect()
}

#[cfg(test)]
mod tests;
