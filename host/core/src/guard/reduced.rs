//! A range that is narrower while an expression holds: a health index lowers a pump's limit.
//!
//! ```text
//!            inputs usable, false            inputs usable, false
//!   Off ◄──────────────────────── Doubted ◄┐        ┌──────────► Off
//!    │  a bad input's delay runs     │     │ start  │
//!    ├──────────────────────────────►│     ┴        │
//!    │     true whatever bad inputs say, or they count as true and all were usable once
//!    └───────────────────────────────┴─────────────► Holds
//! ```
//! While it *holds*, what a plugin or an operator wants is cut to the narrower range, and a value in force that lies
//! outside goes there, under slew and dwell. In *doubt* nothing goes further out than it stood when the doubt began:
//! a start neither lowers an output because an index is not there yet, nor raises one past a limit that may hold.
//!
//! The value after a lease's end is cut likewise: a silence raises nothing past a limit that holds. A trip's fail-safe value
//! and `on_stop` are not: whoever wrote them meant them for when nothing else is known.

use super::actuator::{Actuator, Tick, Wish};
use super::inhibit::{Expression, Memory};
use super::limits::{Cut, Limits};
use super::mode::Mode;
use super::output::OutputKind;
use super::verdict::{EventKind, Reason};
use crate::image::ProcessImage;

/// A narrower range and when it holds, as configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduced {
    /// While this is true.
    pub when: Expression,
    /// Lowest and highest value then, in the output's unit; within its range.
    pub range: (f64, f64),
}

/// Whether the narrower range holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Off,
    Doubted,
    Holds,
}

/// What an actuator keeps of it.
#[derive(Debug, Default)]
pub(super) struct Narrowing {
    memory: Option<Memory>,
    /// All inputs were usable once since the start.
    armed: bool,
    standing: Standing,
    /// In doubt: the value that was in force when the doubt began, up to which it may go back.
    stand: Option<f64>,
    /// An event has told that it holds, and none that it holds no longer.
    told: bool,
    /// Where it cuts what the owner wants.
    pub(super) cut: Option<Cut>,
}

impl Narrowing {
    pub(super) fn new(reduced: Option<&Reduced>) -> Narrowing {
        Narrowing { memory: reduced.map(|reduced| reduced.when.memory()), ..Narrowing::default() }
    }
}

impl Actuator {
    /// Takes in what the expression says of the scan's image.
    pub(super) fn narrow(&mut self, tick: Tick, image: &ProcessImage) -> Option<EventKind> {
        let (Some(reduced), Some(memory)) = (&self.spec.reduced, &mut self.narrowing.memory) else { return None };
        let sight = reduced.when.look(memory, image, tick.now_ns);
        self.narrowing.armed |= !sight.blind;
        let counts = self.narrowing.armed || reduced.when.holds_surely(memory, image, tick.now_ns);
        let standing = match (sight.holds && counts, sight.blind) {
            (true, _) => Standing::Holds,
            (false, true) => Standing::Doubted,
            (false, false) => Standing::Off,
        };
        let before = std::mem::replace(&mut self.narrowing.standing, standing);
        self.narrowing.stand = match standing {
            Standing::Doubted => self.narrowing.stand.or(self.applied),
            Standing::Off | Standing::Holds => None,
        };
        let begins = standing == Standing::Holds && before != Standing::Holds;
        if begins {
            self.remember_stand();
        }
        self.narrowing.cut = match (standing, self.wish) {
            (Standing::Off, _) => None,
            (_, Wish::Plugin { target: Some(target), .. }) => self.within(target).1,
            _ => self.narrowing.cut,
        };
        // In doubt it may hold still.
        match (standing, self.narrowing.told) {
            (Standing::Holds, false) => {
                self.narrowing.told = true;
                Some(EventKind::RangeReduced)
            }
            (Standing::Off, true) => {
                self.narrowing.told = false;
                Some(EventKind::RangeRestored)
            }
            _ => None,
        }
    }

    /// What stands in its owner's name goes back to where it stood, if the lease lasts.
    fn remember_stand(&mut self) {
        if let (Wish::Plugin { target: target @ None, .. }, Some(applied)) = (&mut self.wish, self.applied) {
            let stand = self.limits.into_range(applied).0;
            *target = Some(stand);
        }
    }

    /// The limits with the range that is in force now.
    pub(super) fn limits_now(&self) -> Limits {
        let Some(reduced) = &self.spec.reduced else { return self.limits };
        let (lo, hi) = reduced.range;
        match (self.narrowing.standing, self.narrowing.stand) {
            (Standing::Off, _) => self.limits,
            (Standing::Doubted, Some(stand)) => {
                let (stand, _) = self.limits.into_range(stand);
                Limits { lo: lo.min(stand), hi: hi.max(stand), ..self.limits }
            }
            (Standing::Doubted, None) | (Standing::Holds, _) => Limits { lo, hi, ..self.limits },
        }
    }

    /// Where a target within the range may be now, and at which end of the narrower range it is cut.
    pub(super) fn within(&self, target: f64) -> (f64, Option<Cut>) {
        self.limits_now().into_range(target)
    }

    /// Why a target was cut.
    pub(super) fn reason_to_narrow(&self, cut: Cut) -> Reason {
        let Limits { lo, hi, .. } = self.limits_now();
        match self.narrowing.standing {
            Standing::Doubted => Reason::ReducedBlind { cut, lo, hi },
            Standing::Off | Standing::Holds => Reason::ReducedRange { cut, lo, hi },
        }
    }

    /// Where a value in force goes that nobody moves, in auto.
    pub(super) fn led_back(&self) -> Option<f64> {
        let moves = self.narrowing.standing == Standing::Holds && self.mode() == Mode::Auto;
        // What a trip drove to the fail-safe value and nobody has moved since stays there.
        let is_safe = self.wish == Wish::Idle && self.tripped_here;
        if !moves || is_safe || self.spec.kind == OutputKind::Order || self.gate.is_some() {
            return None;
        }
        let (target, cut) = self.within(self.applied?);
        cut.map(|_| target)
    }
}
