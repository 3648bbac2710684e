//! `[context.NAME]`: what is known ahead and not sensed.

use super::names::check_name;
use super::sources::{Sources, column_index, parse_time};
use super::tags::{UNIT_HELP, check_topic, no_unit};
use crate::config::amounts::CENTURY_NS;
use crate::config::document::{Found, Section, did_you_mean};
use crate::config::types::{CalendarRule, Context, ContextKind, KnownAt, SimSource, SourceKind};
use dinrail_core::outlook::MAX_STEPS;
use dinrail_core::reading::SourceId;
use dinrail_core::time::TimeNs;
use dinrail_core::unit::Unit;
use jiff::civil::{Date, Time, Weekday};

/// Shortest step: what is planned ahead is not faster.
const MIN_STEP_NS: u64 = 1_000_000_000;
const HOUR_NS: u64 = 3_600_000_000_000;
/// What plans usually need: today and tomorrow.
const DEFAULT_HORIZON_NS: u64 = 36 * HOUR_NS;

pub(super) fn contexts(root: &Section<'_>, sources: &Sources) -> Vec<Context> {
    let mut contexts = Vec::new();
    for section in root.tables("context", "[context.tariff]") {
        check_name(section.findings(), "context", section.name(), &section.span());
        contexts.extend(context(&section, sources));
        section.finish();
    }
    contexts
}

fn context(section: &Section<'_>, sources: &Sources) -> Option<Context> {
    let unit = section.parsed("unit", UNIT_HELP, Unit::parse);
    let step = section.duration("step", MIN_STEP_NS, CENTURY_NS);
    let (kind, native) = match section.has("source") {
        true => sourced(section, sources)?,
        false => (calendar(section)?, None),
    };
    // What a plant's schedule is in, and its step, the plant knows.
    let unit = native.as_ref().map(|(unit, _)| unit.clone()).or(unit.map(|unit| unit.value));
    let step = native.map(|(_, step_ns)| step_ns).or(step.map(|step| step.value)).unwrap_or(HOUR_NS);
    let horizon = section.duration("horizon", MIN_STEP_NS, CENTURY_NS);
    let holds = section.duration("holds", MIN_STEP_NS, CENTURY_NS).map_or(step, |holds| holds.value);
    let horizon_ns = horizon.as_ref().map_or(DEFAULT_HORIZON_NS.max(step), |horizon| horizon.value);
    if horizon_ns < step {
        let span = horizon.as_ref().map_or(section.span(), |horizon| horizon.span.clone());
        section.findings().add(
            span,
            "the horizon is shorter than one step",
            "",
            "lengthen `horizon`, or shorten `step`",
        );
    }
    if horizon_ns.div_ceil(step) > MAX_STEPS as u64 {
        let span = horizon.map_or(section.span(), |horizon| horizon.span);
        let message = format!("the horizon has more than {MAX_STEPS} steps");
        section.findings().add(span, message, "", "shorten `horizon`, or lengthen `step`");
    }
    Some(Context {
        name: section.name().to_owned(),
        span: section.span(),
        unit: unit.unwrap_or_else(no_unit),
        step_ns: step,
        horizon_ns,
        holds_ns: holds,
        kind,
    })
}

/// A context's source, and the unit and step that a plant's schedule has by itself.
type Sourced = (ContextKind, Option<(Unit, u64)>);

/// From a table, a topic or a plant.
fn sourced(section: &Section<'_>, sources: &Sources) -> Option<Sourced> {
    let Some((id, source)) = sources.named(section) else {
        for key in ["column", "topic", "known_at", "schedule"] {
            let _ = section.value(key);
        }
        return None;
    };
    match source.kind.as_ref()? {
        SourceKind::Csv(table) => {
            if let Some(key) = table.key {
                let column = table.columns.get(key).map_or("", String::as_str);
                let message = format!("the source `{}` is split into assets by `{column}`", source.name);
                let help = "a context is one for the whole site: take a table without `key`";
                section.findings().add(section.span(), message, "", help);
                return None;
            }
            if !section.has("column") {
                section.missing("column", "column = \"price\"");
            }
            let column = section.value("column")?;
            let column = column_index(section, "column", &column, &table.columns)?;
            let known_at = known_at(section, &table.columns)?;
            Some((ContextKind::Table { source: id, column, known_at }, None))
        }
        SourceKind::Mqtt(_) => {
            let topic = section.required_text("topic", "topic = \"market/day-ahead\"")?;
            check_topic(section, &topic.value, &topic.span).then_some(())?;
            Some((ContextKind::Topic { source: id, topic: topic.value }, None))
        }
        SourceKind::Sim(plant) => schedule(section, id, plant),
        SourceKind::Calendar => {
            let message = format!("the source `{}` holds nothing that is known ahead", source.name);
            let help = "name a source of kind csv, mqtt or sim, or leave `source` out and write `value` and `rules`";
            section.findings().add(section.span(), message, "", help);
            None
        }
    }
}

/// What a simulated plant's site knows ahead.
fn schedule(section: &Section<'_>, source: SourceId, plant: &SimSource) -> Option<Sourced> {
    let built = dinrail_sim::plant_with(&plant.plant, &plant.options).ok()?;
    let names: Vec<&str> = built.schedules().iter().map(|schedule| schedule.name).collect();
    let example = format!("schedule = \"{}\"", names.first().unwrap_or(&"home.price"));
    let name = section.required_text("schedule", &example)?;
    let Some(index) = names.iter().position(|known| *known == name.value) else {
        let message = format!("the plant `{}` knows nothing ahead of `{}`", plant.plant, name.value);
        section.findings().add(name.span, message, "", did_you_mean(&name.value, names));
        return None;
    };
    let schedule = &built.schedules()[index];
    let unit = Unit::parse(schedule.unit).expect("the simulator's units are UCUM");
    Some((ContextKind::Schedule { source, index }, Some((unit, (schedule.step_s * 1e9).round() as u64))))
}

