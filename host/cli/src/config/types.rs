//! The resolved configuration: names became ids, texts became units, durations and limits.

use super::error::{ConfigText, Span};
use dinrail_core::description::ParameterValue;
use dinrail_core::guard::{Mode, OutputId, OutputSpec};
use dinrail_core::reading::SourceId;
use dinrail_core::tag::{TagId, TagTable};
use dinrail_core::time::{DurationNs, TimeNs};
use dinrail_core::unit::Conversion;
use dinrail_field::source::csv::Layout;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything the file says, checked as far as it can be without opening a component.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, for messages.
    pub text: Arc<ConfigText>,
    /// Name and time zone.
    pub site: Site,
    /// How the scan runs.
    pub scan: Scan,
    /// In the order of the file; the index is the [`SourceId`].
    pub sources: Vec<Source>,
    /// All tags; patterns are expanded.
    pub tags: TagTable,
    /// Where each tag comes from, in the order of `tags`.
    pub tag_origins: Vec<TagOrigin>,
    /// In the order of the file; the index is the [`OutputId`].
    pub outputs: Vec<Output>,
    /// In the order of the file.
    pub plugins: Vec<Plugin>,
    /// In the order of the file.
    pub sinks: Vec<Sink>,
}

/// `[site]`
#[derive(Clone, Debug)]
pub struct Site {
    /// In topics and records.
    pub name: String,
    /// For times without an offset, and for display.
    pub time_zone: jiff::tz::TimeZone,
}

/// How fast run time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Seconds of run time in a second of wall time; 1 is live.
    Ratio(f64),
    /// As fast as the plugins answer.
    Max,
}

/// `[scan]`. Wall time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scan {
    /// From one scan to the next.
    pub period_ns: DurationNs,
    /// For the plugins' calls within a period.
    pub budget_ns: DurationNs,
    /// Run time over wall time.
    pub speed: Speed,
    /// Worker threads; none: as many as there are cores less one.
    pub workers: Option<usize>,
}

impl Scan {
    /// Run time from one scan to the next. At [`Speed::Max`] a scan stands for its period.
    pub fn run_period_ns(&self) -> DurationNs {
        self.run_ns(self.period_ns)
    }

    /// Wall time as run time.
    pub fn run_ns(&self, wall_ns: DurationNs) -> DurationNs {
        match self.speed {
            Speed::Ratio(ratio) => (wall_ns as f64 * ratio).round() as DurationNs,
            Speed::Max => wall_ns,
        }
    }
}

/// `[sources.NAME]`
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Of the name, for messages.
    pub span: Span,
    /// What it is.
    pub kind: SourceKind,
}

/// What a source is.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// A simulated plant.
    Sim(SimSource),
    /// A table.
    Csv(CsvSource),
    /// A link to a broker; also a sink's link.
    Mqtt(MqttSource),
}

/// `kind = "sim"`
#[derive(Clone, Debug)]
pub struct SimSource {
    /// A name that `dinrail_sim::plant` knows.
    pub plant: String,
    /// Of its noise.
    pub seed: u64,
    /// Its fault script, checked against the plant.
    pub faults: dinrail_sim::Script,
}

/// `kind = "csv"`
#[derive(Clone, Debug, PartialEq)]
pub struct CsvSource {
    /// Where it is; ends in `.gz` where it is compressed.
    pub path: PathBuf,
    /// What separates fields.
    pub delimiter: Delimiter,
    /// Whether the first line holds names and no record.
    pub header: bool,
    /// Name of each column, in order, from the file's header or from the configuration.
    pub columns: Vec<String>,
    /// Where a record's time comes from.
    pub time: CsvTime,
    /// Index of the column that tells assets apart.
    pub key: Option<usize>,
    /// Files whose records go on with those of `path`.
    pub join: Vec<PathBuf>,
    /// What a record of the file is.
    pub layout: Layout,
}

/// What separates fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// This byte, with quotes as in RFC 4180.
    Byte(u8),
    /// Any run of spaces or tabs.
    Whitespace,
}

/// Where a record's time comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsvTime {
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
pub struct MqttSource {
    /// `mqtt://HOST:PORT`, which the link understands.
    pub url: String,
    /// Unique at the broker.
    pub client_id: String,
    /// Name and password, where the broker wants them.
    pub login: Option<Login>,
    /// After this long without traffic the link is tested.
    pub keep_alive_ns: Option<DurationNs>,
    /// How long the broker keeps the session of a link that is down.
    pub session_expiry_ns: Option<DurationNs>,
    /// Samples that wait for the scan, at most.
    pub inbox_limit: Option<usize>,
    /// Messages that wait for the broker, at most.
    pub outbox_limit: Option<usize>,
}

/// Name and password at a broker.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Read from the file that the configuration names.
    pub password: String,
}

