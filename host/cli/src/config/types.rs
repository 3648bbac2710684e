//! The resolved configuration: names became ids, texts became units, durations and limits.

use super::error::{ConfigText, Span};
use dinrail_core::description::ParameterValue;
use dinrail_core::guard::{Mode, OutputId, OutputSpec};
use dinrail_core::reading::SourceId;
use dinrail_core::tag::{TagId, TagTable};
use dinrail_core::time::{DurationNs, TimeNs};
use dinrail_core::unit::Conversion;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything the file says, checked as far as it can be without opening a component.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file, for messages.
    pub(crate) text: Arc<ConfigText>,
    /// Name and time zone.
    pub(crate) site: Site,
    /// How the scan runs.
    pub(crate) scan: Scan,
    /// In the order of the file; the index is the [`SourceId`].
    pub(crate) sources: Vec<Source>,
    /// All tags; patterns are expanded.
    pub(crate) tags: TagTable,
    /// Where each tag comes from, in the order of `tags`.
    pub(crate) tag_origins: Vec<TagOrigin>,
    /// In the order of the file; the index is the [`OutputId`].
    pub(crate) outputs: Vec<Output>,
    /// In the order of the file.
    pub(crate) plugins: Vec<Plugin>,
    /// In the order of the file.
    pub(crate) sinks: Vec<Sink>,
}

/// `[site]`
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// In topics and records.
    pub(crate) name: String,
    /// For times without an offset, and for display.
    pub(crate) time_zone: jiff::tz::TimeZone,
}

/// How fast run time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    /// Seconds of run time in a second of wall time; 1 is live.
    Ratio(f64),
    /// As fast as the plugins answer.
    Max,
}

/// `[scan]`. Wall time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scan {
    /// From one scan to the next.
    pub(crate) period_ns: DurationNs,
    /// For the plugins' calls within a period.
    pub(crate) budget_ns: DurationNs,
    /// Run time over wall time.
    pub(crate) speed: Speed,
    /// Worker threads; none: as many as there are cores less one.
    pub(crate) workers: Option<usize>,
}

impl Scan {
    /// Run time from one scan to the next. At [`Speed::Max`] a scan stands for its period.
    pub(crate) fn run_period_ns(&self) -> DurationNs {
        self.run_ns(self.period_ns)
    }

    /// Wall time as run time.
    pub(crate) fn run_ns(&self, wall_ns: DurationNs) -> DurationNs {
        match self.speed {
            Speed::Ratio(ratio) => (wall_ns as f64 * ratio).round() as DurationNs,
            Speed::Max => wall_ns,
        }
    }
}

/// `[sources.NAME]`
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its name.
    pub(crate) name: String,
    /// Of the name, for messages.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) kind: SourceKind,
}

/// What a source is.
#[derive(Clone, Debug)]
pub(crate) enum SourceKind {
    /// A simulated plant.
    Sim(SimSource),
    /// A table.
    Csv(CsvSource),
    /// A link to a broker; also a sink's link.
    Mqtt(MqttSource),
}

/// `kind = "sim"`
#[derive(Clone, Debug)]
pub(crate) struct SimSource {
    /// A name that `dinrail_sim::plant` knows.
    pub(crate) plant: String,
    /// Of its noise.
    pub(crate) seed: u64,
    /// Its fault script, checked against the plant.
    pub(crate) faults: dinrail_sim::Script,
}

/// `kind = "csv"`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CsvSource {
    /// Where it is; ends in `.gz` where it is compressed.
    pub(crate) path: PathBuf,
    /// What separates fields.
    pub(crate) delimiter: Delimiter,
    /// Whether the first line holds names and no record.
    pub(crate) header: bool,
    /// Name of each column, in order, from the file's header or from the configuration.
    pub(crate) columns: Vec<String>,
    /// Where a record's time comes from.
    pub(crate) time: CsvTime,
    /// Index of the column that tells assets apart.
    pub(crate) key: Option<usize>,
}

/// What separates fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delimiter {
    /// This byte, with quotes as in RFC 4180.
    Byte(u8),
    /// Any run of spaces or tabs.
    Whitespace,
}

