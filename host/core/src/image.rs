//! The process image: the last value of every tag of one asset, with its quality.

use crate::derived::Sample;
use crate::reading::{RawValue, Reading, ReadingKind, Waveform};
use crate::tag::{Quality, Tag, TagId, TagKind, TagTable};
use crate::time::TimeNs;
use std::sync::Arc;

/// What is known of a tag now.
#[derive(Clone, Debug)]
pub struct TagState {
    /// The last usable value; NaN before the first.
    pub value: f64,
    /// Of the value *now*: bad where the newest sample was, though `value` is an older one.
    pub quality: Quality,
    /// Source time of the newest sample, whatever its quality.
    pub source_time_ns: TimeNs,
    /// Run time at which it arrived.
    pub arrival_ns: TimeNs,
    /// Run time at which this state last changed: a sample was applied, or too long none was.
    pub changed_ns: TimeNs,
    /// The last waveform.
    pub block: Option<Arc<Waveform>>,
    /// How many samples were applied to this tag.
    pub updates: u64,
}

impl TagState {
    /// The last time at which it does not count as silent; none where it never will, or was told silent already.
    fn last_fresh_ns(&self, tag: &Tag, began_ns: TimeNs) -> Option<TimeNs> {
        let limit = i64::try_from(tag.stale_after_ns?).unwrap_or(i64::MAX);
        let never = self.updates == 0;
        let untold = if never { self.changed_ns == TimeNs::MIN } else { self.quality.is_usable() };
        untold.then(|| (if never { began_ns } else { self.arrival_ns }).saturating_add(limit))
    }
}

/// What became of the samples that arrived. Every sample is counted exactly once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrivalCounts {
    /// Applied, whatever their quality.
    pub applied: u64,
    /// Among those applied: bad.
    pub bad: u64,
    /// Dropped: same source time and same value as the one before.
    pub duplicates: u64,
    /// Dropped: older than what was applied already.
    pub reordered: u64,
}

impl ArrivalCounts {
    /// Adds another count.
    pub fn add(&mut self, other: ArrivalCounts) {
        self.applied += other.applied;
        self.bad += other.bad;
        self.duplicates += other.duplicates;
        self.reordered += other.reordered;
    }
}

/// The state of all tags of one asset (or of everything that belongs to no asset).
#[derive(Clone, Debug)]
pub struct ProcessImage {
    states: Vec<TagState>,
    /// Run time from which on samples were awaited.
    began_ns: Option<TimeNs>,
}

impl ProcessImage {
    /// Every tag unknown.
    #[must_use]
    pub fn new(tags: &TagTable) -> ProcessImage {
        let unknown = TagState {
            value: f64::NAN,
            quality: Quality::Bad,
            source_time_ns: TimeNs::MIN,
            arrival_ns: TimeNs::MIN,
            changed_ns: TimeNs::MIN,
            block: None,
            updates: 0,
        };
        ProcessImage { states: vec![unknown; tags.len()], began_ns: None }
    }

    /// What is known of this tag.
    #[must_use]
    #[inline]
    pub fn get(&self, tag: TagId) -> &TagState {
        &self.states[tag.index()]
    }

    /// Applies a reading that arrived at run time `now_ns`. One sample has one effect: what is older
    /// than the newest of its tag, or the same again, is counted and dropped.
    pub fn apply(&mut self, tags: &TagTable, reading: &Reading, now_ns: TimeNs) -> ArrivalCounts {
        let mut counts = ArrivalCounts::default();
        for (id, raw) in &reading.values {
            let state = &mut self.states[id.index()];
            if reading.time_ns < state.source_time_ns {
                counts.reordered += 1;
                continue;
            }
            let again = reading.time_ns == state.source_time_ns;
            match raw {
                RawValue::Block(block) if tags.get(*id).kind == TagKind::Waveform => {
                    if again && state.block.as_ref() == Some(block) {
                        counts.duplicates += 1;
                        continue;
                    }
                    let finite = block.samples.iter().all(|sample| sample.is_finite());
                    let usable = finite && block.rate_hz.is_finite() && block.rate_hz > 0.0;
                    state.quality = if usable { Quality::Good } else { Quality::Bad };
                    if usable {
                        state.block = Some(Arc::clone(block));
                    }
                }
                // Items take pictures from the reading itself; here only their coming counts.
                RawValue::Picture(_) if tags.get(*id).kind == TagKind::Picture => {
                    if again && state.quality == Quality::Good {
                        counts.duplicates += 1;
                        continue;
                    }
                    state.quality = Quality::Good;
                }
                raw => {
                    let (value, quality) = tags.get(*id).admit(raw);
                    let same_value = value == state.value || !quality.is_usable();
                    if again && same_value && quality == state.quality {
                        counts.duplicates += 1;
                        continue;
                    }
                    if quality.is_usable() {
                        state.value = value;
                    }
                    state.quality = quality;
                }
            }
            if !state.quality.is_usable() {
                counts.bad += 1;
            }
            state.source_time_ns = reading.time_ns;
            state.arrival_ns = now_ns;
            state.changed_ns = now_ns;
            state.updates += 1;
            counts.applied += 1;
        }
        counts
    }

