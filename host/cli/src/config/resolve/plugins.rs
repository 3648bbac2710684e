//! `[plugins.NAME]`, as far as it can be told without opening the component.

use super::context::Contexts;
use super::items::Items;
use super::names::{check_name, is_pattern, matches, names};
use super::outputs::{self, MODES, Outputs};
use super::sources::Sources;
use super::tags::Tags;
use crate::config::Places;
use crate::config::amounts::{CENTURY_NS, show};
use crate::config::document::{Found, Section, Value, did_you_mean};
use crate::config::error::Span;
use crate::config::types::{
    LimitProfile, Plugin, PluginInput, PluginModel, PluginOutput, PluginParameter, PluginSeries, PluginTag, Scan,
    TagAddress,
};
use dinrail_core::description::ParameterValue;
use dinrail_core::guard::{Mode, OutputId, OutputKind};
use dinrail_core::tag::TagId;
use std::path::{Path, PathBuf};

/// What plugins can refer to.
pub(super) struct Known<'k> {
    pub(super) places: &'k Places,
    pub(super) scan: &'k Scan,
    pub(super) sources: &'k Sources,
    pub(super) tags: &'k Tags,
    pub(super) items: &'k Items,
    pub(super) outputs: &'k Outputs,
    pub(super) contexts: &'k Contexts,
}

const LIMITS: [(&str, LimitProfile); 2] =
    [("compiled", LimitProfile::Compiled), ("interpreted", LimitProfile::Interpreted)];

/// Longest window: what a frame of one column can hold.
const MAX_WINDOW: i64 = 65_536;

/// Shadow; where all that a plugin may propose is orders, they wait for a yes.
fn unsaid_mode(bound: &[PluginOutput], known: &Outputs) -> Mode {
    let mut ids = bound.iter().flat_map(|binding| &binding.outputs).peekable();
    let some = ids.peek().is_some();
    let is_order =
        |id: OutputId| known.resolved.get(id.index()).is_some_and(|output| output.spec.kind == OutputKind::Order);
    if some && ids.all(|(id, _)| is_order(*id)) { Mode::Advise } else { Mode::default() }
}

pub(super) fn plugins(root: &Section<'_>, known: &Known<'_>) -> Vec<Plugin> {
    let sections = root.tables("plugins", "[plugins.watch]");
    let mut plugins = Vec::new();
    for section in sections {
        check_name(section.findings(), "plugin", section.name(), &section.span());
        plugins.extend(plugin(&section, known));
        section.finish();
    }
    plugins
}

fn plugin(section: &Section<'_>, known: &Known<'_>) -> Option<Plugin> {
    let component = section.required_text("component", "component = \"anomaly-detection.wasm\"");
    let component_path = component.as_ref().and_then(|component| find_component(section, component, known.places));
    let inputs = inputs(section, known);
    let judged = known.items.named(section);
    let outputs = output_bindings(section, known.outputs);
    let parameters = parameters(section);
    let models = models(section, known.places);
    let outlook = outlook(section, known.contexts);
    let tables = tables(section, known.places);
    let asset_key = asset_key(section);
    let period = section.duration("period", 1, CENTURY_NS);
    let window = section.whole("window", 1, MAX_WINDOW).map_or(1, |window| window.value as u32);
    let background = section.boolean("background").is_some_and(|background| background.value);
    let deadline_ns = deadline(section, known.scan, background);
    let limits = section.choice("limits", &LIMITS).map_or(LimitProfile::default(), |limits| limits.value);
    let mode = section.choice("mode", &MODES).map_or_else(|| unsaid_mode(&outputs, known.outputs), |mode| mode.value);
    check_assets(section, known, &inputs, asset_key.as_ref(), &outputs);
    let component = component?;
    Some(Plugin {
        name: section.name().to_owned(),
        span: section.span(),
        component: component_path?,
        component_span: component.span,
        inputs,
        items_span: judged.as_ref().map_or(section.span(), |judged| judged.span.clone()),
        items: judged.map(|judged| judged.value),
        outputs,
        parameters,
        models,
        outlook,
        tables_span: tables.as_ref().map_or(section.span(), |tables| tables.span.clone()),
        tables: tables.map(|tables| tables.value),
        asset_key: asset_key.map(|key| key.value),
        period_span: period.as_ref().map_or(section.span(), |period| period.span.clone()),
        period_ns: period.map(|period| period.value),
        window,
        deadline_ns,
        background,
        limits,
        mode,
    })
}

