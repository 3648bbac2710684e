//! Tags that are published on topics of a broker.

use super::{Common, Tags, raw_to_value, tag_named};
use crate::config::document::Section;
use crate::config::resolve::names::{check_tag_name, is_pattern};
use crate::config::types::{PayloadTime, TagAddress, TagOrigin};
use dinrail_core::reading::SourceId;
use dinrail_core::tag::{Tag, TagKind};
use dinrail_field::source::mqtt::Pointer;
use std::collections::HashMap;

pub(super) fn from_topic(section: &Section<'_>, source: SourceId, common: &Common) -> Option<Vec<(Tag, TagOrigin)>> {
    let mut tag = tag_named(section.name(), common);
    tag.kind = common.kind.unwrap_or(TagKind::Value);
    if tag.kind == TagKind::Value {
        raw_to_value(section, &mut tag);
    }
    let topic = section.required_text("topic", "topic = \"plant/pump1\"");
    let pointer = section.text("pointer");
    let time = payload_time(section);
    for pointer in pointer.iter().map(|pointer| (pointer.value.as_str(), &pointer.span)) {
        check_pointer(section, pointer.0, pointer.1);
    }
    if is_pattern(section.name()) {
        let message = format!("`{}` is a pattern, and a broker does not say what it has", section.name());
        let help = "patterns find columns of tables and signals of plants; give each topic a tag of its own";
        section.findings().add(section.span(), message, "", help);
        return None;
    }
    check_tag_name(section.findings(), "a tag", section.name(), &section.span()).then_some(())?;
    let topic = topic?;
    check_topic(section, &topic.value, &topic.span).then_some(())?;
    let pointer = pointer.map(|pointer| pointer.value);
    let address = TagAddress::Topic { topic: topic.value, pointer, time };
    Some(vec![(tag, TagOrigin { source: Some(source), address, span: section.span() })])
}

/// A topic without wildcards.
pub(in crate::config::resolve) fn check_topic(
    section: &Section<'_>,
    topic: &str,
    span: &crate::config::error::Span,
) -> bool {
    let fits = !topic.is_empty() && topic.len() <= 1024 && !topic.contains(['+', '#', '\0']);
    if !fits {
        let message = format!("`{topic}` can't be a topic");
        let help = "write one topic, without the wildcards `+` and `#`, at most 1024 bytes";
        section.findings().add(span.clone(), message, "", help);
    }
    fits
}

fn check_pointer(section: &Section<'_>, pointer: &str, span: &crate::config::error::Span) {
    if let Err(error) = pointer.parse::<Pointer>() {
        let help = "write \"/a/b\" for the field b of the object a (RFC 6901)";
        section.findings().add(span.clone(), error.to_string(), "", help);
    }
}

const PAYLOAD_FORMATS: [(&str, &str); 4] =
    [("rfc3339", "rfc3339"), ("unix", "unix"), ("unix_ms", "unix_ms"), ("unix_ns", "unix_ns")];

fn payload_time(section: &Section<'_>) -> Option<PayloadTime> {
    let time = section.section("time", "{ pointer = \"/time\", format = \"rfc3339\" }")?;
    let pointer = time.required_text("pointer", "pointer = \"/time\"");
    if !time.has("format") {
        time.missing("format", "format = \"rfc3339\"");
    }
    let format = time.choice("format", &PAYLOAD_FORMATS);
    if let Some(pointer) = &pointer {
        check_pointer(&time, &pointer.value, &pointer.span);
    }
    time.finish();
    Some(PayloadTime { pointer: pointer?.value, format: format?.value.to_owned() })
}

/// A payload has one time: the tags of a topic must agree, or leave it to one of them.
pub(super) fn check_payload_times(root: &Section<'_>, tags: &Tags) {
    let mut times: HashMap<(Option<SourceId>, &str), &PayloadTime> = HashMap::new();
    for origin in &tags.origins {
        let TagAddress::Topic { topic, time: Some(time), .. } = &origin.address else { continue };
        let first = times.entry((origin.source, topic)).or_insert(time);
        if *first != time {
            let message = format!("the tags of the topic `{topic}` disagree on its `time`");
            let help = "say it the same way for all tags of the topic, or for one of them";
            root.findings().add(origin.span.clone(), message, "", help);
        }
    }
}
