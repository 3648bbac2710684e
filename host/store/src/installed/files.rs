//! Reading a bundle again, and its models and tables as files.

use super::Installed;
use super::error::InstalledError;
use super::folder::{Folder, PARTIAL};
use super::index::BUNDLES;
use crate::bundle::{Bundle, BundleError, EXTENSION, Part, PartKind};
use crate::digest::hexadecimal;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;

/// Where a bundle's files are. They are as the manifest says when this is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The folder of each model, by its slot. Models that are encrypted to a device are left out.
    pub models: BTreeMap<String, PathBuf>,
    /// The folder of the tables; none: there are none.
    pub assets: Option<PathBuf>,
}

/// What should be unpacked: folder (`models`, `assets`), then the slot where there is one, then the file.
#[derive(Default)]
struct Wanted<'a> {
    models: BTreeMap<&'a str, Contents<'a>>,
    assets: Contents<'a>,
}

type Contents<'a> = BTreeMap<&'a str, (&'a Part, &'a [u8])>;

const MODELS: &str = "models";
const ASSETS: &str = "assets";
/// How much of a file is looked at at a time.
const CHUNK_BYTES: usize = 64 * 1024;

impl Installed {
    /// An installed bundle, read again and every byte checked against the digest in the index. Whether its key is still
    /// trusted is not asked: that would stop what runs.
    ///
    /// # Errors
    /// [`InstalledError::Unknown`]; [`InstalledError::Missing`], [`InstalledError::Damaged`] and
    /// [`InstalledError::Exchanged`] name the file, which the same installation again makes whole.
    pub fn bundle(&self, digest: &str) -> Result<Bundle, InstalledError> {
        self.record(digest)?;
        let name = file_name(digest);
        let path = self.bundles.path_of(&name);
        let Some(file) = self.bundles.file(&name)? else { return Err(InstalledError::Missing { path }) };
        let bundle = Bundle::inspect(&mut BufReader::new(file)).map_err(|source| match source {
            BundleError::Io(source) => InstalledError::File { path: path.clone(), source },
            source => InstalledError::Damaged { path: path.clone(), source },
        })?;
        if bundle.digest() != digest {
            return Err(InstalledError::Exchanged { path, found: bundle.digest().to_owned() });
        }
        Ok(bundle)
    }

    /// An installed bundle's models and tables as files. They are compared with the manifest, and if one is damaged,
    /// missing or one too many, all are unpacked anew.
    ///
    /// # Errors
    /// As of [`Installed::bundle`], and of the file system.
    pub fn files(&self, digest: &str) -> Result<Files, InstalledError> {
        // First, so that it is not removed meanwhile.
        let _turn = self.turn();
        self.unpack(&self.bundle(digest)?)
    }

    /// The bundle's own file.
    pub(super) fn write(&self, bundle: &Bundle) -> Result<(), InstalledError> {
        self.bundles.replace(&file_name(bundle.digest()), |file| {
            let mut file = io::BufWriter::new(file);
            bundle.write(&mut file).map_err(|error| match error {
                BundleError::Io(error) => error,
                error => io::Error::other(error),
            })?;
            file.flush()
        })
    }

    /// Makes sure that the unpacked files are those of the bundle, and no others.
    pub(super) fn unpack(&self, bundle: &Bundle) -> Result<Files, InstalledError> {
        let wanted = Wanted::of(bundle);
        let digest = bundle.digest();
        if !self.is_unpacked(digest, &wanted) {
            self.unpacked.discard(digest)?;
            let root = self.unpacked.child(digest)?;
            if !wanted.models.is_empty() {
                let models = root.child(MODELS)?;
                for (slot, files) in &wanted.models {
                    write_all(&models.child(slot)?, files)?;
                }
            }
            if !wanted.assets.is_empty() {
                write_all(&root.child(ASSETS)?, &wanted.assets)?;
            }
        }
        let root = self.unpacked.path_of(digest);
        let models = root.join(MODELS);
        Ok(Files {
            models: wanted.models.keys().map(|slot| ((*slot).to_owned(), models.join(slot))).collect(),
            assets: (!wanted.assets.is_empty()).then(|| root.join(ASSETS)),
        })
    }

    /// What can't be read is not what is wanted; writing it anew then fails with the reason, or helps.
    fn is_unpacked(&self, digest: &str, wanted: &Wanted<'_>) -> bool {
        let root = self.unpacked.existing(digest);
        root.is_ok_and(|root| root.is_some_and(|root| wanted.is_in(&root).unwrap_or(false)))
    }

    /// The bundle's file and its unpacked ones, where there are any.
    pub(super) fn discard_files(&self, digest: &str) -> Result<(), InstalledError> {
        self.bundles.discard(&file_name(digest))?;
        self.unpacked.discard(digest)?;
        Ok(())
    }

