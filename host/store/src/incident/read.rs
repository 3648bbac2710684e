//! Reads an incident. It may come from anywhere: every size is bounded before anything is kept, names are checked
//! against the few that there are, and nothing of it is ever unpacked to a disk.

use super::manifest::Manifest;
use super::wire::{BindingWire, EntryWire, TableWire, decode};
use super::{FORMAT, MANIFEST};
use crate::digest::hexadecimal;
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Bytes of an incident once it is unpacked: a day of a large site. More can't be held in the memory of a desk.
pub const MAX_UNPACKED_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Bytes of the manifest: configurations have sixteen times less.
pub const MAX_MANIFEST_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of any other file in it: a component's limit, and more than a chunk with one large entry.
const MAX_FILE_BYTES: u64 = 128 * 1024 * 1024;
/// Files in it.
const MAX_FILES: usize = 200_000;
/// Longest name of a plugin.
const MAX_NAME: usize = 64;

/// Why an incident is refused.
#[derive(Debug, thiserror::Error)]
pub enum IncidentError {
    /// It can't be read, or is no compressed archive.
    #[error("it can't be read: {0}")]
    Io(#[from] io::Error),
    /// Of another version.
    #[error("its format is {found}, this dinrail reads {FORMAT}")]
    Format {
        /// Its own.
        found: u32,
    },
    /// More than a reader takes.
    #[error("{what}: {limit} are the limit")]
    TooLarge {
        /// What there is too much of.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// A file that no incident has.
    #[error("it holds `{0}`, which is no file of an incident")]
    Name(String),
    /// A file that is not there.
    #[error("it has no `{0}`")]
    Missing(String),
    /// A manifest that is none.
    #[error("its `incident.json`: {0}")]
    Manifest(#[from] serde_json::Error),
    /// Bytes that are not what they should be.
    #[error("{what}: {source}")]
    Malformed {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        source: postcard::Error,
    },
    /// Parts that don't fit together.
    #[error("{0}")]
    Inconsistent(String),
}

/// What there is of a plugin.
#[derive(Debug, Default)]
struct Files {
    component: Option<Vec<u8>>,
    binding: Option<Vec<u8>>,
    tables: Option<Vec<u8>>,
    /// By instance, then by number.
    calls: BTreeMap<u32, BTreeMap<u32, Vec<u8>>>,
}

/// An incident in memory.
#[derive(Debug)]
pub struct Incident {
    /// What happened.
    pub manifest: Manifest,
    plugins: BTreeMap<String, Files>,
}

/// What a name in the container means.
enum Part<'n> {
    Manifest,
    Component(&'n str),
    Binding(&'n str),
    Tables(&'n str),
    Calls(&'n str, u32, u32),
}

fn part(path: &str) -> Option<Part<'_>> {
    if path == MANIFEST {
        return Some(Part::Manifest);
    }
    let (plugin, rest) = path.strip_prefix("plugins/")?.split_once('/')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if plugin.is_empty() || plugin.len() > MAX_NAME || !plugin.bytes().all(plain) {
        return None;
    }
    match rest {
        "component.wasm" => Some(Part::Component(plugin)),
        "binding.bin" => Some(Part::Binding(plugin)),
        "tables.bin" => Some(Part::Tables(plugin)),
        _ => {
            let (instance, chunk) = rest.strip_prefix("instance-")?.split_once('/')?;
            let chunk = chunk.strip_prefix("calls-")?.strip_suffix(".bin")?;
            Some(Part::Calls(plugin, instance.parse().ok()?, chunk.parse().ok()?))
        }
    }
}

/// Reads an incident whole.
pub fn read(from: impl Read) -> Result<Incident, IncidentError> {
    let mut manifest = None;
    let mut plugins: BTreeMap<String, Files> = BTreeMap::new();
    each_file(from, |path, bytes| {
        let twice = || IncidentError::Inconsistent(format!("it holds `{path}` twice"));
        let fresh = match part(path).ok_or_else(|| IncidentError::Name(shown(path)))? {
            Part::Manifest => manifest.replace(parse_manifest(&bytes)?).is_none(),
            Part::Component(plugin) => entry(&mut plugins, plugin).component.replace(bytes).is_none(),
            Part::Binding(plugin) => entry(&mut plugins, plugin).binding.replace(bytes).is_none(),
            Part::Tables(plugin) => entry(&mut plugins, plugin).tables.replace(bytes).is_none(),
            Part::Calls(plugin, instance, chunk) => {
                entry(&mut plugins, plugin).calls.entry(instance).or_default().insert(chunk, bytes).is_none()
            }
        };
        if fresh { Ok(true) } else { Err(twice()) }
    })?;
    let manifest = manifest.ok_or_else(|| IncidentError::Missing(MANIFEST.to_owned()))?;
    Ok(Incident { manifest, plugins })
}

/// Reads the manifest, and no more than what stands before it.
pub fn read_manifest(from: impl Read) -> Result<Manifest, IncidentError> {
    let mut manifest = None;
    each_file(from, |path, bytes| {
        if matches!(part(path), Some(Part::Manifest)) {
            manifest = Some(parse_manifest(&bytes)?);
        }
        Ok(manifest.is_none())
    })?;
    manifest.ok_or_else(|| IncidentError::Missing(MANIFEST.to_owned()))
}

fn entry<'p>(plugins: &'p mut BTreeMap<String, Files>, plugin: &str) -> &'p mut Files {
    plugins.entry(plugin.to_owned()).or_default()
}

fn parse_manifest(bytes: &[u8]) -> Result<Manifest, IncidentError> {
    /// Asked first: another version may have other keys.
    #[derive(serde::Deserialize)]
    struct Version {
        format: u32,
    }
    let Version { format } = serde_json::from_slice(bytes)?;
    if format != FORMAT {
        return Err(IncidentError::Format { found: format });
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Hands over each file's name and bytes, until it is told that this is enough.
fn each_file(
    from: impl Read,
    mut take: impl FnMut(&str, Vec<u8>) -> Result<bool, IncidentError>,
) -> Result<(), IncidentError> {
    // One more than is let through, so that too much is told from the end.
    let unpacked = MultiGzDecoder::new(from).take(MAX_UNPACKED_BYTES + 1);
    let mut archive = tar::Archive::new(unpacked);
    let mut left = MAX_UNPACKED_BYTES;
    // Raw: a name beyond its field, a link, a hole or a device is seen as what it is, and refused.
    for (count, file) in archive.entries()?.raw(true).enumerate() {
        if count >= MAX_FILES {
            return Err(IncidentError::TooLarge { what: "files".to_owned(), limit: MAX_FILES as u64 });
        }
        let file = file?;
        let path = String::from_utf8_lossy(&file.path_bytes()).into_owned();
        if file.header().entry_type() != tar::EntryType::Regular {
            return Err(IncidentError::Name(shown(&path)));
        }
        let limit = if path == MANIFEST { MAX_MANIFEST_BYTES } else { MAX_FILE_BYTES };
        let size = file.header().size()?;
        if size > limit.min(left) {
            return Err(IncidentError::TooLarge { what: format!("{size} bytes of `{}`", shown(&path)), limit });
        }
        left -= size;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size {
            return Err(IncidentError::Inconsistent(format!("`{}` is cut short", shown(&path))));
        }
        if !take(&path, bytes)? {
            break;
        }
    }
    Ok(())
}

/// A name that anybody may have made, for a message.
fn shown(path: &str) -> String {
    path.chars().take(MAX_NAME).map(|c| if c.is_control() { '?' } else { c }).collect()
}

impl Incident {
    /// A plugin's component; none where it was left out. What is there has the digest that the manifest says.
    pub fn component(&self, plugin: &str) -> Result<Option<&[u8]>, IncidentError> {
        let Some(bytes) = self.plugins.get(plugin).and_then(|files| files.component.as_deref()) else {
            return Ok(None);
        };
        let told = self.manifest.plugins.iter().find(|known| known.name == plugin);
        let digest = hexadecimal(&Sha256::digest(bytes));
        match told {
            Some(told) if told.sha256.eq_ignore_ascii_case(&digest) => Ok(Some(bytes)),
            Some(_) | None => {
                let what = format!("the component of `{plugin}` is not the one that its `incident.json` names");
                Err(IncidentError::Inconsistent(what))
            }
        }
    }

    /// What a plugin was configured with.
    pub fn binding(&self, plugin: &str) -> Result<BindingWire, IncidentError> {
        let bytes = self.plugins.get(plugin).and_then(|files| files.binding.as_deref());
        let missing = || IncidentError::Missing(format!("plugins/{}/binding.bin", shown(plugin)));
        decode(bytes.ok_or_else(missing)?, "a plugin's binding")
    }

    /// The tables that a plugin loaded.
    pub fn tables(&self, plugin: &str) -> Result<Vec<TableWire>, IncidentError> {
        let bytes = self.plugins.get(plugin).and_then(|files| files.tables.as_deref());
        bytes.map_or_else(|| Ok(Vec::new()), |bytes| decode(bytes, "a plugin's tables"))
    }

    /// The instances of a plugin of which there are entries.
    pub fn instances(&self, plugin: &str) -> impl Iterator<Item = u32> {
        self.plugins.get(plugin).into_iter().flat_map(|files| files.calls.keys().copied())
    }

    /// An instance's entries in their order; after one that makes no sense there is none.
    pub fn entries(&self, plugin: &str, instance: u32) -> Entries<'_> {
        let chunks = self.plugins.get(plugin).and_then(|files| files.calls.get(&instance));
        Entries { chunks, next: 0, rest: &[], failed: false }
    }
}

/// See [`Incident::entries`].
#[derive(Debug)]
pub struct Entries<'i> {
    chunks: Option<&'i BTreeMap<u32, Vec<u8>>>,
    next: u32,
    rest: &'i [u8],
    failed: bool,
}

impl Iterator for Entries<'_> {
    type Item = Result<EntryWire, IncidentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        while self.rest.is_empty() {
            let chunks = self.chunks?;
            let Some(chunk) = chunks.get(&self.next) else {
                // Chunks are counted from 0, and none may be missing between two.
                let is_end = chunks.len() as u64 == u64::from(self.next);
                self.failed = true;
                let missing = || IncidentError::Missing(format!("calls-{}.bin", self.next));
                return (!is_end).then(|| Err(missing()));
            };
            self.next += 1;
            self.rest = chunk;
        }
        let taken = take(self.rest).and_then(|(bytes, rest)| {
            self.rest = rest;
            decode(bytes, "an entry")
        });
        self.failed = taken.is_err();
        Some(taken)
    }
}

/// The bytes of one entry, and those after it.
fn take(bytes: &[u8]) -> Result<(&[u8], &[u8]), IncidentError> {
    let cut = || IncidentError::Inconsistent("an entry is cut short".to_owned());
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = u32::from_le_bytes(*length) as usize;
    rest.split_at_checked(length).ok_or_else(cut)
}
