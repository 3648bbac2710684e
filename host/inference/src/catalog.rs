//! From a path to a loaded, checked model.

use crate::inspect::{InspectError, inspect};
use crate::manifest::{MANIFEST_FILE, Manifest, ManifestError};
use crate::model::OnnxModel;
use crate::planner::{Planner, PlannerError};
use crate::reference::{Reference, ReferenceError};
use dinrail_core::inference::InferenceError;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tract_onnx::prelude::*;

/// Largest ONNX file: a ResNet-50 in f32 has 98 MiB.
pub const MAX_MODEL_BYTES: u64 = 128 * 1024 * 1024;
/// Largest `model.toml`.
pub const MAX_MANIFEST_BYTES: u64 = 64 * 1024;
/// Largest file of reference vectors: a picture's worth of numbers in JSON, a few times over.
pub const MAX_REFERENCE_BYTES: u64 = 16 * 1024 * 1024;

/// Most models that are remembered as accepted; past it all are forgotten, and are planned in a child once more.
pub const MAX_ACCEPTED: usize = 1_024;

/// What a model is known by: SHA-256 of the file and text of the description, or a bare file's name.
type Key = (String, String);

/// The models of a host: each loaded and planned once, however many plugins use it.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Weak: what no plugin uses goes.
    loaded: Mutex<HashMap<Key, Weak<OnnxModel>>>,
    /// Where a model is tried out before it is loaded here.
    planner: Option<Planner>,
    /// What the planner said yes to.
    accepted: Mutex<HashSet<Key>>,
}

/// Why a model was not loaded. Every message names the file.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum LoadError {
    #[error("`{}` can't be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is not a regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("`{}` is neither a directory with a `{MANIFEST_FILE}` nor an `.onnx` file", path.display())]
    NotAModel { path: PathBuf },
    #[error("`{}` has {bytes} bytes; at most {limit} are read", path.display())]
    TooLarge { path: PathBuf, bytes: u64, limit: u64 },
    #[error("`{}` is not text", path.display())]
    NotText { path: PathBuf, source: std::string::FromUtf8Error },
    #[error("`{}`: {source}", path.display())]
    Manifest { path: PathBuf, source: ManifestError },
    #[error("`{}` has the SHA-256 {given}, its `{MANIFEST_FILE}` says {expected}", path.display())]
    Hash { path: PathBuf, expected: String, given: String },
    #[error("`{}` is not an ONNX file: {reason}", path.display())]
    Decode { path: PathBuf, reason: String },
    #[error("`{}` is refused: {source}", path.display())]
    Refused { path: PathBuf, source: Box<InspectError> },
    #[error("`{}`: output `{output}` declares no shape; describe it in a `{MANIFEST_FILE}`", path.display())]
    NoShape { path: PathBuf, output: String },
    #[error("`{}` can't be loaded: {reason}", path.display())]
    Load { path: PathBuf, reason: String },
    #[error("`{}`: {source}", path.display())]
    Plan { path: PathBuf, source: InferenceError },
    #[error("`{}`: {source}", path.display())]
    Planning { path: PathBuf, source: PlannerError },
    #[error("`{}` changed while it was looked at; load it once more", path.display())]
    Changed { path: PathBuf },
    #[error("`{}` does not hold on this machine: {source}", path.display())]
    Reference { path: PathBuf, source: ReferenceError },
}

/// What a path stands for, before anything of the model was looked at.
struct Files {
    onnx: PathBuf,
    name: String,
    /// With its text, by which the catalog knows it again.
    manifest: Option<(PathBuf, Manifest, String)>,
    reference: Option<PathBuf>,
}

impl Catalog {
    /// An empty catalog that plans in this process.
    #[must_use]
    pub fn new() -> Catalog {
        Catalog::default()
    }

    /// An empty catalog that has each model [tried out in a child](crate::planner) when it first sees it.
    #[must_use]
    pub fn with_planner(planner: Planner) -> Catalog {
        Catalog { planner: Some(planner), ..Catalog::default() }
    }

