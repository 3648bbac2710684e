//! `[plugins.NAME]` of a resolved configuration.

use crate::config::error::Span;
use dinrail_core::description::ParameterValue;
use dinrail_core::guard::{Mode, OutputId};
use dinrail_core::tag::TagId;
use dinrail_core::time::DurationNs;
use std::path::PathBuf;

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
    /// Index in [`Config::items`](super::Config::items) of what it judges.
    pub items: Option<usize>,
    /// Of their name, else of the plugin's.
    pub items_span: Span,
    /// In the order of the file.
    pub outputs: Vec<PluginOutput>,
    /// In the order of the file.
    pub parameters: Vec<PluginParameter>,
    /// In the order of the file.
    pub models: Vec<PluginModel>,
    /// In the order of the file.
    pub outlook: Vec<PluginSeries>,
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

/// A series slot's binding.
#[derive(Clone, Debug)]
pub struct PluginSeries {
    /// The plugin's name of the slot.
    pub slot: String,
    /// Of the slot's name.
    pub span: Span,
    /// Index in [`Config::contexts`](super::Config::contexts).
    pub context: usize,
    /// Of the context's name.
    pub context_span: Span,
}
