//! `[outputs."NAME"]`: what the guard is told of an output, and where its commands go.

mod checks;

use super::gate;
use super::items::Items;
use super::names::{check_tag_name, is_pattern, matches};
use super::orders;
use super::reduced::{self, reduced};
use super::sources::Sources;
use super::tags::{Tags, check_topic};
use crate::config::amounts::CENTURY_NS;
use crate::config::document::{Findings, Found, Section, did_you_mean};
use crate::config::error::Span;
use crate::config::types::{Output, OutputAddress, Plugin, Scan, SimSource, SourceKind};
pub(super) use checks::check_condition_tag;
use checks::{auto_gap, check_actuator_range, check_conditions, check_spec};
use dinrail_core::guard::{Expression, Mode, OnStop, OrderTerms, OutputKind, OutputSpec, Readback};
use dinrail_core::reading::SourceId;
use dinrail_core::tag::TagKind;
use dinrail_core::unit::{Conversion, Unit, UnitError, parse_quantity, parse_rate};
use dinrail_sim::Actuator;

/// All outputs.
#[derive(Default)]
pub(super) struct Outputs {
    pub(super) resolved: Vec<Output>,
    /// Names of which something was wrong.
    broken: Vec<String>,
}

impl Outputs {
    /// Whether a name, or what a pattern should have found, was reported already.
    pub(super) fn is_excused(&self, name: &str) -> bool {
        if is_pattern(name) { !self.broken.is_empty() } else { self.broken.iter().any(|broken| broken == name) }
    }
}

/// How long a proposal stands at most where nothing is said.
const DEFAULT_LEASE_NS: u64 = 60_000_000_000;

pub(super) const MODES: [(&str, Mode); 4] =
    [("manual", Mode::Manual), ("shadow", Mode::Shadow), ("advise", Mode::Advise), ("auto", Mode::Auto)];

const KINDS: [(&str, Kind); 4] = [
    ("analogue", Kind::Value(OutputKind::Analogue)),
    ("discrete", Kind::Value(OutputKind::Discrete)),
    ("order", Kind::Value(OutputKind::Order)),
    ("gate", Kind::Gate),
];

/// What an output takes: setpoints, or verdicts.
#[derive(Clone, Copy)]
enum Kind {
    Value(OutputKind),
    Gate,
}

pub(super) fn outputs(root: &Section<'_>, sources: &Sources, tags: &Tags, items: &Items) -> Outputs {
    let mut outputs = Outputs::default();
    for section in root.tables("outputs", "[outputs.\"reactor.temp_sp\"]") {
        check_tag_name(section.findings(), "an output", section.name(), &section.span());
        match output(&section, sources, tags, items) {
            Some(output) => outputs.resolved.push(output),
            None => outputs.broken.push(section.name().to_owned()),
        }
        section.finish();
    }
    outputs
}

fn output(section: &Section<'_>, sources: &Sources, tags: &Tags, items: &Items) -> Option<Output> {
    let Some((source, unit, target)) = target(section, sources) else {
        // Without its unit, nothing else can be told of it.
        allow_all(section);
        return None;
    };
    let kind = section.choice("kind", &KINDS).map_or(Kind::Value(OutputKind::default()), |kind| kind.value);
    let spec = match kind {
        Kind::Value(kind) => spec(section, tags, unit, kind),
        Kind::Gate => gate_spec(section, sources, tags, items, unit),
    };
    let address = match target {
        Target::Actuator { index, conversion, actuator } => {
            check_actuator_range(section, spec.as_ref()?, conversion, &actuator);
            OutputAddress::Actuator { index, conversion }
        }
        Target::Topic => {
            let topic = section.required_text("topic", "topic = \"plant/reactor/temp_sp/set\"")?;
            check_topic(section, &topic.value, &topic.span).then_some(OutputAddress::Topic(topic.value))?
        }
    };
    let spec = spec?;
    check_spec(section, &spec);
    check_conditions(section, &spec, sources, tags);
    let span_of = |key| section.value(key).map_or(section.span(), |found| found.span);
    let (inhibit_span, trip_span, lease_span) = (span_of("inhibit"), span_of("trip"), span_of("lease"));
    let when = spec.reduced.as_ref().and_then(|_| reduced::span_of(section, "when"));
    let reduced_span = when.unwrap_or(section.span());
    let auto_gap = auto_gap(section, &spec);
    Some(Output {
        span: section.span(),
        source,
        address,
        spec,
        inhibit_span,
        reduced_span,
        trip_span,
        lease_span,
        auto_gap,
        owner: None,
    })
}

