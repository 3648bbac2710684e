//! `[recorder]` of a resolved configuration.

use dinrail_core::flight::Trigger;
use dinrail_core::time::DurationNs;
use std::path::PathBuf;
use std::time::Duration;

/// The flight recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorder {
    /// Run time that is kept of every plugin, where there is room.
    pub keep_ns: DurationNs,
    /// Bytes of all that is kept.
    pub memory: usize,
    /// What an incident is written of.
    pub on: Vec<Trigger>,
    /// Patterns of tags and outputs that are taken out.
    pub redact: Vec<String>,
    /// Whether pictures are kept.
    pub images: bool,
    /// Whether plugins' components are put into incidents.
    pub components: bool,
    /// Incidents older than this go.
    pub keep_age: Duration,
    /// The oldest incidents go while all together have more.
    pub keep_bytes: u64,
    /// A file into which the whole run is recorded; of the command line, not of the file.
    pub record: Option<PathBuf>,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder {
            keep_ns: 600_000_000_000,
            memory: 64 * 1024 * 1024,
            on: Trigger::DEFAULT.to_vec(),
            redact: Vec::new(),
            images: false,
            components: true,
            keep_age: Duration::from_secs(30 * 86_400),
            keep_bytes: 1024 * 1024 * 1024,
            record: None,
        }
    }
}
