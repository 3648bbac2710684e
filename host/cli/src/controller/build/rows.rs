//! Which sources give a plugin its rows.

use crate::config::{self, Config, bind};
use dinrail_core::reading::SourceId;

/// The tables and folders among the sources of a plugin's tags, those of its items included.
pub(super) fn row_sources(config: &Config, plugin: &config::Plugin, bound: &bind::BoundPlugin) -> Vec<SourceId> {
    let of_items = plugin.items.iter().flat_map(|items| config.items[*items].spec.ids.iter().copied());
    let tags = bound.columns.iter().map(|column| column.tag).chain(bound.waveforms.iter().copied()).chain(of_items);
    let gives_rows =
        |kind: &config::SourceKind| matches!(kind, config::SourceKind::Csv(_) | config::SourceKind::Images(_));
    let mut sources: Vec<SourceId> = tags
        .filter_map(|tag| config.tag_origins[tag.index()].source)
        .filter(|source| gives_rows(&config.sources[source.0 as usize].kind))
        .collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}
