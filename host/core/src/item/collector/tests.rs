//! Items as they come out, from readings as sources hand them in.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::reading::{ReadingKind, SourceId};
use crate::tag::{Tag, TagKind};
use crate::unit::Unit;
use std::sync::Arc;

const SECOND: i64 = 1_000_000_000;

/// A gauge at the trigger, and a camera further on.
struct Line {
    tags: TagTable,
    collector: ItemCollector,
}

impl Line {
    fn new() -> Line {
        let mut tags = TagTable::default();
        for name in ["part", "encoder", "length", "camera_part", "picture"] {
            let mut tag = Tag::new(name, Unit::parse("").unwrap());
            if name == "picture" {
                tag.kind = TagKind::Picture;
            }
            tags.add(tag).unwrap();
        }
        let id = |name: &str| tags.find(name).unwrap();
        let spec = ItemSpec {
            name: "parts".into(),
            ids: vec![id("part"), id("camera_part")],
            encoder: Some(id("encoder")),
            measures: vec![id("length")],
            pictures: vec![id("picture")],
            wait_ns: 2_000_000_000,
        };
        Line { collector: ItemCollector::new(spec), tags }
    }

    fn read(&mut self, time_s: i64, values: &[(&str, RawValue)]) {
        let values = values.iter().map(|(name, raw)| (self.tags.find(name).unwrap(), raw.clone())).collect();
        let time_ns = time_s * SECOND;
        let reading = Reading { source: SourceId(0), kind: ReadingKind::Live, asset: None, time_ns, values };
        self.collector.observe(&self.tags, &reading, time_ns);
    }

    fn gauge(&mut self, time_s: i64, id: f64, length: f64) {
        let number = RawValue::Number;
        let encoder = number(100.0 * time_s as f64);
        self.read(time_s, &[("part", number(id)), ("encoder", encoder), ("length", number(length))]);
    }

    fn camera(&mut self, time_s: i64, id: f64, level: u8) {
        let picture = Picture::new(2, 1, 1, Arc::from([level, level])).unwrap();
        self.read(time_s, &[("camera_part", RawValue::Number(id)), ("picture", RawValue::Picture(picture))]);
    }

    fn ready(&mut self) -> Vec<(u64, i64, f64, Vec<u8>)> {
        let items = self.collector.take_ready().into_iter();
        items.map(|item| (item.id, item.encoder, item.measures[0], item.pictures[0].pixels().to_vec())).collect()
    }
}

#[test]
fn what_stations_take_of_an_item_is_put_together_by_its_id() {
    let mut line = Line::new();
    line.gauge(1, 7.0, 50.0);
    line.gauge(2, 8.0, 51.0);
    assert_eq!(line.ready(), []);
    line.camera(3, 7.0, 9);
    assert_eq!(line.ready(), [(7, 100, 50.0, vec![9, 9])]);
    line.camera(3, 8.0, 4);
    assert_eq!(line.ready(), [(8, 200, 51.0, vec![4, 4])]);
    let triggers: Vec<(u64, Option<i64>)> =
        line.collector.take_triggers().iter().map(|trigger| (trigger.item, trigger.encoder)).collect();
    assert_eq!(triggers, [(7, Some(100)), (8, Some(200))], "each once, in their order");
    assert_eq!(line.collector.counts(), ItemCounts { triggers: 2, added: 2, ..ItemCounts::default() });
}

#[test]
fn the_order_in_which_stations_speak_does_not_matter() {
    let mut line = Line::new();
    line.camera(1, 7.0, 9);
    assert!(line.collector.take_triggers().is_empty());
    line.gauge(1, 7.0, 50.0);
    assert_eq!(line.ready(), [(7, 100, 50.0, vec![9, 9])]);
}

#[test]
fn a_station_that_stays_silent_is_waited_for_and_then_left_out() {
    let mut line = Line::new();
    line.gauge(1, 7.0, 50.0);
    line.camera(1, 9.0, 3);
    line.collector.expire(3 * SECOND);
    assert_eq!(line.ready(), [], "its last moment still counts");
    line.collector.expire(3 * SECOND + 1);
    assert_eq!(line.ready(), [(7, 100, 50.0, vec![])]);
    // Too late, and not the beginning of another item.
    line.camera(4, 7.0, 9);
    line.collector.expire(100 * SECOND);
    assert_eq!(line.ready(), []);
    let expected =
        ItemCounts { triggers: 1, added: 1, late: 1, untriggered: 1, incomplete: 1, ..ItemCounts::default() };
    assert_eq!(line.collector.counts(), expected);
}

#[test]
fn what_is_told_twice_counts_once() {
    let mut line = Line::new();
    line.gauge(1, 7.0, 50.0);
    line.gauge(1, 7.0, 50.0);
    line.gauge(2, 7.0, 60.0);
    line.camera(3, 7.0, 9);
    // Told again after it was handed out.
    line.gauge(1, 7.0, 50.0);
    line.collector.expire(100 * SECOND);
    assert_eq!(line.ready(), [(7, 100, 50.0, vec![9, 9])], "the first stands");
    assert_eq!(line.collector.take_triggers().len(), 1);
    assert_eq!(line.collector.counts().duplicates, 3);
    // A counter that began anew: the same id at another time is another item.
    line.gauge(200, 7.0, 70.0);
    line.camera(201, 7.0, 1);
    assert_eq!(line.ready(), [(7, 20_000, 70.0, vec![1, 1])]);
}

#[test]
fn an_id_that_is_none_begins_nothing() {
    let mut line = Line::new();
    for id in [f64::NAN, -1.0, 1.5, 1e17, f64::INFINITY] {
        line.gauge(1, id, 50.0);
    }
    line.read(1, &[("length", RawValue::Number(50.0))]);
    line.collector.expire(100 * SECOND);
    assert_eq!(line.ready(), []);
    assert_eq!(line.collector.counts(), ItemCounts { malformed: 5, ..ItemCounts::default() });
}

#[test]
fn bad_measures_and_encoders_are_missing_and_not_zero() {
    let mut line = Line::new();
    line.read(1, &[("part", RawValue::Number(7.0)), ("encoder", RawValue::Missing), ("length", RawValue::Missing)]);
    line.camera(1, 7.0, 9);
    let items = line.ready();
    assert!(items.len() == 1 && items[0].2.is_nan());
    assert_eq!(line.collector.take_triggers()[0].encoder, None);
    assert_eq!((line.collector.counts().unplaced, line.collector.counts().incomplete), (1, 1));
}

#[test]
fn a_flood_hands_out_the_oldest() {
    let mut line = Line::new();
    for id in 0..MAX_PENDING + 3 {
        line.gauge(1, id as f64, 1.0);
    }
    let first: Vec<u64> = line.ready().iter().map(|item| item.0).collect();
    assert_eq!(first, [0, 1, 2]);
    assert!(line.collector.is_waiting());
}
