//! From a resolved configuration to a controller, in two steps: [`prepare`] opens and checks
//! everything that can be without running (which is what `dinrail check` does), [`Prepared::assemble`] starts
//! threads and links.

pub mod candidate;
mod components;
mod control;
mod error;
mod folders;
mod overwritten;
mod plants;
mod producers;
mod refusals;
mod rows;
mod store;
pub(crate) mod tables;
mod versions;
mod wiring;
mod workers;
mod workshop;

pub use candidate::{Change, Preparer};
pub use components::ComponentError;
pub use error::BuildError;
pub use versions::Versions;
pub use workshop::Workshop;

use super::Controller;
use super::alarms::{Alarms, Losses};
use super::calendar::CalendarTags;
use super::context::Contexts;
use super::derived::DerivedTags;
use super::flights::{Flights, PluginFlight};
use super::identity::Identity;
use super::images::Images;
use super::line::Line;
use super::links::{FolderSource, LinkSource, TableSource};
use super::plant::{PlantSource, SharedPlant};
use super::recorder::{FlightSetup, Setup};
use super::shelf::{Keeping, Shelf};
use super::slots::Plugin;
use super::source::Source;
use super::starts::Starts;
use super::swap::Swaps;
use super::swap::keeper::Keeper;
use crate::config::{self, Config, ConfigError, ConfigErrors, Speed, bind};
use crate::control::server::ControlSocket;
use crate::view::View;
use control::{Control, open_control};
use dinrail_core::description::World;
use dinrail_core::guard::Guard;
use dinrail_core::reading::SourceId;
use dinrail_core::record::InstanceId;
use dinrail_core::tag::TagId;
use dinrail_engine::{Limits, Pace, Profile, WorkerPool};
use dinrail_field::link::{Clock, MqttLink};
use dinrail_field::message::Named;
use dinrail_field::source::csv::CsvSource;
use dinrail_field::source::images::ImagesSource;
use dinrail_sim::judge::Detections;
use dinrail_store::folder::StoreFolder;
use dinrail_store::installed::Installed;
use overwritten::overwritten;
use plants::{judge, signal_tags};
use rows::row_sources;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use wiring::{Links, is_replay, output_drivers, sinks};

/// What was opened and checked.
pub struct Prepared {
    workshop: Workshop,
    installed: Option<Arc<Installed>>,
    store_folder: Option<Arc<StoreFolder>>,
    config: Config,
    plugins: Vec<Arc<Plugin>>,
    guard: Guard,
    tables: Vec<(SourceId, String, CsvSource)>,
    folders: Vec<ImagesSource>,
    plants: Vec<(SourceId, SharedPlant, Vec<Option<TagId>>)>,
    contexts: Contexts,
    derived: DerivedTags,
    detections: Option<Detections>,
}

/// Opens components, models, tables and plants, binds every plugin, and collects all mistakes.
pub fn prepare(config: Config, workshop: &Workshop) -> Result<Prepared, BuildError> {
    prepare_with(config, workshop, &Versions::default())
}

