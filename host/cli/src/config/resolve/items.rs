//! `[items.NAME]`: which events of which sources become items.

use super::names::{Names, check_name, is_pattern, matches, names};
use super::sources::Sources;
use super::tags::{Tags, kind_name};
use crate::config::amounts::CENTURY_NS;
use crate::config::document::{Found, Section, did_you_mean};
use crate::config::error::Span;
use crate::config::types::{self, SourceKind, TagAddress};
use dinrail_core::item::ItemSpec;
use dinrail_core::tag::{TagId, TagKind};

/// How long an item waits for further stations where nothing is said.
const DEFAULT_WAIT_NS: u64 = 1_000_000_000;
/// Stations of one kind of items.
const MAX_STATIONS: usize = 16;

/// All items.
#[derive(Default)]
pub(super) struct Items {
    pub(super) resolved: Vec<types::Items>,
    /// Names of which something was wrong.
    broken: Vec<String>,
}

impl Items {
    /// The items that a section's `items` names.
    pub(super) fn named(&self, section: &Section<'_>) -> Option<Found<usize>> {
        let name = section.text("items")?;
        let found = self.resolved.iter().position(|items| items.spec.name == name.value);
        if found.is_none() && !self.broken.contains(&name.value) {
            let message = format!("there are no items `{}`", name.value);
            let known = self.resolved.iter().map(|items| items.spec.name.as_str());
            let help = format!("add [items.NAME]; {}", did_you_mean(&name.value, known));
            section.findings().add(name.span.clone(), message, "", help);
        }
        found.map(|index| name.map(|_| index))
    }
}

pub(super) fn items(root: &Section<'_>, sources: &Sources, tags: &Tags) -> Items {
    let mut items = Items::default();
    for section in root.tables("items", "[items.parts]") {
        check_name(section.findings(), "items", section.name(), &section.span());
        match one(&section, sources, tags) {
            Some(found) => items.resolved.push(found),
            None => items.broken.push(section.name().to_owned()),
        }
        section.finish();
    }
    items
}

fn one(section: &Section<'_>, sources: &Sources, tags: &Tags) -> Option<types::Items> {
    if !section.has("id") {
        section.missing("id", "id = \"line.part\"");
    }
    let ids = bound(section, "id", TagKind::Value, tags);
    let encoder = bound(section, "encoder", TagKind::Value, tags);
    let measures = bound(section, "measures", TagKind::Value, tags);
    let images = bound(section, "images", TagKind::Picture, tags);
    let wait = section.duration("wait", 0, CENTURY_NS).map_or(DEFAULT_WAIT_NS, |wait| wait.value);
    let (ids, encoder, measures, images) = (ids?, encoder?, measures?, images?);
    if !section.has("id") {
        return None;
    }
    let stations: Vec<TagId> = ids.iter().map(|(tag, _)| *tag).collect();
    if stations.is_empty() || MAX_STATIONS < stations.len() || 1 < encoder.len() {
        let message = format!("{} has from 1 to {MAX_STATIONS} ids and at most one encoder", section.title());
        section.findings().add(
            section.span(),
            message,
            "",
            "`id` names the trigger's tag first, then further stations'",
        );
        return None;
    }
    let mut fits = true;
    for (tag, span) in ids.iter().chain(&encoder).chain(&measures).chain(&images) {
        fits &= check_source(section, sources, tags, *tag, span);
    }
    let trigger = stations.first().copied();
    for (tag, span) in &encoder {
        fits &= check_event(section, tags, *tag, span, trigger.as_slice());
    }
    for (tag, span) in measures.iter().chain(&images) {
        fits &= check_event(section, tags, *tag, span, &stations);
    }
    let only = |found: Vec<(TagId, Span)>| -> Vec<TagId> { found.into_iter().map(|(tag, _)| tag).collect() };
    fits.then(|| types::Items {
        span: section.span(),
        spec: ItemSpec {
            name: section.name().to_owned(),
            ids: stations.clone(),
            encoder: encoder.first().map(|(tag, _)| *tag),
            measures: only(measures),
            pictures: only(images),
            wait_ns: wait,
        },
    })
}

