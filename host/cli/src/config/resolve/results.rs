//! Derived tags: results of plugins that the configuration names, by the plugin's name or in a section of their own.

use super::names::{check_tag_name, is_pattern};
use super::tags::{Common, Tags, refuse_waveform, tag_named};
use crate::config::document::{Findings, Section, did_you_mean};
use crate::config::error::Span;
use crate::config::types::{Plugin, ResultOrigin, TagAddress, TagOrigin};
use dinrail_core::derived::{ResultName, producers_first};
use dinrail_core::guard::Expression;
use dinrail_core::tag::Tag;
use dinrail_core::unit::Unit;
use toml::de::{DeTable, DeValue};

/// Plugins by name, and the column by which they tell assets apart; before anything else of them is known.
#[derive(Default)]
pub(super) struct Producers {
    plugins: Vec<(String, Option<String>)>,
}

impl Producers {
    /// In the order of the file. What is not as it should be is reported where plugins are read.
    pub(super) fn of(document: &DeTable<'_>) -> Producers {
        let asset_key =
            |plugin: &DeTable<'_>| Some(table(plugin, "assets")?.get("key")?.get_ref().as_str()?.to_owned());
        let mut plugins: Vec<_> = table(document, "plugins").into_iter().flat_map(|table| table.iter()).collect();
        plugins.sort_by_key(|(name, _)| name.span().start);
        let plugins = plugins
            .into_iter()
            .map(|(name, plugin)| (name.get_ref().to_string(), plugin.get_ref().as_table().and_then(asset_key)));
        Producers { plugins: plugins.collect() }
    }

    /// The column by which a plugin tells its assets apart.
    pub(super) fn asset_key(&self, plugin: usize) -> Option<&str> {
        self.plugins.get(plugin)?.1.as_deref()
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.plugins.iter().position(|(known, _)| known == name)
    }

    /// What a name stands for, where it begins with a plugin's.
    fn named<'n>(&self, name: &'n str) -> Option<(usize, ResultName<'n>)> {
        let parts = ResultName::parse(name)?;
        Some((self.index(parts.plugin)?, parts))
    }

    /// Whether the tag of a section is a result: it says so, or it is called so and names no source.
    pub(super) fn are_meant(&self, section: &Section<'_>) -> bool {
        section.has("plugin") || (!section.has("source") && self.named(section.name()).is_some())
    }

    /// How to name one asset's result in place of every asset's.
    pub(super) fn of_one_asset(&self, result: &ResultOrigin) -> String {
        let plugin = self.plugins.get(result.plugin).map_or("", |(name, _)| name.as_str());
        format!("name one asset's, `{plugin}[KEY].{}`", result.field)
    }
}

fn table<'d>(table: &'d DeTable<'d>, key: &str) -> Option<&'d DeTable<'d>> {
    table.get(key)?.get_ref().as_table()
}

/// `[tags."NAME"]` with `plugin`, or named as a result.
pub(super) fn from_plugin(
    section: &Section<'_>,
    producers: &Producers,
    common: &Common,
) -> Option<Vec<(Tag, TagOrigin)>> {
    refuse_waveform(section, common, "a plugin's result");
    let (plugin, asset, result) = (section.text("plugin"), section.text("asset"), section.text("result"));
    let named = producers.named(section.name());
    if let Some(source) = section.value("source") {
        let message = "`source` and `plugin` exclude each other";
        section.findings().add(source.key, message, "", "a tag comes from one of them; leave the other out");
        return None;
    }
    let index = match (&plugin, named) {
        (Some(plugin), _) => producers.index(&plugin.value).or_else(|| {
            let names = producers.plugins.iter().map(|(name, _)| name.as_str());
            let message = format!("there is no plugin `{}`", plugin.value);
            section.findings().add(plugin.span.clone(), message, "", did_you_mean(&plugin.value, names));
            None
        })?,
        (None, Some((index, _))) => index,
        // It is of the wrong type, which was reported.
        (None, None) => return None,
    };
    // Where the name tells all, nothing else must.
    let parts = named.filter(|(named, _)| *named == index).map(|(_, parts)| parts);
    if parts.is_none() {
        if is_pattern(section.name()) {
            let help = "give each result a tag of its own";
            section.findings().add(section.span(), "results of plugins have no patterns", "", help);
            return None;
        }
        check_tag_name(section.findings(), "a tag", section.name(), &section.span()).then_some(())?;
        if !section.has("result") {
            section.missing("result", "result = \"score\"");
        }
    }
    let field = result.map(|found| found.value).or(parts.map(|parts| parts.field.to_owned()))?;
    let asset = asset.map(|found| found.value).or(parts.and_then(|parts| parts.asset).map(str::to_owned));
    check_asset(section.findings(), producers, index, asset.as_deref(), &section.span());
    let origin = ResultOrigin { plugin: index, asset, field, has_unit: common.unit.is_some() };
    let origin = TagOrigin { source: None, address: TagAddress::Result(origin), span: section.span() };
    Some(vec![(tag_named(section.name(), common), origin)])
}

