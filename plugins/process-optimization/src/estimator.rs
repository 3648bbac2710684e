//! Learns a tank's rate constants from noisy fractions: an extended Kalman filter over fractions, rate parameters and the
//! temperature.
//!
//! The temperature is a state as well, which follows its setpoint where it has one: were its measurement taken for the truth,
//! the noise would make every rate look less sensitive to it than it is. Each reaction has two parameters: ln k at a reference temperature, and how much ln k rises for ten degrees (Arrhenius's law,
//! scaled). Before anything is learnt, chemistry's rule of thumb holds: ten degrees about double a rate.

use nalgebra::{DMatrix, DVector};

use crate::bytes::{Bytes, ForeignState};
use crate::tank::{Acting, Tank};

/// ln 2, and how far real reactions stray from it.
const RISE: (f64, f64) = (0.69, 0.35);
/// Standard deviation of a first ln k, which is taken from a plant that may not be at rest.
const FIRST_LN_K_SD: f64 = 0.5;
/// How far ln k may wander in an hour: catalysts age, walls foul.
const LN_K_WANDER_SD: f64 = 0.005;
/// How far the rise may wander in an hour.
const RISE_WANDER_SD: f64 = 0.002;
/// What the model misses of a fraction, for a second's root.
const FRACTION_WANDER_SD: f64 = 1e-5;
/// How fast a temperature is taken to follow its setpoint, and how wrong that may be, as a share of the distance.
const TEMP_LAG_S: f64 = 60.0;
const TEMP_LAG_DOUBT: f64 = 0.3;
/// How far the temperature may wander about its setpoint, or without one, Cel for a second's root.
const TEMP_WANDER_SD: f64 = 0.002;
const FREE_TEMP_WANDER_SD: f64 = 0.03;
/// Standard deviation of the thermometer where nothing was seen of it yet, Cel.
const FIRST_TEMP_SD: f64 = 0.2;
/// 0 °C in kelvin.
const KELVIN: f64 = 273.15;
/// Share of the newest squared difference in the noise estimate.
const NOISE_SHARE: f64 = 0.02;

/// The filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimator {
    tank: Tank,
    reference_cel: f64,
    /// Fractions, then ln k, then rises, then the temperature in Cel.
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
    /// Measurement variance of each fraction, from successive differences.
    noise: DVector<f64>,
    last: Vec<Option<f64>>,
    temp_noise: f64,
    last_temp: Option<f64>,
}

impl Estimator {
    /// From the mean of fractions measured at about rest, each with its noise variance, under these feeds and this
    /// temperature: the rates are those at which nothing would change. None where the fractions contradict the network, a
    /// species that a reaction uses being absent.
    pub fn at_rest(
        tank: Tank,
        fractions: &DVector<f64>,
        noise: DVector<f64>,
        feeds: &[f64],
        temp_cel: f64,
    ) -> Option<Self> {
        let (n, r) = (tank.width(), tank.network.reactions.len());
        let still = tank.derivative(fractions, Acting { feeds, rates: &vec![0.0; r] });
        let gains = DMatrix::from_fn(n, r, |row, column| tank.network.reactions[column].gains[row]);
        let extents = gains.svd(true, true).solve(&(-still), 1e-9).ok()?;
        let mut mean = DVector::zeros(n + 2 * r + 1);
        mean.rows_mut(0, n).copy_from(fractions);
        for (at, reaction) in tank.network.reactions.iter().enumerate() {
            let used: f64 = reaction.uses.iter().map(|s| fractions[*s]).product();
            // Noise may say that a slow reaction runs backwards; it starts as very slow then.
            let k = extents[at].max(1e-9) / used;
            if !k.is_finite() {
                return None;
            }
            mean[n + at] = k.ln();
            mean[n + r + at] = RISE.0;
        }
        mean[n + 2 * r] = temp_cel;
        let temp_noise = FIRST_TEMP_SD * FIRST_TEMP_SD;
        let mut covariance = DMatrix::zeros(mean.len(), mean.len());
        covariance[(n + 2 * r, n + 2 * r)] = temp_noise;
        for i in 0..n {
            covariance[(i, i)] = noise[i];
        }
        for i in 0..r {
            covariance[(n + i, n + i)] = FIRST_LN_K_SD * FIRST_LN_K_SD;
            covariance[(n + r + i, n + r + i)] = RISE.1 * RISE.1;
        }
        Some(Self {
            tank,
            reference_cel: temp_cel,
            mean,
            covariance,
            noise,
            last: vec![None; n],
            temp_noise,
            last_temp: None,
        })
    }

    /// The fractions as estimated.
    pub fn fractions(&self) -> DVector<f64> {
        self.mean.rows(0, self.tank.width()).into_owned()
    }

    /// The tank.
    pub fn tank(&self) -> &Tank {
        &self.tank
    }

    /// Rate constants at a temperature, 1/s.
    pub fn rates(&self, temp_cel: f64) -> Vec<f64> {
        self.rates_of(&self.mean, temp_cel)
    }

    /// The largest standard deviation among the ln k at a temperature: how much the rates are in doubt there.
    pub fn doubt(&self, temp_cel: f64) -> f64 {
        let (n, r) = (self.tank.width(), self.tank.network.reactions.len());
        let t = self.tens(temp_cel);
        let variance = |i: usize| {
            let (k, e) = (n + i, n + r + i);
            self.covariance[(k, k)] + 2.0 * t * self.covariance[(k, e)] + t * t * self.covariance[(e, e)]
        };
        (0..r).map(variance).fold(0.0, f64::max).max(0.0).sqrt()
    }

