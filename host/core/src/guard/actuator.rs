//! One output from scan to scan: what is known of it, who holds it, where it is going.
//!
//! ```text
//!            proposal taken              lease ended
//!   Idle ───────────────────► Plugin ───────────────────► Fallback
//!    ▲                          ▲  │ proposal taken           │ proposal taken
//!    │ mode below auto, trip    │  └──► Plugin                │
//!    └──────────────────────────┴─────────────────────────────┘
//! ```
//! A trip and an operator's override stand above all three.

use super::advice::Waiting;
use super::gate::{Gate, GateOutcome};
use super::inhibit::{Memory, Sight, Witness};
use super::lease::Lease;
use super::limits::{Cut, Limits};
use super::mode::Mode;
use super::order::Orders;
use super::output::{OnStop, OutputKind, OutputSpec};
use super::reduced::Narrowing;
use super::verdict::{Cause, EventKind, OutputId, Trip};
use crate::image::ProcessImage;
use crate::outcome::OutputState;
use crate::tag::Quality;
use crate::time::TimeNs;

/// Where the output is going, if no operator and no trip holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wish {
    /// Nowhere: it stays.
    Idle,
    /// To what the owner proposed, while the lease lasts; without target it stays, in the owner's name.
    Plugin { target: Option<f64>, lease: Lease },
    /// To the default or the fail-safe value.
    Fallback { target: f64 },
}

/// An operator's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Override {
    pub(super) value: f64,
    pub(super) lease: Lease,
}

/// The run time of a scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tick {
    pub(super) now_ns: TimeNs,
    /// Since the scan before, at most the longest gap that counts.
    pub(super) elapsed_s: f64,
}

/// What the guard knows of one output.
#[derive(Debug)]
pub(super) struct Actuator {
    pub(super) spec: OutputSpec,
    pub(super) limits: Limits,
    pub(super) wish: Wish,
    pub(super) operator: Option<Override>,
    /// The value in force: the last command, else a good readback.
    pub(super) applied: Option<f64>,
    /// The value in force is a command of the present holder; otherwise `applied` follows the readback.
    commanding: bool,
    /// The value in force is an operator's. A trip acts on it in any mode.
    operators_value: bool,
    /// What an operator accepted in advise was commanded, and no lower mode has let go of it since.
    written: bool,
    /// What the device reports now, if it is good.
    readback: Option<f64>,
    /// When the last command was made.
    pub(super) last_change_ns: Option<TimeNs>,
    /// Time that the slew may use in this scan.
    pub(super) slew_s: f64,
    /// A change waits for the dwell or for the deadband; its time for the slew adds up.
    waiting: bool,
    inhibit: Option<Memory>,
    trip: Option<Memory>,
    pub(super) inhibit_sight: Sight,
    pub(super) trip_sight: Sight,
    /// The value in force is a trip's, and nothing has moved it since.
    pub(super) tripped_here: bool,
    /// Whether the range is reduced now.
    pub(super) narrowing: Narrowing,
    /// All inputs of the trip were usable once since the start. Before, a bad one says that the plant
    /// is not there yet, and blocks; it does not trip at every start.
    trip_armed: bool,
    pub(super) tripped: bool,
    /// What made the trip that is latched.
    pub(super) trip_witnesses: Vec<Witness>,
    /// Where the last proposal was cut by the range.
    pub(super) range_cut: Option<Cut>,
    /// On which side the slew holds it back, until it arrives.
    pub(super) slew_cut: Option<Cut>,
    /// The owner takes over: it should propose the value in force.
    pub(super) initialise: bool,
    /// A proposal of the owner's was judged in this scan.
    pub(super) judged: bool,
    /// What waits for an operator's word, in advise.
    pub(super) waiting_advice: Option<Waiting>,
    /// What an operator said no to.
    pub(super) refused_advice: Option<f64>,
    /// What was ordered, of an output of that kind. Its `applied` is what was placed in this scan.
    pub(super) orders: Orders,
    /// The items on their way, where it is a gate.
    pub(super) gate: Option<Gate>,
}

