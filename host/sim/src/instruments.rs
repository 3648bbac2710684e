//! Faults of a plant's instruments, around any plant: the plant itself goes on as it would.
//!
//! What an instrument shows stays within its range. Random faults are functions of the seed and of the step in which they
//! are read, as all measurement noise here.

use crate::fault::{Fault, Occurrence, Script};
use crate::noise;
use crate::plant::{
    Account, Actuator, Event, Kind, PartFate, Plant, Reading, Schedule, Shift, Signal, Stepper, Truth, Value,
};
use std::ops::Range;

/// Noise streams of their own, far from those of the plants.
const NOISE_STREAM: u64 = 0x1_0001;
const SPIKE_STREAM: u64 = 0x1_0002;

/// The plant with these faults of its instruments; the plant alone where there are none. The script was checked.
pub(crate) fn around(plant: Box<dyn Plant>, seed: u64, script: Script) -> Box<dyn Plant> {
    if script.episodes.is_empty() {
        return plant;
    }
    let last = vec![None; plant.signals().len()];
    Box::new(Instruments { plant, seed, script, stepper: Stepper::default(), last })
}

/// A plant whose instruments fail by a script.
struct Instruments {
    plant: Box<dyn Plant>,
    seed: u64,
    script: Script,
    stepper: Stepper,
    /// By signal: what it showed last, as long as it was not stuck.
    last: Vec<Option<f64>>,
}

impl Instruments {
    fn position(&self, name: &str) -> Option<usize> {
        self.plant.signals().iter().position(|signal| signal.name == name)
    }

    /// The fault in force at a moment, and for how long it has been.
    fn active(&self, time_s: f64) -> Option<(Fault, f64)> {
        let occurrence = self.script.active(time_s);
        occurrence.map(|Occurrence { episode, injected_at_s }| (episode.fault.clone(), time_s - injected_at_s))
    }

    /// What instruments show of these readings, which belong to one moment.
    fn pass(&mut self, active: Option<&(Fault, f64)>, readings: &mut Vec<Reading>) {
        match active {
            None => self.remember(readings),
            Some((fault, since_s)) => self.disturb(fault, *since_s, readings),
        }
    }

    /// Changes a moment's readings as the fault does.
    fn disturb(&mut self, fault: &Fault, since_s: f64, readings: &mut Vec<Reading>) {
        let Some(at) = fault.sensor().and_then(|name| self.position(name)) else { return };
        let step = self.stepper.steps();
        let shown = number(readings, at);
        match fault {
            Fault::BearingWear | Fault::Cavitation => {}
            Fault::SensorDrift { rate_per_s, .. } => self.show(readings, at, shown.map(|x| x + rate_per_s * since_s)),
            Fault::SensorStep { by, .. } => self.show(readings, at, shown.map(|x| x + by)),
            Fault::SensorNoise { sd, .. } => {
                let kick = sd * noise::normal(&mut noise::stream(self.seed, NOISE_STREAM, step));
                self.show(readings, at, shown.map(|x| x + kick));
            }
            Fault::Spikes { by, share, .. } => {
                let mut rng = noise::stream(self.seed, SPIKE_STREAM, step);
                let (strikes, up) = (noise::uniform(&mut rng, 0.0, 1.0), noise::uniform(&mut rng, -1.0, 1.0) >= 0.0);
                if strikes < *share {
                    self.show(readings, at, shown.map(|x| if up { x + by } else { x - by }));
                }
            }
            Fault::StuckSensor { .. } => {
                let held = self.last[at].or(shown);
                self.last[at] = held;
                self.show(readings, at, held);
            }
            Fault::Dropout { .. } => readings.retain(|reading| reading.signal != at),
            Fault::SwappedWires { with, .. } => {
                let Some(other) = self.position(with) else { return };
                let partner = number(readings, other);
                let (here, there) = (self.range(at), self.range(other));
                self.show(readings, at, partner.map(|x| rescaled(x, there, here)));
                self.show(readings, other, shown.map(|x| rescaled(x, here, there)));
            }
        }
    }

    fn range(&self, signal: usize) -> (f64, f64) {
        self.plant.signals()[signal].range
    }

    /// Shows a number in place of a signal's reading, cut to the instrument's range.
    fn show(&self, readings: &mut [Reading], signal: usize, shown: Option<f64>) {
        let (lo, hi) = self.range(signal);
        let reading = readings.iter_mut().find(|reading| reading.signal == signal);
        if let (Some(reading), Some(shown)) = (reading, shown) {
            reading.value = Value::Number(shown.clamp(lo, hi));
        }
    }