    /// Applies what a plugin's result says of a tag, arriving at run time `now_ns`: scaled and judged as any value, and
    /// no better than its producer says. It speaks of source time `time_ns`, or of the newest that is known.
    pub fn apply_result(&mut self, tags: &TagTable, id: TagId, sample: Sample, time_ns: TimeNs, now_ns: TimeNs) {
        let (value, quality) = tags.get(id).admit(&RawValue::Number(sample.value));
        let state = &mut self.states[id.index()];
        state.quality = quality.max(sample.quality);
        if state.quality.is_usable() {
            state.value = value;
        }
        state.source_time_ns = state.source_time_ns.max(time_ns);
        state.arrival_ns = now_ns;
        state.changed_ns = now_ns;
        state.updates += 1;
    }

    /// Marks every usable tag stale whose newest sample arrived more than its `stale_after` ago.
    /// A table's rows carry their own time, so their age counts from the last row. Returns the tags that
    /// fell silent with this call: those, and those of which nothing came since the first call.
    pub fn mark_stale(&mut self, tags: &TagTable, now_ns: TimeNs) -> Vec<TagId> {
        let began_ns = *self.began_ns.get_or_insert(now_ns);
        let mut silent = Vec::new();
        for (id, tag) in tags.iter() {
            let state = &mut self.states[id.index()];
            if state.last_fresh_ns(tag, began_ns).is_some_and(|last_ns| last_ns < now_ns) {
                if state.updates > 0 {
                    state.quality = Quality::Stale;
                }
                state.changed_ns = now_ns;
                silent.push(id);
            }
        }
        silent
    }

    /// The first time at which [`mark_stale`](Self::mark_stale) would find a tag silent if nothing came any more.
    #[must_use]
    pub fn next_silence_ns(&self, tags: &TagTable) -> Option<TimeNs> {
        let began_ns = self.began_ns?;
        let last = |(id, tag): (TagId, &Tag)| self.states[id.index()].last_fresh_ns(tag, began_ns);
        tags.iter().filter_map(last).min().map(|last_ns| last_ns.saturating_add(1))
    }