const CLEAR: Sight = Sight { holds: false, blind: false };

impl Actuator {
    pub(super) fn new(spec: OutputSpec) -> Actuator {
        Actuator {
            limits: spec.limits(),
            wish: Wish::Idle,
            operator: None,
            applied: None,
            commanding: false,
            operators_value: false,
            written: false,
            readback: None,
            last_change_ns: None,
            slew_s: 0.0,
            waiting: false,
            inhibit: spec.inhibit.as_ref().map(|expression| expression.memory()),
            trip: spec.trip.as_ref().map(|expression| expression.memory()),
            inhibit_sight: CLEAR,
            trip_sight: CLEAR,
            tripped_here: false,
            narrowing: Narrowing::new(spec.reduced.as_ref()),
            trip_armed: false,
            tripped: false,
            trip_witnesses: Vec::new(),
            range_cut: None,
            slew_cut: None,
            initialise: true,
            judged: false,
            waiting_advice: None,
            refused_advice: None,
            orders: Orders::default(),
            gate: spec.gate.clone().map(Gate::new),
            spec,
        }
    }

    /// The lower of the output's and the owner's.
    pub(super) fn mode(&self) -> Mode {
        self.spec.mode.min(self.spec.owner_mode)
    }

    /// Whether an inhibit, or a trip that can't be judged, keeps it where it is.
    pub(super) fn is_frozen(&self) -> bool {
        [self.inhibit_sight, self.trip_sight].iter().any(|sight| sight.holds || sight.blind)
    }

    /// Takes in the scan's image: readback, trip, inhibit, and what ends by its time.
    pub(super) fn sense(&mut self, tick: Tick, image: &ProcessImage) -> Option<EventKind> {
        self.judged = false;
        if self.spec.kind == OutputKind::Order {
            self.applied = None;
        }
        self.slew_s = if self.waiting { self.slew_s + tick.elapsed_s } else { tick.elapsed_s };
        self.read_back(image);
        if let Some(gate) = &mut self.gate {
            gate.sense(tick, image);
        }
        if let (Some(expression), Some(memory)) = (&self.spec.inhibit, &mut self.inhibit) {
            self.inhibit_sight = expression.look(memory, image, tick.now_ns);
        }
        if let (Some(expression), Some(memory)) = (&self.spec.trip, &mut self.trip) {
            self.trip_sight = expression.look(memory, image, tick.now_ns);
            self.trip_armed |= !self.trip_sight.blind;
            if self.trip_sight.holds && self.trip_armed && !self.tripped {
                self.tripped = true;
                self.trip_witnesses = expression.witnesses(memory, image, tick.now_ns);
                self.wish = Wish::Idle;
                self.operator = None;
                self.waiting_advice = None;
                self.forget_cuts();
                return Some(EventKind::Tripped);
            }
        }
        if self.operator.is_some_and(|operator| operator.lease.has_ended(tick.now_ns)) {
            self.end_override(tick.now_ns);
            return Some(EventKind::OverrideEnded);
        }
        None
    }

    /// Why it tripped in this scan.
    pub(super) fn trip_told(&self, output: OutputId) -> Option<Trip> {
        let expression = self.spec.trip.as_ref()?.text().to_owned();
        Some(Trip { output, expression, witnesses: self.trip_witnesses.clone() })
    }

    /// What makes its trip true now.
    pub(super) fn trip_now(&self, now_ns: TimeNs, image: &ProcessImage) -> Vec<Witness> {
        match (&self.spec.trip, &self.trip) {
            (Some(expression), Some(memory)) => expression.witnesses(memory, image, now_ns),
            _ => Vec::new(),
        }
    }

    fn read_back(&mut self, image: &ProcessImage) {
        let Some(readback) = self.spec.readback else { return };
        let state = image.get(readback.tag);
        let value = readback.conversion.apply(state.value);
        self.readback = (state.quality == Quality::Good && value.is_finite()).then_some(value);
        if !self.commanding {
            self.applied = self.readback;
        }
    }

