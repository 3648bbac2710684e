//! `[alarms."NAME"]`: what an operator has to know, and what to do about it.

use super::names::check_tag_name;
use super::outputs::{check_condition_tag, expression};
use super::sources::Sources;
use super::tags::Tags;
use crate::config::document::Section;
use crate::config::types::Alarm;
use dinrail_core::alarm::{AlarmSpec, Delays, Priority};
use dinrail_core::guard::inhibit::MAX_DELAY_NS;

/// More than an operator can know. Each is looked at in every scan.
const MAX_ALARMS: usize = 500;
/// Longest text, in characters: what is read while something happens.
const MAX_TEXT: usize = 300;
/// What names of the host's own alarms begin with.
pub(crate) const HOST_PREFIX: &str = "dinrail.";

pub(super) fn alarms(root: &Section<'_>, sources: &Sources, tags: &Tags) -> Vec<Alarm> {
    let sections = root.tables("alarms", "[alarms.\"tank.high\"]");
    if let Some(first_too_many) = sections.get(MAX_ALARMS) {
        let message = format!("there are {} alarms, {MAX_ALARMS} are the limit", sections.len());
        first_too_many.findings().add(first_too_many.span(), message, "", "leave out those that nobody would act on");
    }
    let mut alarms = Vec::new();
    for section in sections {
        alarms.extend(alarm(&section, sources, tags));
        section.finish();
    }
    alarms
}

fn alarm(section: &Section<'_>, sources: &Sources, tags: &Tags) -> Option<Alarm> {
    check_tag_name(section.findings(), "an alarm", section.name(), &section.span());
    if section.name().starts_with(HOST_PREFIX) {
        let message = format!("`{}` can't be the name of an alarm: the host's own begin so", section.name());
        section.findings().add(section.span(), message, "", "begin with something else: [alarms.\"tank.high\"]");
    }
    if !section.has("when") {
        section.missing("when", "when = \"tank.level > 90 % hysteresis 2 %\"");
    }
    let when = expression(section, "when", tags);
    for tag in when.iter().flat_map(|when| when.tags()) {
        check_condition_tag(section, "when", *tag, sources, tags);
    }
    let priority = section.choice("priority", &Priority::ALL).map_or(Priority::default(), |found| found.value);
    let on_ns = section.duration("on_delay", 0, MAX_DELAY_NS).map_or(0, |found| found.value);
    let off_ns = section.duration("off_delay", 0, MAX_DELAY_NS).map_or(0, |found| found.value);
    let text = section.required_text("text", "text = \"open the drain, then look for the cause\"")?;
    if text.value.trim().is_empty() || text.value.chars().count() > MAX_TEXT {
        let message = format!("`text` should say in 1 to {MAX_TEXT} characters what the operator should do");
        section.findings().add(text.span.clone(), message, "", "an alarm that nobody can act on is none");
    }
    let when_span = section.value("when").map_or(section.span(), |found| found.span);
    let delays = Delays { on_ns, off_ns };
    let spec = AlarmSpec { name: section.name().to_owned(), priority, delays, text: text.value, when: Some(when?) };
    Some(Alarm { when_span, spec })
}
