//! Learns a tank's rate constants from noisy fractions: an extended Kalman filter over fractions, rate parameters, the
//! temperature and the feeds that nobody sets.
//!
//! The temperature is a state as well, which follows its setpoint where it has one: were its measurement taken for the truth,
//! the noise would make every rate look less sensitive to it than it is. So is a feed that no setpoint sets: it wanders, and
//! when it steps, its variance grows until it is found again. Each reaction has two parameters: ln k at a reference
//! temperature, and how much ln k rises for ten degrees (Arrhenius's law, scaled). Before anything is learnt, chemistry's rule
//! of thumb holds: ten degrees about double a rate.

use nalgebra::{DMatrix, DVector};

use crate::bytes::{Bytes, ForeignState};
use crate::tank::{Acting, Tank};

/// ln 2, and how far real reactions stray from it.
const RISE: (f64, f64) = (0.69, 0.35);
/// Standard deviation of a first ln k, which is taken from a plant that may not be at rest.
const FIRST_LN_K_SD: f64 = 0.5;
/// How far ln k may wander in an hour: catalysts age, walls foul.
const LN_K_WANDER_SD: f64 = 0.002;
/// How far the rise may wander in an hour: hardly, activation energies are the reactions' own.
const RISE_WANDER_SD: f64 = 0.0005;
/// What the model misses of a fraction, for a second's root.
const FRACTION_WANDER_SD: f64 = 1e-6;
/// How fast a temperature is taken to follow its setpoint, and how wrong that may be, as a share of the distance.
const TEMP_LAG_S: f64 = 60.0;
const TEMP_LAG_DOUBT: f64 = 0.3;
/// How far the temperature may wander about its setpoint, or without one, Cel for a second's root.
const TEMP_WANDER_SD: f64 = 0.002;
const FREE_TEMP_WANDER_SD: f64 = 0.03;
/// Standard deviation of the thermometer where nothing was seen of it yet, Cel.
const FIRST_TEMP_SD: f64 = 0.2;
/// How far a feed that nobody sets may wander in an hour, as a share.
const FEED_WANDER_SD: f64 = 0.01;
/// Standard deviation of a feed's meter where nothing was seen of it yet, as a share.
const FIRST_FEED_SD: f64 = 0.01;
/// A feed has stepped where the mean of its latest errors, with this share of the newest, is so many standard deviations off.
const STEP_SHARE: f64 = 0.5;
const STEP_DEVIATIONS: f64 = 4.5;
/// 0 °C in kelvin.
const KELVIN: f64 = 273.15;
/// Share of the newest squared difference in the noise estimate.
const NOISE_SHARE: f64 = 0.02;

/// The filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimator {
    tank: Tank,
    reference_cel: f64,
    /// Fractions, then ln k, then rises, then the temperature in Cel, then the free feeds in kg/s.
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
    /// Measurement variance of each fraction, from successive differences.
    noise: DVector<f64>,
    last: Vec<Option<f64>>,
    temp_noise: f64,
    last_temp: Option<f64>,
    /// Feeds that no setpoint sets, by their index in [`Tank::feeds`].
    free: Vec<Free>,
}

/// A feed that no setpoint sets.
#[derive(Debug, Clone, PartialEq)]
struct Free {
    feed: usize,
    /// Of its meter.
    noise: f64,
    last: Option<f64>,
    /// Mean of its latest errors.
    error: f64,
}

/// What is measured at one time; none: not usable.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// In the network's order.
    pub fractions: &'a [Option<f64>],
    /// kg/s, in the tank's order.
    pub feeds: &'a [Option<f64>],
    /// Cel.
    pub temp_cel: Option<f64>,
}

