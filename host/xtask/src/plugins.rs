//! From crates to components: `plugins/<use-case>` to `<target>/plugins/<use-case>.wasm`, and the tests' guests of
//! `plugins/guests/<name>` to `<target>/guests-components/<name>.wasm`. The models go to `<target>/models`, the scenarios to
//! `<target>/scenarios`.

use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, ensure};
use wit_component::{ComponentEncoder, DecodedWasm, decode};

use crate::toolchain::{self, Choice};
use crate::workspace::{Workspace, run};

const PROFILE: &str = "guest";

/// What is built together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// What ships.
    Plugins,
    /// Hostile and measuring components that only tests load.
    Guests,
}

/// Whether each crate is named as it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Where it is the only build.
    Shown,
    /// Beside another build, whose progress is shown.
    Quiet,
}

/// One crate that becomes one component.
struct Source {
    package: String,
    component: PathBuf,
}

/// Builds plugins and controller side by side, in directories of their own: each leaves cores idle at its end.
pub(crate) fn build_with_host(workspace: &Workspace, sets: &[Set]) -> Result<()> {
    thread::scope(|scope| {
        let host = scope.spawn(|| workspace.build_host());
        let plugins = build(workspace, sets, None, Progress::Quiet);
        let host = host.join().unwrap_or_else(|panic| resume_unwind(panic));
        plugins.and(host)
    })
}

/// Builds what has changed. An unchanged component keeps its file, time included.
pub(crate) fn build(workspace: &Workspace, sets: &[Set], only: Option<Choice>, progress: Progress) -> Result<()> {
    let mut sources = Vec::new();
    for &set in sets {
        sources.extend(list(workspace, set)?);
    }
    let toolchain = toolchain::find(workspace, only)?;
    workspace.step(&format!("building {} components with {}", sources.len(), toolchain.name()));
    let target = workspace.target().join("guests");
    let mut cargo = toolchain.build(workspace, &target);
    cargo.args(["--profile", PROFILE, "--lib"]);
    if progress == Progress::Quiet {
        cargo.arg("--quiet");
    }
    for source in &sources {
        cargo.args(["--package", &source.package]);
    }
    run(&mut cargo)?;
    let modules = toolchain.modules(&target, PROFILE);
    // All that can be made is made, so that one broken crate does not hide the others.
    let failures = sources.iter().filter_map(|source| encode(&modules, source).err());
    let failures: Vec<String> = failures.map(|error| format!("{error:#}")).collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    install_models(workspace)?;
    install_scenarios(workspace)
}

/// What `models/<name>` hands to a host, to `<target>/models/<name>`, where `dinrail` looks for it as it does for plugins;
/// with the tables that a plugin reads beside the model.
fn install_models(workspace: &Workspace) -> Result<()> {
    const HANDED_OVER: [&str; 3] = ["model.onnx", "model.toml", "reference.json"];
    let models = workspace.root().join("models");
    for entry in fs::read_dir(&models).with_context(|| format!("listing {}", models.display()))? {
        let model = entry?;
        let installed = workspace.target().join("models").join(model.file_name());
        for name in HANDED_OVER {
            let from = model.path().join(name);
            if from.is_file() {
                fs::create_dir_all(&installed).with_context(|| format!("making {}", installed.display()))?;
                fs::copy(&from, installed.join(name)).with_context(|| format!("copying {}", from.display()))?;
            }
        }
        install_tables(&model.path().join("tables"), &installed.join("tables"))?;
    }
    Ok(())
}

/// The scenarios, to `<target>/scenarios`, where `dinrail score` looks for them outside the checkout.
fn install_scenarios(workspace: &Workspace) -> Result<()> {
    let scenarios = workspace.root().join("tests/scenarios");
    for entry in fs::read_dir(&scenarios).with_context(|| format!("listing {}", scenarios.display()))? {
        let scenario = entry?;
        if scenario.path().is_dir() {
            let installed = workspace.target().join("scenarios").join(scenario.file_name());
            copy_files(&scenario.path(), &installed)?;
        }
    }
    Ok(())
}

fn install_tables(from: &Path, installed: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    copy_files(from, installed)
}

fn copy_files(from: &Path, installed: &Path) -> Result<()> {
    fs::create_dir_all(installed).with_context(|| format!("making {}", installed.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("listing {}", from.display()))? {
        let file = entry?;
        let to = installed.join(file.file_name());
        fs::copy(file.path(), &to).with_context(|| format!("copying {}", file.path().display()))?;
    }
    Ok(())
}

/// The plugins that ship.
pub(crate) fn names(workspace: &Workspace) -> Result<Vec<String>> {
    Ok(list(workspace, Set::Plugins)?.into_iter().map(|source| source.package).collect())
}

fn list(workspace: &Workspace, set: Set) -> Result<Vec<Source>> {
    let (folder, installed, prefix) = match set {
        Set::Plugins => (workspace.root().join("plugins"), workspace.plugins(), ""),
        Set::Guests => (workspace.root().join("plugins/guests"), workspace.guests(), "guest-"),
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.join("Cargo.toml").is_file() && name != "sdk" {
            names.push(name);
        }
    }
    names.sort();
    let source =
        |name: String| Source { package: format!("{prefix}{name}"), component: installed.join(format!("{name}.wasm")) };
    Ok(names.into_iter().map(source).collect())
}

/// The module's custom section tells its world, so nothing else is needed.
fn encode(modules: &Path, source: &Source) -> Result<()> {
    let module = modules.join(format!("{}.wasm", source.package.replace('-', "_")));
    let bytes = fs::read(&module).with_context(|| {
        format!("reading {}; is `cdylib` among the crate-type of {}?", module.display(), source.package)
    })?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("making a component of {}", module.display()))?;
    let exports = match decode(&component)? {
        DecodedWasm::Component(resolve, world) => resolve.worlds[world].exports.len(),
        DecodedWasm::WitPackage(..) => 0,
    };
    ensure!(exports > 0, "{} exports nothing; does its crate call `dinrail_sdk::export!`?", source.package);
    if fs::read(&source.component).is_ok_and(|old| old == component) {
        return Ok(());
    }
    let folder = source.component.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    // Written beside it and renamed, so that a running controller never reads half a component.
    let partial = source.component.with_extension("partial");
    fs::write(&partial, &component).with_context(|| format!("writing {}", partial.display()))?;
    fs::rename(&partial, &source.component).with_context(|| format!("writing {}", source.component.display()))?;
    eprintln!("  {} ({} KiB)", source.component.display(), component.len() / 1024);
    Ok(())
}
