//! The method that needs the objective only: a quadratic response surface behind a lag, learnt from steps.
//!
//! The objective is taken as a quadratic of the setpoints, seen through a chain of equal first-order lags (a Hammerstein
//! model), plus what each setpoint does on the way, plus what the noise of `measures` explains. Weighted least squares with
//! forgetting and a weak prior keep it; a sample counts the less, the more of it is transient, since the lag's shape is a
//! guess. Once in a settling time the setpoints go where, within a step, mean plus a share of the standard deviation is
//! highest (an upper confidence bound): that explores while little is known and climbs once more is.
//!
//! After Golden and Ydstie (1989) and McFarlane and Bacon (1989), who optimise on an identified dynamic model, with the
//! confidence bound of Srinivas et al. (2010) in place of their dither.

use nalgebra::{DMatrix, DVector};

use crate::bytes::{Bytes, ForeignState};
use crate::climb::{Observation, Reason, Setpoint, Target};

/// What the configuration decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Share of a setpoint's range that one trial moves at most.
    pub step: f64,
    /// How long the objective takes to settle after a step.
    pub settling_s: f64,
}

/// Lags in the chain. Three settle to 95 % in 6.3 of their time constants.
const LAGS: usize = 3;
const TIME_CONSTANTS_TO_SETTLE: f64 = 6.0;
/// A setpoint's range is so many units wide: a quadratic is good for some units.
const UNITS: f64 = 6.0;
/// Observations before the first step, from which the noise is known.
const REST: u64 = 20;
/// Standard deviations that count as much as the mean.
const CURIOSITY: f64 = 0.5;
/// Settling times after which an observation counts 1/e.
const MEMORY: f64 = 20.0;
/// Share of a transient that the model is taken to get wrong, for as long as half a settling time.
const TRANSIENT_DOUBT: f64 = 0.5;
/// Prior standard deviations, and the prior mean `bend` of a curvature (hills are hills), all per unit and in units of the
/// objective's spread. They are worth less than a handful of observations.
const PRIOR: Prior = Prior { slope: 2.0, curvature: 1.5, bend: -0.5, cross: 1.5, transient: 2.0, measure: 1e3 };

struct Prior {
    slope: f64,
    curvature: f64,
    bend: f64,
    cross: f64,
    transient: f64,
    measure: f64,
}

/// The method's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    setpoints: Vec<Setpoint>,
    settings: Settings,
    time_s: Option<f64>,
    seen: u64,
    /// Origin of the units, from the first applied values.
    origin: DVector<f64>,
    /// What goes into the chain, and what comes out of each lag: columns.
    chain: DMatrix<f64>,
    /// Noise variance and the last objective, mean and variance of the objective.
    noise: f64,
    last: f64,
    mean: f64,
    spread: f64,
    information: DMatrix<f64>,
    moment: DVector<f64>,
    model: DVector<f64>,
    covariance: DMatrix<f64>,
    /// Each measure as it follows the setpoints at once: information, and a column of moments each.
    following: DMatrix<f64>,
    followed: DMatrix<f64>,
    decided_s: f64,
    goal: DVector<f64>,
    trying: bool,
    doubt: f64,
}

impl Surface {
    /// For setpoints, and so many measures that follow them at once.
    pub fn new(setpoints: Vec<Setpoint>, measures: usize, settings: Settings) -> Self {
        let n = setpoints.len();
        let lifted = n + n * (n + 1) / 2;
        let terms = 1 + lifted + LAGS * n + measures;
        Self {
            setpoints,
            settings,
            time_s: None,
            seen: 0,
            origin: DVector::zeros(n),
            chain: DMatrix::zeros(lifted, LAGS + 1),
            noise: 0.0,
            last: 0.0,
            mean: 0.0,
            spread: 0.0,
            information: DMatrix::zeros(terms, terms),
            moment: DVector::zeros(terms),
            model: DVector::zeros(terms),
            covariance: DMatrix::zeros(1 + lifted, 1 + lifted),
            following: DMatrix::zeros(1 + n, 1 + n),
            followed: DMatrix::zeros(1 + n, measures),
            decided_s: 0.0,
            goal: DVector::zeros(n),
            trying: true,
            doubt: 1.0,
        }
    }

    /// Takes one observation that has an objective.
    pub fn observe(&mut self, seen: &Observation) {
        let Some(objective) = seen.objective else { return };
        let n = self.setpoints.len();
        let here =
            DVector::from_iterator(n, self.setpoints.iter().zip(&seen.applied).map(|(s, a)| s.share(*a) * UNITS));
        let dt_s = self.time_s.map_or(0.0, |before| (seen.time_s - before).max(0.0));
        if self.time_s.is_none() {
            (self.origin, self.mean, self.last) = (here.clone(), objective, objective);
            self.decided_s = seen.time_s;
        }
        self.time_s = Some(seen.time_s);
        let here = here - &self.origin;
        self.flow(&here, dt_s);
        self.spread(objective);
        let residuals = self.residuals(&here, &seen.measures, dt_s);
        // Without an idea of the noise, the first observations would weigh more than all that follow.
        if self.seen >= REST / 4 {
            self.learn(objective, &residuals, dt_s);
        }
        self.seen += 1;
        let waited = seen.time_s - self.decided_s >= self.settings.settling_s;
        if self.seen == REST || self.seen > REST && waited {
            self.decided_s = seen.time_s;
            self.decide(&here);
        }
    }

