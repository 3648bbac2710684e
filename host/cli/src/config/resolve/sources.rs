//! `[sources.NAME]`

mod broker;

use super::earlier;
use super::names::check_name;
use super::table_head::{TableHead, table_head};
use crate::config::amounts::CENTURY_NS;
use crate::config::document::{Found, Section, did_you_mean};
use crate::config::error::Span;
use crate::config::types::{CsvSource, CsvTime, Delimiter, ImagesSource, SimSource, Site, Source, SourceKind};
use crate::faults;
use broker::mqtt;
use dinrail_core::reading::SourceId;
use dinrail_core::time::TimeNs;
use dinrail_field::source::csv::{Layout, Separator};
use dinrail_sim::{Options, Script, ScriptError};
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A source that was declared.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) span: Span,
    /// None where something is wrong with it, which was reported.
    pub(super) kind: Option<SourceKind>,
}

/// All sources that were declared.
pub(super) struct Sources {
    declared: Vec<Declared>,
}

impl Sources {
    pub(super) fn is_empty(&self) -> bool {
        self.declared.is_empty()
    }

    pub(super) fn get(&self, id: SourceId) -> Option<&Declared> {
        self.declared.get(id.0 as usize)
    }

    /// The source that `key` of a section names.
    pub(super) fn named(&self, section: &Section<'_>) -> Option<(SourceId, &Declared)> {
        let name = section.required_text("source", "source = \"plc1\"")?;
        let found = self.declared.iter().zip(0..).find(|(source, _)| source.name == name.value);
        if found.is_none() {
            let message = format!("there is no source `{}`", name.value);
            let names = self.declared.iter().map(|source| source.name.as_str());
            section.findings().add(name.span, message, "", did_you_mean(&name.value, names));
        }
        found.map(|(source, id)| (SourceId(id), source))
    }

    /// Those that are right; all are, where nothing was found.
    pub(super) fn into_resolved(self) -> Vec<Source> {
        let resolved = |Declared { name, span, kind }| Some(Source { name, span, kind: kind? });
        self.declared.into_iter().filter_map(resolved).collect()
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Sim,
    Csv,
    Mqtt,
    Images,
    Calendar,
}

const LAYOUTS: [(&str, Layout); 2] = [("rows", Layout::Rows), ("series", Layout::Series)];

const KINDS: [(&str, Kind); 5] = [
    ("sim", Kind::Sim),
    ("csv", Kind::Csv),
    ("mqtt", Kind::Mqtt),
    ("images", Kind::Images),
    ("calendar", Kind::Calendar),
];

pub(super) fn sources(root: &Section<'_>, site: &Site) -> Sources {
    let mut declared = Vec::new();
    for section in root.tables("sources", "[sources.plc1]") {
        check_name(section.findings(), "source", section.name(), &section.span());
        if !section.has("kind") {
            section.missing("kind", "kind = \"mqtt\"");
        }
        let (name, span) = (section.name().to_owned(), section.span());
        let kind = match section.choice("kind", &KINDS).map(|kind| kind.value) {
            Some(Kind::Sim) => finished(section, sim),
            Some(Kind::Csv) => finished(section, |section| csv(section, site)),
            Some(Kind::Mqtt) => finished(section, |section| mqtt(section, site)),
            Some(Kind::Images) => finished(section, |section| images(section, site)),
            Some(Kind::Calendar) => finished(section, |_nothing_more| Some(SourceKind::Calendar)),
            // Without a kind, what else is known here can't be told.
            None => None,
        };
        declared.push(Declared { name, span, kind });
    }
    Sources { declared }
}

fn finished(section: Section<'_>, read: impl FnOnce(&Section<'_>) -> Option<SourceKind>) -> Option<SourceKind> {
    let kind = read(&section);
    section.finish();
    kind
}

