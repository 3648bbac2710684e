//! The simulated plant as a source and as the place where commands go.
//!
//! The plant's truth is read here too, for the judges; it never becomes a reading.

use super::source::{Source, Supply};
use dinrail_core::item::Picture;
use dinrail_core::reading::{RawValue, Reading, ReadingKind, SourceId, Waveform};
use dinrail_core::tag::TagId;
use dinrail_core::time::{SECOND_NS, TimeNs, seconds_between};
use dinrail_sim::{PartFate, Plant, Truth, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A plant that several places hold: the source that reads it and the outputs that write it.
#[derive(Clone)]
pub struct SharedPlant {
    plant: Arc<Mutex<Begun>>,
}

/// A plant, and when it began.
struct Begun {
    plant: Box<dyn Plant>,
    /// Run time at which the plant was at its start; none before it was read first.
    origin_ns: Option<TimeNs>,
}

impl std::fmt::Debug for SharedPlant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedPlant")
    }
}

impl SharedPlant {
    /// Shares it.
    #[must_use]
    pub fn new(plant: Box<dyn Plant>) -> SharedPlant {
        SharedPlant { plant: Arc::new(Mutex::new(Begun { plant, origin_ns: None })) }
    }

    /// Sets an actuator, in the plant's unit.
    pub fn write(&self, actuator: usize, value: f64) {
        self.lock().plant.write(actuator, value);
    }

    /// What is really so.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.lock().plant.truth()
    }

    /// What the run came to, where the plant says so. It may take seconds.
    #[must_use]
    pub fn account(&self) -> Option<dinrail_sim::Account> {
        self.lock().plant.account()
    }

    /// Levels that shift in it, by the name of the signal.
    #[must_use]
    pub fn shifts(&self) -> Vec<(String, dinrail_sim::Shift)> {
        let plant = &self.lock().plant;
        let name = |shift: &dinrail_sim::Shift| plant.signals().get(shift.signal).map(|signal| signal.name.to_owned());
        plant.shifts().iter().filter_map(|shift| name(shift).map(|name| (name, *shift))).collect()
    }

    /// What became of every part that left a line.
    #[must_use]
    pub fn fates(&self) -> Vec<PartFate> {
        self.lock().plant.fates().to_vec()
    }

    /// Whether what it replays has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let plant = &self.lock().plant;
        // A millisecond forgives the rounding of slices.
        plant.end_s().is_some_and(|end_s| end_s <= plant.truth().time_s + 1e-3)
    }

    /// What its site knows ahead, at most so many steps, and when the first of them began: steps count from the plant's
    /// start. None where nothing more is known, and before the plant was read first.
    #[must_use]
    pub fn ahead(&self, schedule: usize, steps: usize) -> Option<(TimeNs, Vec<f64>)> {
        let begun = &mut *self.lock();
        let step_s = begun.plant.schedules().get(schedule)?.step_s;
        // A millionth of a step forgives the rounding of many short slices.
        let passed_s = (begun.plant.truth().time_s / step_s + 1e-6).floor() * step_s;
        let start_ns = begun.origin_ns?.saturating_add((passed_s * SECOND_NS as f64).round() as i64);
        let values = begun.plant.ahead(schedule, steps);
        (!values.is_empty()).then_some((start_ns, values))
    }

    /// It is read for the first time: its start is now. Else when that was.
    fn begin(&self, now_ns: TimeNs) -> TimeNs {
        *self.lock().origin_ns.get_or_insert(now_ns)
    }

    fn lock(&self) -> MutexGuard<'_, Begun> {
        // Only the scan thread holds it, so a poisoned lock means that the scan itself panicked.
        self.plant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the plant once a scan.
#[derive(Debug)]
pub struct PlantSource {
    plant: SharedPlant,
    source: SourceId,
    /// By the plant's signal index: the tag, where one is configured.
    tags: Vec<Option<TagId>>,
    /// Whether it replays a recording.
    replays: bool,
    last_ns: Option<TimeNs>,
    measured: Vec<dinrail_sim::Reading>,
    happened: Vec<dinrail_sim::Event>,
    ended: bool,
}

impl PlantSource {
    /// `tags` gives the tag of each of the plant's signals.
    #[must_use]
    pub fn new(plant: SharedPlant, source: SourceId, tags: Vec<Option<TagId>>) -> PlantSource {
        PlantSource {
            plant,
            source,
            tags,
            replays: false,
            last_ns: None,
            measured: Vec::new(),
            happened: Vec::new(),
            ended: false,
        }
    }

    /// It replays a recording, whose end a run waits for.
    #[must_use]
    pub fn replaying(self, replays: bool) -> PlantSource {
        PlantSource { replays, ..self }
    }

    fn tag(&self, signal: usize) -> Option<TagId> {
        self.tags.get(signal).copied().flatten()
    }

