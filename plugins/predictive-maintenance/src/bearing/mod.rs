//! A rolling bearing by its vibration: how far it is gone, by what, and how long it still has.
//!
//! - [`mod@features`]: what one waveform block says, with its envelope's spectrum (`fourier`)
//! - `point`: a few blocks together
//! - `baseline`: what is usual for this machine
//! - [`modes`]: which failure mode a point speaks of
//! - [`life`]: remaining life from a growing indicator
//! - `state`: what is saved
//!
//! [`BearingWatch`] is fed block by block and says nothing of life while the bearing is well.

mod fourier;

pub mod features;

mod point;

mod baseline;

pub mod modes;

pub mod life;

mod state;

use serde::{Deserialize, Serialize};

use features::{Block, Search, Unusable, features};
use life::{Growth, Life};
use modes::{Evidence, Judge, Mode};
use point::{BLOCKS, Collector, Point};
pub use state::BearingState;
use state::Standing;

/// Points that are remembered, and how many of them must agree before a failure mode stands or is gone.
pub(crate) const RECENT: usize = 4;
const AGREE: usize = 3;
/// Orders agree within this share.
const SAME_ORDER: f64 = 0.02;
/// Smoothing of the health index, a point.
const SMOOTH: f64 = 0.3;
/// The health index is logarithmic above this share of the way to failure, so that it falls from the first sign on.
const FIRST_SIGN: f64 = 0.05;
/// A machine runs from this share of its usual RMS on.
const RUNNING: f64 = 0.3;
/// An interval whose ends differ by more than this factor is given as "more than" its lower end.
const TRUSTED: f64 = 10.0;
/// A gap so many times the usual distance of blocks breaks a point off.
const GAP: f64 = 20.0;
/// Scatter of the logarithm of one point's indicator, however clear the defect.
const SCATTER: f64 = 0.06;
/// Neighbours one shaft order beside a defect's line with this share of its power: it turns with the shaft.
const TURNS: f64 = 0.3;

/// What is known of a bearing.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// Defect frequencies over the shaft's, as its maker gives them: outer race (BPFO). With none of the four, the strongest
    /// family of lines is looked for.
    pub outer: Option<f64>,
    /// Inner race (BPFI).
    pub inner: Option<f64>,
    /// Rolling element: twice its spin, BSF, since it strikes both races.
    pub rolling: Option<f64>,
    /// Cage (FTF).
    pub cage: Option<f64>,
    /// The shaft's speed where no tag tells it.
    pub speed_per_min: Option<f64>,
    /// Blocks to learn from.
    pub learn_blocks: u32,
    /// The RMS of the defect's ringing at the end of life, over the RMS of a healthy machine at its best load, both above the
    /// high-pass, above 1. The machine's maker or an earlier failure tells it; the default is that of the simulated rig.
    pub failure_ratio: f64,
    /// Standard deviation of its logarithm: how well that is known.
    pub failure_sd: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            outer: None,
            inner: None,
            rolling: None,
            cage: None,
            speed_per_min: None,
            learn_blocks: 100,
            failure_ratio: 4.6,
            failure_sd: 0.15,
        }
    }
}

impl Parameters {
    /// The orders that are given, and their modes.
    fn families(&self) -> (Vec<f64>, Vec<Mode>) {
        let all = [
            (self.outer, Mode::OuterRace),
            (self.inner, Mode::InnerRace),
            (self.rolling, Mode::RollingElement),
            (self.cage, Mode::Cage),
        ];
        let usable = |order: Option<f64>| order.filter(|o| o.is_finite() && *o > 0.0);
        all.into_iter().filter_map(|(order, mode)| Some((usable(order)?, mode))).unzip()
    }
}

/// How far an answer can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// As far as any.
    Good,
    /// Half of the latest blocks or more said nothing.
    Uncertain,
    /// Still learning, or hardly a block says anything.
    Bad,
}

/// What is said of the bearing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BearingHealth {
    /// 1 as new, 0 failed.
    pub index: f64,
    /// The failure mode that stands.
    pub mode: Mode,
    /// Remaining running time; none while no wear of the bearing is seen.
    pub life: Option<Life>,
    /// How far to trust it.
    pub trust: Trust,
    /// What the latest point showed; none before the first.
    pub signs: Option<Signs>,
}

/// The numbers that people watch, of the latest few blocks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Signs {
    /// Root mean square, in the signal's unit.
    pub rms: f64,
    /// 3 for noise, 1.5 for a sine; impacts raise it.
    pub kurtosis: f64,
    /// The largest magnitude over the RMS.
    pub crest: f64,
    /// RMS of the defect's ringing over that of a healthy machine above the high-pass: the life's indicator. 0 while
    /// learning.
    pub ringing: f64,
}