fn sim(section: &Section<'_>) -> Option<SourceKind> {
    let plant = section.required_text("plant", "plant = \"demo\"");
    let seed = section.whole("seed", 0, i64::MAX).map_or(1, |seed| seed.value.unsigned_abs());
    let faults = section.text("faults");
    let script = match &faults {
        None => Script::none(),
        Some(text) => faults::parse(&text.value).map_err(|error| wrong_script(section, text, &error)).ok()?,
    };
    let recorded = super::recorded::recorded(section);
    let settings = super::recorded::settings(section);
    let (plant, (recorded, files)) = (plant?, recorded?);
    let options = Options { seed, faults: script, recorded: recorded.map(Arc::new), settings: settings? };
    match dinrail_sim::plant_with(&plant.value, &options) {
        Ok(_fits) => Some(SourceKind::Sim(SimSource { plant: plant.value, options, files })),
        Err(error) => {
            let (span, help) = match (&error, faults) {
                (dinrail_sim::PlantError::Script(ScriptError::NoSuchMachine(_)), Some(faults)) => {
                    (faults.span, "leave `faults` out, or take the plant \"rig\" or \"demo\"".to_owned())
                }
                (dinrail_sim::PlantError::Script(_), Some(faults)) => (faults.span, faults::GRAMMAR.to_owned()),
                (dinrail_sim::PlantError::UnknownPlant(_), _) => {
                    (plant.span, did_you_mean(&plant.value, dinrail_sim::PLANTS))
                }
                _ => (plant.span, "correct `series` or `settings` of this source".to_owned()),
            };
            section.findings().add(span, with_causes(&error), "", help);
            None
        }
    }
}

/// A single word was meant as the name of a script.
fn wrong_script(section: &Section<'_>, text: &Found<String>, error: &faults::FaultTextError) {
    let name = text.value.trim();
    let (message, help) = match name.contains(char::is_whitespace) {
        false => (format!("there is no fault script `{name}`"), did_you_mean(name, dinrail_sim::fault::SCRIPTS)),
        true => (format!("`faults`: {error}"), faults::GRAMMAR.to_owned()),
    };
    section.findings().add(text.span.clone(), message, "", help);
}

/// An error and what caused it, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// From one picture to the next where nothing is said.
const DEFAULT_PICTURE_NS: u64 = 1_000_000_000;

fn images(section: &Section<'_>, site: &Site) -> Option<SourceKind> {
    let path = section.required_text("path", "path = \"pictures\"");
    let labels = section.text("labels");
    let time = section.section("time", "{ period = \"1s\" }");
    let period = time.as_ref().and_then(|time| time.duration("period", 1, CENTURY_NS));
    let start_ns = time.as_ref().map_or(Some(0), |time| start(time, site));
    if let Some(time) = time {
        time.finish();
    }
    let folder = section.findings().text().folder();
    let (path, labels) = (path?, labels.map(|labels| folder.join(labels.value)));
    let pictures = folder.join(&path.value);
    if !pictures.is_dir() {
        let message = format!("there is no folder `{}`", pictures.display());
        section.findings().add(
            path.span,
            message,
            "",
            "name the folder of the pictures; relative paths count from this file's",
        );
        return None;
    }
    Some(SourceKind::Images(ImagesSource {
        folder: pictures,
        labels,
        period_ns: period.map_or(DEFAULT_PICTURE_NS, |period| period.value),
        start_ns: start_ns?,
    }))
}

fn csv(section: &Section<'_>, site: &Site) -> Option<SourceKind> {
    let path = section.required_text("path", "path = \"lab.csv.gz\"");
    let delimiter = delimiter(section);
    let given = column_names(section);
    let header = section.boolean("header");
    let layout = section.choice("layout", &LAYOUTS).map_or(Layout::default(), |layout| layout.value);
    let join = paths(section, "join");
    let after = earlier::earlier(section);
    let (time_found, key_found) = (section.value("time"), section.value("key"));
    if time_found.is_none() {
        section.missing("time", "time = { column = \"datetime\", format = \"%Y-%m-%d %H:%M:%S\" }");
    }
    let path = path?;
    let full_path = section.findings().text().folder().join(&path.value);
    let (join, after) = (join?, after?);
    if layout == Layout::Series && !join.value.is_empty() {
        let message = "`join` and `layout = \"series\"` exclude each other";
        section.findings().add(join.span, message, "", "leave one of them out");
        return None;
    }
    if !after.is_empty() && (layout == Layout::Series || !join.value.is_empty()) {
        let message = "`after` excludes `join` and `layout = \"series\"`";
        section.findings().add(path.span, message, "", "leave one of them out");
        return None;
    }
    let mut head = head(section, &full_path, &path.span, delimiter?)?;
    for joined in &join.value {
        head.join(self::head(section, joined, &join.span, delimiter?)?);
    }
    if layout == Layout::Series {
        head = TableHead::of_series();
    }
    let header = match layout {
        Layout::Rows => header.map_or(given.is_none(), |header| header.value),
        Layout::Series => header.is_none_or(|header| header.value),
    };
    let columns = columns(section, given, header || layout == Layout::Series, &head, &path.span)?;
    let first_record = if header { head.second } else { Some(head.first) };
    let key = match key_found {
        Some(key) => Some(column_index(section, "key", &key, &columns)?),
        None => None,
    };
    let time = csv_time(section, &columns, first_record.as_deref(), site)?;
    Some(SourceKind::Csv(CsvSource {
        path: full_path,
        delimiter: delimiter?,
        header,
        columns,
        time,
        key,
        join: join.value,
        after,
        layout,
    }))
}

