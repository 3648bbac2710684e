//! The bundles that a controller keeps, and which of them run: all of it in one folder, and a power cut at any moment
//! leaves either what was or what should be.
//!
//! ```text
//! index.redb                                    what is installed, what runs, what is about to
//! bundles/DIGEST.rail                           each bundle as it came
//! unpacked/DIGEST/models/SLOT/model.onnx …      its models and tables as files, for those who want files
//! unpacked/DIGEST/assets/NAME.csv
//! ```
//!
//! A file is written beside its place, synced, renamed and its folder synced before the index names it, and what the
//! index no longer names is swept away at the next opening. Each change of the index is one transaction. No link is
//! followed, and nothing outside of the folder is written.
//!
//! ```text
//!                 adopt                    begin                     commit
//! (nothing runs) ───────▶ running n ──────────────▶ running n, intent ───────▶ running n + 1, previous n
//!                             ▲                            │
//!                             └── abort, or opening anew ──┘  a strike; after two the digest is barred
//! ```
//!
//! - [`error`]: what is refused
//! - [`record`]: what the index says
//! - [`install`]: which bundles are taken
//! - [`find`]: which of those installed is meant
//! - [`run`]: what runs, and the change from one to the next
//! - [`files`]: reading a bundle again, and its files
//!
//! All calls block; the caller has a thread for them. After [`IndexError::Database`] the folder is to be opened anew: what
//! was asked for was done or was not, and the index says nothing more until then.

pub mod error;
pub mod files;
pub mod find;
pub mod install;
pub mod record;
pub mod run;

mod folder;
mod index;
mod steps;

pub use error::{IndexError, InstallError, InstalledError};
pub use files::Files;
pub use install::InstallRules;
pub use record::{InstalledBundle, Intent, Previous, Recovery, Reverted, Running};

use folder::Folder;
use index::{BUNDLES, Index};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use steps::Steps;

/// Most bundles: a dozen plugins with the versions of some years. More is refused until one is removed.
pub const MAX_BUNDLES: usize = 64;
/// Most bytes of all bundles together; unpacked they take as much again at most, so 4 GiB of a controller's flash.
pub const MAX_TOTAL_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Most plugins of which something runs.
pub const MAX_PLUGINS: usize = 256;
/// Longest name of a plugin, a user or a moment, in bytes.
pub const MAX_TEXT_BYTES: usize = 128;
/// Longest encoding of a plugin's parameters; a parameter is a number or a short text.
pub const MAX_PARAMETERS_BYTES: usize = 64 * 1024;
/// In place of a digest: the component that the configuration names, which is no bundle.
pub const CONFIGURED: &str = "configured";
/// Failed changes to a digest after which it is barred for that plugin.
pub const STRIKES_TO_BAR: u32 = 2;

/// The folder of the bundles, open. There is one at a time for a folder.
#[derive(Debug)]
pub struct Installed {
    index: Index,
    bundles: Folder,
    unpacked: Folder,
    recovery: Recovery,
    limits: Limits,
    /// One change at a time, of the files and of the index.
    turn: Mutex<()>,
}

/// Of what is kept; smaller in tests.
#[derive(Clone, Copy, Debug)]
struct Limits {
    bundles: usize,
    bytes: u64,
}

impl Installed {
    /// Opens the folder, and makes it (mode 0700) where there is none. Opening is also recovery: a change that was begun
    /// and not committed is undone and counts as a strike, see [`Installed::recovered`]; leftover files are swept away.
    ///
    /// # Errors
    /// Of the file system; of an index that is damaged, newer, missing or open elsewhere; a link where a folder should
    /// be.
    pub fn open(folder: &Path) -> Result<Installed, InstalledError> {
        Installed::open_with(folder, Steps::default())
    }

    /// The same with the index elsewhere than in the folder; for tests that cut its power.
    ///
    /// # Errors
    /// As of [`Installed::open`].
    pub fn with_backend(folder: &Path, backend: impl redb::StorageBackend) -> Result<Installed, InstalledError> {
        let folder = Folder::open(folder, Steps::default())?;
        let index = Index::open(backend, Steps::default())?;
        Installed::over(&folder, index)
    }

    fn open_with(folder: &Path, steps: Steps) -> Result<Installed, InstalledError> {
        let folder = Folder::open(folder, steps.clone())?;
        let index = Index::open_in(&folder, steps)?;
        Installed::over(&folder, index)
    }

    fn over(folder: &Folder, index: Index) -> Result<Installed, InstalledError> {
        let reverted = run::recover(&index)?;
        let mut installed = Installed {
            index,
            bundles: folder.child("bundles")?,
            unpacked: folder.child("unpacked")?,
            recovery: Recovery { reverted, ..Recovery::default() },
            limits: Limits { bundles: MAX_BUNDLES, bytes: MAX_TOTAL_BYTES },
            turn: Mutex::new(()),
        };
        let (swept, left) = installed.sweep()?;
        installed.recovery.swept = swept;
        installed.recovery.left = left;
        Ok(installed)
    }

    /// What opening found and put right.
    #[must_use]
    pub fn recovered(&self) -> &Recovery {
        &self.recovery
    }

    /// All that are installed, by digest.
    ///
    /// # Errors
    /// Of the index.
    pub fn bundles(&self) -> Result<BTreeMap<String, InstalledBundle>, InstalledError> {
        self.index.read(|index| Ok(index.all(&BUNDLES)?))
    }

    /// Removes a bundle and its files.
    ///
    /// # Errors
    /// [`InstalledError::Unknown`]; [`InstalledError::InUse`] while it runs, ran before what runs, or is about to run.
    pub fn remove(&self, digest: &str) -> Result<(), InstalledError> {
        let _turn = self.turn();
        self.index.change(|index| {
            if index.remove(&BUNDLES, digest)?.is_none() {
                return Err(InstalledError::Unknown { digest: digest.to_owned() });
            }
            match run::user(&index.running()?, &index.intents()?, digest) {
                Some(plugin) => Err(InstalledError::InUse { digest: digest.to_owned(), plugin }),
                None => Ok(()),
            }
        })?;
        // From here on it is gone; a file that stays is swept at the next opening.
        self.discard_files(digest)
    }

    fn record(&self, digest: &str) -> Result<InstalledBundle, InstalledError> {
        let found = self.index.read(|index| Ok::<_, InstalledError>(index.get(&BUNDLES, digest)?))?;
        found.ok_or_else(|| InstalledError::Unknown { digest: digest.to_owned() })
    }

    /// It guards no data, so what a panic left behind is none.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
