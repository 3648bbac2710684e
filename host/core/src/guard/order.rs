//! Orders: an output of kind `order` is no value that holds, but a thing that is done once.
//!
//! ```text
//!              auto: taken                       nothing freezes it
//!   nothing ─────────────────────────► due ─────────────────────────► placed: one command
//!      │                                ▲ │
//!      │ advise: proposed     accepted  │ │ its lease ends, or the mode falls below advise
//!      └───────────► waiting ───────────┘ ▼
//!                       │               dropped: one event
//!                       ▼ expired, rejected, withdrawn
//! ```
//!
//! What is due is placed in the same scan, or, after an operator's yes, in the next one in which no inhibit holds. Placing
//! is one command and is never repeated: no lease renews it, and nothing falls back. A proposal that was made before the last
//! order was placed did not know of it, and is held: it would order the same again.
//!
//! The budget is a sum of quantities within any window of its length. It is not known across a restart of the controller.

use super::actuator::{Actuator, Tick};
use super::advice::Waiting;
use super::judge::OwnedProposal;
use super::lease::Lease;
use super::limits::Cut;
use super::mode::Mode;
use super::output::{OutputKind, OutputSpec, Problem};
use super::verdict::{Cause, EventKind, Reason, Verdict};
use super::{Guard, OperatorError};
use crate::time::{DurationNs, TimeNs};
use std::collections::VecDeque;

/// What may be ordered. Quantities are in the output's unit; the smallest and the largest order are its range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OrderTerms {
    /// Orders are whole multiples of it; 0: any quantity.
    pub pack: f64,
    /// What may be ordered within a time.
    pub budget: Option<Budget>,
}

/// A limit on the sum of all orders within any window of its length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// In the output's unit.
    pub quantity: f64,
    /// Length of the window, run time.
    pub window_ns: DurationNs,
}

/// Orders that a budget remembers one by one: three a day for a year. Beyond it the two oldest count as one, as of the
/// later of them, which only keeps the budget narrower for longer.
const MAX_REMEMBERED: usize = 1_024;

/// A share of a pack, or of a budget, that the rounding of sums is forgiven.
const ROUNDING: f64 = 1e-9;

/// What an actuator keeps of its orders.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// Taken, and not placed yet.
    due: Option<Due>,
    /// When so much was placed, within the budget's window.
    placed: VecDeque<(TimeNs, f64)>,
    /// All that was ever placed.
    total: f64,
    /// Scan and time of the last one.
    last: Option<(u64, TimeNs)>,
    /// An operator's no to a quantity, until then.
    refused: Option<(f64, Lease)>,
}

#[derive(Clone, Copy, Debug)]
struct Due {
    quantity: f64,
    lease: Lease,
}

/// What would become of a quantity.
struct Fitted {
    quantity: Option<f64>,
    verdict: Verdict,
    reason: Reason,
    cut: Option<Cut>,
}

impl Fitted {
    fn held(reason: Reason, cut: Option<Cut>) -> Fitted {
        Fitted { quantity: None, verdict: Verdict::Held, reason, cut }
    }
}

impl Orders {
    /// What the budget leaves; none where there is no budget. Forgets what has left the window.
    fn left(&self, terms: &OrderTerms, now_ns: TimeNs) -> Option<f64> {
        let budget = terms.budget?;
        let within = |(time_ns, _): &&(TimeNs, f64)| now_ns.abs_diff(*time_ns) < budget.window_ns;
        let spent: f64 = self.placed.iter().filter(within).map(|(_, quantity)| quantity).sum();
        Some((budget.quantity - spent).max(0.0))
    }

    fn remember(&mut self, terms: &OrderTerms, now_ns: TimeNs, quantity: f64) {
        self.total += quantity;
        let Some(budget) = terms.budget else { return };
        self.placed.retain(|(time_ns, _)| now_ns.abs_diff(*time_ns) < budget.window_ns);
        if self.placed.len() == MAX_REMEMBERED
            && let (Some((_, oldest)), Some(next)) = (self.placed.pop_front(), self.placed.front_mut())
        {
            next.1 += oldest;
        }
        self.placed.push_back((now_ns, quantity));
    }

    /// All that was ever placed.
    pub(super) fn total(&self) -> f64 {
        self.total
    }