/// The first lines of a file that the configuration names.
pub(super) fn head(section: &Section<'_>, path: &Path, span: &Span, delimiter: Delimiter) -> Option<TableHead> {
    match table_head(path, delimiter) {
        Ok(head) => Some(head),
        Err(error) => {
            let message = format!("the table `{}` can't be read: {error}", path.display());
            let help = "name a file that is there; relative paths count from the folder of this file";
            section.findings().add(span.clone(), message, "", help);
            None
        }
    }
}

/// A list of paths, empty where it is not there; none where it is wrong.
pub(super) fn paths(section: &Section<'_>, key: &'static str) -> Option<Found<Vec<PathBuf>>> {
    let Some(found) = section.value(key) else {
        return Some(Found { value: Vec::new(), span: section.span(), key: section.span() });
    };
    let folder = section.findings().text().folder();
    let texts = found.value.0.as_array().and_then(|list| {
        list.iter().map(|item| item.get_ref().as_str().map(|text| folder.join(text))).collect::<Option<Vec<_>>>()
    });
    if texts.is_none() {
        let message = format!("`{key}` should be a list of paths");
        section.findings().add(found.span.clone(), message, "", "write [\"labels.csv\"]");
        return None;
    }
    Some(found.map(|_| texts.unwrap_or_default()))
}

/// None where it is wrong.
pub(super) fn delimiter(section: &Section<'_>) -> Option<Delimiter> {
    let whitespace = section.boolean("whitespace");
    let delimiter = section.text("delimiter");
    match (whitespace, delimiter) {
        (Some(Found { value: true, .. }), Some(delimiter)) => {
            let message = "`delimiter` and `whitespace` exclude each other";
            section.findings().add(delimiter.key, message, "", "leave one of them out");
            None
        }
        (Some(Found { value: true, .. }), None) => Some(Delimiter::Whitespace),
        (_, None) => Some(Delimiter::Byte(b',')),
        (_, Some(text)) => match text.value.parse::<Separator>() {
            Ok(Separator::Character(byte)) => Some(Delimiter::Byte(byte)),
            Ok(Separator::Whitespace) => Some(Delimiter::Whitespace),
            Err(error) => {
                let help = "write one character such as \";\" or \"tab\", or `whitespace = true` for any blanks";
                section.findings().add(text.span, error.to_string(), "", help);
                None
            }
        },
    }
}

