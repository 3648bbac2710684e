//! A packaging line: a belt with parts, a trigger with a gauge, a camera further on, and a gate that takes parts out.
//!
//! ```text
//!  parts ──► trigger, gauge ──────► camera ───────────────► gate ──► good
//!            0 m                    0.6 m                   2 m  └──► rejects
//! ```
//!
//! The belt changes its speed, stops and starts; a wheel on it counts half millimetres, and wraps. The trigger's controller
//! numbers the parts; gauge and camera tell theirs under that number a moment later. The gate takes a twentieth of a second
//! at most to move, and what it does to a part that is over it while it moves is told as torn.
//!
//! - [`belt`]: how it runs
//! - [`parts`]: what the seed puts on it, and what is wrong with each
//! - [`picture`]: what the camera sees

pub mod belt;
pub mod parts;
pub mod picture;

#[cfg(test)]
mod tests;

use crate::PlantError;
use crate::noise;
use crate::options::Options;
use crate::plant::{Actuator, Event, Kind, PartFate, Plant, Reading, Signal, Stepper, Truth, Value};
use belt::Belt;
use parts::{Part, feed};
use std::collections::VecDeque;
use std::ops::Range;

/// The line's own step, in seconds: at most 3 mm of belt.
pub const STEP_S: f64 = 0.005;
/// Counts of the wheel in a metre.
pub const COUNTS_PER_M: f64 = 2_000.0;
/// The wheel counts from 0 to one below this.
pub const COUNTER: f64 = 65_536.0;
/// The camera, in metres from the trigger.
pub const CAMERA_M: f64 = 0.6;
/// The gate.
pub const GATE_M: f64 = 2.0;
/// Where parts are put on the belt.
const FEED_M: f64 = -0.5;
/// From the trigger until the gauge has told, in seconds.
const GAUGE_S: f64 = 0.03;
/// From the picture until the camera has told.
const CAMERA_S: f64 = 0.08;
/// From a command until the gate stands there.
pub const GATE_S: f64 = 0.02;
/// Standard deviation of the gauge, in millimetres.
const GAUGE_SD_MM: f64 = 0.01;
/// How far behind the first a bouncing trigger tells a second time, in metres.
const BOUNCE_M: f64 = 0.008;

/// Noise streams, which no other plant uses.
const GAUGE_STREAM: u64 = 300;
const MISHAP_STREAM: u64 = 301;

const ENCODER: usize = 0;
const SPEED: usize = 1;
const GATE: usize = 2;
const PART: usize = 3;
const PART_ENCODER: usize = 4;
const LENGTH: usize = 5;
const WIDTH: usize = 6;
const HEIGHT: usize = 7;
const CAMERA_PART: usize = 8;
const PICTURE: usize = 9;

/// Its signals.
pub fn signals() -> Vec<Signal> {
    let value = |name, unit, hi| Signal { name, unit, kind: Kind::Value, range: (0.0, hi) };
    vec![
        value("line.encoder", "1", COUNTER - 1.0),
        value("line.speed", "m/s", 2.0),
        value("line.gate_readback", "1", 2.0),
        value("line.part", "1", 1e12),
        value("line.part_encoder", "1", COUNTER - 1.0),
        value("line.length", "mm", 200.0),
        value("line.width", "mm", 200.0),
        value("line.height", "mm", 200.0),
        value("line.camera_part", "1", 1e12),
        Signal { name: "line.picture", unit: "1", kind: Kind::Picture, range: (0.0, 255.0) },
    ]
}

/// How often something goes wrong with the stations, as a share of parts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mishaps {
    /// The trigger does not see the part.
    pub missed_triggers: f64,
    /// The trigger sees it twice, and numbers it twice.
    pub double_triggers: f64,
    /// The camera tells nothing of it.
    pub missed_pictures: f64,
}

impl Mishaps {
    /// From a plant's settings.
    pub(crate) fn from_options(options: &Options) -> Result<Mishaps, PlantError> {
        let known = ["missed_triggers", "double_triggers", "missed_pictures"];
        crate::check_settings("line", options, &known)?;
        let shares = known.map(|name| options.setting(name, 0.0));
        if let Some(at) = shares.iter().position(|share| !(0.0..=1.0).contains(share)) {
            return Err(PlantError::Unfit(format!("`{}` of the plant `line` is a share from 0 to 1", known[at])));
        }
        let [missed_triggers, double_triggers, missed_pictures] = shares;
        Ok(Mishaps { missed_triggers, double_triggers, missed_pictures })
    }
}

