//! The engine, and what was compiled and loaded by it.

use super::BuildError;
use dinrail_engine::{Engine, EngineSettings, PluginComponent};
use dinrail_inference::{Catalog, OnnxModel};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The engine, and what it has compiled: several runs in one process share it, and cloning shares it too.
#[derive(Clone)]
pub struct Workshop {
    engine: Engine,
    pub(super) catalog: Arc<Catalog>,
    compiled: Arc<Mutex<Compiled>>,
}

/// By file: its bytes, and the component that they made.
type Compiled = HashMap<PathBuf, (Vec<u8>, PluginComponent)>;

impl Workshop {
    /// With nothing in it.
    pub fn new() -> Result<Workshop, BuildError> {
        let engine = Engine::new(EngineSettings::default())?;
        Ok(Workshop { engine, catalog: Arc::new(crate::plan_child::catalog()), compiled: Arc::default() })
    }

    /// A model, loaded and checked.
    pub(crate) fn load_model(&self, path: &Path) -> Result<Arc<OnnxModel>, dinrail_inference::LoadError> {
        self.catalog.load(path)
    }

    /// The component of these bytes; compiled once as long as the file stays the same.
    pub(super) fn component(&self, path: &Path, bytes: Vec<u8>) -> Result<PluginComponent, dinrail_engine::LoadError> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, component)) = compiled.get(path).filter(|(known, _)| *known == bytes) {
            return Ok(component.clone());
        }
        let component = self.engine.compile(&bytes)?;
        compiled.insert(path.to_owned(), (bytes, component.clone()));
        Ok(component)
    }
}