    /// Whether this reading would only repeat what is known: a record sent twice.
    #[must_use]
    pub fn knows_already(&self, tags: &TagTable, reading: &Reading) -> bool {
        reading.kind == ReadingKind::Row
            && !reading.values.is_empty()
            && reading.values.iter().all(|(id, raw)| {
                let state = self.get(*id);
                let (value, quality) = tags.get(*id).admit(raw);
                reading.time_ns == state.source_time_ns
                    && quality == state.quality
                    && (value == state.value || !quality.is_usable())
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::reading::SourceId;
    use crate::tag::Tag;
    use crate::unit::Unit;
    use proptest::prelude::*;

    fn one_tag(stale_after_ns: Option<u64>) -> (TagTable, TagId) {
        let mut tags = TagTable::default();
        let mut tag = Tag::new("t", Unit::parse("").unwrap());
        tag.stale_after_ns = stale_after_ns;
        let id = tags.add(tag).unwrap();
        (tags, id)
    }

    fn reading(id: TagId, time_ns: TimeNs, value: f64) -> Reading {
        Reading {
            source: SourceId(0),
            kind: ReadingKind::Live,
            asset: None,
            time_ns,
            values: vec![(id, RawValue::Number(value))],
        }
    }

    #[test]
    fn a_bad_sample_keeps_the_last_good_value() {
        let (tags, id) = one_tag(None);
        let mut image = ProcessImage::new(&tags);
        assert!(image.get(id).value.is_nan());
        image.apply(&tags, &reading(id, 1, 5.0), 1);
        image.apply(&tags, &reading(id, 2, f64::NAN), 2);
        assert_eq!(image.get(id).value, 5.0);
        assert_eq!(image.get(id).quality, Quality::Bad);
        image.apply(&tags, &reading(id, 3, 6.0), 3);
        assert_eq!(image.get(id).quality, Quality::Good);
    }

    #[test]
    fn goes_stale_just_past_its_limit_and_comes_back() {
        let (tags, id) = one_tag(Some(10));
        let mut image = ProcessImage::new(&tags);
        image.apply(&tags, &reading(id, 0, 5.0), 100);
        assert_eq!(image.mark_stale(&tags, 110), []);
        assert_eq!(image.get(id).quality, Quality::Good);
        assert_eq!(image.mark_stale(&tags, 111), [id]);
        assert_eq!(image.get(id).quality, Quality::Stale);
        assert_eq!(image.get(id).changed_ns, 111);
        assert_eq!(image.get(id).value, 5.0);
        assert_eq!(image.mark_stale(&tags, 112), [], "it is said once");
        image.apply(&tags, &reading(id, 1, 6.0), 112);
        assert_eq!(image.get(id).quality, Quality::Good);
    }

    #[test]
    fn a_tag_that_never_spoke_is_reported_once_and_stays_bad() {
        let (tags, id) = one_tag(Some(10));
        let mut image = ProcessImage::new(&tags);
        assert_eq!(image.mark_stale(&tags, 100), []);
        assert_eq!(image.mark_stale(&tags, 110), []);
        assert_eq!(image.mark_stale(&tags, 111), [id]);
        assert_eq!(image.mark_stale(&tags, 200), []);
        assert_eq!(image.get(id).quality, Quality::Bad);
        assert_eq!(image.get(id).changed_ns, 111);
    }

    #[test]
    fn the_next_silence_is_where_it_is_marked() {
        let (tags, id) = one_tag(Some(10));
        let mut image = ProcessImage::new(&tags);
        assert_eq!(image.next_silence_ns(&tags), None, "nothing is awaited yet");
        image.mark_stale(&tags, 100);
        assert_eq!(image.next_silence_ns(&tags), Some(111), "of a tag that never spoke");
        image.apply(&tags, &reading(id, 0, 5.0), 105);
        assert_eq!(image.next_silence_ns(&tags), Some(116));
        assert_eq!((image.mark_stale(&tags, 115), image.mark_stale(&tags, 116)), (vec![], vec![id]));
        assert_eq!(image.next_silence_ns(&tags), None, "it is said once");
        let (tags, id) = one_tag(None);
        let mut image = ProcessImage::new(&tags);
        image.mark_stale(&tags, 100);
        image.apply(&tags, &reading(id, 0, 5.0), 105);
        assert_eq!(image.next_silence_ns(&tags), None, "it has no limit");
    }

    #[test]
    fn a_result_is_no_better_than_its_producer_says_and_goes_stale() {
        let (mut tags, id) = one_tag(Some(10));
        tags.rescale(id, Unit::parse("%").unwrap(), 100.0, 0.0);
        let mut image = ProcessImage::new(&tags);
        let mut apply = |value, quality, time_ns, now_ns| {
            image.apply_result(&tags, id, Sample::new(value, quality), time_ns, now_ns);
            let silent = image.mark_stale(&tags, now_ns + 11);
            assert_eq!(silent.is_empty(), !quality.is_usable(), "what is bad falls no more silent");
            image.apply_result(&tags, id, Sample::new(value, quality), time_ns, now_ns);
            let state = image.get(id);
            (state.value, state.quality, state.source_time_ns, state.changed_ns)
        };
        assert_eq!(apply(0.5, Quality::Good, 3, 100), (50.0, Quality::Good, 3, 100));
        assert_eq!(apply(0.6, Quality::Uncertain, 5, 200), (60.0, Quality::Uncertain, 5, 200));
        assert_eq!(apply(0.7, Quality::Bad, 4, 300), (60.0, Quality::Bad, 5, 300), "the last usable value stays");
    }

    proptest! {
        /// Whatever the order and the repeats, the newest sample wins and every sample is counted once.
        #[test]
        fn shuffled_and_repeated_samples_are_counted_exactly(
            order in proptest::collection::vec(0_i64..40, 1..200),
        ) {
            let (tags, id) = one_tag(None);
            let mut image = ProcessImage::new(&tags);
            let mut counts = ArrivalCounts::default();
            let (mut newest, mut applied, mut duplicates, mut reordered) = (i64::MIN, 0, 0, 0);
            for time in &order {
                counts.add(image.apply(&tags, &reading(id, *time, *time as f64), *time));
                match time.cmp(&newest) {
                    std::cmp::Ordering::Greater => applied += 1,
                    std::cmp::Ordering::Equal => duplicates += 1,
                    std::cmp::Ordering::Less => reordered += 1,
                }
                newest = newest.max(*time);
            }
            prop_assert_eq!(counts, ArrivalCounts { applied, bad: 0, duplicates, reordered });
            prop_assert_eq!(image.get(id).value, newest as f64);
        }
    }
}