/// What takes the commands.
enum Target {
    Actuator { index: usize, conversion: Conversion, actuator: Actuator },
    Topic,
}

/// The source, the output's unit, and what is there.
fn target(section: &Section<'_>, sources: &Sources) -> Option<(SourceId, Unit, Target)> {
    let named = sources.named(section);
    let said = section.parsed("unit", "write a UCUM unit such as \"bar\" or \"Cel\"", Unit::parse);
    let (source, declared) = named?;
    match declared.kind.as_ref()? {
        SourceKind::Csv(_) | SourceKind::Images(_) | SourceKind::Calendar => {
            let what = match declared.kind {
                Some(SourceKind::Csv(_)) => "table",
                Some(SourceKind::Images(_)) => "folder",
                _ => "calendar",
            };
            let message = format!("the source `{}` is a {what}, and a {what} takes no commands", declared.name);
            section.findings().add(section.span(), message, "", "name a source of kind `mqtt` or `sim`");
            None
        }
        SourceKind::Mqtt(_) if section.has("unit") => Some((source, said?.value, Target::Topic)),
        SourceKind::Mqtt(_) => Some((source, Unit::parse("").expect("nothing is a unit"), Target::Topic)),
        SourceKind::Sim(plant) => {
            let (index, actuator) = actuator(section, plant)?;
            let native = Unit::parse(actuator.unit).expect("the simulator's units are UCUM");
            if !section.has("unit") {
                let conversion = Conversion::IDENTITY;
                return Some((source, native, Target::Actuator { index, conversion, actuator }));
            }
            let said = said?;
            let conversion = to_actuator(section, &said, &native)?;
            Some((source, said.value, Target::Actuator { index, conversion, actuator }))
        }
    }
}

/// Where an output is none, which was reported, none of its keys is unknown.
fn allow_all(section: &Section<'_>) {
    let keys =
        ["range", "slew", "deadband", "min_dwell", "inhibit", "trip", "fail_safe", "default", "lease", "on_stop"];
    let others = ["reduced", "mode", "kind", "readback", "topic", "actuator", "pack", "budget"];
    for key in keys.into_iter().chain(others).chain(gate::KEYS) {
        let _ = section.value(key);
    }
}