    /// Whether something is taken and not placed.
    pub(super) fn is_due(&self) -> bool {
        self.due.is_some()
    }
}

impl Actuator {
    fn is_order(&self) -> bool {
        self.spec.kind == OutputKind::Order
    }

    /// Judges a proposed order that makes sense, and takes it where the mode allows.
    pub(super) fn judge_order(&mut self, tick: Tick, proposal: &OwnedProposal) -> (Verdict, Reason) {
        self.range_cut = None;
        if let Some(reason) = self.reason_not_to_order(proposal) {
            return (Verdict::Held, reason);
        }
        if proposal.setpoint == 0.0 {
            // What waited is not wanted any more.
            self.waiting_advice = None;
            return (Verdict::Accepted, Reason::NothingToOrder);
        }
        let fitted = self.fit_order(tick, proposal.setpoint);
        self.range_cut = fitted.cut;
        if let Some(quantity) = fitted.quantity {
            let lease = Lease::begin(tick.now_ns, proposal.valid_for_ns, self.spec.lease_ns);
            match self.mode() {
                Mode::Auto => self.orders.due = Some(Due { quantity, lease }),
                Mode::Advise => self.advise_order(tick, proposal, quantity, &fitted),
                Mode::Manual | Mode::Shadow => {}
            }
        }
        (fitted.verdict, fitted.reason)
    }

    /// The quality gate, and what the proposer could not know.
    fn reason_not_to_order(&self, proposal: &OwnedProposal) -> Option<Reason> {
        if !proposal.input_quality.is_usable() {
            Some(Reason::InputQuality { quality: proposal.input_quality })
        } else if self.orders.due.is_some() {
            Some(Reason::OrderDue)
        } else if self.orders.last.is_some_and(|(scan, _)| proposal.made_scan <= scan) {
            Some(Reason::OrderedSince)
        } else {
            None
        }
    }

    /// Inhibits, dwell, range, budget, packs. Never more than was proposed: what does not fit is cut, not rounded up.
    fn fit_order(&self, tick: Tick, wanted: f64) -> Fitted {
        let last_ns = self.orders.last.map(|(_, time_ns)| time_ns);
        if let Some(reason) = self.reason_to_freeze() {
            return Fitted::held(reason, None);
        }
        if self.limits.dwells(last_ns, tick.now_ns) {
            return Fitted::held(Reason::TooSoon, None);
        }
        let (mut quantity, mut reason, mut cut) = (wanted, Reason::AsProposed, None);
        if self.limits.hi < quantity {
            (quantity, reason, cut) = (self.limits.hi, Reason::AboveRange { hi: self.limits.hi }, Some(Cut::High));
        }
        if let Some(left) = self.orders.left(&self.spec.order, tick.now_ns)
            && left < quantity
        {
            (quantity, reason, cut) = (left, Reason::Budget { left }, Some(Cut::High));
        }
        let pack = self.spec.order.pack;
        if 0.0 < pack {
            let whole = (quantity / pack + ROUNDING).floor() * pack;
            if reason == Reason::AsProposed && ROUNDING * pack < (quantity - whole).abs() {
                reason = Reason::Pack { pack };
            }
            quantity = whole.min(self.limits.hi);
        }
        if quantity <= 0.0 || quantity < self.limits.lo {
            let spent = matches!(reason, Reason::Budget { .. });
            return Fitted::held(if spent { reason } else { Reason::TooSmall { lo: self.limits.lo.max(pack) } }, cut);
        }
        let verdict = if reason == Reason::AsProposed { Verdict::Accepted } else { Verdict::Clamped };
        Fitted { quantity: Some(quantity), verdict, reason, cut }
    }

    /// A quantity is one question: an operator's yes is to what was shown.
    fn advise_order(&mut self, tick: Tick, proposal: &OwnedProposal, quantity: f64, fitted: &Fitted) {
        let lease = Lease::begin(tick.now_ns, proposal.valid_for_ns, self.spec.lease_ns);
        self.orders.refused.take_if(|(_, until)| until.has_ended(tick.now_ns));
        if self.orders.refused.is_some_and(|(refused, _)| refused == quantity) {
            self.waiting_advice = None;
            return;
        }
        self.orders.refused = None;
        let before = self.waiting_advice.filter(|waiting| waiting.proposal.setpoint == quantity);
        self.waiting_advice = Some(Waiting {
            id: before.map_or(0, |waiting| waiting.id),
            proposal: OwnedProposal { setpoint: quantity, ..*proposal },
            since_ns: before.map_or(tick.now_ns, |waiting| waiting.since_ns),
            lease,
            verdict: fitted.verdict,
            reason: fitted.reason,
        });
    }

