//! A packaging line, closed: the simulated plant, items from its events, verdicts on them, and the guard's gate.
//!
//! Natively, with the same parts that the controller is made of; the scenario `line` runs it through the host.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_core::guard::gate::{GateSpec, OwnedVerdict, Positions};
use dinrail_core::guard::{
    Action, ActionCause, Arrival, Fallback, Guard, LineNews, Mode, OnStop, OutputKind, OutputSpec, ScanTime,
};
use dinrail_core::image::ProcessImage;
use dinrail_core::item::{Item, ItemCollector, ItemSpec, Picture};
use dinrail_core::outcome::Decision;
use dinrail_core::reading::{RawValue, Reading, ReadingKind, SourceId};
use dinrail_core::record::InstanceId;
use dinrail_core::tag::{Quality, Tag, TagId, TagKind, TagTable};
use dinrail_core::unit::Unit;
use dinrail_sim::judge::line::LineScore;
use dinrail_sim::line::{Line, Mishaps};
use dinrail_sim::{Kind, Plant, Value};
use quality_control::line::{self, Fate, Limit};
use std::collections::{BTreeMap, VecDeque};

const SCAN_S: f64 = 0.1;
const OWNER: InstanceId = InstanceId(0);

struct Site {
    plant: Line,
    tags: TagTable,
    ids: Vec<TagId>,
    image: ProcessImage,
    collector: ItemCollector,
    guard: Guard,
    limits: Vec<Limit>,
    now_ns: i64,
    scan: u64,
    /// Scans from an item's being ready until its verdict is there.
    slow: u64,
    thinking: VecDeque<(u64, Item)>,
    takes_out: BTreeMap<u64, bool>,
    causes: Vec<(ActionCause, bool)>,
    commands: usize,
}

impl Site {
    fn new(seed: u64, mishaps: Mishaps, slow: u64, fallback: Fallback) -> Site {
        let plant = Line::new(seed, mishaps);
        let mut tags = TagTable::default();
        let ids: Vec<TagId> = plant
            .signals()
            .iter()
            .map(|signal| {
                let mut tag = Tag::new(signal.name, Unit::parse(signal.unit).unwrap());
                if signal.kind == Kind::Picture {
                    tag.kind = TagKind::Picture;
                }
                tags.add(tag).unwrap()
            })
            .collect();
        let id = |name: &str| tags.find(name).unwrap();
        let collector = ItemCollector::new(ItemSpec {
            name: "parts".into(),
            ids: vec![id("line.part"), id("line.camera_part")],
            encoder: Some(id("line.part_encoder")),
            measures: ["line.length", "line.width", "line.height"].map(id).to_vec(),
            pictures: vec![id("line.picture")],
            wait_ns: 60_000_000_000,
        });
        let gate = GateSpec {
            items: 0,
            encoder: id("line.encoder"),
            distance: 4_000,
            window: 160,
            modulus: Some(65_536),
            delay_ns: 20_000_000,
            fallback,
            // 0.6 m/s, at 2 m/s²: 90 mm, and a scan's way.
            stop_ahead: 300,
            rest: Action::Pass,
            positions: Positions { pass: 0.0, rework: 1.0, reject: 1.0, stop: Some(2.0) },
        };
        let spec = OutputSpec {
            name: "line.gate".into(),
            unit: Unit::parse("").unwrap(),
            kind: OutputKind::Discrete,
            order: Default::default(),
            range: (0.0, 2.0),
            slew_per_s: None,
            deadband: 0.0,
            min_dwell_ns: 0,
            inhibit: None,
            reduced: None,
            trip: None,
            fail_safe: Some(1.0),
            default: None,
            lease_ns: 1_000_000_000,
            on_stop: OnStop::Hold,
            mode: Mode::Auto,
            readback: None,
            owner: Some(OWNER),
            owner_mode: Mode::Auto,
            gate: Some(gate),
        };
        Site {
            image: ProcessImage::new(&tags),
            guard: Guard::new(vec![spec], 100_000_000).unwrap(),
            limits: line::limits("length 59.8..60.2, width 39.8..40.2, height 11.8..12.2").unwrap(),
            plant,
            tags,
            ids,
            collector,
            now_ns: 0,
            scan: 0,
            slow,
            thinking: VecDeque::new(),
            takes_out: BTreeMap::new(),
            causes: Vec::new(),
            commands: 0,
        }
    }

    /// What the plant tells, in the order in which the controller reads it.
    fn readings(&mut self) -> Vec<Reading> {
        let reading =
            |time_ns, values| Reading { source: SourceId(0), kind: ReadingKind::Live, asset: None, time_ns, values };
        let value = |value: Value| match value {
            Value::Number(number) => RawValue::Number(number),
            Value::Block { .. } => panic!("a line has no waveforms"),
        };
        let mut events = Vec::new();
        self.plant.events(&mut events);
        let mut readings = Vec::new();
        for event in events {
            let numbers = event.readings.into_iter().map(|reading| (self.ids[reading.signal], value(reading.value)));
            let mut values: Vec<(TagId, RawValue)> = numbers.collect();
            for picture in event.pictures {
                let taken = Picture::new(picture.width, picture.height, picture.channels, picture.pixels).unwrap();
                values.push((self.ids[picture.signal], RawValue::Picture(taken)));
            }
            readings.push(reading((event.time_s * 1e9) as i64, values));
        }
        let mut measured = Vec::new();
        self.plant.read(&mut measured);
        let values = measured.into_iter().map(|reading| (self.ids[reading.signal], value(reading.value))).collect();
        readings.push(reading(self.now_ns, values));
        readings
    }

