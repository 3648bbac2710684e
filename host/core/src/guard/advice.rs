//! The queue of `advise`: proposals that wait for an operator's word.
//!
//! ```text
//!                 proposal              another value is proposed
//!   nothing ─────────────────► waiting ───────────────────────────► waiting, under another number
//!                                │ accept: judged again, taken
//!                                │ reject: not asked again until another value is proposed
//!                                │ its lease ends without being proposed again: expired
//!                                ▼
//!                             nothing
//! ```
//!
//! An output has one at most. What was accepted stays in force while its plugin goes on proposing, whatever it proposes: the
//! operator's yes was to a value, and another one is another question. When the plugin falls silent, the lease ends as ever.

use super::actuator::{Actuator, Tick, Wish};
use super::judge::{Effect, Judged, OwnedProposal};
use super::lease::Lease;
use super::mode::Mode;
use super::output::OutputKind;
use super::verdict::{Event, EventKind, OutputId, Reason, Verdict};
use super::{Guard, OperatorError};
use crate::time::TimeNs;

/// Number of an advice; a guard never gives one twice, and begins where it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdviceId(pub u64);

/// A proposal that waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advice {
    /// Its number.
    pub id: AdviceId,
    /// For which output.
    pub output: OutputId,
    /// What would be set, in the output's unit.
    pub setpoint: f64,
    /// Run time at which it was first proposed.
    pub since_ns: TimeNs,
    /// Run time at which it expires, if it is not proposed again.
    pub until_ns: TimeNs,
    /// What the guard would do with it, as of its last proposal.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
}

/// What came of a yes. Numbers are in the output's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accepted {
    /// For which output.
    pub output: OutputId,
    /// What was asked for.
    pub setpoint: f64,
    /// Where the output goes: the same, within the range.
    pub target: f64,
    /// The value in force now, if it is known.
    pub applied: Option<f64>,
    /// What the guard does with it now.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
}

/// What an actuator keeps of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// 0 until the guard has numbered it.
    pub(super) id: u64,
    pub(super) proposal: OwnedProposal,
    pub(super) since_ns: TimeNs,
    pub(super) lease: Lease,
    pub(super) verdict: Verdict,
    pub(super) reason: Reason,
}

/// Two proposals nearer to each other than this share of the range are one question: an optimizer's setpoint moves a
/// little at every call, and an operator can't answer that fast.
const SAME_SHARE: f64 = 0.01;

impl Actuator {
    fn is_same(&self, one: f64, other: f64) -> bool {
        let width = self.limits.hi - self.limits.lo;
        let near = match self.spec.kind {
            OutputKind::Analogue => self.limits.deadband.max(SAME_SHARE * width),
            OutputKind::Discrete | OutputKind::Order => 0.0,
        };
        (one - other).abs() <= near
    }

    /// Takes a proposal that was judged in advise.
    pub(super) fn advise(&mut self, tick: Tick, proposal: &OwnedProposal, judged: &Judged) {
        let lease = Lease::begin(tick.now_ns, proposal.valid_for_ns, self.spec.lease_ns);
        if let Wish::Plugin { lease: accepted, .. } = &mut self.wish {
            *accepted = lease;
        }
        let target = match judged.effect {
            // The question is about what a yes would do now; another range is another question.
            Effect::GoTo(target) => self.within(target).0,
            // Within the deadband of what is in force there is nothing to ask.
            Effect::Stay if judged.takes_over => {
                self.waiting_advice = None;
                return;
            }
            Effect::Stay | Effect::Nothing => return,
        };
        let in_force = match self.wish {
            Wish::Plugin { target: Some(accepted), .. } => Some(self.within(accepted).0),
            _ => self.applied,
        };
        if in_force.is_some_and(|value| self.is_same(value, target)) {
            self.waiting_advice = None;
            return;
        }
        if self.refused_advice.is_some_and(|refused| self.is_same(refused, target)) {
            return;
        }
        self.refused_advice = None;
        let before = self.waiting_advice.filter(|waiting| self.is_same(waiting.proposal.setpoint, target));
        let (verdict, reason) = (judged.verdict, judged.reason);
        self.waiting_advice = Some(match before {
            // The value stays the one that was shown; the inputs that speak for it are the newest.
            Some(waiting) => Waiting {
                proposal: OwnedProposal { setpoint: waiting.proposal.setpoint, ..*proposal },
                lease,
                verdict,
                reason,
                ..waiting
            },
            None => Waiting {
                id: 0,
                proposal: OwnedProposal { setpoint: target, ..*proposal },
                since_ns: tick.now_ns,
                lease,
                verdict,
                reason,
            },
        });
    }

    /// Ends what nobody answered in time.
    pub(super) fn expire_advice(&mut self, tick: Tick) -> Option<EventKind> {
        let expired = self.waiting_advice.take_if(|waiting| waiting.lease.has_ended(tick.now_ns))?;
        Some(EventKind::AdviceExpired { id: AdviceId(expired.id) })
    }
}

