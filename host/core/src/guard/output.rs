//! What the configuration says of an output, and what it may not say.

use super::gate::{GateProblem, GateSpec};
use super::inhibit::Expression;
use super::limits::Limits;
use super::mode::Mode;
use super::order::OrderTerms;
use super::reduced::Reduced;
use crate::record::InstanceId;
use crate::tag::TagId;
use crate::time::DurationNs;
use crate::unit::{Conversion, Unit};

/// What kind of value an output takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputKind {
    /// Any number in its range; needs a slew limit before a plugin may write it.
    #[default]
    Analogue,
    /// On and off, or numbered positions: whole numbers, no slew.
    Discrete,
    /// A quantity that is ordered once, and no value that holds: see [`order`](super::order).
    Order,
}

/// What happens to an output when the controller stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnStop {
    /// The default, where there is one; then nobody commands it.
    Release,
    /// It stays at the value in force.
    Hold,
    /// This value, in the output's unit.
    Value(f64),
}

/// The tag on which the device reports what it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Readback {
    /// The tag.
    pub tag: TagId,
    /// From the tag's unit to the output's.
    pub conversion: Conversion,
}

/// An output as configured. Numbers are in its unit.
#[derive(Clone, Debug)]
pub struct OutputSpec {
    /// Unique, for instance `reactor.temp_sp`.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// Analogue or discrete.
    pub kind: OutputKind,
    /// Lowest and highest value; of an order, the smallest and the largest.
    pub range: (f64, f64),
    /// Of an order; of no meaning for other kinds.
    pub order: OrderTerms,
    /// Largest change a second of run time.
    pub slew_per_s: Option<f64>,
    /// A change smaller than this is not worth a command; 0 for none.
    pub deadband: f64,
    /// Least run time between two changes; 0 for none.
    pub min_dwell_ns: DurationNs,
    /// Freezes the output while true.
    pub inhibit: Option<Expression>,
    /// A narrower range and when it holds; of neither an order nor a gate.
    pub reduced: Option<Reduced>,
    /// Forces `fail_safe`, and latches.
    pub trip: Option<Expression>,
    /// Where a trip drives it; also where it goes when a lease ends and there is no default.
    pub fail_safe: Option<f64>,
    /// The relinquish value: where it goes when a lease ends.
    pub default: Option<f64>,
    /// The longest that one proposal stands, run time.
    pub lease_ns: DurationNs,
    /// When the controller stops.
    pub on_stop: OnStop,
    /// The output's mode; the lower of this and the plugin's holds.
    pub mode: Mode,
    /// The device's own report.
    pub readback: Option<Readback>,
    /// The one instance that may propose, if any.
    pub owner: Option<InstanceId>,
    /// The owner's mode.
    pub owner_mode: Mode,
    /// Of a gate, whose kind is discrete: it takes verdicts on items and no proposals.
    pub gate: Option<GateSpec>,
}

/// An output that can't be guarded as configured.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the output `{output}`: {problem}")]
pub struct GuardError {
    /// Its name.
    pub output: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with an output.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Two outputs with one name.
    #[error("is defined twice")]
    Twice,
    /// Not finite, or the wrong way round.
    #[error("its range from {lo} to {hi} is none; give two finite numbers, the lower first")]
    Range {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// An analogue output that a plugin may write, without slew.
    #[error(
        "an analogue output needs a slew limit before its mode may be auto; give `slew`, for instance \"0.5 Cel/min\""
    )]
    SlewMissing,
    /// Zero, negative or not finite.
    #[error("its slew limit is {per_s} a second; it must be finite and above 0")]
    Slew {
        /// A second.
        per_s: f64,
    },
    /// A slew limit or deadband on a discrete output.
    #[error("a discrete output has no `{key}`")]
    Discrete {
        /// `slew` or `deadband`.
        key: &'static str,
    },
    /// Negative or not finite.
    #[error("its deadband is {deadband}; it must be finite and not below 0")]
    Deadband {
        /// As given.
        deadband: f64,
    },
    /// A value outside the range, or one that is no whole number for a discrete output.
    #[error("its `{key}` is {value}, which is not a value of its range from {lo} to {hi}")]
    Value {
        /// `fail_safe`, `default` or `on_stop`.
        key: &'static str,
        /// As given.
        value: f64,
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// A reduced range that is none of the output's.
    #[error(
        "its reduced range from {from} to {to} is none within its range from {lo} to {hi}; give two values of it, the lower first"
    )]
    Reduced {
        /// As given.
        from: f64,
        /// As given.
        to: f64,
        /// Lower end of the range.
        lo: f64,
        /// Upper end of the range.
        hi: f64,
    },
    /// A key of other kinds on an order.
    #[error("an order has no `{key}`")]
    Order {
        /// `slew`, `deadband`, `reduced`, `trip`, `fail_safe`, `default` or `readback`.
        key: &'static str,
    },
    /// Negative or not finite.
    #[error("its pack is {pack}; it must be finite and not below 0")]
    Pack {
        /// As given.
        pack: f64,
    },
    /// Nothing could ever be ordered.
    #[error("no whole number of packs of {pack} lies within its range from {lo} to {hi}")]
    NoPack {
        /// A pack.
        pack: f64,
        /// Smallest order.
        lo: f64,
        /// Largest order.
        hi: f64,
    },
    /// Nothing, or for no time.
    #[error("its budget is {quantity}; it must be above 0, within a time above 0")]
    Budget {
        /// As given.
        quantity: f64,
    },
    /// A trip without a value to drive to.
    #[error("a trip needs a value to drive the output to; give `fail_safe`")]
    FailSafeMissing,
    /// Of a gate.
    #[error(transparent)]
    Gate(#[from] GateProblem),
    /// A lease that ends at once.
    #[error("its lease is 0")]
    LeaseZero,
    /// A lease that ends before the plugin's next answer can be there.
    #[error(
        "its lease of {lease_ms} ms is shorter than its plugin's period of {period_ms} ms and deadline of {deadline_ms} ms together"
    )]
    LeaseShort {
        /// The lease.
        lease_ms: u64,
        /// The period.
        period_ms: u64,
        /// The deadline.
        deadline_ms: u64,
    },
}

