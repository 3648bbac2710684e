//! `dinrail audit`: what operators did, read from the store's files, whether a controller runs or not.

use crate::config;
use crate::run::{Ending, refuse};
use comfy_table::{ContentArrangement, Table, presets};
use dinrail_store::audit::{AuditError, Break, Hash, SealedEntry, Verified, read, verify};
use dinrail_store::folder::{Dir, look};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Whose log is meant.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The configuration whose site names the store.
    pub config: Option<PathBuf>,
    /// The store's folder itself.
    pub store: Option<PathBuf>,
}

impl Place {
    /// The store's folder.
    fn path(&self) -> Result<PathBuf, Ending> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let Some(file) = &self.config else {
            tell!("dinrail: say whose audit log: -c FILE.toml, or --store DIR");
            return Err(Ending::Failed);
        };
        let site = config::load_site(file).map_err(|errors| refuse(&errors))?;
        site.store.ok_or_else(|| {
            tell!("dinrail: {} has no `store` in [site]: its controller keeps no audit log", file.display());
            Ending::Failed
        })
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    entries: &'a [SealedEntry],
    left_out: u64,
}

/// Shows the last entries.
#[must_use]
pub fn show(place: &Place, last: usize, json: bool) -> Ending {
    let path = match place.path() {
        Ok(path) => path,
        Err(ending) => return ending,
    };
    let (entries, left_out) = match opened(&path, |directory| read(directory, last)) {
        Ok(found) => found,
        Err(ending) => return ending,
    };
    if json {
        let shown = Shown { entries: &entries, left_out };
        show!("{}\n", serde_json::to_string(&shown).expect("entries are texts and numbers"));
    } else if entries.is_empty() {
        show!("no entries in {}\n", path.display());
    } else {
        show!("{}\n", entry_table(&entries));
    }
    if left_out > 0 {
        tell!("dinrail: {left_out} lines are no entries; `dinrail audit verify` says where");
    }
    Ending::Well
}

#[derive(Serialize)]
struct Checked<'a> {
    holds: bool,
    entries: u64,
    files: usize,
    site: &'a str,
    head: String,
    has_given: Option<bool>,
}

#[derive(Serialize)]
struct Broken<'a> {
    holds: bool,
    file: &'a str,
    line: u64,
    what: String,
}

/// Checks the chain. A broken one, or one that does not have the entry of the given hash, is refused: exit code 2.
#[must_use]
pub fn check(place: &Place, given: Option<Hash>, json: bool) -> Ending {
    let path = match place.path() {
        Ok(path) => path,
        Err(ending) => return ending,
    };
    match opened(&path, |directory| verify(directory, given)) {
        Ok(Ok(verified)) => holds(&verified, json),
        Ok(Err(broken)) => breaks(&path, &broken, json),
        Err(ending) => ending,
    }
}

fn holds(verified: &Verified, json: bool) -> Ending {
    let Verified { entries, files, site, head, has_given } = verified;
    let is_cut = *has_given == Some(false);
    if json {
        let head = head.to_string();
        let checked = Checked { holds: !is_cut, entries: *entries, files: *files, site, head, has_given: *has_given };
        show!("{}\n", serde_json::to_string(&checked).expect("texts and numbers are JSON"));
    } else if is_cut {
        tell!(
            "dinrail: the chain of {entries} entries holds, but the entry of the given hash is not in it: the end was cut off, or \
             the log was written anew"
        );
    } else {
        show!("{entries} entries in {files} files hold together (site {site:?})\nhead {head}\n");
        if has_given.is_none() {
            show!("that the end was cut off shows only against a head kept elsewhere: --head HASH\n");
        }
    }
    if is_cut { Ending::Refused } else { Ending::Well }
}

fn breaks(path: &Path, broken: &Break, json: bool) -> Ending {
    let Break { file, line, kind } = broken;
    if json {
        let broken = Broken { holds: false, file, line: *line, what: kind.to_string() };
        show!("{}\n", serde_json::to_string(&broken).expect("texts and numbers are JSON"));
    } else {
        tell!("dinrail: {}: {kind}", path.join(format!("{file}:{line}")).display());
    }
    Ending::Refused
}

/// What is found in the store's folder, which is only read.
fn opened<T>(path: &Path, read: impl FnOnce(&Dir) -> Result<T, AuditError>) -> Result<T, Ending> {
    let directory = look(path).map_err(|error| {
        tell!("dinrail: {error}");
        Ending::Failed
    })?;
    read(&directory).map_err(|error| {
        tell!("dinrail: {}: {error}", path.display());
        Ending::Failed
    })
}

fn entry_table(entries: &[SealedEntry]) -> Table {
    let mut lines = Table::new();
    lines.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    lines.set_header(["", "time", "who", "what", "before", "after", "answer"]);
    for entry in entries {
        let deed = &entry.deed;
        let outcome = if deed.outcome == "done" { String::new() } else { format!(" ({})", deed.outcome) };
        let cells = [
            entry.n.to_string(),
            deed.time.clone(),
            deed.user.clone(),
            format!("{} {}{outcome}", deed.op, deed.subject),
            deed.before.clone(),
            deed.after.clone(),
            deed.text.clone(),
        ];
        // What somebody wrote into the file could otherwise write anywhere on a terminal.
        lines.add_row(cells.map(|cell| cell.replace(char::is_control, " ")));
    }
    lines
}
