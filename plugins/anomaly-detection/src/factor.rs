//! What the channels say of each other: a factor model of up to [`CHANNELS_MAX`] channels, and how far each one departs
//! from what the others predict.
//!
//! Factor analysis (Spearman 1904; fitted by the EM algorithm of Rubin and Thayer 1982): z = L·f + e with f ~ N(0, I) and
//! e ~ N(0, Ψ), Ψ diagonal. It is principal components with a noise of each channel's own, which a plant's mixture of
//! clean and noisy instruments needs. From it follow Hotelling's T² of the factors, the squared prediction error Q, and for
//! each channel its distance from the prediction by all others, also with some of them left out.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use serde::{Deserialize, Serialize};

use crate::chart::{Ewma, Median3, departure, moments};

/// Channels of one model. More are split into groups in the order of their binding, each with a model of its own: that
/// bounds the time of a fit (a few million operations) and of a row.
pub const CHANNELS_MAX: usize = 64;
/// Fewer channels than this have nothing to predict each other from.
pub const CHANNELS_MIN: usize = 2;
/// Fewer rows than this have no halves to compare.
const ROWS_MIN: usize = 80;
/// One factor for so many channels.
const CHANNELS_PER_FACTOR: usize = 5;
/// Factors, at most.
const FACTORS_MAX: usize = 8;
/// Steps of the EM algorithm. It starts at the principal components and has nearly arrived by then.
const EM_STEPS: usize = 60;
/// The least variance of its own that a channel is believed to have.
const OWN_VARIANCE_MIN: f64 = 0.005;
/// A channel is judged by its prediction where the others explain more than this share of its variance, in the calibration
/// and by a model of each half of it on the other half: two temperatures that rise together explain each other only once.
const EXPLAINED_MIN: f64 = 0.5;
/// A departure of so many residual standard deviations, averaged over some ten samples, is at the limit.
const LIMIT_MIN: f64 = 4.0;
/// The limit is at least this many times what a model of one half of the calibration strayed by on the other half.
const STRAY_FACTOR: f64 = 1.5;
/// Samples are clipped to this many standard deviations before they are averaged.
const CLIP: f64 = 30.0;

/// A fitted group of channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factors {
    /// channels × factors, row-major.
    loadings: Vec<f64>,
    /// Variance of each channel's own.
    own: Vec<f64>,
    /// Whether the others predict the channel well enough for it to be judged by that.
    explained: Vec<bool>,
    /// The residual at which a departure is at the limit, in standard deviations of the channel.
    limit: Vec<f64>,
    /// The largest Q and T² of the averages in the calibration.
    q_max: f64,
    t2_max: f64,
}

/// How the averages of a group fit its model, in one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Departure of each channel over its limit; 0 for those that are not judged here.
    pub departures: Vec<f64>,
    /// Squared prediction error over the largest one in the calibration.
    pub q: f64,
    /// Hotelling's T² of the factors over the largest one in the calibration: beyond 1 the plant works where it was not
    /// calibrated.
    pub t2: f64,
}

/// The model with some channels left out.
struct Given {
    loadings: DMatrix<f64>,
    /// Weights that turn a sample into factor scores: (I + LᵀΨ⁻¹L)⁻¹LᵀΨ⁻¹, with 0 for what is left out.
    scores: DMatrix<f64>,
    /// The share of its own value in each channel's reconstruction.
    leverage: Vec<f64>,
}

impl Given {
    fn new(loadings: DMatrix<f64>, own: &[f64], use_it: impl Fn(usize) -> bool) -> Option<Given> {
        let (channels, factors) = loadings.shape();
        let mut weighted = loadings.transpose();
        for (channel, own) in own.iter().enumerate() {
            let weight = if use_it(channel) { 1.0 / own } else { 0.0 };
            weighted.column_mut(channel).scale_mut(weight);
        }
        let information = DMatrix::identity(factors, factors) + &weighted * &loadings;
        let scores = information.cholesky()?.solve(&weighted);
        let leverage = (0..channels).map(|c| loadings.row(c).transpose().dot(&scores.column(c))).collect();
        Some(Given { loadings, scores, leverage })
    }

