//! The whole chain, read and checked, file by file and line by line.

use super::chain::{BEGIN, Hash, MAX_LINE_BYTES, SealedEntry, open};
use super::{AuditError, CURRENT_FILE, aside, set_aside};
use cap_std::fs::Dir;
use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _};

/// A chain that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Entries.
    pub entries: u64,
    /// Files.
    pub files: usize,
    /// The site that the first entry names.
    pub site: String,
    /// The hash of the last entry.
    pub head: Hash,
    /// Whether the hash that was given is one of these entries'; the end may have gone on since.
    pub has_given: Option<bool>,
}

/// Where a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {kind}")]
pub struct Break {
    /// In the store's folder.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// What is broken.
    pub kind: BreakKind,
}

/// What is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BreakKind {
    /// The file ends within a line.
    #[error(
        "the line has no end: it was not written whole (a power cut), or was cut; a controller that starts cuts it off"
    )]
    Torn,
    /// The line is none of this log's.
    #[error("{0}")]
    Foreign(String),
    /// The first line does not begin a log.
    #[error("the log does not begin here: entry {found} stands first, those before it are missing")]
    NoBeginning {
        /// Its number.
        found: u64,
    },
    /// Entries are missing.
    #[error("entry {expected} should stand here, and entry {found} does: what was between is missing")]
    Missing {
        /// The number that should be here.
        expected: u64,
        /// The one that is.
        found: u64,
    },
    /// An entry stands behind a later one.
    #[error("entry {expected} should stand here, and entry {found} does: lines changed places, or stand there twice")]
    Order {
        /// The number that should be here.
        expected: u64,
        /// The one that is.
        found: u64,
    },
    /// The hash is not that of these bytes behind the entry before.
    #[error("entry {entry} was changed, or one before it was written anew: its hash does not fit")]
    Changed {
        /// Its number.
        entry: u64,
    },
}

/// What a check comes to.
pub type Verdict = Result<Verified, Break>;

/// Checks the chain. `given`: the hash of an entry that was kept elsewhere. The error is of the file system.
pub fn verify(directory: &Dir, given: Option<Hash>) -> Result<Verdict, AuditError> {
    let mut chain = Chain { given, has_given: false, expected: 0, previous: None, site: String::new() };
    let mut files = 0;
    for name in files_in_order(directory)? {
        files += 1;
        let walked = walk(directory, &name, |line, text| match chain.take(text) {
            Ok(()) => Ok(()),
            Err(kind) => Err(Break { file: name.clone(), line, kind }),
        })?;
        if let Err(broken) = walked {
            return Ok(Err(broken));
        }
    }
    let head = chain.previous.unwrap_or_else(|| Hash::genesis(""));
    let has_given = given.map(|_| chain.has_given);
    Ok(Ok(Verified { entries: chain.expected, files, site: chain.site, head, has_given }))
}

/// The last `count` entries as they say they are, unchecked; lines that are none are left out and counted.
pub fn read(directory: &Dir, count: usize) -> Result<(Vec<SealedEntry>, u64), AuditError> {
    let (mut last, mut left_out) = (VecDeque::new(), 0);
    for name in files_in_order(directory)? {
        let walked: Result<(), Break> = walk(directory, &name, |_, text| {
            match text.strip_suffix(b"\n").map(open) {
                Some(Ok(opened)) => last.push_back(opened.entry),
                Some(Err(_)) | None => left_out += 1,
            }
            if last.len() > count {
                last.pop_front();
            }
            Ok(())
        })?;
        debug_assert!(walked.is_ok(), "reading stops nowhere");
    }
    Ok((last.into(), left_out))
}

fn files_in_order(directory: &Dir) -> Result<Vec<String>, AuditError> {
    let mut names: Vec<String> = set_aside(directory)?.into_iter().map(aside).collect();
    if directory.exists(CURRENT_FILE) {
        names.push(CURRENT_FILE.to_owned());
    }
    Ok(names)
}

/// Hands each line, with its end where it has one, to `each`, until that stops it. A line that is longer than any entry is cut.
fn walk<E>(
    directory: &Dir,
    name: &str,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<Result<(), E>, AuditError> {
    let failed = |error: io::Error| AuditError::Io { file: name.to_owned(), error };
    let mut reader = BufReader::new(directory.open(name).map_err(failed)?);
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        // One more than an entry and its end: such a line is seen to be too long.
        let most = MAX_LINE_BYTES as u64 + 2;
        if reader.by_ref().take(most).read_until(b'\n', &mut text).map_err(failed)? == 0 {
            break;
        }
        if let Err(stop) = each(line, &text) {
            return Ok(Err(stop));
        }
    }
    Ok(Ok(()))
}

/// What the lines so far came to.
struct Chain {
    given: Option<Hash>,
    has_given: bool,
    expected: u64,
    previous: Option<Hash>,
    site: String,
}

impl Chain {
    fn take(&mut self, text: &[u8]) -> Result<(), BreakKind> {
        let Some(line) = text.strip_suffix(b"\n") else {
            return Err(if text.len() > MAX_LINE_BYTES {
                BreakKind::Foreign(format!("it is longer than {MAX_LINE_BYTES} bytes"))
            } else {
                BreakKind::Torn
            });
        };
        let opened = open(line).map_err(BreakKind::Foreign)?;
        let entry = &opened.entry;
        let (expected, found) = (self.expected, entry.n);
        let previous = match self.previous {
            Some(previous) => previous,
            None if found == 0 && entry.deed.op == BEGIN => {
                entry.deed.subject.clone_into(&mut self.site);
                Hash::genesis(&self.site)
            }
            None => return Err(BreakKind::NoBeginning { found }),
        };
        if expected < found {
            return Err(BreakKind::Missing { expected, found });
        }
        if found < expected {
            return Err(BreakKind::Order { expected, found });
        }
        if !opened.hangs_on(previous) {
            return Err(BreakKind::Changed { entry: found });
        }
        self.has_given |= self.given == Some(entry.hash);
        self.previous = Some(entry.hash);
        self.expected += 1;
        Ok(())
    }
}