/// Everything for the guard. Reads every key, so that all of them are looked at.
fn spec(section: &Section<'_>, tags: &Tags, unit: Unit, kind: OutputKind) -> Option<OutputSpec> {
    if !section.has("range") {
        section.missing("range", "range = [70, 100]");
    }
    let range = super::tags::range(section, &unit);
    let slew = section.parsed("slew", SLEW_HELP, |text| parse_rate(text, &unit));
    let deadband = quantity(section, "deadband", &unit, true);
    let min_dwell = section.duration("min_dwell", 0, CENTURY_NS);
    let inhibit = expression(section, "inhibit", tags);
    let reduced = reduced(section, tags, &unit);
    let trip = expression(section, "trip", tags);
    let fail_safe = quantity(section, "fail_safe", &unit, false);
    let default = quantity(section, "default", &unit, false);
    let lease = section.duration("lease", 1, CENTURY_NS);
    let is_order = kind == OutputKind::Order;
    let order = orders::terms(section, kind, &unit);
    let on_stop = if is_order { None } else { on_stop(section, &unit) };
    // An order that nobody said anything of waits for a yes.
    let unsaid = if is_order { Mode::Advise } else { Mode::default() };
    let mode = section.choice("mode", &MODES).map_or(unsaid, |mode| mode.value);
    let readback = readback(section, tags, &unit);
    let failed = (section.has("slew") && slew.is_none())
        || (section.has("fail_safe") && fail_safe.is_none())
        || (section.has("default") && default.is_none())
        || (section.has("budget") && order.budget.is_none());
    if failed {
        return None;
    }
    Some(OutputSpec {
        name: section.name().to_owned(),
        unit,
        kind,
        range: range?,
        order,
        slew_per_s: slew.map(|slew| slew.value),
        deadband: deadband.unwrap_or(0.0),
        min_dwell_ns: min_dwell.map_or(0, |dwell| dwell.value),
        inhibit,
        reduced,
        trip,
        fail_safe,
        default,
        lease_ns: lease.map_or(if is_order { orders::DEFAULT_LEASE_NS } else { DEFAULT_LEASE_NS }, |lease| lease.value),
        // Without it the file is refused; with it, the rest can be checked all the same.
        on_stop: on_stop.unwrap_or(OnStop::Hold),
        mode,
        readback,
        owner: None,
        owner_mode: Mode::default(),
        gate: None,
    })
}

/// The same of a gate, which has no limits but its positions.
fn gate_spec(section: &Section<'_>, sources: &Sources, tags: &Tags, items: &Items, unit: Unit) -> Option<OutputSpec> {
    let gate = gate::gate(section, sources, tags, items);
    let inhibit = expression(section, "inhibit", tags);
    let trip = expression(section, "trip", tags);
    let fail_safe = quantity(section, "fail_safe", &unit, false);
    let on_stop = on_stop(section, &unit);
    let mode = section.choice("mode", &MODES).map_or(Mode::default(), |mode| mode.value);
    let readback = readback(section, tags, &unit);
    if section.has("fail_safe") && fail_safe.is_none() {
        return None;
    }
    let gate = gate?;
    let positions = [gate.positions.pass, gate.positions.rework, gate.positions.reject];
    let positions = positions.into_iter().chain(gate.positions.stop);
    Some(OutputSpec {
        name: section.name().to_owned(),
        unit,
        kind: OutputKind::Discrete,
        order: OrderTerms::default(),
        range: positions.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), value| (value.min(lo), value.max(hi))),
        slew_per_s: None,
        deadband: 0.0,
        min_dwell_ns: 0,
        inhibit,
        reduced: None,
        trip,
        fail_safe,
        default: None,
        lease_ns: GATE_LEASE_NS,
        on_stop: on_stop.unwrap_or(OnStop::Hold),
        mode,
        readback,
        owner: None,
        owner_mode: Mode::default(),
        gate: Some(gate),
    })
}

/// How long a gate's command is worth being handed on: later it would act on another item.
const GATE_LEASE_NS: u64 = 1_000_000_000;

const SLEW_HELP: &str = "write a rate in the output's unit: \"0.5 Cel/min\"";

/// A number in the output's unit, or a text with a unit of its own.
pub(super) fn quantity(section: &Section<'_>, key: &'static str, unit: &Unit, difference: bool) -> Option<f64> {
    let found = section.value(key)?;
    if let Some(number) = found.value.number() {
        return Some(number);
    }
    let parsed = match found.value.0.as_str() {
        // A difference of 1 K is one of 1 Cel; a rate a second converts just so.
        Some(text) if difference => parse_rate(&format!("{text}/s"), unit).map_err(|error| error.to_string()),
        Some(text) => parse_quantity(text, unit).map_err(|error: UnitError| error.to_string()),
        None => Err(format!("it is {}", found.value.kind())),
    };
    match parsed {
        Ok(number) => Some(number),
        Err(why) => {
            let help = "write a number in the output's unit, or a text with another unit: \"353 K\"";
            section.findings().add(found.span, format!("`{key}`: {why}"), "", help);
            None
        }
    }
}