    /// An operator's yes: what is left of the quantity now is due, and given back.
    pub(super) fn accept_order(
        &mut self,
        tick: Tick,
        waiting: &Waiting,
    ) -> Result<(f64, Verdict, Reason), OperatorError> {
        if let Some(reason) = self.reason_not_to_order(&waiting.proposal) {
            return Err(OperatorError::NotNow(reason));
        }
        let fitted = self.fit_order(tick, waiting.proposal.setpoint);
        let Some(quantity) = fitted.quantity else { return Err(OperatorError::NotNow(fitted.reason)) };
        let lease = Lease::begin(tick.now_ns, waiting.proposal.valid_for_ns, self.spec.lease_ns);
        self.orders.due = Some(Due { quantity, lease });
        self.waiting_advice = None;
        Ok((quantity, fitted.verdict, fitted.reason))
    }

    /// An operator's no: for as long as an order may wait, the same quantity is not asked again.
    pub(super) fn refuse_order(&mut self, now_ns: TimeNs, quantity: f64) {
        let lease = Lease::begin(now_ns, self.spec.lease_ns, self.spec.lease_ns);
        self.orders.refused = Some((quantity, lease));
    }

    /// Drops what was taken and could not be placed in its time, or may not be any more.
    pub(super) fn drop_order(&mut self, tick: Tick) -> Option<EventKind> {
        let allowed = Mode::Advise <= self.mode();
        self.orders.due.take_if(|due| !allowed || due.lease.has_ended(tick.now_ns))?;
        Some(EventKind::OrderDropped)
    }

    /// Places what is due, unless an inhibit holds it.
    pub(super) fn place(&mut self, scan: u64, tick: Tick) -> Option<(f64, Cause)> {
        if !self.is_order() || self.is_frozen() || self.mode() < Mode::Advise {
            return None;
        }
        let due = self.orders.due.take_if(|due| !due.lease.has_ended(tick.now_ns))?;
        self.orders.remember(&self.spec.order, tick.now_ns, due.quantity);
        self.orders.last = Some((scan, tick.now_ns));
        self.applied = Some(due.quantity);
        Some((due.quantity, Cause::Plugin))
    }
}

impl Guard {
    /// What was ordered of an output since the controller started, in its unit.
    #[must_use]
    pub fn ordered(&self, output: super::OutputId) -> f64 {
        self.actuators.get(output.index()).map_or(0.0, |actuator| actuator.orders.total())
    }
}

impl OutputSpec {
    /// What is wrong with an order's terms.
    pub(super) fn check_order(&self) -> Vec<Problem> {
        let mut problems = vec![];
        let given = [
            ("slew", self.slew_per_s.is_some()),
            ("deadband", 0.0 < self.deadband),
            ("reduced", self.reduced.is_some()),
            ("trip", self.trip.is_some()),
            ("fail_safe", self.fail_safe.is_some()),
            ("default", self.default.is_some()),
            ("readback", self.readback.is_some()),
        ];
        problems.extend(given.into_iter().filter(|(_, is)| *is).map(|(key, _)| Problem::Order { key }));
        let (lo, hi) = self.range;
        let OrderTerms { pack, budget } = self.order;
        if lo < 0.0 || hi <= 0.0 {
            problems.push(Problem::Range { lo, hi });
        }
        if !(pack.is_finite() && 0.0 <= pack) {
            problems.push(Problem::Pack { pack });
        } else if 0.0 < pack && (hi / pack + ROUNDING).floor() * pack < lo.max(pack) * (1.0 - ROUNDING) {
            problems.push(Problem::NoPack { pack, lo, hi });
        }
        if let Some(Budget { quantity, window_ns }) = budget
            && !(quantity.is_finite() && 0.0 < quantity && 0 < window_ns)
        {
            problems.push(Problem::Budget { quantity });
        }
        problems
    }
}