    /// Factors, and each channel's distance from what the others say; for one left out, from what those that are left say.
    fn judge(&self, z: &DVector<f64>) -> (DVector<f64>, DVector<f64>) {
        let factors = &self.scores * z;
        let mut residual = z - &self.loadings * &factors;
        for (r, h) in residual.iter_mut().zip(&self.leverage) {
            *r /= (1.0 - h).max(1e-6);
        }
        (factors, residual)
    }

    /// Theoretical standard deviation of each residual.
    fn scatter(&self, own: &[f64]) -> Vec<f64> {
        own.iter().zip(&self.leverage).map(|(own, h)| (own / (1.0 - h).max(1e-6)).sqrt()).collect()
    }
}

impl Factors {
    /// Fits a group from its calibration: one column a channel, rows aligned, raw values, NaN where there was none. Nothing
    /// where there are too few channels or rows, or the numbers are degenerate.
    #[must_use]
    pub fn fit(columns: &[Vec<f64>]) -> Option<Factors> {
        let rows = columns.first()?.len();
        if !(CHANNELS_MIN..=CHANNELS_MAX).contains(&columns.len()) || rows < ROWS_MIN {
            return None;
        }
        let standard = Standard::of(columns, 0..rows);
        let (loadings, own) = maximise(&standard.raw(columns, 0..rows))?;
        let given = Given::new(loadings.clone(), &own, |_| true)?;
        let residuals = |z: &DMatrix<f64>| -> Vec<f64> {
            let each: Vec<_> = z.column_iter().map(|z| given.judge(&z.into_owned()).1).collect();
            (0..columns.len()).map(|c| moments(&each.iter().map(|r| r[c]).collect::<Vec<_>>()).1).collect()
        };
        let filtered = standard.filtered(columns, 0..rows);
        let raw = standard.raw(columns, 0..rows);
        let raw_scatter = residuals(&raw);
        let scatter = residuals(&filtered);
        let halves = halves(columns)?;
        let limit = scatter.iter().zip(&halves);
        let limit = limit.map(|(sd, half)| sd.max(1e-3) * LIMIT_MIN.max(STRAY_FACTOR * half.strays)).collect();
        // A constant channel has no variance to explain, and one that is mostly missing too little.
        let power = raw.row_iter().map(|row| row.norm_squared() / rows as f64);
        let inside = raw_scatter.iter().zip(power).map(|(sd, power)| (power > 0.5, 1.0 - sd * sd / power.max(0.5)));
        let explained =
            inside.zip(&halves).map(|((known, inside), half)| known && inside.min(half.explained) > EXPLAINED_MIN);
        let explained = explained.collect();
        let (q_max, t2_max) = largest(&given, &own, &filtered);
        let loadings = loadings.transpose().as_slice().to_vec();
        Some(Factors { loadings, own, explained, limit, q_max, t2_max })
    }

    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.own.len()
    }

    /// Whether what a saved state holds fits together, and so many channels.
    #[must_use]
    pub fn is_sound(&self, channels: usize) -> bool {
        let sizes = [self.own.len(), self.explained.len(), self.limit.len()];
        let factors = self.loadings.len().checked_div(channels).unwrap_or(0);
        (CHANNELS_MIN..=CHANNELS_MAX).contains(&channels)
            && sizes.iter().all(|&size| size == channels)
            && (1..=FACTORS_MAX).contains(&factors)
            && self.loadings.len() == factors * channels
            && self.own.iter().all(|&own| own >= OWN_VARIANCE_MIN)
    }

    /// Whether these are two channels alone, where a departure of both at once is seen by neither from the other.
    #[must_use]
    pub fn is_pair(&self) -> bool {
        self.channels() == CHANNELS_MIN
    }

    /// Whether the channel is judged by what the others predict.
    #[must_use]
    pub fn explains(&self, channel: usize) -> bool {
        self.explained.get(channel).copied().unwrap_or(false)
    }

    /// How the averages of the group's samples fit. `use_it` leaves channels out: they are neither judged nor do they judge.
    #[must_use]
    pub fn judge(&self, averages: &[Ewma], use_it: impl Fn(usize) -> bool) -> Option<Fit> {
        let channels = self.channels();
        let factors = self.loadings.len() / channels;
        let loadings = DMatrix::from_row_slice(channels, factors, &self.loadings);
        let whole = Given::new(loadings.clone(), &self.own, |_| true)?.scatter(&self.own);
        let given = Given::new(loadings, &self.own, &use_it)?;
        let vector = |pick: fn(&Ewma) -> f64| DVector::from_iterator(channels, averages.iter().map(pick));
        let (slow, fast) = (vector(|a| a.slow), vector(|a| a.fast));
        let (scores, of_slow) = given.judge(&slow);
        let (_, of_fast) = given.judge(&fast);
        // With a good predictor left out, the others know less: the limit widens as the theory says.
        let wider = given.scatter(&self.own);
        let departures = (0..channels)
            .map(|c| match self.explains(c) && use_it(c) {
                true => departure(of_slow[c], of_fast[c]) / self.limit[c] * whole[c] / wider[c],
                false => 0.0,
            })
            .collect();
        let error = &slow - &given.loadings * &scores;
        let q = (0..channels).filter(|&c| use_it(c)).map(|c| error[c] * error[c] / self.own[c]).sum::<f64>();
        Some(Fit { departures, q: q / self.q_max, t2: scores.norm_squared() / self.t2_max })
    }
}

