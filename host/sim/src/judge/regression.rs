//! How far off predicted numbers are, and whether intervals around them hold what they promise.

use super::input::{self, InputError, share};

fn mean_of(predicted: &[f64], actual: &[f64], mut each: impl FnMut(f64) -> f64) -> Result<f64, InputError> {
    input::pair("predicted and actual", predicted, actual)?;
    let sum: f64 = predicted.iter().zip(actual).map(|(p, a)| each(p - a)).sum();
    Ok(sum / actual.len() as f64)
}

/// Root of the mean squared error, in the unit of the values.
pub fn rmse(predicted: &[f64], actual: &[f64]) -> Result<f64, InputError> {
    mean_of(predicted, actual, |error| error * error).map(f64::sqrt)
}

/// Mean absolute error, in the unit of the values.
pub fn mae(predicted: &[f64], actual: &[f64]) -> Result<f64, InputError> {
    mean_of(predicted, actual, f64::abs)
}

/// Mean of predicted − actual: above zero where the prediction is too high (of a remaining life: too late).
pub fn bias(predicted: &[f64], actual: &[f64]) -> Result<f64, InputError> {
    mean_of(predicted, actual, |error| error)
}

/// The score of the PHM'08 challenge, summed over engines; smaller is better, 0 is perfect.
///
/// Saxena, Goebel, Simon & Eklund, *Damage Propagation Modeling for Aircraft Engine Run-to-Failure Simulation*, PHM
/// 2008, section on performance evaluation: with d = predicted − actual cycles, the sum of e^(−d/13) − 1 for d < 0
/// (early) and e^(d/10) − 1 for d ≥ 0 (late, which costs more). An error of some 7000 cycles overflows to infinity: it
/// is that bad.
pub fn phm_score(predicted: &[f64], actual: &[f64]) -> Result<f64, InputError> {
    let mean = mean_of(predicted, actual, |d| if d < 0.0 { (-d / 13.0).exp_m1() } else { (d / 10.0).exp_m1() })?;
    Ok(mean * actual.len() as f64)
}

/// The values with none above `max`: remaining lives are often judged only up to a cap (125 or 130 cycles), beyond
/// which no sensor tells anything. Clip predictions and truth alike. NaN stays NaN, for the judges to refuse.
pub fn clipped(values: &[f64], max: f64) -> Vec<f64> {
    values.iter().map(|&v| if v > max { max } else { v }).collect()
}

/// What a prediction says the truth lies between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end, included.
    pub lo: f64,
    /// Upper end, included; none says "more than `lo`".
    pub hi: Option<f64>,
}

impl Interval {
    /// Whether a truth lies in it.
    pub fn covers(&self, actual: f64) -> bool {
        self.lo <= actual && self.hi.is_none_or(|hi| actual <= hi)
    }
}

fn intervals_and_actual(intervals: &[Interval], actual: &[f64]) -> Result<(), InputError> {
    input::same_length("intervals and actual", intervals.len(), actual.len())?;
    input::finite("actual", actual)?;
    let ends_hold = |i: &Interval| i.lo.is_finite() && i.hi.is_none_or(|hi| hi.is_finite() && i.lo <= hi);
    match intervals.iter().find(|i| !ends_hold(i)) {
        Some(bad) => Err(InputError::OutOfRange { what: "interval", value: bad.hi.unwrap_or(bad.lo) }),
        None => Ok(()),
    }
}

/// How many truths lay in their intervals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Truths in their interval.
    pub covered: u64,
    /// All of them.
    pub judged: u64,
    /// How many of the intervals were one-sided.
    pub one_sided: u64,
}

impl Coverage {
    /// Counts. A one-sided interval covers whatever is not below it.
    pub fn count(intervals: &[Interval], actual: &[f64]) -> Result<Self, InputError> {
        intervals_and_actual(intervals, actual)?;
        let pairs = || intervals.iter().zip(actual);
        Ok(Self {
            covered: pairs().filter(|(interval, actual)| interval.covers(**actual)).count() as u64,
            judged: actual.len() as u64,
            one_sided: intervals.iter().filter(|interval| interval.hi.is_none()).count() as u64,
        })
    }

    /// Pools other counts with these.
    pub fn add(&mut self, other: &Self) {
        self.covered += other.covered;
        self.judged += other.judged;
        self.one_sided += other.one_sided;
    }

    /// The share that was covered; none where nothing was judged.
    pub fn share(&self) -> Option<f64> {
        share(self.covered, self.judged)
    }

