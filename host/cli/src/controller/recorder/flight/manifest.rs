//! What an incident says of the site and its plugins, and what is taken out of it.

use crate::config::{Config, Recorder};
use crate::controller::calendar::time_zone_database;
use crate::controller::slots::Plugin;
use dinrail_core::description::TensorSpec;
use dinrail_core::flight::{Base, RecordedCall};
use dinrail_core::time::TimeNs;
use dinrail_store::incident::{
    BindingWire, CallWire, EntryWire, FORMAT, IncidentWriter, Manifest, ModelManifest, PluginManifest, Redaction,
    Retention, TableWire,
};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use wildmatch::WildMatch;

/// What the configuration says of the flight recorder, and what it needs for an incident.
#[derive(Clone, Debug)]
pub struct FlightSetup {
    /// `[recorder]`
    pub recorder: Recorder,
    /// Where incidents go; none: only the run is recorded.
    pub folder: Option<PathBuf>,
    /// Run in virtual time: nothing is left out for want of time.
    pub is_virtual: bool,
    site: String,
    configuration: String,
    /// By plugin: the tags of its items' measures.
    measures: Vec<Vec<String>>,
}

impl FlightSetup {
    /// None where nothing is kept.
    #[must_use]
    pub fn of(config: &Config) -> Option<FlightSetup> {
        let name = |tag: &dinrail_core::tag::TagId| config.tags.get(*tag).name.clone();
        let measures = |plugin: &crate::config::Plugin| {
            plugin.items.map_or_else(Vec::new, |items| config.items[items].spec.measures.iter().map(name).collect())
        };
        config.keeps_flights().then(|| FlightSetup {
            recorder: config.recorder.clone(),
            folder: config.incidents(),
            is_virtual: config.scan.speed == crate::config::Speed::Max,
            site: config.site.name.clone(),
            configuration: config.text.text().to_owned(),
            measures: config.plugins.iter().map(measures).collect(),
        })
    }

    /// How long incidents are kept.
    #[must_use]
    pub fn retention(&self) -> Retention {
        Retention { age: self.recorder.keep_age, bytes: self.recorder.keep_bytes }
    }
}

/// Everything that incidents of this run have in common.
pub(super) struct Describing {
    setup: FlightSetup,
    plugins: Vec<Arc<Plugin>>,
    /// By plugin: what is taken out, and how that is called.
    redacted: Vec<(Redaction, Vec<String>)>,
}

impl Describing {
    pub(super) fn new(setup: &FlightSetup, plugins: Vec<Arc<Plugin>>) -> Describing {
        let patterns: Vec<WildMatch> = setup.recorder.redact.iter().map(|pattern| WildMatch::new(pattern)).collect();
        let none = Vec::new();
        let measures = setup.measures.iter().chain(std::iter::repeat(&none));
        let redacted = plugins.iter().zip(measures).map(|(plugin, measures)| redaction(plugin, measures, &patterns));
        Describing { redacted: redacted.collect(), setup: setup.clone(), plugins }
    }

    /// The plugins, as they are described.
    pub(super) fn versions(&self) -> &[Arc<Plugin>] {
        &self.plugins
    }

    /// How many plugins there are.
    pub(super) fn plugins(&self) -> usize {
        self.plugins.len()
    }

    /// `incident.json`, of an incident or of a whole run.
    pub(super) fn manifest(&self, head: &Head<'_>, assets: &[Vec<Option<String>>]) -> Manifest {
        let plugins = self.plugins.iter().zip(&self.redacted).zip(assets);
        Manifest {
            format: FORMAT,
            dinrail: env!("CARGO_PKG_VERSION").to_owned(),
            time_zone_database: time_zone_database().to_owned(),
            site: self.setup.site.clone(),
            kind: head.kind.to_owned(),
            why: head.why.clone(),
            time_ns: head.time_ns,
            time: stamp(head.time_ns).map_or_else(|| head.time_ns.to_string(), |stamp| stamp.to_string()),
            scan: head.scan,
            redacted: self.setup.recorder.redact.clone(),
            images: self.setup.recorder.images,
            configuration: self.setup.configuration.clone(),
            plugins: plugins.map(|((plugin, (_, tags)), assets)| described(plugin, tags, assets)).collect(),
        }
    }

