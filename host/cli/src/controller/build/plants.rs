//! A simulated plant's signals as tags, and the judge of its faults.

use crate::config::{self, Config};
use dinrail_core::reading::SourceId;
use dinrail_core::tag::TagId;
use dinrail_sim::judge::Detections;

/// The tag of each of a plant's signals.
pub(super) fn signal_tags(config: &Config, source: SourceId, signals: usize) -> Vec<Option<TagId>> {
    let mut tags = vec![None; signals];
    for ((id, _), origin) in config.tags.iter().zip(&config.tag_origins) {
        if let config::TagAddress::Signal(index) = origin.address
            && origin.source == Some(source)
        {
            tags[index] = Some(id);
        }
    }
    tags
}

/// The judge of a fault script; it knows sensors by the names that the configuration gives them.
pub(super) fn judge(
    config: &Config,
    source: SourceId,
    script: &dinrail_sim::Script,
    plant: &dyn dinrail_sim::Plant,
) -> Detections {
    let tags = signal_tags(config, source, plant.signals().len());
    let mut script = script.clone();
    for episode in &mut script.episodes {
        for named in episode.fault.signals_mut() {
            let index = plant.signals().iter().position(|signal| signal.name == named.as_str());
            if let Some(tag) = index.and_then(|index| tags[index]) {
                named.clone_from(&config.tags.get(tag).name);
            }
        }
    }
    Detections::new(script)
}
