//! The folder in which incidents are kept, and for how long.

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How an incident's file ends; nothing else in the folder is ever touched.
const ENDING: &str = ".tar.gz";
/// While it is written.
const PART: &str = ".part";
/// Incidents of one name: of one cause in one millisecond.
const MAX_SAME: usize = 100;

/// How long incidents are kept. The newest one always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Older ones go.
    pub age: Duration,
    /// The oldest go while all together have more.
    pub bytes: u64,
}

/// An incident that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its file.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written, by the file system.
    pub written: SystemTime,
}

/// A folder of incidents.
#[derive(Debug)]
pub struct IncidentFolder {
    path: PathBuf,
    directory: Dir,
}

impl IncidentFolder {
    /// Opens the folder, and makes it where there is none.
    pub fn open(path: &Path) -> io::Result<IncidentFolder> {
        Dir::create_ambient_dir_all(path, ambient_authority())?;
        Ok(IncidentFolder { path: path.to_owned(), directory: Dir::open_ambient_dir(path, ambient_authority())? })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes an incident whole or not at all, and says how its file is called: `stem.tar.gz`, or with a number where that
    /// is taken. `write` gives back the file, which is synced before it gets its name.
    pub fn write(&self, stem: &str, write: impl FnOnce(File) -> io::Result<File>) -> io::Result<String> {
        let part = format!("{stem}{PART}");
        let written = self.write_part(&part, write).and_then(|()| self.name_part(&part, stem));
        if written.is_err() {
            // Half an incident is none; where it can't be removed either, the first error says why.
            let _ = self.directory.remove_file(&part);
        }
        written
    }

    fn write_part(&self, part: &str, write: impl FnOnce(File) -> io::Result<File>) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        write(self.directory.open_with(part, &options)?)?.sync_all()
    }

    fn name_part(&self, part: &str, stem: &str) -> io::Result<String> {
        for number in 1..=MAX_SAME {
            let name = if number == 1 { format!("{stem}{ENDING}") } else { format!("{stem}-{number}{ENDING}") };
            if self.directory.symlink_metadata(&name).is_err() {
                self.directory.rename(part, &self.directory, &name)?;
                return Ok(name);
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{MAX_SAME} incidents of this name are there")))
    }

    /// The incidents that are there, the oldest first.
    pub fn list(&self) -> io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in self.directory.entries()? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let found = self.directory.symlink_metadata(&name)?;
            if found.is_file() && name.ends_with(ENDING) {
                kept.push(Kept { name, bytes: found.len(), written: found.modified()?.into_std() });
            }
        }
        kept.sort_by(|one, other| (one.written, &one.name).cmp(&(other.written, &other.name)));
        Ok(kept)
    }

    /// Opens one that is there.
    pub fn read(&self, name: &str) -> io::Result<File> {
        self.directory.open(name)
    }

    /// Removes what is too old or too much, the oldest first, and says how many went.
    pub fn retain(&self, retention: Retention, now: SystemTime) -> io::Result<usize> {
        let kept = self.list()?;
        let gone = too_many(&kept, retention, now);
        for kept in &kept[..gone] {
            self.directory.remove_file(&kept.name)?;
        }
        Ok(gone)
    }
}

/// How many of them go, the oldest first.
fn too_many(kept: &[Kept], retention: Retention, now: SystemTime) -> usize {
    let mut bytes: u64 = kept.iter().map(|kept| kept.bytes).sum();
    let older = &kept[..kept.len().saturating_sub(1)];
    older
        .iter()
        .take_while(|kept| {
            // One from the future is not old: the clock was set back.
            let is_old = now.duration_since(kept.written).is_ok_and(|age| age > retention.age);
            let goes = is_old || bytes > retention.bytes;
            bytes -= kept.bytes;
            goes
        })
        .count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::io::Write;

    fn kept(age_s: u64, bytes: u64) -> Kept {
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age_s);
        Kept { name: String::new(), bytes, written }
    }

    #[test]
    fn the_oldest_go_by_age_and_by_bytes_and_the_newest_stays() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let gone =
            |kept: &[Kept], age_s, bytes| too_many(kept, Retention { age: Duration::from_secs(age_s), bytes }, now);
        let three = [kept(300, 10), kept(200, 10), kept(100, 10)];
        assert_eq!(gone(&three, 300, 30), 0);
        assert_eq!(gone(&three, 299, 30), 1);
        assert_eq!(gone(&three, 300, 29), 1);
        assert_eq!(gone(&three, 300, 19), 2);
        assert_eq!(gone(&three, 0, 0), 2, "the newest is never removed");
        assert_eq!(gone(&[], 0, 0), 0);
    }

    #[test]
    fn what_is_no_incident_is_never_touched_and_a_failure_leaves_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = IncidentFolder::open(&temporary.path().join("store/incidents")).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "precious").unwrap();
        std::os::unix::fs::symlink(folder.path().join("notes.txt"), folder.path().join("link.tar.gz")).unwrap();
        let write = |text: &'static str| {
            move |mut file: File| {
                file.write_all(text.as_bytes())?;
                Ok(file)
            }
        };
        assert_eq!(folder.write("a", write("one")).unwrap(), "a.tar.gz");
        assert_eq!(folder.write("a", write("two")).unwrap(), "a-2.tar.gz");
        assert!(folder.write("b", |_file| Err(io::Error::other("full"))).is_err());
        let names: Vec<String> = folder.list().unwrap().into_iter().map(|kept| kept.name).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        let gone = folder.retain(Retention { age: Duration::MAX, bytes: 0 }, SystemTime::now()).unwrap();
        assert_eq!((gone, folder.list().unwrap().len()), (1, 1));
        assert_eq!(std::fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "precious");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "no part is left behind");
    }
}
