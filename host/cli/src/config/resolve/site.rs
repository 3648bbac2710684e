//! `[site]` and `[scan]`.

use super::DEFAULT_SCAN;
use super::names::check_name;
use crate::config::document::{Findings, Found, Section, Value, did_you_mean};
use crate::config::error::Span;
use crate::config::types::{Control, Scan, Site, Speed};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Of a site that has none.
const DEFAULT_NAME: &str = "site";

pub(super) fn site(root: &Section<'_>) -> Site {
    let mut site = Site {
        name: DEFAULT_NAME.to_owned(),
        time_zone: TimeZone::UTC,
        holidays: Vec::new(),
        control: Control::Default,
        store: None,
    };
    let Some(section) = section(root, "site", "[site]") else { return site };
    if let Some(name) = section.text("name") {
        check_name(section.findings(), "site", &name.value, &name.span);
        site.name = name.value;
    }
    if let Some(zone) = section.text("time_zone") {
        match TimeZone::get(&zone.value) {
            Ok(time_zone) => site.time_zone = time_zone,
            Err(_unknown) => {
                let message = format!("there is no time zone `{}`", zone.value);
                let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
                let near = did_you_mean(&zone.value, names.iter().map(String::as_str));
                let help = if near.starts_with("did") { near } else { IANA_HELP.to_owned() };
                section.findings().add(zone.span, message, "", help);
            }
        }
    }
    if let Some(found) = section.value("holidays") {
        match dates(&found) {
            Some(dates) => site.holidays = dates,
            None => {
                let message = "`holidays` should be a list of dates";
                section.findings().add(found.span, message, "", "write [\"2026-12-25\", \"2026-12-26\"]");
            }
        }
    }
    if let Some(found) = section.value("control") {
        match (found.value.0.as_str(), found.value.0.as_bool()) {
            (Some(path), _) => site.control = Control::Path(section.findings().text().folder().join(path)),
            (_, Some(false)) => site.control = Control::Off,
            _ => {
                let help = "write the path of a socket, or `false` for none";
                section.findings().add(found.span, "`control` should be a path or false", "", help);
            }
        }
    }
    if let Some(path) = section.text("store") {
        site.store = Some(section.findings().text().folder().join(path.value));
    }
    section.finish();
    site
}

/// Dates as texts or as TOML writes them.
fn dates(found: &Found<Value<'_>>) -> Option<Vec<Date>> {
    let list = found.value.0.as_array()?;
    let date = |item: &toml::Spanned<toml::de::DeValue<'_>>| match item.get_ref().as_datetime() {
        Some(date) => date.to_string().parse::<Date>().ok(),
        None => item.get_ref().as_str()?.parse::<Date>().ok(),
    };
    list.iter().map(date).collect()
}

const IANA_HELP: &str = "write a name of the IANA time zone database, such as \"Europe/Berlin\" or \"UTC\"";

/// `[scan]`, and where its speed stands.
pub(super) struct FoundScan {
    pub(super) value: Scan,
    pub(super) speed_span: Span,
}

/// The shortest period: a scan of a thousand samples takes about as long.
const MIN_PERIOD_NS: u64 = 1_000_000;
const MAX_PERIOD_NS: u64 = 3_600_000_000_000;
/// Past it, run time would outrun the integers that count it within a year.
const MAX_SPEED: f64 = 100_000.0;

/// A day that takes three months; slower, the steps of run time would round to nothing.
const MIN_SPEED: f64 = 0.01;
/// More threads than any controller has cores.
const MAX_WORKERS: i64 = 256;

pub(super) fn scan(root: &Section<'_>) -> FoundScan {
    let mut found = FoundScan { value: DEFAULT_SCAN, speed_span: 0..0 };
    let Some(section) = section(root, "scan", "[scan]") else { return found };
    let scan = &mut found.value;
    if let Some(period) = section.duration("period", MIN_PERIOD_NS, MAX_PERIOD_NS) {
        scan.period_ns = period.value;
        scan.budget_ns = period.value / 2;
    }
    if let Some(budget) = section.duration("budget", MIN_PERIOD_NS / 10, MAX_PERIOD_NS) {
        if budget.value >= scan.period_ns {
            let message = "`budget` should be shorter than `period`: the guard and the sinks need time too";
            section.findings().add(budget.span, message, "", "half the period is usual");
        }
        scan.budget_ns = budget.value;
    }
    if let Some(workers) = section.whole("workers", 1, MAX_WORKERS) {
        scan.workers = usize::try_from(workers.value).ok();
    }
    if let Some(speed) = section.value("speed") {
        match (speed.value.0.as_str(), speed.value.number()) {
            (Some("max"), _) => scan.speed = Speed::Max,
            (_, Some(ratio)) if (MIN_SPEED..=MAX_SPEED).contains(&ratio) => scan.speed = Speed::Ratio(ratio),
            _ => bad_speed(section.findings(), speed.span.clone()),
        }
        found.speed_span = speed.span;
    }
    section.finish();
    found
}

fn bad_speed(findings: &Findings, span: Span) {
    let message = format!("`speed` should be a number from {MIN_SPEED} to {MAX_SPEED}, or \"max\"");
    findings.add(span, message, "", "write 1 for a live plant, 60 for an hour a minute, \"max\" for a file");
}

/// A table of the root that is called as its header is written.
fn section<'d>(root: &Section<'d>, key: &'static str, header: &str) -> Option<Section<'d>> {
    root.section(key, header).map(|section| section.titled(header))
}
