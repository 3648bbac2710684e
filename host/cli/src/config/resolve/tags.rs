//! `[tags."NAME"]`: one tag, or with a pattern for a name, one for each column or signal that it fits.

mod topics;

use super::names::{check_tag_name, is_pattern, matches};
use super::results::{Producers, from_plugin};
use super::sources::{Declared, Sources, column_index};
use crate::config::amounts::CENTURY_NS;
use crate::config::document::{Section, did_you_mean};
use crate::config::types::{
    CalendarField, CsvSource, ImageField, ResultOrigin, SimSource, SourceKind, TagAddress, TagOrigin,
};
use dinrail_core::reading::SourceId;
use dinrail_core::tag::{Tag, TagId, TagKind, TagTable};
use dinrail_core::unit::{Conversion, Unit, parse_quantity};
use dinrail_sim::{Kind, Signal};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
pub(super) use topics::check_topic;
use topics::{check_payload_times, from_topic};

/// All tags.
#[derive(Default)]
pub(super) struct Tags {
    pub(super) table: TagTable,
    pub(super) origins: Vec<TagOrigin>,
    /// Where the pictures lie that a tag's texts name.
    pub(super) folders: Vec<(TagId, PathBuf)>,
    /// The plugins, whose results are tags too.
    pub(super) producers: Producers,
    /// Names and patterns of which something was wrong; what is not found may have been one of them.
    broken: Vec<String>,
}

impl Tags {
    /// A tag's origin.
    pub(super) fn origin(&self, tag: TagId) -> &TagOrigin {
        &self.origins[tag.index()]
    }

    /// What is told of the source that it comes from.
    pub(super) fn source_of<'s>(&self, tag: TagId, sources: &'s Sources) -> Option<&'s Declared> {
        sources.get(self.origin(tag).source?)
    }

    /// Which result of a plugin it is, if it is one.
    pub(super) fn result(&self, tag: TagId) -> Option<&ResultOrigin> {
        match &self.origin(tag).address {
            TagAddress::Result(result) => Some(result),
            _ => None,
        }
    }

    /// Whether its unit is not known before the plugin is open.
    pub(super) fn is_open(&self, tag: TagId) -> bool {
        self.result(tag).is_some_and(|result| !result.has_unit)
    }

    /// The column that tells the assets apart which the tag belongs to.
    pub(super) fn key_of<'k>(&'k self, tag: TagId, sources: &'k Sources) -> Option<&'k str> {
        if let Some(result) = self.result(tag) {
            return self.producers.asset_key(result.plugin).filter(|_| result.asset.is_none());
        }
        match &self.source_of(tag, sources)?.kind {
            Some(SourceKind::Csv(table)) => table.columns.get(table.key?).map(String::as_str),
            _ => None,
        }
    }

    /// Whether a name, or what a pattern should have found, may be a tag that was reported already.
    pub(super) fn is_excused(&self, name: &str) -> bool {
        if is_pattern(name) {
            return !self.broken.is_empty();
        }
        self.broken.iter().any(|broken| matches(broken, name))
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.table.iter().map(|(_, tag)| tag.name.as_str())
    }
}

pub(super) fn tags(root: &Section<'_>, sources: &Sources, producers: Producers) -> Tags {
    let sections = root.tables("tags", "[tags.\"pump1.current\"]");
    let plain: HashSet<String> =
        sections.iter().map(|s| s.name().to_owned()).filter(|name| !is_pattern(name)).collect();
    let mut tags = Tags { producers, ..Tags::default() };
    for section in sections {
        let name = section.name().to_owned();
        match found_in(&section, sources, &tags.producers, &plain) {
            Some(found) => {
                for (tag, origin) in found {
                    add(&section, &mut tags, tag, origin);
                }
            }
            None => tags.broken.push(name),
        }
        section.finish();
    }
    check_payload_times(root, &tags);
    tags
}

