//! What is asked of an output as a whole, once its keys are read.

use super::SLEW_HELP;
use crate::config::document::Section;
use crate::config::resolve::reduced;
use crate::config::resolve::sources::Sources;
use crate::config::resolve::tags::Tags;
use crate::config::types::SourceKind;
use dinrail_core::guard::{Mode, OutputKind, OutputSpec};
use dinrail_core::tag::TagId;
use dinrail_core::unit::Conversion;
use dinrail_sim::Actuator;

/// What the actuator would cut, the guard must not pass as accepted.
pub(super) fn check_actuator_range(
    section: &Section<'_>,
    spec: &OutputSpec,
    conversion: Conversion,
    actuator: &Actuator,
) {
    let (lo, hi) = (conversion.apply(spec.range.0), conversion.apply(spec.range.1));
    let (lowest, highest) = actuator.range;
    // A millionth of the range forgives the rounding of a conversion.
    let slack = (highest - lowest) * 1e-6;
    if lo < lowest - slack || highest + slack < hi {
        let at = section.value("range").map_or(section.span(), |range| range.span);
        let message = format!("`range` goes past the actuator's, {lowest} to {highest} {}", actuator.unit);
        section.findings().add(at, message, "", "keep within it");
    }
}

/// What is asked of an output in auto.
pub(super) fn auto_gap(section: &Section<'_>, spec: &OutputSpec) -> Option<&'static str> {
    match spec.kind {
        // Neither holds a value that could be left standing.
        OutputKind::Order => None,
        OutputKind::Discrete if spec.gate.is_some() => None,
        OutputKind::Analogue if spec.slew_per_s.is_none() => Some("it has no `slew`"),
        OutputKind::Analogue if spec.readback.is_none() && !section.has("readback") => {
            Some("it has no `readback`, and nobody knows where it stands")
        }
        _ if spec.default.is_none() && spec.fail_safe.is_none() => {
            Some("it has neither `default` nor `fail_safe` for when the plugin falls silent")
        }
        OutputKind::Analogue | OutputKind::Discrete => None,
    }
}

/// What the guard says of it, at the key it speaks of.
pub(super) fn check_spec(section: &Section<'_>, spec: &OutputSpec) {
    let keys = [
        "range",
        "slew",
        "deadband",
        "fail_safe",
        "default",
        "on_stop",
        "trip",
        "lease",
        "readback",
        "pack",
        "budget",
        "mode",
    ];
    let gate = ["distance", "window", "modulus", "positions", "stop_ahead"];
    let gate = gate.into_iter().filter(|_| spec.gate.is_some());
    let place = |wanted: &str| {
        if wanted == "reduced" {
            return reduced::span_of(section, "range").unwrap_or(section.span());
        }
        let key = keys.into_iter().chain(gate.clone()).find(|key| *key == wanted);
        key.and_then(|key| section.value(key)).map_or(section.span(), |found| found.span)
    };
    for error in spec.check() {
        let key = error.problem.key();
        let help = format!("change `{key}` of {}", section.title());
        section.findings().add(place(key), error.to_string(), "", help);
    }
    if spec.mode == Mode::Advise
        && spec.kind == OutputKind::Analogue
        && spec.slew_per_s.is_none()
        && !section.has("slew")
    {
        let message = format!("{} is in advise and has no `slew`: no proposal could be accepted", section.title());
        section.findings().add(section.span(), message, "here", SLEW_HELP);
    }
    let unread = spec.readback.is_none() && !section.has("readback");
    if spec.mode == Mode::Auto && spec.kind == OutputKind::Analogue && unread {
        let message = format!("{} is in auto and has no `readback`: nobody knows where it stands", section.title());
        let help = "bind the tag that the device reports, `readback = \"…\"`; where it has none, `readback = false` lets \
                    the first command go out unslewed";
        section.findings().add(section.span(), message, "here", help);
    }
    let goes_nowhere =
        spec.kind != OutputKind::Order && spec.default.is_none() && spec.fail_safe.is_none() && spec.gate.is_none();
    if spec.mode == Mode::Auto && goes_nowhere {
        let message = format!("{} is in auto and has neither `default` nor `fail_safe`", section.title());
        let help = "say where it goes when the plugin falls silent: add `fail_safe = …` or `default = …`";
        section.findings().add(section.span(), message, "here", help);
    }
}

/// A condition on a live tag that never goes stale would hold what it said last while its link is down.
pub(super) fn check_conditions(section: &Section<'_>, spec: &OutputSpec, sources: &Sources, tags: &Tags) {
    let when = spec.reduced.as_ref().map(|reduced| &reduced.when);
    let conditions = [("inhibit", spec.inhibit.as_ref()), ("reduced", when), ("trip", spec.trip.as_ref())];
    for (key, expression) in conditions {
        for tag in expression.into_iter().flat_map(|expression| expression.tags()) {
            check_condition_tag(section, key, *tag, sources, tags);
        }
    }
    if let Some(readback) = &spec.readback {
        refuse_asset_tag(section, "readback", readback.tag, sources, tags);
    }
}

pub(in crate::config::resolve) fn check_condition_tag(
    section: &Section<'_>,
    key: &'static str,
    tag: TagId,
    sources: &Sources,
    tags: &Tags,
) {
    refuse_asset_tag(section, key, tag, sources, tags);
    let known = tags.table.get(tag);
    let source = tags.source_of(tag, sources).and_then(|source| source.kind.as_ref());
    if matches!(source, Some(SourceKind::Mqtt(_))) && known.stale_after_ns.is_none() {
        let at = section.value(key).map_or(section.span(), |found| found.span);
        let message = format!("`{key}` looks at `{}`, which never goes stale", known.name);
        let help = format!("add `stale_after = \"…\"` to [tags.{:?}], so that a lost link is noticed", known.name);
        section.findings().add(at, message, "", help);
    }
}

pub(super) fn refuse_asset_tag(section: &Section<'_>, key: &'static str, tag: TagId, sources: &Sources, tags: &Tags) {
    if tags.key_of(tag, sources).is_some() {
        let at = section.value(key).map_or(section.span(), |found| found.span);
        let message = format!("`{key}` looks at `{}`, which every asset has", tags.table.get(tag).name);
        let help = match tags.result(tag) {
            Some(result) => tags.producers.of_one_asset(result),
            None => "name a tag of a source without `key`".to_owned(),
        };
        section.findings().add(at, message, "", help);
    }
}
