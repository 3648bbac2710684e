//! The guard: the only code that makes a command.
//!
//! - [`mode`]: who may write an output
//! - [`limits`]: range, deadband, slew, dwell
//! - [`inhibit`]: the expressions of inhibits and trips
//! - [`reduced`]: a range that is narrower while an expression holds
//! - [`lease`]: how long a proposal stands
//! - [`output`]: what the configuration says of an output
//! - [`verdict`]: judgements and commands
//! - [`advice`]: proposals that wait for an operator
//! - [`order`]: orders, which are placed once and never repeated
//! - `actuator`: one output from scan to scan
//! - [`judge`]: from one proposal to its verdict
//! - [`gate`]: verdicts on items, carried out when the items are there
//!
//! The order of precedence is trip, operator, the one owning plugin, relinquish default; the order of
//! judgement quality gate, range, slew, dwell, inhibits last. The reduced range is part of the range. A trip bypasses slew and dwell. After a
//! start nothing is commanded until the output's value is known by a good readback or, where it has
//! none, until the first accepted proposal that was made from good inputs.
//!
//! It is not a certified safety function; real interlocks stay in the PLC.

pub mod mode;

pub mod limits;

pub mod inhibit;

pub mod reduced;

pub mod lease;

pub mod output;

pub mod verdict;

pub mod advice;

pub mod order;

mod actuator;

pub mod judge;

pub mod gate;

pub use advice::{Accepted, Advice, AdviceId};
pub use gate::{
    Action, ActionCause, Arrival, Fallback, GateOutcome, GateProblem, GateSpec, ItemJudgement, ItemReason, LineNews,
    OwnedVerdict, Positions,
};
pub use inhibit::{Condition, Expression, ExpressionError, ExpressionProblem, Witness};
pub use judge::OwnedProposal;
pub use mode::Mode;
pub use order::{Budget, OrderTerms};
pub use output::{GuardError, OnStop, OutputKind, OutputSpec, Problem, Readback};
pub use reduced::Reduced;
pub use verdict::{
    Cause, Command, Event, EventKind, Judgement, OutputId, Reason, ScanTime, ScanVerdicts, StopVerdicts, Trip, Verdict,
};

use crate::image::ProcessImage;
use crate::outcome::OutputState;
use crate::record::InstanceId;
use crate::time::{DurationNs, SECOND_NS, TimeNs};
use actuator::{Actuator, Override, Tick, Wish};
use lease::Lease;

/// Scan periods of a gap that still count for the slew. After a longer gap (a suspended machine, a
/// debugger) an output goes on as if so much time had passed, not in one leap.
pub const MAX_GAP_PERIODS: u64 = 5;

/// Longest override: a week of maintenance.
pub const MAX_OVERRIDE_NS: DurationNs = 7 * 86_400 * SECOND_NS;

/// Guards the outputs that one process image belongs to. Knows no clock: time is the scans'.
#[derive(Debug)]
pub struct Guard {
    actuators: Vec<Actuator>,
    longest_gap_ns: DurationNs,
    last: Option<ScanTime>,
    sequence: u64,
    /// Numbers given to advices.
    advices: u64,
    stopped: bool,
}

