//! The method for a stirred tank whose reactions are known and whose rate constants are not.
//!
//! Rates are learnt by [`Estimator`], prices by [`Prices`]; the optimum of the steady state that follows is searched on at
//! every observation by [`Plan`], within limits on fractions where there are any, and the setpoints go there at a bounded
//! rate. This is the two-step approach of real-time optimisation (Jang, Joseph and Mukai 1987; Chachuat, Srinivasan and Bonvin
//! 2009 on when it is right: the structure must hold, its constants need not be known).

use nalgebra::DVector;

use crate::bytes::{Bytes, ForeignState};
use crate::climb::{Observation, Reason, Setpoint, Target};
use crate::estimator::{Estimator, Measured};
use crate::guide::{self, Way};
use crate::limits::Limit;
use crate::plan::{Model, Plan};
use crate::prices::Prices;
use crate::tank::Tank;

/// What a setpoint sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A feed, by its index in [`Tank::feeds`].
    Feed(usize),
    /// The tank's temperature, in Cel.
    Temperature,
}

/// Observations of a first rest, from which the rates start.
const REST: u64 = 20;
/// Share of the newest measurement in a feed that no setpoint sets.
const FEED_SHARE: f64 = 0.02;
/// Share of the newest measurement in the temperature, which moves.
const TEMP_SHARE: f64 = 0.1;
/// A longer gap is bridged as this one: what happened in it is unknown.
const LONGEST_GAP_S: f64 = 600.0;
/// How fast a proposal moves, as a share of the range a minute, and how far it may be ahead of what is applied.
const RAMP_PER_MIN: f64 = 0.05;
const AHEAD: f64 = 0.05;
/// A setpoint that is limited and has stood still for so long stands against a clamp, not against a slew.
const CLAMPED_S: f64 = 120.0;
/// How far beyond a clamp the proposal stays, as a share of the range, so that its opening is noticed.
const PUSH: f64 = 0.01;
/// Doubt about ln k below which a proposal is made: a factor of 1.6 either way.
const MOST_DOUBT: f64 = 0.5;

/// The search goes on so often at most: the filter takes every scan, and the tank is slower.
const DECIDE_S: f64 = 8.0;

/// Share of the newest sway at each decision: some ten minutes.
const SWAY_SHARE: f64 = 0.015;

/// The period of the temperature's excitation: slow, so that what it stirs up is settled most of the time.
const SWAY_PERIOD_S: f64 = 5400.0;

/// A wave of ±1 without flanks, so that what follows slowly can follow.
fn sway(time_s: f64) -> f64 {
    (std::f64::consts::TAU * time_s / SWAY_PERIOD_S).sin()
}

/// The method's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Reaction {
    tank: Tank,
    roles: Vec<Role>,
    setpoints: Vec<Setpoint>,
    excitation: f64,
    time_s: Option<f64>,
    /// Sums and sums of squared differences of the fractions at the first rest.
    rest: (DVector<f64>, DVector<f64>, u64),
    last: DVector<f64>,
    estimator: Option<Estimator>,
    prices: Prices,
    limits: Vec<Limit>,
    feeds: Vec<f64>,
    temp_cel: Option<f64>,
    plan: Plan,
    /// Where the setpoints should go, as shares of their ranges, and when that was decided.
    goals: Vec<f64>,
    decided_s: Option<f64>,
    /// How far each goal is swayed from the best, as a share of its range.
    swayed: Vec<f64>,
    ramps: Vec<Ramp>,
}

/// The way of one setpoint's proposal to where it should go.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ramp {
    /// The proposal, as a share of the range.
    at: f64,
    /// What was applied last, and for how long it has stood still while it was limited.
    applied: Option<f64>,
    still_s: f64,
}