/// Looks beside the file and then in the places; the first that is there counts.
fn find(
    section: &Section<'_>,
    path: &str,
    places: &[PathBuf],
    fits: impl Fn(&Path) -> bool,
) -> Result<PathBuf, String> {
    let folder = section.findings().text().folder().to_owned();
    let mut looked = Vec::new();
    for place in std::iter::once(&folder).chain(places) {
        let candidate = place.join(path);
        if fits(&candidate) {
            return Ok(candidate);
        }
        if !looked.contains(&candidate) {
            looked.push(candidate);
        }
    }
    let looked: Vec<String> = looked.iter().map(|path| path.display().to_string()).collect();
    Err(looked.join(", "))
}

fn find_component(section: &Section<'_>, component: &Found<String>, places: &Places) -> Option<PathBuf> {
    match find(section, &component.value, &places.plugins, Path::is_file) {
        Ok(path) => Some(path),
        Err(looked) => {
            let message = format!("there is no component `{}`", component.value);
            let help = format!("put it there or correct the path; looked for {looked}");
            section.findings().add(component.span.clone(), message, "", help);
            None
        }
    }
}

fn models(section: &Section<'_>, places: &Places) -> Vec<PluginModel> {
    let mut models = Vec::new();
    for (slot, found) in section.entries("models", "models = { channel = \"models/channel-autoencoder\" }") {
        let Some(path) = found.value.0.as_str() else {
            let message = format!("the model `{slot}` should be a path, is {}", found.value.kind());
            let help = "write the folder of the model, or its .onnx file";
            section.findings().add(found.span, message, "", help);
            continue;
        };
        let fits = |path: &Path| {
            let is_onnx = path.extension().is_some_and(|ending| ending == "onnx");
            if is_onnx { path.is_file() } else { path.join("model.onnx").is_file() }
        };
        match find(section, path, &places.models, fits) {
            Ok(path) => models.push(PluginModel { slot, span: found.key, path, path_span: found.span }),
            Err(looked) => {
                let message = format!("there is no model `{path}` for `{slot}` of {}", section.title());
                let installed = installed_models(places);
                let near = match installed.is_empty() {
                    true => String::new(),
                    false => format!("; {}", did_you_mean(path, installed.iter().map(String::as_str))),
                };
                let help = format!("name a folder with model.onnx, or an .onnx file; looked for {looked}{near}");
                section.findings().add(found.span, message, "", help);
            }
        }
    }
    models
}

fn outlook(section: &Section<'_>, contexts: &Contexts) -> Vec<PluginSeries> {
    let mut bound = Vec::new();
    for (slot, found) in section.entries("outlook", "outlook = { price = \"tariff\" }") {
        let Some(name) = found.value.0.as_str() else {
            let message = format!("`{slot}` should be the name of a context, is {}", found.value.kind());
            section.findings().add(found.span, message, "", "write the name of a [context.NAME] in quotes");
            continue;
        };
        match contexts.resolved.iter().position(|context| context.name == name) {
            Some(context) => bound.push(PluginSeries { slot, span: found.key, context, context_span: found.span }),
            None if contexts.is_excused(name) => {}
            None => {
                let message = format!("there is no context `{name}` for `{slot}`");
                let names = contexts.resolved.iter().map(|context| context.name.as_str());
                let help = format!("add [context.NAME]; {}", did_you_mean(name, names));
                section.findings().add(found.span, message, "", help);
            }
        }
    }
    bound
}

