//! The index: small tables of JSON records, each change one transaction.
//!
//! A file is checked whole when it is opened, which takes milliseconds for the few pages that there are, so that what is
//! read later was right. redb promises no panic on a damaged file then; should it panic all the same, that is an error
//! here. There is no second copy: an index that is damaged is told, and restored or given up by an operator.
//!
//! After a failure of the disk in a change, redb answers nothing but errors until it is opened anew.

use super::error::{IndexError, InstalledError};
use super::folder::{Folder, PARTIAL};
use super::record::{InstalledBundle, Intent, Running};
use super::steps::Steps;
use redb::backends::FileBackend;
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Its name in the folder.
pub(super) const FILE: &str = "index.redb";
/// The format of the records, not of redb.
const FORMAT: u32 = 1;
/// The whole index fits several times.
const CACHE_BYTES: usize = 1024 * 1024;

/// A table and the type of its records.
pub(super) struct Kind<V> {
    name: &'static str,
    value: PhantomData<fn() -> V>,
}

/// By digest.
pub(super) const BUNDLES: Kind<InstalledBundle> = Kind::new("bundles");
/// By plugin.
pub(super) const RUNNING: Kind<Running> = Kind::new("running");
/// By plugin.
pub(super) const INTENTS: Kind<Intent> = Kind::new("intents");
/// Newest version that ever ran, by a bundle's name.
pub(super) const FLOORS: Kind<String> = Kind::new("floors");
/// By digest and plugin, see [`strike_key`].
pub(super) const STRIKES: Kind<u32> = Kind::new("strikes");
/// The format.
pub(super) const META: Kind<u32> = Kind::new("meta");

/// A digest has no slash.
pub(super) fn strike_key(plugin: &str, digest: &str) -> String {
    format!("{digest}/{plugin}")
}

impl<V> Kind<V> {
    pub(super) const fn new(name: &'static str) -> Kind<V> {
        Kind { name, value: PhantomData }
    }

    fn table(&self) -> TableDefinition<'static, &'static str, &'static [u8]> {
        TableDefinition::new(self.name)
    }
}

/// Open, checked, and of the known format.
#[derive(Debug)]
pub(super) struct Index {
    database: Database,
    steps: Steps,
}

impl Index {
    /// Of a folder. A new one is made beside its place, so that there is none that is half made.
    pub(super) fn open_in(folder: &Folder, steps: Steps) -> Result<Index, InstalledError> {
        let backend = |file| FileBackend::new(file).map_err(IndexError::from_redb);
        if let Some(file) = folder.file_to_change(FILE)? {
            return Ok(Index::open_known(backend(file)?, steps)?);
        }
        if folder.existing("bundles")?.is_some() {
            return Err(InstalledError::NoIndex { path: folder.path_of(FILE) });
        }
        let partial = format!("{FILE}{PARTIAL}");
        let file = folder.fresh(&partial)?;
        drop(Index::open(backend(file)?, steps.clone())?);
        folder.settle(&partial, FILE)?;
        let file =
            folder.file_to_change(FILE)?.ok_or_else(|| InstalledError::NoIndex { path: folder.path_of(FILE) })?;
        Ok(Index::open_known(backend(file)?, steps)?)
    }

    /// An empty one gets the format.
    pub(super) fn open(backend: impl StorageBackend, steps: Steps) -> Result<Index, IndexError> {
        let index = Index::open_raw(backend, steps)?;
        if index.is_new()? {
            index.change(Change::initialise)?;
        }
        index.check()
    }

    /// One that was made before: if it is empty now, something emptied it, and a new one would give up every bundle.
    fn open_known(backend: impl StorageBackend, steps: Steps) -> Result<Index, IndexError> {
        let length = backend.len().map_err(IndexError::from_redb)?;
        if length == 0 {
            return Err(IndexError::Damaged { what: "it is empty".to_owned() });
        }
        Index::open_raw(backend, steps)?.check()
    }

    /// redb checks every page.
    fn open_raw(backend: impl StorageBackend, steps: Steps) -> Result<Index, IndexError> {
        let database = guarded(|| {
            let mut builder = Database::builder();
            builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
            builder.create_with_backend(backend).map_err(IndexError::from_redb)
        })?;
        Ok(Index { database, steps })
    }

    /// Reads all of it once.
    fn check(self) -> Result<Index, IndexError> {
        if self.is_new()? {
            return Err(IndexError::Damaged { what: "it is empty".to_owned() });
        }
        self.read(|index| match index.get(&META, "format")? {
            Some(FORMAT) => index.decode_all(),
            Some(format) => Err(IndexError::Format { format, known: FORMAT }),
            None => Err(IndexError::Damaged { what: "it says no format".to_owned() }),
        })?;
        Ok(self)
    }

    fn is_new(&self) -> Result<bool, IndexError> {
        guarded(|| {
            let reading = self.database.begin_read().map_err(IndexError::from_redb)?;
            let mut tables = reading.list_tables().map_err(IndexError::from_redb)?;
            Ok(tables.next().is_none())
        })
    }

    /// One moment of it.
    pub(super) fn read<T, E: From<IndexError>>(&self, read: impl FnOnce(&Reading) -> Result<T, E>) -> Result<T, E> {
        guarded(|| {
            let reading = self.database.begin_read().map_err(IndexError::from_redb)?;
            Ok(read(&Reading(reading)))
        })?
    }