/// A median-filtered sample, in standard deviations, as the averages take it.
#[must_use]
pub fn clipped(z: f64) -> f64 {
    z.clamp(-CLIP, CLIP)
}

/// Mean and standard deviation of each channel over some rows.
struct Standard(Vec<(f64, f64)>);

impl Standard {
    fn of(columns: &[Vec<f64>], rows: std::ops::Range<usize>) -> Standard {
        let of_column = |column: &Vec<f64>| {
            let present: Vec<f64> = column[rows.clone()].iter().copied().filter(|x| x.is_finite()).collect();
            let (mean, sd) = moments(&present);
            (mean, if sd > 0.0 { sd } else { f64::INFINITY })
        };
        Standard(columns.iter().map(of_column).collect())
    }

    /// channels × rows in standard deviations; where there was no sample, the mean.
    fn raw(&self, columns: &[Vec<f64>], rows: std::ops::Range<usize>) -> DMatrix<f64> {
        self.matrix(columns, rows, |_, z| z)
    }

    /// The same through the median filter.
    fn filtered(&self, columns: &[Vec<f64>], rows: std::ops::Range<usize>) -> DMatrix<f64> {
        self.matrix(columns, rows, |median, z| clipped(median.push(z)))
    }

    fn matrix(
        &self,
        columns: &[Vec<f64>],
        rows: std::ops::Range<usize>,
        pass: fn(&mut Median3, f64) -> f64,
    ) -> DMatrix<f64> {
        let mut z = DMatrix::zeros(columns.len(), rows.len());
        for (channel, (column, (mean, sd))) in columns.iter().zip(&self.0).enumerate() {
            let mut median = Median3::default();
            for (at, x) in column[rows.clone()].iter().enumerate().filter(|(_, x)| x.is_finite()) {
                z[(channel, at)] = pass(&mut median, (x - mean) / sd);
            }
        }
        z
    }
}

