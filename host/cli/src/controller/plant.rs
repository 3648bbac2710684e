//! The simulated plant as a source and as the place where commands go.
//!
//! The plant's truth is read here too, for the judges; it never becomes a reading.

use super::source::Source;
use dinrail_core::reading::{RawValue, Reading, ReadingKind, SourceId, Waveform};
use dinrail_core::tag::TagId;
use dinrail_core::time::{SECOND_NS, TimeNs, seconds_between};
use dinrail_sim::{Plant, Truth, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A plant that several places hold: the source that reads it and the outputs that write it.
#[derive(Clone)]
pub struct SharedPlant {
    plant: Arc<Mutex<Box<dyn Plant>>>,
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
        SharedPlant { plant: Arc::new(Mutex::new(plant)) }
    }

    /// Sets an actuator, in the plant's unit.
    pub fn write(&self, actuator: usize, value: f64) {
        self.lock().write(actuator, value);
    }

    /// What is really so.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.lock().truth()
    }

    /// What the run came to, where the plant says so. It may take seconds.
    #[must_use]
    pub fn account(&self) -> Option<dinrail_sim::Account> {
        self.lock().account()
    }

    /// Whether what it replays has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let plant = self.lock();
        // A millisecond forgives the rounding of slices.
        plant.end_s().is_some_and(|end_s| end_s <= plant.truth().time_s + 1e-3)
    }

    /// What its site knows ahead; at most so many steps.
    #[must_use]
    pub fn ahead(&self, schedule: usize, steps: usize) -> Vec<f64> {
        self.lock().ahead(schedule, steps)
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Plant>> {
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
    /// Run time at which the plant was at its start.
    origin_ns: Option<TimeNs>,
    last_ns: Option<TimeNs>,
    measured: Vec<dinrail_sim::Reading>,
    ended: bool,
}

impl PlantSource {
    /// `tags` gives the tag of each of the plant's signals.
    #[must_use]
    pub fn new(plant: SharedPlant, source: SourceId, tags: Vec<Option<TagId>>) -> PlantSource {
        PlantSource { plant, source, tags, origin_ns: None, last_ns: None, measured: Vec::new(), ended: false }
    }
}

impl Source for PlantSource {
    fn is_exhausted(&self) -> bool {
        self.ended
    }

    fn drain(&mut self, now_ns: TimeNs, readings: &mut Vec<Reading>) {
        let origin_ns = *self.origin_ns.get_or_insert(now_ns);
        if let Some(last_ns) = self.last_ns.replace(now_ns) {
            self.plant.lock().advance(seconds_between(last_ns, now_ns));
        }
        self.measured.clear();
        self.plant.lock().read(&mut self.measured);
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
}