    /// All of a change or, on an error, nothing of it.
    pub(super) fn change<T, E: From<IndexError>>(&self, change: impl FnOnce(&Change) -> Result<T, E>) -> Result<T, E> {
        let step = || self.steps.step().map_err(IndexError::from_redb);
        guarded(|| {
            let mut writing = self.database.begin_write().map_err(IndexError::from_redb)?;
            // Syncs once more, and never takes a torn commit for a whole one whatever its checksum says.
            writing.set_two_phase_commit(true);
            let writing = Change(writing);
            let changed = match change(&writing) {
                Ok(changed) => changed,
                Err(error) => return Ok(Err(error)),
            };
            step()?;
            writing.0.commit().map_err(IndexError::from_redb)?;
            step()?;
            Ok(Ok(changed))
        })?
    }
}

/// A transaction that reads.
pub(super) struct Reading(ReadTransaction);

impl Reading {
    pub(super) fn get<V: DeserializeOwned>(&self, kind: &Kind<V>, key: &str) -> Result<Option<V>, IndexError> {
        get(&self.0.open_table(kind.table()).map_err(IndexError::from_redb)?, kind, key)
    }

    pub(super) fn all<V: DeserializeOwned>(&self, kind: &Kind<V>) -> Result<BTreeMap<String, V>, IndexError> {
        all(&self.0.open_table(kind.table()).map_err(IndexError::from_redb)?, kind)
    }

    /// What can't be read is known at once.
    fn decode_all(&self) -> Result<(), IndexError> {
        self.all(&BUNDLES)?;
        self.all(&RUNNING)?;
        self.all(&INTENTS)?;
        self.all(&FLOORS)?;
        self.all(&STRIKES)?;
        Ok(())
    }
}

/// A transaction that writes.
pub(super) struct Change(WriteTransaction);

impl Change {
    /// All tables, so that none is missing later.
    fn initialise(&self) -> Result<(), IndexError> {
        for name in [BUNDLES.name, RUNNING.name, INTENTS.name, FLOORS.name, STRIKES.name] {
            let table = Kind::<()>::new(name).table();
            self.0.open_table(table).map_err(IndexError::from_redb)?;
        }
        self.put(&META, "format", &FORMAT)
    }

    pub(super) fn get<V: DeserializeOwned>(&self, kind: &Kind<V>, key: &str) -> Result<Option<V>, IndexError> {
        get(&self.0.open_table(kind.table()).map_err(IndexError::from_redb)?, kind, key)
    }

    pub(super) fn running(&self) -> Result<BTreeMap<String, Running>, IndexError> {
        all(&self.0.open_table(RUNNING.table()).map_err(IndexError::from_redb)?, &RUNNING)
    }

    pub(super) fn intents(&self) -> Result<BTreeMap<String, Intent>, IndexError> {
        all(&self.0.open_table(INTENTS.table()).map_err(IndexError::from_redb)?, &INTENTS)
    }

    pub(super) fn put<V: Serialize>(&self, kind: &Kind<V>, key: &str, value: &V) -> Result<(), IndexError> {
        let encoded = serde_json::to_vec(value).map_err(IndexError::Encode)?;
        let mut table = self.0.open_table(kind.table()).map_err(IndexError::from_redb)?;
        table.insert(key, encoded.as_slice()).map_err(IndexError::from_redb)?;
        Ok(())
    }

    /// What was there.
    pub(super) fn remove<V: DeserializeOwned>(&self, kind: &Kind<V>, key: &str) -> Result<Option<V>, IndexError> {
        let mut table = self.0.open_table(kind.table()).map_err(IndexError::from_redb)?;
        let removed = table.remove(key).map_err(IndexError::from_redb)?;
        removed.map(|encoded| decode(kind, encoded.value())).transpose()
    }
}

fn get<V: DeserializeOwned>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    kind: &Kind<V>,
    key: &str,
) -> Result<Option<V>, IndexError> {
    let found = table.get(key).map_err(IndexError::from_redb)?;
    found.map(|encoded| decode(kind, encoded.value())).transpose()
}

fn all<V: DeserializeOwned>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    kind: &Kind<V>,
) -> Result<BTreeMap<String, V>, IndexError> {
    let mut found = BTreeMap::new();
    for entry in table.iter().map_err(IndexError::from_redb)? {
        let (key, encoded) = entry.map_err(IndexError::from_redb)?;
        found.insert(key.value().to_owned(), decode(kind, encoded.value())?);
    }
    Ok(found)
}

fn decode<V: DeserializeOwned>(kind: &Kind<V>, encoded: &[u8]) -> Result<V, IndexError> {
    serde_json::from_slice(encoded)
        .map_err(|error| IndexError::Damaged { what: format!("a record of `{}`: {error}", kind.name) })
}

impl IndexError {
    fn from_redb(error: impl Into<redb::Error>) -> IndexError {
        match error.into() {
            redb::Error::Corrupted(what) => IndexError::Damaged { what },
            redb::Error::DatabaseAlreadyOpen => IndexError::Open,
            redb::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                IndexError::Damaged { what: error.to_string() }
            }
            error => IndexError::Database(Box::new(error)),
        }
    }
}

/// A panic of redb is damage that it did not expect. What it leaves of its locks answers with errors from then on.
fn guarded<T>(work: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(IndexError::Damaged { what: said.unwrap_or("redb stopped").to_owned() })
    })
}
