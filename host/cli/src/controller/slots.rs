//! A slot for each plugin instance: its rows, its standing, and the instance itself while it is not
//! with a worker.

use super::figures::CallFigures;
use super::flights::PluginFlight;
use super::images::ImageId;
use super::line::ItemQueue;
use super::supervision::{Standing, Supervision};
use super::swap::twin::Twin;
use super::tables::{Refused, TableRefusal, Tables};
use crate::config::bind::BoundPlugin;
use crate::config::types::Plugin as PluginConfig;
use dinrail_core::description::{Bindings, Description, World};
use dinrail_core::frame::{Frame, FrameBuilder};
use dinrail_core::guard::OutputId;
use dinrail_core::outcome::{CallReport, Fault};
use dinrail_core::reading::SourceId;
use dinrail_core::record::InstanceId;
use dinrail_core::time::TimeNs;
use dinrail_engine::{Grants, Instance, Limits, LoadError, PluginComponent};
use dinrail_inference::OnnxModel;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A configured plugin: what all of its instances share.
pub struct Plugin {
    /// Its part of the configuration.
    pub config: PluginConfig,
    /// The compiled component.
    pub component: PluginComponent,
    /// What it says of itself.
    pub description: Description,
    /// What it is bound to.
    pub bound: BoundPlugin,
    /// Its models, by slot.
    pub models: Vec<(String, Arc<OnnxModel>)>,
    /// Its tables' directory.
    pub tables: Option<PathBuf>,
    /// Limits of an instance.
    pub limits: Limits,
    /// Sources whose rows become its rows; none: one snapshot a scan.
    pub row_sources: Vec<SourceId>,
    /// Of a background plugin: run time from its frame to the scan in which its result counts.
    pub release_after_ns: u64,
    /// The workers of its instances, who go round them.
    pub workers: std::ops::Range<usize>,
    /// What is kept of it for incidents.
    pub flight: PluginFlight,
}

impl Plugin {
    /// Its world.
    #[must_use]
    pub fn world(&self) -> World {
        self.component.world()
    }

    /// The configuration's outputs that it may propose for, in its order.
    #[must_use]
    pub fn output_ids(&self) -> Vec<OutputId> {
        self.bound.outputs.iter().map(|output| output.output).collect()
    }

    /// The worker of the instance that serves the `asset`-th asset, 0 being none.
    #[must_use]
    pub fn worker(&self, asset: usize) -> usize {
        self.workers.start + asset % self.workers.len().max(1)
    }

    /// Wall time after which a call is stopped.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_nanos(self.bound.deadline_ns)
    }

    /// A configured instance for one asset, or for all.
    pub fn instantiate(&self, asset: Option<&str>) -> Result<Box<Instance>, StartError> {
        let mut grants = Grants::default();
        for (slot, model) in &self.models {
            grants.models.push((slot.clone(), Box::new(model.session())));
        }
        grants.models_optional = self.description.models.iter().all(|slot| !slot.required);
        // What works without the models that its tables go with works without them as well.
        grants.assets_optional = !self.description.models.is_empty() && grants.models_optional;
        let refused = Refused::default();
        if self.tables.is_some() || grants.assets_optional {
            let tables = Tables::open(self.tables.as_deref(), refused.clone())?;
            grants.assets = Some(Box::new(tables.noting(self.flight.tables.clone())));
        }
        let mut instance = self.component.instantiate(grants, &self.limits)?;
        // The quantiles are checked against what this instance describes.
        instance.describe()?;
        let bindings = Bindings { asset: asset.map(str::to_owned), ..self.bound.bindings.clone() };
        instance.configure(&bindings, &self.bound.parameters).map_err(|fault| match refused.take() {
            Some(table) => StartError::Table { table, fault },
            None => StartError::Configure(fault),
        })?;
        Ok(Box::new(instance))
    }
}

/// Why a quarantined instance gets no frames.
pub const QUARANTINED: &str = "quarantined after repeated faults";

