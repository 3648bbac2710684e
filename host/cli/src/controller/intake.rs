//! What arrives: readings into images, rows and events; a slot for every plugin, and for every asset that turns up.

use super::Controller;
use super::Scanning;
use super::images::ImageId;
use super::slots::Slot;
use super::starts::{Start, StartId, place_instance};
use dinrail_core::image::ArrivalCounts;
use dinrail_core::reading::{Reading, ReadingKind};
use dinrail_core::record::InstanceId;
use std::sync::Arc;

impl Controller {
    /// Takes what arrived into the images and makes rows of it.
    pub(super) fn drain(&mut self, scanning: &mut Scanning) -> ArrivalCounts {
        let now_ns = scanning.at.now_ns;
        // First, so that a row of this scan has what plugins said in the one before.
        self.derived.deliver(&mut self.images, now_ns);
        let mut readings = std::mem::take(&mut self.readings);
        for source in &mut self.sources {
            source.drain(now_ns, &mut readings);
        }
        let mut counts = ArrivalCounts::default();
        for mut reading in readings.drain(..) {
            self.line.open_pictures(&mut reading);
            self.line.observe(self.images.tags(), &reading, now_ns);
            let Some((image, is_new)) = self.images.find_or_add(&reading) else { continue };
            if is_new {
                self.add_asset(&reading, image, scanning);
            }
            if let Some(calendar) = self.calendar.as_ref().filter(|_| reading.kind == ReadingKind::Row) {
                let local = calendar.reading(reading.asset.clone(), reading.time_ns);
                self.images.apply(image, &local, now_ns);
            }
            let applied = self.images.apply(image, &reading, now_ns);
            counts.add(applied);
            if reading.kind == ReadingKind::Row && applied.applied > 0 {
                self.push_row(image, &reading);
            }
        }
        self.readings = readings;
        for (items, item) in self.line.ready(now_ns) {
            let judges = |slot: &&mut Slot| self.plugins[slot.plugin].config.items == Some(items);
            self.slots.iter_mut().filter(judges).for_each(|slot| slot.items.push(item.clone()));
        }
        if let Some(calendar) = &self.calendar {
            self.images.apply(ImageId::SITE, &calendar.reading(None, now_ns), now_ns);
        }
        self.contexts.update(now_ns);
        scanning.record.presence = self.images.mark_stale(now_ns);
        for slot in &mut self.slots {
            if self.plugins[slot.plugin].row_sources.is_empty() {
                slot.builder.push_row(now_ns, self.images.get(slot.image));
            }
        }
        counts
    }

    fn push_row(&mut self, image: ImageId, reading: &Reading) {
        let Some(slots) = self.slots_of_image.get(image.index()) else { return };
        for index in slots {
            let slot = &mut self.slots[*index];
            if self.plugins[slot.plugin].row_sources.contains(&reading.source) {
                slot.builder.push_row(reading.time_ns, self.images.get(image));
            }
        }
    }

    /// One instance of each plugin that serves no assets. They come first, in the plugins' order.
    pub(super) fn add_site_slots(&mut self, scanning: &mut Scanning) {
        for index in 0..self.plugins.len() {
            if self.plugins[index].config.asset_key.is_none() {
                self.add_slot(index, None, ImageId::SITE, scanning);
            }
        }
    }

    /// A new slot, with its instance started.
    fn add_slot(&mut self, plugin: usize, asset: Option<Arc<str>>, image: ImageId, scanning: &mut Scanning) {
        let of = Arc::clone(&self.plugins[plugin]);
        let id = InstanceId(u32::try_from(self.slots.len()).expect("plugins times assets stay below 2^32"));
        let worker = of.worker(image.index());
        self.flights.added(plugin, &of);
        let mut slot = Slot::new(id, plugin, &of, asset, image, worker);
        if slot.asset.is_some() {
            // In the middle of a run: beside the scan, like every start that runs a guest's code.
            slot.starting = true;
            self.starts.begin(StartId::Slot(slot.id), &of, slot.asset.clone(), Start::default());
        } else {
            let started = of.instantiate(None);
            place_instance(&mut slot, started, scanning, &mut self.flights);
        }
        if self.slots_of_image.len() <= image.index() {
            self.slots_of_image.resize(image.index() + 1, Vec::new());
        }
        self.slots_of_image[image.index()].push(self.slots.len());
        self.slots.push(slot);
    }

    /// A key that was not seen before: one instance of each plugin that serves this source's assets.
    fn add_asset(&mut self, reading: &Reading, image: ImageId, scanning: &mut Scanning) {
        let Some(key) = &reading.asset else { return };
        for index in 0..self.plugins.len() {
            let plugin = &self.plugins[index];
            if plugin.config.asset_key.is_some() && plugin.row_sources.contains(&reading.source) {
                self.add_slot(index, Some(Arc::clone(key)), image, scanning);
            }
        }
    }
}
