//! Extremum seeking: a swing about the best known point, a parabola tracked by a Kalman filter, Newton's steps.
//!
//! The setpoints swing slowly about a centre. The objective is taken as a parabola of them behind a chain of equal lags,
//! with terms for what each setpoint does on the way (an inverse response, say). Where averaging perturbation methods (Krstić
//! and Wang, 2000; Ariyur and Krstić, *Real-Time Optimization by Extremum-Seeking Control*, 2003) demodulate, a Kalman
//! filter estimates offset, slope, curvature and transients at once, as in the time-varying gradient estimates of Guay and
//! Dochain (2015); the centre moves by Newton's step (Ghaffari, Krstić and Nešić, 2012) within a trust region. Two things
//! set themselves: what was learnt elsewhere or long ago counts less, and the swing is as wide as the optimum is uncertain,
//! which is where the losses by both are least.

use nalgebra::{DMatrix, DVector};

use crate::bytes::{Bytes, ForeignState};
use crate::climb::{Hold, Observation, Reason, Setpoint, Target};
use crate::surface::{Settings, lift, pairs};

/// Lags in the chain. Three settle to 95 % in 6.3 of their time constants.
const LAGS: usize = 3;
const TIME_CONSTANTS_TO_SETTLE: f64 = 6.0;
/// Observations before the first move, from which the noise is known.
const REST: u64 = 20;
/// The first setpoint's swing takes so many settling times, each further one's more, so that they can be told apart.
const SWING: f64 = 6.0;
/// The widest swing, as a share of `step`.
const WIDEST: f64 = 0.3;
/// Settling times after which what was learnt counts 1/e: the offset and its trend (everything that disturbs the plant moves
/// them), the slope, and curvature and transients, which wander least.
const MEMORY: Memory = Memory { offset: 10.0, slope: 30.0, shape: 300.0 };
/// Over this share of the range, the curvature is taken to become another.
const LENGTH: f64 = 0.3;
/// Settling times in which the centre covers most of a Newton step.
const APPROACH: f64 = 3.0;
/// Settling times that centre and swing move on at most after a pause.
const LONGEST_STEP: f64 = 0.25;
/// Share of a transient that the model is taken to get wrong, for as long as half a settling time.
const TRANSIENT_DOUBT: f64 = 0.3;
/// Prior standard deviation of slope, curvature and transients over a whole range, in standard deviations of the noise.
const PRIOR: f64 = 1e3;
/// An error counts as so many of its standard deviations at most: a spike is not news.
const SPIKE: f64 = 4.0;

struct Memory {
    offset: f64,
    slope: f64,
    shape: f64,
}

/// The method's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Seek {
    setpoints: Vec<Setpoint>,
    settings: Settings,
    /// The narrowest swing, as a share of a range.
    excitation: f64,
    time_s: Option<f64>,
    seen: u64,
    /// Where in its swing each setpoint is.
    phase: DVector<f64>,
    /// Half-widths of the swings now, as shares of the ranges.
    swing: DVector<f64>,
    /// What the setpoints swing about, as shares of the ranges.
    centre: DVector<f64>,
    /// Origin of the parabola's coordinates.
    origin: DVector<f64>,
    /// What goes into the chain, and what comes out of each lag: columns.
    chain: DMatrix<f64>,
    /// The noise's variance, and the last objective.
    noise: f64,
    last: f64,
    /// The centre without its jitter.
    way: DVector<f64>,
    /// Offset, slope, curvature, transients, the offset's trend a settling time, and their covariance.
    model: DVector<f64>,
    covariance: DMatrix<f64>,
    doubt: f64,
    trying: bool,
}

/// The parabola at a point.
struct Local {
    slope: DVector<f64>,
    slope_covariance: DMatrix<f64>,
    curvature: DMatrix<f64>,
    /// Standard deviation of the curvature along each setpoint.
    curvature_sd: DVector<f64>,
}

impl Seek {
    /// For setpoints, with the narrowest swing as a share of their ranges.
    pub fn new(setpoints: Vec<Setpoint>, settings: Settings, excitation: f64) -> Self {
        let n = setpoints.len();
        let lifted = n + n * (n + 1) / 2;
        let terms = 1 + lifted + n + 1;
        Self {
            setpoints,
            settings,
            excitation,
            time_s: None,
            seen: 0,
            phase: DVector::zeros(n),
            swing: DVector::zeros(n),
            centre: DVector::zeros(n),
            origin: DVector::zeros(n),
            chain: DMatrix::zeros(lifted, LAGS + 1),
            noise: 0.0,
            last: 0.0,
            way: DVector::zeros(n),
            model: DVector::zeros(terms),
            covariance: DMatrix::zeros(terms, terms),
            doubt: 1.0,
            trying: true,
        }
    }

