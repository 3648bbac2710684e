//! What operators did: who, what, when, before and after, in files that nobody changes unseen.
//!
//! - [`chain`]: an entry as a line, and the hash that ties it to the one before
//! - [`log`]: the end of the chain, to which entries are added
//! - [`mod@verify`]: the whole of it, read and checked
//!
//! Each line is a JSON object that ends with its hash: SHA-256 over the hash before it and its own bytes without that
//! member. The first line names the site, and hangs on a fixed text with that name. A changed byte, a line that is missing in the
//! middle and lines that changed places are found by the files alone; that the *end* was cut off, or everything written anew, shows only
//! against a hash that was kept elsewhere.
//!
//! The newest entries are in `audit.jsonl`; a file that is full is put aside as `audit-000001.jsonl` and so on, and the
//! chain goes on in the next.

pub mod chain;
pub mod log;
pub mod verify;

pub use chain::{Deed, Hash, MAX_LINE_BYTES, SealedEntry};
pub use log::{AuditLog, Opened};
pub use verify::{Break, BreakKind, Verified, read, verify};

use std::io;

/// The file that entries are added to.
pub const CURRENT_FILE: &str = "audit.jsonl";
/// Size from which a file is put aside: some twenty thousand entries, and still opened in a blink.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Files put aside, at most. Who reaches it has eight gigabytes of words, or somebody who writes without end.
pub const MAX_FILES: u32 = 1_000;

/// Why the log can't be gone on with, or read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file system says no.
    #[error("`{file}`: {error}")]
    Io {
        /// In the store's folder.
        file: String,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// Its last line is no entry, and no torn one either.
    #[error(
        "`{file}`, its last line: {what}; `dinrail audit verify` says more. Put the audit files elsewhere to begin a new log"
    )]
    Foreign {
        /// In the store's folder.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// An entry does not fit.
    #[error("an entry has at most {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// There are as many files as there may be.
    #[error("there are {MAX_FILES} audit files; put the older ones elsewhere")]
    TooMany,
}

/// The name of a file that was put aside.
fn aside(number: u32) -> String {
    format!("audit-{number:06}.jsonl")
}

/// Its number.
fn aside_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("audit-")?.strip_suffix(".jsonl")?;
    (digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// Numbers of the files that were put aside, in their order.
fn set_aside(directory: &cap_std::fs::Dir) -> Result<Vec<u32>, AuditError> {
    let failed = |error| AuditError::Io { file: ".".to_owned(), error };
    let mut numbers = Vec::new();
    for entry in directory.entries().map_err(failed)? {
        numbers.extend(entry.map_err(failed)?.file_name().to_str().and_then(aside_number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests;