    fn scan(&mut self) {
        self.plant.advance(SCAN_S);
        self.now_ns += (SCAN_S * 1e9) as i64;
        self.scan += 1;
        for reading in self.readings() {
            self.collector.observe(&self.tags, &reading, self.now_ns);
            self.image.apply(&self.tags, &reading, self.now_ns);
        }
        self.collector.expire(self.now_ns);
        let mut news = LineNews::default();
        for trigger in self.collector.take_triggers() {
            news.arrivals.push(Arrival { items: 0, item: trigger.item, encoder: trigger.encoder });
        }
        let due = self.scan + self.slow;
        self.thinking.extend(self.collector.take_ready().into_iter().map(|item| (due, item)));
        while self.thinking.front().is_some_and(|(due, _)| *due <= self.scan) {
            let (_, item) = self.thinking.pop_front().unwrap();
            news.verdicts.extend(self.judge(&item));
        }
        let at = ScanTime { scan: self.scan, time_ns: self.now_ns };
        let verdicts = self.guard.scan_line(at, &self.image, &[], &news);
        self.commands += verdicts.commands.len();
        for command in &verdicts.commands {
            self.plant.write(0, command.value());
        }
        self.causes.extend(verdicts.gates.iter().map(|left| (left.cause, left.done)));
    }

    fn judge(&mut self, item: &Item) -> Option<OwnedVerdict> {
        let opinion = line::measured(&item.measures, &self.limits, 0.0);
        // As the plugin does with a picture that is missing.
        if opinion.is_blind || item.pictures[0].is_missing() {
            return None;
        }
        let decision = if opinion.fate == Fate::Pass { Decision::Pass } else { Decision::Reject };
        self.takes_out.insert(item.id, decision != Decision::Pass);
        Some(OwnedVerdict { owner: OWNER, item: item.id, decision, quality: Quality::Good })
    }

    fn run(&mut self, seconds: f64) -> LineScore {
        for _ in 0..(seconds / SCAN_S) as usize {
            self.scan();
        }
        LineScore::of(self.plant.fates(), &self.takes_out)
    }
}

#[test]
fn ten_thousand_parts_get_what_the_verdicts_on_them_say() {
    let mut site = Site::new(1, Mishaps::default(), 1, Fallback::Reject);
    let score = site.run(7_800.0);
    println!("{score:?}, {} commands", site.commands);
    assert!(score.parts >= 10_000, "{score:?}");
    assert_eq!((score.wrong, score.without_verdict), (0, 0), "{score:?}");
    assert!(site.causes.iter().all(|left| *left == (ActionCause::Verdict, true)));
    // Sizes are found; of surfaces the limits know nothing.
    assert_eq!(score.rejected_good, 0, "{score:?}");
}

#[test]
fn triggers_that_miss_and_bounce_and_cameras_that_stay_silent_move_no_verdict() {
    for seed in 1..=3 {
        let mishaps = Mishaps { missed_triggers: 0.03, double_triggers: 0.03, missed_pictures: 0.03 };
        let mut site = Site::new(seed, mishaps, 2, Fallback::Reject);
        let score = site.run(1_800.0);
        println!("{score:?}");
        assert!(score.without_verdict > 100 && score.wrong == 0, "seed {seed}: {score:?}");
    }
}

#[test]
fn verdicts_that_come_too_late_act_on_nobody_else() {
    // From the camera to the gate it takes 24 scans at the fastest: some are in time, some are not.
    let mut site = Site::new(5, Mishaps::default(), 26, Fallback::Pass);
    let score = site.run(1_800.0);
    let late = site.causes.iter().filter(|(cause, _)| *cause == ActionCause::NoVerdict).count();
    println!("{score:?}, {late} late");
    assert!(late > 100 && site.causes.len() - late > 100);
    assert!(site.causes.iter().all(|(_, done)| *done));
    // None of those that pass was taken out, whoever's verdict came late.
    assert_eq!(score.rejected_good, 0, "{score:?}");
}

#[test]
fn a_line_that_stops_for_its_verdicts_loses_none() {
    let mut site = Site::new(2, Mishaps::default(), 40, Fallback::Stop);
    let score = site.run(1_800.0);
    println!("{score:?}, {} commands", site.commands);
    assert!(score.parts > 300 && score.without_verdict == 0, "{score:?}");
    assert!(site.causes.iter().all(|(cause, _)| *cause == ActionCause::Verdict));
    // With verdicts of four seconds the line is stopped for nearly every part, and some follow so closely that it is
    // stopped for one while the one before it is at the gate: what was not done is told.
    let not_done = site.causes.iter().filter(|(_, done)| !done).count() as u64;
    assert!(score.wrong <= not_done && not_done < score.parts / 10, "{score:?}, {not_done} not done");
    assert!(score.wrong < score.parts / 500, "{score:?}");
}