fn add(section: &Section<'_>, tags: &mut Tags, tag: Tag, origin: TagOrigin) {
    match tags.table.add(tag) {
        Ok(id) => {
            let named = matches!(origin.address, TagAddress::Column(_) | TagAddress::Topic { .. });
            if named && tags.table.get(id).kind == TagKind::Picture {
                let folder = section.findings().text().folder();
                let own = section.text("folder").map(|own| folder.join(own.value));
                tags.folders.push((id, own.unwrap_or_else(|| folder.to_owned())));
            }
            tags.origins.push(origin);
        }
        Err(error) => {
            let help = "make the patterns narrower, so that one of them finds it";
            section.findings().add(section.span(), error.to_string(), "here again", help);
        }
    }
}

/// What a section says of every tag it stands for.
pub(super) struct Common {
    pub(super) unit: Option<Unit>,
    range: Option<(f64, f64)>,
    stale_after_ns: Option<u64>,
    kind: Option<TagKind>,
}

/// The tags of one section; none where something is wrong with it.
fn found_in(
    section: &Section<'_>,
    sources: &Sources,
    producers: &Producers,
    plain: &HashSet<String>,
) -> Option<Vec<(Tag, TagOrigin)>> {
    let is_result = producers.are_meant(section);
    let named = if is_result { None } else { sources.named(section) };
    let unit = section.parsed("unit", UNIT_HELP, Unit::parse);
    if section.has("unit") && unit.is_none() {
        allow_all(section);
        return None;
    }
    let unit = unit.map(|unit| unit.value);
    let shown = unit.clone().unwrap_or_else(no_unit);
    let common = Common {
        range: range(section, &shown),
        unit,
        stale_after_ns: section.duration("stale_after", 1, CENTURY_NS).map(|found| found.value),
        kind: section.choice("kind", &KINDS).map(|kind| kind.value),
    };
    if is_result {
        return from_plugin(section, producers, &common);
    }
    let Some((id, source)) = named else {
        allow_all(section);
        return None;
    };
    match &source.kind {
        Some(SourceKind::Csv(table)) => from_table(section, id, table, plain, &common),
        Some(SourceKind::Sim(plant)) => from_plant(section, id, plant, plain, &common),
        Some(SourceKind::Mqtt(_)) => from_topic(section, id, &common),
        Some(SourceKind::Images(_)) => from_images(section, id, plain, &common),
        Some(SourceKind::Calendar) => from_calendar(section, id, plain, &common),
        None => {
            allow_all(section);
            None
        }
    }
}

pub(super) const UNIT_HELP: &str =
    "write a UCUM unit such as \"bar\", \"Cel\", \"m3/h\", \"A\" or \"%\"; leave it out where there is none";

const KINDS: [(&str, TagKind); 3] =
    [("value", TagKind::Value), ("waveform", TagKind::Waveform), ("picture", TagKind::Picture)];

/// Where a tag is none, which was reported, none of the keys that one may have is unknown.
fn allow_all(section: &Section<'_>) {
    let common = ["range", "stale_after", "kind", "plugin", "asset", "result", "folder"];
    for key in common.into_iter().chain(["column", "signal", "topic", "pointer", "time", "scale", "offset", "map"]) {
        let _ = section.value(key);
    }
}

pub(super) fn no_unit() -> Unit {
    Unit::parse("").expect("nothing is the unit of a plain number")
}

/// `range = [lo, hi]`, numbers or quantities.
pub(super) fn range(section: &Section<'_>, unit: &Unit) -> Option<(f64, f64)> {
    let help = "write [LOWEST, HIGHEST] in the tag's unit, the lowest first: [0, 40]";
    ends(section, unit, ("`range` should be two rising numbers", help), |lo, hi| lo < hi)
}

