//! Models and components that are new are tried out in a process of their own before they are loaded here: this program
//! again, started as `dinrail __plan-model PATH` or `dinrail __compile-component PATH`.

use crate::run::Ending;
use dinrail_engine::{Engine, EngineSettings};
use dinrail_inference::{Catalog, Planner};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The subcommand's name, which no help shows.
pub const COMMAND: &str = "__plan-model";

/// That of components.
pub const COMPILE_COMMAND: &str = "__compile-component";

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

/// Compiles a bundle's component in a child: what that does to its compiler, it does there. Where no child is
/// [enabled](enable), nothing is asked.
pub(crate) fn try_component(wasm: &[u8]) -> Result<(), String> {
    let Some(program) = PROGRAM.get() else { return Ok(()) };
    let (_file, path) = in_memory(wasm).map_err(|error| format!("it can't be tried: {error}"))?;
    let planner = Planner::new(program.clone(), vec![COMPILE_COMMAND.into()]).doing("compiling the component");
    planner.try_out(&path).map(|_sha256| ()).map_err(|error| error.to_string())
}

/// A file that no disk has, and where a child finds it as long as it is open here.
fn in_memory(bytes: &[u8]) -> std::io::Result<(File, PathBuf)> {
    use std::os::fd::AsRawFd;
    let mut file = File::from(rustix::fs::memfd_create("component", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Ok((file, path.into()))
}

/// The child's side for a component.
pub fn compile(path: &Path) -> Ending {
    let tried = dinrail_inference::planner::child_that(|| {
        let wasm = std::fs::read(path).map_err(|error| error.to_string())?;
        let engine = Engine::new(EngineSettings::default()).map_err(|error| error.to_string())?;
        let component = engine.compile(&wasm).map_err(|error| error.to_string())?;
        Ok(component.digest().to_owned())
    });
    if tried.is_ok() { Ending::Well } else { Ending::Failed }
}

/// The child's side for a model.
pub fn plan(path: &Path) -> Ending {
    match dinrail_inference::planner::child(path) {
        Ok(()) => Ending::Well,
        Err(_) => Ending::Failed,
    }
}
