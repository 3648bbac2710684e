//! The folder of what outlasts a controller: made where it is not there, and one controller's at a time.
//!
//! The system gives the lock back when its holder ends, however that was: a folder that a dead controller had blocks
//! nobody. The lock's file stays; it says who has, or last had, the folder.

use cap_std::ambient_authority;
pub use cap_std::fs::Dir;
use cap_std::fs::{OpenOptions, OpenOptionsExt as _};
use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The lock, in the folder.
const LOCK_FILE: &str = "lock";
/// What is read of a lock: a line of who holds it.
const MAX_HOLDER_BYTES: u64 = 1_024;

/// A folder that this process has for itself.
#[derive(Debug)]
pub struct StoreFolder {
    path: PathBuf,
    directory: Dir,
    /// Held as long as the folder is.
    _lock: File,
}

/// Why a folder is not had.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process has it.
    #[error("the folder `{}` is another controller's, {holder}; two of them need two folders", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
        /// Who has it, as far as it is known.
        holder: String,
    },
    /// The file system says no.
    #[error("the folder `{}`: {error}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

impl StoreFolder {
    /// Opens a folder that the configuration names, for its owner alone where it has to be made (its parent is there), and takes its lock.
    /// `holder` says who has it from here on.
    pub fn open(path: &Path, holder: &str) -> Result<StoreFolder, FolderError> {
        let io = |error| FolderError::Io { path: path.to_owned(), error };
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io(error)),
        }
        let directory = look(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut lock = directory.open_with(LOCK_FILE, &options).map_err(io)?.into_std();
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Who has it may not have written its name yet.
                let _ = lock.take(MAX_HOLDER_BYTES).read_to_string(&mut text);
                let holder = text.trim().replace(char::is_control, " ");
                let holder = if holder.is_empty() { "just started".to_owned() } else { holder };
                return Err(FolderError::Taken { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        lock.set_len(0).and_then(|()| lock.write_all(holder.as_bytes())).map_err(io)?;
        Ok(StoreFolder { path: path.to_owned(), directory, _lock: lock })
    }

    /// As the configuration names it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, and nothing else.
    #[must_use]
    pub fn directory(&self) -> &Dir {
        &self.directory
    }
}

/// A folder for who only reads it, whoever has it.
pub fn look(path: &Path) -> Result<Dir, FolderError> {
    Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| FolderError::Io { path: path.to_owned(), error })
}

/// Has the disk keep the names in a directory: files that were made, renamed or removed.
pub fn sync_names(directory: &Dir) -> io::Result<()> {
    directory.open(".")?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_is_made_for_its_owner_alone_and_one_has_it() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("store");
        let folder = StoreFolder::open(&path, "process 1 with a.toml").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let taken = StoreFolder::open(&path, "process 2").unwrap_err().to_string();
        assert!(taken.contains("process 1 with a.toml") && taken.contains("store"), "{taken}");
        drop(folder);
        let next = StoreFolder::open(&path, "p 2").unwrap();
        assert_eq!(
            std::fs::read_to_string(path.join(LOCK_FILE)).unwrap(),
            "p 2",
            "a shorter name leaves nothing behind"
        );
        assert!(sync_names(next.directory()).is_ok());
        assert!(look(&path).is_ok(), "who only reads needs no lock");
    }

    #[test]
    fn what_is_no_folder_is_refused_by_name() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, "precious").unwrap();
        for path in [&file, &parent.path().join("no/such/parent")] {
            let error = StoreFolder::open(path, "me").unwrap_err();
            assert!(matches!(error, FolderError::Io { .. }), "{error}");
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
        assert!(look(&parent.path().join("none")).is_err());
    }
}