const ON_STOP_HELP: &str =
    "write `on_stop = \"hold\"` to leave it where it is, `\"release\"` to give it back, or `{ value = 80 }` to set it";

fn on_stop(section: &Section<'_>, unit: &Unit) -> Option<OnStop> {
    let Some(found) = section.value("on_stop") else {
        let message = format!("{} needs `on_stop`: what happens when the controller stops", section.title());
        section.findings().add(section.span(), message, "here", ON_STOP_HELP);
        return None;
    };
    match (found.value.0.as_str(), found.value.0.as_table()) {
        (Some("release"), _) => Some(OnStop::Release),
        (Some("hold"), _) => Some(OnStop::Hold),
        (None, Some(table)) => {
            let inner = Section::new(section.findings(), "`on_stop`", "on_stop", found.span.clone(), table);
            if !inner.has("value") {
                inner.missing("value", "on_stop = { value = 80 }");
            }
            let value = quantity(&inner, "value", unit, false);
            inner.finish();
            value.map(OnStop::Value)
        }
        _ => {
            section.findings().add(found.span, "`on_stop` is none of its three", "", ON_STOP_HELP);
            None
        }
    }
}

pub(super) fn expression(section: &Section<'_>, key: &'static str, tags: &Tags) -> Option<Expression> {
    let found = section.text(key)?;
    match Expression::sketch(&found.value, &tags.table, |tag| tags.is_open(tag)) {
        Ok(expression) => Some(expression),
        Err(error) => {
            use dinrail_core::guard::inhibit::ExpressionProblem;
            let mut help = EXPRESSION_HELP.to_owned();
            if let ExpressionProblem::UnknownTag { name } = &error.problem {
                if tags.is_excused(name) {
                    return None;
                }
                help = did_you_mean(name, tags.names());
            }
            let span = within(section.findings(), &found, error.offset, error.length);
            section.findings().add(span, format!("`{key}`: {error}"), "", help);
            None
        }
    }
}

const EXPRESSION_HELP: &str =
    "write comparisons of tags, joined by and, or, not: \"reactor.pressure > 6 bar for 2s or not reactor.permit\"";

/// The place of some bytes of a text within the file; that of the whole text where it has escapes.
fn within(findings: &Findings, found: &Found<String>, offset: usize, length: usize) -> Span {
    let inner = found.span.start + 1..found.span.end.saturating_sub(1);
    let plain = findings.text().text().get(inner.clone()) == Some(found.value.as_str());
    if !plain {
        return found.span.clone();
    }
    let start = (inner.start + offset).min(inner.end);
    start..(start + length).min(inner.end)
}

/// Whether the configuration says that the device tells nothing of what it does.
fn waives_readback(section: &Section<'_>) -> bool {
    section.value("readback").is_some_and(|found| found.value.0.as_bool() == Some(false))
}

fn readback(section: &Section<'_>, tags: &Tags, unit: &Unit) -> Option<Readback> {
    if waives_readback(section) {
        return None;
    }
    let name = section.text("readback")?;
    let Some(tag) = tags.table.find(&name.value) else {
        if !tags.is_excused(&name.value) {
            let message = format!("`readback`: there is no tag `{}`", name.value);
            section.findings().add(name.span, message, "", did_you_mean(&name.value, tags.names()));
        }
        return None;
    };
    let known = tags.table.get(tag);
    if tags.result(tag).is_some() {
        let message = format!("`readback`: `{}` is a result of a plugin, and no word of the device", name.value);
        section.findings().add(name.span, message, "", "name a tag of a source, or write `readback = false`");
        return None;
    }
    if known.kind != TagKind::Value {
        let message = format!("`readback`: `{}` is a waveform", name.value);
        section.findings().add(name.span, message, "", "name a tag with one number at a time");
        return None;
    }
    match known.unit.conversion_to(unit) {
        Ok(conversion) => Some(Readback { tag, conversion }),
        Err(error) => {
            let help = format!("give the tag or the output a unit that fits `{}`", unit.code());
            section.findings().add(name.span, format!("`readback`: {error}"), "", help);
            None
        }
    }
}

