//! What the guard says and does: judgements of proposals, and commands.

use super::advice::AdviceId;
use super::gate::{GateOutcome, ItemJudgement};
use super::inhibit::Witness;
use super::limits::Cut;
use super::mode::Mode;
use crate::tag::Quality;
use crate::time::TimeNs;
use std::fmt;

/// Index of an output among the guard's [`OutputSpec`](super::OutputSpec)s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputId(pub u32);

impl OutputId {
    /// As an index.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the guard would do with a proposal, whatever the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Takes effect in full in this scan, or is in force already.
    Accepted,
    /// Takes effect in part: cut by the range, or on its way under the slew limit.
    Clamped,
    /// Sound, and without effect for now.
    Held,
    /// Makes no sense, or is not the proposer's to make.
    Rejected,
}

impl Verdict {
    /// In messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Accepted => "accepted",
            Verdict::Clamped => "clamped",
            Verdict::Held => "held",
            Verdict::Rejected => "rejected",
        }
    }
}

/// Why a verdict is what it is. Numbers are in the output's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// Accepted: nothing stood against it.
    AsProposed,
    /// Accepted: nothing changes.
    InForce,
    /// Clamped: above the range, cut to its upper end.
    AboveRange {
        /// The upper end.
        hi: f64,
    },
    /// Clamped: below the range, cut to its lower end.
    BelowRange {
        /// The lower end.
        lo: f64,
    },
    /// Clamped: outside the range that holds while the condition of `reduced` does. What was proposed is pursued again when
    /// it ends, if the lease lasts.
    ReducedRange {
        /// At which end.
        cut: Cut,
        /// The lower end then.
        lo: f64,
        /// The upper end then.
        hi: f64,
    },
    /// Clamped: further out than the value in force and the reduced range, which may hold: an input of its condition is
    /// bad or stale and a delay runs for it, or it was not seen yet.
    ReducedBlind {
        /// At which end.
        cut: Cut,
        /// The lower end meanwhile.
        lo: f64,
        /// The upper end meanwhile.
        hi: f64,
    },
    /// Clamped: further away than one scan may go.
    Slew {
        /// The limit, a second.
        per_s: f64,
    },
    /// Held: nearer to the value in force than the deadband. Its lease begins anew.
    Deadband {
        /// The deadband.
        deadband: f64,
    },
    /// Held: the last change is too recent. It takes effect when the dwell ends, if its lease lasts.
    Dwell,
    /// Held: the inhibit is true. The output stays where it is; the lease begins anew.
    Inhibited,
    /// Held: an input of the inhibit is bad or stale, which counts as true.
    InhibitBlind,
    /// Held: the trip is latched until somebody resets it.
    Tripped,
    /// Held: an input of the trip is bad or stale, and its delay runs, or it was not seen yet.
    TripBlind,
    /// Held: an operator's override is in force.
    Operator,
    /// Held: made from inputs that can't be used. The earlier proposal stands until its lease ends.
    InputQuality {
        /// The worst of its inputs.
        quality: Quality,
    },
    /// Held: nobody knows yet what the output's value is.
    ValueUnknown,
    /// Clamped or held: an order of more than the budget leaves.
    Budget {
        /// What it leaves.
        left: f64,
    },
    /// Clamped: an order that was no whole number of packs, cut to the next lower one.
    Pack {
        /// A pack.
        pack: f64,
    },
    /// Held: an order below the smallest one.
    TooSmall {
        /// The smallest.
        lo: f64,
    },
    /// Held: the last order is too recent.
    TooSoon,
    /// Held: an order is taken, and not placed yet.
    OrderDue,
    /// Held: made before the last order was placed, and so without knowing of it.
    OrderedSince,
    /// Accepted: an order of 0, which is none.
    NothingToOrder,
    /// Held: the controller is stopping.
    Stopping,
    /// Rejected: the setpoint is not finite.
    NotFinite,
    /// Rejected: a discrete output takes whole numbers.
    NotWhole,
    /// Rejected: an order is not below 0.
    BelowZero,
    /// Rejected: valid for no time.
    NoValidity,
    /// Rejected: the output belongs to another plugin, or to none.
    NotOwner,
    /// Rejected: the output was proposed for in this scan already.
    Twice,
    /// Rejected: a gate carries out verdicts on items.
    Gate,
    /// Rejected: there is no such output.
    NoSuchOutput,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::AsProposed => f.write_str("as proposed"),
            Reason::InForce => f.write_str("already in force"),
            Reason::AboveRange { hi } => write!(f, "above the range, cut to {hi}"),
            Reason::BelowRange { lo } => write!(f, "below the range, cut to {lo}"),
            Reason::ReducedRange { cut, lo, hi } => {
                let (side, lo, hi) = (side(*cut), short(*lo), short(*hi));
                write!(f, "{side} the range of {lo} to {hi} while the condition of `reduced` holds")
            }
            Reason::ReducedBlind { cut, lo, hi } => {
                let (side, lo, hi) = (side(*cut), short(*lo), short(*hi));
                write!(f, "{side} the range of {lo} to {hi} while an input of `reduced` is bad, stale or not there yet")
            }
            Reason::Slew { per_s } => write!(f, "further than the slew limit of {per_s} a second lets it go at once"),
            Reason::Deadband { deadband } => write!(f, "within the deadband of {deadband}"),
            Reason::Dwell => f.write_str("the last change is too recent; it waits for the minimum dwell"),
            Reason::Inhibited => f.write_str("inhibited"),
            Reason::InhibitBlind => f.write_str("inhibited: an input of the inhibit is bad or stale"),
            Reason::Tripped => f.write_str("tripped, until it is reset"),
            Reason::TripBlind => f.write_str("an input of the trip is bad or stale"),
            Reason::Operator => f.write_str("overridden by an operator"),
            Reason::InputQuality { quality } => write!(f, "made from inputs that are {}", quality.name()),
            Reason::ValueUnknown => f.write_str("the output's own value is not known yet"),
            Reason::Budget { left } => write!(f, "the budget leaves {left}"),
            Reason::Pack { pack } => write!(f, "no whole number of packs of {pack}, cut to the next lower one"),
            Reason::TooSmall { lo } => write!(f, "below the smallest order of {lo}"),
            Reason::TooSoon => f.write_str("the last order is too recent"),
            Reason::OrderDue => f.write_str("an order is accepted and not placed yet"),
            Reason::OrderedSince => f.write_str("made before the last order was placed"),
            Reason::NothingToOrder => f.write_str("nothing to order"),
            Reason::BelowZero => f.write_str("an order is not below 0"),
            Reason::Stopping => f.write_str("the controller is stopping"),
            Reason::NotFinite => f.write_str("the setpoint is not finite"),
            Reason::NotWhole => f.write_str("the output is discrete and the setpoint not a whole number"),
            Reason::NoValidity => f.write_str("valid for no time"),
            Reason::NotOwner => f.write_str("the output is not this plugin's"),
            Reason::Twice => f.write_str("the second proposal for the output in one scan"),
            Reason::Gate => f.write_str("a gate takes verdicts on items and no setpoints"),
            Reason::NoSuchOutput => f.write_str("there is no such output"),
        }
    }
}

