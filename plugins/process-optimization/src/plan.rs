//! Searches the best steady state of a tank as it is known now, within limits on its fractions.
//!
//! Each call is one step of sequential quadratic programming: the objective's slope and bend and the limits' slopes by
//! differences of settled states, then [`Hill::top`]. Each limit is kept by a back-off, some standard deviations of what is
//! not known of the settled fraction (a chance constraint: Schwarm and Nikolaou 1999; Zhang, Monder and Forbes 2002), so that
//! it is approached from inside, and the nearer the better the rates are known.

use nalgebra::{DMatrix, DVector};

use crate::bytes::{Bytes, ForeignState};
use crate::climb::Setpoint;
use crate::estimator::Estimator;
use crate::limits::Limit;
use crate::prices::Prices;
use crate::quadratic::{Bound, Hill};
use crate::reaction::Role;
use crate::tank::Acting;

/// Shares of a range over which differences are taken.
const NUDGE: f64 = 0.005;
/// How far a step may go, as a share of a range: at most, and at least.
const TRUST: (f64, f64) = (0.1, 0.002);
/// A limit binds where a step ends so near to it, as a share of a range.
const BINDS: f64 = 0.01;
/// A sway would reach a limit that is so near, as a share of a range.
const SWAYS: f64 = 0.04;
/// Along a limit, a sway moves the temperature by this at least, for one of the direct one; else the others would move too far.
const LEAST_SWAY: f64 = 0.1;
/// Standard deviations of a limit's back-off, for what is not known of the rates. What is not known of the present is
/// [`guide`](crate::guide)'s.
const DEVIATIONS: f64 = 1.0;

/// What is known of the tank and its worth.
#[derive(Debug, Clone, Copy)]
pub struct Model<'a> {
    /// Rates and free feeds.
    pub estimator: &'a Estimator,
    /// The objective.
    pub prices: &'a Prices,
    /// Ranges.
    pub setpoints: &'a [Setpoint],
    /// What each sets.
    pub roles: &'a [Role],
    /// kg/s; those that setpoints set are replaced.
    pub feeds: &'a [f64],
    /// Cel, where no setpoint sets it.
    pub temp_cel: f64,
    /// To be kept.
    pub limits: &'a [Limit],
}

/// A steady state.
struct Settled {
    objective: f64,
    fractions: DVector<f64>,
    feeds: Vec<f64>,
    temp_cel: f64,
}

impl Model<'_> {
    /// The steady state of setpoints given as shares.
    fn settled(&self, shares: &[f64], guess: &DVector<f64>) -> Option<Settled> {
        let (mut feeds, mut temp_cel) = (self.estimator.feeds(self.feeds), self.temp_cel);
        for ((role, setpoint), share) in self.roles.iter().zip(self.setpoints).zip(shares) {
            match role {
                Role::Feed(at) => *feeds.get_mut(*at)? = setpoint.at(*share),
                Role::Temperature => temp_cel = setpoint.at(*share),
            }
        }
        let rates = self.estimator.rates(temp_cel);
        let fractions = self.estimator.tank().settled(guess, Acting { feeds: &feeds, rates: &rates })?;
        let objective = self.prices.objective(fractions.as_slice(), feeds.iter().sum(), &feeds, temp_cel);
        Some(Settled { objective, fractions, feeds, temp_cel })
    }

    /// Standard deviations of each settled fraction.
    fn doubt(&self, at: &Settled) -> Option<DVector<f64>> {
        let rates = self.estimator.rates(at.temp_cel);
        let acting = Acting { feeds: &at.feeds, rates: &rates };
        let variance = self.estimator.settled_variance(&at.fractions, acting, at.temp_cel)?;
        Some(variance.map(f64::sqrt))
    }
}

/// The search's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Best setpoints known, as shares of their ranges.
    pub best: Vec<f64>,
    trust: f64,
    last: DVector<f64>,
    /// Which limits decide where the best is.
    pub binding: Vec<bool>,
    /// Where a temperature can be swayed without the limits that bind noticing: how far each setpoint goes with it, as shares
    /// for one share of the temperature's.
    pub sway: DVector<f64>,
    /// Whether only that way, not back beyond the best.
    pub one_sided: bool,
}

impl Plan {
    /// For so many setpoints and limits.
    pub fn new(setpoints: usize, limits: usize) -> Self {
        Self {
            best: vec![0.5; setpoints],
            trust: TRUST.0,
            last: DVector::zeros(setpoints),
            binding: vec![false; limits],
            sway: DVector::zeros(setpoints),
            one_sided: false,
        }
    }

    /// Takes one step from the best known, within these shares of the ranges. Nothing changes where the model fails.
    pub fn improve(&mut self, model: Model<'_>, within: &[(f64, f64)]) {
        if let Some(step) = self.step(model, within) {
            // To and fro means that the step is too long for what is straight and quadratic of it.
            self.trust = if step.dot(&self.last) < 0.0 { self.trust * 0.5 } else { self.trust * 2.0 };
            self.trust = self.trust.clamp(TRUST.1, TRUST.0);
            for ((best, step), (lower, upper)) in self.best.iter_mut().zip(step.iter()).zip(within) {
                *best = (*best + step).clamp(*lower, upper.max(*lower));
            }
            self.last = step;
        }
    }

