//! Who compiles to wasm32-unknown-unknown: what the compiler has, what rustup can add, what Debian packages.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::workspace::{Workspace, apt_install, find_program, may_install, output, run};

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
const DEBIAN_FILES: [&str; 4] =
    ["/usr/bin/rustc", "/usr/bin/cargo", "/usr/bin/wasm-ld-22", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml"];

/// The ways to a wasm tool chain, in the order they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// The compiler in use has the target
    Sysroot,
    /// rustup adds the target
    Rustup,
    /// Debian's rustc-web, which builds the standard library itself
    Debian,
}

/// A compiler that can make wasm.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The cargo that runs this program.
    Plain,
    /// Debian's. Its standard library is only ever built with its own compiler.
    Debian,
}

/// The first tool chain that is there or can be had, or only the one that is asked for.
pub(crate) fn find(workspace: &Workspace, only: Option<Choice>) -> Result<Toolchain> {
    let wanted = |choice| only.is_none_or(|only| only == choice);
    if wanted(Choice::Sysroot) && sysroot_has_target(workspace) {
        return Ok(Toolchain::Plain);
    }
    if wanted(Choice::Rustup) && rustup_adds_target(workspace, only.is_some()) && sysroot_has_target(workspace) {
        return Ok(Toolchain::Plain);
    }
    if wanted(Choice::Debian) && debian_is_installed(workspace)? {
        return Ok(Toolchain::Debian);
    }
    bail!(
        "no tool chain for {TARGET}. Either of these makes one:\n  rustup target add {TARGET}\n  apt-get install {}",
        DEBIAN_PACKAGES.join(" ")
    );
}

impl Toolchain {
    /// A `cargo build` for wasm, to which packages and profile are added.
    pub(crate) fn build(&self, workspace: &Workspace, target: &Path) -> Command {
        let mut cargo = match self {
            Toolchain::Plain => {
                let mut cargo = workspace.cargo();
                cargo.args(["build", "--locked", "--target", TARGET]);
                cargo
            }
            Toolchain::Debian => debian_cargo(workspace),
        };
        // SIMD is worth 1.8 times on kernels over many rows, and every engine of the last years has it.
        cargo.env("RUSTFLAGS", "-C target-feature=+simd128").env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.env("CARGO_TARGET_DIR", target);
        cargo
    }

    /// Where the modules of that profile lie.
    pub(crate) fn modules(&self, target: &Path, profile: &str) -> PathBuf {
        target.join(TARGET).join(profile)
    }

    /// For the reader.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Toolchain::Plain => "this Rust",
            Toolchain::Debian => "Debian's Rust, which compiles the standard library first",
        }
    }
}

fn debian_cargo(workspace: &Workspace) -> Command {
    let mut cargo = Command::new("/usr/bin/cargo");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(PathBuf::from("/usr/bin")).chain(env::split_paths(&path)));
    cargo.current_dir(workspace.root());
    // wasm has no backtraces, so std is built without the crates that read debug information.
    cargo.args(["build", "--locked", "-Zbuild-std=std,panic_abort", "-Zbuild-std-features=", "--target", TARGET]);
    cargo.envs(path.map(|path| ("PATH", path)));
    cargo.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-22");
    // What the running cargo and rustup left in the environment speaks of the other compiler.
    for foreign in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTDOC", "LD_LIBRARY_PATH"] {
        cargo.env_remove(foreign);
    }
    cargo
}

fn sysroot_has_target(workspace: &Workspace) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = output(Command::new(rustc).args(["--print", "sysroot"]).current_dir(workspace.root()));
    sysroot.is_some_and(|sysroot| Path::new(&sysroot).join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

/// `RUSTUP_AUTO_INSTALL=0` forbids rustup to install what nobody asked for; it is honoured here too.
fn rustup_adds_target(workspace: &Workspace, asked: bool) -> bool {
    let forbidden = env::var("RUSTUP_AUTO_INSTALL").is_ok_and(|value| value == "0");
    if find_program("rustup").is_none() || (forbidden && !asked) {
        return false;
    }
    workspace.step(&format!("rustup target add {TARGET}"));
    run(Command::new("rustup").args(["target", "add", TARGET]).current_dir(workspace.root())).is_ok()
}

fn debian_is_installed(workspace: &Workspace) -> Result<bool> {
    let complete = || DEBIAN_FILES.iter().all(|file| Path::new(file).is_file());
    if !complete() && may_install() {
        workspace.step(&format!("apt-get install {}", DEBIAN_PACKAGES.join(" ")));
        apt_install(&DEBIAN_PACKAGES)?;
    }
    Ok(complete())
}