impl Ramp {
    /// Moves towards a goal by so much at most, never far ahead of what is applied, and a little beyond a clamp.
    fn follow(&mut self, goal: f64, (lower, upper): (f64, f64), most: f64) {
        let goal = if upper < 1.0 && goal >= upper - PUSH {
            upper + PUSH
        } else if lower > 0.0 && goal <= lower + PUSH {
            lower - PUSH
        } else {
            goal
        };
        self.at += (goal - self.at).clamp(-most, most);
        let applied = self.applied.unwrap_or(self.at);
        self.at = self.at.clamp(applied - AHEAD, applied + AHEAD).clamp(0.0, 1.0);
    }
}

/// What a method is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What is known of the tank.
    pub tank: Tank,
    /// Ranges.
    pub setpoints: Vec<Setpoint>,
    /// What each sets.
    pub roles: Vec<Role>,
    /// Share of its range by which a temperature is kept moving to and fro.
    pub excitation: f64,
    /// To be kept by the settled fractions.
    pub limits: Vec<Limit>,
}

impl Reaction {
    /// For a task.
    pub fn new(task: Task) -> Self {
        let Task { tank, setpoints, roles, excitation, limits } = task;
        let (n, feeds) = (tank.width(), tank.feeds.len());
        Self {
            roles,
            excitation,
            time_s: None,
            rest: (DVector::zeros(n), DVector::zeros(n), 0),
            last: DVector::zeros(n),
            estimator: None,
            prices: Prices::new(n, feeds),
            feeds: vec![f64::NAN; feeds],
            temp_cel: None,
            plan: Plan::new(setpoints.len(), limits.len()),
            goals: vec![0.5; setpoints.len()],
            decided_s: None,
            swayed: vec![0.0; setpoints.len()],
            ramps: vec![Ramp { at: 0.5, applied: None, still_s: 0.0 }; setpoints.len()],
            setpoints,
            limits,
            tank,
        }
    }

    /// Whether everything that a proposal rests on was usable.
    pub fn sees(&self, seen: &Observation) -> bool {
        let parts = seen.fractions.iter().chain(&seen.feeds);
        seen.temperature_cel.is_some() && parts.into_iter().all(Option::is_some)
    }

    /// Takes one observation. A first value of the temperature and of every feed is needed for anything to be learnt.
    pub fn observe(&mut self, seen: &Observation) {
        let dt_s = self.time_s.map_or(0.0, |before| (seen.time_s - before).clamp(0.0, LONGEST_GAP_S));
        self.time_s = Some(seen.time_s);
        if let Some(temp_cel) = seen.temperature_cel {
            let smooth = self.temp_cel.map_or(temp_cel, |before| before + TEMP_SHARE * (temp_cel - before));
            self.temp_cel = Some(smooth);
        }
        self.follow_feeds(seen);
        let Some(smooth) = self.temp_cel.filter(|_| self.feeds.iter().all(|feed| feed.is_finite())) else { return };
        self.learn_prices(seen);
        match &mut self.estimator {
            None => self.rest(seen, smooth),
            Some(estimator) => {
                let setpoint = self.roles.iter().position(|role| *role == Role::Temperature);
                let setpoint_cel = setpoint.and_then(|at| seen.applied.get(at).copied());
                let measured =
                    Measured { fractions: &seen.fractions, feeds: &seen.feeds, temp_cel: seen.temperature_cel };
                estimator.step(dt_s, &self.feeds, setpoint_cel, measured);
            }
        }
        self.search(seen, dt_s);
    }

    /// A feed that a setpoint sets is what was applied; another is measured and smoothed.
    fn follow_feeds(&mut self, seen: &Observation) {
        for (feed, measured) in self.feeds.iter_mut().zip(&seen.feeds) {
            if let Some(measured) = measured {
                *feed = if feed.is_finite() { *feed + FEED_SHARE * (measured - *feed) } else { *measured };
            }
        }
        for (role, applied) in self.roles.iter().zip(&seen.applied) {
            if let Role::Feed(at) = role {
                self.feeds[*at] = *applied;
            }
        }
    }