impl Guard {
    /// Numbers advices above this one from here on. A number that an earlier guard gave then names nothing here, and an
    /// answer to it that comes late can't hit another proposal.
    pub fn number_advices_above(&mut self, number: u64) {
        self.advices = self.advices.max(number);
    }

    /// Numbers a new advice, and says that it is there.
    pub(super) fn number_advice(&mut self, index: usize) -> Option<Event> {
        let waiting = self.actuators.get_mut(index)?.waiting_advice.as_mut().filter(|waiting| waiting.id == 0)?;
        self.advices = self.advices.saturating_add(1);
        waiting.id = self.advices;
        Some(Event { output: OutputId(index as u32), kind: EventKind::Advised { id: AdviceId(waiting.id) } })
    }

    /// Everything that waits, in the outputs' order.
    #[must_use]
    pub fn advices(&self) -> Vec<Advice> {
        let waiting = self.actuators.iter().zip(0..).filter_map(|(actuator, output)| {
            let waiting = actuator.waiting_advice?;
            Some(Advice {
                id: AdviceId(waiting.id),
                output: OutputId(output),
                setpoint: waiting.proposal.setpoint,
                since_ns: waiting.since_ns,
                until_ns: waiting.lease.until_ns(),
                verdict: waiting.verdict,
                reason: waiting.reason,
            })
        });
        waiting.collect()
    }

    /// An operator's yes at run time `now_ns`. The proposal is judged again, with what holds now, and is taken under a new
    /// lease or stays where it is.
    pub fn accept(&mut self, id: AdviceId, now_ns: TimeNs) -> Result<Accepted, OperatorError> {
        let stopped = self.stopped;
        let (index, waiting) = self.waiting(id)?;
        if stopped {
            return Err(OperatorError::Stopping);
        }
        let now_ns = self.last.map_or(now_ns, |last| last.time_ns.max(now_ns));
        // The next scan would end it.
        if waiting.lease.has_ended(now_ns) {
            return Err(OperatorError::NoSuchAdvice);
        }
        let tick = Tick { now_ns, elapsed_s: 0.0 };
        let actuator = &mut self.actuators[index];
        if actuator.mode() != Mode::Advise {
            return Err(OperatorError::NotAdvising);
        }
        if actuator.spec.kind == OutputKind::Order {
            let (target, verdict, reason) = actuator.accept_order(tick, &waiting)?;
            let (output, setpoint) = (OutputId(index as u32), waiting.proposal.setpoint);
            // An order has no value in force: each is placed once.
            return Ok(Accepted { output, setpoint, target, applied: None, verdict, reason });
        }
        if actuator.spec.kind == OutputKind::Analogue && actuator.spec.slew_per_s.is_none() {
            return Err(OperatorError::NoSlew);
        }
        let judged = match actuator.reason_to_ignore(&waiting.proposal) {
            Some(reason) => return Err(OperatorError::NotNow(reason)),
            None => actuator.fit(tick, waiting.proposal.setpoint),
        };
        let Effect::GoTo(target) = judged.effect else { return Err(OperatorError::NotNow(judged.reason)) };
        let lease = Lease::begin(now_ns, waiting.proposal.valid_for_ns, actuator.spec.lease_ns);
        actuator.wish = Wish::Plugin { target: Some(target), lease };
        actuator.keep_cuts(&judged);
        actuator.waiting_advice = None;
        Ok(Accepted {
            output: OutputId(index as u32),
            setpoint: waiting.proposal.setpoint,
            target: actuator.within(target).0,
            applied: actuator.applied,
            verdict: judged.verdict,
            reason: judged.reason,
        })
    }

    /// An operator's no. The same value is not asked again until the plugin has proposed another one.
    pub fn reject(&mut self, id: AdviceId) -> Result<OutputId, OperatorError> {
        let (index, waiting) = self.waiting(id)?;
        let now_ns = self.last.map_or(waiting.since_ns, |last| last.time_ns);
        let actuator = &mut self.actuators[index];
        if actuator.spec.kind == OutputKind::Order {
            actuator.refuse_order(now_ns, waiting.proposal.setpoint);
        } else {
            actuator.refused_advice = Some(waiting.proposal.setpoint);
        }
        actuator.waiting_advice = None;
        Ok(OutputId(index as u32))
    }

    fn waiting(&self, id: AdviceId) -> Result<(usize, Waiting), OperatorError> {
        let mut found = self.actuators.iter().enumerate().filter_map(|(index, actuator)| {
            actuator.waiting_advice.filter(|waiting| waiting.id == id.0).map(|waiting| (index, waiting))
        });
        found.next().ok_or(OperatorError::NoSuchAdvice)
    }
}