/// Where a record's time comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CsvTime {
    /// A column with a date and time; without an offset it is local time of the site.
    Format {
        /// Index of the column.
        column: usize,
        /// `unix`, `unix_ms`, `unix_ns`, `rfc3339` or a `strptime` format.
        format: String,
    },
    /// A column that counts (cycles, seconds): time = `start_ns` + number × `period_ns`.
    Count {
        /// Index of the column.
        column: usize,
        /// Length of one.
        period_ns: DurationNs,
        /// Time of zero.
        start_ns: TimeNs,
    },
    /// No column: the first record of each asset at `start_ns`, then one every `period_ns`.
    Period {
        /// From one record to the next.
        period_ns: DurationNs,
        /// Of the first record.
        start_ns: TimeNs,
    },
}

/// `kind = "mqtt"`. What is none takes the link's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MqttSource {
    /// `mqtt://HOST:PORT`, which the link understands.
    pub(crate) url: String,
    /// Unique at the broker.
    pub(crate) client_id: String,
    /// Name and password, where the broker wants them.
    pub(crate) login: Option<Login>,
    /// After this long without traffic the link is tested.
    pub(crate) keep_alive_ns: Option<DurationNs>,
    /// How long the broker keeps the session of a link that is down.
    pub(crate) session_expiry_ns: Option<DurationNs>,
    /// Samples that wait for the scan, at most.
    pub(crate) inbox_limit: Option<usize>,
    /// Messages that wait for the broker, at most.
    pub(crate) outbox_limit: Option<usize>,
}

/// Name and password at a broker.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// User name.
    pub(crate) user: String,
    /// Read from the file that the configuration names.
    pub(crate) password: String,
}

impl std::fmt::Debug for Login {
    /// Without the password, since configurations get logged.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Where a tag comes from. Everything else of it is in the [`TagTable`].
#[derive(Clone, Debug)]
pub(crate) struct TagOrigin {
    /// Which source.
    pub(crate) source: SourceId,
    /// Where in it.
    pub(crate) address: TagAddress,
    /// Of the tag's name or pattern in the file.
    pub(crate) span: Span,
}

/// Where in its source a tag is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TagAddress {
    /// Index into `dinrail_sim::Plant::signals`.
    Signal(usize),
    /// Index into [`CsvSource::columns`].
    Column(usize),
    /// What is published there.
    Topic {
        /// Without wildcards.
        topic: String,
        /// JSON pointer (RFC 6901); none: the payload is the value itself.
        pointer: Option<String>,
        /// Where the payload says when it was measured; none: when it arrived. The same for all tags of a topic.
        time: Option<PayloadTime>,
    },
}

/// Where an MQTT payload says when it was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PayloadTime {
    /// JSON pointer (RFC 6901).
    pub(crate) pointer: String,
    /// `rfc3339`, `unix`, `unix_ms` or `unix_ns`.
    pub(crate) format: String,
}

/// `[outputs."NAME"]`: what the guard needs, and where the command goes.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Of the name.
    pub(crate) span: Span,
    /// Where commands go.
    pub(crate) source: SourceId,
    /// Where in the source.
    pub(crate) address: OutputAddress,
    /// For the guard. `owner_mode` is filled in; `owner` is not, since instances have no number yet.
    pub(crate) spec: OutputSpec,
    /// Of the lease, else of the name.
    pub(crate) lease_span: Span,
    /// The owning plugin's index in [`Config::plugins`].
    pub(crate) owner: Option<usize>,
}

/// Where a command goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OutputAddress {
    /// A simulated plant's.
    Actuator {
        /// Index into `dinrail_sim::Plant::actuators`.
        index: usize,
        /// From the output's unit to the actuator's.
        conversion: Conversion,
    },
    /// Published there as JSON.
    Topic(String),
}

/// Limits on an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LimitProfile {
    /// Rust, C and the like.
    #[default]
    Compiled,
    /// JavaScript, Python and the like, which bring their interpreter.
    Interpreted,
}

