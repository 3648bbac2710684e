//! `dinrail incidents`: what was recorded when something happened.

use crate::config;
use crate::control::client::{Which, ask};
use crate::control::{Answer, Request};
use crate::controller::flights::INCIDENTS;
use crate::run::{Ending, refuse};
use comfy_table::{ContentArrangement, Table, presets};
use dinrail_store::incident::{IncidentFolder, Kept, Manifest, read_manifest};
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

/// An incident in a list.
#[derive(Debug, Serialize)]
struct Listed {
    file: PathBuf,
    bytes: u64,
    kind: Option<String>,
    time: Option<String>,
    why: String,
}

/// Lists those that are kept: below the store that the configuration names, or of the controller that runs.
#[must_use]
pub fn list(which: &Which, json: bool) -> Ending {
    let folder = match folder(which) {
        Ok(folder) => folder,
        Err(ending) => return ending,
    };
    if !folder.is_dir() {
        // The controller makes the folder when it starts.
        print_list(&[], json);
        return Ending::Well;
    }
    match read_folder(&folder) {
        Ok(listed) => {
            print_list(&listed, json);
            Ending::Well
        }
        Err(error) => {
            tell!("dinrail: {}: {error}", folder.display());
            Ending::Failed
        }
    }
}

fn folder(which: &Which) -> Result<PathBuf, Ending> {
    let nothing = || {
        tell!("dinrail: nothing is recorded there: [site] has no `store`");
        Ending::Failed
    };
    if let Some(path) = &which.config {
        let site = config::load_site(path).map_err(|errors| refuse(&errors))?;
        return Ok(site.store.ok_or_else(nothing)?.join(INCIDENTS));
    }
    match ask(&which.path()?, Request::Incidents) {
        Ok(Answer::Incidents { folder: Some(folder) }) => Ok(PathBuf::from(folder)),
        Ok(_) => Err(nothing()),
        Err(error) => {
            tell!("dinrail: {error}");
            Err(Ending::Failed)
        }
    }
}

fn read_folder(path: &Path) -> io::Result<Vec<Listed>> {
    let folder = IncidentFolder::open(path)?;
    let listed = |kept: Kept| {
        let manifest = folder.read(&kept.name).map(|file| read_manifest(BufReader::new(file)));
        let (manifest, why) = match manifest {
            Ok(Ok(manifest)) => (Some(manifest), String::new()),
            Ok(Err(error)) => (None, error.to_string()),
            Err(error) => (None, error.to_string()),
        };
        Listed {
            file: folder.path().join(&kept.name),
            bytes: kept.bytes,
            kind: manifest.as_ref().map(|manifest| manifest.kind.clone()),
            time: manifest.as_ref().map(|manifest| manifest.time.clone()),
            why: manifest.map_or(why, |manifest| manifest.why),
        }
    };
    Ok(folder.list()?.into_iter().map(listed).collect())
}

fn print_list(listed: &[Listed], json: bool) {
    if json {
        match serde_json::to_string(listed) {
            Ok(line) => show!("{line}\n"),
            Err(error) => tell!("dinrail: {error}"),
        }
        return;
    }
    if listed.is_empty() {
        show!("no incident is kept\n");
        return;
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["when", "what", "why", "KiB", "file"]);
    for incident in listed {
        table.add_row([
            incident.time.clone().unwrap_or_default(),
            incident.kind.clone().unwrap_or_else(|| "not an incident".to_owned()),
            plain(&incident.why),
            (incident.bytes / 1024).to_string(),
            incident.file.display().to_string(),
        ]);
    }
    show!("{table}\n");
}

/// A text of a file that anybody may have made.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Says what is in one.
#[must_use]
pub fn show(path: &Path, json: bool) -> Ending {
    let read = File::open(path).map_err(Into::into).and_then(|file| read_manifest(BufReader::new(file)));
    match read {
        Ok(manifest) if json => match serde_json::to_string(&manifest) {
            Ok(line) => {
                show!("{line}\n");
                Ending::Well
            }
            Err(error) => {
                tell!("dinrail: {error}");
                Ending::Failed
            }
        },
        Ok(manifest) => {
            show!("{}\n", text(&manifest));
            Ending::Well
        }
        Err(error) => {
            tell!("dinrail: `{}` is refused: {error}", path.display());
            Ending::Refused
        }
    }
}

fn text(manifest: &Manifest) -> String {
    let mut lines = vec![
        format!("{} at {}, {} (scan {})", manifest.kind, manifest.site, manifest.time, manifest.scan),
        format!("why: {}", manifest.why),
        format!("dinrail {}, time zones {}", manifest.dinrail, manifest.time_zone_database),
    ];
    if !manifest.redacted.is_empty() {
        lines.push(format!("taken out: {}", manifest.redacted.join(", ")));
    }
    for plugin in &manifest.plugins {
        let digest = plugin.sha256.get(..12).unwrap_or(&plugin.sha256);
        let component = if plugin.included { "" } else { ", component left out" };
        let from = if plugin.saves { "" } else { ", can be replayed from its start only" };
        lines.push(format!(
            "{}: {} {} ({}, {digest}), {} instances{component}{from}",
            plugin.name,
            plugin.component,
            plugin.version,
            plugin.world,
            plugin.instances.len()
        ));
        for model in &plugin.models {
            let digest = model.sha256.get(..12).unwrap_or(&model.sha256);
            lines.push(format!("  model {}: {} ({digest})", model.slot, model.name));
        }
    }
    lines.iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n")
}