/// When a table's values became known. It has no default: what would be left out is whether the future is seen.
fn known_at(section: &Section<'_>, columns: &[String]) -> Option<KnownAt> {
    const EXAMPLE: &str = "known_at = { before = \"24h\" }";
    let Some(found) = section.value("known_at") else {
        section.missing("known_at", EXAMPLE);
        return None;
    };
    if found.value.0.as_str() == Some("always") {
        return Some(KnownAt::Always);
    }
    if found.value.0.as_table().is_none() {
        let help = format!(
            "write \"always\" for a schedule that never changes, `{EXAMPLE}`, or {{ column = \"published\", format = \"rfc3339\" }}"
        );
        section.findings().add(found.span, "`known_at` should say when a value became known", "", help);
        return None;
    }
    let table = section.section("known_at", EXAMPLE)?;
    let before = table.duration("before", 0, CENTURY_NS);
    let column = match table.value("column") {
        Some(found) => Some(column_index(&table, "column", &found, columns)?),
        None => None,
    };
    let format = table.text("format");
    let span = table.span();
    let findings = table.findings();
    let known = match (before, column, format) {
        (Some(before), None, None) => Some(KnownAt::Before(before.value)),
        (None, Some(column), Some(format)) => Some(KnownAt::Column { column, format: format.value }),
        _ => {
            let help = "write { before = \"24h\" }, or { column = \"published\", format = \"rfc3339\" }";
            findings.add(span, "`known_at` has `before`, or `column` and `format`", "", help);
            None
        }
    };
    table.finish();
    known
}

/// A value and the rules that change it by the site's calendar.
fn calendar(section: &Section<'_>) -> Option<ContextKind> {
    if !section.has("value") {
        section.missing("value", "value = 22.5");
    }
    let value = section.number("value");
    let mut rules = Vec::new();
    for rule in section.list("rules", "[[context.tariff.rules]]") {
        rules.extend(self::rule(&rule));
        rule.finish();
    }
    Some(ContextKind::Calendar { value: value?.value, rules })
}

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

fn rule(rule: &Section<'_>) -> Option<CalendarRule> {
    if !rule.has("value") {
        rule.missing("value", "value = 31.5");
    }
    let value = rule.number("value");
    let from = rule.parsed("from", TIME_HELP, str::parse::<Time>);
    let to = rule.parsed("to", TIME_HELP, end_of_day);
    let since = rule.parsed("since", DATE_HELP, str::parse::<Date>);
    let until = rule.parsed("until", DATE_HELP, str::parse::<Date>);
    let holidays = rule.boolean("holidays").map(|found| found.value);
    let days = words(rule, "days", &DAYS)?;
    let months = months(rule)?;
    let published = rule.text("known_at");
    let known_at_ns = match &published {
        Some(text) => Some(parse_time(&text.value, &jiff::tz::TimeZone::UTC).or_else(|| {
            let help = "write a time with its offset: \"2026-06-01T12:00:00Z\"";
            rule.findings().add(text.span.clone(), "`known_at` is not a date and time", "", help);
            None
        })?),
        None => None,
    };
    Some(CalendarRule {
        value: value?.value,
        from: from.map(|found| found.value),
        to: to.and_then(|found| found.value),
        days,
        months,
        holidays,
        since: since.map(|found| found.value),
        until: until.map(|found| found.value),
        known_at_ns: known_at_ns.unwrap_or(TimeNs::MIN),
    })
}

const TIME_HELP: &str = "write the local time as \"06:00\"";
const DATE_HELP: &str = "write a date as \"2026-07-01\"";

/// 24:00 is no time of a day, and says that the rule goes on to its end.
fn end_of_day(text: &str) -> Result<Option<Time>, jiff::Error> {
    if text == "24:00" { Ok(None) } else { text.parse().map(Some) }
}

/// A list of words; empty where it is not there, none where it is wrong.
fn words<T: Copy>(section: &Section<'_>, key: &'static str, choices: &[(&'static str, T)]) -> Option<Vec<T>> {
    let Some(found) = section.value(key) else { return Some(Vec::new()) };
    let chosen = found.value.0.as_array().and_then(|list| {
        let word = |text: &str| choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        list.iter().map(|item| item.get_ref().as_str().and_then(word)).collect::<Option<Vec<T>>>()
    });
    if chosen.is_none() {
        let all: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}` should be a list of {}", all.join(", "));
        section.findings().add(found.span, message, "", format!("write [\"{}\"]", all[0]));
    }
    chosen
}

fn months(section: &Section<'_>) -> Option<Vec<i8>> {
    let Some(found) = section.value("months") else { return Some(Vec::new()) };
    let months = numbers(&found);
    if months.is_none() {
        let help = "write [11, 12, 1, 2] for November to February";
        section.findings().add(found.span, "`months` should be a list of numbers from 1 to 12", "", help);
    }
    months
}

fn numbers(found: &Found<crate::config::document::Value<'_>>) -> Option<Vec<i8>> {
    let list = found.value.0.as_array()?;
    let month = |item: &toml::Spanned<toml::de::DeValue<'_>>| {
        let whole = crate::config::document::Value(item.get_ref()).whole()?;
        i8::try_from(whole).ok().filter(|month| (1..=12).contains(month))
    };
    list.iter().map(month).collect()
}