    fn remember(&mut self, readings: &[Reading]) {
        for reading in readings {
            if let Value::Number(x) = reading.value {
                self.last[reading.signal] = Some(x);
            }
        }
    }
}

fn number(readings: &[Reading], signal: usize) -> Option<f64> {
    readings.iter().find(|reading| reading.signal == signal).and_then(|reading| match reading.value {
        Value::Number(x) => Some(x),
        Value::Block { .. } => None,
    })
}

/// The same share of another range: what a current of 4 to 20 mA means at the other end of the wrong wire.
fn rescaled(x: f64, (from_lo, from_hi): (f64, f64), (lo, hi): (f64, f64)) -> f64 {
    lo + (x - from_lo) / (from_hi - from_lo) * (hi - lo)
}

impl Plant for Instruments {
    fn signals(&self) -> &[Signal] {
        self.plant.signals()
    }

    fn actuators(&self) -> &[Actuator] {
        self.plant.actuators()
    }

    fn advance(&mut self, dt_s: f64) {
        self.stepper.due(dt_s);
        self.plant.advance(dt_s);
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let mut readings = Vec::with_capacity(self.plant.signals().len());
        self.plant.read(&mut readings);
        let active = self.active(self.stepper.time_s());
        self.pass(active.as_ref(), &mut readings);
        out.append(&mut readings);
    }

    fn event_signals(&self) -> Range<usize> {
        self.plant.event_signals()
    }

    fn events(&mut self, out: &mut Vec<Event>) {
        let first = out.len();
        self.plant.events(out);
        for event in &mut out[first..] {
            let active = self.active(event.time_s);
            self.pass(active.as_ref(), &mut event.readings);
        }
    }

    fn fates(&self) -> &[PartFate] {
        self.plant.fates()
    }

    fn write(&mut self, actuator: usize, value: f64) {
        self.plant.write(actuator, value);
    }

    fn truth(&self) -> Truth {
        let mut truth = self.plant.truth();
        truth.active.extend(self.script.active(self.stepper.time_s()).map(|occurrence| occurrence.name()));
        truth
    }

    fn account(&self) -> Option<Account> {
        self.plant.account()
    }

    fn end_s(&self) -> Option<f64> {
        self.plant.end_s()
    }

    fn shifts(&self) -> &[Shift] {
        self.plant.shifts()
    }

    fn schedules(&self) -> &[Schedule] {
        self.plant.schedules()
    }

    fn ahead(&mut self, schedule: usize, steps: usize) -> Vec<f64> {
        self.plant.ahead(schedule, steps)
    }
}

