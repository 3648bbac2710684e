//! From one proposal to its verdict: quality gate, range, slew, dwell, inhibits last.
//!
//! The verdict says what the guard would do, whatever the mode. Only in auto is the proposal taken; in advise it waits for
//! an operator.

use super::actuator::{Actuator, Tick, Wish};
use super::lease::Lease;
use super::limits::Cut;
use super::mode::Mode;
use super::output::OutputKind;
use super::verdict::{OutputId, Reason, Verdict};
use crate::record::InstanceId;
use crate::tag::Quality;
use crate::time::DurationNs;

/// A proposal with its proposer. Numbers are in the output's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnedProposal {
    /// Who proposes.
    pub owner: InstanceId,
    /// For which output.
    pub output: OutputId,
    /// Absolute.
    pub setpoint: f64,
    /// How long it may stand, run time.
    pub valid_for_ns: DurationNs,
    /// The scan that froze the frame it was made from.
    pub made_scan: u64,
    /// The worst of the inputs that it was made from.
    pub input_quality: Quality,
}

/// What a proposal does to the output once it is taken.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// None: what was taken before stands, and its lease goes on.
    Nothing,
    /// It stays at the value in force, with a new lease.
    Stay,
    /// It goes there, with a new lease.
    GoTo(f64),
}

/// What the proposal leads to.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) reason: Reason,
    pub(super) effect: Effect,
    pub(super) range_cut: Option<Cut>,
    /// By the reduced range. The target is kept, for when it holds no longer.
    pub(super) reduced_cut: Option<Cut>,
    pub(super) slew_cut: Option<Cut>,
    /// The owner has control from here on.
    pub(super) takes_over: bool,
}

impl Judged {
    fn without_effect(verdict: Verdict, reason: Reason) -> Judged {
        let effect = Effect::Nothing;
        Judged { verdict, reason, effect, range_cut: None, reduced_cut: None, slew_cut: None, takes_over: false }
    }
}

impl Actuator {
    /// Judges a proposal for this output, and takes it where the mode allows.
    pub(super) fn judge(&mut self, tick: Tick, proposal: &OwnedProposal) -> (Verdict, Reason) {
        if let Some(reason) = self.reason_to_reject(proposal) {
            return (Verdict::Rejected, reason);
        }
        self.judged = true;
        if self.spec.kind == OutputKind::Order {
            return self.judge_order(tick, proposal);
        }
        let judged = match self.reason_to_ignore(proposal) {
            Some(reason) => Judged::without_effect(Verdict::Held, reason),
            None => self.fit(tick, proposal.setpoint),
        };
        self.keep_cuts(&judged);
        self.initialise &= !judged.takes_over;
        let target = match judged.effect {
            Effect::Nothing => return (judged.verdict, judged.reason),
            Effect::Stay => None,
            Effect::GoTo(target) => Some(target),
        };
        match self.mode() {
            Mode::Auto => {
                let lease = Lease::begin(tick.now_ns, proposal.valid_for_ns, self.spec.lease_ns);
                self.wish = Wish::Plugin { target, lease };
            }
            Mode::Advise => self.advise(tick, proposal, &judged),
            Mode::Manual | Mode::Shadow => {}
        }
        (judged.verdict, judged.reason)
    }

    fn reason_to_reject(&self, proposal: &OwnedProposal) -> Option<Reason> {
        if !proposal.setpoint.is_finite() {
            Some(Reason::NotFinite)
        } else if self.gate.is_some() {
            Some(Reason::Gate)
        } else if self.spec.owner != Some(proposal.owner) {
            Some(Reason::NotOwner)
        } else if self.judged {
            Some(Reason::Twice)
        } else if !self.spec.takes(proposal.setpoint) {
            Some(Reason::NotWhole)
        } else if proposal.valid_for_ns == 0 {
            Some(Reason::NoValidity)
        } else if self.spec.kind == OutputKind::Order && proposal.setpoint < 0.0 {
            Some(Reason::BelowZero)
        } else {
            None
        }
    }

    /// What stands above the proposal, and the quality gate.
    pub(super) fn reason_to_ignore(&self, proposal: &OwnedProposal) -> Option<Reason> {
        let quality = proposal.input_quality;
        if self.tripped {
            Some(Reason::Tripped)
        } else if self.operator.is_some() {
            Some(Reason::Operator)
        } else if !quality.is_usable() {
            Some(Reason::InputQuality { quality })
        } else if self.applied.is_some() {
            None
        } else if self.spec.readback.is_some() {
            Some(Reason::ValueUnknown)
        } else if quality != Quality::Good {
            // The first value after a start needs better than doubtful inputs.
            Some(Reason::InputQuality { quality })
        } else {
            None
        }
    }

    /// Where it was cut, for the owner to know.
    pub(super) fn keep_cuts(&mut self, judged: &Judged) {
        (self.range_cut, self.slew_cut) = (judged.range_cut, judged.slew_cut);
        self.narrowing.cut = judged.reduced_cut;
    }

    /// Range, deadband, slew, dwell, inhibits.
    pub(super) fn fit(&self, tick: Tick, setpoint: f64) -> Judged {
        let (own, range_cut) = self.limits.into_range(setpoint);
        let (target, reduced_cut) = self.within(own);
        if let Some(reason) = self.reason_to_freeze() {
            return Judged {
                verdict: Verdict::Held,
                reason,
                // It stays where it is also when the inhibit ends, until the next proposal.
                effect: Effect::Stay,
                range_cut,
                reduced_cut,
                slew_cut: None,
                takes_over: false,
            };
        }
        let (mut verdict, mut reason) = match (reduced_cut, range_cut) {
            (Some(cut), _) => (Verdict::Clamped, self.reason_to_narrow(cut)),
            (None, Some(Cut::High)) => (Verdict::Clamped, Reason::AboveRange { hi: self.limits.hi }),
            (None, Some(Cut::Low)) => (Verdict::Clamped, Reason::BelowRange { lo: self.limits.lo }),
            (None, None) => (Verdict::Accepted, Reason::AsProposed),
        };
        let is_cut = reduced_cut.or(range_cut).is_some();
        let mut effect = Effect::GoTo(own);
        let mut slew_cut = None;
        if let Some(applied) = self.applied {
            let (from, _) = self.limits.into_range(applied);
            let next = self.limits.step(from, target, self.slew_s);
            if target == applied {
                if !is_cut {
                    reason = Reason::InForce;
                }
            } else if reduced_cut.is_none() && self.limits.is_within_deadband(target - applied) {
                (verdict, reason) = (Verdict::Held, Reason::Deadband { deadband: self.limits.deadband });
                effect = Effect::Stay;
            } else {
                if next != target {
                    slew_cut = Some(if next < target { Cut::High } else { Cut::Low });
                }
                if self.limits.dwells(self.last_change_ns, tick.now_ns) {
                    (verdict, reason) = (Verdict::Held, Reason::Dwell);
                } else if let (Some(_), false, Some(per_s)) = (slew_cut, is_cut, self.limits.slew_per_s) {
                    (verdict, reason) = (Verdict::Clamped, Reason::Slew { per_s });
                }
            }
        }
        Judged { verdict, reason, effect, range_cut, reduced_cut, slew_cut, takes_over: true }
    }

    pub(super) fn reason_to_freeze(&self) -> Option<Reason> {
        if self.trip_sight.holds || self.trip_sight.blind {
            Some(Reason::TripBlind)
        } else if self.inhibit_sight.blind {
            Some(Reason::InhibitBlind)
        } else if self.inhibit_sight.holds {
            Some(Reason::Inhibited)
        } else {
            None
        }
    }
}
