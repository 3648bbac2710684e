//! A folder that is written durably and in which no link is followed.

use super::error::InstalledError;
use super::steps::Steps;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// What is written beside a file's place ends with this.
pub(super) const PARTIAL: &str = ".partial";

/// A folder, open: what happens to its path meanwhile moves nothing.
#[derive(Debug)]
pub(super) struct Folder {
    /// For messages, and for those who want paths.
    path: PathBuf,
    directory: Dir,
    steps: Steps,
}

impl Folder {
    /// Opens the outermost one, made with mode 0700 where it is missing.
    pub(super) fn open(path: &Path, steps: Steps) -> Result<Folder, InstalledError> {
        use std::os::unix::fs::DirBuilderExt;
        let failed = |source| InstalledError::File { path: path.to_owned(), source };
        std::fs::DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(failed)?;
        let directory = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
        // What a `Dir` opens names a place only (`O_PATH`), and such a descriptor can't be synced.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&directory, ".", flags, Mode::empty());
        let directory = Dir::from_std_file(File::from(opened.map_err(|error| failed(error.into()))?));
        Ok(Folder { path: path.to_owned(), directory, steps })
    }

    /// Where this is, or would be.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder of this name, made where it is missing.
    pub(super) fn child(&self, name: &str) -> Result<Folder, InstalledError> {
        if let Some(found) = self.existing(name)? {
            return Ok(found);
        }
        let made = self.steps.step().and_then(|()| {
            rustix::fs::mkdirat(&self.directory, name, Mode::RWXU)?;
            self.sync()
        });
        made.map_err(self.failed(name))?;
        self.existing(name)?.ok_or_else(|| self.failed(name)(io::ErrorKind::NotFound.into()))
    }

    /// The folder of this name, if there is one.
    pub(super) fn existing(&self, name: &str) -> Result<Option<Folder>, InstalledError> {
        let Some(file) = self.open_at(name, OFlags::RDONLY | OFlags::DIRECTORY)? else { return Ok(None) };
        let directory = Dir::from_std_file(file);
        Ok(Some(Folder { path: self.path_of(name), directory, steps: self.steps.clone() }))
    }

    /// The regular file of this name for reading, if there is one.
    pub(super) fn file(&self, name: &str) -> Result<Option<File>, InstalledError> {
        self.regular(name, OFlags::RDONLY)
    }

    /// The same for reading and writing.
    pub(super) fn file_to_change(&self, name: &str) -> Result<Option<File>, InstalledError> {
        self.regular(name, OFlags::RDWR)
    }

    /// A new, empty file, in the place of any of that name.
    pub(super) fn fresh(&self, name: &str) -> Result<File, InstalledError> {
        self.discard(name)?;
        self.steps.step().map_err(self.failed(name))?;
        let made = self.open_at(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
        made.ok_or_else(|| self.failed(name)(io::ErrorKind::NotFound.into()))
    }

    /// Writes a file: whoever looks finds the old one or the whole new one, also after a power cut.
    pub(super) fn replace(
        &self,
        name: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), InstalledError> {
        let partial = format!("{name}{PARTIAL}");
        let mut file = self.fresh(&partial)?;
        let written = self.steps.step().and_then(|()| write(&mut file)).and_then(|()| {
            self.steps.step()?;
            file.sync_all()
        });
        let settled = written.map_err(self.failed(name)).and_then(|()| self.settle(&partial, name));
        if settled.is_err() {
            // The disk may be full; that it can't be taken away either would say nothing new.
            let _ = self.discard(&partial);
        }
        settled
    }

    /// Gives a synced file its name.
    pub(super) fn settle(&self, partial: &str, name: &str) -> Result<(), InstalledError> {
        let renamed = self.steps.step().and_then(|()| self.directory.rename(partial, &self.directory, name));
        renamed.and_then(|()| self.sync()).map_err(self.failed(name))
    }

    /// What is in it, in no order. A name that is no text is none that dinrail wrote, and is left out.
    pub(super) fn names(&self) -> Result<Vec<String>, InstalledError> {
        let failed = |source| InstalledError::File { path: self.path.clone(), source };
        let entries = self.directory.entries().map_err(failed)?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
        let names: Vec<Option<String>> = names.collect::<io::Result<_>>().map_err(failed)?;
        Ok(names.into_iter().flatten().collect())
    }

    /// Takes away a file, a link (not what it leads to) or a whole folder; whether there was one.
    pub(super) fn discard(&self, name: &str) -> Result<bool, InstalledError> {
        let kind = match self.directory.symlink_metadata(plain(name).map_err(self.failed(name))?) {
            Ok(meta) => meta.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.failed(name)(error)),
        };
        let gone = self.steps.step().and_then(|()| {
            if kind.is_dir() { self.directory.remove_dir_all(name) } else { self.directory.remove_file(name) }
        });
        gone.and_then(|()| self.sync()).map_err(self.failed(name))?;
        Ok(true)
    }

    fn sync(&self) -> io::Result<()> {
        self.steps.step()?;
        Ok(rustix::fs::fsync(&self.directory)?)
    }

    fn regular(&self, name: &str, flags: OFlags) -> Result<Option<File>, InstalledError> {
        // Opening a pipe would wait for who is at its other end.
        let Some(file) = self.open_at(name, flags | OFlags::NONBLOCK)? else { return Ok(None) };
        if file.metadata().map_err(self.failed(name))?.is_file() {
            return Ok(Some(file));
        }
        Err(self.failed(name)(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")))
    }

    fn open_at(&self, name: &str, flags: OFlags) -> Result<Option<File>, InstalledError> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let name = plain(name).map_err(self.failed(name))?;
        match rustix::fs::openat(&self.directory, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(opened) => Ok(Some(File::from(opened))),
            Err(Errno::NOENT) => Ok(None),
            // A link to a folder is none for `DIRECTORY`, and one for `NOFOLLOW`: which is asked first differs.
            Err(Errno::LOOP | Errno::NOTDIR) if self.is_link(name) => {
                Err(InstalledError::Link { path: self.path_of(name) })
            }
            Err(error) => Err(self.failed(name)(error.into())),
        }
    }

    fn is_link(&self, name: &str) -> bool {
        self.directory.symlink_metadata(name).is_ok_and(|meta| meta.is_symlink())
    }

    fn failed(&self, name: &str) -> impl Fn(io::Error) -> InstalledError {
        let path = self.path_of(name);
        move |source| InstalledError::File { path: path.clone(), source }
    }
}

/// One step down and no further. Every name that comes here was checked or made here; this is asked all the same.
fn plain(name: &str) -> io::Result<&str> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file in this folder"));
    }
    Ok(name)
}