fn check_asset(findings: &Findings, producers: &Producers, plugin: usize, asset: Option<&str>, span: &Span) {
    if let (Some(asset), None) = (asset, producers.asset_key(plugin)) {
        let message = format!("`{}` has no asset `{asset}`: it has no `assets`", producers.plugins[plugin].0);
        findings.add(span.clone(), message, "", "leave the asset out: `PLUGIN.FIELD`");
    }
}

/// Adds a tag for each result that inputs and expressions name, and that has no section of its own.
pub(super) fn add_named(findings: &Findings, document: &DeTable<'_>, tags: &mut Tags) {
    for (name, span) in mentions(document) {
        if is_pattern(&name) || tags.table.find(&name).is_some() || tags.is_excused(&name) {
            continue;
        }
        let Some((plugin, parts)) = tags.producers.named(&name) else { continue };
        check_asset(findings, &tags.producers, plugin, parts.asset, &span);
        let unit = Unit::parse("").expect("nothing is the unit of a plain number");
        let (asset, field) = (parts.asset.map(str::to_owned), parts.field.to_owned());
        let address = TagAddress::Result(ResultOrigin { plugin, asset, field, has_unit: false });
        let tag = Tag::new(name.clone(), unit);
        if tags.table.add(tag).is_ok() {
            tags.origins.push(TagOrigin { source: None, address, span });
        }
    }
}

/// Every name in a plugin's inputs and in the expressions of outputs and alarms, in the order of the file.
fn mentions(document: &DeTable<'_>) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    let each = |key| {
        table(document, key).into_iter().flat_map(|table| table.iter()).filter_map(|(_, one)| one.get_ref().as_table())
    };
    for inputs in each("plugins").filter_map(|plugin| table(plugin, "inputs")) {
        for (_, value) in inputs.iter() {
            match value.get_ref() {
                DeValue::String(name) => found.push((name.to_string(), value.span())),
                DeValue::Array(list) => {
                    let names = list.iter().filter_map(|item| Some((item.get_ref().as_str()?.to_owned(), item.span())));
                    found.extend(names);
                }
                _ => {}
            }
        }
    }
    let of_outputs = each("outputs").flat_map(|output| {
        let when = table(output, "reduced").and_then(|reduced| reduced.get("when"));
        [output.get("inhibit"), when, output.get("trip")].into_iter().flatten()
    });
    for value in of_outputs.chain(each("alarms").filter_map(|alarm| alarm.get("when"))) {
        // An expression that can't be read is reported where outputs and alarms are.
        let names = value.get_ref().as_str().and_then(|text| Expression::names(text).ok()).unwrap_or_default();
        found.extend(names.into_iter().map(|name| (name, value.span())));
    }
    found.sort_by_key(|(_, span)| span.start);
    found
}

/// Refuses plugins that feed each other in a circle: none of them could be the first.
pub(super) fn check_feeds(findings: &Findings, tags: &Tags, plugins: &[Plugin]) {
    let index = |plugin: &Plugin| tags.producers.index(&plugin.name);
    let inputs = |plugin: &Plugin| plugin.inputs.iter().flat_map(|input| input.tags.clone()).collect::<Vec<_>>();
    let mut feeds = Vec::new();
    for plugin in plugins {
        for bound in inputs(plugin) {
            let producer = tags.result(bound.tag).map(|result| result.plugin);
            feeds.extend(producer.zip(index(plugin)).map(|feed| (feed, bound.span)));
        }
    }
    let pairs: Vec<(usize, usize)> = feeds.iter().map(|(feed, _)| *feed).collect();
    let Err(circle) = producers_first(tags.producers.plugins.len(), &pairs) else { return };
    let name = |plugin: &usize| format!("`{}`", tags.producers.plugins[*plugin].0);
    let mut names: Vec<String> = circle.iter().map(name).collect();
    names.extend(circle.first().map(name));
    let message = match circle.as_slice() {
        [alone] => format!("{} takes its own result", name(alone)),
        _ => format!("plugins feed each other in a circle: {}", names.join(" → ")),
    };
    let closing = circle.last().zip(circle.first());
    let span = feeds.iter().find(|((from, to), _)| closing == Some((from, to))).map(|(_, span)| span.clone());
    let help = "leave one of these inputs out: a result can't be needed before it is there";
    findings.add(span.unwrap_or(0..0), message, "", help);
}
