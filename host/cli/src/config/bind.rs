//! A plugin's part of the configuration against what the plugin says of itself.

use super::error::{ConfigErrors, Span};
use super::types::{Config, OutputId, Plugin};
use dinrail_core::description::{Bindings, Description, ModelSlot, ParameterValue, World};
use dinrail_core::frame::ValueColumn;
use dinrail_core::tag::TagId;
use dinrail_core::time::DurationNs;
use dinrail_core::unit::Conversion;
use std::path::PathBuf;

/// What `configure` is told and what the host keeps beside it.
#[derive(Clone, Debug)]
pub(crate) struct BoundPlugin {
    /// For `configure`; `asset` is filled in for each instance.
    pub(crate) bindings: Bindings,
    /// For the frame builder: one for each value column, in order.
    pub(crate) columns: Vec<ValueColumn>,
    /// For the frame builder: one for each waveform, in order.
    pub(crate) waveforms: Vec<TagId>,
    /// What `proposal.output` counts.
    pub(crate) outputs: Vec<BoundOutput>,
    /// In the order of the description, defaults filled in.
    pub(crate) parameters: Vec<(String, ParameterValue)>,
    /// The slots that are filled.
    pub(crate) models: Vec<BoundModel>,
    /// Run time between calls; 0: every scan.
    pub(crate) period_ns: DurationNs,
    /// Wall time of a call.
    pub(crate) deadline_ns: DurationNs,
}

/// An output of a plugin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BoundOutput {
    /// Which of the configuration's.
    pub(crate) output: OutputId,
    /// From the plugin's unit to the output's: apply it to setpoints, invert it for output states.
    pub(crate) conversion: Conversion,
}

/// A model slot that is filled.
#[derive(Clone, Debug)]
pub(crate) struct BoundModel {
    /// What the plugin asks of it.
    pub(crate) slot: ModelSlot,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Of the path in the file, for what the inference says of the model.
    pub(crate) span: Span,
}

/// Binds a plugin to what it described itself as. `description` was checked before.
pub(crate) fn bind(
    config: &Config,
    plugin: &Plugin,
    description: &Description,
    world: World,
) -> Result<BoundPlugin, ConfigErrors>;
