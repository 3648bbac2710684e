//! The resolved configuration: names became ids, texts became units, durations and limits.

mod context;
mod plugin;
mod recorder;

pub use context::{CalendarField, CalendarRule, Context, ContextKind, KnownAt};
pub use plugin::{
    LimitProfile, Plugin, PluginInput, PluginModel, PluginOutput, PluginParameter, PluginSeries, PluginTag,
};

pub use recorder::Recorder;

use super::error::{ConfigText, Span};
use dinrail_core::alarm::AlarmSpec;
use dinrail_core::guard::OutputSpec;
use dinrail_core::item::ItemSpec;
use dinrail_core::reading::SourceId;
use dinrail_core::tag::{TagId, TagTable};
use dinrail_core::time::{DurationNs, TimeNs};
use dinrail_core::unit::Conversion;
use dinrail_field::source::csv::{Before, Layout};
use std::path::PathBuf;
use std::sync::Arc;

/// Everything the file says, checked as far as it can be without opening a component.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, for messages.
    pub text: Arc<ConfigText>,
    /// Name and time zone.
    pub site: Site,
    /// Whose bundles are installed.
    pub trust: Trust,
    /// How the scan runs.
    pub scan: Scan,
    /// In the order of the file; the index is the [`SourceId`].
    pub sources: Vec<Source>,
    /// All tags; patterns are expanded.
    pub tags: TagTable,
    /// Where each tag comes from, in the order of `tags`.
    pub tag_origins: Vec<TagOrigin>,
    /// By tag: the folder in which the pictures lie that its texts name.
    pub picture_folders: Vec<(TagId, PathBuf)>,
    /// In the order of the file.
    pub items: Vec<Items>,
    /// In the order of the file; the index is the [`OutputId`](dinrail_core::guard::OutputId).
    pub outputs: Vec<Output>,
    /// In the order of the file.
    pub contexts: Vec<Context>,
    /// In the order of the file.
    pub plugins: Vec<Plugin>,
    /// In the order of the file.
    pub alarms: Vec<Alarm>,
    /// In the order of the file.
    pub sinks: Vec<Sink>,
    /// What is kept for incidents.
    pub recorder: Recorder,
}

pub use dinrail_store::bundle::Trust;

/// `[site]`
#[derive(Clone, Debug)]
pub struct Site {
    /// In topics and records.
    pub name: String,
    /// For times without an offset, and for display.
    pub time_zone: jiff::tz::TimeZone,
    /// Local dates, for calendars.
    pub holidays: Vec<jiff::civil::Date>,
    /// Where an operator reaches the controller.
    pub control: Control,
    /// The folder of what outlasts the controller; none: nothing does.
    pub store: Option<PathBuf>,
}

/// The local socket on which an operator reaches the controller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Control {
    /// Below the user's own folder of sockets, by the site's name.
    #[default]
    Default,
    /// There.
    Path(PathBuf),
    /// Not at all.
    Off,
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
    /// A folder of pictures.
    Images(ImagesSource),
    /// The site's local clock and calendar.
    Calendar,
}

/// `kind = "sim"`
#[derive(Clone, Debug)]
pub struct SimSource {
    /// A name that `dinrail_sim::plant` knows.
    pub plant: String,
    /// Seed, fault script, recorded series and settings, checked against the plant.
    pub options: dinrail_sim::Options,
    /// Files that recorded series were read from.
    pub files: Vec<PathBuf>,
}

/// `kind = "images"`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagesSource {
    /// Where the pictures are.
    pub folder: PathBuf,
    /// A table that names them.
    pub labels: Option<PathBuf>,
    /// From one picture to the next.
    pub period_ns: DurationNs,
    /// Of the first.
    pub start_ns: TimeNs,
}

/// What a folder of pictures tells of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageField {
    /// The picture.
    Picture,
    /// Its label.
    Label,
    /// Its id.
    Id,
}

impl ImageField {
    /// By name.
    pub const ALL: [(&'static str, ImageField); 3] =
        [("picture", ImageField::Picture), ("label", ImageField::Label), ("id", ImageField::Id)];
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
    /// Tables whose records come before those of `path`.
    pub after: Vec<Before>,
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
    /// Which source; none where it is a result of a plugin.
    pub source: Option<SourceId>,
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
    /// What the site's calendar says.
    Calendar(CalendarField),
    /// What a folder of pictures tells of each.
    Image(ImageField),
    /// A result of a plugin.
    Result(ResultOrigin),
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

/// Which result a derived tag is. Unit and field are known once the plugin is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultOrigin {
    /// The plugin's index in [`Config::plugins`].
    pub plugin: usize,
    /// The key of the one asset whose result it is.
    pub asset: Option<String>,
    /// As the plugin's world calls it.
    pub field: String,
    /// Whether the configuration gives the tag a unit; else it has the field's.
    pub has_unit: bool,
}

/// Where an MQTT payload says when it was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadTime {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// `rfc3339`, `unix`, `unix_ms` or `unix_ns`.
    pub format: String,
}

/// `[items.NAME]`: what becomes an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Items {
    /// Of the name.
    pub span: Span,
    /// Checked.
    pub spec: ItemSpec,
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
    /// Of `inhibit`, else of the name.
    pub inhibit_span: Span,
    /// Of `reduced.when`, else of the name.
    pub reduced_span: Span,
    /// Of `trip`, else of the name.
    pub trip_span: Span,
    /// Of the lease, else of the name.
    pub lease_span: Span,
    /// What it lacks for the mode auto, which an operator may want to set.
    pub auto_gap: Option<&'static str>,
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

/// `[alarms."NAME"]`
#[derive(Clone, Debug)]
pub struct Alarm {
    /// Of `when`.
    pub when_span: Span,
    /// Checked.
    pub spec: AlarmSpec,
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
