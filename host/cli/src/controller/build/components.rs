//! Components by file or by name, for what needs no configuration: `describe`, and another plugin in `score`.

use super::Workshop;
use crate::config::Places;
use dinrail_engine::{LoadError, PluginComponent};
use std::path::{Path, PathBuf};

/// Why a component can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// Neither a file nor an installed plugin.
    #[error("`{}` is no component file, and none that is installed", .0.display())]
    Missing(PathBuf),
    /// A file that can't be read.
    #[error("`{}` can't be read: {error}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A file that is no plugin of this version.
    #[error("`{}`: {error}", path.display())]
    Load {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: LoadError,
    },
}

impl Workshop {
    /// A component file, or the installed plugin of this name, with the file that it was found in.
    pub fn open(&self, wanted: &Path, places: &Places) -> Result<(PathBuf, PluginComponent), ComponentError> {
        let here = std::iter::once(wanted.to_owned());
        let name = format!("{}.wasm", wanted.display());
        let installed = places.plugins.iter().flat_map(|folder| [folder.join(wanted), folder.join(&name)]);
        let path = here.chain(installed).find(|path| path.is_file());
        let path = path.ok_or_else(|| ComponentError::Missing(wanted.to_owned()))?;
        let bytes = std::fs::read(&path).map_err(|error| ComponentError::Read { path: path.clone(), error })?;
        match self.component(&path, bytes) {
            Ok(component) => Ok((path, component)),
            Err(error) => Err(ComponentError::Load { path, error }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn what_is_missing_and_what_is_no_component_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("text.wasm"), "no component").unwrap();
        let places = Places { plugins: vec![folder.path().to_owned()], models: vec![] };
        let workshop = Workshop::new().unwrap();
        let open = |name: &str| workshop.open(Path::new(name), &places).err().unwrap();
        assert!(matches!(open("nothing-there"), ComponentError::Missing(_)));
        for name in ["text", "text.wasm"] {
            let error = open(name);
            assert!(matches!(&error, ComponentError::Load { path, .. } if path.ends_with("text.wasm")), "{error}");
        }
    }
}
