//! `[outputs."NAME"]` with `kind = "gate"`: where a verdict meets its item.

use super::items::Items;
use super::outputs::check_condition_tag;
use super::sources::Sources;
use super::tags::Tags;
use crate::config::amounts::CENTURY_NS;
use crate::config::document::{Findings, Section, did_you_mean};
use crate::config::types::{Output, Plugin};
use dinrail_core::guard::gate::{GateSpec, MAX_COUNTS, Positions};
use dinrail_core::guard::{Action, Fallback};
use dinrail_core::tag::{TagId, TagKind};

/// What only a gate has.
pub(super) const KEYS: [&str; 9] =
    ["items", "encoder", "distance", "window", "modulus", "delay", "rest", "positions", "stop_ahead"];

const FALLBACKS: [(&str, Fallback); 3] =
    [("reject", Fallback::Reject), ("pass", Fallback::Pass), ("stop", Fallback::Stop)];
const RESTS: [(&str, Action); 2] = [("pass", Action::Pass), ("reject", Action::Reject)];

/// Reads every key of a gate, so that all of them are looked at.
pub(super) fn gate(section: &Section<'_>, sources: &Sources, tags: &Tags, items: &Items) -> Option<GateSpec> {
    for (key, example) in [
        ("items", "items = \"parts\""),
        ("encoder", "encoder = \"line.encoder\""),
        ("distance", "distance = 4000"),
        ("window", "window = 200"),
        ("default", "default = \"reject\""),
    ] {
        if !section.has(key) {
            section.missing(key, example);
        }
    }
    let judged = items.named(section);
    let encoder = encoder(section, sources, tags);
    let counts = |key| section.whole(key, 1, MAX_COUNTS).map(|counts| counts.value);
    let (distance, window, modulus) = (counts("distance"), counts("window"), counts("modulus"));
    let stop_ahead = section.whole("stop_ahead", 0, MAX_COUNTS).map_or(0, |counts| counts.value);
    let delay = section.duration("delay", 0, CENTURY_NS);
    let fallback = section.choice("default", &FALLBACKS);
    let rest = section.choice("rest", &RESTS).map_or(Action::Pass, |rest| rest.value);
    let positions = positions(section);
    let judged = judged?;
    if items.resolved[judged.value].spec.encoder.is_none() {
        let message = format!(
            "the items `{}` have no `encoder`, and nobody knows when they are at the gate",
            items.resolved[judged.value].spec.name
        );
        section.findings().add(
            judged.span,
            message,
            "",
            "add `encoder = \"…\"`, the counts at the trigger, to the items",
        );
        return None;
    }
    if section.has("modulus") && modulus.is_none() {
        return None;
    }
    Some(GateSpec {
        items: judged.value,
        encoder: encoder?,
        distance: distance?,
        window: window?,
        modulus,
        delay_ns: delay.map_or(0, |delay| delay.value),
        fallback: fallback?.value,
        stop_ahead,
        rest,
        positions: positions?,
    })
}

/// The tag of the belt's counter, now.
fn encoder(section: &Section<'_>, sources: &Sources, tags: &Tags) -> Option<TagId> {
    let name = section.text("encoder")?;
    let Some(tag) = tags.table.find(&name.value) else {
        if !tags.is_excused(&name.value) {
            let message = format!("`encoder`: there is no tag `{}`", name.value);
            section.findings().add(name.span, message, "", did_you_mean(&name.value, tags.names()));
        }
        return None;
    };
    if tags.table.get(tag).kind != TagKind::Value {
        let message = format!("`encoder`: `{}` has no number", name.value);
        section.findings().add(name.span, message, "", "name the tag of the belt's counter");
        return None;
    }
    check_condition_tag(section, "encoder", tag, sources, tags);
    Some(tag)
}

/// Pass 0, reject 1, rework as reject, no stop, where nothing is said.
fn positions(section: &Section<'_>) -> Option<Positions> {
    let unsaid = Positions { pass: 0.0, rework: 1.0, reject: 1.0, stop: None };
    if !section.has("positions") {
        return Some(unsaid);
    }
    let table = section.section("positions", "{ pass = 0, reject = 1 }")?;
    let keys = ["pass", "rework", "reject", "stop"];
    let [pass, rework, reject, stop] = keys.map(|key| table.number(key).map(|found| found.value));
    let is_wrong =
        keys.into_iter().zip([pass, rework, reject, stop]).any(|(key, value)| table.has(key) && value.is_none());
    table.finish();
    let reject = reject.unwrap_or(unsaid.reject);
    (!is_wrong).then(|| Positions { pass: pass.unwrap_or(unsaid.pass), rework: rework.unwrap_or(reject), reject, stop })
}

/// Gives a gate its owner: the plugin that judges its items.
pub(super) fn own(findings: &Findings, output: &mut Output, plugins: &[Plugin]) {
    let judged = output.spec.gate.as_ref().map(|gate| gate.items);
    let mut judges = plugins.iter().enumerate().filter(|(_, plugin)| plugin.items == judged);
    let (first, second) = (judges.next(), judges.next());
    match (first, second) {
        (Some((index, plugin)), None) => {
            output.owner = Some(index);
            output.spec.owner_mode = plugin.mode;
        }
        (Some((_, one)), Some((_, other))) => {
            let message = format!(
                "the items of the gate `{}` are judged by `{}` and by `{}`",
                output.spec.name, one.name, other.name
            );
            findings.add(output.span.clone(), message, "", "a gate has one owner; give one of them items of its own");
        }
        (None, _) => {
            let message = format!("no plugin judges the items of the gate `{}`", output.spec.name);
            findings.add(
                output.span.clone(),
                message,
                "",
                "add `items = \"…\"` to the plugin whose verdicts it carries out",
            );
        }
    }
}
