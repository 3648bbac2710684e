//! An operator's words to a running controller, over a local socket.
//!
//! - [`server`]: the controller's end
//! - [`bundles`]: bundles, versions and swaps
//! - [`client`]: the command line's end
//! - `alarms`: how it shows alarms
//!
//! One request and one answer a line, as JSON. The socket is a file that only its owner (and root) may open: who can
//! open it may do everything that the controller's own user may. Requests are carried out between two scans.

mod alarms;
pub mod bundles;
pub mod client;
pub mod server;

pub use alarms::AlarmLine;

use crate::config::Site;
pub use bundles::{BundleLine, PluginLine, SwapLine, SwapTerms};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// What waits for a word.
    Advices,
    /// Yes.
    Accept {
        /// Its number.
        id: u64,
    },
    /// No.
    Reject {
        /// Its number.
        id: u64,
        /// Why.
        reason: String,
    },
    /// The modes of all plugins and outputs.
    Modes,
    /// Another mode.
    Mode {
        /// A plugin or an output.
        target: String,
        /// `manual`, `shadow`, `advise` or `auto`.
        mode: String,
    },
    /// Unlatches a trip.
    Reset {
        /// Of this output.
        output: String,
    },
    /// All plugins as they run.
    Status,
    /// Installs a bundle.
    Install {
        /// Its file, by its whole path.
        path: PathBuf,
        /// An older version than one that ran is meant.
        #[serde(default)]
        downgrade: bool,
        /// Only says what would be.
        #[serde(default)]
        dry_run: bool,
    },
    /// What is installed.
    Bundles,
    /// Puts an installed bundle in shadow beside a plugin.
    Swap {
        /// The plugin.
        plugin: String,
        /// `NAME` or `NAME@VERSION`.
        bundle: String,
        /// What is asked of it.
        #[serde(default)]
        terms: SwapTerms,
        /// Only says what would be.
        #[serde(default)]
        dry_run: bool,
    },
    /// From shadow to trial, from trial to the end.
    Commit {
        /// The plugin.
        plugin: String,
    },
    /// Back to the version before.
    Rollback {
        /// The plugin.
        plugin: String,
        /// Only says what would be.
        #[serde(default)]
        dry_run: bool,
    },
    /// Another value of a plugin's parameter.
    Set {
        /// The plugin.
        plugin: String,
        /// The parameter.
        parameter: String,
        /// As written.
        value: String,
        /// Only says what would be.
        #[serde(default)]
        dry_run: bool,
    },
    /// An operator's own value for an output, for a time.
    Override {
        /// The output.
        output: String,
        /// In the output's unit.
        value: f64,
        /// For how long, run time.
        for_ms: u64,
        /// Why.
        reason: String,
    },
    /// Ends it.
    Release {
        /// The output.
        output: String,
    },
    /// All alarms.
    Alarms,
    /// Somebody knows of an alarm.
    Acknowledge {
        /// Its name.
        alarm: String,
    },
    /// Puts an alarm aside for a time.
    Shelve {
        /// Its name.
        alarm: String,
        /// For how long, run time.
        for_ms: u64,
        /// Why.
        reason: String,
    },
    /// Takes it back.
    Unshelve {
        /// Its name.
        alarm: String,
    },
    /// Where incidents are.
    Incidents,
    /// An incident of now.
    TakeIncident {
        /// Why.
        reason: String,
    },
}

impl Request {
    /// Whether it is carried out beside the scan, and may take its time.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        matches!(
            self,
            Request::Install { .. }
                | Request::Bundles
                | Request::Swap { .. }
                | Request::Set { .. }
                | Request::Rollback { .. }
        )
    }
}

/// A request with its sender, as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// Who asks, as the sender says; for the record.
    pub user: String,
    /// What.
    pub request: Request,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// What waits.
    Advices {
        /// In the outputs' order.
        advices: Vec<Advice>,
    },
    /// The modes.
    Modes {
        /// Plugins, then outputs.
        modes: Vec<Standing>,
    },
    /// How alarms stand.
    Alarms {
        /// The most urgent first; of very many, those alone.
        alarms: Vec<AlarmLine>,
        /// How many there are.
        watched: usize,
    },
    /// All plugins as they run.
    Status {
        /// In the configuration's order.
        plugins: Vec<PluginLine>,
        /// The last swaps that ended.
        ended: Vec<SwapLine>,
    },
    /// What is installed.
    Bundles {
        /// By digest.
        bundles: Vec<BundleLine>,
    },
    /// Where incidents are.
    Incidents {
        /// None where nothing is recorded.
        folder: Option<String>,
    },
    /// It was done.
    Done {
        /// What was, in a sentence.
        text: String,
    },
    /// It was not done.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// A proposal that waits for an operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Its number.
    pub id: u64,
    /// The output.
    pub output: String,
    /// Who proposes.
    pub plugin: String,
    /// What would be set.
    pub setpoint: f64,
    /// The value in force, if it is known.
    pub applied: Option<f64>,
    /// Of both.
    pub unit: String,
    /// In the plugin's words.
    pub reason: String,
    /// In [0, 1].
    pub confidence: f32,
    /// What the guard would do with it.
    pub verdict: String,
    /// What happens after a yes: from where to where, and how fast; or why nothing can happen now.
    pub guard: String,
    /// When it was first proposed.
    pub since: String,
    /// Seconds of run time until it expires, if it is not proposed again.
    pub expires_in_s: f64,
}

/// The mode of a plugin or an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// `plugin` or `output`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its own mode.
    pub mode: String,
    /// Of an output: the lower of its own and its plugin's.
    pub holds: Option<String>,
    /// Of an output: whether its trip is latched.
    pub tripped: bool,
    /// The condition of a latched trip, and what made it true.
    pub trip: Option<String>,
}

/// Longest line that either end reads: a queue of a few hundred advices.
pub const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// Where a site's socket is unless the configuration says otherwise: in a folder of the user's own, below
/// `XDG_RUNTIME_DIR` or the folder of temporary files.
#[must_use]
pub fn default_path(site: &str) -> PathBuf {
    folder().join(format!("{site}.sock"))
}

/// The folder of this user's sockets.
pub(crate) fn folder() -> PathBuf {
    folder_in(std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from))
}

fn folder_in(base: PathBuf) -> PathBuf {
    base.join(format!("dinrail-{}", rustix::process::getuid().as_raw()))
}

/// Where this user's controllers may be: one that was started as a service may have had no `XDG_RUNTIME_DIR`. Folders that
/// somebody else made are left out: whatever listens there may be anybody's.
pub(crate) fn folders() -> Vec<PathBuf> {
    let mut folders = vec![folder()];
    let other = folder_in(std::env::temp_dir());
    if !folders.contains(&other) {
        folders.push(other);
    }
    folders.retain(|folder| is_own_folder(folder));
    folders
}

/// Whether a folder is this user's own, and nobody else may enter it.
pub(crate) fn is_own_folder(folder: &Path) -> bool {
    let own = rustix::process::getuid().as_raw();
    std::fs::symlink_metadata(folder)
        .is_ok_and(|found| found.is_dir() && found.uid() == own && found.mode() & 0o077 == 0)
}

/// Where a site's socket is; none where it has none.
#[must_use]
pub fn path_of(site: &Site) -> Option<PathBuf> {
    match &site.control {
        crate::config::Control::Default => Some(default_path(&site.name)),
        crate::config::Control::Path(path) => Some(path.clone()),
        crate::config::Control::Off => None,
    }
}
