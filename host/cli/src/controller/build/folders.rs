//! An `images` source, from its part of the configuration.

use crate::config::{Config, ImageField, ImagesSource as Configured, TagAddress};
use dinrail_core::reading::SourceId;
use dinrail_field::source::images::{ImagesError, ImagesOptions, ImagesSource};

pub(super) fn open(config: &Config, id: SourceId, images: &Configured) -> Result<ImagesSource, ImagesError> {
    let tag = |wanted: ImageField| {
        let mut tags = config.tags.iter().zip(&config.tag_origins);
        let found = tags.find(|(_, origin)| origin.source == Some(id) && origin.address == TagAddress::Image(wanted));
        found.map(|(tag, _)| tag)
    };
    ImagesSource::open(ImagesOptions {
        source: id,
        folder: images.folder.clone(),
        labels: images.labels.clone(),
        start_ns: images.start_ns,
        period_ns: images.period_ns,
        picture: tag(ImageField::Picture).map(|(tag, _)| tag),
        // What its texts stand for, the tag's map says.
        label: tag(ImageField::Label).map(|(tag, known)| (tag, !known.map.is_empty())),
        id: tag(ImageField::Id).map(|(tag, _)| tag),
    })
}