    /// Arrhenius's temperature scale in units of ten degrees about the reference.
    fn tens(&self, temp_cel: f64) -> f64 {
        (temp_cel - self.reference_cel) / 10.0 * (self.reference_cel + KELVIN) / (temp_cel + KELVIN)
    }

    fn rates_of(&self, state: &DVector<f64>, temp_cel: f64) -> Vec<f64> {
        let (n, r) = (self.tank.width(), self.tank.network.reactions.len());
        let t = self.tens(temp_cel);
        // Beyond e^±30 no rate means anything, and an overflow would.
        (0..r).map(|i| (state[n + i] + t * state[n + r + i]).clamp(-30.0, 30.0).exp()).collect()
    }

    /// The temperature as estimated, Cel.
    pub fn temp_cel(&self) -> f64 {
        self.mean[self.temp_at()]
    }

    fn temp_at(&self) -> usize {
        self.tank.width() + 2 * self.tank.network.reactions.len()
    }

    /// Lets time pass under these feeds and, where there is one, this temperature setpoint, and takes the measurements at its
    /// end; a fraction that is none was not usable.
    pub fn step(
        &mut self,
        dt_s: f64,
        feeds: &[f64],
        setpoint_cel: Option<f64>,
        temp_cel: f64,
        measured: &[Option<f64>],
    ) {
        self.predict(dt_s, feeds, setpoint_cel);
        if let Some(last) = self.last_temp {
            self.temp_noise += NOISE_SHARE * ((temp_cel - last).powi(2) / 2.0 - self.temp_noise);
        }
        self.last_temp = Some(temp_cel);
        self.correct(self.temp_at(), temp_cel, self.temp_noise.max(1e-6));
        for (i, fraction) in measured.iter().enumerate().take(self.tank.width()) {
            if let Some(fraction) = fraction {
                if let Some(last) = self.last[i] {
                    let difference = (fraction - last).powi(2) / 2.0;
                    self.noise[i] += NOISE_SHARE * (difference - self.noise[i]);
                }
                self.correct(i, *fraction, self.noise[i].max(1e-12));
            }
            self.last[i] = *fraction;
        }
        let n = self.tank.width();
        for fraction in self.mean.rows_mut(0, n).iter_mut() {
            *fraction = fraction.clamp(0.0, 1.0);
        }
    }

    fn predict(&mut self, dt_s: f64, feeds: &[f64], setpoint_cel: Option<f64>) {
        let (n, r, t) = (self.tank.width(), self.tank.network.reactions.len(), self.temp_at());
        let follow = 1.0 - (-dt_s / TEMP_LAG_S).exp();
        let temp_after = |temp_cel: f64| setpoint_cel.map_or(temp_cel, |to| temp_cel + follow * (to - temp_cel));
        let ahead = |state: &DVector<f64>| {
            // Over the step, the temperature is what it is in the middle.
            let rates = self.rates_of(state, (state[t] + temp_after(state[t])) / 2.0);
            self.tank.after(&state.rows(0, n).into_owned(), Acting { feeds, rates: &rates }, dt_s)
        };
        let next = ahead(&self.mean);
        let width = self.mean.len();
        let mut transition = DMatrix::identity(width, width);
        for j in 0..width {
            let nudge = 1e-6;
            let mut moved = self.mean.clone();
            moved[j] += nudge;
            transition.view_mut((0, j), (n, 1)).copy_from(&((ahead(&moved) - &next) / nudge));
        }
        let moved = temp_after(self.mean[t]) - self.mean[t];
        let (kept, wander) = match setpoint_cel {
            Some(_) => (1.0 - follow, TEMP_WANDER_SD),
            None => (1.0, FREE_TEMP_WANDER_SD),
        };
        transition[(t, t)] = kept;
        self.mean.rows_mut(0, n).copy_from(&next);
        self.mean[t] += moved;
        self.covariance = &transition * &self.covariance * transition.transpose();
        let hours = dt_s / 3600.0;
        for i in 0..n {
            self.covariance[(i, i)] += FRACTION_WANDER_SD * FRACTION_WANDER_SD * dt_s;
        }
        for i in 0..r {
            self.covariance[(n + i, n + i)] += LN_K_WANDER_SD * LN_K_WANDER_SD * hours;
            self.covariance[(n + r + i, n + r + i)] += RISE_WANDER_SD * RISE_WANDER_SD * hours;
        }
        self.covariance[(t, t)] += (TEMP_LAG_DOUBT * moved).powi(2) + wander * wander * dt_s;
    }

    /// One measurement of the state at that place, with its variance.
    fn correct(&mut self, at: usize, measured: f64, noise: f64) {
        let row = self.covariance.column(at).into_owned();
        let expected = row[at] + noise;
        let error = measured - self.mean[at];
        // A reading six deviations off is a sensor's slip, not news of the reaction: it counts as if it were at six.
        let error = error.clamp(-6.0 * expected.sqrt(), 6.0 * expected.sqrt());
        self.mean += &row * (error / expected);
        self.covariance -= &row * row.transpose() / expected;
    }

    /// Its fields, for saving and restoring.
    pub fn bytes(&mut self, io: &mut Bytes<'_>) -> Result<(), ForeignState> {
        io.same(self.mean.len() as u64)?;
        io.number(&mut self.reference_cel)?;
        io.numbers(self.mean.iter_mut())?;
        io.numbers(self.covariance.iter_mut())?;
        io.numbers(self.noise.iter_mut())?;
        self.last.iter_mut().try_for_each(|last| io.maybe(last))?;
        io.number(&mut self.temp_noise)?;
        io.maybe(&mut self.last_temp)
    }
}