    /// Moves the chain on.
    fn flow(&mut self, here: &DVector<f64>, dt_s: f64) {
        let share = 1.0 - (-dt_s * TIME_CONSTANTS_TO_SETTLE / self.settings.settling_s).exp();
        self.chain.set_column(0, &lift(here));
        for lag in 1..=LAGS {
            let step = (self.chain.column(lag - 1) - self.chain.column(lag)) * share;
            let mut column = self.chain.column_mut(lag);
            column += step;
        }
    }

    /// Keeps the objective's noise (from successive differences, at rest), mean and variance.
    fn spread(&mut self, objective: f64) {
        let count = (self.seen + 1) as f64;
        if 0 < self.seen && self.seen < REST {
            let difference = (objective - self.last).powi(2) / 2.0;
            self.noise += (difference - self.noise) / self.seen as f64;
        }
        self.last = objective;
        let off = objective - self.mean;
        self.mean += off / count;
        self.spread += (off * (objective - self.mean) - self.spread) / count;
    }

    /// What of each measure is not explained by the setpoints: its noise, which the objective shares.
    fn residuals(&mut self, here: &DVector<f64>, measures: &[Option<f64>], dt_s: f64) -> Vec<f64> {
        let terms = DVector::from_iterator(1 + here.len(), std::iter::once(1.0).chain(here.iter().copied()));
        let keep = self.keep(dt_s);
        let count = self.followed.ncols();
        let usable: Option<Vec<f64>> = measures.iter().copied().collect();
        let Some(usable) = usable.filter(|usable| usable.len() == count) else { return vec![0.0; count] };
        self.following = &self.following * keep + &terms * terms.transpose();
        for (at, measure) in usable.iter().enumerate() {
            let moved = self.followed.column(at) * keep + &terms * *measure;
            self.followed.set_column(at, &moved);
        }
        let ridge = DMatrix::from_diagonal_element(terms.len(), terms.len(), 1e-6);
        match (&self.following + ridge).cholesky() {
            Some(factor) if self.seen >= REST / 4 => {
                let expected = factor.solve(&self.followed).tr_mul(&terms);
                usable.iter().zip(expected.iter()).map(|(m, e)| m - e).collect()
            }
            Some(_) | None => vec![0.0; count],
        }
    }

    fn keep(&self, dt_s: f64) -> f64 {
        (-dt_s / (MEMORY * self.settings.settling_s)).exp()
    }

    /// One weighted least-squares update.
    fn learn(&mut self, objective: f64, residuals: &[f64], dt_s: f64) {
        let (n, end) = (self.setpoints.len(), self.chain.column(LAGS));
        let on_the_way = (0..LAGS).flat_map(|lag| (0..n).map(move |i| (lag, i)));
        let parts = std::iter::once(1.0)
            .chain(end.iter().copied())
            .chain(on_the_way.map(|(lag, i)| self.chain[(i, lag)] - end[i]))
            .chain(residuals.iter().copied());
        let terms = DVector::from_iterator(self.model.len(), parts);
        let first = 1 + end.len();
        let transient = terms.rows(first, LAGS * n).dot(&self.model.rows(first, LAGS * n));
        // An error that lasts half a settling time does not average out among the samples in it.
        let lasting = (0.5 * self.settings.settling_s / dt_s.max(1e-3)).max(1.0);
        let noise = self.noise.max(1e-12 * self.mean * self.mean).max(1e-24);
        let weight = 1.0 / (noise + lasting * (TRANSIENT_DOUBT * transient).powi(2));
        let keep = self.keep(dt_s);
        self.information = &self.information * keep + &terms * terms.transpose() * weight;
        self.moment = &self.moment * keep + &terms * (weight * objective);
        self.solve();
    }

    fn solve(&mut self) {
        let (n, terms) = (self.setpoints.len(), self.model.len());
        let scale = self.spread.max(self.noise).max(1e-24).sqrt();
        let mut information = self.information.clone();
        let mut moment = self.moment.clone();
        let mut expect = |at: usize, mean: f64, sd: f64| {
            let precision = 1.0 / (sd * scale).powi(2);
            information[(at, at)] += precision;
            moment[at] += precision * mean * scale;
        };
        (1..=n).for_each(|at| expect(at, 0.0, PRIOR.slope));
        for (place, (i, j)) in pairs(n).enumerate() {
            match i == j {
                true => expect(1 + n + place, PRIOR.bend, PRIOR.curvature),
                false => expect(1 + n + place, 0.0, PRIOR.cross),
            }
        }
        let first = 1 + self.chain.nrows();
        (first..first + LAGS * n).for_each(|at| expect(at, 0.0, PRIOR.transient));
        // A measure's noise is small in its own unit: its prior is wide.
        (first + LAGS * n..terms).for_each(|at| expect(at, 0.0, PRIOR.measure));
        if let Some(factor) = information.cholesky() {
            self.model = factor.solve(&moment);
            let inverse = factor.inverse();
            self.covariance = inverse.view((0, 0), (first, first)).into_owned();
        }
    }

