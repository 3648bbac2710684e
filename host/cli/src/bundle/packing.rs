//! From a component, models and tables to a bundle.

use super::capabilities::capabilities;
use super::{CommandError, ended, replace, secret_key};
use crate::config::Places;
use crate::controller::build::Workshop;
use crate::run::Ending;
use dinrail_core::description::Description;
use dinrail_engine::{Limits, Pace, PluginComponent, Profile};
use dinrail_store::assets::AssetDirectory;
use dinrail_store::bundle::described::Described;
use dinrail_store::bundle::pack::{Content, pack as encode};
use dinrail_store::bundle::{EXTENSION, Manifest, PartKind};
use std::path::{Path, PathBuf};

/// The interfaces that this dinrail knows.
const WIT: &str = "dinrail:plugin@0.1.0";
/// A model's files that go along where they are there; the first has to be.
const MODEL_FILES: [&str; 3] = ["model.onnx", "model.toml", "reference.json"];

/// What `dinrail bundle pack` is told.
#[derive(Clone, Debug, Default)]
pub struct PackOptions {
    /// A component file, or the name of an installed plugin.
    pub component: PathBuf,
    /// `SLOT` and a model's directory or `.onnx` file.
    pub models: Vec<(String, PathBuf)>,
    /// Tables.
    pub assets: Vec<PathBuf>,
    /// Recorded calls and their results.
    pub trace: Option<PathBuf>,
    /// What it was built from.
    pub sbom: Option<PathBuf>,
    /// In place of the plugin's own.
    pub name: Option<String>,
    /// What is new.
    pub changes: String,
    /// Last day for an installation.
    pub expires: Option<String>,
    /// Whether an instance gets the limits of interpreted languages.
    pub interpreted: bool,
    /// In place of this dinrail's version.
    pub minimum_dinrail: Option<String>,
    /// Signs it.
    pub key: Option<PathBuf>,
    /// A folder, or a file that ends with `.rail`; unsaid: this folder.
    pub output: Option<PathBuf>,
}

/// Packs a bundle.
#[must_use]
pub fn pack(options: &PackOptions, places: &Places) -> Ending {
    ended(packed(options, places))
}

fn packed(options: &PackOptions, places: &Places) -> Result<String, CommandError> {
    let failed = |error: String| CommandError::Pack(error);
    let key = options.key.as_deref().map(secret_key).transpose()?;
    let workshop = Workshop::new().map_err(|error| failed(error.to_string()))?;
    let (path, component) = workshop.open(&options.component, places).map_err(|error| failed(error.to_string()))?;
    let profile = if options.interpreted { Profile::Interpreted } else { Profile::Compiled };
    let limits = Limits::new(profile, Pace::Background);
    let description = component.describe(&limits).map_err(|error| failed(format!("`{}`: {error}", path.display())))?;
    let mut contents = vec![file(&path, PartKind::Component, "component.wasm".to_owned())?];
    for (slot, model) in &options.models {
        check_model(&workshop, &description, slot, model)?;
        contents.extend(model_files(slot, model)?);
    }
    for asset in &options.assets {
        contents.push(asset_file(asset)?);
    }
    for (path, kind, name) in
        [(&options.trace, PartKind::Trace, "trace.tar.gz"), (&options.sbom, PartKind::Sbom, "sbom.json")]
    {
        if let Some(path) = path {
            contents.push(file(path, kind, name.to_owned())?);
        }
    }
    let manifest = manifest(options, &component, &description);
    let name = format!("{}-{}.{EXTENSION}", manifest.name, manifest.version);
    let bytes = encode(manifest, contents, key.as_ref())?;
    let output = match &options.output {
        Some(output) if output.extension().is_some_and(|ending| ending == EXTENSION) => output.clone(),
        Some(folder) => folder.join(name),
        None => PathBuf::from(name),
    };
    replace(&output, &bytes)?;
    let by = key.map_or("signed by nobody".to_owned(), |key| format!("signed by {}", key.public().fingerprint()));
    Ok(format!("{} ({} KiB), {by}\n", output.display(), bytes.len().div_ceil(1024)))
}

fn manifest(options: &PackOptions, component: &PluginComponent, description: &Description) -> Manifest {
    let own = env!("CARGO_PKG_VERSION");
    Manifest {
        name: options.name.clone().unwrap_or_else(|| description.name.clone()),
        version: description.version.clone(),
        world: component.world().name().to_owned(),
        wit: WIT.to_owned(),
        minimum_dinrail: options.minimum_dinrail.clone().unwrap_or_else(|| own.to_owned()),
        expires: options.expires.clone(),
        changes: options.changes.clone(),
        limits: if options.interpreted { "interpreted" } else { "compiled" }.to_owned(),
        capabilities: capabilities(component, description),
        description: Described::from(description),
        parts: Vec::new(),
    }
}

/// A model must fit its slot: whoever installs the bundle can't mend it.
fn check_model(workshop: &Workshop, described: &Description, slot: &str, path: &Path) -> Result<(), CommandError> {
    let Some(known) = described.models.iter().find(|known| known.name == slot) else {
        let slots: Vec<&str> = described.models.iter().map(|known| known.name.as_str()).collect();
        let slots = if slots.is_empty() { "none".to_owned() } else { slots.join(", ") };
        return Err(CommandError::Pack(format!("{} has no model slot `{slot}`; its slots: {slots}", described.name)));
    };
    let loaded = workshop.load_model(path).map_err(|error| CommandError::Pack(error.to_string()))?;
    loaded.check_slot(known).map_err(|error| CommandError::Pack(format!("`{}`: {error}", path.display())))
}

fn model_files(slot: &str, path: &Path) -> Result<Vec<Content>, CommandError> {
    if path.is_file() {
        return Ok(vec![file(path, PartKind::Model, format!("{slot}/{}", MODEL_FILES[0]))?]);
    }
    let present = MODEL_FILES.into_iter().filter(|name| path.join(name).is_file());
    present.map(|name| file(&path.join(name), PartKind::Model, format!("{slot}/{name}"))).collect()
}

/// A table that the plugin would be given: it is read once, so that a bad one is told now.
fn asset_file(path: &Path) -> Result<Content, CommandError> {
    let wrong = |why: String| CommandError::Pack(format!("`{}`: {why}", path.display()));
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| wrong("not a file's name".to_owned()))?;
    let stem = name.strip_suffix(".csv").ok_or_else(|| wrong("a table's name ends with `.csv`".to_owned()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let tables = AssetDirectory::open(folder).map_err(|error| CommandError::Pack(error.to_string()))?;
    tables.load(stem).map_err(|error| CommandError::Pack(error.to_string()))?;
    file(path, PartKind::Asset, name.to_owned())
}

fn file(path: &Path, kind: PartKind, name: String) -> Result<Content, CommandError> {
    let bytes = std::fs::read(path).map_err(|error| CommandError::File { path: path.to_owned(), error })?;
    Ok(Content { kind, name, sealed_to: None, bytes })
}
