//! Observations in, wishes out: a choice every minute from a plan of the next hours, the modulated machine trimmed at every
//! call, and action at once at the band's edges.
//!
//! - `ahead`: the demand that is reckoned with
//! - `learn`: what a call teaches
//! - `margins`: how far plans keep from the edges
//! - `decide`: when to plan, what to choose
//! - `trim`: its commands, call by call
//! - `edges`: what overrules it

mod ahead;

mod learn;

mod margins;

mod decide;

mod trim;

mod edges;

use serde::{Deserialize, Serialize};

use super::demand::Past;
use super::model::Model;
use super::plan::{Choice, Planner};
use super::plate::Site;
use super::steps::Steps;
pub use ahead::Ahead;
use ahead::{Reckoned, Trust};

/// So long the pressure is reckoned from flows while its reading is bad, in seconds.
const RECKON_S: f64 = 60.0;
/// Longer without an observation, and nothing is known of the machines' timers.
const GAP_S: f64 = 300.0;
/// Distance that plans keep from the band's edges, in shares of it: with the demand known, and with a forecast.
const MARGINS: (f64, f64) = (0.025, 0.04);

/// Commands of a fixed machine.
const OFF: f64 = 0.0;
const UNLOADED: f64 = 1.0;
const LOADED: f64 = 2.0;
/// Gives a machine back to its own pressure switch, where its output allows it.
const LOCAL: f64 = -1.0;

/// A meter may read so much more than the plates' flows together.
const FLOW_MARGIN: f64 = 1.15;

/// What a call is told. Lists are in the machines' order, the variable one last.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// Run time of the row; it must not fall.
    pub time_s: f64,
    /// In the receiver, in bar; none where the reading is bad.
    pub pressure_bar: Option<f64>,
    /// Drawn, in m³/min.
    pub flow: Option<f64>,
    /// Each machine's power, in kW; may be empty.
    pub powers_kw: &'a [Option<f64>],
    /// Each machine's state: 0 off, 1 unloaded, 2 loaded.
    pub states: &'a [Option<f64>],
    /// Whether it may propose anything.
    pub permit: bool,
    /// The demand, where it is known.
    pub ahead: Option<Ahead<'a>>,
}

/// What became of an output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// In force.
    pub applied: Option<f64>,
    /// Nothing that is proposed is applied.
    pub blocked: bool,
    /// Propose what is applied.
    pub initialise: bool,
    /// The output's lower limit: below zero it takes a command for the machine's own switch.
    pub lowest: f64,
}

/// Why something is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Control was just handed over.
    Follow,
    /// As planned.
    Plan,
    /// The pressure nears an edge.
    Edge,
    /// The pressure is unknown: the machine's own switch knows better.
    Blind,
}

/// A setpoint that it would like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// In the machines' order.
    pub machine: usize,
    /// 0 off, 1 unloaded, 2 loaded, or the share of full flow; below 0 the machine's own switch.
    pub value: f64,
    /// For the operator.
    pub reason: Reason,
}

/// What is kept of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Memory {
    model: Model,
    past: Past,
    /// On or off since when, in run time.
    since: Vec<(bool, f64)>,
    last_s: Option<f64>,
    pressure_s: Option<f64>,
    last_flow: Option<f64>,
    trust: Trust,
    steps: Steps,
}

/// The choice in force.
#[derive(Debug, Clone, PartialEq)]
struct Standing {
    made_s: f64,
    /// Pressure when it was made, in bar.
    from_bar: f64,
    choice: Choice,
    /// The newest.
    reckoned: Reckoned,
}

/// What the planner's costs-to-go stand on.
#[derive(Debug, Clone, PartialEq)]
struct Planned {
    made_s: f64,
    absent: u8,
    reckoned: Reckoned,
}

/// Whether a machine runs when it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Refusal {
    /// Told to run, and not running, since this run time.
    told_s: Option<f64>,
    /// Not to be reckoned with until then.
    until_s: f64,
    /// How long that was the last time, in seconds; 0 where it never refused, or ran since.
    pause_s: f64,
}

impl Refusal {
    /// Nothing can be built on it.
    fn holds(&self, now_s: f64) -> bool {
        now_s < self.until_s || self.pause_s > 0.0
    }
}

