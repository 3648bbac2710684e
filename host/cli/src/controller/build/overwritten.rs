//! Sinks that would destroy what the configuration reads.

use super::mistake;
use crate::config::{self, Config, ConfigError};

/// Sinks that would write over a file which the configuration reads, or over the configuration itself.
pub(super) fn overwritten(config: &Config) -> Vec<ConfigError> {
    let mut read = vec![config.text.path().to_path_buf()];
    read.extend(config.plugins.iter().map(|plugin| plugin.component.clone()));
    read.extend(config.plugins.iter().flat_map(|plugin| plugin.models.iter().map(|model| model.path.clone())));
    for source in &config.sources {
        match &source.kind {
            config::SourceKind::Csv(table) => {
                read.push(table.path.clone());
                read.extend(table.join.iter().cloned());
            }
            config::SourceKind::Sim(sim) => read.extend(sim.files.iter().cloned()),
            config::SourceKind::Images(images) => {
                read.push(images.folder.clone());
                read.extend(images.labels.clone());
            }
            config::SourceKind::Mqtt(_) | config::SourceKind::Calendar => {}
        }
    }
    // What is not there can't be written over.
    let read: Vec<_> = read.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let written = config.sinks.iter().filter_map(|sink| match &sink.kind {
        config::SinkKind::Jsonl { target: config::JsonlTarget::File(path), .. } => {
            path.canonicalize().ok().map(|path| (sink, path))
        }
        config::SinkKind::Jsonl { .. } | config::SinkKind::Mqtt { .. } => None,
    });
    written
        .filter(|(_, path)| read.iter().any(|read| path.starts_with(read)))
        .map(|(sink, path)| {
            let message = format!("the sink `{}` would write over `{}`, which is read here", sink.name, path.display());
            mistake(config, sink.span.clone(), message, "give the sink a file of its own")
        })
        .collect()
}