    /// What happened since the last scan: a reading each, at its own time.
    fn tell_events(&mut self, origin_ns: TimeNs, readings: &mut Vec<Reading>) {
        let mut happened = std::mem::take(&mut self.happened);
        self.plant.lock().plant.events(&mut happened);
        for event in happened.drain(..) {
            let mut values = Vec::new();
            for reading in event.readings {
                if let (Some(tag), Value::Number(number)) = (self.tag(reading.signal), reading.value) {
                    values.push((tag, RawValue::Number(number)));
                }
            }
            for picture in event.pictures {
                let Some(tag) = self.tag(picture.signal) else { continue };
                let taken = Picture::new(picture.width, picture.height, picture.channels, picture.pixels);
                values.push((tag, taken.map_or(RawValue::Missing, RawValue::Picture)));
            }
            let time_ns = origin_ns.saturating_add((event.time_s * SECOND_NS as f64) as i64);
            let source = self.source;
            readings.push(Reading { source, kind: ReadingKind::Live, asset: None, time_ns, values });
        }
        self.happened = happened;
    }
}

impl Source for PlantSource {
    fn is_exhausted(&self) -> bool {
        self.ended
    }

    fn supply(&self) -> Supply {
        if self.replays { Supply::Recorded } else { Supply::Simulated }
    }

    fn drain(&mut self, now_ns: TimeNs, readings: &mut Vec<Reading>) {
        let origin_ns = self.plant.begin(now_ns);
        if let Some(last_ns) = self.last_ns.replace(now_ns) {
            self.plant.lock().plant.advance(seconds_between(last_ns, now_ns));
        }
        self.measured.clear();
        self.plant.lock().plant.read(&mut self.measured);
        self.tell_events(origin_ns, readings);
        let mut values = Vec::with_capacity(self.measured.len());
        for reading in self.measured.drain(..) {
            let Some(tag) = self.tags.get(reading.signal).copied().flatten() else { continue };
            let raw = match reading.value {
                Value::Number(number) => RawValue::Number(number),
                Value::Block { start_s, rate_hz, samples } => {
                    let time_ns = origin_ns.saturating_add((start_s * SECOND_NS as f64) as i64);
                    RawValue::Block(Arc::new(Waveform { time_ns, rate_hz, samples }))
                }
            };
            values.push((tag, raw));
        }
        self.ended = self.plant.has_ended();
        readings.push(Reading { source: self.source, kind: ReadingKind::Live, asset: None, time_ns: now_ns, values });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use dinrail_core::tag::{Tag, TagTable};
    use dinrail_core::unit::Unit;
    use dinrail_sim::Script;

    #[test]
    fn a_plant_advances_by_run_time_and_tells_only_configured_signals() {
        let plant = dinrail_sim::plant("reactor", 1, Script::none()).unwrap();
        let count = plant.signals().len();
        let temp = plant.signals().iter().position(|signal| signal.name == "reactor.temp").unwrap();
        let mut tags = TagTable::default();
        let id = tags.add(Tag::new("temperature", Unit::parse("Cel").unwrap())).unwrap();
        let mut by_signal = vec![None; count];
        by_signal[temp] = Some(id);
        let shared = SharedPlant::new(plant);
        let mut source = PlantSource::new(shared.clone(), SourceId(3), by_signal);
        let mut readings = vec![];
        let second = SECOND_NS as i64;
        source.drain(1_000 * second, &mut readings);
        shared.write(1, 90.0);
        source.drain(2_000 * second, &mut readings);
        assert_eq!(readings.len(), 2);
        assert!(readings.iter().all(|reading| reading.values.len() == 1 && reading.values[0].0 == id));
        assert!((shared.truth().time_s - 1_000.0).abs() < 1.0);
        let RawValue::Number(after) = readings[1].values[0].1 else { panic!("a number") };
        assert!((after - 90.0).abs() < 2.0, "{after}");
    }

    /// Schedules were told from the hour counted from 1970, also by a plant that began within it.
    #[test]
    fn a_schedules_steps_count_from_the_plants_start() {
        let plant = SharedPlant::new(dinrail_sim::plant("home", 1, Script::none()).unwrap());
        let mut source = PlantSource::new(plant.clone(), SourceId(0), vec![]);
        assert_eq!(plant.ahead(0, 3), None, "it has not begun");
        let minute = 60 * SECOND_NS as i64;
        let origin = 1_000 * 60 * minute + 23 * minute;
        let mut readings = vec![];
        source.drain(origin, &mut readings);
        let (start_ns, first) = plant.ahead(0, 3).unwrap();
        assert_eq!((start_ns, first.len()), (origin, 3));
        source.drain(origin + 59 * minute, &mut readings);
        assert_eq!(plant.ahead(0, 3), Some((origin, first.clone())), "the step is still the first, also past the hour");
        source.drain(origin + 60 * minute, &mut readings);
        let (start_ns, second) = plant.ahead(0, 2).unwrap();
        assert_eq!((start_ns, &second[..]), (origin + 60 * minute, &first[1..]));
    }
}
