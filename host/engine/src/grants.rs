//! What an instance is granted, by name and never ambient; and what it wrote for the operator.

use dinrail_core::inference::Model;

/// Everything a plugin gets beside its frames. The default grants nothing.
#[derive(Default)]
pub struct Grants {
    /// Models, by the names the plugin opens them with.
    pub models: Vec<(String, Box<dyn Model>)>,
    /// No model slot of the plugin is required: it may import `inference` with no model bound.
    pub models_optional: bool,
    /// Whether an instance that imports `assets` may start without tables: it then finds none.
    pub assets_optional: bool,
    /// Where its tables are.
    pub assets: Option<Box<dyn Assets>>,
    /// How much it may write to log and metrics.
    pub notes: NoteBudget,
}

impl std::fmt::Debug for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let models: Vec<&str> = self.models.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Grants")
            .field("models", &models)
            .field("assets", &self.assets.is_some())
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// Tables a plugin may load by name. The name is guest-controlled: an implementation must not let it
/// leave the granted directory.
pub trait Assets: Send {
    /// Loads a table.
    fn load(&mut self, name: &str) -> Result<AssetTable, AssetError>;
}

/// A table of numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AssetTable {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Number of rows.
    pub rows: u32,
    /// rows × columns, row-major; an empty cell is NaN.
    pub values: Vec<f64>,
}

/// Why a table can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// There is none of that name.
    #[error("there is no table `{0}`")]
    Unknown(String),
    /// It is no table of numbers: what is wrong, and where.
    #[error("{0}")]
    Malformed(String),
    /// It is larger than the host hands over.
    #[error("{0}")]
    TooLarge(String),
}

/// How much an instance may write for the operator. Past it lines are dropped and counted; a bucket
/// is filled once a call, so that no clock is needed and a replay drops the same lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteBudget {
    /// Log lines added to the bucket at each call.
    pub lines_per_call: u32,
    /// Most lines the bucket holds: what `configure` may write at once.
    pub lines_burst: u32,
    /// Bytes of a line that are kept.
    pub line_bytes: usize,
    /// Updates of metrics in a call.
    pub metrics_per_call: u32,
    /// Different names of metrics in the life of an instance.
    pub metric_names: usize,
    /// Bytes of a metric's name; a longer one is dropped.
    pub metric_name_bytes: usize,
}

impl Default for NoteBudget {
    fn default() -> NoteBudget {
        NoteBudget {
            // At ten calls a second still more than anybody reads.
            lines_per_call: 4,
            lines_burst: 64,
            line_bytes: 1_024,
            metrics_per_call: 256,
            // Every name is a time series that is kept for months.
            metric_names: 128,
            metric_name_bytes: 128,
        }
    }
}

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// For the record.
    Info,
    /// It recovered.
    Warn,
    /// Somebody must act.
    Error,
}

impl LogLevel {
    /// In messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        }
    }
}

/// A line in the log. Its text is guest-controlled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How grave.
    pub level: LogLevel,
    /// The text, cut to the budget.
    pub message: String,
}

/// A number for the operator. Its name is guest-controlled; its value is finite.
#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    /// Sets a gauge.
    Gauge {
        /// Which.
        name: String,
        /// To what.
        value: f64,
    },
    /// Adds to a counter.
    Count {
        /// Which.
        name: String,
        /// How much.
        add: u64,
    },
}

/// What an instance wrote since it was last asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// Lines in their order.
    pub logs: Vec<LogLine>,
    /// Updates in their order.
    pub metrics: Vec<Metric>,
    /// Lines past the budget.
    pub logs_dropped: u64,
    /// Updates past the budget, with a name too long, or of a value that is not finite.
    pub metrics_dropped: u64,
}

impl Notes {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.metrics.is_empty() && self.logs_dropped == 0 && self.metrics_dropped == 0
    }
}
