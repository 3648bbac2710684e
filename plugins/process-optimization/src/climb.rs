//! What the methods have in common: an observation, the setpoints, and when to propose at all.

use crate::bytes::{Bytes, ForeignState};
use crate::reaction::Reaction;
use crate::seek::Seek;
use crate::share::Share;
use crate::surface::Surface;

/// One setpoint's range, lower < upper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setpoint {
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

impl Setpoint {
    /// The value at a share of the range.
    pub fn at(&self, share: f64) -> f64 {
        self.lower + share * (self.upper - self.lower)
    }

    /// The share of the range at a value, in [0, 1].
    pub fn share(&self, value: f64) -> f64 {
        ((value - self.lower) / (self.upper - self.lower)).clamp(0.0, 1.0)
    }
}

/// One row of measurements, with what was in force while the plant came to it. None: not usable.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation {
    /// Run time.
    pub time_s: f64,
    /// What is to be high.
    pub objective: Option<f64>,
    /// Whether the process permits moves; true where nothing says otherwise.
    pub permit: bool,
    /// Tags that follow the setpoints at once.
    pub measures: Vec<Option<f64>>,
    /// Mass fractions, in the network's order.
    pub fractions: Vec<Option<f64>>,
    /// Feeds, kg/s, in the tank's order.
    pub feeds: Vec<Option<f64>>,
    /// kg/s.
    pub outflow: Option<f64>,
    /// Cel.
    pub temperature_cel: Option<f64>,
    /// What the setpoints must sum up to, of units that share a demand.
    pub demand: Option<f64>,
    /// What each of these units delivers.
    pub powers: Vec<Option<f64>>,
    /// What each costs, in money or fuel a time.
    pub costs: Vec<Option<f64>>,
    /// The setpoints in force.
    pub applied: Vec<f64>,
    /// What holds each of them.
    pub holds: Vec<Hold>,
}

/// What holds a setpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hold {
    /// It was wished lower than it could go.
    pub low: bool,
    /// It was wished higher than it could go.
    pub high: bool,
    /// Its wish is the applied value, whatever would be better.
    pub follow: bool,
}

/// What became of the setpoints since the last proposal.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct State {
    /// In force; none while unknown.
    pub applied: Option<f64>,
    /// The wish was cut at the lower side, by a range or a slew.
    pub limited_low: bool,
    /// The wish was cut at the upper side.
    pub limited_high: bool,
    /// Nothing is applied now.
    pub blocked: bool,
    /// Control was just handed over.
    pub initialise: bool,
}

/// A wish for one setpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Its index.
    pub setpoint: usize,
    /// Where it should go; the guard clamps and slews.
    pub value: f64,
    /// In [0, 1].
    pub confidence: f64,
    /// Why.
    pub reason: Reason,
}

/// Why a wish is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Control was just handed over, or the output is blocked: the applied value.
    Follow,
    /// Too little is known yet: the applied value.
    Learn,
    /// A step whose effect is to be seen.
    Try,
    /// Towards the optimum.
    Climb,
}

/// Where a method wants the setpoints.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// In the setpoints' order and units.
    pub values: Vec<f64>,
    /// In [0, 1].
    pub confidence: f64,
    /// Why there.
    pub reason: Reason,
}

/// How the optimum is found.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a plugin has one, and it is never moved about")]
pub enum Method {
    /// From the objective alone.
    Surface(Surface),
    /// From the fractions of a tank with known reactions.
    Reaction(Reaction),
    /// From the objective alone, where the optimum wanders.
    Seek(Seek),
    /// From what each of the units costs that share a demand.
    Share(Share),
}

/// The climber: a method, and when to ask it.
#[derive(Debug, Clone, PartialEq)]
pub struct Climber {
    pub(crate) method: Method,
}

impl Climber {
    /// With a method.
    pub fn new(method: Method) -> Self {
        Self { method }
    }

    /// Takes a row and answers with at most one wish a setpoint: none while the permit is off, the objective (or the
    /// demand that is shared) or what the method rests on is unusable, or an applied value is unknown. The reactions are
    /// watched meanwhile as far as they are seen.
    pub fn step(&mut self, mut seen: Observation, states: &[State]) -> Vec<Wish> {
        let applied: Option<Vec<f64>> = states.iter().map(|s| s.applied.filter(|a| a.is_finite())).collect();
        let Some(applied) = applied else { return Vec::new() };
        let needed = if matches!(self.method, Method::Share(_)) { seen.demand } else { seen.objective };
        let may = seen.permit && needed.is_some();
        seen.applied.clone_from(&applied);
        let hold =
            |s: &State| Hold { low: s.limited_low, high: s.limited_high, follow: !may || s.initialise || s.blocked };
        seen.holds = states.iter().map(hold).collect();
        if !(may || matches!(self.method, Method::Reaction(_))) {
            return Vec::new();
        }
        let target = match &mut self.method {
            Method::Surface(method) => {
                method.observe(&seen);
                method.target()
            }
            Method::Reaction(method) => {
                method.observe(&seen);
                if !(may && method.sees(&seen)) {
                    return Vec::new();
                }
                method.target()
            }
            Method::Seek(method) => {
                method.observe(&seen);
                method.target()
            }
            Method::Share(method) => {
                method.observe(&seen);
                method.target()
            }
        };
        let wish = |(setpoint, (state, applied)): (usize, (&State, &f64))| {
            let follow = |reason| Wish { setpoint, value: *applied, confidence: 1.0, reason };
            match &target {
                _ if state.initialise || state.blocked => follow(Reason::Follow),
                None => follow(Reason::Learn),
                Some(Target { values, confidence, reason }) => {
                    let value = values.get(setpoint).copied().filter(|v| v.is_finite());
                    value.map_or_else(
                        || follow(Reason::Learn),
                        |value| Wish { setpoint, value, confidence: *confidence, reason: *reason },
                    )
                }
            }
        };
        states.iter().zip(&applied).enumerate().map(wish).collect()
    }

    /// Everything that a later [`Climber::restore`] needs.
    pub fn save(&self) -> Result<Vec<u8>, ForeignState> {
        let mut io = Bytes::Write(Vec::new());
        self.clone().bytes(&mut io)?;
        io.end()
    }

    /// Takes over what [`Climber::save`] of a climber of the same configuration gave; otherwise nothing changes.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), ForeignState> {
        let mut io = Bytes::Read(state);
        let mut restored = self.clone();
        restored.bytes(&mut io)?;
        io.end()?;
        *self = restored;
        Ok(())
    }

    fn bytes(&mut self, io: &mut Bytes<'_>) -> Result<(), ForeignState> {
        match &mut self.method {
            Method::Surface(method) => {
                io.same(1)?;
                method.bytes(io)
            }
            Method::Reaction(method) => {
                io.same(2)?;
                method.bytes(io)
            }
            Method::Seek(method) => {
                io.same(3)?;
                method.bytes(io)
            }
            Method::Share(method) => {
                io.same(4)?;
                method.bytes(io)
            }
        }
    }
}
