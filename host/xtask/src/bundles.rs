//! From components to bundles: `<target>/bundles/NAME-VERSION.rail`, signed by a key that is made once and is good for nothing but
//! this machine, `<target>/bundles/dev.key`, whose public half lies beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::workspace::{Workspace, run};

/// What the development's key is called.
const KEY: &str = "dev";
/// The target that plugins are compiled for.
const TARGET: &str = "wasm32-unknown-unknown";

/// Packs every plugin that was built, each with the list of what it was built from.
pub(crate) fn pack(workspace: &Workspace, names: &[String]) -> Result<()> {
    workspace.step(&format!("packing {} bundles", names.len()));
    let folder = workspace.target().join("bundles");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let key = folder.join(format!("{KEY}.key"));
    if !key.is_file() {
        run(workspace.dinrail().args(["bundle", "keygen"]).arg(folder.join(KEY)))?;
    }
    for name in names {
        let sbom = folder.join(format!("{name}.sbom.json"));
        fs::write(&sbom, bill_of_materials(workspace, name)?).with_context(|| format!("writing {}", sbom.display()))?;
        let mut packing = workspace.dinrail();
        packing.args(["bundle", "pack"]).arg(workspace.plugins().join(format!("{name}.wasm")));
        packing.arg("--key").arg(&key).arg("--sbom").arg(&sbom).arg("--output").arg(&folder);
        run(&mut packing)?;
    }
    Ok(())
}

/// The crates that a plugin is made of, in CycloneDX 1.5.
fn bill_of_materials(workspace: &Workspace, name: &str) -> Result<String> {
    let mut tree = workspace.cargo();
    tree.args(["tree", "--offline", "--package", name, "--target", TARGET, "--edges", "normal"]);
    tree.args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"]);
    let crates = lines_of(&mut tree)?;
    let component = |line: &String| {
        let (package, licence) = line.split_once('|')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?, words.next()?.trim_start_matches('v'));
        let licences = if licence.is_empty() { json!([]) } else { json!([{ "expression": licence }]) };
        Some(json!({
            "type": "library",
            "name": name,
            "version": version,
            "purl": format!("pkg:cargo/{name}@{version}"),
            "licenses": licences,
        }))
    };
    let components: Vec<_> = crates.iter().filter_map(component).collect();
    ensure!(!components.is_empty(), "cargo names no crate of {name}");
    let bill = json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components });
    Ok(serde_json::to_string_pretty(&bill)?)
}

/// Its lines, sorted, each once.
fn lines_of(command: &mut Command) -> Result<BTreeSet<String>> {
    let output = command.output().with_context(|| format!("running {}", Path::new(command.get_program()).display()))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(|line| line.trim().to_owned()).collect())
}
