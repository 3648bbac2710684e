//! A directory of tables, as the engine wants to see it.

use dinrail_engine::{AssetError, AssetTable, Assets};
use dinrail_store::assets::AssetDirectory;
use std::path::Path;

/// The configured directory.
pub struct Tables {
    directory: AssetDirectory,
}

impl Tables {
    /// Opens the directory; nothing outside it can be reached from here on.
    pub fn open(path: &Path) -> Result<Tables, dinrail_store::assets::AssetError> {
        Ok(Tables { directory: AssetDirectory::open(path)? })
    }
}

impl Assets for Tables {
    fn load(&mut self, name: &str) -> Result<AssetTable, AssetError> {
        use dinrail_store::assets::AssetError as Store;
        match self.directory.load(name) {
            Ok(table) => Ok(AssetTable { columns: table.columns, rows: table.rows, values: table.values }),
            Err(error @ (Store::Name { .. } | Store::Unknown { .. })) => Err(AssetError::Unknown(error.to_string())),
            Err(error @ Store::TooLarge { .. }) => Err(AssetError::TooLarge(error.to_string())),
            Err(error @ (Store::Read { .. } | Store::Malformed { .. })) => {
                Err(AssetError::Malformed(error.to_string()))
            }
        }
    }
}