/// The names of a plant's value signals: what a fault may strike.
pub fn value_signals(plant: &dyn Plant) -> Vec<&'static str> {
    plant.signals().iter().filter(|signal| signal.kind == Kind::Value).map(|signal| signal.name).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;
    use crate::fault::{Course, Episode};
    use crate::{PLANTS, ScriptError, plant};

    fn script(fault: Fault) -> Script {
        let episode = Episode {
            fault,
            start_s: 60.0,
            duration_s: 60.0,
            growth_s: 0.0,
            severity: 1.0,
            course: Course::Linear,
            allowed_delay_s: 60.0,
            recovery_s: 60.0,
        };
        Script { episodes: vec![episode], repeat_s: Some(600.0) }
    }

    /// By second, from 0 to 179: each signal's reading in a plant of seed 3.
    fn readings(name: &str, faults: Script) -> Vec<Vec<Option<f64>>> {
        let mut plant = plant(name, 3, faults).unwrap();
        let signals = plant.signals().len();
        let mut rows = Vec::new();
        for _ in 0..180 {
            let mut out = Vec::new();
            plant.read(&mut out);
            // What is not there and what is no number are the same here.
            let finite = |signal| number(&out, signal).filter(|x| x.is_finite());
            rows.push((0..signals).map(finite).collect());
            plant.advance(1.0);
        }
        rows
    }

    /// What the fault makes of the signal in each second of its minute, beside what a plant without it shows; everything
    /// else, and everything before and after, must be as without it.
    fn struck(name: &str, fault: Fault) -> Vec<(f64, Option<f64>)> {
        let (well, ill) = (readings(name, Script::none()), readings(name, script(fault.clone())));
        let plant = plant(name, 3, Script::none()).unwrap();
        let named: Vec<String> = fault.clone().signals_mut().into_iter().map(|name| name.clone()).collect();
        let is_struck = |signal: usize| named.iter().any(|name| *name == plant.signals()[signal].name);
        for (second, (well, ill)) in well.iter().zip(&ill).enumerate() {
            for (signal, (well, ill)) in well.iter().zip(ill).enumerate() {
                if !(60..120).contains(&second) || !is_struck(signal) {
                    // What was not measured yet is no number, and is not equal to itself.
                    let same = well == ill || well.is_some_and(f64::is_nan) && ill.is_some_and(f64::is_nan);
                    assert!(same, "{name}, second {second}, signal {signal}: {well:?} became {ill:?}");
                }
            }
        }
        let first = plant.signals().iter().position(|signal| signal.name == named[0]).unwrap();
        (60..120).map(|second| (well[second][first].unwrap(), ill[second][first])).collect()
    }

    fn near(shown: Option<f64>, expected: f64) -> bool {
        shown.is_some_and(|shown| (shown - expected).abs() < 1e-9 * (1.0 + expected.abs()))
    }

    /// For every plant, the first two of its signals that are always there: each kind of fault does what it says, and
    /// nothing else.
    #[test]
    fn each_kind_strikes_any_signal_of_any_plant() {
        let mut covered = 0;
        for name in PLANTS {
            let well = plant(name, 3, Script::none()).unwrap();
            let rows = readings(name, Script::none());
            let always = |(index, signal): (usize, &'_ Signal)| {
                (signal.kind == Kind::Value && rows.iter().all(|row| row[index].is_some())).then(|| signal.clone())
            };
            let values: Vec<Signal> = well.signals().iter().enumerate().filter_map(always).take(2).collect();
            // A table of parts has no reading at all in these minutes.
            if values.len() < 2 {
                continue;
            }
            covered += 1;
            let (signal, (lo, hi)) = (values[0].name.to_owned(), values[0].range);
            let size = (hi - lo) / 100.0;
            let cut = |x: f64| x.clamp(lo, hi);
            let named = || signal.clone();
            for (second, (well, ill)) in
                struck(name, Fault::SensorDrift { signal: named(), rate_per_s: size }).into_iter().enumerate()
            {
                // The rig's own drift is the same.
                assert!(near(ill, cut(well + size * second as f64)), "{name}: {well} {ill:?}");
            }
            for (well, ill) in struck(name, Fault::SensorStep { signal: named(), by: -size }) {
                assert!(near(ill, cut(well - size)), "{name}: {well} {ill:?}");
            }
            let stuck = struck(name, Fault::StuckSensor { signal: named() });
            assert!(stuck.iter().all(|(_, ill)| *ill == stuck[0].1 && ill.is_some()), "{name}: {stuck:?}");
            let silent = struck(name, Fault::Dropout { signal: named() });
            assert!(silent.iter().all(|(_, ill)| ill.is_none()), "{name}");
            let with = &values[1];
            let swapped = struck(name, Fault::SwappedWires { signal: named(), with: with.name.to_owned() });
            let partner = readings(name, Script::none());
            let other = well.signals().iter().position(|known| known.name == with.name).unwrap();
            for (second, (_, ill)) in swapped.into_iter().enumerate() {
                let there = partner[60 + second][other].unwrap();
                let share = (there - with.range.0) / (with.range.1 - with.range.0);
                assert!(near(ill, lo + share * (hi - lo)), "{name}: {there} {ill:?}");
            }
        }
        assert!(covered >= 12, "{covered} plants");
    }

    #[test]
    fn noise_and_spikes_have_their_size_and_share() {
        let noisy = struck("load-sharing", Fault::SensorNoise { signal: first("load-sharing"), sd: 0.01 });
        let kicks: Vec<f64> = noisy.iter().map(|(well, ill)| ill.unwrap() - well).collect();
        let sd = (kicks.iter().map(|kick| kick * kick).sum::<f64>() / kicks.len() as f64).sqrt();
        // Sixty draws: four standard errors.
        assert!((sd / 0.01 - 1.0).abs() < 4.0 / (2.0 * 60.0_f64).sqrt(), "{sd}");
        let signal = "rig.flow".to_owned();
        let spiky = struck("rig", Fault::Spikes { signal: signal.clone(), by: 20.0, share: 0.25 });
        let jumps: Vec<f64> = spiky.iter().map(|(well, ill)| ill.unwrap() - well).filter(|jump| *jump != 0.0).collect();
        assert!(jumps.iter().all(|jump| (jump.abs() - 20.0).abs() < 1e-9), "{jumps:?}");
        assert!(
            (5..=27).contains(&jumps.len()),
            "fifteen of sixty are due, four standard deviations are 13: {jumps:?}"
        );
        assert!(jumps.iter().any(|jump| *jump > 0.0) && jumps.iter().any(|jump| *jump < 0.0), "{jumps:?}");
        let all = struck("rig", Fault::Spikes { signal, by: 20.0, share: 1.0 });
        assert!(all.iter().all(|(well, ill)| (ill.unwrap() - well).abs() > 19.0));
    }

    fn first(name: &str) -> String {
        value_signals(plant(name, 3, Script::none()).unwrap().as_ref())[0].to_owned()
    }

    #[test]
    fn the_truth_names_it_and_what_does_not_fit_is_refused() {
        let fault = Fault::SwappedWires { signal: "rig.current_a".into(), with: "rig.current_b".into() };
        let mut rig = plant("rig", 1, script(fault)).unwrap();
        rig.advance(59.0);
        assert!(rig.truth().active.is_empty());
        rig.advance(1.0);
        assert_eq!(rig.truth().active, ["swapped-wires(rig.current_a)"]);
        rig.advance(60.0);
        assert!(rig.truth().active.is_empty());
        let refused = |name: &str, fault: Fault| match plant(name, 1, script(fault)).err() {
            Some(crate::PlantError::Script(error)) => error,
            other => panic!("{other:?}"),
        };
        let with = |with: &str| Fault::SwappedWires { signal: "rig.flow".into(), with: with.into() };
        assert_eq!(refused("rig", with("rig.flux")), ScriptError::UnknownSignal("rig.flux".into()));
        assert_eq!(refused("rig", with("rig.flow")), ScriptError::SwappedWithItself("rig.flow".into()));
        let wave = Fault::Dropout { signal: "rig.vibration_wave".into() };
        assert_eq!(refused("rig", wave), ScriptError::UnknownSignal("rig.vibration_wave".into()));
        let never = Fault::Spikes { signal: "rig.flow".into(), by: 1.0, share: 0.0 };
        assert_eq!(refused("rig", never), ScriptError::NotANumber(0));
        assert_eq!(refused("home", Fault::Cavitation), ScriptError::NoSuchMachine("cavitation"));
    }

    /// What a part's station measures comes as an event, and is struck like any reading.
    #[test]
    fn events_are_struck_too() {
        let lengths = |faults| {
            let mut line = plant("line", 3, faults).unwrap();
            let length = line.signals().iter().position(|signal| signal.name == "line.length").unwrap();
            let mut events = Vec::new();
            for _ in 0..120 {
                line.advance(1.0);
                line.events(&mut events);
            }
            let seen = |event: &Event| number(&event.readings, length).map(|x| (event.time_s, x));
            events.iter().filter_map(seen).collect::<Vec<_>>()
        };
        let well = lengths(Script::none());
        let ill = lengths(script(Fault::SensorStep { signal: "line.length".into(), by: 0.25 }));
        assert!(well.iter().any(|(time_s, _)| *time_s > 60.0) && well.len() == ill.len(), "{well:?}");
        for ((time_s, well), (_, ill)) in well.iter().zip(&ill) {
            let by = if *time_s >= 60.0 { 0.25 } else { 0.0 };
            assert!((ill - well - by).abs() < 1e-9, "{time_s}: {well} {ill}");
        }
    }

    /// A script of the rig's own faults and of its instruments: both happen, each at its time.
    #[test]
    fn own_faults_and_those_of_instruments_stand_in_one_script() {
        let mut both = Script::demo();
        both.episodes[1].fault = Fault::Dropout { signal: "rig.speed".into() };
        let mut plant = plant("demo", 1, both).unwrap();
        let mut active = Vec::new();
        for _ in 0..3600 {
            plant.advance(1.0);
            for name in plant.truth().active {
                if !active.contains(&name) {
                    active.push(name);
                }
            }
        }
        let expected = [
            "bearing-wear",
            "sensor-dropout(rig.speed)",
            "sensor-drift(rig.flow)",
            "stuck-sensor(rig.discharge_pressure)",
        ];
        assert_eq!(active, expected);
    }
}