    fn step(&mut self, model: Model<'_>, within: &[(f64, f64)]) -> Option<DVector<f64>> {
        let n = self.best.len();
        let here = model.settled(&self.best, &model.estimator.fractions())?;
        let nudged = |nudges: &[(usize, f64)]| {
            let mut shares = self.best.clone();
            nudges.iter().for_each(|(at, by)| shares[*at] += by);
            model.settled(&shares, &here.fractions)
        };
        let mut hill = Hill { slope: DVector::zeros(n), bend: DMatrix::zeros(n, n) };
        let mut slopes = DMatrix::zeros(here.fractions.len(), n);
        let mut up = Vec::with_capacity(n);
        for i in 0..n {
            let (above, below) = (nudged(&[(i, NUDGE)])?, nudged(&[(i, -NUDGE)])?);
            hill.slope[i] = (above.objective - below.objective) / (2.0 * NUDGE);
            hill.bend[(i, i)] = (above.objective + below.objective - 2.0 * here.objective) / (NUDGE * NUDGE);
            slopes.set_column(i, &((above.fractions - below.fractions) / (2.0 * NUDGE)));
            up.push(above.objective);
        }
        for i in 0..n {
            for j in 0..i {
                let both = nudged(&[(i, NUDGE), (j, NUDGE)])?.objective;
                let bend = (both - up[i] - up[j] + here.objective) / (NUDGE * NUDGE);
                (hill.bend[(i, j)], hill.bend[(j, i)]) = (bend, bend);
            }
        }
        let mut bounds = self.reach(within);
        if !model.limits.is_empty() {
            let doubt = model.doubt(&here)?;
            for limit in model.limits {
                let row = slopes.row(limit.species).transpose() * if limit.upper { 1.0 } else { -1.0 };
                let room = limit.room(here.fractions[limit.species]) - DEVIATIONS * doubt[limit.species];
                bounds.push(Bound { row, room });
            }
        }
        let step = hill.top(&bounds);
        let binds = |b: &Bound, within: f64| b.row.dot(&step) > b.room - within * b.row.norm();
        self.binding = bounds.iter().skip(2 * n).map(|bound| binds(bound, BINDS)).collect();
        let binding: Vec<&Bound> = bounds.iter().skip(2 * n).filter(|bound| binds(bound, SWAYS)).collect();
        (self.sway, self.one_sided) = sway(model.roles, &hill.slope, &binding);
        Some(step)
    }

    /// The bounds of one step.
    fn reach(&self, within: &[(f64, f64)]) -> Vec<Bound> {
        let n = self.best.len();
        let unit = |i: usize, way: f64| DVector::from_fn(n, |j, _| if i == j { way } else { 0.0 });
        let of = |(i, (best, (lower, upper))): (usize, (&f64, &(f64, f64)))| {
            let (up, down) = ((upper - best).min(self.trust), (best - lower).min(self.trust));
            [Bound { row: unit(i, 1.0), room: up }, Bound { row: unit(i, -1.0), room: down }]
        };
        self.best.iter().zip(within).enumerate().flat_map(of).collect()
    }

    /// Its fields, for saving and restoring.
    pub fn bytes(&mut self, io: &mut Bytes<'_>) -> Result<(), ForeignState> {
        io.numbers(self.best.iter_mut())?;
        io.number(&mut self.trust)?;
        io.numbers(self.last.iter_mut())?;
        io.same(self.binding.len() as u64)?;
        for binds in &mut self.binding {
            let mut flag = u64::from(*binds);
            io.count(&mut flag)?;
            *binds = flag == 1;
        }
        let mut one_sided = u64::from(self.one_sided);
        io.count(&mut one_sided)?;
        self.one_sided = one_sided == 1;
        io.numbers(self.sway.iter_mut())
    }
}

/// Along which the temperature can be swayed, and whether to one side only: along all that binds or, in a corner, along what
/// binds but one limit, away from that one, where it costs least.
fn sway(roles: &[Role], slope: &DVector<f64>, binding: &[&Bound]) -> (DVector<f64>, bool) {
    if let Some(way) = along(roles, binding.iter().copied()) {
        return (way, false);
    }
    let leaving = (0..binding.len()).filter_map(|at| {
        let others = binding.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, bound)| *bound);
        let way = along(roles, others)?;
        let outward = binding.get(at)?.row.dot(&way) > 0.0;
        Some(if outward { -way } else { way })
    });
    let best = leaving.max_by(|one, other| slope.dot(one).total_cmp(&slope.dot(other)));
    (best.unwrap_or_else(|| DVector::zeros(roles.len())), true)
}

/// The direction nearest to the temperature's own that runs along these bounds, for one share of the temperature; none where
/// it hardly moves the temperature.
fn along<'a>(roles: &[Role], binding: impl Iterator<Item = &'a Bound>) -> Option<DVector<f64>> {
    let n = roles.len();
    let at = roles.iter().position(|role| *role == Role::Temperature)?;
    let mut across: Vec<DVector<f64>> = Vec::new();
    for bound in binding {
        let mut row = bound.row.clone();
        across.iter().for_each(|other| row -= other * other.dot(&bound.row));
        if row.norm() > 1e-6 * bound.row.norm() {
            across.push(row.normalize());
        }
    }
    let own = DVector::from_fn(n, |i, _| if i == at { 1.0 } else { 0.0 });
    let along = across.iter().fold(own, |along, row| {
        let share = row.dot(&along);
        along - row * share
    });
    (along[at] >= LEAST_SWAY).then(|| &along / along[at])
}
