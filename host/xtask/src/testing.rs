//! The test run: everything built, peers at hand, every test, and by name those that could not run.
//!
//! Tests find what they need in the environment: `DINRAIL_BIN` (the controller), `DINRAIL_PLUGINS` and
//! `DINRAIL_GUESTS` (directories of components), `DINRAIL_DATA` (public data sets, from outside), `DINRAIL_SKIPPED`
//! (a file to which a test that cannot run appends the line `NAME: what it lacks`).

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::{HOST_BUILD, HOST_FEATURES, Workspace, exit_code, find_program, run as run_command};
use crate::{peers, plugins};

/// Builds, runs every test and every documentation example, and closes with what was skipped.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    build(workspace)?;
    let missing = peers::provide(workspace)?;
    let strict = std::env::var("CI").is_ok_and(|value| value == "true");
    if strict && !missing.is_empty() {
        bail!("missing: {}", missing.join(", "));
    }
    let skipped = workspace.target().join("skipped-tests.txt");
    fs::write(&skipped, "").with_context(|| format!("writing {}", skipped.display()))?;

    workspace.step("testing");
    let (nextest, mut tests) = test_command(workspace, arguments);
    let first = with_environment(workspace, &mut tests, &skipped);
    let mut total = if nextest { Total::of_status(first)? } else { Total::of_output(first)? };
    workspace.step("testing the documentation's examples");
    let mut examples = workspace.cargo();
    examples.args(["test", "--doc", "--release", "--workspace", "--features", HOST_FEATURES]);
    total.add(&Total::of_output(with_environment(workspace, &mut examples, &skipped))?);

    let skipped = fs::read_to_string(&skipped).with_context(|| format!("reading {}", skipped.display()))?;
    for line in skipped.lines() {
        println!("did not run: {line}");
    }
    workspace.step("done");
    if !nextest {
        total.skipped += skipped.lines().count();
        // A skipped test returned early and was counted as passed.
        total.passed = total.passed.saturating_sub(skipped.lines().count());
        println!("{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    }
    Ok(if total.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds everything that `bench` and `prove` use, then runs that binary of the tests crate.
pub(crate) fn run_binary(workspace: &Workspace, name: &str, arguments: &[String]) -> Result<ExitCode> {
    build(workspace)?;
    workspace.step(&format!("building {name}"));
    run_command(workspace.cargo().args(HOST_BUILD).args(["--bin", name]))?;
    let mut binary = Command::new(workspace.release(name));
    with_environment(workspace, &mut binary, &workspace.target().join("skipped-tests.txt")).args(arguments);
    if name == "bench" {
        native_kernels(workspace, &mut binary)?;
        onnxruntime(workspace, &mut binary);
    }
    workspace.step(name);
    exit_code(&mut binary)
}

/// The z-score kernel as a native program, for the processor's baseline (`DINRAIL_NATIVE_KERNEL`) and, where there is
/// AVX2, for that (`DINRAIL_NATIVE_KERNEL_AVX2`): what the wasm one is compared with.
fn native_kernels(workspace: &Workspace, binary: &mut Command) -> Result<()> {
    const KERNEL: &str = "native-zscore";
    run_command(workspace.cargo().args(HOST_BUILD).args(["--bin", KERNEL]))?;
    binary.env("DINRAIL_NATIVE_KERNEL", workspace.release(KERNEL));
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        let target = workspace.target().join("avx2");
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--package", "guest-zscore", "--bin", KERNEL]);
        cargo.env("RUSTFLAGS", "-C target-feature=+avx2").env("CARGO_TARGET_DIR", &target);
        run_command(&mut cargo)?;
        binary.env("DINRAIL_NATIVE_KERNEL_AVX2", target.join("release").join(KERNEL));
    }
    Ok(())
}

/// The packages of the program that models are timed against.
const ONNXRUNTIME: [&str; 2] = ["onnxruntime==1.31.1", "numpy<3"];

/// A Python with onnxruntime (`DINRAIL_ONNXRUNTIME`), where one can be had: without it its column stays empty.
fn onnxruntime(workspace: &Workspace, binary: &mut Command) {
    let environment = workspace.target().join("venv/onnxruntime");
    let python = environment.join("bin/python");
    let mut has = Command::new(&python);
    has.args(["-c", "import onnxruntime"]).stderr(Stdio::null());
    let is_there = has.status().is_ok_and(|status| status.success());
    let install = || {
        run_command(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        run_command(Command::new(environment.join("bin/pip")).args(["install", "--quiet"]).args(ONNXRUNTIME))
    };
    let provided = if is_there { Ok(()) } else { install() };
    match provided {
        Ok(()) => {
            binary.env("DINRAIL_ONNXRUNTIME", python);
        }
        Err(error) => eprintln!("warning: models are not compared with onnxruntime: {error:#}"),
    }
}

fn build(workspace: &Workspace) -> Result<()> {
    plugins::build_with_host(workspace, &[plugins::Set::Plugins, plugins::Set::Guests])
}

/// nextest where it is installed: it runs tests side by side in processes of their own.
fn test_command(workspace: &Workspace, arguments: &[String]) -> (bool, Command) {
    let nextest = find_program("cargo-nextest").is_some();
    let mut cargo = workspace.cargo();
    match nextest {
        true => cargo.args(["nextest", "run", "--release", "--no-fail-fast"]),
        false => cargo.args(["test", "--release", "--no-fail-fast", "--lib", "--bins", "--tests"]),
    };
    cargo.args(["--workspace", "--features", HOST_FEATURES]).args(arguments);
    (nextest, cargo)
}

fn with_environment<'a>(workspace: &Workspace, command: &'a mut Command, skipped: &Path) -> &'a mut Command {
    command
        .env("DINRAIL_BIN", workspace.release("dinrail"))
        .env("DINRAIL_PLUGINS", workspace.plugins())
        .env("DINRAIL_GUESTS", workspace.guests())
        .env("DINRAIL_SKIPPED", skipped)
}

/// What came of the tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Total {
    passed: usize,
    failed: usize,
    skipped: usize,
    success: bool,
}

impl Total {
    fn of_status(command: &mut Command) -> Result<Self> {
        let status = command.status().context("starting the tests")?;
        Ok(Total { success: status.success(), ..Total::default() })
    }

    /// Passes the output on and adds up the lines `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn of_output(command: &mut Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().context("starting the tests")?;
        let mut total = Total::default();
        for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
            let line = line.context("reading the tests' output")?;
            println!("{line}");
            total.count(&line);
        }
        total.success = child.wait().context("waiting for the tests")?.success();
        Ok(total)
    }

    fn count(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for part in counts.split("; ") {
            let mut words = part.split(' ');
            let number = words.next().and_then(|word| word.parse::<usize>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.skipped += number,
                _ => (),
            }
        }
    }

    fn add(&mut self, other: &Total) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.success &= other.success;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up() {
        let mut total = Total::default();
        total.count("running 3 tests");
        total.count("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        total.count("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s");
        assert_eq!(total, Total { passed: 4, failed: 2, skipped: 1, success: false });
    }
}