/// The same, with the versions that the store says run.
pub fn prepare_with(mut config: Config, workshop: &Workshop, versions: &Versions) -> Result<Prepared, BuildError> {
    let mut errors = Vec::new();
    let (plugins, derived) = producers::prepare_plugins(&mut config, workshop, versions, &mut errors);
    let mut opened_tables = Vec::new();
    let mut folders = Vec::new();
    let mut plants = Vec::new();
    let mut detections = None;
    for (index, source) in config.sources.iter().enumerate() {
        let id = SourceId(u32::try_from(index).expect("a configuration has fewer than 2^32 sources"));
        match &source.kind {
            // What only contexts are read from gives the scan nothing.
            config::SourceKind::Csv(_) if is_context_only(&config, id) => {}
            config::SourceKind::Csv(table) => match tables::open(&config, id, table) {
                Ok(opened) => {
                    errors.extend(tables::columns_of_text(&config, id, table));
                    opened_tables.push((id, source.name.clone(), opened));
                }
                Err(message) => errors.push(mistake(
                    &config,
                    source.span.clone(),
                    message,
                    "correct `path`, `columns`, `time` or `key` of this source",
                )),
            },
            config::SourceKind::Sim(sim) => match dinrail_sim::plant_with(&sim.plant, &sim.options) {
                Ok(plant) => {
                    let judged = plugins.iter().any(|plugin| sees_faults(plugin.world()));
                    if !sim.options.faults.episodes.is_empty() && judged {
                        detections = Some(judge(&config, id, &sim.options.faults, plant.as_ref()));
                    }
                    let tags = signal_tags(&config, id, plant.signals().len());
                    plants.push((id, SharedPlant::new(plant), tags));
                }
                Err(error) => errors.push(mistake(
                    &config,
                    source.span.clone(),
                    error.to_string(),
                    "name a plant and a fault script that fits it",
                )),
            },
            config::SourceKind::Images(images) => match folders::open(&config, id, images) {
                Ok(opened) => folders.push(opened),
                Err(error) => errors.push(mistake(
                    &config,
                    source.span.clone(),
                    error.to_string(),
                    "correct `path` or `labels` of this source",
                )),
            },
            config::SourceKind::Mqtt(_) | config::SourceKind::Calendar => {}
        }
    }
    errors.extend(overwritten(&config));
    let contexts = match Contexts::open(&config) {
        Ok(contexts) => Some(contexts),
        Err((index, error)) => {
            let span = config.contexts[index].span.clone();
            errors.push(mistake(&config, span, error.to_string(), &error.help()));
            None
        }
    };
    if let Some(errors) = ConfigErrors::some(errors) {
        return Err(errors.into());
    }
    let contexts = contexts.expect("a context that can't be opened is a mistake");
    let guard = guard(&config, &plugins)?;
    Ok(Prepared {
        workshop: workshop.clone(),
        installed: versions.installed.clone(),
        store_folder: versions.folder.clone(),
        config,
        plugins,
        guard,
        tables: opened_tables,
        folders,
        plants,
        contexts,
        derived,
        detections,
    })
}

/// Whether a table has no tags and a context is read from it.
fn is_context_only(config: &Config, id: SourceId) -> bool {
    let of_context = config.contexts.iter().any(|context| match &context.kind {
        config::ContextKind::Table { source, .. } => *source == id,
        config::ContextKind::Topic { .. }
        | config::ContextKind::Schedule { .. }
        | config::ContextKind::Calendar { .. } => false,
    });
    of_context && config.tag_origins.iter().all(|origin| origin.source != Some(id))
}

/// Whether plugins of this world say what a fault script asks for: alarms that name sensors. A failure mode of predictive
/// maintenance is none: it is judged by `dinrail score`.
fn sees_faults(world: World) -> bool {
    world == World::AnomalyDetection
}

fn mistake(config: &Config, span: config::Span, message: impl Into<String>, help: &str) -> ConfigError {
    ConfigError::new(Arc::clone(&config.text), span, message, "", help)
}

/// Opens, describes, binds, and starts one plugin once, so that what it refuses is refused now.
fn prepare_plugin(
    config: &Config,
    index: usize,
    workshop: &Workshop,
    versions: &Versions,
) -> Result<Plugin, ConfigErrors> {
    if let Some(change) = versions.changes.get(&index) {
        let (plugin, bytes) = candidate::changed(config, index, change)?;
        return prepare_as(config, &plugin, index, bytes, workshop);
    }
    let plugin = &config.plugins[index];
    prepare_as(config, plugin, index, read_component(config, plugin)?, workshop)
}

/// The file that the configuration names.
fn read_component(config: &Config, plugin: &config::Plugin) -> Result<Vec<u8>, ConfigErrors> {
    std::fs::read(&plugin.component).map_err(|error| {
        let message = format!("`{}` can't be read: {error}", plugin.component.display());
        let span = plugin.component_span.clone();
        ConfigErrors::one(Arc::clone(&config.text), span, message, "", "name a component file")
    })
}

