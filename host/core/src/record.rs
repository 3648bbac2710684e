//! Everything that happened in one scan: one record feeds sinks, recorder, alarms, metrics and view.

use crate::frame::Frame;
use crate::outcome::CallReport;
use crate::time::TimeNs;
use std::sync::Arc;

/// Index of a plugin instance in the running controller. One asset of a plugin is one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u32);

/// One instance's part in a scan.
#[derive(Clone, Debug)]
pub struct InstanceRecord {
    /// Which.
    pub instance: InstanceId,
    /// What it got.
    pub frame: Arc<Frame>,
    /// What came of it.
    pub report: CallReport,
}

/// One scan.
#[derive(Clone, Debug)]
pub struct ScanRecord {
    /// Its number, from 0, strictly rising.
    pub scan: u64,
    /// Its run time.
    pub time_ns: TimeNs,
    /// One for each instance that was due, or whose late result was released in this scan.
    pub instances: Vec<InstanceRecord>,
}