    /// Loads a model directory or a bare `.onnx` file: digest, [inspection](crate::inspect), description, a first plan,
    /// reference vectors. The files are read anew each time; where they are what is loaded already, that is given.
    pub fn load(&self, path: &Path) -> Result<Arc<OnnxModel>, LoadError> {
        let files = find(path)?;
        let bytes = read(&files.onnx, MAX_MODEL_BYTES)?;
        let sha256 = hexadecimal(&Sha256::digest(&bytes));
        let text = match &files.manifest {
            Some((_, manifest, _)) if !manifest.sha256.eq_ignore_ascii_case(&sha256) => {
                let expected = manifest.sha256.to_ascii_lowercase();
                return Err(LoadError::Hash { path: files.onnx, expected, given: sha256 });
            }
            Some((_, _, text)) => text.clone(),
            None => files.name.clone(),
        };
        let key = (sha256, text);
        if let Some(model) = self.loaded().get(&key).and_then(Weak::upgrade) {
            return Ok(model);
        }
        self.try_in_child(path, &key)?;
        let model = Arc::new(build(&files, &key.0, &bytes)?);
        try_out(&files, &model)?;
        let mut loaded = self.loaded();
        loaded.retain(|_, model| model.strong_count() > 0);
        loaded.insert(key, Arc::downgrade(&model));
        Ok(model)
    }

    /// Has the model tried out where it can do no harm, unless that was done already.
    fn try_in_child(&self, path: &Path, key: &Key) -> Result<(), LoadError> {
        let Some(planner) = &self.planner else { return Ok(()) };
        // Nothing panics under this lock.
        let accepted = || self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if accepted().contains(key) {
            return Ok(());
        }
        let planning = |source| LoadError::Planning { path: path.to_owned(), source };
        if planner.try_out(path).map_err(planning)? != key.0 {
            return Err(LoadError::Changed { path: path.to_owned() });
        }
        let mut accepted = accepted();
        if accepted.len() >= MAX_ACCEPTED {
            accepted.clear();
        }
        accepted.insert(key.clone());
        Ok(())
    }