/// A component in the place of the `index`-th plugin, configured by `plugin`.
fn prepare_as(
    config: &Config,
    plugin: &config::Plugin,
    index: usize,
    bytes: Vec<u8>,
    workshop: &Workshop,
) -> Result<Plugin, ConfigErrors> {
    let one = |span: config::Span, message: String, help: &str| {
        ConfigErrors::one(Arc::clone(&config.text), span, message, "", help)
    };
    let component_span = || plugin.component_span.clone();
    let wanted = config.keeps_flights() && config.recorder.components;
    let wasm: Option<Arc<[u8]>> = wanted.then(|| Arc::from(bytes.as_slice()));
    let component = workshop.component(&plugin.component, bytes).map_err(|error| {
        one(
            component_span(),
            format!("`{}`: {error}", plugin.component.display()),
            "build it against this dinrail's WIT",
        )
    })?;
    let profile = match plugin.limits {
        config::LimitProfile::Compiled => Profile::Compiled,
        config::LimitProfile::Interpreted => Profile::Interpreted,
    };
    let pace = if plugin.background { Pace::Background } else { Pace::Cyclic };
    let limits = Limits::new(profile, pace);
    let description = component.describe(&limits).map_err(|error| {
        one(
            component_span(),
            format!("`{}`: {error}", plugin.component.display()),
            "ask its author; it can't say what it is",
        )
    })?;
    let bound = bind::bind(config, plugin, &description, component.world())?;
    let mut models = Vec::new();
    for model in &bound.models {
        let loaded = workshop.catalog.load(&model.path).map_err(|error| {
            one(model.span.clone(), error.to_string(), "name a model directory or an .onnx file that fits the slot")
        })?;
        loaded.check_slot(&model.slot).map_err(|error| {
            one(model.span.clone(), error.to_string(), "bind a model of the shapes that the plugin asks for")
        })?;
        models.push((model.slot.name.clone(), loaded));
    }
    let release_after_ns = config.scan.run_ns(bound.deadline_ns);
    let row_sources = row_sources(config, plugin, &bound);
    let mut prepared = Plugin {
        config: plugin.clone(),
        component,
        description,
        models,
        tables: plugin.tables.clone(),
        limits,
        row_sources,
        release_after_ns,
        workers: config.workers_of(index),
        bound,
        flight: PluginFlight { wasm, ..PluginFlight::default() },
    };
    // An asset plugin is tried with a key that no asset has.
    let asset = plugin.asset_key.as_ref().map(|_| "check");
    match prepared.instantiate(asset) {
        Ok(mut instance) => {
            // Tried on an instance that is thrown away: saving may be what a plugin can't.
            prepared.flight.saves = config.keeps_flights() && instance.save().is_ok();
            Ok(prepared)
        }
        Err(error) => Err(refusals::refused_start(config, plugin, &prepared.description, &error)),
    }
}

fn guard(config: &Config, plugins: &[Arc<Plugin>]) -> Result<Guard, ConfigErrors> {
    // Instances without asset come first, in the plugins' order.
    let mut next = 0;
    let owners: Vec<Option<InstanceId>> = plugins
        .iter()
        .map(|plugin| {
            plugin.config.asset_key.is_none().then(|| {
                next += 1;
                InstanceId(next - 1)
            })
        })
        .collect();
    let mut specs = Vec::new();
    for output in &config.outputs {
        let mut spec = output.spec.clone();
        if let Some(owner) = output.owner {
            spec.owner = owners[owner];
        }
        specs.push(spec);
    }
    Guard::new(specs, config.scan.run_period_ns()).map_err(|error| {
        let span = config
            .outputs
            .iter()
            .find(|output| output.spec.name == error.output)
            .map_or(0..0, |output| output.span.clone());
        let help = format!("correct `{}` of this output", error.problem.key());
        ConfigErrors::one(Arc::clone(&config.text), span, error.to_string(), "", help)
    })
}

/// What runs.
pub struct Assembly {
    /// The scan's part.
    pub controller: Controller,
    /// The recorder's part.
    pub setup: Setup,
    /// Links, to be drained and stopped at the end.
    pub links: Vec<MqttLink>,
    /// The simulated plant whose truth is judged, where there is one.
    pub truth: Option<SharedPlant>,
    /// From one scan to the next, wall time.
    pub period: Duration,
    /// How fast run time goes.
    pub speed: Speed,
    /// Where an operator reaches it; none in virtual time, or where the configuration says so.
    pub control: Option<ControlSocket>,
}

impl Prepared {
    /// How many plugins, tags and outputs it has: what `check` reports.
    #[must_use]
    pub fn summary(&self) -> String {
        let plugins: Vec<String> = self
            .plugins
            .iter()
            .map(|plugin| {
                let digest = &plugin.component.digest()[..12];
                format!(
                    "{} ({}, {} columns, {digest})",
                    plugin.config.name,
                    plugin.world().name(),
                    plugin.bound.columns.len()
                )
            })
            .collect();
        format!(
            "{} sources, {} tags, {} outputs, {} sinks, plugins: {}",
            self.config.sources.len(),
            self.config.tags.len(),
            self.config.outputs.len(),
            self.config.sinks.len(),
            plugins.join(", ")
        )
    }

    /// Which plugin one of the configuration's is.
    #[must_use]
    pub fn identity(&self, plugin: usize) -> Option<Identity> {
        self.plugins.get(plugin).map(|plugin| Identity::of(plugin))
    }

