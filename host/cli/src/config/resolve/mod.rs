//! From the document to the types, in the order in which one part needs another.

mod site;

mod trust;

mod table_head;

mod sources;

mod recorded;

mod brackets;

mod names;

mod tags;

mod results;

mod items;

mod outputs;

mod orders;

mod reduced;

mod gate;

mod context;
mod earlier;

mod rules;

mod plugins;

mod alarms;

mod sinks;

mod recorder;

use super::Places;
use super::document::{Findings, Section};
use super::error::{ConfigError, ConfigErrors, ConfigText};
use super::types::{Config, Context, ContextKind, Output, Scan, Site, SourceKind, Speed};
pub(crate) use alarms::HOST_PREFIX;
pub(super) use outputs::LEASE_HELP;
pub(super) use tags::kind_name;

use sources::Sources;
use std::sync::Arc;
use toml::de::DeTable;

/// Resolves a text, or finds everything that is wrong with it.
pub(super) fn resolve(text: Arc<ConfigText>, places: &Places) -> Result<Config, ConfigErrors> {
    judged(text, |findings, document| resolve_sections(findings, document, places))
}

/// Resolves `[site]` alone.
pub(super) fn resolve_site(text: Arc<ConfigText>) -> Result<Site, ConfigErrors> {
    judged(text, |findings, document| site::site(&whole(findings, document)))
}

/// What is made of a text's document counts only where nothing was found wrong.
fn judged<T>(
    text: Arc<ConfigText>,
    resolve: impl for<'d> FnOnce(&'d Findings, &'d DeTable<'d>) -> T,
) -> Result<T, ConfigErrors> {
    let (document, syntax_errors) = DeTable::parse_recoverable(text.text());
    // What follows a broken place is a guess, and so are the parser's further complaints: the first is the one to mend.
    let broken = syntax_errors.iter().min_by_key(|error| error.span().map_or(0, |span| span.start));
    if let Some(error) = broken {
        let errors = ConfigErrors::some(vec![syntax_error(&text, error)]);
        return Err(errors.expect("there is one"));
    }
    let findings = Findings::new(Arc::clone(&text));
    let resolved = resolve(&findings, document.get_ref());
    match ConfigErrors::some(findings.into_errors()) {
        Some(errors) => Err(errors),
        None => Ok(resolved),
    }
}

fn whole<'d>(findings: &'d Findings, document: &'d DeTable<'d>) -> Section<'d> {
    Section::new(findings, "the configuration", "", 0..0, document)
}

fn syntax_error(text: &Arc<ConfigText>, error: &toml::de::Error) -> ConfigError {
    let span = error.span().unwrap_or(0..0);
    let open = brackets::open_before(text.text(), span.start).map(|(at, bracket)| {
        let (line, column) = text.line_column(at);
        let closing = if bracket == '[' { ']' } else { '}' };
        format!("the `{bracket}` of line {line}, column {column} is still open here: is its `{closing}` missing? ")
    });
    let help = format!(
        "{}this is not TOML; texts stand in quotes, a key stands once, a table's header in brackets. The rest is judged \
         once this is mended",
        open.unwrap_or_default()
    );
    ConfigError::new(Arc::clone(text), span, error.message().replace('\n', "; "), "", help)
}

/// Reads all sections, in the order in which one needs another.
fn resolve_sections<'d>(findings: &'d Findings, document: &'d DeTable<'d>, places: &Places) -> Config {
    let root = whole(findings, document);
    let site = site::site(&root);
    let scan = site::scan(&root);
    let trust = trust::trust(&root);
    let sources = sources::sources(&root, &site);
    let producers = results::Producers::of(document);
    let mut tags = tags::tags(&root, &sources, producers);
    results::add_named(findings, document, &mut tags);
    let items = items::items(&root, &sources, &tags);
    let outputs = outputs::outputs(&root, &sources, &tags, &items);
    let contexts = context::contexts(&root, &sources, &site);
    let plugins = plugins::plugins(
        &root,
        &plugins::Known {
            places,
            scan: &scan.value,
            sources: &sources,
            tags: &tags,
            items: &items,
            outputs: &outputs,
            contexts: &contexts,
        },
    );
    let alarms = alarms::alarms(&root, &sources, &tags);
    let sinks = sinks::sinks(&root, &sources, &site);
    let outputs = outputs::with_owners(findings, outputs, &plugins, &scan.value);
    let recorder = recorder::recorder(&root, |pattern| {
        let outputs = outputs.iter().map(|output| output.spec.name.as_str());
        tags.table.iter().map(|(_, tag)| tag.name.as_str()).chain(outputs).any(|name| names::matches(pattern, name))
    });
    results::check_feeds(findings, &tags, &plugins);
    check_speed(findings, &scan, &sources, &tags, &outputs, &contexts.resolved);
    if plugins.is_empty() && sources.is_empty() && findings.is_empty() {
        let help = "add a source, its tags and a plugin; the reference has a first configuration to copy";
        findings.add(0..0, "the configuration has neither source nor plugin", "", help);
    }
    root.finish();
    Config {
        trust,
        text: Arc::clone(findings.text()),
        site,
        scan: scan.value,
        sources: sources.into_resolved(),
        tags: tags.table,
        tag_origins: tags.origins,
        picture_folders: tags.folders,
        items: items.resolved,
        outputs,
        contexts: contexts.resolved,
        plugins,
        alarms,
        sinks,
        recorder,
    }
}

/// What is live can't be hurried: neither what is measured there nor what is written.
fn check_speed(
    findings: &Findings,
    scan: &site::FoundScan,
    sources: &Sources,
    tags: &tags::Tags,
    outputs: &[Output],
    contexts: &[Context],
) {
    if scan.value.speed == Speed::Ratio(1.0) {
        return;
    }
    let told = contexts.iter().filter_map(|context| match &context.kind {
        ContextKind::Topic { source, .. } => Some(*source),
        ContextKind::Table { .. } | ContextKind::Schedule { .. } | ContextKind::Calendar { .. } => None,
    });
    let used = tags.origins.iter().filter_map(|origin| origin.source).chain(outputs.iter().map(|output| output.source));
    let live = used
        .chain(told)
        .filter_map(|id| sources.get(id))
        .find(|source| matches!(source.kind, Some(SourceKind::Mqtt(_))));
    if let Some(source) = live {
        let message = format!("the source `{}` is live, and live sources allow only `speed = 1`", source.name);
        let help = "leave `speed` out, or take tags and outputs from a file or a simulated plant";
        findings.add(scan.speed_span.clone(), message, "", help);
    }
}

/// The time from one scan to the next where nothing is said.
const DEFAULT_SCAN: Scan =
    Scan { period_ns: 100_000_000, budget_ns: 50_000_000, speed: Speed::Ratio(1.0), workers: None };