impl Estimator {
    /// From the mean of fractions measured at about rest, each with its noise variance, under these feeds and this
    /// temperature: the rates are those at which nothing would change. `free` are the feeds that no setpoint sets. None where
    /// the fractions contradict the network, a species that a reaction uses being absent.
    pub fn at_rest(
        tank: Tank,
        fractions: &DVector<f64>,
        noise: DVector<f64>,
        feeds: &[f64],
        temp_cel: f64,
        free: &[usize],
    ) -> Option<Self> {
        let (n, r) = (tank.width(), tank.network.reactions.len());
        let still = tank.derivative(fractions, Acting { feeds, rates: &vec![0.0; r] });
        let gains = DMatrix::from_fn(n, r, |row, column| tank.network.reactions[column].gains[row]);
        let extents = gains.svd(true, true).solve(&(-still), 1e-9).ok()?;
        let mut mean = DVector::zeros(n + 2 * r + 1 + free.len());
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
        let free: Vec<Free> =
            free.iter().map(|feed| Free { feed: *feed, noise: 0.0, last: None, error: 0.0 }).collect();
        let mut free = free;
        for (at, free) in free.iter_mut().enumerate() {
            let feed = *feeds.get(free.feed)?;
            free.noise = (FIRST_FEED_SD * feed).powi(2);
            let at = n + 2 * r + 1 + at;
            (mean[at], covariance[(at, at)]) = (feed, free.noise);
        }
        Some(Self {
            tank,
            free,
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

    fn feed_at(&self, free: usize) -> usize {
        self.temp_at() + 1 + free
    }

    /// These feeds, with those that no setpoint sets as estimated, kg/s.
    pub fn feeds(&self, set: &[f64]) -> Vec<f64> {
        self.feeds_of(&self.mean, set)
    }

    fn feeds_of(&self, state: &DVector<f64>, set: &[f64]) -> Vec<f64> {
        let mut feeds = set.to_vec();
        for (at, free) in self.free.iter().enumerate() {
            if let Some(feed) = feeds.get_mut(free.feed) {
                *feed = state[self.feed_at(at)].max(0.0);
            }
        }
        feeds
    }

    /// Lets time pass under these feeds (those that setpoints set count) and, where there is one, this temperature setpoint,
    /// and takes the measurements at its end.
    pub fn step(&mut self, dt_s: f64, feeds: &[f64], setpoint_cel: Option<f64>, measured: Measured<'_>) {
        self.predict(dt_s, feeds, setpoint_cel);
        if let Some(temp_cel) = measured.temp_cel {
            if let Some(last) = self.last_temp {
                self.temp_noise += NOISE_SHARE * ((temp_cel - last).powi(2) / 2.0 - self.temp_noise);
            }
            self.correct(self.temp_at(), temp_cel, self.temp_noise.max(1e-6));
        }
        self.last_temp = measured.temp_cel;
        self.measure_feeds(measured.feeds);
        for (i, fraction) in measured.fractions.iter().enumerate().take(self.tank.width()) {
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

    fn measure_feeds(&mut self, measured: &[Option<f64>]) {
        for at in 0..self.free.len() {
            let place = self.feed_at(at);
            let (expected, variance) = (self.mean[place], self.covariance[(place, place)]);
            let free = &mut self.free[at];
            let last = std::mem::replace(&mut free.last, measured.get(free.feed).copied().flatten());
            let Some(feed) = free.last else { continue };
            if let Some(last) = last {
                // A step of the feed is not its meter's noise.
                let difference = ((feed - last).powi(2) / 2.0).min(9.0 * free.noise);
                free.noise += NOISE_SHARE * (difference - free.noise);
            }
            let noise = free.noise.max(1e-12 * feed * feed).max(1e-15);
            let spread = variance + noise;
            // One wild reading alone is not a step.
            let error = (feed - expected).clamp(-6.0 * spread.sqrt(), 6.0 * spread.sqrt());
            free.error += STEP_SHARE * (error - free.error);
            let of_mean = variance + noise * STEP_SHARE / (2.0 - STEP_SHARE);
            if free.error.abs() > STEP_DEVIATIONS * of_mean.sqrt() {
                self.covariance[(place, place)] += (2.0 * free.error).powi(2);
                free.error = 0.0;
            }
            self.correct(place, feed, noise);
        }
    }

    fn predict(&mut self, dt_s: f64, set: &[f64], setpoint_cel: Option<f64>) {
        let (n, r, t) = (self.tank.width(), self.tank.network.reactions.len(), self.temp_at());
        let follow = 1.0 - (-dt_s / TEMP_LAG_S).exp();
        let temp_after = |temp_cel: f64| setpoint_cel.map_or(temp_cel, |to| temp_cel + follow * (to - temp_cel));
        let ahead = |state: &DVector<f64>| {
            // Over the step, the temperature is what it is in the middle.
            let rates = self.rates_of(state, (state[t] + temp_after(state[t])) / 2.0);
            let feeds = self.feeds_of(state, set);
            self.tank.after(&state.rows(0, n).into_owned(), Acting { feeds: &feeds, rates: &rates }, dt_s)
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
        for at in t + 1..width {
            self.covariance[(at, at)] += (FEED_WANDER_SD * self.mean[at]).powi(2) * hours;
        }
    }

    /// The variance of a fraction as estimated.
    pub fn fraction_variance(&self, species: usize) -> f64 {
        if species < self.tank.width() { self.covariance[(species, species)].max(0.0) } else { 0.0 }
    }

    /// Fractions and temperature as estimated, to look ahead from.
    pub fn foresight(&self) -> (DVector<f64>, f64) {
        (self.fractions(), self.temp_cel())
    }

    /// Fractions and temperature so much later, under these feeds and, where there is one, this temperature setpoint.
    pub fn later(
        &self,
        (fractions, temp_cel): (DVector<f64>, f64),
        dt_s: f64,
        feeds: &[f64],
        setpoint_cel: Option<f64>,
    ) -> (DVector<f64>, f64) {
        let follow = 1.0 - (-dt_s / TEMP_LAG_S).exp();
        let after = setpoint_cel.map_or(temp_cel, |to| temp_cel + follow * (to - temp_cel));
        let rates = self.rates((temp_cel + after) / 2.0);
        (self.tank.after(&fractions, Acting { feeds, rates: &rates }, dt_s), after)
    }

    /// The variance of each settled fraction under what acts at a temperature, as far as the rates are in doubt.
    pub fn settled_variance(&self, settled: &DVector<f64>, acting: Acting<'_>, temp_cel: f64) -> Option<DVector<f64>> {
        let (n, r) = (self.tank.width(), self.tank.network.reactions.len());
        let tens = self.tens(temp_cel);
        // At rest f(x, θ) = 0, and so dx/dθ = −(df/dx)⁻¹·df/dθ.
        let mut change = DMatrix::zeros(n, 2 * r);
        for (at, (reaction, k)) in self.tank.network.reactions.iter().zip(acting.rates).enumerate() {
            let rate: f64 = reaction.uses.iter().fold(*k, |rate, s| rate * settled[*s]);
            for (row, gain) in reaction.gains.iter().enumerate() {
                change[(row, at)] = gain * rate;
                change[(row, r + at)] = gain * rate * tens;
            }
        }
        let sensitivity = self.tank.jacobian(settled, acting).lu().solve(&change)?;
        let spread = &sensitivity * self.covariance.view((n, n), (2 * r, 2 * r)) * sensitivity.transpose();
        Some(spread.diagonal().map(|variance| variance.max(0.0)))
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
        io.maybe(&mut self.last_temp)?;
        self.free.iter_mut().try_for_each(|free| {
            io.number(&mut free.noise)?;
            io.maybe(&mut free.last)?;
            io.number(&mut free.error)
        })
    }
}
