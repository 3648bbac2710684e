//! Rig and reactor side by side, as the demo's one plant.

use crate::fault::{Script, ScriptError};
use crate::plant::{Actuator, Plant, Reading, Signal, Truth};
use crate::reactor::Reactor;
use crate::rig::Rig;

/// Both plants: the rig's signals first, then the reactor's; the reactor's actuators.
#[derive(Debug, Clone)]
pub struct Demo {
    rig: Rig,
    reactor: Reactor,
    signals: Vec<Signal>,
}

impl Demo {
    /// Both from the same seed; their noise is unrelated all the same.
    pub fn new(seed: u64, script: Script) -> Result<Self, ScriptError> {
        let (rig, reactor) = (Rig::new(seed, script)?, Reactor::new(seed));
        let signals = [rig.signals(), reactor.signals()].concat();
        Ok(Self { rig, reactor, signals })
    }
}

impl Plant for Demo {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        self.reactor.actuators()
    }

    fn advance(&mut self, dt_s: f64) {
        self.rig.advance(dt_s);
        self.reactor.advance(dt_s);
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        self.rig.read(out);
        let (before, rig_signals) = (out.len(), self.rig.signals().len());
        self.reactor.read(out);
        for reading in out.iter_mut().skip(before) {
            reading.signal += rig_signals;
        }
    }

    fn write(&mut self, actuator: usize, value: f64) {
        self.reactor.write(actuator, value);
    }

    fn truth(&self) -> Truth {
        let rig = self.rig.truth();
        Truth { active: rig.active, condition: rig.condition, ..self.reactor.truth() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use crate::{PLANTS, PlantError, Script, ScriptError, Value, plant};

    #[test]
    fn every_named_plant_reads_each_of_its_signals_within_range() {
        for name in PLANTS {
            let machine = ["rig", "rig-shifts", "demo", "site"].contains(&name);
            let script = if machine { Script::demo() } else { Script::none() };
            let mut plant = plant(name, 1, script).unwrap();
            for _ in 0..700 {
                plant.advance(6.0);
                let mut out = Vec::new();
                plant.read(&mut out);
                let seen: Vec<_> = out.iter().map(|r| r.signal).collect();
                let of_events = plant.event_signals();
                let wanted: Vec<_> = (0..plant.signals().len()).filter(|signal| !of_events.contains(signal)).collect();
                // Spare parts are counted once a period.
                assert!(seen == wanted || name == "parts" && seen.is_empty(), "{name}: {seen:?}");
                let mut events = Vec::new();
                plant.events(&mut events);
                assert!(
                    events.iter().flat_map(|event| &event.readings).all(|r| of_events.contains(&r.signal)),
                    "{name}"
                );
                out.extend(events.into_iter().flat_map(|event| event.readings));
                for reading in &out {
                    let signal = &plant.signals()[reading.signal];
                    let (lo, hi) = signal.range;
                    match &reading.value {
                        // Of a period that is not over nothing was measured yet.
                        Value::Number(x) => assert!(x.is_nan() || lo <= *x && *x <= hi, "{}: {x}", signal.name),
                        Value::Block { samples, .. } => {
                            assert!(samples.iter().all(|x| lo <= f64::from(*x) && f64::from(*x) <= hi));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn names_are_prefixed_and_unique() {
        let demo = plant("demo", 1, Script::none()).unwrap();
        let mut names: Vec<_> = demo.signals().iter().map(|s| s.name).collect();
        assert!(names.iter().all(|n| n.starts_with("rig.") || n.starts_with("reactor.")));
        assert!(demo.actuators().iter().all(|a| a.name.starts_with("reactor.")));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), demo.signals().len());
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let unknown = plant("boiler", 1, Script::none()).err();
        assert_eq!(unknown, Some(PlantError::UnknownPlant("boiler".into())));
        let no_pump = plant("reactor", 1, Script::demo()).err();
        assert_eq!(no_pump, Some(PlantError::Script(ScriptError::NoSuchMachine("bearing-wear"))));
    }
}
