//! Tables of numbers that a plugin may read, from one directory and nothing outside it.
//!
//! A table is a file `<name>.csv`: comma-separated, its first line the columns' names, every other cell a number or
//! empty. The directory is opened once, as a capability: a name can't leave it, and neither can a link inside it.

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Largest table, as it crosses to a guest: 1 MiB a call is let through, and 16 KiB of it are kept for the list of
/// columns and the call itself.
pub const MAX_TABLE_BYTES: usize = 1024 * 1024 - 16 * 1024;
/// Largest file: a full table whose numbers are written with 24 characters each, the longest that an f64 needs.
pub const MAX_FILE_BYTES: u64 = (MAX_TABLE_BYTES / size_of::<f64>() * 25) as u64;
/// Most columns; their names with the string headers that cross beside them fit the 16 KiB.
pub const MAX_COLUMNS: usize = 256;
/// Longest name of a column, in bytes.
pub const MAX_COLUMN_NAME_BYTES: usize = 48;
/// Longest name of a table, in bytes; guest-controlled.
pub const MAX_NAME_BYTES: usize = 64;

/// A directory of tables.
#[derive(Debug)]
pub struct AssetDirectory {
    path: PathBuf,
    directory: Dir,
}

/// A table of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct AssetTable {
    /// The columns' names, each once.
    pub columns: Vec<String>,
    /// Number of rows.
    pub rows: u32,
    /// rows × columns, row-major; an empty cell is NaN.
    pub values: Vec<f64>,
}

/// Why a table was not given.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// Not the name of a table at all; guest-controlled.
    #[error(
        "`{name}` can't be a table's name: letters, digits, `-`, `_` and inner `.`, at most {MAX_NAME_BYTES} bytes"
    )]
    Name {
        /// As it was asked for, shortened to what is allowed.
        name: String,
    },
    /// No such table, or the way to it leads outside.
    #[error("there is no table `{name}.csv` in `{}`", directory.display())]
    Unknown {
        /// As it was asked for.
        name: String,
        /// Where it was looked for.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It could not be opened or read.
    #[error("`{}`: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not a table of numbers.
    #[error("`{}`, line {line}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1; the header's line.
        line: u64,
        /// What is wrong there.
        what: String,
    },
    /// Larger than what is handed to a guest.
    #[error("`{}`: {what}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Which limit, and what was found.
        what: String,
    },
}

impl AssetDirectory {
    /// Opens a directory that the configuration names.
    pub fn open(path: &Path) -> Result<AssetDirectory, AssetError> {
        let directory = Dir::open_ambient_dir(path, ambient_authority())
            .map_err(|source| AssetError::Read { path: path.to_owned(), source })?;
        Ok(AssetDirectory { path: path.to_owned(), directory })
    }

    /// The directory as the configuration names it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the table `<name>.csv`.
    pub fn load(&self, name: &str) -> Result<AssetTable, AssetError> {
        if !is_table_name(name) {
            let name = name.chars().take(MAX_NAME_BYTES).collect();
            return Err(AssetError::Name { name });
        }
        let file = format!("{name}.csv");
        let path = self.path.join(&file);
        let text = self.read(name, &file, &path)?;
        parse(&text, &path)
    }