    /// Ends the lease when its time is over and no proposal renewed it in this scan.
    pub(super) fn expire(&mut self, tick: Tick) -> Option<EventKind> {
        let Wish::Plugin { lease, .. } = self.wish else { return None };
        // A gate's verdicts hold until their items are past.
        if self.gate.is_some() || !lease.has_ended(tick.now_ns) {
            return None;
        }
        self.wish = match self.spec.default.or(self.spec.fail_safe) {
            // What was never known and never commanded is not energised by a silence.
            Some(target) if self.applied.is_some() => Wish::Fallback { target },
            _ => Wish::Idle,
        };
        self.initialise = true;
        self.forget_cuts();
        Some(EventKind::LeaseEnded)
    }

    /// The value to command in this scan, by precedence: trip, operator, owner, fallback.
    pub(super) fn pursue(&mut self, tick: Tick) -> Option<(f64, Cause)> {
        if self.tripped {
            self.waiting = false;
            // In advise what an operator accepted is in force as it is in auto.
            let accepted = self.mode() == Mode::Advise && self.written;
            let acts = self.mode() == Mode::Auto || self.operators_value || accepted;
            let forced = self.spec.fail_safe.filter(|_| acts)?;
            if self.commanding && self.applied == Some(forced) {
                self.tripped_here = true;
                return None;
            }
            return Some(self.command(tick, forced, Cause::Trip));
        }
        if self.is_frozen() {
            self.waiting = false;
            return None;
        }
        let gate = self.gate.as_ref().filter(|_| self.mode() == Mode::Auto);
        let (target, cause) = match (self.operator, gate, self.wish) {
            (Some(operator), ..) => (self.within(operator.value).0, Cause::Operator),
            (None, Some(gate), _) => (gate.demand()?, Cause::Gate),
            (None, None, Wish::Plugin { target: Some(target), .. }) => (self.within(target).0, Cause::Plugin),
            (None, None, Wish::Fallback { target }) => (self.within(target).0, Cause::LeaseEnd),
            (None, None, Wish::Plugin { target: None, .. } | Wish::Idle) => match self.led_back() {
                Some(target) => (target, Cause::Reduced),
                None => {
                    self.waiting = false;
                    return None;
                }
            },
        };
        let next = self.next_value(tick, target)?;
        Some(self.command(tick, next, cause))
    }

    /// How far it may go towards the target in this scan; `None` where it stays.
    fn next_value(&mut self, tick: Tick, target: f64) -> Option<f64> {
        let Some(applied) = self.applied else {
            // Without a readback the first value is as good as known once it is commanded.
            self.waiting = false;
            return self.spec.readback.is_none().then_some(target);
        };
        if applied == target {
            self.waiting = false;
            self.slew_cut = None;
            return None;
        }
        self.waiting = true;
        if self.limits.dwells(self.last_change_ns, tick.now_ns) {
            return None;
        }
        let (from, _) = self.limits.into_range(applied);
        let next = self.limits.step(from, target, self.slew_s);
        let is_on_the_way = next != target;
        if next == applied || (is_on_the_way && self.limits.is_within_deadband(next - applied)) {
            return None;
        }
        Some(next)
    }

    fn command(&mut self, tick: Tick, value: f64, cause: Cause) -> (f64, Cause) {
        self.applied = Some(value);
        self.commanding = true;
        self.tripped_here = cause == Cause::Trip;
        self.waiting = false;
        self.last_change_ns = Some(tick.now_ns);
        self.written |= self.mode() == Mode::Advise;
        self.operators_value = match cause {
            Cause::Operator => true,
            Cause::Trip => self.operators_value,
            Cause::Plugin | Cause::Gate | Cause::LeaseEnd | Cause::Reduced | Cause::Stop => false,
        };
        if matches!(self.wish, Wish::Plugin { target: Some(target), .. } if self.within(target).0 == value) {
            self.slew_cut = None;
        }
        (value, cause)
    }