/// Loadings and own variances by EM, from channels × rows in standard deviations.
fn maximise(z: &DMatrix<f64>) -> Option<(DMatrix<f64>, Vec<f64>)> {
    let (channels, rows) = z.shape();
    let factors = (channels + CHANNELS_PER_FACTOR / 2) / CHANNELS_PER_FACTOR;
    let factors = factors.clamp(1, FACTORS_MAX);
    let covariance = z * z.transpose() / rows as f64;
    let eigen = SymmetricEigen::try_new(covariance.clone(), 1e-12, 10_000)?;
    let mut order: Vec<usize> = (0..channels).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let rest: f64 = order[factors..].iter().map(|&i| eigen.eigenvalues[i]).sum();
    let rest = (rest / (channels - factors) as f64).max(OWN_VARIANCE_MIN);
    let mut loadings = DMatrix::from_fn(channels, factors, |c, f| {
        let at = order[f];
        eigen.eigenvectors[(c, at)] * (eigen.eigenvalues[at] - rest).max(0.0).sqrt()
    });
    let left = |loadings: &DMatrix<f64>, explained: &DMatrix<f64>, c: usize| {
        (covariance[(c, c)] - loadings.row(c).dot(&explained.row(c))).max(OWN_VARIANCE_MIN)
    };
    let mut own: Vec<f64> = (0..channels).map(|c| left(&loadings, &loadings, c)).collect();
    for _ in 0..EM_STEPS {
        let given = Given::new(loadings.clone(), &own, |_| true)?;
        let with_factors = &covariance * given.scores.transpose();
        // E[ffᵀ] = (I + LᵀΨ⁻¹L)⁻¹ + B·S·Bᵀ, and (I + LᵀΨ⁻¹L)⁻¹ = I − B·L.
        let square = DMatrix::identity(factors, factors) - &given.scores * &loadings + &given.scores * &with_factors;
        loadings = with_factors.clone() * square.try_inverse()?;
        own = (0..channels).map(|c| left(&loadings, &with_factors, c)).collect();
    }
    let finite = loadings.iter().chain(&own).all(|x| x.is_finite());
    finite.then_some((loadings, own))
}

/// What a model of one half of the calibration makes of a channel on the other half; the worse way round.
#[derive(Clone, Copy)]
struct Half {
    /// How far the averaged residual strays, at most, in residual standard deviations.
    strays: f64,
    /// The share of the channel's variance that the others explain.
    explained: f64,
}

fn halves(columns: &[Vec<f64>]) -> Option<Vec<Half>> {
    let rows = columns.first()?.len();
    let mut halves = vec![Half { strays: 0.0, explained: 1.0 }; columns.len()];
    for (fit, test) in [(0..rows / 2, rows / 2..rows), (rows / 2..rows, 0..rows / 2)] {
        let standard = Standard::of(columns, fit.clone());
        let (loadings, own) = maximise(&standard.raw(columns, fit.clone()))?;
        let given = Given::new(loadings, &own, |_| true)?;
        let judge = |z: &DMatrix<f64>| -> Vec<DVector<f64>> {
            z.column_iter().map(|z| given.judge(&z.into_owned()).1).collect()
        };
        let inside = judge(&standard.filtered(columns, fit));
        let outside = judge(&standard.filtered(columns, test.clone()));
        let raw = standard.raw(columns, test);
        let outside_raw = judge(&raw);
        for (c, half) in halves.iter_mut().enumerate() {
            let sd = moments(&inside.iter().map(|r| r[c]).collect::<Vec<_>>()).1.max(1e-3);
            let mut average = Ewma::default();
            for residual in &outside {
                average.push(residual[c] / sd);
                half.strays = half.strays.max(average.departure());
            }
            let left: f64 = outside_raw.iter().map(|r| r[c] * r[c]).sum();
            half.explained = half.explained.min(1.0 - left / raw.row(c).norm_squared().max(1e-9));
        }
    }
    Some(halves)
}