/// One station's sequencer.
#[derive(Debug, Clone)]
pub struct Sequencer {
    site: Site,
    memory: Memory,
    planner: Planner,
    standing: Option<Standing>,
    planned: Option<Planned>,
    refusals: Vec<Refusal>,
    /// Distance that plans keep from the band's edges, in bar: with the demand known, and with a forecast.
    margins_bar: (f64, f64),
    /// Between the last two calls, in seconds.
    call_s: f64,
}

/// The bytes are not a state of this station.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the saved state is of other machines, or damaged")]
pub struct ForeignState;

impl Sequencer {
    /// For this station.
    pub fn new(site: Site) -> Self {
        let machines = site.fixed.len() + 1;
        let memory = Memory {
            model: Model::new(&site),
            past: Past::default(),
            since: vec![(false, f64::NEG_INFINITY); machines],
            last_s: None,
            pressure_s: None,
            last_flow: None,
            trust: Trust::default(),
            steps: Steps::default(),
        };
        let width = site.band_bar.1 - site.band_bar.0;
        let planner = Planner::new(&site);
        Self {
            site,
            memory,
            planner,
            standing: None,
            planned: None,
            refusals: vec![Refusal::default(); machines],
            margins_bar: (MARGINS.0 * width, MARGINS.1 * width),
            call_s: 10.0,
        }
    }

    /// With other margins, in bar: where the demand is known, and where it is forecast.
    #[must_use]
    pub fn with_margins(self, known_bar: f64, forecast_bar: f64) -> Self {
        Self { margins_bar: (known_bar, forecast_bar), ..self }
    }

    /// What it knows of the machines.
    pub fn model(&self) -> &Model {
        &self.memory.model
    }

    /// Takes an observation and answers with at most one wish a machine, none where it may not or cannot.
    pub fn step(&mut self, seen: Observation<'_>, outputs: &[State]) -> Vec<Wish> {
        if outputs.len() != self.site.fixed.len() + 1 || !seen.time_s.is_finite() {
            return Vec::new();
        }
        // More than all machines together give is not drawn for long: it is a meter's error.
        let most =
            FLOW_MARGIN * (self.site.fixed.iter().map(|plate| plate.flow).sum::<f64>() + self.site.variable.flow);
        let seen = Observation { flow: seen.flow.filter(|flow| (0.0..=most).contains(flow)), ..seen };
        self.learn(&seen, outputs);
        if !seen.permit {
            self.standing = None;
            return Vec::new();
        }
        let age_s = self.memory.pressure_s.map_or(f64::INFINITY, |at| seen.time_s - at);
        let wishes = match (self.memory.model.bar(), self.memory.past.level()) {
            (Some(bar), Some(level)) if age_s <= RECKON_S => self.decide(&seen, bar, level),
            _ => self.blind(outputs),
        };
        let follow = |wish: Wish| match outputs.get(wish.machine)? {
            state if state.blocked => None,
            state if state.initialise => state.applied.map(|value| Wish { value, reason: Reason::Follow, ..wish }),
            _ => Some(wish),
        };
        wishes.into_iter().filter_map(follow).collect()
    }

    /// Bytes for [`Sequencer::restore`]: some 18 KB after two weeks.
    pub fn save(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_allocvec(&self.memory)
    }

    /// Takes what was learnt back; a state of other machines is refused and changes nothing.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), ForeignState> {
        let memory: Memory = postcard::from_bytes(bytes).ok().ok_or(ForeignState)?;
        let sound = memory.model.fits(&self.site)
            && memory.past.is_sound()
            && memory.trust.is_sound()
            && memory.steps.is_sound();
        if !sound || memory.since.len() != self.memory.since.len() || memory.since.iter().any(|(_, s)| s.is_nan()) {
            return Err(ForeignState);
        }
        (self.memory, self.standing, self.planned) = (memory, None, None);
        Ok(())
    }

    /// Nothing is known of the pressure: machines that have a switch of their own get it back.
    fn blind(&mut self, outputs: &[State]) -> Vec<Wish> {
        self.standing = None;
        let local = outputs.iter().enumerate().filter(|(_, output)| output.lowest <= LOCAL);
        local.map(|(machine, _)| Wish { machine, value: LOCAL, reason: Reason::Blind }).collect()
    }
}

#[cfg(test)]
mod tests;