    /// The last command, if one is needed; and whether the output is let go of or left where it is.
    pub(super) fn stop(&mut self, tick: Tick) -> Option<(Option<(f64, Cause)>, bool)> {
        if self.spec.kind == OutputKind::Order {
            return None;
        }
        let known_in_auto = self.mode() == Mode::Auto && self.applied.is_some();
        let accepted = self.mode() == Mode::Advise && self.written;
        if !(accepted || self.commanding || self.operators_value || known_in_auto) {
            return None;
        }
        self.wish = Wish::Idle;
        self.operator = None;
        if self.tripped {
            return Some((None, false));
        }
        let (value, released) = match self.spec.on_stop {
            OnStop::Release => (self.spec.default, true),
            OnStop::Hold => (None, false),
            OnStop::Value(value) => (Some(value), false),
        };
        let command = value
            .filter(|value| self.applied != Some(*value) || !self.commanding)
            .map(|value| self.command(tick, value, Cause::Stop));
        Some((command, released))
    }

    /// Of a gate, after this scan's command: the items that left it.
    pub(super) fn leave_gate(&mut self, output: OutputId) -> Vec<GateOutcome> {
        let Some(gate) = &mut self.gate else { return Vec::new() };
        let items = gate.spec().items;
        let left = gate.confirm(self.applied).into_iter();
        left.map(|left| GateOutcome {
            output,
            items,
            item: left.item,
            action: left.action,
            cause: left.cause,
            done: left.done,
        })
        .collect()
    }

    /// Changes the modes; what a lower one may not keep is let go of.
    pub(super) fn set_modes(&mut self, output: Mode, owner: Mode, now_ns: Option<TimeNs>) {
        let before = self.mode();
        (self.spec.mode, self.spec.owner_mode) = (output, owner);
        let after = self.mode();
        if before == after {
            return;
        }
        if after == Mode::Auto {
            self.initialise = true;
        }
        self.written &= after >= Mode::Advise;
        self.let_go();
        if after == Mode::Auto
            && self.spec.kind != OutputKind::Order
            && self.applied.is_some()
            && let Some(now_ns) = now_ns
        {
            // The owner has one lease's time to take over.
            let lease = Lease::begin(now_ns, self.spec.lease_ns, self.spec.lease_ns);
            self.wish = Wish::Plugin { target: None, lease };
        }
    }

    /// Gives the output back to its owner, or to nobody.
    pub(super) fn end_override(&mut self, now_ns: TimeNs) {
        self.operator = None;
        self.initialise = true;
        if self.mode() == Mode::Auto {
            // The owner has one lease's time to take over.
            let lease = Lease::begin(now_ns, self.spec.lease_ns, self.spec.lease_ns);
            self.wish = Wish::Plugin { target: None, lease };
        } else {
            self.let_go();
        }
    }

    /// Unlatches the trip. Below auto nobody holds the output any longer.
    pub(super) fn reset_trip(&mut self) {
        self.tripped = false;
        self.trip_witnesses.clear();
        self.initialise = true;
        if self.mode() != Mode::Auto {
            self.let_go();
        }
    }

    /// Forgets where it was going; unless an operator holds it, what the device says is what is known.
    fn let_go(&mut self) {
        self.wish = Wish::Idle;
        self.waiting = false;
        (self.waiting_advice, self.refused_advice) = (None, None);
        self.forget_cuts();
        self.commanding &= self.operator.is_some();
    }

    pub(super) fn forget_cuts(&mut self) {
        (self.range_cut, self.slew_cut, self.narrowing.cut) = (None, None, None);
    }

    /// What the owner is told before its next call.
    pub(super) fn state(&self) -> OutputState {
        let cut = [self.range_cut, self.slew_cut, self.narrowing.cut];
        let is_order = self.spec.kind == OutputKind::Order;
        OutputState {
            applied: if is_order { Some(self.orders.total()) } else { self.applied },
            readback: self.readback,
            mode: self.mode(),
            limited_low: cut.contains(&Some(Cut::Low)),
            limited_high: cut.contains(&Some(Cut::High)),
            blocked: self.tripped || self.is_frozen() || self.operator.is_some(),
            initialise: self.initialise && !is_order,
        }
    }
}