/// A part on the belt, and how far it got.
#[derive(Debug, Clone)]
struct Riding {
    part: Part,
    /// The belt's way when it would have been at the trigger.
    origin_m: f64,
    ids: Vec<u64>,
    is_triggered: bool,
    bounces: bool,
    is_pictured: bool,
    /// How the gate stood when the part's leading edge came to it.
    gate: Option<f64>,
    torn: bool,
}

/// The gate: where it stands, and where it was told to go.
#[derive(Debug, Clone, Copy)]
struct Gate {
    position: f64,
    told: f64,
    /// When it will stand there.
    due_s: f64,
}

/// Whether it takes out what comes: at 1. At 0 it lets pass, and so it does at 2, which stops the belt.
fn takes_out(position: f64) -> bool {
    (0.5..1.5).contains(&position)
}

/// The line.
#[derive(Debug, Clone)]
pub struct Line {
    seed: u64,
    mishaps: Mishaps,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    belt: Belt,
    gate: Gate,
    /// On the belt, the first to come first.
    riding: VecDeque<Riding>,
    /// The next part to be put on it, and the belt's way then.
    next: (Part, f64),
    /// Numbers given so far.
    numbered: u64,
    /// What stations will tell, and when.
    telling: VecDeque<(f64, Event)>,
    told: Vec<Event>,
    fates: Vec<PartFate>,
    stepper: Stepper,
    steps: u64,
}

impl Line {
    /// Standing, with an empty belt. The seed decides parts, pictures, the belt's course and the gauge's noise.
    pub fn new(seed: u64, mishaps: Mishaps) -> Line {
        let gate = Actuator { name: "line.gate", unit: "1", range: (0.0, 2.0), initial: 0.0 };
        let first = feed(seed, 0);
        let at_m = first.pitch_m;
        Line {
            seed,
            mishaps,
            signals: signals(),
            actuators: vec![gate],
            belt: Belt::new(seed),
            gate: Gate { position: 0.0, told: 0.0, due_s: 0.0 },
            riding: VecDeque::new(),
            next: (first, at_m),
            numbered: 0,
            telling: VecDeque::new(),
            told: Vec::new(),
            fates: Vec::new(),
            stepper: Stepper::of(STEP_S),
            steps: 0,
        }
    }

    /// Whether its belt runs.
    pub fn runs(&self) -> bool {
        self.belt.speed() > 0.0
    }

    fn time_s(&self) -> f64 {
        self.steps as f64 * STEP_S
    }

    /// What the wheel shows after so much way.
    fn counter(way_m: f64) -> f64 {
        (way_m * COUNTS_PER_M).floor().rem_euclid(COUNTER)
    }

    fn step(&mut self) {
        self.steps += 1;
        let now_s = self.time_s();
        if self.gate.due_s <= now_s {
            self.gate.position = self.gate.told;
        }
        // A gate that is told to stop the line lets pass what still comes.
        self.belt.step(self.gate.position > 1.5);
        let way_m = self.belt.way_m();
        while self.next.1 <= way_m {
            let (part, at_m) = self.next.clone();
            let following = feed(self.seed, part.number + 1);
            self.next = (following.clone(), at_m + following.pitch_m);
            self.riding.push_back(Riding {
                part,
                origin_m: at_m - FEED_M,
                ids: Vec::new(),
                is_triggered: false,
                bounces: false,
                is_pictured: false,
                gate: None,
                torn: false,
            });
        }
        for index in 0..self.riding.len() {
            self.pass_stations(index, way_m, now_s);
        }
        while let Some(first) = self.riding.front() {
            let half_m = 0.5e-3 * first.part.size_mm[0];
            if way_m - first.origin_m <= GATE_M + half_m {
                break;
            }
            let Some(left) = self.riding.pop_front() else { break };
            let ejected = left.gate.is_some_and(takes_out);
            self.fates.push(PartFate { ids: left.ids, defect: left.part.defect(), ejected, torn: left.torn });
        }
        while self.telling.front().is_some_and(|(due_s, _)| *due_s <= now_s) {
            self.told.extend(self.telling.pop_front().map(|(_, event)| event));
        }
    }