/// Names of the model folders in the places.
fn installed_models(places: &Places) -> Vec<String> {
    // A place that is not there has none.
    let entries = places.models.iter().filter_map(|place| std::fs::read_dir(place).ok()).flatten().flatten();
    let models = entries.filter(|entry| entry.path().join("model.onnx").is_file());
    models.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Tables may lie beside a model, so they are looked for where models are.
fn tables(section: &Section<'_>, places: &Places) -> Option<Found<PathBuf>> {
    let found = section.text("tables")?;
    match find(section, &found.value, &places.models, Path::is_dir) {
        Ok(path) => Some(found.map(|_| path)),
        Err(looked) => {
            let message = format!("there is no folder `{}` with the tables of {}", found.value, section.title());
            let help = format!(
                "name the folder that the plugin's .csv tables are in, often `MODEL/tables` beside the model; looked for {looked}"
            );
            section.findings().add(found.span, message, "", help);
            None
        }
    }
}

fn asset_key(section: &Section<'_>) -> Option<Found<String>> {
    let assets = section.section("assets", "{ key = \"unit\" }")?;
    let key = assets.required_text("key", "assets = { key = \"unit\" }");
    assets.finish();
    key
}

fn deadline(section: &Section<'_>, scan: &Scan, background: bool) -> Option<u64> {
    let Some(deadline) = section.duration("deadline", 1, CENTURY_NS) else {
        if background && !section.has("deadline") {
            section.missing("deadline", "deadline = \"2s\"");
        }
        return None;
    };
    if !background && scan.budget_ns < deadline.value {
        let budget = show(scan.budget_ns);
        let message = format!("`deadline` is longer than the scan's budget of {budget}");
        let help =
            "shorten it, raise `budget` of [scan], or let the plugin run beside the scan with `background = true`";
        section.findings().add(deadline.span, message, "", help);
    }
    Some(deadline.value)
}

fn parameters(section: &Section<'_>) -> Vec<PluginParameter> {
    let mut parameters = Vec::new();
    for (name, found) in section.entries("parameters", "parameters = { warmup = 400 }") {
        match parameter(found.value) {
            Some(value) => {
                parameters.push(PluginParameter { name, span: found.key, value, value_span: found.span });
            }
            None => {
                let message = format!("the parameter `{name}` can't be {}", found.value.kind());
                let help = "write a finite number, a text, true or false";
                section.findings().add(found.span, message, "", help);
            }
        }
    }
    parameters
}

fn parameter(value: Value<'_>) -> Option<ParameterValue> {
    if let Some(on) = value.0.as_bool() {
        return Some(ParameterValue::Boolean(on));
    }
    if let Some(text) = value.0.as_str() {
        return Some(ParameterValue::Text(text.to_owned()));
    }
    if value.0.is_integer() {
        return value.whole().map(ParameterValue::Integer);
    }
    value.number().map(ParameterValue::Number)
}

fn inputs(section: &Section<'_>, known: &Known<'_>) -> Vec<PluginInput> {
    let mut inputs = Vec::new();
    for (name, found) in section.entries("inputs", "inputs = { signals = [\"pump1.*\"] }") {
        let Some(given) = names(section.findings(), &name, &found) else { continue };
        let mut tags: Vec<PluginTag> = Vec::new();
        for (item, span) in given.names {
            let ids = find_tags(known.tags, &item);
            if ids.is_empty() && !known.tags.is_excused(&item) {
                unknown_tag(section, known.tags, &item, &span);
            }
            for id in ids {
                add_tag(
                    section,
                    known.tags,
                    &mut tags,
                    PluginTag { tag: id, span: span.clone(), by_pattern: is_pattern(&item) },
                );
            }
        }
        inputs.push(PluginInput { name, span: found.key, tags, many: given.many });
    }
    inputs
}

/// By name, bytewise. Patterns pass over results of plugins: a plugin would find its own.
fn find_tags(tags: &Tags, name: &str) -> Vec<TagId> {
    if !is_pattern(name) {
        return tags.table.find(name).into_iter().collect();
    }
    let sensed = tags.table.iter().filter(|(id, _)| tags.result(*id).is_none());
    let fitting = sensed.filter(|(_, tag)| matches(name, &tag.name));
    let mut found: Vec<(&str, TagId)> = fitting.map(|(id, tag)| (tag.name.as_str(), id)).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, id)| id).collect()
}

/// Patterns may overlap; a name that stands twice is a mistake.
fn add_tag(section: &Section<'_>, table: &Tags, tags: &mut Vec<PluginTag>, tag: PluginTag) {
    let Some(earlier) = tags.iter_mut().find(|earlier| earlier.tag == tag.tag) else {
        tags.push(tag);
        return;
    };
    if !tag.by_pattern && !earlier.by_pattern {
        let message = format!("the tag `{}` stands twice in one input", table.table.get(tag.tag).name);
        section.findings().add(tag.span, message, "here again", "leave one of them out");
    } else if !tag.by_pattern {
        // Named is stronger than found.
        *earlier = tag;
    }
}

fn unknown_tag(section: &Section<'_>, tags: &Tags, name: &str, span: &Span) {
    let (message, help) = if is_pattern(name) {
        let help = "`*` stands for any text, `?` for one character; results of plugins are named one by one".to_owned();
        (format!("the pattern `{name}` finds no tag"), format!("{help}; {}", did_you_mean(name, tags.names())))
    } else {
        (format!("there is no tag `{name}`"), did_you_mean(name, tags.names()))
    };
    section.findings().add(span.clone(), message, "", help);
}

