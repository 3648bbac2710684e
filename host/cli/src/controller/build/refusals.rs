//! What is said of a plugin that does not start: what it lacks, where that was looked for, what to do.

use super::super::slots::StartError;
use super::super::tables::TableRefusal;
use crate::config::{self, Config, ConfigErrors, Span};
use dinrail_core::description::Description;
use dinrail_core::outcome::Fault;
use dinrail_engine::LoadError;
use dinrail_store::assets::AssetError;
use std::path::Path;
use std::sync::Arc;

/// Files of a folder that are named in a help, at most.
const MAX_LISTED: usize = 16;

/// The mistake of a configuration whose plugin does not start.
pub(super) fn refused_start(
    config: &Config,
    plugin: &config::Plugin,
    description: &Description,
    error: &StartError,
) -> ConfigErrors {
    let (span, message, help) = explained(plugin, description, error);
    ConfigErrors::one(Arc::clone(&config.text), span, message, "", help)
}

/// Where, what, and what to do.
fn explained(plugin: &config::Plugin, description: &Description, error: &StartError) -> (Span, String, String) {
    let name = &plugin.name;
    let add = |line: &str| format!("add `{line}` to [plugins.{}]", config::document::as_key(name));
    match error {
        StartError::Table { table: table @ TableRefusal::NoFolder { .. }, .. } => {
            let models = match unbound(plugin, description).as_slice() {
                [] => String::new(),
                slots => format!("; no model is bound to {} either", slots.join(", ")),
            };
            let help = format!(
                "{}, the folder of its .csv tables, often `MODEL/tables` beside the model{models}",
                add("tables = \"FOLDER\"")
            );
            (plugin.span.clone(), format!("the plugin `{name}` can't start: {table}"), help)
        }
        StartError::Table { table: TableRefusal::Folder(table), .. } => {
            (plugin.tables_span.clone(), format!("the plugin `{name}` can't start: {table}"), table_help(table))
        }
        StartError::Configure(fault @ Fault::Model(_)) if !unbound(plugin, description).is_empty() => {
            let slots = unbound(plugin, description);
            let line = format!("models = {{ {} = \"FOLDER\" }}", slots.join(" = \"FOLDER\", "));
            let help = format!(
                "{}: a folder with model.onnx, or an .onnx file, looked for beside this file, in --models DIR, and \
                 among the installed models",
                add(&line)
            );
            (plugin.span.clone(), format!("the plugin `{name}` can't start: {fault}"), help)
        }
        StartError::Load(LoadError::NotGranted { key, .. }) => {
            let help = add(if *key == "tables" { "tables = \"FOLDER\"" } else { "models = { SLOT = \"FOLDER\" }" });
            (plugin.span.clone(), format!("the plugin `{name}`: {error}"), help)
        }
        StartError::Tables(table) => {
            (plugin.tables_span.clone(), format!("the tables of the plugin `{name}`: {table}"), table_help(table))
        }
        StartError::Load(_)
        | StartError::Describe(_)
        | StartError::Configure(_)
        | StartError::Restore(_)
        | StartError::Save(_) => (
            plugin.span.clone(),
            format!("the plugin `{name}`: {error}"),
            "correct this plugin's inputs, parameters or models".to_owned(),
        ),
    }
}

/// The model slots to which nothing is bound.
fn unbound<'d>(plugin: &config::Plugin, description: &'d Description) -> Vec<&'d str> {
    let free = description.models.iter().filter(|slot| plugin.models.iter().all(|model| model.slot != slot.name));
    free.map(|slot| slot.name.as_str()).collect()
}

fn table_help(error: &AssetError) -> String {
    match error {
        AssetError::Unknown { directory, .. } => {
            format!("name the folder that holds it, or put it there; {}", contents(directory))
        }
        AssetError::Name { .. } => "ask the plugin's author: no file can be called so".to_owned(),
        AssetError::Read { .. } => "make it readable: UTF-8 text, one line of names, then numbers".to_owned(),
        AssetError::Malformed { .. } => {
            "correct the file: one line of names, then numbers, empty where none".to_owned()
        }
        AssetError::TooLarge { .. } => "make the table smaller, or split it".to_owned(),
    }
}

/// What a folder holds instead.
fn contents(folder: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(folder) else { return "the folder can't be listed".to_owned() };
    let mut tables = Vec::new();
    let mut below = Vec::new();
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.extension().is_some_and(|ending| ending == "csv") {
            tables.push(name);
        } else if path.is_dir() {
            below.push(format!("{name}/"));
        }
    }
    if tables.is_empty() {
        below.sort();
        below.truncate(MAX_LISTED);
        return match below.is_empty() {
            true => "the folder has no .csv file".to_owned(),
            false => format!("the folder has no .csv file, only {}", below.join(", ")),
        };
    }
    tables.sort();
    let more = if tables.len() > MAX_LISTED { ", …" } else { "" };
    tables.truncate(MAX_LISTED);
    format!("the folder has {}{more}", tables.join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_folder_says_what_it_has_instead() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(contents(folder.path()), "the folder has no .csv file");
        std::fs::create_dir(folder.path().join("tables")).unwrap();
        assert_eq!(contents(folder.path()), "the folder has no .csv file, only tables/");
        std::fs::write(folder.path().join("b.csv"), "").unwrap();
        std::fs::write(folder.path().join("a.csv"), "").unwrap();
        assert_eq!(contents(folder.path()), "the folder has a.csv, b.csv");
    }
}
