//! Derived tags while the controller runs: what plugins said in a scan reaches its tags with the next one.

use super::images::{ImageId, Images};
use super::slots::Slot;
use crate::config::settle::BoundResult;
use dinrail_core::derived::{Feed, News, Sample};
use dinrail_core::frame::Frame;
use dinrail_core::record::ScanRecord;
use dinrail_core::tag::{Quality, TagId};
use dinrail_core::time::TimeNs;

/// The derived tags, and what is on its way to them.
#[derive(Debug, Default)]
pub struct DerivedTags {
    /// By plugin.
    results: Vec<Vec<BoundResult>>,
    /// By instance.
    feeds: Vec<Feed>,
    /// For the next scan.
    pending: Vec<Pending>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    image: ImageId,
    tag: TagId,
    sample: Sample,
    time_ns: TimeNs,
}

impl DerivedTags {
    /// Of each plugin, in the configuration's order.
    #[must_use]
    pub fn new(results: Vec<Vec<BoundResult>>) -> DerivedTags {
        DerivedTags { results, ..DerivedTags::default() }
    }

    /// Whether the next scan has something to deliver.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Applies what plugins said in the scan before.
    pub fn deliver(&mut self, images: &mut Images, now_ns: TimeNs) {
        for Pending { image, tag, sample, time_ns } in self.pending.drain(..) {
            images.apply_result(image, tag, sample, time_ns, now_ns);
        }
    }

    /// Takes what was settled in a scan. `input_quality` is the quality of what an instance's answer was made from.
    pub fn take(&mut self, record: &ScanRecord, slots: &[Slot], input_quality: impl Fn(&Slot, &Frame) -> Quality) {
        if self.results.iter().all(Vec::is_empty) {
            return;
        }
        self.feeds.resize(slots.len(), Feed::default());
        for settled in &record.instances {
            let slot = &slots[settled.instance.index()];
            let row_ns = settled.frame.times_ns.last().copied().unwrap_or(settled.frame.time_ns);
            let news = self.feeds[settled.instance.index()].settle(&settled.report.outcome, row_ns);
            let inputs =
                if matches!(news, News::Answer { .. }) { input_quality(slot, &settled.frame) } else { Quality::Bad };
            self.tell(slot, news, inputs);
        }
        for late in &record.late_faults {
            let news = self.feeds[late.instance.index()].fail();
            self.tell(&slots[late.instance.index()], news, Quality::Bad);
        }
    }

    fn tell(&mut self, slot: &Slot, news: News<'_>, inputs: Quality) {
        for result in &self.results[slot.plugin] {
            let image = match &result.asset {
                None => slot.image,
                Some(key) if slot.asset.as_deref() == Some(key.as_str()) => ImageId::SITE,
                Some(_) => continue,
            };
            let told = match news {
                News::Answer { results, time_ns } => result.field.read(results, inputs).zip(Some(time_ns)),
                News::Bad { time_ns } => Some((Sample::BAD, time_ns)),
                News::Same => None,
            };
            let pending = told.map(|(sample, time_ns)| Pending { image, tag: result.tag, sample, time_ns });
            self.pending.extend(pending);
        }
    }
}