fn output_bindings(section: &Section<'_>, known: &Outputs) -> Vec<PluginOutput> {
    let mut bindings = Vec::new();
    for (name, found) in section.entries("outputs", "outputs = { temperature = \"reactor.temp_sp\" }") {
        let Some(given) = names(section.findings(), &name, &found) else { continue };
        let mut bound: Vec<(OutputId, Span)> = Vec::new();
        for (item, span) in given.names {
            let indexes = outputs::find(known, &item);
            if indexes.is_empty() && !known.is_excused(&item) {
                let message = match is_pattern(&item) {
                    true => format!("the pattern `{item}` finds no output"),
                    false => format!("there is no output `{item}`"),
                };
                let names = known.resolved.iter().map(|output| output.spec.name.as_str());
                section.findings().add(span.clone(), message, "", did_you_mean(&item, names));
            }
            for index in indexes {
                if known.resolved.get(index).is_some_and(|output| output.spec.gate.is_some()) {
                    if !is_pattern(&item) {
                        let message = format!("`{item}` is a gate, which carries out the verdicts on its `items`");
                        section.findings().add(span.clone(), message, "", "leave it out; give the plugin `items`");
                    }
                    continue;
                }
                let id = OutputId(u32::try_from(index).expect("fewer outputs than 2^32"));
                if !bound.iter().any(|(earlier, _)| *earlier == id) {
                    bound.push((id, span.clone()));
                } else if !is_pattern(&item) {
                    let message = format!("the output `{item}` stands twice");
                    section.findings().add(span.clone(), message, "here again", "leave one of them out");
                }
            }
        }
        bindings.push(PluginOutput { name, span: found.key, outputs: bound, many: given.many });
    }
    bindings
}

/// A plugin is for assets if its tags are, with the same key, and then it has no outputs yet.
fn check_assets(
    section: &Section<'_>,
    known: &Known<'_>,
    inputs: &[PluginInput],
    key: Option<&Found<String>>,
    outputs: &[PluginOutput],
) {
    let findings = section.findings();
    let tags = known.tags;
    // The calendar is everybody's.
    let is_calendar = |tag: TagId| matches!(tags.origin(tag).address, TagAddress::Calendar(_));
    let bound = || inputs.iter().flat_map(|input| &input.tags).filter(|bound| !is_calendar(bound.tag));
    let wrong = bound().find(|bound| tags.key_of(bound.tag, known.sources) != key.map(|key| key.value.as_str()));
    if let Some(bound) = wrong {
        let (message, help) = wrong_asset(section, known, bound.tag, key);
        findings.add(bound.span.clone(), message, "", help);
    } else if let Some(key) = key
        && bound().next().is_some()
        && bound().all(|bound| tags.result(bound.tag).is_some())
    {
        let help = "bind a tag of the table as well: its rows say which assets there are, and when";
        findings.add(key.span.clone(), "none of its tags comes from a table", "", help);
    }
    if let (Some(_), Some(items)) = (key, section.value("items")) {
        findings.add(items.span, "a plugin with assets can't have items in this version", "", "leave one of them out");
    }
    if let (Some(_), Some(output)) = (key, outputs.first()) {
        let help = "leave `outputs` out, or `assets`";
        findings.add(output.span.clone(), "a plugin with assets can't have outputs in this version", "", help);
    }
}

/// Why a tag does not fit a plugin's assets, and what to do.
fn wrong_asset(section: &Section<'_>, known: &Known<'_>, tag: TagId, key: Option<&Found<String>>) -> (String, String) {
    let name = &known.tags.table.get(tag).name;
    let result = known.tags.result(tag);
    match (known.tags.key_of(tag, known.sources), key, result) {
        (Some(column), None, Some(result)) => (
            format!("`{name}` is there for each asset, by `{column}`"),
            format!(
                "{}; or add `assets = {{ key = \"{column}\" }}` to {}",
                known.tags.producers.of_one_asset(result),
                section.title()
            ),
        ),
        (Some(column), None, None) => (
            format!("`{name}` comes from a table that is split into assets by `{column}`"),
            format!("add `assets = {{ key = \"{column}\" }}` to {}", section.title()),
        ),
        (Some(column), Some(key), _) => (
            format!("`{name}` is split into assets by `{column}`, not by `{}`", key.value),
            format!("write `assets = {{ key = \"{column}\" }}`"),
        ),
        (None, _, _) => {
            (format!("`{name}` does not belong to assets"), "add `key` to its source, or leave `assets` out".to_owned())
        }
    }
}
