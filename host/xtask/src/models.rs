//! Trains the models again: `models/<name>/train.py`, with the packages of `models/<name>/requirements.txt`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, run};

/// Trains one model or all of them, each in a Python environment of its own under the target directory.
pub(crate) fn train(workspace: &Workspace, only: Option<&str>) -> Result<()> {
    let folder = workspace.root().join("models");
    let mut trained = 0;
    for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
        let model = entry?.path();
        let name = model.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let script = model.join("train.py");
        if !script.is_file() || only.is_some_and(|only| only != name) {
            continue;
        }
        workspace.step(&format!("training {name}"));
        let environment = workspace.target().join("venv").join(&name);
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        let requirements = model.join("requirements.txt");
        if requirements.is_file() {
            let mut pip = Command::new(environment.join("bin/pip"));
            run(pip.args(["install", "--quiet", "--requirement"]).arg(&requirements))?;
        }
        run(Command::new(environment.join("bin/python")).arg(&script).current_dir(&model))?;
        trained += 1;
    }
    match (trained, only) {
        (0, Some(name)) => bail!("no model `{name}` with a train.py"),
        _ => Ok(()),
    }
}
