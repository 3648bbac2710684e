//! A directory of tables, as the engine wants to see it, and which table was refused.

use super::flights::LoadedTables;
use dinrail_engine::{AssetError, AssetTable, Assets};
use dinrail_store::assets::{AssetDirectory, AssetError as Store};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Why a plugin did not get a table that it asked for.
#[derive(Debug, thiserror::Error)]
pub enum TableRefusal {
    /// Its configuration names no folder of tables.
    #[error("it asks for the table `{name}`, and has no `tables`")]
    NoFolder {
        /// The table. Guest-controlled.
        name: String,
    },
    /// The folder does not have it, or what it has is no table.
    #[error(transparent)]
    Folder(#[from] Store),
}

/// Remembers the first table that an instance asked for and did not get.
#[derive(Clone, Debug, Default)]
pub struct Refused(Arc<Mutex<Option<TableRefusal>>>);

impl Refused {
    /// What it was; none where nothing was refused.
    #[must_use]
    pub fn take(&self) -> Option<TableRefusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, refusal: TableRefusal) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(refusal);
    }
}

/// Longest table name that is repeated in a message; guest-controlled.
const MAX_SHOWN_NAME: usize = 64;

/// The configured directory, or none.
pub struct Tables {
    directory: Option<AssetDirectory>,
    refused: Refused,
    loaded: LoadedTables,
}

impl Tables {
    /// Opens the directory; nothing outside it can be reached from here on. Without one every table is refused.
    pub fn open(path: Option<&Path>, refused: Refused) -> Result<Tables, Store> {
        let directory = path.map(AssetDirectory::open).transpose()?;
        Ok(Tables { directory, refused, loaded: LoadedTables::default() })
    }

    /// With what is loaded remembered there.
    #[must_use]
    pub fn noting(mut self, loaded: LoadedTables) -> Tables {
        self.loaded = loaded;
        self
    }
}

impl Assets for Tables {
    fn load(&mut self, name: &str) -> Result<AssetTable, AssetError> {
        let Some(directory) = &mut self.directory else {
            let name: String = name.chars().take(MAX_SHOWN_NAME).filter(|c| !c.is_control()).collect();
            self.refused.note(TableRefusal::NoFolder { name: name.clone() });
            return Err(AssetError::Unknown(name));
        };
        match directory.load(name) {
            Ok(table) => {
                let table = AssetTable { columns: table.columns, rows: table.rows, values: table.values };
                self.loaded.note(name, &table);
                Ok(table)
            }
            Err(error) => {
                let said = match &error {
                    // The plugin is told the name alone: where the folder is, is none of its business.
                    Store::Name { name } | Store::Unknown { name, .. } => AssetError::Unknown(name.clone()),
                    Store::TooLarge { .. } => AssetError::TooLarge(error.to_string()),
                    Store::Read { .. } | Store::Malformed { .. } => AssetError::Malformed(error.to_string()),
                };
                self.refused.note(error.into());
                Err(said)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_first_refusal_is_remembered_and_the_guest_hears_the_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("there.csv"), "a\n1\n").unwrap();
        let refused = Refused::default();
        let mut tables = Tables::open(Some(folder.path()), refused.clone()).unwrap();
        assert_eq!(tables.load("there").unwrap().rows, 1);
        assert!(refused.take().is_none());
        assert_eq!(tables.load("regimes").unwrap_err(), AssetError::Unknown("regimes".into()));
        assert_eq!(tables.load("means").unwrap_err(), AssetError::Unknown("means".into()));
        let why = refused.take().unwrap().to_string();
        assert!(why.contains("regimes.csv") && why.contains(&folder.path().display().to_string()), "{why}");
    }

    #[test]
    fn without_a_folder_every_table_is_refused_by_name() {
        let refused = Refused::default();
        let mut tables = Tables::open(None, refused.clone()).unwrap();
        assert_eq!(tables.load("regimes").unwrap_err(), AssetError::Unknown("regimes".into()));
        assert!(refused.take().unwrap().to_string().contains("`regimes`"));
    }
}