fn actuator(section: &Section<'_>, plant: &SimSource) -> Option<(usize, Actuator)> {
    let (name, at) = match section.text("actuator") {
        Some(name) => (name.value, name.span),
        None if section.has("actuator") => return None,
        None => (section.name().to_owned(), section.span()),
    };
    let plant = dinrail_sim::plant_with(&plant.plant, &plant.options).ok()?;
    let found = plant.actuators().iter().enumerate().find(|(_, actuator)| actuator.name == name);
    if found.is_none() {
        let message = format!("the plant has no actuator `{name}`");
        let help = did_you_mean(&name, plant.actuators().iter().map(|actuator| actuator.name));
        section.findings().add(at, message, "", help);
    }
    found.map(|(index, actuator)| (index, actuator.clone()))
}

fn to_actuator(section: &Section<'_>, said: &Found<Unit>, native: &Unit) -> Option<Conversion> {
    match said.value.conversion_to(native) {
        Ok(conversion) => Some(conversion),
        Err(error) => {
            let help = format!("leave `unit` out for `{}`, which the actuator takes", native.code());
            section.findings().add(said.span.clone(), error.to_string(), "", help);
            None
        }
    }
}

/// Gives every output its owner; a second one is a mistake.
pub(super) fn with_owners(findings: &Findings, outputs: Outputs, plugins: &[Plugin], scan: &Scan) -> Vec<Output> {
    let mut outputs = outputs.resolved;
    for (index, plugin) in plugins.iter().enumerate() {
        for (id, span) in plugin.outputs.iter().flat_map(|binding| &binding.outputs) {
            let Some(output) = outputs.get_mut(id.index()) else { continue };
            if let Some(other) = output.owner.and_then(|owner| plugins.get(owner)) {
                let message = match other.name == plugin.name {
                    true => format!("the output `{}` is bound twice", output.spec.name),
                    false => format!("the output `{}` is written by `{}` already", output.spec.name, other.name),
                };
                findings.add(span.clone(), message, "", "an output has one owner; take it from one of them");
                continue;
            }
            output.owner = Some(index);
            output.spec.owner_mode = plugin.mode;
            check_lease(findings, output, plugin, scan);
        }
    }
    for output in outputs.iter_mut().filter(|output| output.spec.gate.is_some()) {
        gate::own(findings, output, plugins);
    }
    outputs
}

/// As far as it can be told before the plugin says what it wants.
fn check_lease(findings: &Findings, output: &Output, plugin: &Plugin, scan: &Scan) {
    let (Some(period_ns), Some(deadline_ns)) = (plugin.period_ns, plugin.deadline_ns) else { return };
    if let Err(error) = output.spec.check_lease(period_ns, scan.run_ns(deadline_ns)) {
        findings.add(output.lease_span.clone(), error.to_string(), "", LEASE_HELP);
    }
}

/// What to do about a lease that is too short.
pub(in crate::config) const LEASE_HELP: &str = "make `lease` of the output longer, or `period` or `deadline` of the plugin shorter; the deadline counts in run time";

/// Outputs that a pattern or a name stands for, by name, bytewise.
pub(super) fn find(outputs: &Outputs, name: &str) -> Vec<usize> {
    let mut found: Vec<usize> = (0..outputs.resolved.len())
        .filter(|index| {
            let known = &outputs.resolved[*index].spec.name;
            if is_pattern(name) { matches(name, known) } else { known == name }
        })
        .collect();
    found.sort_by(|a, b| outputs.resolved[*a].spec.name.cmp(&outputs.resolved[*b].spec.name));
    found
}