/// The tags that a key names; empty where it is not there, none where something is wrong.
fn bound(section: &Section<'_>, key: &'static str, kind: TagKind, tags: &Tags) -> Option<Vec<(TagId, Span)>> {
    let Some(found) = section.value(key) else { return Some(Vec::new()) };
    let Names { names: given, .. } = names(section.findings(), key, &found)?;
    let mut bound: Vec<(TagId, Span)> = Vec::new();
    let mut fits = true;
    for (name, span) in given {
        let ids = find(tags, &name, kind);
        if ids.is_empty() && !tags.is_excused(&name) {
            let message = format!("`{key}`: there is no tag `{name}`");
            section.findings().add(span.clone(), message, "", did_you_mean(&name, tags.names()));
        }
        fits &= !ids.is_empty();
        for id in ids {
            let known = tags.table.get(id);
            if known.kind != kind {
                let message =
                    format!("`{key}` takes a {}, and `{name}` is a {}", kind_name(kind), kind_name(known.kind));
                section.findings().add(span.clone(), message, "", format!("name a {}", kind_name(kind)));
                fits = false;
            } else if bound.iter().any(|(earlier, _)| *earlier == id) {
                if !is_pattern(&name) {
                    let message = format!("`{key}` names `{name}` twice");
                    section.findings().add(span.clone(), message, "here again", "leave one of them out");
                    fits = false;
                }
            } else {
                bound.push((id, span.clone()));
            }
        }
    }
    fits.then_some(bound)
}

/// By name, bytewise. A pattern passes over tags of another kind.
fn find(tags: &Tags, name: &str, kind: TagKind) -> Vec<TagId> {
    if !is_pattern(name) {
        return tags.table.find(name).into_iter().collect();
    }
    let fitting = tags.table.iter().filter(|(_, tag)| tag.kind == kind && matches(name, &tag.name));
    let mut found: Vec<(&str, TagId)> = fitting.map(|(id, tag)| (tag.name.as_str(), id)).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, id)| id).collect()
}

/// Items belong to the site, and come as events.
fn check_source(section: &Section<'_>, sources: &Sources, tags: &Tags, tag: TagId, span: &Span) -> bool {
    let name = &tags.table.get(tag).name;
    let (message, help) = match tags.source_of(tag, sources).and_then(|source| source.kind.as_ref()) {
        Some(SourceKind::Csv(table)) if table.key.is_some() => {
            (format!("`{name}` is split into assets, and items are not"), "leave `key` of its source out")
        }
        Some(SourceKind::Calendar) => (format!("`{name}` is no event"), "name tags of what happens to an item"),
        Some(SourceKind::Sim(plant)) => {
            let TagAddress::Signal(index) = tags.origin(tag).address else { return true };
            let built = dinrail_sim::plant_with(&plant.plant, &plant.options);
            if built.is_ok_and(|plant| plant.event_signals().contains(&index)) {
                return true;
            }
            (format!("`{name}` is measured in every scan and is no event"), "name a signal of the plant's events")
        }
        Some(SourceKind::Csv(_) | SourceKind::Mqtt(_) | SourceKind::Images(_)) | None => return true,
    };
    section.findings().add(span.clone(), message, "", help);
    false
}

/// What belongs to an item stands in the record or the message that names it.
fn check_event(section: &Section<'_>, tags: &Tags, tag: TagId, span: &Span, stations: &[TagId]) -> bool {
    let event = |tag: TagId| {
        let origin = tags.origin(tag);
        let topic = match &origin.address {
            TagAddress::Topic { topic, .. } => Some(topic.as_str()),
            TagAddress::Signal(_)
            | TagAddress::Column(_)
            | TagAddress::Calendar(_)
            | TagAddress::Image(_)
            | TagAddress::Result(_) => None,
        };
        (origin.source, topic)
    };
    let fits = stations.iter().any(|station| event(*station) == event(tag));
    if !fits {
        let message = format!("`{}` does not come with an id of {}", tags.table.get(tag).name, section.title());
        let help =
            "what is taken of an item stands in the record or message with its id; name that station's id in `id` too";
        section.findings().add(span.clone(), message, "", help);
    }
    fits
}
