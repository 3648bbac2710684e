//! What a test finds on this machine. `cargo xtask test` says it in the environment; a plain `cargo test` after
//! `cargo xtask plugins` finds the same beside its own binary.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The built controller: `DINRAIL_BIN`.
#[must_use]
pub fn dinrail() -> PathBuf {
    let name = format!("release/dinrail{}", env::consts::EXE_SUFFIX);
    present(env::var_os("DINRAIL_BIN").map_or_else(|| target().join(name), PathBuf::from))
}

/// The component of `plugins/<name>`, in `DINRAIL_PLUGINS`.
#[must_use]
pub fn plugin(name: &str) -> PathBuf {
    let folder = env::var_os("DINRAIL_PLUGINS").map_or_else(|| target().join("plugins"), PathBuf::from);
    present(folder.join(format!("{name}.wasm")))
}

/// The component of `plugins/guests/<name>`, in `DINRAIL_GUESTS`.
#[must_use]
pub fn guest(name: &str) -> PathBuf {
    let folder = env::var_os("DINRAIL_GUESTS").map_or_else(|| target().join("guests-components"), PathBuf::from);
    present(folder.join(format!("{name}.wasm")))
}

/// The folder of public data sets, `DINRAIL_DATA`. Where it is unset, the calling test is noted as skipped and
/// returns at once: `let Some(data) = data() else { return };`.
#[must_use]
pub fn data() -> Option<PathBuf> {
    let data = env::var_os("DINRAIL_DATA").map(PathBuf::from);
    if data.is_none() {
        skip("DINRAIL_DATA, the folder of public data sets, is not set");
    }
    data
}

/// A program that the calling test talks to. Where it is missing, the test is noted as skipped and returns at once.
///
/// # Panics
/// Where it is missing and `CI` is `true`: there, nothing may be skipped.
#[must_use]
pub fn peer(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian keeps servers where only root's path looks.
    let places = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = places.map(|place| place.join(program)).find(|file| file.is_file());
    if found.is_none() {
        assert!(env::var("CI").as_deref() != Ok("true"), "{program} is missing");
        skip(&format!("{program} is missing"));
    }
    found
}

/// Notes that the calling test does not run, and why, for the closing lines of `cargo xtask test`.
fn skip(why: &str) {
    let thread = std::thread::current();
    let line = format!("{}: {why}\n", thread.name().unwrap_or("a test"));
    eprint!("skipped: {line}");
    if let Some(file) = env::var_os("DINRAIL_SKIPPED") {
        let noted = OpenOptions::new().append(true).create(true).open(&file);
        // One write of one line: tests run side by side.
        noted.and_then(|mut file| file.write_all(line.as_bytes())).expect("DINRAIL_SKIPPED names a writable file");
    }
}

fn present(file: PathBuf) -> PathBuf {
    assert!(file.is_file(), "{} is missing; `cargo xtask plugins` or `cargo xtask test` builds it", file.display());
    file
}

/// Test binaries lie in `<target>/release/deps`, other binaries in `<target>/release`.
fn target() -> PathBuf {
    let binary = env::current_exe().expect("a running program has a path");
    let release = binary.ancestors().find(|folder| folder.ends_with("release")).unwrap_or(Path::new("."));
    release.parent().unwrap_or(Path::new(".")).to_path_buf()
}