/// Why an instance could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine refuses the component.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It can't describe itself.
    #[error(transparent)]
    Describe(#[from] dinrail_engine::DescribeError),
    /// It refuses its configuration, or fails in it.
    #[error(transparent)]
    Configure(#[from] Fault),
    /// It refuses its configuration after a table was refused to it.
    #[error("{table}; {fault}")]
    Table {
        /// Which, and why.
        table: TableRefusal,
        /// What the plugin says.
        fault: Fault,
    },
    /// It does not take over what the version before it saved.
    #[error("it can't take over the state of the version before it: {0}")]
    Restore(#[source] Fault),
    /// It can't be asked for its state, and so never be swapped for another.
    #[error("it can't save its own state: {0}")]
    Save(#[source] Fault),
    /// Its tables can't be opened.
    #[error(transparent)]
    Tables(#[from] dinrail_store::assets::AssetError),
}

/// A call that is with a worker.
#[derive(Debug)]
pub struct Flight {
    /// Run time at which its result may enter the guard: now for a cyclic plugin.
    pub release_ns: TimeNs,
    /// The frame's outcome was settled as missed; what comes back is discarded.
    pub missed: bool,
    /// The result, where it came before its release.
    pub landed: Option<Arc<CallReport>>,
    /// The frame, for the record.
    pub frame: Arc<Frame>,
    /// The worker that makes the call. Where it is the slot's no longer, what comes back is nobody's.
    pub worker: usize,
}

/// One instance's place.
pub struct Slot {
    /// Its id: the index of the slot.
    pub id: InstanceId,
    /// Index of its plugin.
    pub plugin: usize,
    /// Its asset's key.
    pub asset: Option<Arc<str>>,
    /// The image its rows come from.
    pub image: ImageId,
    /// Collects its rows.
    pub builder: FrameBuilder,
    /// Items that its next calls get.
    pub items: ItemQueue,
    /// The instance; with a worker or gone where there is none.
    pub instance: Option<Box<Instance>>,
    /// Whether it is being started.
    pub starting: bool,
    /// Whether the instance is away to be saved, for its twin.
    pub saving: bool,
    /// The second instance, while its plugin is swapped.
    pub twin: Option<Twin>,
    /// Whether the twin is to be the slot's own again as soon as it comes back.
    pub returning: bool,
    /// The call that is under way.
    pub flight: Option<Flight>,
    /// Its standing.
    pub supervision: Supervision,
    /// Of its calls.
    pub figures: CallFigures,
    /// Run time of its next call.
    pub next_due_ns: TimeNs,
    /// The worker it is pinned to.
    pub worker: usize,
}

impl Slot {
    /// A slot with a fresh instance.
    #[must_use]
    pub fn new(
        id: InstanceId,
        plugin: usize,
        of: &Plugin,
        asset: Option<Arc<str>>,
        image: ImageId,
        worker: usize,
    ) -> Slot {
        let window = of.config.window as usize;
        Slot {
            id,
            plugin,
            asset,
            image,
            builder: FrameBuilder::new(of.bound.columns.clone(), of.bound.waveforms.clone(), window),
            items: ItemQueue::default(),
            instance: None,
            starting: false,
            saving: false,
            twin: None,
            returning: false,
            flight: None,
            supervision: Supervision::default(),
            figures: CallFigures::default(),
            next_due_ns: TimeNs::MIN,
            worker,
        }
    }

    /// Whether it is to be called in this scan.
    #[must_use]
    pub fn is_due(&self, now_ns: TimeNs) -> bool {
        !self.starting && self.flight.is_none() && self.next_due_ns <= now_ns && self.builder.new_rows() > 0
    }

    /// Its next call stands a period after this one, on the grid of its first.
    pub fn schedule_next(&mut self, now_ns: TimeNs, period_ns: u64) {
        let period = i64::try_from(period_ns).unwrap_or(i64::MAX);
        if period == 0 || self.next_due_ns == TimeNs::MIN {
            self.next_due_ns = now_ns.saturating_add(period);
            return;
        }
        let behind = now_ns.saturating_sub(self.next_due_ns) / period;
        self.next_due_ns = self.next_due_ns.saturating_add(period.saturating_mul(behind + 1));
    }

    /// Why it gets no frame now, if so.
    #[must_use]
    pub fn why_skipped(&self) -> Option<&'static str> {
        match self.supervision.standing() {
            Standing::Running => None,
            Standing::Waiting { .. } => Some("waiting to be started again after a fault"),
            Standing::Quarantined => Some(QUARANTINED),
        }
    }
}

/// How long a call may take before it is stopped, in virtual time: only what never ends is stopped.
pub const VIRTUAL_DEADLINE: Duration = Duration::from_secs(10);
