//! `dinrail replay`: the calls of an incident once more, in another process, on any machine.
//!
//! - [`compare`]: equal to the byte, or where it begins to differ
//! - [`journal`]: models that answer as it was recorded, or once more
//! - [`player`]: one plugin's calls through an instance
//! - [`report`]: what came of it
//!
//! Open loop: a plugin gets what it got, whatever it answers now. Its models answer from the journal, so that nothing depends
//! on the machine; with `--recompute` they run again, and what they answer is held against the journal.

pub mod compare;
pub mod journal;
pub mod player;
pub mod report;

pub use compare::{TOLERANCE, Tolerance};
pub use report::Report;

use crate::config::Places;
use crate::plan_child;
use crate::run::Ending;
use dinrail_engine::{Engine, EngineSettings, LoadError, PluginComponent};
use dinrail_inference::{Catalog, OnnxModel};
use dinrail_store::bundle::{Bundle, BundleError};
use dinrail_store::incident::{Incident, IncidentError, ModelManifest, PluginManifest, read};
use player::Player;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// The incident.
    pub incident: PathBuf,
    /// Another component in place of the recorded one.
    pub component: Option<PathBuf>,
    /// The component of this bundle in its place; whoever signed it.
    pub bundle: Option<PathBuf>,
    /// This plugin alone.
    pub plugin: Option<String>,
    /// Whether models run again.
    pub recompute: bool,
    /// One line of JSON.
    pub json: bool,
}

/// Why nothing is replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The incident.
    #[error("`{}` is refused: {error}", path.display())]
    Incident {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        error: IncidentError,
    },
    /// The other component can't be read.
    #[error("`{}` can't be read: {error}", path.display())]
    Component {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The bundle is refused.
    #[error("`{}` is refused: {error}", path.display())]
    Bundle {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        error: BundleError,
    },
    /// A component that is none.
    #[error("the component of `{plugin}`: {error}")]
    Load {
        /// Of this plugin.
        plugin: String,
        /// Why.
        #[source]
        error: LoadError,
    },
    /// Its component was left out of the incident.
    #[error(
        "the component of `{plugin}` is not in the incident; name it with --plugin {plugin} --component FILE.wasm ({sha256})"
    )]
    LeftOut {
        /// Of this plugin.
        plugin: String,
        /// Which one it was.
        sha256: String,
    },
    /// No such plugin.
    #[error("there is no plugin `{plugin}`; {help}")]
    NoPlugin {
        /// As it was asked for.
        plugin: String,
        /// What there is.
        help: String,
    },
    /// `--component` where several plugins are meant.
    #[error("another component stands for one plugin: say which by --plugin NAME")]
    WhichPlugin,
    /// A model that can't be run again.
    #[error("the model `{model}` of `{plugin}` can't be run again: {why}")]
    Model {
        /// The plugin.
        plugin: String,
        /// The model's own name.
        model: String,
        /// Why.
        why: String,
    },
    /// The engine.
    #[error("the plugin engine can't be started: {0}")]
    Engine(#[from] dinrail_engine::EngineError),
}

/// `dinrail replay`
#[must_use]
pub fn replay_file(options: &ReplayOptions, places: &Places) -> Ending {
    match replay(options, places) {
        Ok(report) => {
            report.print(options.json);
            if report.holds() { Ending::Well } else { Ending::Failed }
        }
        Err(error) => {
            tell!("dinrail: {error}");
            Ending::Refused
        }
    }
}

/// Opens an incident.
pub fn open(path: &Path) -> Result<Incident, ReplayError> {
    let refused = |error| ReplayError::Incident { path: path.to_owned(), error };
    let file = File::open(path).map_err(|error| refused(error.into()))?;
    read(BufReader::new(file)).map_err(refused)
}