/// `[plugins.NAME]`
#[derive(Clone, Debug)]
pub(crate) struct Plugin {
    /// Its name.
    pub(crate) name: String,
    /// Of the name.
    pub(crate) span: Span,
    /// The component; it was there when the configuration was read.
    pub(crate) component: PathBuf,
    /// Of the component's path, for what the engine says of it.
    pub(crate) component_span: Span,
    /// In the order of the file.
    pub(crate) inputs: Vec<PluginInput>,
    /// In the order of the file.
    pub(crate) outputs: Vec<PluginOutput>,
    /// In the order of the file.
    pub(crate) parameters: Vec<PluginParameter>,
    /// In the order of the file.
    pub(crate) models: Vec<PluginModel>,
    /// A directory of tables, which grants the import `assets`.
    pub(crate) tables: Option<PathBuf>,
    /// The column whose values are the assets' keys; there is one instance for each.
    pub(crate) asset_key: Option<String>,
    /// Run time between calls; none: what the plugin wants.
    pub(crate) period_ns: Option<DurationNs>,
    /// Of the period, else of the name.
    pub(crate) period_span: Span,
    /// Rows of a frame, the new one included; at least 1.
    pub(crate) window: u32,
    /// Wall time of a call; none: what the plugin wants, at most the scan's budget where it is cyclic.
    pub(crate) deadline_ns: Option<DurationNs>,
    /// Runs beside the scan.
    pub(crate) background: bool,
    /// Limits on its instances.
    pub(crate) limits: LimitProfile,
    /// The lower of this and the output's holds.
    pub(crate) mode: Mode,
}

/// An input's binding.
#[derive(Clone, Debug)]
pub(crate) struct PluginInput {
    /// The plugin's name of it.
    pub(crate) name: String,
    /// Of the name.
    pub(crate) span: Span,
    /// The tags, patterns expanded, none twice.
    pub(crate) tags: Vec<PluginTag>,
    /// Written as a list or a pattern.
    pub(crate) many: bool,
}

/// A tag that is bound to an input.
#[derive(Clone, Debug)]
pub(crate) struct PluginTag {
    /// Which.
    pub(crate) tag: TagId,
    /// Of its name, or of the pattern that found it.
    pub(crate) span: Span,
    /// Found by a pattern, which passes over tags of another kind.
    pub(crate) by_pattern: bool,
}

/// An output's binding.
#[derive(Clone, Debug)]
pub(crate) struct PluginOutput {
    /// The plugin's name of it.
    pub(crate) name: String,
    /// Of the name.
    pub(crate) span: Span,
    /// The outputs, patterns expanded, none twice.
    pub(crate) outputs: Vec<(OutputId, Span)>,
    /// Written as a list or a pattern.
    pub(crate) many: bool,
}

/// A parameter.
#[derive(Clone, Debug)]
pub(crate) struct PluginParameter {
    /// Its name.
    pub(crate) name: String,
    /// Of the name.
    pub(crate) span: Span,
    /// As written; the plugin's description has the type.
    pub(crate) value: ParameterValue,
    /// Of the value.
    pub(crate) value_span: Span,
}

/// A model slot's binding.
#[derive(Clone, Debug)]
pub(crate) struct PluginModel {
    /// The plugin's name of the slot.
    pub(crate) slot: String,
    /// Of the slot's name.
    pub(crate) span: Span,
    /// A folder with `model.onnx` and `model.toml`, or an `.onnx` file.
    pub(crate) path: PathBuf,
    /// Of the path, for what the inference says of it.
    pub(crate) path_span: Span,
}

/// `[sinks.NAME]`
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    /// Its name.
    pub(crate) name: String,
    /// Of the name.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) kind: SinkKind,
}

/// What a sink is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SinkKind {
    /// One JSON object a line.
    Jsonl {
        /// Where lines go.
        target: JsonlTarget,
        /// Goes on with a file that is there; otherwise it is started anew.
        append: bool,
    },
    /// Messages through a source of kind `mqtt`.
    Mqtt {
        /// The link.
        source: SourceId,
        /// Where to: a pattern that `dinrail_field`'s topics understand.
        topic: String,
    },
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonlTarget {
    /// `path = "-"`
    Stdout,
    /// A file.
    File(PathBuf),
}