/// Why an operator's word is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum OperatorError {
    /// No such output.
    #[error("there is no such output")]
    NoSuchOutput,
    /// The value is outside the range, or not of the output's kind.
    #[error("{value} is not a value of the output's range from {lo} to {hi}")]
    Value {
        /// As given.
        value: f64,
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// The value is outside the reduced range, which holds now.
    #[error("{value} is outside the range of {lo} to {hi} while the condition of `reduced` holds")]
    Reduced {
        /// As given.
        value: f64,
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// An override must end.
    #[error("an override lasts more than 0 and at most {} hours", MAX_OVERRIDE_NS / (3_600 * SECOND_NS))]
    Duration,
    /// A trip is latched, and stands above an operator.
    #[error("the output is tripped; reset it first")]
    Tripped,
    /// The readback is not good, so nobody knows where the output is.
    #[error("the output's own value is not known")]
    ValueUnknown,
    /// The reset comes too early.
    #[error("the trip's condition is still true, or one of its inputs is bad or stale")]
    TripHolds,
    /// There is no override to release, or no trip to reset.
    #[error("nothing is there to release")]
    NothingThere,
    /// The controller stops.
    #[error("the controller is stopping")]
    Stopping,
    /// Answered, expired, of an earlier run, or another value is proposed meanwhile.
    #[error("no proposal of this number waits any more; `dinrail advise` shows those that do")]
    NoSuchAdvice,
    /// The mode was changed.
    #[error("the output is not in advise")]
    NotAdvising,
    /// As in auto.
    #[error("an analogue output takes no proposal without a slew limit; give it `slew` in the configuration")]
    NoSlew,
    /// An order is no value that could be held.
    #[error("an order can't be overridden; accept or reject what is proposed")]
    Order,
    /// Judged again, it has no effect now.
    #[error("it can't be taken now: {0}")]
    NotNow(Reason),
}

impl Guard {
    /// Refuses outputs that can't be guarded. `scan_period_ns` is in run time (wall period × speed); in a
    /// run without period (a table, virtual time) [`DurationNs::MAX`].
    pub fn new(specs: Vec<OutputSpec>, scan_period_ns: DurationNs) -> Result<Guard, GuardError> {
        let mut names = std::collections::HashSet::new();
        for spec in &specs {
            if let Some(error) = spec.check().into_iter().next() {
                return Err(error);
            }
            if !names.insert(spec.name.as_str()) {
                return Err(spec.error(Problem::Twice));
            }
        }
        Ok(Guard {
            actuators: specs.into_iter().map(Actuator::new).collect(),
            longest_gap_ns: scan_period_ns.saturating_mul(MAX_GAP_PERIODS),
            last: None,
            sequence: 0,
            advices: 0,
            stopped: false,
        })
    }

    /// How many outputs it guards.
    #[must_use]
    pub fn len(&self) -> usize {
        self.actuators.len()
    }

    /// Whether it guards none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actuators.is_empty()
    }

    /// An output as configured, with its present modes.
    #[must_use]
    pub fn spec(&self, output: OutputId) -> Option<&OutputSpec> {
        self.actuators.get(output.index()).map(|actuator| &actuator.spec)
    }

    /// What a plugin is told of its outputs before its next call, in their order. An output that does
    /// not exist is told as unknown and blocked.
    #[must_use]
    pub fn output_states(&self, outputs: &[OutputId]) -> Vec<OutputState> {
        let unknown = OutputState {
            applied: None,
            readback: None,
            mode: Mode::Manual,
            limited_low: false,
            limited_high: false,
            blocked: true,
            initialise: false,
        };
        outputs.iter().map(|output| self.actuators.get(output.index()).map_or(unknown, Actuator::state)).collect()
    }

    /// Whether a trip is latched.
    #[must_use]
    pub fn is_tripped(&self, output: OutputId) -> bool {
        self.actuators.get(output.index()).is_some_and(|actuator| actuator.tripped)
    }

    /// Whether a gate stops the line for an item without a verdict.
    #[must_use]
    pub fn is_halted(&self, output: OutputId) -> bool {
        self.actuators
            .get(output.index())
            .and_then(|actuator| actuator.gate.as_ref())
            .is_some_and(gate::Gate::is_halted)
    }

    /// The tags that made a latched trip, as they were then; empty where none is latched.
    #[must_use]
    pub fn trip_witnesses(&self, output: OutputId) -> &[Witness] {
        self.actuators.get(output.index()).map_or(&[], |actuator| &actuator.trip_witnesses)
    }

    /// The tags that make an output's trip true at this moment; empty where it is false.
    #[must_use]
    pub fn trip_now(&self, output: OutputId, image: &ProcessImage) -> Vec<Witness> {
        let now_ns = self.last.map_or(TimeNs::MIN, |last| last.time_ns);
        self.actuators.get(output.index()).map_or_else(Vec::new, |actuator| actuator.trip_now(now_ns, image))
    }

    /// Judges the proposals and moves every output on. Runs in every scan, also without proposals.
    /// Time that runs backward counts as standing still.
    pub fn scan(&mut self, at: ScanTime, image: &ProcessImage, proposals: &[OwnedProposal]) -> ScanVerdicts {
        self.scan_line(at, image, proposals, &LineNews::default())
    }

    /// The same with news of items, for gates.
    pub fn scan_line(
        &mut self,
        at: ScanTime,
        image: &ProcessImage,
        proposals: &[OwnedProposal],
        news: &LineNews,
    ) -> ScanVerdicts {
        let (at, tick) = self.tick(at);
        let mut verdicts = ScanVerdicts::default();
        let event = |index: usize, kind| Event { output: OutputId(index as u32), kind };
        for (index, actuator) in self.actuators.iter_mut().enumerate() {
            let sensed = actuator.sense(tick, image);
            if sensed == Some(EventKind::Tripped) {
                verdicts.trips.extend(actuator.trip_told(OutputId(index as u32)));
            }
            verdicts.events.extend(sensed.map(|kind| event(index, kind)));
            verdicts.events.extend(actuator.narrow(tick, image).map(|kind| event(index, kind)));
        }
        for proposal in proposals {
            let judgement = self.judge(tick, proposal);
            verdicts.judgements.push(judgement);
            verdicts.events.extend(self.number_advice(proposal.output.index()));
        }
        if !self.stopped {
            self.tell_gates(news, &mut verdicts);
            for (index, actuator) in self.actuators.iter_mut().enumerate() {
                verdicts.events.extend(actuator.expire(tick).map(|kind| event(index, kind)));
                verdicts.events.extend(actuator.expire_advice(tick).map(|kind| event(index, kind)));
                verdicts.events.extend(actuator.drop_order(tick).map(|kind| event(index, kind)));
                if let Some((value, cause)) = actuator.pursue(tick).or_else(|| actuator.place(at.scan, tick)) {
                    self.sequence += 1;
                    verdicts.commands.push(Command::new(OutputId(index as u32), value, self.sequence, at, cause));
                }
                verdicts.gates.extend(actuator.leave_gate(OutputId(index as u32)));
            }
        }
        for judgement in &mut verdicts.judgements {
            judgement.applied = self.actuators.get(judgement.output.index()).and_then(|actuator| actuator.applied);
        }
        verdicts
    }

    /// Items that passed the trigger, and verdicts on them; then what is owed at each gate.
    fn tell_gates(&mut self, news: &LineNews, verdicts: &mut ScanVerdicts) {
        for (index, actuator) in self.actuators.iter_mut().enumerate() {
            let (output, mode, owner) = (OutputId(index as u32), actuator.mode(), actuator.spec.owner);
            let Some(gate) = &mut actuator.gate else { continue };
            let items = gate.spec().items;
            for arrival in news.arrivals.iter().filter(|arrival| arrival.items == items) {
                gate.arrive(arrival);
            }
            for given in news.verdicts.iter().filter(|given| owner == Some(given.owner)) {
                let (verdict, reason) = gate.judge(given);
                let (item, decision) = (given.item, given.decision);
                verdicts.items.push(ItemJudgement { output, item, decision, verdict, reason, mode });
            }
            if gate.settle(mode == Mode::Auto) {
                verdicts.events.push(Event { output, kind: EventKind::Halted });
            }
        }
    }

    fn tick(&mut self, at: ScanTime) -> (ScanTime, Tick) {
        let last = self.last.unwrap_or(at);
        let now_ns = at.time_ns.max(last.time_ns);
        let elapsed_ns = now_ns.abs_diff(last.time_ns).min(self.longest_gap_ns);
        let at = ScanTime { scan: at.scan, time_ns: now_ns };
        self.last = Some(at);
        (at, Tick { now_ns, elapsed_s: elapsed_ns as f64 / SECOND_NS as f64 })
    }

    fn judge(&mut self, tick: Tick, proposal: &OwnedProposal) -> Judgement {
        let output = proposal.output;
        let (mode, (verdict, reason)) = match self.actuators.get_mut(output.index()) {
            None => (Mode::Manual, (Verdict::Rejected, Reason::NoSuchOutput)),
            Some(actuator) if self.stopped => (actuator.mode(), (Verdict::Held, Reason::Stopping)),
            Some(actuator) => (actuator.mode(), actuator.judge(tick, proposal)),
        };
        let setpoint = proposal.setpoint.is_finite().then_some(proposal.setpoint);
        Judgement { output, setpoint, verdict, reason, mode, applied: None }
    }

    /// The last commands: every output that is commanded, or in auto with a known value, does its
    /// `on_stop`, at once and whatever an inhibit says, since nobody can do it later. A tripped one keeps
    /// its fail-safe value. No scan commands anything afterwards.
    pub fn stop(&mut self, at: ScanTime) -> StopVerdicts {
        let mut verdicts = StopVerdicts::default();
        if std::mem::replace(&mut self.stopped, true) {
            return verdicts;
        }
        let (at, tick) = self.tick(at);
        for (index, actuator) in self.actuators.iter_mut().enumerate() {
            let output = OutputId(index as u32);
            if let Some((quantity, cause)) = actuator.place(at.scan, tick) {
                self.sequence += 1;
                verdicts.commands.push(Command::new(output, quantity, self.sequence, at, cause));
            } else if actuator.orders.is_due() {
                verdicts.unplaced.push(output);
            }
            let Some((command, released)) = actuator.stop(tick) else { continue };
            if let Some((value, cause)) = command {
                self.sequence += 1;
                verdicts.commands.push(Command::new(output, value, self.sequence, at, cause));
            }
            if released {
                verdicts.released.push(output);
            } else if command.is_none() {
                verdicts.held.push(output);
            }
        }
        verdicts
    }

    /// Changes an output's mode. An analogue output without slew limit is refused in auto.
    pub fn set_mode(&mut self, output: OutputId, mode: Mode) -> Result<(), SetModeError> {
        let now_ns = self.last.map(|last| last.time_ns);
        let actuator = self.actuators.get_mut(output.index()).ok_or(SetModeError::NoSuchOutput)?;
        if mode == Mode::Advise && actuator.gate.is_some() {
            return Err(SetModeError::Refused(actuator.spec.error(GateProblem::Advise.into())));
        }
        let missing = actuator.spec.slew_per_s.is_none() && actuator.spec.kind == OutputKind::Analogue;
        if mode == Mode::Auto && missing {
            return Err(SetModeError::Refused(actuator.spec.error(Problem::SlewMissing)));
        }
        let owner_mode = actuator.spec.owner_mode;
        actuator.set_modes(mode, owner_mode, now_ns);
        Ok(())
    }

    /// Changes a plugin's mode for all outputs that it owns.
    pub fn set_owner_mode(&mut self, owner: InstanceId, mode: Mode) {
        let now_ns = self.last.map(|last| last.time_ns);
        for actuator in self.actuators.iter_mut().filter(|actuator| actuator.spec.owner == Some(owner)) {
            let output_mode = actuator.spec.mode;
            actuator.set_modes(output_mode, mode, now_ns);
        }
    }

    /// An operator's value, in the output's unit, for at most `for_ns` of run time. Range, slew, dwell
    /// and inhibits hold for it too, the mode does not. One that is in force is cut to the reduced range while that holds.
    pub fn override_output(
        &mut self,
        output: OutputId,
        value: f64,
        now_ns: TimeNs,
        for_ns: DurationNs,
    ) -> Result<(), OperatorError> {
        let stopped = self.stopped;
        let now_ns = self.last.map_or(now_ns, |last| last.time_ns.max(now_ns));
        let actuator = self.actuators.get_mut(output.index()).ok_or(OperatorError::NoSuchOutput)?;
        let (lo, hi) = actuator.spec.range;
        if stopped {
            return Err(OperatorError::Stopping);
        }
        if actuator.spec.kind == OutputKind::Order {
            return Err(OperatorError::Order);
        }
        if !(lo <= value && value <= hi && actuator.spec.takes(value)) {
            return Err(OperatorError::Value { value, lo, hi });
        }
        if let (limits, Some(_)) = (actuator.limits_now(), actuator.within(value).1) {
            return Err(OperatorError::Reduced { value, lo: limits.lo, hi: limits.hi });
        }
        if for_ns == 0 || MAX_OVERRIDE_NS < for_ns {
            return Err(OperatorError::Duration);
        }
        if actuator.tripped {
            return Err(OperatorError::Tripped);
        }
        if actuator.spec.readback.is_some() && actuator.applied.is_none() {
            return Err(OperatorError::ValueUnknown);
        }
        actuator.operator = Some(Override { value, lease: Lease::begin(now_ns, for_ns, for_ns) });
        actuator.wish = Wish::Idle;
        actuator.forget_cuts();
        Ok(())
    }

    /// Ends an override before its time. In auto the owner has one lease's time to take over.
    pub fn release(&mut self, output: OutputId, now_ns: TimeNs) -> Result<(), OperatorError> {
        let now_ns = self.last.map_or(now_ns, |last| last.time_ns.max(now_ns));
        let actuator = self.actuators.get_mut(output.index()).ok_or(OperatorError::NoSuchOutput)?;
        if actuator.operator.is_none() {
            return Err(OperatorError::NothingThere);
        }
        actuator.end_override(now_ns);
        Ok(())
    }

    /// Unlatches a trip whose condition was clear in the last scan. The output stays at its fail-safe
    /// value until its owner proposes, or an operator overrides. Of a gate that stops the line and is not tripped, it
    /// goes on: the item that it stands for is taken out.
    pub fn reset_trip(&mut self, output: OutputId) -> Result<(), OperatorError> {
        let actuator = self.actuators.get_mut(output.index()).ok_or(OperatorError::NoSuchOutput)?;
        if !actuator.tripped
            && let Some(gate) = actuator.gate.as_mut().filter(|gate| gate.is_halted())
        {
            gate.reset();
            return Ok(());
        }
        if !actuator.tripped {
            return Err(OperatorError::NothingThere);
        }
        if actuator.trip_sight.holds || actuator.trip_sight.blind {
            return Err(OperatorError::TripHolds);
        }
        actuator.reset_trip();
        Ok(())
    }
}

/// Why a mode is not changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SetModeError {
    /// No such output.
    #[error("there is no such output")]
    NoSuchOutput,
    /// The output can't be guarded in this mode.
    #[error(transparent)]
    Refused(#[from] GuardError),
}

#[cfg(test)]
mod tests;