    fn pass_stations(&mut self, index: usize, way_m: f64, now_s: f64) {
        let Some(riding) = self.riding.get_mut(index) else { return };
        let at_m = way_m - riding.origin_m;
        if !riding.is_triggered && at_m >= 0.0 {
            riding.is_triggered = true;
            let mut rng = noise::stream(self.seed, MISHAP_STREAM, riding.part.number);
            let mut happens = |share: f64| noise::uniform(&mut rng, 0.0, 1.0) < share;
            let (missed, doubled, blind) = (
                happens(self.mishaps.missed_triggers),
                happens(self.mishaps.double_triggers),
                happens(self.mishaps.missed_pictures),
            );
            riding.bounces = doubled && !missed;
            riding.is_pictured = missed || blind;
            if !missed {
                self.number(index, 0.0, now_s);
            }
        }
        let Some(riding) = self.riding.get_mut(index) else { return };
        if riding.bounces && at_m >= BOUNCE_M {
            riding.bounces = false;
            self.number(index, BOUNCE_M, now_s);
        }
        let Some(riding) = self.riding.get_mut(index) else { return };
        let half_m = 0.5e-3 * riding.part.size_mm[0];
        if (at_m - GATE_M).abs() <= half_m {
            let stood = *riding.gate.get_or_insert(self.gate.position);
            riding.torn |= takes_out(stood) != takes_out(self.gate.position);
        }
        if !riding.is_pictured && at_m >= CAMERA_M {
            riding.is_pictured = true;
            let number = riding.ids.first().map_or(0.0, |id| *id as f64);
            let readings = vec![Reading { signal: CAMERA_PART, value: Value::Number(number) }];
            let pictures = vec![picture::taken(self.seed, &riding.part, PICTURE)];
            self.tell(now_s + CAMERA_S, Event { time_s: now_s, readings, pictures });
        }
    }

    /// The trigger sees a part: its number, where the belt was, and soon its sizes.
    fn number(&mut self, index: usize, late_m: f64, now_s: f64) {
        let Some(riding) = self.riding.get_mut(index) else { return };
        self.numbered += 1;
        riding.ids.push(self.numbered);
        let mut rng = noise::stream(self.seed, GAUGE_STREAM, self.numbered);
        let mut readings = vec![
            Reading { signal: PART, value: Value::Number(self.numbered as f64) },
            Reading { signal: PART_ENCODER, value: Value::Number(Line::counter(riding.origin_m + late_m)) },
        ];
        for (signal, size_mm) in [LENGTH, WIDTH, HEIGHT].into_iter().zip(riding.part.size_mm) {
            let measured = size_mm + GAUGE_SD_MM * noise::normal(&mut rng);
            readings.push(Reading { signal, value: Value::Number(measured) });
        }
        self.tell(now_s + GAUGE_S, Event { time_s: now_s, readings, pictures: Vec::new() });
    }

    fn tell(&mut self, due_s: f64, event: Event) {
        let place = self.telling.partition_point(|(before_s, _)| *before_s <= due_s);
        self.telling.insert(place, (due_s, event));
    }
}

impl Plant for Line {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        (0..self.stepper.due(dt_s)).for_each(|_| self.step());
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let number = |signal, value| Reading { signal, value: Value::Number(value) };
        out.push(number(ENCODER, Line::counter(self.belt.way_m())));
        out.push(number(SPEED, self.belt.speed()));
        out.push(number(GATE, self.gate.position));
    }

    fn event_signals(&self) -> Range<usize> {
        PART..PICTURE + 1
    }

    fn events(&mut self, out: &mut Vec<Event>) {
        out.append(&mut self.told);
    }

    fn fates(&self) -> &[PartFate] {
        &self.fates
    }

    fn write(&mut self, actuator: usize, value: f64) {
        let Some(range) = self.actuators.get(actuator).map(|actuator| actuator.range) else { return };
        if !value.is_finite() {
            return;
        }
        self.gate.told = value.clamp(range.0, range.1).round();
        self.gate.due_s = self.time_s() + GATE_S;
    }

    fn truth(&self) -> Truth {
        Truth { time_s: self.time_s(), ..Truth::default() }
    }
}