    /// Takes one observation that has an objective.
    pub fn observe(&mut self, seen: &Observation) {
        let Some(objective) = seen.objective else { return };
        let n = self.setpoints.len();
        let here = DVector::from_iterator(n, self.setpoints.iter().zip(&seen.applied).map(|(s, a)| s.share(*a)));
        if self.time_s.is_none() {
            (self.origin, self.centre, self.way, self.last) = (here.clone(), here.clone(), here.clone(), objective);
        }
        let dt_s = self.time_s.map_or(0.0, |before| (seen.time_s - before).max(0.0));
        self.time_s = Some(seen.time_s);
        // After a long silence nobody knows what the setpoints did; taken as at rest since, little is wrong.
        let silent = dt_s > self.settings.settling_s;
        self.flow(&(&here - &self.origin), dt_s, silent);
        self.follow(&here, &seen.holds, silent);
        self.seen += 1;
        if self.seen <= REST {
            self.rest(objective);
            return;
        }
        let dt = dt_s.min(self.settings.settling_s) / self.settings.settling_s;
        self.forget(dt);
        self.learn(objective, dt);
        self.steer(if silent { 0.0 } else { dt.min(LONGEST_STEP) });
    }

    /// Moves the chain on.
    fn flow(&mut self, here: &DVector<f64>, dt_s: f64, silent: bool) {
        let share = 1.0 - (-dt_s * TIME_CONSTANTS_TO_SETTLE / self.settings.settling_s).exp();
        self.chain.set_column(0, &lift(here));
        for lag in 1..=LAGS {
            let gain = if silent { 1.0 } else { share };
            let step = (self.chain.column(lag - 1) - self.chain.column(lag)) * gain;
            let mut column = self.chain.column_mut(lag);
            column += step;
        }
    }

    /// A setpoint that was handed over or is blocked starts its swing where it is; none runs away from what is applied.
    fn follow(&mut self, here: &DVector<f64>, holds: &[Hold], silent: bool) {
        for i in 0..here.len() {
            if silent || holds.get(i).is_some_and(|hold| hold.follow) {
                (self.centre[i], self.swing[i], self.phase[i]) = (here[i], 0.0, 0.0);
            }
            let slack = self.swing[i] + self.settings.step / 2.0;
            self.centre[i] = self.centre[i].max(here[i] - slack).min(here[i] + slack);
        }
    }

    /// The noise, from successive differences at rest; then the prior.
    fn rest(&mut self, objective: f64) {
        if self.seen > 1 {
            let difference = (objective - self.last).powi(2) / 2.0;
            self.noise += (difference - self.noise) / (self.seen - 1) as f64;
            self.model[0] += (objective - self.model[0]) / self.seen as f64;
        } else {
            self.model[0] = objective;
        }
        self.last = objective;
        if self.seen == REST && !self.noise.is_finite() {
            (self.seen, self.noise) = (0, 0.0);
        }
        if self.seen == REST {
            // Without any noise, a millionth of the objective keeps the arithmetic sound.
            self.noise = self.noise.max(1e-12 * self.model[0] * self.model[0]).max(1e-24);
            let prior = DVector::from_element(self.model.len(), PRIOR * PRIOR * self.noise);
            self.covariance = DMatrix::from_diagonal(&prior);
            self.covariance[(0, 0)] = self.noise;
            self.covariance[(prior.len() - 1, prior.len() - 1)] = self.noise;
        }
    }

    /// From the model's coordinates to those about the centre: offset and slope there.
    fn shift(&self, sign: f64) -> DMatrix<f64> {
        let n = self.setpoints.len();
        let mut shift = DMatrix::identity(self.model.len(), self.model.len());
        let at = (&self.centre - &self.origin) * sign;
        for (i, a) in at.iter().enumerate() {
            shift[(0, 1 + i)] = *a;
        }
        for (place, (i, j)) in pairs(n).enumerate() {
            let column = 1 + n + place;
            shift[(0, column)] = at[i] * at[j];
            shift[(1 + i, column)] += at[j];
            shift[(1 + j, column)] += at[i];
        }
        shift
    }