impl Problem {
    /// The key of the output's table that has to change.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Problem::Twice => "name",
            Problem::Range { .. } => "range",
            Problem::SlewMissing | Problem::Slew { .. } => "slew",
            Problem::Deadband { .. } => "deadband",
            Problem::Value { key, .. } | Problem::Discrete { key } | Problem::Order { key } => key,
            Problem::Reduced { .. } => "reduced",
            Problem::Pack { .. } | Problem::NoPack { .. } => "pack",
            Problem::Budget { .. } => "budget",
            Problem::FailSafeMissing => "trip",
            Problem::LeaseZero | Problem::LeaseShort { .. } => "lease",
            Problem::Gate(problem) => problem.key(),
        }
    }
}

impl OutputSpec {
    /// Everything that is wrong with it by itself.
    #[must_use]
    pub fn check(&self) -> Vec<GuardError> {
        let mut problems = vec![];
        let (lo, hi) = self.range;
        if !(lo.is_finite() && hi.is_finite() && lo <= hi) {
            problems.push(Problem::Range { lo, hi });
        }
        if !(self.deadband.is_finite() && 0.0 <= self.deadband) {
            problems.push(Problem::Deadband { deadband: self.deadband });
        }
        match (self.kind, self.slew_per_s) {
            (OutputKind::Analogue, None) if self.mode == Mode::Auto => problems.push(Problem::SlewMissing),
            (OutputKind::Analogue | OutputKind::Discrete, Some(per_s)) if !(per_s.is_finite() && 0.0 < per_s) => {
                problems.push(Problem::Slew { per_s });
            }
            (OutputKind::Discrete, Some(_)) => problems.push(Problem::Discrete { key: "slew" }),
            (OutputKind::Discrete, None) if 0.0 < self.deadband => {
                problems.push(Problem::Discrete { key: "deadband" });
            }
            (OutputKind::Order, _) => problems.extend(self.check_order()),
            (OutputKind::Analogue | OutputKind::Discrete, _) => {}
        }
        let on_stop = match self.on_stop {
            OnStop::Value(value) => Some(value),
            OnStop::Release | OnStop::Hold => None,
        };
        for (key, value) in [("fail_safe", self.fail_safe), ("default", self.default), ("on_stop", on_stop)] {
            let Some(value) = value else { continue };
            if !(lo <= value && value <= hi && self.takes(value)) {
                problems.push(Problem::Value { key, value, lo, hi });
            }
        }
        if let Some(Reduced { range: (from, to), .. }) = self.reduced
            && self.kind != OutputKind::Order
            && !(lo <= from && from <= to && to <= hi && self.takes(from) && self.takes(to))
        {
            problems.push(Problem::Reduced { from, to, lo, hi });
        }
        if self.trip.is_some() && self.fail_safe.is_none() {
            problems.push(Problem::FailSafeMissing);
        }
        if let Some(gate) = &self.gate {
            problems.extend(self.gate_problems(gate));
        }
        if self.lease_ns == 0 {
            problems.push(Problem::LeaseZero);
        }
        problems.into_iter().map(|problem| self.error(problem)).collect()
    }

    fn gate_problems(&self, gate: &GateSpec) -> Vec<Problem> {
        let mut problems: Vec<Problem> = gate.check().into_iter().map(Problem::Gate).collect();
        if self.mode == Mode::Advise {
            problems.push(GateProblem::Advise.into());
        }
        if self.min_dwell_ns > 0 {
            problems.push(GateProblem::Key { key: "min_dwell" }.into());
        }
        if self.reduced.is_some() {
            problems.push(GateProblem::Key { key: "reduced" }.into());
        }
        if self.kind != OutputKind::Discrete {
            problems.push(GateProblem::Key { key: "slew" }.into());
        }
        let (lo, hi) = self.range;
        let positions = [gate.positions.pass, gate.positions.rework, gate.positions.reject];
        for value in positions.into_iter().chain(gate.positions.stop) {
            if !(lo <= value && value <= hi && value.fract() == 0.0) {
                problems.push(Problem::Value { key: "positions", value, lo, hi });
            }
        }
        problems
    }

    /// Whether its lease lasts until the owner's next answer. Period and deadline are the plugin's,
    /// in run time.
    pub fn check_lease(&self, period_ns: DurationNs, deadline_ns: DurationNs) -> Result<(), GuardError> {
        // An order is placed once, and needs no renewal.
        if self.kind == OutputKind::Order || period_ns.saturating_add(deadline_ns) <= self.lease_ns {
            return Ok(());
        }
        let ms = |ns: DurationNs| ns / 1_000_000;
        Err(self.error(Problem::LeaseShort {
            lease_ms: ms(self.lease_ns),
            period_ms: ms(period_ns),
            deadline_ms: ms(deadline_ns),
        }))
    }

    /// Whether a value is of its kind.
    pub(super) fn takes(&self, value: f64) -> bool {
        self.kind != OutputKind::Discrete || value.fract() == 0.0
    }

    pub(super) fn error(&self, problem: Problem) -> GuardError {
        GuardError { output: self.name.clone(), problem }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            lo: self.range.0,
            hi: self.range.1,
            slew_per_s: self.slew_per_s,
            deadband: self.deadband,
            min_dwell_ns: self.min_dwell_ns,
        }
    }
}