/// At most four decimals, for a reader.
fn short(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn side(cut: Cut) -> &'static str {
    match cut {
        Cut::Low => "below",
        Cut::High => "above",
    }
}

/// What became of one proposal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// The output.
    pub output: OutputId,
    /// What was proposed; none where it was not a finite number.
    pub setpoint: Option<f64>,
    /// What the guard would do, whatever the mode.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The mode that held: only in auto was it done.
    pub mode: Mode,
    /// The value in force after this scan, if it is known; of an order, what was placed in it.
    pub applied: Option<f64>,
}

/// What a command carries out. In the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A trip forces the fail-safe value.
    Trip,
    /// An operator's override.
    Operator,
    /// The owning plugin's proposal, in full or on its way.
    Plugin,
    /// What a gate owes to the items that are at it.
    Gate,
    /// The lease ended: the way to the default or the fail-safe value.
    LeaseEnd,
    /// The reduced range leads a value back that nobody moves.
    Reduced,
    /// The controller stops.
    Stop,
}

impl Cause {
    /// In messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cause::Trip => "trip",
            Cause::Operator => "operator",
            Cause::Plugin => "plugin",
            Cause::Gate => "gate",
            Cause::LeaseEnd => "lease-end",
            Cause::Reduced => "reduced",
            Cause::Stop => "stop",
        }
    }
}