/// The largest Q and T² of the slow averages over the calibration.
fn largest(given: &Given, own: &[f64], z: &DMatrix<f64>) -> (f64, f64) {
    let mut average = vec![Ewma::default(); own.len()];
    let (mut q_max, mut t2_max) = (1e-6_f64, 1e-6_f64);
    for sample in z.column_iter() {
        average.iter_mut().zip(sample.iter()).for_each(|(a, &x)| a.push(x));
        let slow = DVector::from_iterator(own.len(), average.iter().map(|a| a.slow));
        let (scores, _) = given.judge(&slow);
        let error = &slow - &given.loadings * &scores;
        q_max = q_max.max(error.iter().zip(own).map(|(e, own)| e * e / own).sum());
        t2_max = t2_max.max(scores.norm_squared());
    }
    (q_max, t2_max)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::noise::Noise;

    /// Four channels that follow one hidden load with different gains, one that is alone.
    fn plant(seed: u64, rows: usize) -> Vec<Vec<f64>> {
        let mut noise = Noise::new(seed);
        let mut columns = vec![Vec::new(); 5];
        let mut load = 0.0;
        for _ in 0..rows {
            load = 0.8 * load + 0.6 * noise.normal();
            for (column, gain) in columns.iter_mut().zip([3.0, -2.0, 0.5, 10.0, 0.0]) {
                column.push(20.0 + gain * load + noise.normal() * if gain == 0.0 { 1.0 } else { 0.2 * gain });
            }
        }
        columns
    }

    fn averages(columns: &[Vec<f64>], of: &[Vec<f64>]) -> Vec<Ewma> {
        let standard = Standard::of(columns, 0..columns[0].len());
        let z = standard.filtered(of, 0..of[0].len());
        let mut average = vec![Ewma::default(); of.len()];
        for sample in z.column_iter() {
            average.iter_mut().zip(sample.iter()).for_each(|(a, &x)| a.push(x));
        }
        average
    }

    #[test]
    fn what_follows_the_load_is_explained_and_what_is_alone_is_not() {
        let columns = plant(1, 400);
        let factors = Factors::fit(&columns).unwrap();
        let explained: Vec<bool> = (0..5).map(|c| factors.explains(c)).collect();
        assert_eq!(explained, [true, true, true, true, false]);
    }

    #[test]
    fn a_large_load_fits_and_a_lying_sensor_does_not() {
        let columns = plant(2, 400);
        let factors = Factors::fit(&columns).unwrap();
        let mut loaded = plant(3, 100);
        for (column, gain) in loaded.iter_mut().zip([3.0, -2.0, 0.5, 10.0, 0.0]) {
            column.iter_mut().for_each(|x| *x += 4.0 * gain);
        }
        let fit = factors.judge(&averages(&columns, &loaded), |_| true).unwrap();
        assert!(fit.departures.iter().all(|d| *d < 1.0), "{fit:?}");
        assert!(fit.t2 > 1.0, "a load that was not seen in the calibration: {fit:?}");
        loaded[1].iter_mut().for_each(|x| *x += 3.0);
        let fit = factors.judge(&averages(&columns, &loaded), |_| true).unwrap();
        assert!(fit.departures[1] > 1.0 && fit.q > 1.0, "{fit:?}");
        let without = factors.judge(&averages(&columns, &loaded), |c| c != 1).unwrap();
        assert!(without.departures.iter().all(|d| *d < 1.0), "the others agree among themselves: {without:?}");
    }

    #[test]
    fn degenerate_calibrations_give_no_model_or_a_finite_one() {
        assert!(Factors::fit(&plant(4, 400)[..1]).is_none(), "too few channels");
        assert!(Factors::fit(&plant(4, 60)).is_none(), "too few rows");
        assert!(Factors::fit(&[]).is_none());
        let mut columns = plant(5, 200);
        columns[2].iter_mut().for_each(|x| *x = 7.0);
        columns[3] = columns[0].clone();
        columns[4].iter_mut().step_by(2).for_each(|x| *x = f64::NAN);
        let factors = Factors::fit(&columns).unwrap();
        let fit = factors.judge(&averages(&columns, &columns), |_| true).unwrap();
        assert!(fit.departures.iter().all(|d| d.is_finite()) && fit.q.is_finite() && fit.t2.is_finite(), "{fit:?}");
        assert!(!factors.explains(2), "a constant channel is predicted by nobody");
    }
}
