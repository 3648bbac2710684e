//! The method for a stirred tank whose reactions are known and whose rate constants are not.
//!
//! Rates are learnt by [`Estimator`], prices by [`Prices`]; the optimum of the steady state that follows is searched anew at
//! every observation, and is the target. This is the two-step approach of real-time optimisation (Jang, Joseph and Mukai
//! 1987; Chachuat, Srinivasan and Bonvin 2009 on when it is right: the structure must hold, its constants need not be known).

use nalgebra::DVector;

use crate::bytes::{Bytes, ForeignState};
use crate::climb::{Observation, Reason, Setpoint, Target};
use crate::estimator::Estimator;
use crate::prices::Prices;
use crate::tank::{Acting, Tank};

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
/// The search's stride, as a share of the range: largest and smallest.
const STRIDE: (f64, f64) = (0.1, 0.0005);
/// Rounds of the search at each observation.
const ROUNDS: usize = 4;
/// Doubt about ln k below which a proposal is made: a factor of 1.6 either way.
const MOST_DOUBT: f64 = 0.5;

/// The period of the temperature's excitation: slow, so that what it stirs up is settled most of the time.
const SWAY_PERIOD_S: f64 = 2400.0;

/// A square wave of ±1.
fn sway(time_s: f64) -> f64 {
    if (time_s / SWAY_PERIOD_S * 2.0).floor().rem_euclid(2.0) == 0.0 { 1.0 } else { -1.0 }
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
    feeds: Vec<f64>,
    temp_cel: Option<f64>,
    /// Best setpoints known, as shares of their ranges.
    best: Vec<f64>,
    stride: f64,
}

impl Reaction {
    /// For setpoints and what they set, in the same order.
    pub fn new(tank: Tank, setpoints: Vec<Setpoint>, roles: Vec<Role>, excitation: f64) -> Self {
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
            best: vec![0.5; setpoints.len()],
            stride: STRIDE.0,
            setpoints,
            tank,
        }
    }

    /// Takes one observation. The temperature and a first value of every feed are needed for anything to be learnt.
    pub fn observe(&mut self, seen: &Observation) {
        let Some(temp_cel) = seen.temperature_cel else { return };
        let dt_s = self.time_s.map_or(0.0, |before| (seen.time_s - before).clamp(0.0, LONGEST_GAP_S));
        self.time_s = Some(seen.time_s);
        let smooth = self.temp_cel.map_or(temp_cel, |before| before + TEMP_SHARE * (temp_cel - before));
        self.temp_cel = Some(smooth);
        self.follow_feeds(seen);
        if self.feeds.iter().any(|feed| !feed.is_finite()) {
            return;
        }
        self.learn_prices(seen, temp_cel);
        match &mut self.estimator {
            None => self.rest(seen, smooth),
            Some(estimator) => {
                let setpoint = self.roles.iter().position(|role| *role == Role::Temperature);
                let setpoint_cel = setpoint.and_then(|at| seen.applied.get(at).copied());
                estimator.step(dt_s, &self.feeds, setpoint_cel, temp_cel, &seen.fractions);
                (0..ROUNDS).for_each(|_| self.search());
            }
        }
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

    fn learn_prices(&mut self, seen: &Observation, temp_cel: f64) {
        let all = |values: &[Option<f64>]| values.iter().copied().collect::<Option<Vec<f64>>>();
        if let (Some(fractions), Some(feeds), Some(objective)) =
            (all(&seen.fractions), all(&seen.feeds), seen.objective)
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
            let ratio = |setpoint: &Setpoint, applied: &f64| setpoint.share(*applied);
            self.best = self.setpoints.iter().zip(&seen.applied).map(|(s, a)| ratio(s, a)).collect();
            self.estimator = Estimator::at_rest(self.tank.clone(), &mean, noise, &self.feeds, temp_cel);
            let n = self.tank.width();
            self.rest = (DVector::zeros(n), DVector::zeros(n), 0);
        }
    }

    /// The objective at the steady state of setpoints given as shares.
    fn expected(&self, shares: &[f64]) -> Option<f64> {
        let estimator = self.estimator.as_ref()?;
        let (mut feeds, mut temp_cel) = (self.feeds.clone(), self.temp_cel?);
        for ((role, setpoint), share) in self.roles.iter().zip(&self.setpoints).zip(shares) {
            match role {
                Role::Feed(at) => feeds[*at] = setpoint.at(*share),
                Role::Temperature => temp_cel = setpoint.at(*share),
            }
        }
        let rates = estimator.rates(temp_cel);
        let settled = estimator.tank().settled(&estimator.fractions(), Acting { feeds: &feeds, rates: &rates })?;
        Some(self.prices.objective(settled.as_slice(), feeds.iter().sum(), &feeds, temp_cel))
    }

    /// One round of a compass search from the best known: a better neighbour is taken, and the stride halves where none is.
    fn search(&mut self) {
        if !self.prices.known() {
            return;
        }
        let Some(mut value) = self.expected(&self.best) else { return };
        let mut moved = false;
        for at in 0..self.best.len() {
            for way in [self.stride, -self.stride] {
                let mut there = self.best.clone();
                there[at] = (there[at] + way).clamp(0.0, 1.0);
                if let Some(better) = self.expected(&there).filter(|v| *v > value) {
                    (self.best, value, moved) = (there, better, true);
                    break;
                }
            }
        }
        self.stride = (self.stride * if moved { 2.0 } else { 0.5 }).clamp(STRIDE.1, STRIDE.0);
    }

    /// Where the setpoints should go; none while too little is known.
    pub fn target(&self) -> Option<Target> {
        let estimator = self.estimator.as_ref()?;
        let doubt = estimator.doubt(self.temp_cel?);
        if !self.prices.known() || doubt > MOST_DOUBT {
            return None;
        }
        let sway = self.excitation * sway(self.time_s?);
        let places = self.roles.iter().zip(&self.setpoints).zip(&self.best);
        let values = places.map(|((role, setpoint), share)| match role {
            // How rates change with temperature is learnt only while it moves; feeds need not move.
            Role::Temperature => setpoint.at((share + sway).clamp(0.0, 1.0)),
            Role::Feed(_) => setpoint.at(*share),
        });
        Some(Target { values: values.collect(), confidence: 1.0 / (1.0 + 5.0 * doubt), reason: Reason::Climb })
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
        io.numbers(self.best.iter_mut())?;
        io.number(&mut self.stride)?;
        let mut started = u64::from(self.estimator.is_some());
        io.count(&mut started)?;
        if started == 1 {
            let n = self.tank.width();
            let blank = DVector::from_element(n, 1.0 / n as f64);
            let feeds = vec![1.0; self.feeds.len()];
            let estimator = self
                .estimator
                .take()
                .or_else(|| Estimator::at_rest(self.tank.clone(), &blank, DVector::zeros(n), &feeds, 0.0));
            let mut estimator = estimator.ok_or(ForeignState)?;
            estimator.bytes(io)?;
            self.estimator = Some(estimator);
        }
        Ok(())
    }
}
