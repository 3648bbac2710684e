//! The file that a page will be written to, tried before hours of runs.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

/// Whether a page can be written here. What is there stays as it is, and what is not there is not left behind.
pub(super) fn try_out(path: &Path) -> io::Result<()> {
    let was_there = path.exists();
    OpenOptions::new().append(true).create(true).open(path)?;
    if was_there { Ok(()) } else { std::fs::remove_file(path) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn trying_leaves_nothing_behind_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.html");
        try_out(&page).unwrap();
        assert!(!page.exists());
        std::fs::write(&page, "old").unwrap();
        try_out(&page).unwrap();
        assert_eq!(std::fs::read_to_string(&page).unwrap(), "old");
        assert!(try_out(&folder.path().join("absent/page.html")).is_err());
        assert!(try_out(folder.path()).is_err(), "a folder is no file");
    }
}