/// `columns = [...]`
fn column_names(section: &Section<'_>) -> Option<Found<Vec<String>>> {
    let found = section.value("columns")?;
    let texts = found.value.0.as_array().and_then(|list| {
        list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    if texts.is_none() {
        let help = "write [\"first\", \"second\"], one for each column of the file";
        section.findings().add(found.span.clone(), "`columns` should be a list of texts", "", help);
    }
    Some(found.map(|_| texts.unwrap_or_default()))
}

fn columns(
    section: &Section<'_>,
    given: Option<Found<Vec<String>>>,
    header: bool,
    head: &TableHead,
    path: &Span,
) -> Option<Vec<String>> {
    let (columns, span) = match given {
        Some(given) if given.value.len() == head.first.len() => (given.value, given.span),
        Some(given) => {
            let (named, there) = (given.value.len(), head.first.len());
            let message = format!("`columns` names {named} columns, the file's first line has {there}");
            let help = "name every column; a wrong `delimiter` also looks like this";
            section.findings().add(given.span, message, "", help);
            return None;
        }
        None if header => (head.first.clone(), path.clone()),
        None => ((1..=head.first.len()).map(|number| number.to_string()).collect(), path.clone()),
    };
    let mut seen = std::collections::HashSet::new();
    if let Some(twice) = columns.iter().find(|name| !seen.insert(name.as_str())) {
        let message = format!("two columns are called `{twice}`");
        let help = "give every column a name of its own with `columns = [\"…\", …]`";
        section.findings().add(span, message, "", help);
        return None;
    }
    Some(columns)
}

/// The column that a name or a number (from 1) says.
pub(super) fn column_index(
    section: &Section<'_>,
    key: &str,
    found: &Found<crate::config::document::Value<'_>>,
    columns: &[String],
) -> Option<usize> {
    let report = |message: String, help: String| {
        section.findings().add(found.span.clone(), message, "", help);
        None
    };
    if let Some(name) = found.value.0.as_str() {
        return columns.iter().position(|column| column == name).or_else(|| {
            let help = did_you_mean(name, columns.iter().map(String::as_str));
            report(format!("the table has no column `{name}`"), help)
        });
    }
    let Some(number) = found.value.whole() else {
        let message = format!("`{key}` should be a column's name or number, is {}", found.value.kind());
        return report(message, "write \"NAME\" or, counting from 1, a number".to_owned());
    };
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index.filter(|index| *index < columns.len()).or_else(|| {
        let message = format!("the table has no column {number}");
        report(message, format!("columns count from 1 to {}", columns.len()))
    })
}

fn csv_time(
    section: &Section<'_>,
    columns: &[String],
    first_record: Option<&[String]>,
    site: &Site,
) -> Option<CsvTime> {
    let example = "time = { period = \"1s\" }";
    let time = section.section("time", example)?;
    let column = match time.value("column") {
        Some(found) => Some(column_index(&time, "column", &found, columns)?),
        None => None,
    };
    let format = time.text("format");
    let period = time.duration("period", 1, CENTURY_NS);
    let start_ns = start(&time, site);
    let has_format = time.has("format");
    let has_start = time.has("start");
    let (findings, span, has_period) = (time.findings(), time.span(), time.has("period"));
    time.finish();
    let add = |message: &str, help: &str| {
        findings.add(span.clone(), message, "", help);
        None
    };
    match (column, format, period) {
        (Some(column), Some(format), None) if !has_period => {
            if has_start {
                return add("`start` goes with `period`, and `format` is given", "leave `start` out");
            }
            check_format(section, &format, first_record.and_then(|record| record.get(column)))
                .then_some(CsvTime::Format { column, format: format.value })
        }
        (Some(column), None, Some(period)) if !has_format => {
            Some(CsvTime::Count { column, period_ns: period.value, start_ns: start_ns? })
        }
        (None, None, Some(period)) if !has_format => {
            Some(CsvTime::Period { period_ns: period.value, start_ns: start_ns? })
        }
        // A key of the wrong type was reported by its reader.
        (_, None, _) if has_format => None,
        (_, _, None) if has_period => None,
        _ => add(
            "`time` should have `column` and `format`, `column` and `period`, or `period`",
            "see the reference: a date and time, a count of periods, or one record a period",
        ),
    }
}

/// 1970 where nothing is said.
fn start(time: &Section<'_>, site: &Site) -> Option<TimeNs> {
    let Some(found) = time.value("start") else { return Some(0) };
    let text = match (found.value.0.as_str(), found.value.0.as_datetime()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(datetime)) => datetime.to_string(),
        (None, None) => String::new(),
    };
    let ns = parse_time(&text, &site.time_zone);
    if ns.is_none() {
        let help = "write \"2026-03-01T06:00:00Z\", or without an offset for local time of the site";
        time.findings().add(found.span, "`start` is not a date and time", "", help);
    }
    ns
}

/// RFC 3339, or a local date and time of the zone.
pub(super) fn parse_time(text: &str, zone: &TimeZone) -> Option<TimeNs> {
    let stamp = match text.parse::<jiff::Timestamp>() {
        Ok(stamp) => stamp,
        Err(_no_offset) => text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?.timestamp(),
    };
    TimeNs::try_from(stamp.as_nanosecond()).ok()
}

/// Formats with a name of their own, which the source knows.
const NAMED_FORMATS: [&str; 4] = ["unix", "unix_ms", "unix_ns", "rfc3339"];

/// Tries the format on the first record, where there is one.
fn check_format(section: &Section<'_>, format: &Found<String>, sample: Option<&String>) -> bool {
    let Some(sample) = sample else { return true };
    let fits = match format.value.as_str() {
        "rfc3339" => sample.parse::<jiff::Timestamp>().is_ok(),
        name if NAMED_FORMATS.contains(&name) => sample.parse::<f64>().is_ok(),
        // A date without a clock is midnight.
        strptime => BrokenDownTime::parse(strptime, sample)
            .is_ok_and(|time| time.to_date().is_ok() || time.to_timestamp().is_ok()),
    };
    if !fits {
        let message = format!("`format` does not fit the first record's time, `{sample}`");
        let help = "write a strptime format with date and time such as \"%Y-%m-%d %H:%M:%S\", or unix, unix_ms, unix_ns or rfc3339";
        section.findings().add(format.span.clone(), message, "", help);
    }
    fits
}