/// The two ends of `range`, numbers or texts with a unit; `fits` says which go together, `refusal` what it says and helps
/// with where they don't.
pub(super) fn ends(
    section: &Section<'_>,
    unit: &Unit,
    refusal: (&'static str, &'static str),
    fits: fn(f64, f64) -> bool,
) -> Option<(f64, f64)> {
    let found = section.value("range")?;
    let (message, help) = refusal;
    let mut ends = Vec::new();
    for item in found.value.0.as_array().into_iter().flatten() {
        match item.get_ref().as_str().map(|text| parse_quantity(text, unit)) {
            Some(Ok(end)) => ends.push(end),
            Some(Err(error)) => {
                section.findings().add(item.span(), format!("`range`: {error}"), "", help);
                return None;
            }
            None => ends.extend(crate::config::document::Value(item.get_ref()).number()),
        }
    }
    let is_whole = found.value.0.as_array().is_some_and(|list| list.len() == ends.len());
    match ends.as_slice() {
        [lo, hi] if is_whole && fits(*lo, *hi) => Some((*lo, *hi)),
        _ => {
            section.findings().add(found.span, message, "", help);
            None
        }
    }
}

/// Scale, offset and map, for sources that have raw values.
fn raw_to_value(section: &Section<'_>, tag: &mut Tag) {
    if let Some(scale) = section.number("scale") {
        if scale.value == 0.0 {
            section.findings().add(scale.span, "`scale` can't be 0", "", "leave it out for 1");
        }
        tag.scale = scale.value;
    }
    tag.offset = section.number("offset").map_or(0.0, |offset| offset.value);
    let mut map = HashMap::new();
    for (text, found) in section.entries("map", "map = { steel = 1, brass = 2 }") {
        match found.value.number() {
            Some(number) => {
                map.insert(text, number);
            }
            None => {
                let message = format!("`{text}` should stand for a number, is {}", found.value.kind());
                section.findings().add(found.span, message, "", "write { steel = 1, brass = 2 }");
            }
        }
    }
    tag.map = map;
}

pub(super) fn tag_named(name: &str, common: &Common) -> Tag {
    let mut tag = Tag::new(name, common.unit.clone().unwrap_or_else(no_unit));
    tag.range = common.range;
    tag.stale_after_ns = common.stale_after_ns;
    tag
}

pub(super) fn refuse_waveform(section: &Section<'_>, common: &Common, what: &str) {
    if common.kind == Some(TagKind::Waveform)
        && let Some(kind) = section.value("kind")
    {
        let message = format!("{what} has no waveforms");
        section.findings().add(kind.span, message, "", "leave `kind` out");
    }
}

fn from_table(
    section: &Section<'_>,
    source: SourceId,
    table: &CsvSource,
    plain: &HashSet<String>,
    common: &Common,
) -> Option<Vec<(Tag, TagOrigin)>> {
    refuse_waveform(section, common, "a table");
    let mut template = tag_named(section.name(), common);
    template.kind = common.kind.unwrap_or(TagKind::Value);
    if template.kind != TagKind::Picture {
        raw_to_value(section, &mut template);
    }
    let made = |name: &str, column: usize| {
        let tag = Tag { name: name.to_owned(), ..template.clone() };
        (tag, TagOrigin { source: Some(source), address: TagAddress::Column(column), span: section.span() })
    };
    if is_pattern(section.name()) {
        let own = [time_column(table), table.key];
        let columns = table.columns.iter().enumerate();
        let fitting = columns.filter(|(column, name)| {
            !own.contains(&Some(*column)) && !plain.contains(*name) && matches(section.name(), name)
        });
        return expanded(section, fitting.map(|(column, name)| made(name, column)).collect());
    }
    let column = section.value("column");
    check_tag_name(section.findings(), "a tag", section.name(), &section.span()).then_some(())?;
    let column = match column {
        Some(found) => column_index(section, "column", &found, &table.columns)?,
        None => table.columns.iter().position(|column| column == section.name()).or_else(|| {
            let message = format!("the table has no column `{}`", section.name());
            let near = did_you_mean(section.name(), table.columns.iter().map(String::as_str));
            let help = format!("add `column = \"…\"` or rename the tag; {near}");
            section.findings().add(section.span(), message, "", help);
            None
        })?,
    };
    Some(vec![made(section.name(), column)])
}

