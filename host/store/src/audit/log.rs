//! The end of the chain, to which entries are added: a line and one `fsync` each, so that what is told as kept is kept.

use super::chain::{BEGIN, Deed, Hash, open, seal};
use super::{AuditError, CURRENT_FILE, MAX_FILE_BYTES, MAX_FILES, aside, set_aside};
use crate::folder::sync_names;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

/// A log that entries are added to. Its folder is this process's alone, by [`StoreFolder`](crate::folder::StoreFolder).
#[derive(Debug)]
pub struct AuditLog {
    directory: Dir,
    file: File,
    /// Bytes of whole entries in the file; what stands behind them was not written whole.
    bytes: u64,
    /// Whether something may stand behind them.
    is_torn: bool,
    next: u64,
    head: Hash,
    /// The number that the next file put aside gets.
    next_aside: u32,
    max_file_bytes: u64,
}

/// What was found when a log was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Entries that it has.
    pub entries: u64,
    /// The hash of the last.
    pub head: Hash,
    /// Bytes of a line that was not written to its end, and that were cut off.
    pub cut_bytes: u64,
}

impl AuditLog {
    /// Goes on with what is there, or begins. `time` is the wall clock's, for the entries that this writes itself: the
    /// first, and one that says that a torn line was cut off.
    pub fn open(directory: &Dir, site: &str, time: &str) -> Result<(AuditLog, Opened), AuditError> {
        AuditLog::open_with(directory, site, time, MAX_FILE_BYTES)
    }

    /// The same with files of another size, for tests.
    pub(super) fn open_with(
        directory: &Dir,
        site: &str,
        time: &str,
        max_file_bytes: u64,
    ) -> Result<(AuditLog, Opened), AuditError> {
        let failed = |error| AuditError::Io { file: CURRENT_FILE.to_owned(), error };
        let asides = set_aside(directory)?;
        let mut log = AuditLog {
            directory: directory.try_clone().map_err(failed)?,
            file: open_current(directory).map_err(failed)?,
            bytes: 0,
            is_torn: false,
            next: 0,
            head: Hash::genesis(site),
            next_aside: asides.last().map_or(1, |last| last.saturating_add(1)),
            max_file_bytes,
        };
        sync_names(directory).map_err(failed)?;
        let text = read_whole(&mut log.file).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let cut_bytes = (text.len() - whole) as u64;
        log.bytes = whole as u64;
        if whole > 0 {
            log.go_on(CURRENT_FILE, &text[..whole])?;
        } else if let Some(last) = asides.last() {
            // A power cut between two files: the newest entry is in the one that was put aside.
            let name = aside(*last);
            let failed = |error| AuditError::Io { file: name.clone(), error };
            let before = read_whole(&mut directory.open(&name).map_err(failed)?).map_err(failed)?;
            log.go_on(&name, &before)?;
        }
        if cut_bytes > 0 {
            log.is_torn = true;
            log.mend().map_err(failed)?;
        }
        if log.next == 0 {
            log.append(&own(time, BEGIN, site, String::new()))?;
        }
        if cut_bytes > 0 {
            let what = format!("{cut_bytes} bytes of a line that was not written to its end were cut off");
            log.append(&own(time, "mend", CURRENT_FILE, what))?;
        }
        let opened = Opened { entries: log.next, head: log.head, cut_bytes };
        Ok((log, opened))
    }

    /// The hash of the last entry: kept elsewhere, it shows that the end was cut off.
    #[must_use]
    pub fn head(&self) -> Hash {
        self.head
    }

    /// Adds an entry, and returns once it is on the disk. After an error nothing of it is in the log, and the next one may
    /// be tried.
    pub fn append(&mut self, deed: &Deed) -> Result<Hash, AuditError> {
        let failed = |error| AuditError::Io { file: CURRENT_FILE.to_owned(), error };
        self.mend().map_err(failed)?;
        let (line, hash) = seal(self.next, deed, self.head)?;
        if self.bytes > 0 && self.max_file_bytes < self.bytes + line.len() as u64 {
            self.put_aside()?;
        }
        self.is_torn = true;
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).map_err(failed)?;
        self.is_torn = false;
        self.bytes += line.len() as u64;
        self.next += 1;
        self.head = hash;
        Ok(hash)
    }

    /// Takes number and hash from the last line of a file.
    fn go_on(&mut self, file: &str, text: &[u8]) -> Result<(), AuditError> {
        let foreign = |what| AuditError::Foreign { file: file.to_owned(), what };
        let text = text.strip_suffix(b"\n").ok_or_else(|| foreign("it has no end".to_owned()))?;
        let last = text.rsplit(|byte| *byte == b'\n').next().unwrap_or(text);
        let entry = open(last).map_err(foreign)?.entry;
        self.next = entry.n.checked_add(1).ok_or_else(|| foreign("its number is the last there is".to_owned()))?;
        self.head = entry.hash;
        Ok(())
    }

    /// Cuts off what was not written whole.
    fn mend(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.bytes)?;
            self.file.sync_data()?;
            self.is_torn = false;
        }
        Ok(())
    }

    /// Begins another file; the one before keeps its entries under a number.
    fn put_aside(&mut self) -> Result<(), AuditError> {
        let name = aside(self.next_aside);
        let failed = |error| AuditError::Io { file: name.clone(), error };
        if set_aside(&self.directory)?.len() >= MAX_FILES as usize {
            return Err(AuditError::TooMany);
        }
        // Not there where an earlier attempt came no further than this.
        if self.directory.exists(CURRENT_FILE) {
            self.directory.rename(CURRENT_FILE, &self.directory, &name).map_err(failed)?;
            self.next_aside = self.next_aside.saturating_add(1);
        }
        let opened = open_current(&self.directory);
        self.file = opened.map_err(|error| AuditError::Io { file: CURRENT_FILE.to_owned(), error })?;
        self.bytes = 0;
        sync_names(&self.directory).map_err(failed)
    }
}

/// An entry of the log's own.
fn own(time: &str, op: &str, subject: &str, text: String) -> Deed {
    Deed {
        time: time.to_owned(),
        user: "dinrail".to_owned(),
        op: op.to_owned(),
        subject: subject.to_owned(),
        outcome: "done".to_owned(),
        text,
        ..Deed::default()
    }
}

fn open_current(directory: &Dir) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    directory.open_with(CURRENT_FILE, &options)
}

/// A file that this log wrote is hardly larger than [`MAX_FILE_BYTES`]; one that is was written by somebody else.
fn read_whole(file: &mut File) -> io::Result<Vec<u8>> {
    let most = 2 * MAX_FILE_BYTES;
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    io::Read::by_ref(file).take(most + 1).read_to_end(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {most} bytes")));
    }
    Ok(text)
}
