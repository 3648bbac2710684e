//! `[recorder]`

use super::names::names;
use crate::config::amounts::{BYTES_HELP, parse_bytes};
use crate::config::document::{Found, Section, Value};
use crate::config::types::Recorder;
use dinrail_core::flight::Trigger;
use std::time::Duration;

/// Shorter, and nothing is there when somebody asks; longer is a historian's work.
const MIN_KEEP_NS: u64 = 1_000_000_000;
const MAX_KEEP_NS: u64 = 7 * 86_400_000_000_000;
/// Less holds no frame of every plugin; more is no controller's memory.
const MIN_MEMORY: u64 = 256 * 1024;
const MAX_MEMORY: u64 = 16 * 1024 * 1024 * 1024;
/// An incident that goes within the hour helps nobody.
const MIN_AGE_NS: u64 = 3_600_000_000_000;

const ON_HELP: &str =
    "write \"trap\", \"operator\", \"revert\", or \"alarm:low\", \"alarm:medium\", \"alarm:high\", \"alarm:critical\"";

/// `known` says whether a pattern stands for any tag or output.
pub(super) fn recorder(root: &Section<'_>, known: impl Fn(&str) -> bool) -> Recorder {
    let mut recorder = Recorder::default();
    let Some(section) = root.section("recorder", "[recorder]").map(|section| section.titled("[recorder]")) else {
        return recorder;
    };
    if let Some(keep) = section.duration("keep", MIN_KEEP_NS, MAX_KEEP_NS) {
        recorder.keep_ns = keep.value;
    }
    if let Some(memory) = section.parsed("memory", BYTES_HELP, parse_bytes) {
        if (MIN_MEMORY..=MAX_MEMORY).contains(&memory.value) {
            recorder.memory = usize::try_from(memory.value).unwrap_or(usize::MAX);
        } else {
            let help = "write an amount from 256 KiB to 16 GiB";
            section.findings().add(memory.span, "`memory` is out of bounds", "", help);
        }
    }
    if let Some(found) = section.value("on") {
        recorder.on = triggers(&section, &found);
    }
    if let Some(found) = section.value("redact")
        && let Some(patterns) = names(section.findings(), "redact", &found)
    {
        for (pattern, span) in patterns.names {
            if !known(&pattern) {
                // Misspelt, it would leave in what was to be taken out.
                let message = format!("`redact`: no tag and no output is called `{pattern}`");
                section.findings().add(span, message, "", "name tags or outputs, with `*` for any text");
            }
            recorder.redact.push(pattern);
        }
    }
    if let Some(images) = section.boolean("images") {
        recorder.images = images.value;
    }
    if let Some(components) = section.boolean("components") {
        recorder.components = components.value;
    }
    if let Some(kept) = section.section("keep_incidents", "{ age = \"30d\", bytes = \"1 GiB\" }") {
        if let Some(age) = kept.duration("age", MIN_AGE_NS, crate::config::amounts::CENTURY_NS) {
            recorder.keep_age = Duration::from_nanos(age.value);
        }
        if let Some(bytes) = kept.parsed("bytes", BYTES_HELP, parse_bytes) {
            recorder.keep_bytes = bytes.value;
        }
        kept.finish();
    }
    section.finish();
    recorder
}

fn triggers(section: &Section<'_>, found: &Found<Value<'_>>) -> Vec<Trigger> {
    // An empty list is a choice: nothing is written unless a run is recorded.
    if found.value.0.as_array().is_some_and(|list| list.is_empty()) {
        return Vec::new();
    }
    let Some(words) = names(section.findings(), "on", found) else { return Vec::new() };
    let trigger = |(word, span): (String, crate::config::Span)| {
        let trigger = Trigger::parse(&word);
        if trigger.is_none() {
            section.findings().add(span, format!("`on` can't hold `{word}`"), "", ON_HELP);
        }
        trigger
    };
    words.names.into_iter().filter_map(trigger).collect()
}
