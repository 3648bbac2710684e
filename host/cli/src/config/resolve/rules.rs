//! A context by the site's calendar: a value, and the rules that change it.

use super::sources::parse_time;
use crate::config::amounts::show;
use crate::config::document::{Found, Section, Value};
use crate::config::error::Span;
use crate::config::types::{CalendarRule, ContextKind, Site};
use dinrail_core::time::TimeNs;
use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use std::fmt::Display;

const DAY_S: i64 = 86_400;
const SECOND_NS: u64 = 1_000_000_000;

/// The value and its rules. `step_ns` is the context's step, none where it has a mistake of its own.
pub(super) fn calendar(section: &Section<'_>, site: &Site, step_ns: Option<u64>) -> Option<ContextKind> {
    if !section.has("value") {
        section.missing("value", "value = 22.5");
    }
    let value = section.number("value");
    let offsets = offsets(&site.time_zone);
    let mut rules = Vec::new();
    for rule in section.list("rules", "[[context.tariff.rules]]") {
        rules.extend(self::rule(&rule, site, step_ns, &offsets));
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

fn rule(rule: &Section<'_>, site: &Site, step_ns: Option<u64>, offsets: &[i64]) -> Option<CalendarRule> {
    if !rule.has("value") {
        rule.missing("value", "value = 31.5");
    }
    // Every key is looked at before a mistake ends it.
    let value = rule.number("value");
    let from = said(rule, "from", TIME_HELP, str::parse::<Time>);
    let to = said(rule, "to", TIME_HELP, end_of_day);
    let since = said(rule, "since", DATE_HELP, str::parse::<Date>);
    let until = said(rule, "until", DATE_HELP, str::parse::<Date>);
    let holidays = rule.boolean("holidays").map(|found| found.value);
    let days = words(rule, "days", &DAYS);
    let months = months(rule);
    let zone = &site.time_zone;
    let known = said(rule, "known_at", KNOWN_HELP, |text| parse_time(text, zone).ok_or("it is not a date and time"));
    let findings = rule.findings();
    if let (Some(since), Some(until)) = (&since, &until)
        && until.value <= since.value
    {
        findings.add(
            until.span.clone(),
            "`until` is not after `since`: the rule never holds",
            "",
            "correct one of them",
        );
    }
    if let (Some(from), Some(to)) = (&from, &to)
        && to.value == Some(from.value)
    {
        let help = "leave both out for the whole day";
        findings.add(to.span.clone(), "`from` and `to` are the same time", "", help);
    }
    if holidays == Some(true) && site.holidays.is_empty() {
        let help = "add `holidays = [\"2026-12-25\"]` to [site]";
        findings.add(rule.span(), "the rule is for holidays, and [site] has none", "", help);
    }
    if let Some(step_ns) = step_ns {
        let by_date =
            since.is_some() || until.is_some() || ["days", "months", "holidays"].iter().any(|key| rule.has(key));
        let edges = edges(rule, from.as_ref(), to.as_ref(), by_date);
        check_edges(rule, step_ns, offsets, &edges);
    }
    Some(CalendarRule {
        value: value?.value,
        from: from.map(|found| found.value),
        to: to.and_then(|found| found.value),
        days: days?,
        months: months?,
        holidays,
        since: since.map(|found| found.value),
        until: until.map(|found| found.value),
        known_at_ns: known.map_or(TimeNs::MIN, |found| found.value),
    })
}

/// A local time of day at which a rule begins or ends to hold: seconds, how it is called, where it stands.
type Edge = (i64, String, Span);

fn edges(rule: &Section<'_>, from: Option<&Found<Time>>, to: Option<&Found<Option<Time>>>, by_date: bool) -> Vec<Edge> {
    let edge = |key: &str, time: Time, span: &Span| {
        let second = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
        (second, format!("`{key}` is {}", time.strftime("%H:%M")), span.clone())
    };
    let mut edges: Vec<Edge> = from.iter().map(|found| edge("from", found.value, &found.span)).collect();
    edges.extend(to.iter().filter_map(|found| Some(edge("to", found.value?, &found.span))));
    // Without `from` it begins, without `to` it ends at midnight; so do dates.
    let half = from.is_some() != to.is_some_and(|found| found.value.is_some());
    if by_date || half {
        edges.push((0, "the rule changes the value at local midnight".to_owned(), rule.span()));
    }
    edges
}

/// Plugins are told one value a step, and steps count from 1970 UTC: what changes within a step would be told late.
fn check_edges(rule: &Section<'_>, step_ns: u64, offsets: &[i64], edges: &[Edge]) {
    let step_s = i64::try_from(step_ns / SECOND_NS).unwrap_or(i64::MAX);
    let whole = step_ns.is_multiple_of(SECOND_NS) && DAY_S % step_s.max(1) == 0;
    let begins = |at: i64| whole && offsets.iter().all(|offset| (at - offset).rem_euclid(step_s) == 0);
    let Some((_, what, span)) = edges.iter().find(|(at, ..)| !begins(*at)) else { return };
    let apart = edges.iter().flat_map(|(at, ..)| offsets.iter().map(move |offset| at - offset));
    let fitting = apart.fold(gcd(DAY_S, step_s), gcd);
    let message = format!("{what}, and no step of {} begins then", show(step_ns));
    let help = format!(
        "a plugin is told one value a step, and steps count from 1970 UTC: write `step = \"{}\"` for this context, or move the time",
        show(u64::try_from(fitting).unwrap_or(1).max(1) * SECOND_NS)
    );
    rule.findings().add(span.clone(), message, "", help);
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The zone's offsets from UTC, in seconds, over the years in which calendars are written.
fn offsets(zone: &TimeZone) -> Vec<i64> {
    let year =
        |year: i16| Date::constant(year, 1, 1).at(0, 0, 0, 0).to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let (Ok(begin), Ok(end)) = (year(2020), year(2040)) else { return vec![0] };
    let later = zone.following(begin).take_while(|change| change.timestamp() < end);
    let seconds = |begin: Timestamp| i64::from(zone.to_offset(begin).seconds());
    let mut offsets: Vec<i64> = later.map(|change| i64::from(change.offset().seconds())).collect();
    offsets.push(seconds(begin));
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

const TIME_HELP: &str = "write the local time as \"06:00\"";
const DATE_HELP: &str = "write a date as \"2026-07-01\"";
const KNOWN_HELP: &str = "write \"2026-06-01T12:00:00Z\", or without an offset for local time of the site";

/// A time or a date, in quotes or as TOML writes it.
fn said<T, E: Display>(
    section: &Section<'_>,
    key: &'static str,
    help: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<Found<T>> {
    let found = section.value(key)?;
    let text = match (found.value.0.as_str(), found.value.0.as_datetime()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(datetime)) => datetime.to_string(),
        (None, None) => {
            let message = format!("`{key}` should be a text in quotes, is {}", found.value.kind());
            section.findings().add(found.span, message, "", help);
            return None;
        }
    };
    match parse(&text) {
        Ok(value) => Some(found.map(|_| value)),
        Err(error) => {
            section.findings().add(found.span, format!("`{key}`: {error}"), "", help);
            None
        }
    }
}

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
    let chosen = chosen.filter(|chosen| !chosen.is_empty());
    if chosen.is_none() {
        let all: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}` should be a list of {}", all.join(", "));
        section.findings().add(found.span, message, "", format!("write [\"{}\"]", all[0]));
    }
    chosen
}

fn months(section: &Section<'_>) -> Option<Vec<i8>> {
    let Some(found) = section.value("months") else { return Some(Vec::new()) };
    let months = numbers(&found).filter(|months| !months.is_empty());
    if months.is_none() {
        let help = "write [11, 12, 1, 2] for November to February";
        section.findings().add(found.span, "`months` should be a list of numbers from 1 to 12", "", help);
    }
    months
}

fn numbers(found: &Found<Value<'_>>) -> Option<Vec<i8>> {
    let list = found.value.0.as_array()?;
    let month = |item: &toml::Spanned<toml::de::DeValue<'_>>| {
        let whole = Value(item.get_ref()).whole()?;
        i8::try_from(whole).ok().filter(|month| (1..=12).contains(month))
    };
    list.iter().map(month).collect()
}