/// Replays what is asked for.
pub fn replay(options: &ReplayOptions, places: &Places) -> Result<Report, ReplayError> {
    let incident = open(&options.incident)?;
    let engine = Engine::new(EngineSettings::default())?;
    let catalog = plan_child::catalog();
    let chosen = chosen(&incident, options)?;
    let mut report = Report::new(&incident.manifest);
    for plugin in chosen {
        let refused = |error| ReplayError::Incident { path: options.incident.clone(), error };
        let (component, other) = component(&engine, &incident, plugin, options)?;
        let mut models = Vec::new();
        for model in &plugin.models {
            let again = match options.recompute {
                true => Some(load_model(&catalog, plugin, model, places)?),
                false => None,
            };
            models.push((model.clone(), again));
        }
        let tolerance = (options.recompute || other).then_some(TOLERANCE);
        let player = Player::new(&incident, plugin, component, models, other, tolerance).map_err(refused)?;
        report.plugins.push(player.play().map_err(refused)?);
        report.tolerance = report.tolerance.or(tolerance.map(|tolerance| tolerance.0));
    }
    Ok(report)
}

/// The plugins that are replayed.
fn chosen<'i>(incident: &'i Incident, options: &ReplayOptions) -> Result<Vec<&'i PluginManifest>, ReplayError> {
    let plugins = &incident.manifest.plugins;
    let Some(wanted) = &options.plugin else {
        if (options.component.is_some() || options.bundle.is_some()) && plugins.len() != 1 {
            return Err(ReplayError::WhichPlugin);
        }
        return Ok(plugins.iter().collect());
    };
    let found: Vec<_> = plugins.iter().filter(|plugin| plugin.name == *wanted).collect();
    if found.is_empty() {
        let help = crate::config::did_you_mean(wanted, plugins.iter().map(|plugin| plugin.name.as_str()));
        return Err(ReplayError::NoPlugin { plugin: wanted.clone(), help });
    }
    Ok(found)
}

/// The component to be run, and whether it is another than the recorded one.
fn component(
    engine: &Engine,
    incident: &Incident,
    plugin: &PluginManifest,
    options: &ReplayOptions,
) -> Result<(PluginComponent, bool), ReplayError> {
    let compile =
        |bytes: &[u8]| engine.compile(bytes).map_err(|error| ReplayError::Load { plugin: plugin.name.clone(), error });
    if let Some(bytes) = other_component(options)? {
        let component = compile(&bytes)?;
        let other = !component.digest().eq_ignore_ascii_case(&plugin.sha256);
        return Ok((component, other));
    }
    let refused = |error| ReplayError::Incident { path: options.incident.clone(), error };
    match incident.component(&plugin.name).map_err(refused)? {
        Some(bytes) => Ok((compile(bytes)?, false)),
        None => Err(ReplayError::LeftOut { plugin: plugin.name.clone(), sha256: plugin.sha256.clone() }),
    }
}

/// The bytes of what is named in place of the recorded component.
fn other_component(options: &ReplayOptions) -> Result<Option<Vec<u8>>, ReplayError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |error| ReplayError::Component { path, error }
    };
    if let Some(path) = &options.component {
        return std::fs::read(path).map(Some).map_err(unreadable(path));
    }
    let Some(path) = &options.bundle else { return Ok(None) };
    let file = std::fs::File::open(path).map_err(unreadable(path))?;
    let bundle = Bundle::inspect(&mut std::io::BufReader::new(file));
    let bundle = bundle.map_err(|error| ReplayError::Bundle { path: path.clone(), error })?;
    Ok(Some(bundle.component().to_vec()))
}

/// A model by its own name, where models are.
fn load_model(
    catalog: &Catalog,
    plugin: &PluginManifest,
    model: &ModelManifest,
    places: &Places,
) -> Result<Arc<OnnxModel>, ReplayError> {
    let refused = |why: String| ReplayError::Model { plugin: plugin.name.clone(), model: model.name.clone(), why };
    // The name comes from the incident, and is no path.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if model.name.is_empty() || model.name.starts_with('.') || !model.name.chars().all(plain) {
        return Err(refused("its name is none that a model may have".to_owned()));
    }
    let file = format!("{}.onnx", model.name);
    let places = places.models.iter().flat_map(|folder| [folder.join(&model.name), folder.join(&file)]);
    let path = places.into_iter().find(|path| path.exists());
    let path = path.ok_or_else(|| refused("it is in no folder of models; name one with --models DIR".to_owned()))?;
    catalog.load(&path).map_err(|error| refused(error.to_string()))
}