    /// The plugins themselves, as far as they go into an incident.
    pub(super) fn components<W: Write>(&self, writer: &mut IncidentWriter<W>) -> io::Result<()> {
        for plugin in &self.plugins {
            let name = &plugin.config.name;
            if let Some(wasm) = &plugin.flight.wasm {
                writer.component(name, wasm)?;
            }
            let tables = plugin.flight.tables.all().into_iter();
            let tables: Vec<TableWire> = tables
                .map(|(name, table)| TableWire { name, columns: table.columns, rows: table.rows, values: table.values })
                .collect();
            writer.binding(name, &BindingWire::of(&plugin.bound.bindings, &plugin.bound.parameters), &tables)?;
        }
        Ok(())
    }

    /// What calls begin at.
    pub(super) fn base<W: Write>(
        &self,
        to: &mut IncidentWriter<W>,
        plugin: usize,
        number: u32,
        base: &Base,
    ) -> io::Result<()> {
        // A state tells what the plugin saw; and with inputs taken out nothing can be replayed from it.
        let entry = if self.redacted[plugin].0.is_empty() { EntryWire::from(base) } else { EntryWire::Lost };
        to.entry(&self.plugins[plugin].config.name, number, &entry)
    }

    /// A call.
    pub(super) fn call<W: Write>(
        &self,
        to: &mut IncidentWriter<W>,
        plugin: usize,
        number: u32,
        call: &RecordedCall,
    ) -> io::Result<()> {
        let mut wire = CallWire::from(call);
        wire.redact(&self.redacted[plugin].0);
        to.entry(&self.plugins[plugin].config.name, number, &EntryWire::Call(Box::new(wire)))
    }
}

/// What happened.
pub(super) struct Head<'h> {
    pub(super) kind: &'h str,
    pub(super) why: String,
    pub(super) time_ns: TimeNs,
    pub(super) scan: u64,
}

/// A time for people.
pub(super) fn stamp(time_ns: TimeNs) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_nanosecond(i128::from(time_ns)).ok()
}

fn redaction(plugin: &Plugin, measures: &[String], patterns: &[WildMatch]) -> (Redaction, Vec<String>) {
    let is_secret = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
    let mut redaction = Redaction::default();
    let mut names = BTreeSet::new();
    let value_columns = plugin.bound.columns.len() as u32;
    for input in &plugin.bound.bindings.inputs {
        let waveform = plugin.description.inputs.iter().any(|described| {
            described.name == input.input && described.kind == dinrail_core::description::InputKind::Waveform
        });
        for column in input.columns.iter().filter(|column| is_secret(&column.tag)) {
            match waveform {
                true => redaction.waveforms.push(column.index),
                false if column.index < value_columns => redaction.columns.push(column.index as usize),
                false => {}
            }
            names.insert(column.tag.clone());
        }
    }
    for output in plugin.bound.bindings.outputs.iter().filter(|output| is_secret(&output.tag)) {
        redaction.outputs.push(output.index as usize);
        names.insert(output.tag.clone());
    }
    for (at, measure) in measures.iter().enumerate().filter(|(_, measure)| is_secret(measure)) {
        redaction.measures.push(at);
        names.insert(measure.clone());
    }
    (redaction, names.into_iter().collect())
}

fn described(plugin: &Plugin, redacted: &[String], assets: &[Option<String>]) -> PluginManifest {
    let tensors = |specs: &[TensorSpec]| specs.iter().map(|spec| (spec.name.clone(), spec.shape.clone())).collect();
    let models = plugin.models.iter().map(|(slot, model)| ModelManifest {
        slot: slot.clone(),
        name: model.name().to_owned(),
        sha256: model.sha256().to_owned(),
        inputs: tensors(model.inputs()),
        outputs: tensors(model.outputs()),
    });
    PluginManifest {
        name: plugin.config.name.clone(),
        component: plugin.description.name.clone(),
        version: plugin.description.version.clone(),
        sha256: plugin.component.digest().to_owned(),
        included: plugin.flight.wasm.is_some(),
        world: plugin.world().name().to_owned(),
        limits: match plugin.config.limits {
            crate::config::LimitProfile::Compiled => "compiled".to_owned(),
            crate::config::LimitProfile::Interpreted => "interpreted".to_owned(),
        },
        background: plugin.config.background,
        saves: plugin.flight.saves,
        models: models.collect(),
        redacted: redacted.to_vec(),
        instances: assets.to_vec(),
    }
}