    /// Time passes: the offset follows its trend, and the covariance grows about the centre, up to the prior's.
    fn forget(&mut self, dt: f64) {
        let (n, end) = (self.setpoints.len(), self.model.len() - 1);
        self.model[0] += self.model[end] * dt;
        let mut drift = self.shift(1.0);
        for at in 0..=end {
            drift[(0, at)] += dt * f64::from(u8::from(at == end));
        }
        let about = &drift * &self.covariance * drift.transpose();
        let most = |at: usize| self.noise * if at == 0 || at == end { 1.0 } else { PRIOR * PRIOR };
        // Each term's growth ends at its prior, so that what is not excited stays bounded.
        let grow = DVector::from_fn(end + 1, |at, _| match at {
            _ if about[(at, at)] >= most(at) => 1.0,
            0 => (0.5 * dt / MEMORY.offset).exp(),
            _ if at == end => (0.5 * dt / MEMORY.offset).exp(),
            _ if at <= n => (0.5 * dt / MEMORY.slope).exp(),
            _ => (0.5 * dt / MEMORY.shape).exp(),
        });
        let about = DMatrix::from_fn(end + 1, end + 1, |i, j| about[(i, j)] * grow[i] * grow[j]);
        self.covariance = self.shift(-1.0) * about * self.shift(-1.0).transpose();
    }

    /// The centre moves: the further it goes, the less is known of slope and curvature there.
    fn doubt_what_is_far(&mut self, moved: &DVector<f64>, curvature: &DMatrix<f64>) {
        let (n, far) = (moved.len(), moved.norm());
        if far <= 0.0 {
            return;
        }
        let scale = curvature.norm().powi(2) / n as f64;
        let mut about = DMatrix::zeros(self.model.len(), self.model.len());
        for i in 0..n {
            about[(1 + i, 1 + i)] = scale * LENGTH * far / 3.0;
        }
        for place in 1 + n..1 + n + n * (n + 1) / 2 {
            about[(place, place)] = 0.25 * scale * far / LENGTH;
        }
        self.covariance += self.shift(-1.0) * about * self.shift(-1.0).transpose();
    }

    /// One step of the Kalman filter.
    fn learn(&mut self, objective: f64, dt: f64) {
        let (n, end) = (self.setpoints.len(), self.chain.column(LAGS));
        let parts = std::iter::once(1.0)
            .chain(end.iter().copied())
            .chain((0..n).map(|i| self.chain[(i, 0)] - end[i]))
            .chain(std::iter::once(0.0));
        let terms = DVector::from_iterator(self.model.len(), parts);
        let first = 1 + end.len();
        let transient = terms.rows(first, n).dot(&self.model.rows(first, n));
        // An error that lasts half a settling time does not average out among the samples in it.
        let lasting = (0.5 / dt.max(1e-6)).max(1.0);
        let own = self.noise + lasting * (TRANSIENT_DOUBT * transient).powi(2);
        let along = &self.covariance * &terms;
        let variance = terms.dot(&along).max(0.0) + own;
        let most = SPIKE * variance.sqrt();
        let error = (objective - terms.dot(&self.model)).clamp(-most, most);
        // A number beyond all measure is not one to learn from.
        if !(error.is_finite() && variance.is_finite()) {
            return;
        }
        self.model += &along * (error / variance);
        self.covariance -= &along * along.transpose() / variance;
        self.covariance = (&self.covariance + self.covariance.transpose()) * 0.5;
        // What the model cannot explain is noise to it, whatever it was at rest.
        let keep = (-dt / MEMORY.slope).exp();
        let explained = (variance - own) / variance;
        self.noise = keep * self.noise + (1.0 - keep) * error * error * (1.0 - explained).max(0.1);
        self.noise = self.noise.max(1e-12 * self.model[0] * self.model[0]).max(1e-24);
    }

    /// The parabola about the centre.
    fn local(&self) -> Local {
        let n = self.setpoints.len();
        let shift = self.shift(1.0);
        let (model, covariance) = (&shift * &self.model, &shift * &self.covariance * shift.transpose());
        let mut curvature = DMatrix::zeros(n, n);
        let mut curvature_sd = DVector::zeros(n);
        for (place, (i, j)) in pairs(n).enumerate() {
            let at = 1 + n + place;
            curvature[(i, j)] += model[at];
            curvature[(j, i)] += model[at];
            if i == j {
                curvature_sd[i] = 2.0 * covariance[(at, at)].max(0.0).sqrt();
            }
        }
        let slope = model.rows(1, n).into_owned();
        Local { slope, slope_covariance: covariance.view((1, 1), (n, n)).into_owned(), curvature, curvature_sd }
    }