/// Watches one bearing.
#[derive(Debug, Clone, PartialEq)]
pub struct BearingWatch {
    parameters: Parameters,
    /// Orders that were given, and their modes.
    orders: Vec<f64>,
    modes: Vec<Mode>,
    state: BearingState,
}

impl BearingWatch {
    /// A bearing of which nothing was seen yet.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        let (orders, modes) = parameters.families();
        let state = BearingState::new(orders.len());
        BearingWatch { parameters, orders, modes, state }
    }

    /// What is to be saved.
    #[must_use]
    pub fn state(&self) -> &BearingState {
        &self.state
    }

    /// Takes over a saved state; whether it is one of a bearing with these parameters, else nothing changes.
    pub fn restore(&mut self, state: BearingState) -> bool {
        let sound = state.is_sound(self.orders.len());
        if sound {
            self.state = state;
        }
        sound
    }

    /// Takes a block with the time of its first sample; times must rise. `None` is a block that is missing. The shaft's speed
    /// goes before the parameter's; with neither it is looked for in the block.
    pub fn observe(&mut self, time_s: f64, block: Option<Block<'_>>, speed_per_min: Option<f64>) -> BearingHealth {
        let since_s = if time_s.is_finite() { self.follow_time(time_s) } else { None };
        let said = since_s.is_some_and(|since_s| self.take(time_s, since_s, block, speed_per_min));
        self.state.usable += 0.1 * (f64::from(said) - self.state.usable);
        self.health()
    }

    /// What is said now.
    #[must_use]
    pub fn health(&self) -> BearingHealth {
        let state = &self.state;
        let gone = state.gone.clamp(0.0, 1.0);
        let index = 1.0 - (1.0 + gone / FIRST_SIGN).ln() / (1.0 + 1.0 / FIRST_SIGN).ln();
        let standing = state.standing.as_ref();
        let life = standing.and_then(|standing| {
            let seen_s = standing.growth.as_ref()?.time_s();
            Some(standing.life?.later(state.time_s.map_or(0.0, |now_s| (now_s - state.stood_s - seen_s).max(0.0))))
        });
        let trust = match state.usable {
            _ if !self.is_learnt() => Trust::Bad,
            share if share < 0.1 => Trust::Bad,
            share if share < 0.5 => Trust::Uncertain,
            _ => Trust::Good,
        };
        BearingHealth {
            index,
            mode: standing.map_or(Mode::None, |standing| standing.mode),
            life,
            trust,
            signs: state.signs,
        }
    }

    fn is_learnt(&self) -> bool {
        self.state.baseline.points() >= self.points_to_learn()
    }

    fn points_to_learn(&self) -> u32 {
        self.parameters.learn_blocks.div_ceil(BLOCKS as u32).max(RECENT as u32)
    }

    /// Time since the last block; none where it is not later. A long gap breaks a point off.
    fn follow_time(&mut self, time_s: f64) -> Option<f64> {
        let state = &mut self.state;
        let mut since_s = 0.0;
        if let Some(last_s) = state.time_s {
            let dt_s = time_s - last_s;
            if dt_s <= 0.0 {
                return None;
            }
            since_s = dt_s;
            let usual_s = *state.period_s.get_or_insert(dt_s);
            if dt_s > GAP * usual_s {
                state.collector = Collector::default();
            } else {
                state.period_s = Some(usual_s + 0.05 * (dt_s - usual_s));
            }
        }
        state.time_s = Some(time_s);
        Some(since_s)
    }

    /// Whether the block, `since_s` after the last one, said something. Growth is counted in running time: what stands does
    /// not wear.
    fn take(&mut self, time_s: f64, since_s: f64, block: Option<Block<'_>>, speed_per_min: Option<f64>) -> bool {
        let Some(block) = block else { return false };
        let speed = speed_per_min.filter(|x| x.is_finite()).or(self.parameters.speed_per_min);
        let unknown = self.modes.is_empty();
        let found = self.state.found.map(|(order, _, _)| vec![order]);
        let orders = found.as_deref().unwrap_or(&self.orders);
        let search = Search { orders, shaft_hz: speed.map(|x| x / 60.0), grid: unknown && self.state.found.is_none() };
        let quiet = |rms: f64| self.is_learnt() && rms < RUNNING * self.state.baseline.rms.mean.exp();
        let (features, stands) = match features(block, search) {
            Ok(features) if quiet(features.rms) => (None, true),
            Ok(features) => (Some(features), false),
            Err(error) => (None, error == Unusable::Speed && speed.is_some()),
        };
        if stands {
            self.state.stood_s += since_s;
        }
        let ran_s = time_s - self.state.stood_s;
        if let Some(point) = features.as_ref().and_then(|features| self.state.collector.take(ran_s, features)) {
            self.judge(&point);
        }
        features.is_some()
    }

    fn judge(&mut self, point: &Point) {
        let signs = Signs { rms: point.rms, kurtosis: point.kurtosis, crest: point.crest, ringing: 0.0 };
        self.state.signs = Some(signs);
        if !self.is_learnt() {
            self.state.baseline.learn(point);
            return;
        }
        let evidence = self.weigh(point);
        self.state.signs = Some(Signs { ringing: evidence.bearing, ..signs });
        let state = &mut self.state;
        state.gone += SMOOTH * (evidence.gone - state.gone);
        if state.recent.len() >= RECENT {
            state.recent.remove(0);
        }
        state.recent.push(evidence);
        self.stand();
        let quiet = self.state.standing.is_none() && self.state.recent.iter().all(|e| e.mode == Mode::None);
        if quiet && evidence.order.is_none() && self.state.found.is_none() {
            self.state.baseline.follow(point);
        }
    }

    fn weigh(&mut self, point: &Point) -> Evidence {
        let found_mode = self.follow_found(point);
        let modes = found_mode.as_ref().map_or(self.modes.as_slice(), std::slice::from_ref);
        let judge =
            Judge { baseline: &self.state.baseline, modes, failure: self.parameters.failure_ratio, scatter: SCATTER };
        judge.weigh(point)
    }

    /// The mode of the defect that was found without being told its order: by what stands beside its line.
    fn follow_found(&mut self, point: &Point) -> Option<Mode> {
        let (_, first, beside) = self.state.found.as_mut()?;
        let family = point.families.first()?;
        *first = 0.9 * *first + family.first.max(0.0);
        *beside = 0.9 * *beside + family.sidebands;
        Some(if *beside > TURNS * *first { Mode::InnerRace } else { Mode::OuterRace })
    }

    /// Lets a failure mode stand when the latest points agree on one, and go when they agree that there is none.
    fn stand(&mut self) {
        self.find_order();
        let state = &mut self.state;
        let count = |mode: Mode| state.recent.iter().filter(|e| e.mode == mode).count();
        let agreed = state.recent.last().map(|e| e.mode).filter(|mode| count(*mode) >= AGREE);
        match (agreed, &mut state.standing) {
            (Some(Mode::None), _) => {
                if count(Mode::None) == RECENT {
                    state.standing = None;
                    self.forget_found();
                }
            }
            (Some(mode), Some(standing)) => standing.mode = mode,
            (Some(mode), None) => state.standing = Some(Standing { mode, growth: None, life: None }),
            (None, _) => {}
        }
        self.grow();
    }

    /// Feeds the growth of a bearing's wear; what only comes and goes has none.
    fn grow(&mut self) {
        let state = &mut self.state;
        let Some(standing) = &mut state.standing else { return };
        if !standing.mode.is_bearing() {
            (standing.growth, standing.life) = (None, None);
            return;
        }
        let worn = |e: &&Evidence| e.mode.is_bearing() && e.bearing > 0.0;
        match (&mut standing.growth, state.recent.last()) {
            (Some(growth), Some(latest)) if latest.bearing > 0.0 => {
                growth.observe(latest.time_s, latest.bearing.ln(), latest.variance);
            }
            (Some(_), _) => return,
            (None, _) => {
                let mut points = state.recent.iter().filter(worn);
                let Some(first) = points.next() else { return };
                let mut growth = Growth::begin(first.time_s, first.bearing.ln(), first.variance);
                points.for_each(|e| growth.observe(e.time_s, e.bearing.ln(), e.variance));
                standing.growth = Some(growth);
            }
        }
        let (level, level_sd) = (self.parameters.failure_ratio.ln(), self.parameters.failure_sd);
        standing.life = standing.growth.as_ref().map(|growth| growth.life(level, level_sd, TRUSTED));
    }

    /// Takes an order for the defect's when the latest points agree on it and none was given.
    fn find_order(&mut self) {
        let state = &mut self.state;
        if !self.modes.is_empty() || state.found.is_some() {
            return;
        }
        let Some(order) = state.recent.last().and_then(|e| e.order) else { return };
        let same = |e: &Evidence| e.order.is_some_and(|o| (o / order - 1.0).abs() <= SAME_ORDER);
        let agreeing: Vec<f64> = state.recent.iter().filter(|e| same(e)).filter_map(|e| e.order).collect();
        if agreeing.len() >= AGREE {
            let mean = agreeing.iter().sum::<f64>() / agreeing.len() as f64;
            state.found = Some((mean, 0.0, 0.0));
            state.collector = Collector::default();
            state.recent.clear();
            state.baseline.watch_found(Some(mean));
        }
    }

    fn forget_found(&mut self) {
        if self.state.found.take().is_some() {
            self.state.collector = Collector::default();
            self.state.baseline.watch_found(None);
        }
    }
}

#[cfg(test)]
mod tests;
