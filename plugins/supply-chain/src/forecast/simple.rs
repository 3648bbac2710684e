//! Members of the pool that solve nothing: a profile, and exponential smoothing.

use super::season::Seasons;

/// Long seasons that a profile looks back on, and how the weight falls from one to the one before.
const PROFILE_SEASONS: usize = 4;
const PROFILE_DECAY: f64 = 0.75;

/// The weighted mean of the last four long seasons at each place, by the ratio of the last short season to the profile
/// at its places; by their difference where values are not all above zero.
#[must_use]
pub fn profile(values: &[f64], seasons: Seasons, horizon: usize) -> Option<Vec<f64>> {
    let Seasons { short, long } = seasons;
    let n = values.len();
    if n < long {
        return None;
    }
    let at = |place: usize| {
        // `place` counts from the end of the last season but one.
        let mut sum = 0.0;
        let mut weights = 0.0;
        let mut weight = 1.0;
        for season in 1..=PROFILE_SEASONS {
            let Some(index) = (n + place).checked_sub(season * long) else { break };
            sum += weight * values[index];
            weights += weight;
            weight *= PROFILE_DECAY;
        }
        sum / weights
    };
    let shape: Vec<f64> = (0..long).map(at).collect();
    let recent: f64 = values[n - short..].iter().sum();
    let usual: f64 = shape[long - short..].iter().sum();
    let positive = values[n.saturating_sub(PROFILE_SEASONS * long)..].iter().all(|value| *value > 0.0);
    let corrected = |value: f64| {
        if positive && usual > 0.0 { value * recent / usual } else { value + (recent - usual) / short as f64 }
    };
    Some(shape.iter().cycle().take(horizon).map(|value| corrected(*value)).collect())
}

/// Exponential smoothing of the values without their season, its rate by the least square of past errors; with `trend`,
/// Holt's with a trend that is damped (Gardner & McKenzie, *Forecasting Trends in Time Series*, 1985).
#[must_use]
pub fn smooth(values: &[f64], seasons: Seasons, trend: bool, horizon: usize) -> Option<Vec<f64>> {
    let n = values.len();
    let from = n.saturating_sub(SMOOTHED_SEASONS * seasons.long.max(12));
    if n - from < 2 * seasons.long.max(2) {
        return None;
    }
    let season = Season::of(&values[from..], seasons.long);
    let plain: Vec<f64> = values[from..].iter().enumerate().map(|(at, value)| season.without(at, *value)).collect();
    let damping = if trend { DAMPING } else { 0.0 };
    let betas: &[f64] = if trend { &[0.02, 0.1, 0.3] } else { &[0.0] };
    let rates = RATES.iter().flat_map(|alpha| betas.iter().map(move |beta| (*alpha, *beta)));
    let best =
        rates.map(|(alpha, beta)| holt(&plain, alpha, beta, damping)).min_by(|a, b| a.loss.total_cmp(&b.loss))?;
    let mut value = best.level;
    let mut slope = best.slope;
    let ahead = (0..horizon).map(|step| {
        slope *= damping;
        value += slope;
        season.with(plain.len() + step, value)
    });
    Some(ahead.collect())
}

/// Long seasons that smoothing looks back on; of a short one so many times twelve periods.
const SMOOTHED_SEASONS: usize = 6;
/// What a period leaves of the trend.
const DAMPING: f64 = 0.9;
/// The smoothing's rates that are tried.
const RATES: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.95];

struct Smoothed {
    level: f64,
    slope: f64,
    loss: f64,
}

/// Holt's smoothing from the first value on; its loss is the sum of the squared errors of the second half.
fn holt(values: &[f64], alpha: f64, beta: f64, damping: f64) -> Smoothed {
    let mut state = Smoothed { level: values.first().copied().unwrap_or(0.0), slope: 0.0, loss: 0.0 };
    for (at, value) in values.iter().enumerate().skip(1) {
        let error = value - state.level - damping * state.slope;
        state.slope = damping * state.slope + alpha * beta * error;
        state.level += state.slope + alpha * error;
        if values.len() <= 2 * at {
            state.loss += error * error;
        }
    }
    state
}

/// What each place of a season adds to the level, or multiplies it with.
struct Season {
    places: Vec<f64>,
    multiplies: bool,
}

impl Season {
    /// From whole seasons at the end of the values, the mean of each place against the mean of all.
    fn of(values: &[f64], length: usize) -> Season {
        let multiplies = values.iter().all(|value| *value > 0.0);
        let whole = values.len() / length * length;
        let start = values.len() - whole;
        let mean = values[start..].iter().sum::<f64>() / whole.max(1) as f64;
        let mut places = vec![0.0; length];
        for (at, value) in values.iter().enumerate().skip(start) {
            places[at % length] += value * length as f64 / whole as f64;
        }
        places.iter_mut().for_each(|place| *place = if multiplies { *place / mean } else { *place - mean });
        Season { places, multiplies }
    }

    fn without(&self, at: usize, value: f64) -> f64 {
        let place = self.places[at % self.places.len()];
        if self.multiplies { value / place } else { value - place }
    }

    fn with(&self, at: usize, value: f64) -> f64 {
        let place = self.places[at % self.places.len()];
        if self.multiplies { value * place } else { value + place }
    }
}