    fn learn_prices(&mut self, seen: &Observation) {
        let all = |values: &[Option<f64>]| values.iter().copied().collect::<Option<Vec<f64>>>();
        if let (Some(fractions), Some(feeds), Some(objective), Some(temp_cel)) =
            (all(&seen.fractions), all(&seen.feeds), seen.objective, seen.temperature_cel)
        {
            // The measured feeds' noise is not the outflow's: without a meter, what is known of the feeds is nearer.
            let outflow = seen.outflow.unwrap_or_else(|| self.feeds.iter().sum());
            self.prices.observe(&fractions, outflow, &feeds, temp_cel, objective);
        }
    }

    /// Averages the first observations; then the estimator starts from them.
    fn rest(&mut self, seen: &Observation, temp_cel: f64) {
        let Some(fractions) = seen.fractions.iter().copied().collect::<Option<Vec<f64>>>() else { return };
        let fractions = DVector::from_vec(fractions);
        let (sum, squares, count) = &mut self.rest;
        if *count > 0 {
            *squares += (&fractions - &self.last).map(|d| d * d / 2.0);
        }
        *sum += &fractions;
        *count += 1;
        self.last = fractions;
        if *count >= REST {
            let mean = &*sum / *count as f64;
            let noise = &*squares / (*count - 1) as f64;
            self.plan.best = self.setpoints.iter().zip(&seen.applied).map(|(s, a)| s.share(*a)).collect();
            let free = self.free();
            self.estimator = Estimator::at_rest(self.tank.clone(), &mean, noise, &self.feeds, temp_cel, &free);
            let n = self.tank.width();
            self.rest = (DVector::zeros(n), DVector::zeros(n), 0);
        }
    }

    /// The feeds that no setpoint sets.
    fn free(&self) -> Vec<usize> {
        (0..self.tank.feeds.len()).filter(|feed| !self.roles.contains(&Role::Feed(*feed))).collect()
    }

    /// Decides anew where that is due, and moves the proposals on.
    fn search(&mut self, seen: &Observation, dt_s: f64) {
        let within: Vec<(f64, f64)> = (0..self.ramps.len()).map(|at| self.room(at, seen, dt_s)).collect();
        if self.decided_s.is_none_or(|before| seen.time_s - before >= DECIDE_S) {
            self.decide(seen.time_s, &within);
        }
        let most = RAMP_PER_MIN * dt_s / 60.0;
        let follows = seen.holds.iter().map(|hold| hold.follow).chain(std::iter::repeat(false));
        for (((ramp, goal), range), follows) in self.ramps.iter_mut().zip(&self.goals).zip(&within).zip(follows) {
            ramp.follow(*goal, *range, if follows { 0.0 } else { most });
        }
    }

    /// Searches on, and sets the goals.
    fn decide(&mut self, time_s: f64, within: &[(f64, f64)]) {
        let (Some(estimator), Some(temp_cel)) = (&self.estimator, self.temp_cel) else { return };
        let model = Model {
            estimator,
            prices: &self.prices,
            setpoints: &self.setpoints,
            roles: &self.roles,
            feeds: &self.feeds,
            temp_cel,
            limits: &self.limits,
        };
        if self.prices.known() {
            self.plan.improve(model, within);
        }
        // How rates change with temperature is learnt only while it moves. Against a clamp it would leave it and come back.
        let free = within.iter().all(|range| *range == (0.0, 1.0));
        let wave = sway(time_s) + if self.plan.one_sided { 1.0 } else { 0.0 };
        let sway = if free { self.excitation * wave } else { 0.0 };
        // When another limit binds, the sway's direction changes at once; what it leads to must not.
        for (swayed, way) in self.swayed.iter_mut().zip(self.plan.sway.iter()) {
            *swayed += SWAY_SHARE * (sway * way - *swayed);
        }
        let places = self.plan.best.iter().zip(&self.swayed);
        let mut goals: Vec<f64> = places.map(|(best, by)| (best + by).clamp(0.0, 1.0)).collect();
        if !self.limits.is_empty() {
            let from: Vec<f64> = self.ramps.iter().map(|ramp| ramp.at).collect();
            let per_s = RAMP_PER_MIN / 60.0;
            let way = Way {
                from: &from,
                to: &goals,
                within,
                per_s,
                binding: &self.plan.binding,
                corner: self.plan.one_sided,
            };
            if let Some(deviation) = guide::deviation(model, way) {
                goals.iter_mut().zip(deviation.iter()).for_each(|(goal, by)| *goal += by);
            }
        }
        (self.goals, self.decided_s) = (goals, Some(time_s));
    }