    fn loaded(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Weak<OnnxModel>>> {
        // Nothing panics under this lock.
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(path: &Path) -> Result<Files, LoadError> {
    if !path.is_dir() {
        let onnx = path.to_owned();
        if path.extension().is_none_or(|ending| ending != "onnx") {
            return Err(LoadError::NotAModel { path: onnx });
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(Files { onnx, name, manifest: None, reference: None });
    }
    let described = path.join(MANIFEST_FILE);
    if !described.exists() {
        return Err(LoadError::NotAModel { path: path.to_owned() });
    }
    not_a_link(&described)?;
    let text = String::from_utf8(read(&described, MAX_MANIFEST_BYTES)?)
        .map_err(|source| LoadError::NotText { path: described.clone(), source })?;
    let manifest = Manifest::parse(&text).map_err(|source| LoadError::Manifest { path: described.clone(), source })?;
    let onnx = path.join(&manifest.file);
    not_a_link(&onnx)?;
    let reference = manifest.reference.as_ref().map(|name| path.join(name));
    reference.as_deref().map_or(Ok(()), not_a_link)?;
    Ok(Files { onnx, name: manifest.name.clone(), manifest: Some((described, manifest, text)), reference })
}

/// A file that a description names lies in its directory itself.
fn not_a_link(path: &Path) -> Result<(), LoadError> {
    let meta = fs::symlink_metadata(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    if meta.is_file() { Ok(()) } else { Err(LoadError::NotAFile { path: path.to_owned() }) }
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    // Asked before it is opened: opening a pipe would wait for its writer.
    let meta = fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(LoadError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    if meta.len() <= limit {
        // It may have grown meanwhile.
        File::open(path).map_err(failed)?.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    let length = meta.len().max(bytes.len() as u64);
    if length > limit { Err(LoadError::TooLarge { path: path.to_owned(), bytes: length, limit }) } else { Ok(bytes) }
}

fn build(files: &Files, sha256: &str, mut bytes: &[u8]) -> Result<OnnxModel, LoadError> {
    let path = || files.onnx.clone();
    let proto = tract_onnx::onnx()
        .proto_model_for_read(&mut bytes)
        .map_err(|error| LoadError::Decode { path: path(), reason: format!("{error:#}") })?;
    let mut signature = inspect(&proto).map_err(|source| LoadError::Refused { path: path(), source: source.into() })?;
    if let Some((described, manifest, _)) = &files.manifest {
        signature =
            manifest.narrow(signature).map_err(|source| LoadError::Manifest { path: described.clone(), source })?;
    }
    if let Some(output) = signature.outputs.iter().find(|output| output.sizes.is_none()) {
        return Err(LoadError::NoShape { path: path(), output: output.name.clone() });
    }
    let manifest = files.manifest.as_ref().map(|(_, manifest, _)| manifest.clone());
    OnnxModel::new(files.name.clone(), sha256.to_owned(), manifest, signature, &proto)
        .map_err(|reason| LoadError::Load { path: path(), reason })
}

/// Plans the model where one batch says its shapes, and runs its reference vectors where it has some.
fn try_out(files: &Files, model: &Arc<OnnxModel>) -> Result<(), LoadError> {
    if model.only_batch_is_open() {
        model.prepare(1).map_err(|source| LoadError::Plan { path: files.onnx.clone(), source })?;
    }
    let Some(path) = &files.reference else { return Ok(()) };
    let vectors = read(path, MAX_REFERENCE_BYTES)?;
    Reference::parse(&vectors)
        .and_then(|reference| reference.check(model))
        .map_err(|source| LoadError::Reference { path: path.clone(), source })?;
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panic")]
    use super::*;
    use crate::fixtures::{Build, DOUBLER_REFERENCE, manifest_of};
    use dinrail_core::inference::{Model, Tensor};
    use tempfile::TempDir;

    fn directory() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let bytes = Build::doubler().bytes();
        fs::write(directory.path().join("model.toml"), manifest_of(&bytes)).unwrap();
        fs::write(directory.path().join("model.onnx"), bytes).unwrap();
        fs::write(directory.path().join("reference.json"), DOUBLER_REFERENCE).unwrap();
        directory
    }

    fn refused(path: &Path, expected: &str) {
        let text = Catalog::new().load(path).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_directory_and_a_bare_file_load_once_each() {
        let directory = directory();
        let catalog = Catalog::new();
        let model = catalog.load(directory.path()).unwrap();
        assert_eq!(model.name(), "doubler");
        assert_eq!(model.manifest().unwrap().inputs[0].unit, "1");
        assert!(Arc::ptr_eq(&model, &catalog.load(directory.path()).unwrap()));
        let bare = catalog.load(&directory.path().join("model.onnx")).unwrap();
        assert_eq!((bare.name(), bare.sha256()), ("model", model.sha256()));
        drop((model, bare));
        assert!(catalog.loaded().values().all(|model| model.upgrade().is_none()));
    }

    #[test]
    fn a_changed_file_is_refused_with_both_digests() {
        let directory = directory();
        let path = directory.path().join("model.onnx");
        let mut bytes = fs::read(&path).unwrap();
        let before = hexadecimal(&Sha256::digest(&bytes));
        *bytes.last_mut().unwrap() ^= 1;
        let after = hexadecimal(&Sha256::digest(&bytes));
        fs::write(&path, bytes).unwrap();
        refused(directory.path(), &format!("has the SHA-256 {after}, its `model.toml` says {before}"));
    }

    #[test]
    fn vectors_that_do_not_hold_refuse_the_model() {
        let directory = directory();
        fs::write(directory.path().join("reference.json"), DOUBLER_REFERENCE.replace("2.0", "2.5")).unwrap();
        refused(directory.path(), "does not hold on this machine: case 0: output `y`, value 0: 2 came");
        fs::remove_file(directory.path().join("reference.json")).unwrap();
        refused(directory.path(), "reference.json` can't be read");
    }

    #[test]
    fn only_regular_files_of_bounded_size_are_read() {
        let directory = directory();
        let at = |name: &str| directory.path().join(name);
        refused(&at("nothing.onnx"), "can't be read");
        refused(&at("reference.json"), "neither a directory");
        fs::create_dir(at("empty")).unwrap();
        refused(&at("empty"), "neither a directory");
        fs::create_dir(at("folder.onnx")).unwrap();
        refused(&at("folder.onnx"), "neither a directory");
        fs::write(at("garbage.onnx"), b"garbage").unwrap();
        refused(&at("garbage.onnx"), "is not an ONNX file");
        File::create(at("huge.onnx")).unwrap().set_len(MAX_MODEL_BYTES + 1).unwrap();
        refused(&at("huge.onnx"), "has 134217729 bytes; at most 134217728 are read");
    }

    #[cfg(unix)]
    #[test]
    fn a_description_does_not_lead_out_of_its_directory() {
        let directory = directory();
        let outside = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.onnx");
        fs::rename(&path, outside.path().join("model.onnx")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("model.onnx"), &path).unwrap();
        refused(directory.path(), "model.onnx` is not a regular file");
    }

    #[test]
    fn external_data_is_refused_before_any_file_is_touched() {
        let directory = tempfile::tempdir().unwrap();
        for location in ["../secret", "/etc/passwd", "weights.bin"] {
            let mut build = Build::doubler();
            build.external = Some(location);
            let path = directory.path().join("model.onnx");
            fs::write(&path, build.bytes()).unwrap();
            refused(&path, "tensor `two` lies in another file");
        }
    }

    #[test]
    fn a_model_that_can_not_be_planned_is_refused_at_load() {
        let directory = tempfile::tempdir().unwrap();
        let mut build = Build::autoencoder(4, &[2]);
        // The first layer's weights no longer fit the input.
        build.weights[0].dims = vec![2, 4];
        let path = directory.path().join("model.onnx");
        fs::write(&path, build.bytes()).unwrap();
        refused(&path, "can't be planned for inputs of shape [[1, 4]]");
        let mut build = Build::doubler();
        // Neither the input's last size nor 1.
        build.weights[0].dims = vec![3];
        build.weights[0].float_data = vec![2.0; 3];
        fs::write(&path, build.bytes()).unwrap();
        refused(&path, "is not known ahead");
        let mut build = Build::doubler();
        build.output_sizes = Some(vec!["batch".into(), "5".into()]);
        fs::write(&path, build.bytes()).unwrap();
        refused(&path, "output `y`: computed in the shape [1, 4], declared as [batch, 5]");
    }

    #[test]
    fn every_byte_cut_off_is_an_error_and_not_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let bytes = Build::doubler().bytes();
        let path = directory.path().join("model.onnx");
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            // A protobuf cut between two fields is a smaller model; what loads must run.
            if let Ok(model) = Catalog::new().load(&path) {
                let shape = model.inputs()[0].shape.iter().map(|size| size.unwrap_or(1)).collect::<Vec<_>>();
                let count: u32 = shape.iter().product();
                let input = Tensor::new(shape, vec![1.0; count as usize].into()).unwrap();
                model.session().run(&[input], None).unwrap();
            }
        }
    }

    #[test]
    fn the_models_of_this_repository_load() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let model = Catalog::new().load(&models.join("channel-autoencoder")).unwrap();
        assert_eq!(model.inputs()[0].shape, [None, Some(32)]);
        assert_eq!(model.outputs()[0].shape, [None, Some(32)]);
    }
}
