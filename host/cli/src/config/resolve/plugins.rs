//! `[plugins.NAME]`, as far as it can be told without opening the component.

use super::names::{check_name, is_pattern, matches, names};
use super::outputs::{self, MODES, Outputs};
use super::sources::Sources;
use super::tags::Tags;
use crate::config::Places;
use crate::config::amounts::{CENTURY_NS, show};
use crate::config::document::{Found, Section, Value, did_you_mean};
use crate::config::error::Span;
use crate::config::types::{
    Context, LimitProfile, Plugin, PluginInput, PluginModel, PluginOutput, PluginParameter, PluginSeries, PluginTag,
    Scan, SourceKind, TagAddress,
};
use dinrail_core::description::ParameterValue;
use dinrail_core::guard::{Mode, OutputId};
use dinrail_core::tag::TagId;
use std::path::{Path, PathBuf};

/// What plugins can refer to.
pub(super) struct Known<'k> {
    pub(super) places: &'k Places,
    pub(super) scan: &'k Scan,
    pub(super) sources: &'k Sources,
    pub(super) tags: &'k Tags,
    pub(super) outputs: &'k Outputs,
    pub(super) contexts: &'k [Context],
}

const LIMITS: [(&str, LimitProfile); 2] =
    [("compiled", LimitProfile::Compiled), ("interpreted", LimitProfile::Interpreted)];

/// Longest window: what a frame of one column can hold.
const MAX_WINDOW: i64 = 65_536;

pub(super) fn plugins(root: &Section<'_>, known: &Known<'_>) -> Vec<Plugin> {
    let sections = root.tables("plugins", "[plugins.watch]");
    let all: Vec<String> = sections.iter().map(|section| section.name().to_owned()).collect();
    let mut plugins = Vec::new();
    for section in sections {
        check_name(section.findings(), "plugin", section.name(), &section.span());
        plugins.extend(plugin(&section, known, &all));
        section.finish();
    }
    plugins
}

fn plugin(section: &Section<'_>, known: &Known<'_>, all: &[String]) -> Option<Plugin> {
    let component = section.required_text("component", "component = \"anomaly-detection.wasm\"");
    let component_path = component.as_ref().and_then(|component| find_component(section, component, known.places));
    let inputs = inputs(section, known, all);
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
    let mode = section.choice("mode", &MODES).map_or(Mode::default(), |mode| mode.value);
    check_assets(section, known, &inputs, asset_key.as_ref(), &outputs);
    let component = component?;
    Some(Plugin {
        name: section.name().to_owned(),
        span: section.span(),
        component: component_path?,
        component_span: component.span,
        inputs,
        outputs,
        parameters,
        models,
        outlook,
        tables,
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
                let message = format!("there is no model `{path}` for `{slot}`");
                let help = format!("name a folder with model.onnx, or an .onnx file; looked for {looked}");
                section.findings().add(found.span, message, "", help);
            }
        }
    }
    models
}

fn outlook(section: &Section<'_>, contexts: &[Context]) -> Vec<PluginSeries> {
    let mut bound = Vec::new();
    for (slot, found) in section.entries("outlook", "outlook = { price = \"tariff\" }") {
        let name = found.value.0.as_str().unwrap_or_default();
        match contexts.iter().position(|context| context.name == name) {
            Some(context) => bound.push(PluginSeries { slot, span: found.key, context, context_span: found.span }),
            None => {
                let message = format!("there is no context `{name}` for `{slot}`");
                let names = contexts.iter().map(|context| context.name.as_str());
                let help = format!("add [context.NAME]; {}", did_you_mean(name, names));
                section.findings().add(found.span, message, "", help);
            }
        }
    }
    bound
}

/// Tables may lie beside a model, so they are looked for where models are.
fn tables(section: &Section<'_>, places: &Places) -> Option<PathBuf> {
    let found = section.text("tables")?;
    match find(section, &found.value, &places.models, Path::is_dir) {
        Ok(path) => Some(path),
        Err(looked) => {
            let message = format!("there is no directory `{}`", found.value);
            let help = format!("name the directory that holds the plugin's tables; looked for {looked}");
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

fn inputs(section: &Section<'_>, known: &Known<'_>, plugins: &[String]) -> Vec<PluginInput> {
    let mut inputs = Vec::new();
    for (name, found) in section.entries("inputs", "inputs = { signals = [\"pump1.*\"] }") {
        let Some(given) = names(section.findings(), &name, &found) else { continue };
        let mut tags: Vec<PluginTag> = Vec::new();
        for (item, span) in given.names {
            let ids = find_tags(known.tags, &item);
            if ids.is_empty() && !known.tags.is_excused(&item) {
                unknown_tag(section, known.tags, plugins, &item, &span);
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

/// By name, bytewise.
fn find_tags(tags: &Tags, name: &str) -> Vec<TagId> {
    if !is_pattern(name) {
        return tags.table.find(name).into_iter().collect();
    }
    let fitting = tags.table.iter().filter(|(_, tag)| matches(name, &tag.name));
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

fn unknown_tag(section: &Section<'_>, tags: &Tags, plugins: &[String], name: &str, span: &Span) {
    let producer = name.split(['.', '[']).next().unwrap_or_default();
    let derived = name.len() > producer.len() && plugins.iter().any(|plugin| plugin == producer);
    let (message, help) = if derived {
        let message = format!("`{name}` would be a result of the plugin `{producer}`");
        (message, "derived tags can't be bound in this version; name a tag of a source".to_owned())
    } else if is_pattern(name) {
        let help = "`*` stands for any text, `?` for one character".to_owned();
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
    // The calendar is everybody's.
    let is_calendar = |tag: TagId| matches!(known.tags.origin(tag).address, TagAddress::Calendar(_));
    let mut tags = inputs.iter().flat_map(|input| &input.tags).filter(|bound| !is_calendar(bound.tag));
    let wrong = tags.find(|bound| key_of(known, bound.tag) != key.map(|key| key.value.as_str()));
    if let Some(bound) = wrong {
        let name = &known.tags.table.get(bound.tag).name;
        let (message, help) = match (key_of(known, bound.tag), key) {
            (Some(column), None) => (
                format!("`{name}` comes from a table that is split into assets by `{column}`"),
                format!("add `assets = {{ key = \"{column}\" }}` to {}", section.title()),
            ),
            (Some(column), Some(key)) => (
                format!("`{name}` is split into assets by `{column}`, not by `{}`", key.value),
                format!("write `assets = {{ key = \"{column}\" }}`"),
            ),
            (None, _) => (
                format!("`{name}` does not belong to assets"),
                "add `key` to its source, or leave `assets` out".to_owned(),
            ),
        };
        findings.add(bound.span.clone(), message, "", help);
    }
    if let (Some(_), Some(output)) = (key, outputs.first()) {
        let help = "leave `outputs` out, or `assets`";
        findings.add(output.span.clone(), "a plugin with assets can't have outputs in this version", "", help);
    }
}

/// The column that splits a tag's source into assets.
fn key_of<'k>(known: &Known<'k>, tag: TagId) -> Option<&'k str> {
    match &known.sources.get(known.tags.origin(tag).source)?.kind {
        Some(SourceKind::Csv(table)) => table.columns.get(table.key?).map(String::as_str),
        _ => None,
    }
}