impl std::fmt::Debug for Login {
    /// Without the password, since configurations get logged.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Where a tag comes from. Everything else of it is in the [`TagTable`].
#[derive(Clone, Debug)]
pub struct TagOrigin {
    /// Which source.
    pub source: SourceId,
    /// Where in it.
    pub address: TagAddress,
    /// Of the tag's name or pattern in the file.
    pub span: Span,
}

/// Where in its source a tag is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagAddress {
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
pub struct PayloadTime {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// `rfc3339`, `unix`, `unix_ms` or `unix_ns`.
    pub format: String,
}

/// `[outputs."NAME"]`: what the guard needs, and where the command goes.
#[derive(Clone, Debug)]
pub struct Output {
    /// Of the name.
    pub span: Span,
    /// Where commands go.
    pub source: SourceId,
    /// Where in the source.
    pub address: OutputAddress,
    /// For the guard. `owner_mode` is filled in; `owner` is not, since instances have no number yet.
    pub spec: OutputSpec,
    /// Of the lease, else of the name.
    pub lease_span: Span,
    /// The owning plugin's index in [`Config::plugins`].
    pub owner: Option<usize>,
}

/// Where a command goes.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputAddress {
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
pub enum LimitProfile {
    /// Rust, C and the like.
    #[default]
    Compiled,
    /// JavaScript, Python and the like, which bring their interpreter.
    Interpreted,
}

/// `[plugins.NAME]`
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// Of the name.
    pub span: Span,
    /// The component; it was there when the configuration was read.
    pub component: PathBuf,
    /// Of the component's path, for what the engine says of it.
    pub component_span: Span,
    /// In the order of the file.
    pub inputs: Vec<PluginInput>,
    /// In the order of the file.
    pub outputs: Vec<PluginOutput>,
    /// In the order of the file.
    pub parameters: Vec<PluginParameter>,
    /// In the order of the file.
    pub models: Vec<PluginModel>,
    /// A directory of tables, which grants the import `assets`.
    pub tables: Option<PathBuf>,
    /// Of the directory's path, else of the name.
    pub tables_span: Span,
    /// The column whose values are the assets' keys; there is one instance for each.
    pub asset_key: Option<String>,
    /// Run time between calls; none: what the plugin wants.
    pub period_ns: Option<DurationNs>,
    /// Of the period, else of the name.
    pub period_span: Span,
    /// Rows of a frame, the new one included; at least 1.
    pub window: u32,
    /// Wall time of a call; none: what the plugin wants, at most the scan's budget where it is cyclic.
    pub deadline_ns: Option<DurationNs>,
    /// Runs beside the scan.
    pub background: bool,
    /// Limits on its instances.
    pub limits: LimitProfile,
    /// The lower of this and the output's holds.
    pub mode: Mode,
}

/// An input's binding.
#[derive(Clone, Debug)]
pub struct PluginInput {
    /// The plugin's name of it.
    pub name: String,
    /// Of the name.
    pub span: Span,
    /// The tags, patterns expanded, none twice.
    pub tags: Vec<PluginTag>,
    /// Written as a list or a pattern.
    pub many: bool,
}

/// A tag that is bound to an input.
#[derive(Clone, Debug)]
pub struct PluginTag {
    /// Which.
    pub tag: TagId,
    /// Of its name, or of the pattern that found it.
    pub span: Span,
    /// Found by a pattern, which passes over tags of another kind.
    pub by_pattern: bool,
}

/// An output's binding.
#[derive(Clone, Debug)]
pub struct PluginOutput {
    /// The plugin's name of it.
    pub name: String,
    /// Of the name.
    pub span: Span,
    /// The outputs, patterns expanded, none twice.
    pub outputs: Vec<(OutputId, Span)>,
    /// Written as a list or a pattern.
    pub many: bool,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct PluginParameter {
    /// Its name.
    pub name: String,
    /// Of the name.
    pub span: Span,
    /// As written; the plugin's description has the type.
    pub value: ParameterValue,
    /// Of the value.
    pub value_span: Span,
}

/// A model slot's binding.
#[derive(Clone, Debug)]
pub struct PluginModel {
    /// The plugin's name of the slot.
    pub slot: String,
    /// Of the slot's name.
    pub span: Span,
    /// A folder with `model.onnx` and `model.toml`, or an `.onnx` file.
    pub path: PathBuf,
    /// Of the path, for what the inference says of it.
    pub path_span: Span,
}

/// `[sinks.NAME]`
#[derive(Clone, Debug)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// Of the name.
    pub span: Span,
    /// What it is.
    pub kind: SinkKind,
}

/// What a sink is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkKind {
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
pub enum JsonlTarget {
    /// `path = "-"`
    Stdout,
    /// A file.
    File(PathBuf),
}