    /// Between which shares of its range a setpoint can be had now: a clamp that holds it is a limit of the search, so that
    /// the others do their best with it, and nothing winds up.
    fn room(&mut self, at: usize, seen: &Observation, dt_s: f64) -> (f64, f64) {
        let (Some(ramp), Some(setpoint), Some(applied)) =
            (self.ramps.get_mut(at), self.setpoints.get(at), seen.applied.get(at))
        else {
            return (0.0, 1.0);
        };
        let hold = seen.holds.get(at).copied().unwrap_or_default();
        let share = setpoint.share(*applied);
        let stands = ramp.applied == Some(share) && (hold.low || hold.high);
        ramp.still_s = if stands { ramp.still_s + dt_s } else { 0.0 };
        if hold.follow || ramp.applied.is_none() {
            ramp.at = share;
        }
        ramp.applied = Some(share);
        match ramp.still_s >= CLAMPED_S {
            true if hold.high => (0.0, share),
            true => (share, 1.0),
            false => (0.0, 1.0),
        }
    }

    /// Where the setpoints should go; none while too little is known.
    pub fn target(&self) -> Option<Target> {
        let estimator = self.estimator.as_ref()?;
        let doubt = estimator.doubt(self.temp_cel?);
        if !self.prices.known() || doubt > MOST_DOUBT {
            return None;
        }
        let values = self.setpoints.iter().zip(&self.ramps).map(|(setpoint, ramp)| setpoint.at(ramp.at)).collect();
        Some(Target { values, confidence: 1.0 / (1.0 + 5.0 * doubt), reason: Reason::Climb })
    }

    /// Its fields, for saving and restoring.
    pub fn bytes(&mut self, io: &mut Bytes<'_>) -> Result<(), ForeignState> {
        io.same(self.setpoints.len() as u64)?;
        io.maybe(&mut self.time_s)?;
        let (sum, squares, count) = &mut self.rest;
        io.same(sum.len() as u64)?;
        io.numbers(sum.iter_mut().chain(squares.iter_mut()).chain(self.last.iter_mut()))?;
        io.count(count)?;
        self.prices.bytes(io)?;
        io.numbers(self.feeds.iter_mut())?;
        io.maybe(&mut self.temp_cel)?;
        self.plan.bytes(io)?;
        io.numbers(self.goals.iter_mut())?;
        io.maybe(&mut self.decided_s)?;
        io.numbers(self.swayed.iter_mut())?;
        for ramp in &mut self.ramps {
            io.number(&mut ramp.at)?;
            io.maybe(&mut ramp.applied)?;
            io.number(&mut ramp.still_s)?;
        }
        let mut started = u64::from(self.estimator.is_some());
        io.count(&mut started)?;
        if started == 1 {
            let n = self.tank.width();
            let blank = DVector::from_element(n, 1.0 / n as f64);
            let (feeds, free) = (vec![1.0; self.feeds.len()], self.free());
            let estimator = self
                .estimator
                .take()
                .or_else(|| Estimator::at_rest(self.tank.clone(), &blank, DVector::zeros(n), &feeds, 0.0, &free));
            let mut estimator = estimator.ok_or(ForeignState)?;
            estimator.bytes(io)?;
            self.estimator = Some(estimator);
        }
        Ok(())
    }
}
