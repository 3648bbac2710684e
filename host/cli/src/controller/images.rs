//! One process image for everything that belongs to no asset, and one an asset.

use dinrail_core::derived::Sample;
use dinrail_core::image::{ArrivalCounts, ProcessImage};
use dinrail_core::reading::Reading;
use dinrail_core::record::{PresenceChange, TagValue};
use dinrail_core::tag::{Quality, TagId, TagTable};
use dinrail_core::time::TimeNs;
use std::collections::HashMap;
use std::sync::Arc;

/// Assets that are told apart. A plant-level controller has hundreds; a key that never repeats (a
/// serial number, a time) would fill the memory, and is refused past this.
pub const MAX_ASSETS: usize = 10_000;

/// Index of an image; 0 is the site's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageId(usize);

impl ImageId {
    /// What belongs to no asset.
    pub const SITE: ImageId = ImageId(0);

    /// As an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// All images.
#[derive(Debug)]
pub struct Images {
    tags: Arc<TagTable>,
    images: Vec<ProcessImage>,
    keys: Vec<Option<Arc<str>>>,
    by_key: HashMap<Arc<str>, ImageId>,
    /// Tags that are silent now.
    silent: Vec<(ImageId, TagId)>,
    /// Samples of assets past [`MAX_ASSETS`].
    refused: u64,
}

impl Images {
    /// The site's image, and no asset yet.
    #[must_use]
    pub fn new(tags: Arc<TagTable>) -> Images {
        let site = ProcessImage::new(&tags);
        Images { tags, images: vec![site], keys: vec![None], by_key: HashMap::new(), silent: Vec::new(), refused: 0 }
    }

    /// The site's own image.
    #[must_use]
    pub fn site(&self) -> &ProcessImage {
        self.get(ImageId::SITE)
    }

    /// The tags that they are of.
    #[must_use]
    pub fn tags(&self) -> &TagTable {
        &self.tags
    }

    /// An image.
    #[must_use]
    pub fn get(&self, id: ImageId) -> &ProcessImage {
        &self.images[id.0]
    }

    /// The image that a reading belongs to, and whether it is a new asset's. `None`: too many assets.
    pub fn find_or_add(&mut self, reading: &Reading) -> Option<(ImageId, bool)> {
        let Some(key) = &reading.asset else { return Some((ImageId::SITE, false)) };
        if let Some(id) = self.by_key.get(key) {
            return Some((*id, false));
        }
        if self.by_key.len() == MAX_ASSETS {
            self.refused += reading.values.len() as u64;
            return None;
        }
        let id = ImageId(self.images.len());
        self.images.push(ProcessImage::new(&self.tags));
        self.keys.push(Some(Arc::clone(key)));
        self.by_key.insert(Arc::clone(key), id);
        Some((id, true))
    }

    /// Applies a reading to its image.
    pub fn apply(&mut self, id: ImageId, reading: &Reading, now_ns: TimeNs) -> ArrivalCounts {
        self.images[id.0].apply(&self.tags, reading, now_ns)
    }

    /// Applies what a plugin's result says of a tag.
    pub fn apply_result(&mut self, id: ImageId, tag: TagId, sample: Sample, time_ns: TimeNs, now_ns: TimeNs) {
        self.images[id.0].apply_result(&self.tags, tag, sample, time_ns, now_ns);
    }

    /// Marks what is too old, and says which tags fell silent or speak again.
    pub fn mark_stale(&mut self, now_ns: TimeNs) -> Vec<PresenceChange> {
        let mut changes = Vec::new();
        let (images, keys) = (&mut self.images, &self.keys);
        let mut change = |(id, tag): (ImageId, TagId), silent| {
            changes.push(PresenceChange { tag, asset: keys[id.0].clone(), silent });
        };
        self.silent.retain(|(id, tag)| {
            let state = images[id.0].get(*tag);
            let still = state.updates == 0 || state.quality == Quality::Stale;
            if !still {
                change((*id, *tag), false);
            }
            still
        });
        for (index, image) in images.iter_mut().enumerate() {
            for tag in image.mark_stale(&self.tags, now_ns) {
                change((ImageId(index), tag), true);
                self.silent.push((ImageId(index), tag));
            }
        }
        changes
    }

    /// Run time at which the next tag falls silent if nothing comes any more.
    #[must_use]
    pub fn next_silence_ns(&self) -> Option<TimeNs> {
        self.images.iter().filter_map(|image| image.next_silence_ns(&self.tags)).min()
    }

    /// Every value that arrived in the scan at `now_ns`, or whose quality changed in it.
    #[must_use]
    pub fn changed(&self, now_ns: TimeNs) -> Vec<TagValue> {
        let mut values = Vec::new();
        for (image, key) in self.images.iter().zip(&self.keys) {
            for (tag, definition) in self.tags.iter() {
                let state = image.get(tag);
                let is_value = definition.kind == dinrail_core::tag::TagKind::Value;
                if is_value && state.changed_ns == now_ns {
                    values.push(TagValue {
                        tag,
                        asset: key.clone(),
                        value: state.value,
                        quality: state.quality,
                        // Of a tag that never had a value, the time at which that was noticed.
                        time_ns: if state.updates > 0 { state.source_time_ns } else { now_ns },
                    });
                }
            }
        }
        values
    }

    /// Samples of assets past the limit.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use dinrail_core::reading::{RawValue, ReadingKind, SourceId};
    use dinrail_core::tag::Tag;
    use dinrail_core::unit::Unit;

    #[test]
    fn silence_and_its_end_are_said_once_and_their_values_are_told() {
        let mut tags = TagTable::default();
        let mut ids = Vec::new();
        for name in ["speaks", "never"] {
            let mut tag = Tag::new(name, Unit::parse("").unwrap());
            tag.stale_after_ns = Some(10);
            ids.push(tags.add(tag).unwrap());
        }
        let mut images = Images::new(Arc::new(tags));
        let reading = |time_ns, value| Reading {
            source: SourceId(0),
            kind: ReadingKind::Live,
            asset: None,
            time_ns,
            values: vec![(ids[0], RawValue::Number(value))],
        };
        let mut scan = |now_ns, value: Option<f64>| {
            if let Some(value) = value {
                images.apply(ImageId::SITE, &reading(now_ns, value), now_ns);
            }
            let said: Vec<(TagId, bool)> =
                images.mark_stale(now_ns).iter().map(|change| (change.tag, change.silent)).collect();
            let told: Vec<(TagId, Quality, TimeNs)> =
                images.changed(now_ns).iter().map(|value| (value.tag, value.quality, value.time_ns)).collect();
            (said, told)
        };
        let (speaks, never) = (ids[0], ids[1]);
        assert_eq!(scan(0, Some(1.0)), (vec![], vec![(speaks, Quality::Good, 0)]));
        assert_eq!(scan(10, None), (vec![], vec![]));
        let silent =
            (vec![(speaks, true), (never, true)], vec![(speaks, Quality::Stale, 0), (never, Quality::Bad, 11)]);
        assert_eq!(scan(11, None), silent);
        assert_eq!(scan(12, None), (vec![], vec![]));
        assert_eq!(scan(13, Some(2.0)), (vec![(speaks, false)], vec![(speaks, Quality::Good, 13)]));
    }
}