    /// How fast its run time goes.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.config.scan.speed
    }

    /// Starts links, workers and sinks. `clock` is run time, for what arrives without a time.
    pub fn assemble(self, clock: &Clock, view: View) -> Result<Assembly, BuildError> {
        let Prepared {
            workshop,
            installed,
            store_folder,
            config,
            plugins,
            mut guard,
            tables,
            folders,
            plants,
            mut contexts,
            derived,
            detections,
        } = self;
        let is_virtual = config.scan.speed == Speed::Max;
        // Before anything that another controller of this site would notice: links, files.
        let control = if is_virtual { Control::none() } else { open_control(&config)? };
        guard.number_advices_above(control.numbers_above);
        let losses = Arc::new(Losses::default());
        let store = if is_virtual { None } else { store::open(&config, store_folder, &losses)? };
        let alarms = Alarms::new(&config, &plugins, Arc::clone(&losses));
        let alarm_specs = alarms.specs();
        let mut links = Links::start(&config, clock)?;
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        for (id, plant, tags) in &plants {
            let replays = is_replay(&config, *id);
            sources.push(Box::new(PlantSource::new(plant.clone(), *id, tags.clone()).replaying(replays)));
        }
        for (_, name, table) in tables {
            sources.push(Box::new(TableSource::new(name, table)));
        }
        for folder in folders {
            sources.push(Box::new(FolderSource::new(folder)));
        }
        for (id, link) in &links.started {
            let measures = config.tag_origins.iter().any(|origin| origin.source == Some(*id));
            sources.push(Box::new(LinkSource::new(link.clone(), measures)));
        }
        contexts.watch(plants.iter().map(|(id, plant, _)| (*id, plant.clone())).collect());
        contexts.listen(links.started.iter().map(|(_, link)| link.clone()).collect());
        let outputs = output_drivers(&config, &plants, &links);
        let names: Vec<Named> =
            outputs.iter().map(|output| Named::new(output.name.clone(), output.unit.clone())).collect();
        let (jsonl, mqtt) = sinks(&config, &links)?;
        let tags = Arc::new(config.tags.clone());
        let preparer = Preparer::new(Arc::new(config.clone()), workshop);
        let keeper = match installed.clone() {
            Some(installed) => Keeper::of(installed).map_err(BuildError::Thread)?,
            None => Keeper::none(),
        };
        let keeping = Keeping { installed, trust: config.trust.clone(), preparer: preparer.clone() };
        let shelf = if is_virtual { None } else { Some(Shelf::start(keeping).map_err(BuildError::Thread)?) };
        let controller = Controller {
            sources,
            images: Images::new(Arc::clone(&tags)),
            plugins: plugins.clone(),
            slots: Vec::new(),
            slots_of_image: Vec::new(),
            starts: Starts::new(is_virtual).map_err(BuildError::Thread)?,
            pool: WorkerPool::new(config.worker_threads()).map_err(BuildError::Thread)?,
            guard,
            outputs,
            plugin_modes: config.plugins.iter().map(|plugin| plugin.mode).collect(),
            auto_gaps: config.outputs.iter().map(|output| output.auto_gap).collect(),
            advice_words: HashMap::new(),
            alarms,
            store,
            contexts,
            line: Line::new(&config),
            calendar: CalendarTags::of(&config),
            derived,
            budget: Duration::from_nanos(config.scan.budget_ns),
            is_virtual,
            wants_values: !mqtt.is_empty(),
            readings: Vec::new(),
            notes: Vec::new(),
            swaps: Swaps::new(keeper),
            preparer: preparer.clone(),
            shelf,
            flights: Flights::of(&config),
        };
        let started: Vec<MqttLink> = links.started.drain(..).map(|(_, link)| link).collect();
        let setup = Setup {
            site: config.site.name.clone(),
            time_zone: config.site.time_zone.clone(),
            tags,
            plugins,
            outputs: names,
            reduced: config.outputs.iter().map(|output| output.spec.reduced.clone()).collect(),
            items: config.items.iter().map(|items| items.spec.name.clone()).collect(),
            alarms: alarm_specs,
            losses,
            jsonl,
            mqtt,
            links: started.clone(),
            detections,
            collect: None,
            watch: Vec::new(),
            reach: control.reach,
            flight: FlightSetup::of(&config),
            view,
        };
        let truth = plants.into_iter().map(|(_, plant, _)| plant).next();
        Ok(Assembly {
            controller,
            setup,
            links: started,
            truth,
            period: Duration::from_nanos(config.scan.period_ns),
            speed: config.scan.speed,
            control: control.socket,
        })
    }
}
