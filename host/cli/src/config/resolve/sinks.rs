//! `[sinks.NAME]`

use super::names::check_name;
use super::sources::Sources;
use crate::config::document::Section;
use crate::config::types::{JsonlTarget, Sink, SinkKind, Site, SourceKind};
use dinrail_field::topic::Topics;
use std::collections::HashSet;

#[derive(Clone, Copy)]
enum Kind {
    Jsonl,
    Mqtt,
}

const KINDS: [(&str, Kind); 2] = [("jsonl", Kind::Jsonl), ("mqtt", Kind::Mqtt)];

/// Where messages go where nothing is said.
const DEFAULT_TOPIC: &str = "dinrail/{site}/{plugin}/{kind}";

pub(super) fn sinks(root: &Section<'_>, sources: &Sources, site: &Site) -> Vec<Sink> {
    let mut sinks = Vec::new();
    let mut files = HashSet::new();
    for section in root.tables("sinks", "[sinks.events]") {
        check_name(section.findings(), "sink", section.name(), &section.span());
        if !section.has("kind") {
            section.missing("kind", "kind = \"jsonl\"");
        }
        let kind = match section.choice("kind", &KINDS).map(|kind| kind.value) {
            Some(Kind::Jsonl) => jsonl(&section, &mut files),
            Some(Kind::Mqtt) => mqtt(&section, sources, site),
            // Without a kind, what else is known here can't be told.
            None => continue,
        };
        let (name, span) = (section.name().to_owned(), section.span());
        sinks.extend(kind.map(|kind| Sink { name, span, kind }));
        section.finish();
    }
    sinks
}

fn jsonl(section: &Section<'_>, files: &mut HashSet<String>) -> Option<SinkKind> {
    let path = section.required_text("path", "path = \"events.jsonl\"");
    let append = section.boolean("append").is_some_and(|append| append.value);
    let path = path?;
    if path.value.is_empty() {
        section.findings().add(path.span, "`path` is empty", "", "name a file, or \"-\" for the standard output");
        return None;
    }
    if !files.insert(path.value.clone()) {
        let message = format!("another sink writes to `{}` already", path.value);
        section.findings().add(path.span, message, "here again", "give each sink a file of its own");
        return None;
    }
    if path.value == "-" {
        return Some(SinkKind::Jsonl { target: JsonlTarget::Stdout, append });
    }
    let full = section.findings().text().folder().join(&path.value);
    let folder_is_there = full.parent().is_some_and(|folder| folder.as_os_str().is_empty() || folder.is_dir());
    if !folder_is_there || full.is_dir() {
        let message = format!("`{}` can't be a file: its folder is missing, or it is one", full.display());
        section.findings().add(path.span, message, "", "make the folder, or name another file");
        return None;
    }
    Some(SinkKind::Jsonl { target: JsonlTarget::File(full), append })
}

fn mqtt(section: &Section<'_>, sources: &Sources, site: &Site) -> Option<SinkKind> {
    let named = sources.named(section);
    let topic = section.text("topic");
    if section.has("topic") && topic.is_none() {
        return None;
    }
    let pattern = topic.as_ref().map_or(DEFAULT_TOPIC, |topic| topic.value.as_str());
    let checked = Topics::parse(pattern, &site.name);
    if let Err(error) = &checked {
        let at = topic.as_ref().map_or(section.span(), |topic| topic.span.clone());
        let help = "write a topic such as \"dinrail/{site}/{plugin}/{kind}\"";
        section.findings().add(at, format!("`topic`: {error}"), "", help);
    }
    let (source, declared) = named?;
    match &declared.kind {
        Some(SourceKind::Mqtt(_)) if checked.is_ok() => Some(SinkKind::Mqtt { source, topic: pattern.to_owned() }),
        Some(SourceKind::Mqtt(_)) | None => None,
        Some(SourceKind::Sim(_) | SourceKind::Csv(_) | SourceKind::Images(_) | SourceKind::Calendar) => {
            let message = format!("the source `{}` is no link to a broker", declared.name);
            let at = section.value("source").map_or(section.span(), |source| source.span);
            section.findings().add(at, message, "", "name a source of kind `mqtt`");
            None
        }
    }
}