    /// Takes away what dinrail wrote and the index does not name: what was, and what could not be, taken away. What has
    /// no name of dinrail's is left alone.
    pub(super) fn sweep(&self) -> Result<(Vec<PathBuf>, Vec<InstalledError>), InstalledError> {
        let known: BTreeSet<String> = self.index.read(|index| index.all(&BUNDLES))?.into_keys().collect();
        let (mut swept, mut left) = (vec![], vec![]);
        let mut sweep = |folder: &Folder, name: &str| match folder.discard(name) {
            Ok(_) => swept.push(folder.path_of(name)),
            Err(error) => left.push(error),
        };
        for name in self.bundles.names()? {
            let whole = name.strip_suffix(PARTIAL).unwrap_or(&name);
            let digest = whole.strip_suffix(EXTENSION).and_then(|rest| rest.strip_suffix('.'));
            let ours = digest.is_some_and(is_digest);
            if ours && (whole != name || digest.is_some_and(|digest| !known.contains(digest))) {
                sweep(&self.bundles, &name);
            }
        }
        for name in self.unpacked.names()? {
            if is_digest(&name) && !known.contains(&name) {
                sweep(&self.unpacked, &name);
            }
        }
        Ok((swept, left))
    }
}

impl<'a> Wanted<'a> {
    fn of(bundle: &'a Bundle) -> Wanted<'a> {
        let mut wanted = Wanted::default();
        let mut sealed = BTreeSet::new();
        for (part, bytes) in bundle.parts() {
            match (part.kind, part.name.split_once('/')) {
                (PartKind::Model, Some((slot, _))) if part.sealed_to.is_some() => {
                    sealed.insert(slot);
                }
                (PartKind::Model, Some((slot, file))) => {
                    wanted.models.entry(slot).or_default().insert(file, (part, bytes));
                }
                (PartKind::Asset, _) => {
                    wanted.assets.insert(&part.name, (part, bytes));
                }
                (PartKind::Model | PartKind::Component | PartKind::Trace | PartKind::Sbom, _) => {}
            }
        }
        // Half a model is none.
        wanted.models.retain(|slot, _| !sealed.contains(slot));
        wanted
    }

    fn is_in(&self, root: &Folder) -> Result<bool, InstalledError> {
        let expected = [(MODELS, self.models.is_empty()), (ASSETS, self.assets.is_empty())];
        let expected = expected.iter().filter(|(_, empty)| !empty).map(|(name, _)| *name);
        if !has_only(root, expected)? {
            return Ok(false);
        }
        if let Some(models) = root.existing(MODELS)? {
            if !has_only(&models, self.models.keys().copied())? {
                return Ok(false);
            }
            for (slot, files) in &self.models {
                if !holds(models.existing(slot)?, files)? {
                    return Ok(false);
                }
            }
        }
        if self.assets.is_empty() { Ok(true) } else { holds(root.existing(ASSETS)?, &self.assets) }
    }
}

fn has_only<'a>(folder: &Folder, expected: impl Iterator<Item = &'a str>) -> Result<bool, InstalledError> {
    let found: BTreeSet<String> = folder.names()?.into_iter().collect();
    let expected: BTreeSet<String> = expected.map(str::to_owned).collect();
    Ok(found == expected)
}

fn holds(folder: Option<Folder>, files: &Contents<'_>) -> Result<bool, InstalledError> {
    let Some(folder) = folder else { return Ok(false) };
    if !has_only(&folder, files.keys().copied())? {
        return Ok(false);
    }
    for (name, (part, _)) in files {
        let Some(file) = folder.file(name)? else { return Ok(false) };
        let same = is_part(file, part);
        if !same.map_err(|source| InstalledError::File { path: folder.path_of(name), source })? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_part(mut file: File, part: &Part) -> io::Result<bool> {
    if file.metadata()?.len() != part.bytes {
        return Ok(false);
    }
    let mut digest = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut left = part.bytes;
    while 0 < left {
        match file.read(&mut chunk)? {
            0 => return Ok(false),
            read => {
                digest.update(&chunk[..read]);
                left = left.saturating_sub(read as u64);
            }
        }
    }
    Ok(hexadecimal(&digest.finalize()) == part.sha256)
}

fn write_all(folder: &Folder, files: &Contents<'_>) -> Result<(), InstalledError> {
    for (name, (_, bytes)) in files {
        folder.replace(name, |file| file.write_all(bytes))?;
    }
    Ok(())
}

fn file_name(digest: &str) -> String {
    format!("{digest}.{EXTENSION}")
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
