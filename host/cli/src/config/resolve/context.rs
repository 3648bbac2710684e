//! `[context.NAME]`: what is known ahead and not sensed.

use super::names::check_name;
use super::rules;
use super::sources::{Sources, column_index};
use super::tags::{check_topic, no_unit};
use crate::config::amounts::{CENTURY_NS, show};
use crate::config::document::{Section, did_you_mean};
use crate::config::types::{Context, ContextKind, KnownAt, SimSource, Site, SourceKind};
use dinrail_core::outlook::MAX_STEPS;
use dinrail_core::reading::SourceId;
use dinrail_core::unit::Unit;

/// Shortest step: what is planned ahead is not faster.
const MIN_STEP_NS: u64 = 1_000_000_000;
const HOUR_NS: u64 = 3_600_000_000_000;
/// What plans usually need: today and tomorrow.
const DEFAULT_HORIZON_NS: u64 = 36 * HOUR_NS;

const MONEY_HELP: &str =
    "write a UCUM unit such as \"kW\" or \"Cel\"; money stands in braces: \"{EUR}/kW/h\", \"{EUR}/MW/h\"";

/// All contexts that were declared.
pub(super) struct Contexts {
    /// Those that are right; all are, where nothing was found.
    pub(super) resolved: Vec<Context>,
    declared: Vec<String>,
}

impl Contexts {
    /// Whether a name is that of a context with a mistake, which was reported.
    pub(super) fn is_excused(&self, name: &str) -> bool {
        self.declared.iter().any(|declared| declared == name)
    }
}

pub(super) fn contexts(root: &Section<'_>, sources: &Sources, site: &Site) -> Contexts {
    let (mut resolved, mut declared) = (Vec::new(), Vec::new());
    for section in root.tables("context", "[context.tariff]") {
        check_name(section.findings(), "context", section.name(), &section.span());
        declared.push(section.name().to_owned());
        resolved.extend(context(&section, sources, site));
        section.finish();
    }
    Contexts { resolved, declared }
}

fn context(section: &Section<'_>, sources: &Sources, site: &Site) -> Option<Context> {
    // Every key is looked at before a mistake ends it, so that one mistake is not told as several.
    let unit = section.parsed("unit", MONEY_HELP, Unit::parse);
    let step = section.duration("step", MIN_STEP_NS, CENTURY_NS);
    let horizon = section.duration("horizon", MIN_STEP_NS, CENTURY_NS);
    let holds = section.duration("holds", MIN_STEP_NS, CENTURY_NS);
    let own_step_ns = step.as_ref().map_or(HOUR_NS, |step| step.value);
    let (kind, native) = match section.has("source") {
        true => sourced(section, sources)?,
        false => {
            let judged_step_ns = (step.is_some() || !section.has("step")).then_some(own_step_ns);
            (rules::calendar(section, site, judged_step_ns)?, None)
        }
    };
    // What a plant's schedule is in, and its step, the plant knows.
    let unit = native.as_ref().map(|(unit, _)| unit.clone()).or(unit.map(|unit| unit.value));
    let step_ns = native.map_or(own_step_ns, |(_, step_ns)| step_ns);
    let horizon_ns = horizon.as_ref().map_or(DEFAULT_HORIZON_NS.max(step_ns), |horizon| horizon.value);
    let span = horizon.map_or(section.span(), |horizon| horizon.span);
    if horizon_ns < step_ns {
        let message = "the horizon is shorter than one step";
        section.findings().add(span.clone(), message, "", "lengthen `horizon`, or shorten `step`");
    }
    if horizon_ns.div_ceil(step_ns) > MAX_STEPS as u64 {
        let message = format!("the horizon has more than {MAX_STEPS} steps");
        section.findings().add(span, message, "", "shorten `horizon`, or lengthen `step`");
    }
    Some(Context {
        name: section.name().to_owned(),
        span: section.span(),
        unit: unit.unwrap_or_else(no_unit),
        step_ns,
        step_said: step.is_some(),
        horizon_ns,
        holds_ns: holds.map(|holds| holds.value),
        kind,
    })
}