    /// Gain of the objective from one point to another, and its standard deviation.
    fn gain(&self, from: &DVector<f64>, to: &DVector<f64>) -> (f64, f64) {
        let change = lift(to) - lift(from);
        let slope = self.model.rows(1, change.len());
        let covariance = self.covariance.view((1, 1), (change.len(), change.len()));
        (slope.dot(&change), (covariance * &change).dot(&change).max(0.0).sqrt())
    }

    /// Chooses the next point: pattern searches from here and from a step along each setpoint, each way.
    fn decide(&mut self, here: &DVector<f64>) {
        let n = self.setpoints.len();
        let reach = self.settings.step * UNITS;
        let worth = |to: &DVector<f64>| {
            let (mean, sd) = self.gain(here, to);
            mean + CURIOSITY * sd
        };
        let mut best = (worth(here), here.clone());
        for start in 0..=2 * n {
            let mut at = here.clone();
            if start > 0 {
                at[(start - 1) / 2] += if start % 2 == 1 { reach } else { -reach };
            }
            let mut at = self.within(here, at, reach);
            let mut value = worth(&at);
            let mut stride = reach / 2.0;
            while stride > reach / 64.0 {
                let mut moved = false;
                for (i, way) in (0..n).flat_map(|i| [(i, 1.0), (i, -1.0)]) {
                    let mut there = at.clone();
                    there[i] += way * stride;
                    let there = self.within(here, there, reach);
                    let better = worth(&there);
                    if better > value + 1e-12 * value.abs() {
                        (at, value, moved) = (there, better, true);
                    }
                }
                if !moved {
                    stride /= 2.0;
                }
            }
            if value > best.0 {
                best = (value, at);
            }
        }
        let (mean, sd) = self.gain(here, &best.1);
        self.trying = CURIOSITY * sd > mean;
        self.doubt = sd / self.spread.max(1e-24).sqrt();
        self.goal = best.1;
    }

    /// The nearest point within the ranges and a step of `here`.
    fn within(&self, here: &DVector<f64>, to: DVector<f64>, reach: f64) -> DVector<f64> {
        let far = (&to - here).norm();
        let to = if far > reach { here + (to - here) * (reach / far) } else { to };
        DVector::from_iterator(to.len(), to.iter().zip(self.origin.iter()).map(|(x, o)| x.clamp(-o, UNITS - o)))
    }

    /// Where the setpoints should go; none before the first step.
    pub fn target(&self) -> Option<Target> {
        if self.seen < REST {
            return None;
        }
        let shares = self.goal.iter().zip(self.origin.iter()).map(|(x, o)| (x + o) / UNITS);
        Some(Target {
            values: self.setpoints.iter().zip(shares).map(|(setpoint, share)| setpoint.at(share)).collect(),
            confidence: 1.0 / (1.0 + self.doubt),
            reason: if self.trying { Reason::Try } else { Reason::Climb },
        })
    }

    /// Its fields, for saving and restoring.
    pub fn bytes(&mut self, io: &mut Bytes<'_>) -> Result<(), ForeignState> {
        io.same(self.setpoints.len() as u64)?;
        io.same(self.model.len() as u64)?;
        io.maybe(&mut self.time_s)?;
        io.count(&mut self.seen)?;
        for vector in [&mut self.origin, &mut self.moment, &mut self.model, &mut self.goal] {
            io.numbers(vector.iter_mut())?;
        }
        let matrices =
            [&mut self.chain, &mut self.information, &mut self.covariance, &mut self.following, &mut self.followed];
        for matrix in matrices {
            io.numbers(matrix.iter_mut())?;
        }
        let numbers =
            [&mut self.noise, &mut self.last, &mut self.mean, &mut self.spread, &mut self.decided_s, &mut self.doubt];
        io.numbers(numbers)?;
        let mut trying = u64::from(self.trying);
        io.count(&mut trying)?;
        self.trying = trying == 1;
        Ok(())
    }
}

/// Pairs i ≤ j.
pub(crate) fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i..n).map(move |j| (i, j)))
}

/// A point's coordinates and their products.
pub(crate) fn lift(at: &DVector<f64>) -> DVector<f64> {
    let n = at.len();
    let products = pairs(n).map(|(i, j)| at[i] * at[j]);
    DVector::from_iterator(n + n * (n + 1) / 2, at.iter().copied().chain(products))
}