    /// How probable a coverage is that is no likelier than this one, if the promise (such as 0.8) is kept, every truth
    /// for itself: [`binomial_two_sided`]. Truths of one engine's neighbouring cycles are not for themselves.
    pub fn p_value(&self, promised: f64) -> Result<f64, InputError> {
        binomial_two_sided(self.covered, self.judged, promised)
    }
}

/// Mean interval score of central intervals at 1 − `alpha`, in the unit of the values; smaller is better.
///
/// Gneiting & Raftery, *Strictly Proper Scoring Rules, Prediction, and Estimation*, JASA 102 (2007), equation 43
/// (Winkler 1972): the width, plus 2/α times what the truth lies below `lo` or above `hi`.
///
/// A one-sided interval has no width, so it is judged under a `cap`, the value beyond which truths are not told apart
/// (such as 125 cycles): its upper end is the cap, and a truth beyond counts as the cap. Given a cap, two-sided
/// intervals are clipped to it likewise, so that all are judged on the same scale. A one-sided interval without a cap
/// is an error.
pub fn interval_score(intervals: &[Interval], actual: &[f64], alpha: f64, cap: Option<f64>) -> Result<f64, InputError> {
    intervals_and_actual(intervals, actual)?;
    input::in_range("alpha", alpha, 0.0 < alpha && alpha < 1.0)?;
    if let Some(cap) = cap {
        input::in_range("cap", cap, cap.is_finite())?;
    }
    let max = cap.unwrap_or(f64::INFINITY);
    let mut sum = 0.0;
    for (interval, actual) in intervals.iter().zip(actual) {
        let hi = interval
            .hi
            .or(cap)
            .ok_or(InputError::OutOfRange { what: "a one-sided interval without a cap, from", value: interval.lo })?;
        let (lo, hi, actual) = (interval.lo.min(max), hi.min(max), actual.min(max));
        sum += (hi - lo) + 2.0 / alpha * ((lo - actual).max(0.0) + (actual - hi).max(0.0));
    }
    Ok(sum / actual.len() as f64)
}

/// Mean width of the intervals that have two ends; none where there is no such interval.
pub fn mean_width(intervals: &[Interval]) -> Option<f64> {
    let widths: Vec<f64> = intervals.iter().filter_map(|i| i.hi.map(|hi| hi - i.lo)).collect();
    (!widths.is_empty()).then(|| widths.iter().sum::<f64>() / widths.len() as f64)
}

/// ln Γ(x) for x > 0, to about fourteen digits: Lanczos' approximation with g = 7 and nine terms (coefficients by
/// Godfrey, 2001). NaN for the rest.
pub fn ln_gamma(x: f64) -> f64 {
    const G: f64 = 7.0;
    const FIRST: f64 = 0.999_999_999_999_809_9;
    const REST: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    if x < 0.5 {
        // Γ(x) Γ(1 − x) = π / sin πx.
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let series = FIRST + REST.iter().zip(1..).map(|(c, i)| c / (x + f64::from(i))).sum::<f64>();
    let t = x + G + 0.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + series.ln()
}

/// The most trials that [`binomial_two_sided`] takes: it adds up one term for each, and `ln_gamma` loses digits beyond.
pub const MAX_TRIALS: u64 = 1_000_000;

/// The exact two-sided binomial test: with `hits` of `trials` at chance `p` each, the probability of all outcomes that
/// are no likelier than this one (Clopper & Pearson's distribution, two-sided by the minimum likelihood, as R's
/// `binom.test`).
pub fn binomial_two_sided(hits: u64, trials: u64, p: f64) -> Result<f64, InputError> {
    input::in_range("p", p, (0.0..=1.0).contains(&p))?;
    input::in_range("trials", trials as f64, trials <= MAX_TRIALS)?;
    input::in_range("hits", hits as f64, hits <= trials)?;
    if trials == 0 {
        return Err(InputError::Empty("trials"));
    }
    if p == 0.0 || p == 1.0 {
        let certain = if p == 0.0 { 0 } else { trials };
        return Ok(if hits == certain { 1.0 } else { 0.0 });
    }
    let ln_choices = ln_gamma(trials as f64 + 1.0);
    let ln_chance = |k: u64| {
        let (k, rest) = (k as f64, (trials - k) as f64);
        ln_choices - ln_gamma(k + 1.0) - ln_gamma(rest + 1.0) + k * p.ln() + rest * (-p).ln_1p()
    };
    // Outcomes that are exactly as likely differ in their last digits.
    let limit = ln_chance(hits) + 1e-7;
    let sum: f64 = (0..=trials).map(ln_chance).filter(|ln| *ln <= limit).map(f64::exp).sum();
    Ok(sum.min(1.0))
}

#[cfg(test)]
mod tests;