/// A value for an actuator. Its fields are private: only the guard makes one, and so what a sink
/// gets is finite and within the output's range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command {
    output: OutputId,
    value: f64,
    sequence: u64,
    scan: u64,
    time_ns: TimeNs,
    cause: Cause,
}

impl Command {
    pub(super) fn new(output: OutputId, value: f64, sequence: u64, at: ScanTime, cause: Cause) -> Command {
        assert!(value.is_finite(), "a command's value is finite");
        Command { output, value, sequence, scan: at.scan, time_ns: at.time_ns, cause }
    }

    /// Which output.
    #[must_use]
    pub fn output(&self) -> OutputId {
        self.output
    }

    /// In the output's unit; finite and within its range.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Strictly rising over all commands of a guard, from 1.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The scan that made it.
    #[must_use]
    pub fn scan(&self) -> u64 {
        self.scan
    }

    /// Run time of that scan.
    #[must_use]
    pub fn time_ns(&self) -> TimeNs {
        self.time_ns
    }

    /// What it carries out.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }
}

/// When a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanTime {
    /// Its number.
    pub scan: u64,
    /// Its run time.
    pub time_ns: TimeNs,
}

/// Something that happened to an output without a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The output.
    pub output: OutputId,
    /// What happened.
    pub kind: EventKind,
}

/// See [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The trip latched.
    Tripped,
    /// The lease ended with no new proposal; the default or the fail-safe value takes over.
    LeaseEnded,
    /// An override ended by its time.
    OverrideEnded,
    /// A proposal waits for an operator's word.
    Advised {
        /// Its number.
        id: AdviceId,
    },
    /// Nobody answered, and it was not proposed again.
    AdviceExpired {
        /// Its number.
        id: AdviceId,
    },
    /// An order that was accepted could not be placed in its time, or its mode was lowered before.
    OrderDropped,
    /// A gate stops the line for an item without a verdict.
    Halted,
    /// The reduced range begins to hold.
    RangeReduced,
    /// The reduced range holds no longer.
    RangeRestored,
}

impl EventKind {
    /// In messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Tripped => "tripped",
            EventKind::LeaseEnded => "lease-ended",
            EventKind::OverrideEnded => "override-ended",
            EventKind::Advised { .. } => "advised",
            EventKind::AdviceExpired { .. } => "advice-expired",
            EventKind::OrderDropped => "order-dropped",
            EventKind::Halted => "halted",
            EventKind::RangeReduced => "range-reduced",
            EventKind::RangeRestored => "range-restored",
        }
    }
}

/// Why an output tripped.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// The output.
    pub output: OutputId,
    /// The condition, as it was written.
    pub expression: String,
    /// The tags that made it true, as they were in that scan; at least one.
    pub witnesses: Vec<Witness>,
}

/// What came of a scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanVerdicts {
    /// One a proposal, in their order.
    pub judgements: Vec<Judgement>,
    /// At most one an output, in the outputs' order.
    pub commands: Vec<Command>,
    /// In the outputs' order.
    pub events: Vec<Event>,
    /// One for each event [`EventKind::Tripped`], in their order.
    pub trips: Vec<Trip>,
    /// For each verdict, one for each gate that its owner has.
    pub items: Vec<ItemJudgement>,
    /// Items that left a gate, in the outputs' order.
    pub gates: Vec<GateOutcome>,
}

/// What came of stopping.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StopVerdicts {
    /// The last ones.
    pub commands: Vec<Command>,
    /// Let go of: nobody commands them from here on.
    pub released: Vec<OutputId>,
    /// Left at the value in force.
    pub held: Vec<OutputId>,
    /// Of which an accepted order could not be placed: an inhibit held it.
    pub unplaced: Vec<OutputId>,
}