    /// Moves the centre on, and sets the swings.
    fn steer(&mut self, dt: f64) {
        let n = self.setpoints.len();
        let local = self.local();
        let reach = self.settings.step;
        if !local.curvature.iter().chain(local.slope.iter()).all(|x| x.is_finite()) {
            return;
        }
        // Newton's step in the curvature's own directions. Uphill bends and doubtful ones count as bent enough to end the step
        // at the trust region.
        let eigen = local.curvature.clone().symmetric_eigen();
        let mut newton = DVector::zeros(n);
        let (mut sure, mut all) = (0.0, 0.0);
        for (along, bend) in eigen.eigenvectors.column_iter().zip(eigen.eigenvalues.iter()) {
            let slope = local.slope.dot(&along);
            let variance = (&local.slope_covariance * along).dot(&along).max(1e-300);
            let sd: f64 = along.iter().zip(local.curvature_sd.iter()).map(|(a, sd)| (a * a * sd).powi(2)).sum();
            let bent = (-bend).max(0.0) + 0.5 * sd.sqrt();
            let bent = bent.max(slope.abs() / reach).max(1e-300);
            // A slope that may be none moves the centre little.
            let reliable = slope * slope / (slope * slope + variance);
            newton += along * (reliable * slope / bent);
            (sure, all) = (sure + reliable, all + 1.0);
        }
        let far = newton.norm();
        let newton = if far > reach { newton * (reach / far) } else { newton };
        let before = self.centre.clone();
        for i in 0..n {
            // Where the curvature is doubtful, the swing is wide rather than narrow.
            let bent = (-local.curvature[(i, i)]).max(0.0);
            let bent = bent * bent / (bent + local.curvature_sd[i]).max(1e-300);
            let uncertain = local.slope_covariance[(i, i)].max(0.0).sqrt() / bent.max(1e-300);
            let widest = (WIDEST * reach).max(self.excitation);
            let wide = uncertain.clamp(self.excitation, widest);
            self.swing[i] += (wide - self.swing[i]) * (1.0 - (-dt).exp());
            self.phase[i] += dt * std::f64::consts::TAU / (SWING + i as f64);
            self.phase[i] %= std::f64::consts::TAU;
            // A centre at the very edge would halve the swing.
            let edge = self.swing[i].min(0.5);
            let to = self.centre[i] + newton[i] * (1.0 - (-dt / APPROACH).exp());
            self.centre[i] = to.clamp(edge.min(before[i]), (1.0 - edge).max(before[i]));
        }
        let moved = (&self.centre - &self.way) * (1.0 - (-dt / MEMORY.offset).exp());
        self.way += &moved;
        self.doubt_what_is_far(&moved, &local.curvature);
        self.doubt = 1.0 - sure / f64::max(all, 1.0);
        self.trying = far < self.swing.max();
    }

    /// Where the setpoints should go; none before the first move.
    pub fn target(&self) -> Option<Target> {
        if self.seen <= REST {
            return None;
        }
        let share = |i: usize| (self.centre[i] + self.swing[i] * self.phase[i].sin()).clamp(0.0, 1.0);
        Some(Target {
            values: self.setpoints.iter().enumerate().map(|(i, setpoint)| setpoint.at(share(i))).collect(),
            confidence: 1.0 / (1.0 + self.doubt),
            reason: if self.trying { Reason::Try } else { Reason::Climb },
        })
    }

    /// Its fields, for saving and restoring.
    pub fn bytes(&mut self, io: &mut Bytes<'_>) -> Result<(), ForeignState> {
        io.same(self.setpoints.len() as u64)?;
        io.maybe(&mut self.time_s)?;
        io.count(&mut self.seen)?;
        for vector in
            [&mut self.phase, &mut self.swing, &mut self.centre, &mut self.origin, &mut self.way, &mut self.model]
        {
            io.numbers(vector.iter_mut())?;
        }
        io.numbers(self.chain.iter_mut())?;
        io.numbers(self.covariance.iter_mut())?;
        io.numbers([&mut self.noise, &mut self.last, &mut self.doubt])?;
        let mut trying = u64::from(self.trying);
        io.count(&mut trying)?;
        self.trying = trying == 1;
        Ok(())
    }
}
