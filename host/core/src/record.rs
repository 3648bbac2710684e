//! Everything that happened in one scan: one record feeds sinks, recorder, alarms, metrics and view.

use crate::alarm::AlarmTransition;
use crate::frame::Frame;
use crate::guard::{Command, Event, GateOutcome, ItemJudgement, Judgement, Trip};
use crate::image::ArrivalCounts;
use crate::outcome::{CallReport, Fault};
use crate::tag::{Quality, TagId};
use crate::time::TimeNs;
use std::sync::Arc;

/// Index of a plugin instance in the running controller. One asset of a plugin is one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u32);

impl InstanceId {
    /// As an index.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One instance's part in a scan.
#[derive(Clone, Debug)]
pub struct InstanceRecord {
    /// Which.
    pub instance: InstanceId,
    /// What it got.
    pub frame: Arc<Frame>,
    /// What came of it, shared with the flight recorder.
    pub report: Arc<CallReport>,
    /// What the guard said to each of its proposals, in their order.
    pub judgements: Vec<Judgement>,
}

/// A step of a plugin's swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapStep {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// Which of its swaps.
    pub number: u64,
    /// The phase that it is in now, in one word.
    pub phase: &'static str,
    /// Digest of the component that executes now.
    pub executes: Arc<str>,
    /// What happened, for a person.
    pub text: String,
}

/// A tag's new value.
#[derive(Clone, Debug)]
pub struct TagValue {
    /// The tag.
    pub tag: TagId,
    /// The asset's key, where it belongs to one.
    pub asset: Option<Arc<str>>,
    /// Last usable value; NaN where there never was one.
    pub value: f64,
    /// Of the value now.
    pub quality: Quality,
    /// When it was measured.
    pub time_ns: TimeNs,
}

/// A tag that fell silent, or speaks again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceChange {
    /// The tag.
    pub tag: TagId,
    /// The asset's key, where it belongs to one.
    pub asset: Option<Arc<str>>,
    /// Whether no sample came for longer than its `stale_after`; else one came again.
    pub silent: bool,
}

/// An instance that failed outside a frame's outcome: after its frame was counted as missed, or
/// when it was started again.
#[derive(Clone, Debug)]
pub struct LateFault {
    /// Which.
    pub instance: InstanceId,
    /// How.
    pub fault: Fault,
}

/// A change in an instance's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Which.
    pub instance: InstanceId,
    /// `running`, `restarting` or `quarantined`.
    pub state: &'static str,
}

/// One scan.
#[derive(Clone, Debug, Default)]
pub struct ScanRecord {
    /// Its number, from 0, strictly rising.
    pub scan: u64,
    /// Its run time.
    pub time_ns: TimeNs,
    /// What became of the samples that arrived.
    pub arrivals: ArrivalCounts,
    /// Values that are new in this scan or whose quality changed; empty where no sink asks for them.
    pub values: Vec<TagValue>,
    /// Tags that fell silent in this scan, or speak again.
    pub presence: Vec<PresenceChange>,
    /// One for each frame whose outcome was settled in this scan.
    pub instances: Vec<InstanceRecord>,
    /// What was written, in order.
    pub commands: Vec<Command>,
    /// What happened to outputs without a proposal.
    pub events: Vec<Event>,
    /// What gates made of the verdicts on items.
    pub items: Vec<ItemJudgement>,
    /// Items that left a gate.
    pub gates: Vec<GateOutcome>,
    /// Why outputs tripped in this scan.
    pub trips: Vec<Trip>,
    /// See [`LateFault`].
    pub late_faults: Vec<LateFault>,
    /// Instances whose standing changed.
    pub states: Vec<StateChange>,
    /// Steps of plugins' swaps.
    pub swaps: Vec<SwapStep>,
    /// What became of alarms, and what operators did with them since the scan before.
    pub alarms: Vec<AlarmTransition>,
}