/// Where a context's source has a mistake, which was reported, none of its keys is unknown.
fn allow_all(section: &Section<'_>) {
    for key in ["column", "topic", "known_at", "schedule", "value", "rules"] {
        let _ = section.value(key);
    }
}

/// A context's source, and the unit and step that a plant's schedule has by itself.
type Sourced = (ContextKind, Option<(Unit, u64)>);

/// From a table, a topic or a plant.
fn sourced(section: &Section<'_>, sources: &Sources) -> Option<Sourced> {
    let named = sources.named(section);
    let Some((id, source, kind)) = named.and_then(|(id, source)| Some((id, source, source.kind.as_ref()?))) else {
        allow_all(section);
        return None;
    };
    match kind {
        SourceKind::Csv(table) => {
            if let Some(key) = table.key {
                let column = table.columns.get(key).map_or("", String::as_str);
                let message = format!("the source `{}` is split into assets by `{column}`", source.name);
                let help = "a context is one for the whole site: take a table without `key`";
                section.findings().add(section.span(), message, "", help);
                allow_all(section);
                return None;
            }
            if !section.has("column") {
                section.missing("column", "column = \"price\"");
            }
            let column = section.value("column");
            let column = column.and_then(|column| column_index(section, "column", &column, &table.columns));
            let known_at = known_at(section, &table.columns);
            Some((ContextKind::Table { source: id, column: column?, known_at: known_at? }, None))
        }
        SourceKind::Mqtt(_) => {
            let topic = section.required_text("topic", "topic = \"market/day-ahead\"")?;
            check_topic(section, &topic.value, &topic.span).then_some(())?;
            Some((ContextKind::Topic { source: id, topic: topic.value }, None))
        }
        SourceKind::Sim(plant) => schedule(section, id, plant),
        SourceKind::Images(_) | SourceKind::Calendar => {
            let message = format!("the source `{}` holds nothing that is known ahead", source.name);
            let help = "name a source of kind csv, mqtt or sim, or leave `source` out and write `value` and `rules`";
            section.findings().add(section.span(), message, "", help);
            allow_all(section);
            None
        }
    }
}

/// What a simulated plant's site knows ahead.
fn schedule(section: &Section<'_>, source: SourceId, plant: &SimSource) -> Option<Sourced> {
    let built = dinrail_sim::plant_with(&plant.plant, &plant.options);
    let schedules = built.as_ref().map_or(&[][..], |plant| plant.schedules());
    let names: Vec<&str> = schedules.iter().map(|schedule| schedule.name).collect();
    let example = format!("schedule = \"{}\"", names.first().unwrap_or(&"home.price"));
    let name = section.required_text("schedule", &example)?;
    let Some(index) = names.iter().position(|known| *known == name.value) else {
        let message = format!("the plant `{}` knows nothing ahead of `{}`", plant.plant, name.value);
        section.findings().add(name.span, message, "", did_you_mean(&name.value, names));
        return None;
    };
    let schedule = &schedules[index];
    let unit = Unit::parse(schedule.unit).expect("the simulator's units are UCUM");
    let step_ns = (schedule.step_s * 1e9).round() as u64;
    for (key, own) in [("unit", schedule.unit.to_owned()), ("step", show(step_ns)), ("holds", show(step_ns))] {
        if let Some(found) = section.value(key) {
            let message = format!("`{key}` of `{}` is the plant's own, {own}", schedule.name);
            section.findings().add(found.key, message, "", format!("leave `{key}` out"));
        }
    }
    Some((ContextKind::Schedule { source, index }, Some((unit, step_ns))))
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
    let format = table.text("format");
    let column = match table.value("column") {
        Some(found) => Some(column_index(&table, "column", &found, columns)?),
        None => None,
    };
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