    fn read(&self, name: &str, file: &str, path: &Path) -> Result<String, AssetError> {
        let failed = |source| AssetError::Read { path: path.to_owned(), source };
        let unknown = |source| AssetError::Unknown { name: name.to_owned(), directory: self.path.clone(), source };
        // Asked before it is opened: opening a pipe would wait for its writer. A link out of the directory fails here.
        let meta = self.directory.metadata(file).map_err(unknown)?;
        if !meta.is_file() {
            return Err(unknown(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
        }
        let mut text = String::new();
        // One more than is let through, so that a file that grows meanwhile is seen.
        let opened = self.directory.open(file).map_err(unknown)?;
        opened.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_FILE_BYTES {
            let what = format!("more than {MAX_FILE_BYTES} bytes; split the table");
            return Err(AssetError::TooLarge { path: path.to_owned(), what });
        }
        Ok(text)
    }
}

/// A plain name: no separator, no drive, nothing that means another directory.
fn is_table_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.bytes().all(plain) && !name.starts_with('.')
}

fn parse(text: &str, path: &Path) -> Result<AssetTable, AssetError> {
    let malformed = |line: u64, what: String| AssetError::Malformed { path: path.to_owned(), line, what };
    // A byte-order mark is what some spreadsheets begin a file with.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Rows of another length are told apart below, with the line they stand on.
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let line_of = |record: &csv::StringRecord| record.position().map_or(1, csv::Position::line);
    let mut next = |record: &mut csv::StringRecord| {
        reader
            .read_record(record)
            .map_err(|error| malformed(error.position().map_or(1, csv::Position::line), error.to_string()))
    };
    if !next(&mut record)? {
        return Err(malformed(1, "no line with the columns' names".to_owned()));
    }
    let columns = columns(&record).map_err(|what| malformed(line_of(&record), what))?;
    let most_rows = MAX_TABLE_BYTES / size_of::<f64>() / columns.len();
    let mut values = Vec::new();
    let mut rows = 0_u32;
    while next(&mut record)? {
        let line = line_of(&record);
        if record.len() != columns.len() {
            let what = format!("{} cells, the header has {}", record.len(), columns.len());
            return Err(malformed(line, what));
        }
        if rows as usize == most_rows {
            let what = format!(
                "more than {most_rows} rows of {} columns: a plugin gets at most {MAX_TABLE_BYTES} bytes a table",
                columns.len()
            );
            return Err(AssetError::TooLarge { path: path.to_owned(), what });
        }
        for (cell, column) in record.iter().zip(&columns) {
            let value = number(cell).ok_or_else(|| malformed(line, format!("`{cell}` in `{column}` is no number")))?;
            values.push(value);
        }
        rows += 1;
    }
    Ok(AssetTable { columns, rows, values })
}

/// A finite number; NaN for an empty cell. Nobody writes `inf` or `nan` on purpose in a table.
fn number(cell: &str) -> Option<f64> {
    if cell.is_empty() { Some(f64::NAN) } else { cell.parse().ok().filter(|value: &f64| value.is_finite()) }
}

fn columns(header: &csv::StringRecord) -> Result<Vec<String>, String> {
    if header.len() > MAX_COLUMNS {
        return Err(format!("{} columns; at most {MAX_COLUMNS} are read", header.len()));
    }
    let mut seen = HashSet::new();
    for (index, name) in header.iter().enumerate() {
        if name.is_empty() {
            return Err(format!("column {} has no name", index + 1));
        }
        if name.len() > MAX_COLUMN_NAME_BYTES {
            return Err(format!("the name of column {} is longer than {MAX_COLUMN_NAME_BYTES} bytes", index + 1));
        }
        if !seen.insert(name) {
            return Err(format!("the column `{name}` stands there twice"));
        }
    }
    Ok(header.iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panic")]
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn directory(files: &[(&str, &str)]) -> (TempDir, AssetDirectory) {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("assets");
        fs::create_dir(&inside).unwrap();
        for (name, text) in files {
            fs::write(inside.join(name), text).unwrap();
        }
        fs::write(folder.path().join("secret.csv"), "key\n42\n").unwrap();
        let assets = AssetDirectory::open(&inside).unwrap();
        (folder, assets)
    }

    #[test]
    fn a_table_is_read_with_its_gaps() {
        let (_folder, assets) = directory(&[
            ("tariff.csv", "\u{feff}hour, price\r\n0,1.5\r\n1,\r\n2,-3e2\r\n"),
            ("empty.csv", "a,b\n"),
            ("pump.v2.csv", "a\n1\n\n2\n"),
        ]);
        let table = assets.load("tariff").unwrap();
        assert_eq!(table.columns, ["hour", "price"]);
        assert_eq!(table.rows, 3);
        assert_eq!(table.values[..3], [0.0, 1.5, 1.0]);
        assert!(table.values[3].is_nan());
        assert_eq!(table.values[4..], [2.0, -300.0]);
        let empty = assets.load("empty").unwrap();
        assert_eq!((empty.rows, empty.values.len()), (0, 0));
        assert_eq!(assets.load("pump.v2").unwrap().values, [1.0, 2.0]);
    }

    #[test]
    fn what_is_no_table_of_numbers_is_refused_with_its_line() {
        let cases = [
            ("", "line 1: no line with the columns' names"),
            ("a,b\n1,2\n3\n", "line 3: 1 cells, the header has 2"),
            ("a,b\n1,2,3\n", "line 2: 3 cells, the header has 2"),
            ("a,b\n1,two\n", "line 2: `two` in `b` is no number"),
            ("a\n1\ninf\n", "line 3: `inf` in `a` is no number"),
            ("a\nNaN\n", "line 2: `NaN` in `a` is no number"),
            ("a,\n1,2\n", "line 1: column 2 has no name"),
            ("a,a\n1,2\n", "line 1: the column `a` stands there twice"),
        ];
        for (text, expected) in cases {
            let (_folder, assets) = directory(&[("t.csv", text)]);
            let error = assets.load("t").unwrap_err();
            assert!(matches!(error, AssetError::Malformed { .. }));
            let message = error.to_string();
            assert!(message.contains("t.csv") && message.ends_with(expected), "{message}");
        }
        let (_folder, assets) = directory(&[]);
        fs::write(assets.path().join("latin.csv"), b"a\n\xff\n").unwrap();
        assert!(matches!(assets.load("latin").unwrap_err(), AssetError::Read { .. }));
    }

    #[test]
    fn a_table_is_as_large_as_the_limit_and_no_larger() {
        let most_rows = MAX_TABLE_BYTES / 8 / 2;
        let full = format!("a,b\n{}", "1,2\n".repeat(most_rows));
        let over = format!("{full}1,2\n");
        let wide = vec!["c"; MAX_COLUMNS + 1].join(",");
        let long = format!("a\n{}", " ".repeat(MAX_FILE_BYTES as usize));
        let (_folder, assets) =
            directory(&[("full.csv", &full), ("over.csv", &over), ("wide.csv", &wide), ("long.csv", &long)]);
        assert_eq!(assets.load("full").unwrap().rows as usize, most_rows);
        assert!(matches!(assets.load("over").unwrap_err(), AssetError::TooLarge { .. }));
        assert!(assets.load("wide").unwrap_err().to_string().contains("257 columns"));
        assert!(matches!(assets.load("long").unwrap_err(), AssetError::TooLarge { .. }));
    }

    #[test]
    fn the_widest_header_fits_what_was_kept_for_it() {
        // A string crosses as its bytes and two words of 4 bytes.
        let header = MAX_COLUMNS * (MAX_COLUMN_NAME_BYTES + 8);
        assert!(MAX_TABLE_BYTES + header < 1024 * 1024);
    }

    #[test]
    fn names_that_are_not_plain_are_refused() {
        let (folder, assets) = directory(&[("t.csv", "a\n1\n"), (".hidden.csv", "a\n1\n")]);
        let absolute = folder.path().join("secret");
        let long = "t".repeat(MAX_NAME_BYTES + 1);
        let names = [
            "",
            ".",
            "..",
            "../secret",
            "..\\secret",
            "./t",
            "sub/t",
            "/t",
            "C:t",
            "t\0",
            ".hidden",
            "t ",
            "é",
            absolute.to_str().unwrap(),
            &long,
        ];
        for name in names {
            assert!(matches!(assets.load(name), Err(AssetError::Name { .. })), "{name:?}");
        }
        assert!(assets.load("t").is_ok());
        // Plain, and nowhere in the directory.
        for name in ["secret", "t..", "t.csv"] {
            assert!(matches!(assets.load(name), Err(AssetError::Unknown { .. })), "{name:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_inside_and_never_outside() {
        use std::os::unix::fs::symlink;
        let (folder, assets) = directory(&[("t.csv", "a\n1\n")]);
        let at = |name: &str| assets.path().join(name);
        symlink("t.csv", at("inside.csv")).unwrap();
        symlink("../secret.csv", at("relative.csv")).unwrap();
        symlink(folder.path().join("secret.csv"), at("absolute.csv")).unwrap();
        symlink("..", at("up")).unwrap();
        symlink("up/secret.csv", at("through.csv")).unwrap();
        symlink("loop.csv", at("loop.csv")).unwrap();
        fs::create_dir(at("folder.csv")).unwrap();
        assert_eq!(assets.load("inside").unwrap().values, [1.0]);
        for name in ["relative", "absolute", "through", "loop", "folder"] {
            assert!(matches!(assets.load(name), Err(AssetError::Unknown { .. })), "{name}");
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_refused_by_name() {
        let text = AssetDirectory::open(Path::new("/nowhere/assets")).unwrap_err().to_string();
        assert!(text.contains("/nowhere/assets"), "{text}");
    }
}