fn time_column(table: &CsvSource) -> Option<usize> {
    use crate::config::types::CsvTime;
    match table.time {
        CsvTime::Format { column, .. } | CsvTime::Count { column, .. } => Some(column),
        CsvTime::Period { .. } => None,
    }
}

/// What a pattern found, and the complaint where that is nothing.
fn expanded(section: &Section<'_>, found: Vec<(Tag, TagOrigin)>) -> Option<Vec<(Tag, TagOrigin)>> {
    let mut fit = !found.is_empty();
    if !fit {
        let message = format!("the pattern `{}` finds nothing in its source", section.name());
        let help = "`*` stands for any text, `?` for one character; columns with a tag of their own, the time and the \
                    key are passed over";
        section.findings().add(section.span(), message, "", help);
    }
    for (tag, origin) in &found {
        fit &= check_tag_name(section.findings(), "a tag", &tag.name, &origin.span);
    }
    fit.then_some(found)
}

fn from_plant(
    section: &Section<'_>,
    source: SourceId,
    plant: &SimSource,
    plain: &HashSet<String>,
    common: &Common,
) -> Option<Vec<(Tag, TagOrigin)>> {
    let signals = signals_of(plant);
    let span = section.span();
    let made = |name: &str, index: usize| {
        let tag = tag_of_signal(section, name, &signals[index], common)?;
        Some((tag, TagOrigin { source: Some(source), address: TagAddress::Signal(index), span: span.clone() }))
    };
    if is_pattern(section.name()) {
        let fitting = signals
            .iter()
            .enumerate()
            .filter(|(_, signal)| !plain.contains(signal.name) && matches(section.name(), signal.name));
        let found: Option<Vec<_>> = fitting.map(|(index, signal)| made(signal.name, index)).collect();
        return expanded(section, found?);
    }
    let signal = section.text("signal");
    check_tag_name(section.findings(), "a tag", section.name(), &section.span()).then_some(())?;
    let (name, at) = match signal {
        Some(signal) => (signal.value, signal.span),
        None if section.has("signal") => return None,
        None => (section.name().to_owned(), section.span()),
    };
    let Some(index) = signals.iter().position(|signal| signal.name == name) else {
        let message = format!("the plant `{}` has no signal `{name}`", plant.plant);
        let help = did_you_mean(&name, signals.iter().map(|signal| signal.name));
        section.findings().add(at, message, "", help);
        return None;
    };
    Some(vec![made(section.name(), index)?])
}

/// What the site's clock and calendar say; a tag is named as it, or says which by `signal`.
fn from_calendar(
    section: &Section<'_>,
    source: SourceId,
    plain: &HashSet<String>,
    common: &Common,
) -> Option<Vec<(Tag, TagOrigin)>> {
    refuse_waveform(section, common, "a calendar");
    let made = |name: &str, (field, unit, range): (CalendarField, &str, (f64, f64))| {
        let mut tag = tag_named(name, common);
        tag.unit = Unit::parse(unit).expect("the calendar's units are UCUM");
        tag.range = Some(range);
        (tag, TagOrigin { source: Some(source), address: TagAddress::Calendar(field), span: section.span() })
    };
    if common.unit.is_some() || common.range.is_some() {
        let help = "leave `unit` and `range` out";
        section.findings().add(section.span(), "a calendar's unit and range are known", "", help);
        return None;
    }
    if is_pattern(section.name()) {
        let fitting = CalendarField::ALL
            .iter()
            .filter(|(name, ..)| !plain.contains(*name) && matches(section.name(), name))
            .map(|(name, field, unit, range)| made(name, (*field, unit, *range)));
        return expanded(section, fitting.collect());
    }
    let signal = section.text("signal");
    check_tag_name(section.findings(), "a tag", section.name(), &section.span()).then_some(())?;
    let (name, at) =
        signal.map_or_else(|| (section.name().to_owned(), section.span()), |signal| (signal.value, signal.span));
    let Some((_, field, unit, range)) = CalendarField::ALL.iter().find(|(known, ..)| *known == name) else {
        let message = format!("the calendar has no signal `{name}`");
        let help = did_you_mean(&name, CalendarField::ALL.iter().map(|(name, ..)| *name));
        section.findings().add(at, message, "", help);
        return None;
    };
    Some(vec![made(section.name(), (*field, unit, *range))])
}

