//! One process image for everything that belongs to no asset, and one an asset.

use dinrail_core::image::{ArrivalCounts, ProcessImage};
use dinrail_core::reading::Reading;
use dinrail_core::record::TagValue;
use dinrail_core::tag::TagTable;
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
    /// Samples of assets past [`MAX_ASSETS`].
    refused: u64,
}

impl Images {
    /// The site's image, and no asset yet.
    #[must_use]
    pub fn new(tags: Arc<TagTable>) -> Images {
        let site = ProcessImage::new(&tags);
        Images { tags, images: vec![site], keys: vec![None], by_key: HashMap::new(), refused: 0 }
    }

    /// The site's own image.
    #[must_use]
    pub fn site(&self) -> &ProcessImage {
        self.get(ImageId::SITE)
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

    /// Marks what is too old.
    pub fn mark_stale(&mut self, now_ns: TimeNs) {
        for image in &mut self.images {
            image.mark_stale(&self.tags, now_ns);
        }
    }

    /// Every value that arrived in the scan at `now_ns`.
    #[must_use]
    pub fn arrived(&self, now_ns: TimeNs) -> Vec<TagValue> {
        let mut values = Vec::new();
        for (image, key) in self.images.iter().zip(&self.keys) {
            for (tag, definition) in self.tags.iter() {
                let state = image.get(tag);
                let is_value = definition.kind == dinrail_core::tag::TagKind::Value;
                if is_value && state.arrival_ns == now_ns && state.updates > 0 {
                    values.push(TagValue {
                        tag,
                        asset: key.clone(),
                        value: state.value,
                        quality: state.quality,
                        time_ns: state.source_time_ns,
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
