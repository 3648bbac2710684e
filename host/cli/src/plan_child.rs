//! Models are tried out in a process of their own before they are loaded here: this program again, started as
//! `dinrail __plan-model PATH`.

use crate::run::Ending;
use dinrail_inference::{Catalog, Planner};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The subcommand's name, which no help shows.
pub const COMMAND: &str = "__plan-model";

/// Set by the binary; a test that runs a controller in its own process is no `dinrail` and plans there.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// From now on, models are tried out in a child of this program.
pub fn enable() {
    // An empty path can't be run: where this program can't be found, loading a model says so.
    PROGRAM.get_or_init(|| std::env::current_exe().unwrap_or_default());
}

/// A catalog that tries models out in a child, where that is [enabled](enable).
pub(crate) fn catalog() -> Catalog {
    match PROGRAM.get() {
        Some(program) => Catalog::with_planner(Planner::new(program.clone(), vec![COMMAND.into()])),
        None => Catalog::new(),
    }
}

/// The child's side.
pub fn plan(path: &Path) -> Ending {
    match dinrail_inference::planner::child(path) {
        Ok(()) => Ending::Well,
        Err(_) => Ending::Failed,
    }
}
