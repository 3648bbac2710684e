//! What is refused, and what failed.

use crate::bundle::BundleError;
use std::io;
use std::path::PathBuf;

/// Why the index does not answer.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Its bytes are not what was written.
    #[error("the index of what is installed is damaged: {what}")]
    Damaged {
        /// Where it was noticed.
        what: String,
    },
    /// From a newer dinrail.
    #[error(
        "the index of what is installed has format {format}, and this dinrail knows format {known} only; update dinrail"
    )]
    Format {
        /// As it says.
        format: u32,
        /// The one there is.
        known: u32,
    },
    /// Two at once.
    #[error("the index of what is installed is in use by another dinrail")]
    Open,
    /// What must not be, and would be found damaged when it is read again.
    #[error("a record can't be encoded")]
    Encode(#[source] serde_json::Error),
    /// Of the disk. After a failed commit only opening anew tells whether it was made.
    #[error("the index of what is installed")]
    Database(#[source] Box<redb::Error>),
}

/// Why something about installed bundles is refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum InstalledError {
    /// Of the index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// There are bundles and nothing that names them.
    #[error("`{}` is missing, and there are bundles beside it; restore it, or empty the folder", path.display())]
    NoIndex {
        /// Where it should be.
        path: PathBuf,
    },
    /// Of the file system.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody planted it.
    #[error("`{}` is a link, and should be a file or folder of dinrail's own", path.display())]
    Link {
        /// Where it is.
        path: PathBuf,
    },
    /// A bundle that is installed has no file.
    #[error("`{}` is missing; install the bundle again", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Bit rot, or worse.
    #[error("`{}` is damaged; install the bundle again: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BundleError,
    },
    /// A sound bundle in another's place.
    #[error("`{}` is another bundle, {found}; install the right one again", path.display())]
    Exchanged {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: String,
    },
    /// Not installed.
    #[error("no bundle {digest} is installed")]
    Unknown {
        /// As it was asked for.
        digest: String,
    },
    /// It is needed.
    #[error("the bundle {digest} runs, ran last or is about to run as `{plugin}`")]
    InUse {
        /// The bundle.
        digest: String,
        /// One of its users.
        plugin: String,
    },
    /// Not a name with or without a version.
    #[error("`{text}` should be NAME, NAME@1, NAME@1.2 or NAME@1.2.3")]
    Selector {
        /// As it was given, shortened.
        text: String,
    },
    /// It failed before.
    #[error("the bundle {digest} is barred as `{plugin}` after {strikes} failed changes to it")]
    Barred {
        /// Whose.
        plugin: String,
        /// The bundle.
        digest: String,
        /// How many.
        strikes: u32,
    },
    /// It asks for more.
    #[error("the bundle {digest} asks for {}, which nobody has granted to `{plugin}`", missing.join(", "))]
    NotGranted {
        /// Whose.
        plugin: String,
        /// The bundle.
        digest: String,
        /// What it asks for beyond what was granted.
        missing: Vec<String>,
    },
    /// Something runs.
    #[error("something runs as `{plugin}` already")]
    Runs {
        /// Which.
        plugin: String,
    },
    /// Nothing runs.
    #[error("nothing runs as `{plugin}`")]
    NotRunning {
        /// Which.
        plugin: String,
    },
    /// One at a time.
    #[error("a change of `{plugin}` is under way")]
    UnderWay {
        /// Which.
        plugin: String,
    },
    /// Nothing to commit or abort.
    #[error("no change of `{plugin}` is under way")]
    NoIntent {
        /// Which.
        plugin: String,
    },
    /// Somebody was faster.
    #[error("`{plugin}` is in generation {is}, not in {from}; look again")]
    Generation {
        /// Which.
        plugin: String,
        /// As the intent says.
        from: u64,
        /// As it is.
        is: u64,
    },
    /// Too long, too many, or of the wrong form.
    #[error("{what} is refused: {limit}")]
    Limit {
        /// What was given.
        what: &'static str,
        /// What is allowed.
        limit: String,
    },
}

/// Why a bundle is not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// It is not sound, or of nobody who is trusted.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Its time is over.
    #[error("it could be installed until {last}; ask for a newer one")]
    Expired {
        /// Its last day.
        last: String,
    },
    /// It needs a newer dinrail.
    #[error("it needs dinrail {minimum} or newer, and this is {dinrail}")]
    NeedsDinrail {
        /// The oldest that it runs on.
        minimum: String,
        /// This one.
        dinrail: String,
    },
    /// Older than what ran already.
    #[error("it is {name} {version}, and {floor} has run already; a downgrade needs an explicit word")]
    BelowFloor {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// The newest that ever ran.
        floor: String,
    },
    /// Two that claim to be one.
    #[error("another {name} {version} is installed, {digest}; a version stands for one bundle")]
    VersionTaken {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Of the other.
        digest: String,
    },
    /// Too many.
    #[error("{limit} bundles are installed, which is the limit; remove one first")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Too much.
    #[error("with its {bytes} bytes the bundles would take more than {limit}; remove one first")]
    TooLarge {
        /// Its length.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The caller's mistake.
    #[error("`{rule}` is no such thing: {text}")]
    Rule {
        /// Which field of the rules.
        rule: &'static str,
        /// What it says.
        text: String,
    },
    /// Of the folder.
    #[error(transparent)]
    Installed(#[from] InstalledError),
}

impl From<IndexError> for InstallError {
    fn from(error: IndexError) -> InstallError {
        InstallError::Installed(error.into())
    }
}