/// What a folder of pictures tells: a tag is named as it, or says which by `signal`.
fn from_images(
    section: &Section<'_>,
    source: SourceId,
    plain: &HashSet<String>,
    common: &Common,
) -> Option<Vec<(Tag, TagOrigin)>> {
    let made = |name: &str, field: ImageField| {
        let mut tag = tag_named(name, common);
        if field == ImageField::Picture {
            tag.kind = TagKind::Picture;
        } else {
            raw_to_value(section, &mut tag);
        }
        (tag, TagOrigin { source: Some(source), address: TagAddress::Image(field), span: section.span() })
    };
    let fields = || ImageField::ALL.iter();
    if is_pattern(section.name()) {
        let fitting = fields().filter(|(name, _)| !plain.contains(*name) && matches(section.name(), name));
        return expanded(section, fitting.map(|(name, field)| made(name, *field)).collect());
    }
    let signal = section.text("signal");
    check_tag_name(section.findings(), "a tag", section.name(), &section.span()).then_some(())?;
    let (name, at) =
        signal.map_or_else(|| (section.name().to_owned(), section.span()), |signal| (signal.value, signal.span));
    let Some((_, field)) = fields().find(|(known, _)| *known == name) else {
        let message = format!("a folder of pictures has no signal `{name}`");
        let help = did_you_mean(&name, fields().map(|(name, _)| *name));
        section.findings().add(at, message, "", help);
        return None;
    };
    if common.kind.is_some_and(|kind| (kind == TagKind::Picture) != (*field == ImageField::Picture)) {
        section.findings().add(section.span(), format!("`{name}` is of another kind"), "", "leave `kind` out");
        return None;
    }
    Some(vec![made(section.name(), *field)])
}

fn signals_of(plant: &SimSource) -> Vec<Signal> {
    dinrail_sim::plant_with(&plant.plant, &plant.options).map(|plant| plant.signals().to_vec()).unwrap_or_default()
}

/// The plant knows unit and range; another unit of the same dimension is converted to.
fn tag_of_signal(section: &Section<'_>, name: &str, signal: &Signal, common: &Common) -> Option<Tag> {
    let findings = section.findings();
    let native = Unit::parse(signal.unit).expect("the simulator's units are UCUM");
    let conversion = match &common.unit {
        None => Conversion::IDENTITY,
        Some(unit) => match native.conversion_to(unit) {
            Ok(conversion) => conversion,
            Err(error) => {
                let at = section.value("unit").map_or(section.span(), |unit| unit.span);
                let help = format!("leave `unit` out for `{}`, which is what the plant gives", signal.unit);
                findings.add(at, format!("`{name}`: {error}"), "", help);
                return None;
            }
        },
    };
    let kind = match signal.kind {
        Kind::Value => TagKind::Value,
        Kind::Waveform => TagKind::Waveform,
        Kind::Picture => TagKind::Picture,
    };
    let said = common.kind.unwrap_or(kind);
    if said != kind || (kind != TagKind::Value && !conversion.is_identity()) {
        let message = format!("`{name}` is a {} in {}", kind_name(kind), signal.unit);
        findings.add(section.span(), message, "", "leave `kind` and, but for a value, `unit` out");
        return None;
    }
    let mut tag = tag_named(name, common);
    tag.kind = kind;
    tag.scale = conversion.scale;
    tag.offset = conversion.offset;
    if common.unit.is_none() {
        tag.unit = native;
    }
    let (lo, hi) = signal.range;
    tag.range = tag.range.or(Some((conversion.apply(lo), conversion.apply(hi))));
    Some(tag)
}

pub(in crate::config) fn kind_name(kind: TagKind) -> &'static str {
    kind.name()
}
