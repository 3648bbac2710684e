//! A pump and its motor: fourteen values and a vibration waveform, with the faults of a [`Script`].
//!
//! `machine` is what really happens, `wear` how its bearing wears out, `waveform` what an accelerometer hears, and this module what the instruments say.

mod load;

mod machine;

mod wear;

mod waveform;

use crate::fault::{Course, Episode, Fault, Occurrence, Race, Script, ScriptError};
use crate::noise;
use crate::plant::{Actuator, Condition, Kind, Plant, Reading, STEP_S, Signal, Stepper, Truth, Value};
pub use load::Load;
use machine::Machine;
use wear::WearPath;

/// Noise streams; each draws for itself.
const MEASUREMENT_STREAM: u64 = 1;
const WAVEFORM_STREAM: u64 = 2;

/// A waveform block begins every so many steps: 6 s.
const BLOCK_EVERY_STEPS: u64 = 60;

/// The values in the order of [`signals`], with the standard deviation of their measurement noise.
const INSTRUMENTS: [(&str, &str, f64, f64, f64); VALUES] = [
    ("rig.current_a", "A", 0.0, 60.0, 0.12),
    ("rig.current_b", "A", 0.0, 60.0, 0.12),
    ("rig.current_c", "A", 0.0, 60.0, 0.12),
    ("rig.voltage", "V", 300.0, 500.0, 0.6),
    ("rig.suction_pressure", "bar", -1.0, 4.0, 0.008),
    ("rig.discharge_pressure", "bar", 0.0, 10.0, 0.02),
    ("rig.flow", "m3/h", 0.0, 150.0, 0.4),
    ("rig.bearing_temp_de", "Cel", -20.0, 150.0, 0.15),
    ("rig.bearing_temp_nde", "Cel", -20.0, 150.0, 0.15),
    ("rig.winding_temp", "Cel", -20.0, 200.0, 0.2),
    ("rig.ambient_temp", "Cel", -30.0, 60.0, 0.1),
    ("rig.vibration_h", "mm/s", 0.0, 25.0, 0.05),
    ("rig.vibration_v", "mm/s", 0.0, 25.0, 0.05),
    ("rig.speed", "1/min", 0.0, 1800.0, 0.4),
];
const VALUES: usize = 14;
/// From this severity on a spall spreads over its race.
const SPREADS_FROM: f64 = 0.6;
const SUCTION: usize = 4;
const DISCHARGE: usize = 5;
const FLOW: usize = 6;

/// Its signals: the values, then the waveform.
pub fn signals() -> Vec<Signal> {
    let values =
        INSTRUMENTS.iter().map(|&(name, unit, lo, hi, _)| Signal { name, unit, kind: Kind::Value, range: (lo, hi) });
    let wave = Signal { name: "rig.vibration_wave", unit: "m/s2", kind: Kind::Waveform, range: (-500.0, 500.0) };
    values.chain([wave]).collect()
}

/// The pump rig. It has no actuator: it runs under a load of its own.
#[derive(Debug, Clone)]
pub struct Rig {
    seed: u64,
    signals: Vec<Signal>,
    script: Script,
    machine: Machine,
    stepper: Stepper,
    /// The instrument that a stuck-sensor episode froze, and what it shows.
    stuck: Option<(usize, f64)>,
    /// The step at which the next waveform block is due.
    next_block: u64,
    /// The step of the block that is due and was not read yet, and the machine as it was then: a block is rendered when it
    /// is read, so that days pass quickly.
    block: Option<(u64, Machine)>,
    /// The wear of the run to failure in force, and when that was injected.
    path: Option<(f64, WearPath)>,
}

impl Rig {
    /// In thermal balance at its usual load.
    pub fn new(seed: u64, script: Script) -> Result<Self, ScriptError> {
        let signals = signals();
        script.check(&signals, true)?;
        Ok(Self {
            seed,
            signals,
            script,
            machine: Machine::new(seed),
            stepper: Stepper::default(),
            stuck: None,
            next_block: 0,
            block: None,
            path: None,
        })
    }

    /// The same rig under another load profile, from its start.
    pub fn with_load(mut self, load: Load) -> Self {
        self.machine.profile = load;
        self
    }

    fn step(&mut self, step: u64) {
        let time_s = step as f64 * STEP_S;
        let (wear, cavitation) = self.severities(time_s);
        let stuck_now = self.script.active(time_s).and_then(|occurrence| match &occurrence.episode.fault {
            Fault::StuckSensor { signal } => self.position(signal),
            _ => None,
        });
        self.machine.step(wear, cavitation);
        self.stuck = match (stuck_now, self.stuck) {
            (Some(signal), Some((held, shown))) if held == signal => Some((held, shown)),
            (Some(signal), _) => Some((signal, self.measure(step)[signal])),
            (None, _) => None,
        };
        if step >= self.next_block {
            self.next_block = step - step % BLOCK_EVERY_STEPS + BLOCK_EVERY_STEPS;
            self.block = Some((step, self.machine.clone()));
        }
    }

    /// Severities of bearing and cavitation now; a run to failure also sets the machine's race and how far a spall spread.
    fn severities(&mut self, time_s: f64) -> (f64, f64) {
        self.machine.spread = 0.0;
        self.machine.race = Race::Outer;
        let Some(Occurrence { episode, injected_at_s }) = self.script.active(time_s) else { return (0.0, 0.0) };
        let since_s = time_s - injected_at_s;
        match (&episode.fault, episode.course) {
            (Fault::BearingWear, Course::ToFailure(wear)) => {
                let drawn = match self.path.take() {
                    Some((at_s, path)) if at_s == injected_at_s => (at_s, path),
                    Some(_) | None => {
                        (injected_at_s, WearPath::draw(self.seed, injected_at_s, episode.growth_s, &wear))
                    }
                };
                let severity = drawn.1.severity(since_s);
                self.path = Some(drawn);
                self.machine.race = wear.race;
                self.machine.spread = ((severity - SPREADS_FROM) / (1.0 - SPREADS_FROM)).max(0.0);
                (severity, 0.0)
            }
            (Fault::BearingWear, Course::Linear) => (episode.severity_after(since_s), 0.0),
            (Fault::Cavitation, _) => (0.0, episode.severity_after(since_s)),
            // What its instruments do.
            _ => (0.0, 0.0),
        }
    }

    /// How long after its injection this episode, injected then, would fail the bearing, if it does before its repair.
    fn fails_after_s(&self, episode: &Episode, injected_at_s: f64) -> Option<f64> {
        let after_s = match (&episode.fault, episode.course) {
            (Fault::BearingWear, Course::ToFailure(wear)) => match &self.path {
                Some((at_s, path)) if *at_s == injected_at_s => path.fails_after_s(),
                Some(_) | None => WearPath::draw(self.seed, injected_at_s, episode.growth_s, &wear).fails_after_s(),
            },
            (Fault::BearingWear, Course::Linear) => {
                (episode.severity >= 1.0).then(|| episode.growth_s / episode.severity)
            }
            _ => None,
        };
        after_s.filter(|s| *s < episode.duration_s)
    }

    /// Time until the bearing's next failure, 0 between one and its repair.
    fn life_s(&self, time_s: f64) -> Option<f64> {
        let passes_s = match self.script.repeat_s {
            Some(repeat_s) if repeat_s > 0.0 => {
                let base_s = (time_s / repeat_s).floor() * repeat_s;
                vec![base_s, base_s + repeat_s]
            }
            Some(_) | None => vec![0.0],
        };
        let episodes = &self.script.episodes;
        let all = passes_s.into_iter().flat_map(|base_s| episodes.iter().map(move |e| (e, base_s + e.start_s)));
        let mut next = all.filter(|(e, at_s)| time_s < at_s + e.duration_s);
        next.find_map(|(e, at_s)| Some((at_s + self.fails_after_s(e, at_s)? - time_s).max(0.0)))
    }

    /// How the machine is, as it was stepped last.
    fn condition(&self, time_s: f64) -> Condition {
        let m = &self.machine;
        let mode = match (m.wear > 0.0, m.cavitation > 0.0) {
            (true, _) => m.race.mode(),
            (false, true) => "cavitation",
            (false, false) => "",
        };
        Condition { severity: m.wear.max(m.cavitation), mode, life_s: self.life_s(time_s) }
    }

    fn position(&self, name: &str) -> Option<usize> {
        INSTRUMENTS.iter().position(|i| i.0 == name)
    }

    /// What the instruments would say at that step, were none of them ill.
    fn measure(&self, step: u64) -> [f64; VALUES] {
        let m = &self.machine;
        let mut rng = noise::stream(self.seed, MEASUREMENT_STREAM, step);
        // A cavitating pump is restless: what the instruments see fluctuates with it.
        let restless = 1.0 + 3.0 * m.cavitation;
        let level = [
            m.current_a * 1.004,
            m.current_a * 0.997,
            m.current_a * 0.999,
            m.voltage_v,
            m.suction_bar,
            m.discharge_bar,
            m.flow_m3_h,
            m.bearing_de.at,
            m.bearing_nde.at,
            m.winding.at,
            m.ambient_cel,
            m.vibration_h_mm_s,
            m.vibration_v_mm_s,
            m.speed_rpm,
        ];
        std::array::from_fn(|i| {
            let (_, _, lo, hi, sd) = INSTRUMENTS[i];
            let sd = if matches!(i, SUCTION | DISCHARGE | FLOW) { sd * restless } else { sd };
            (level[i] + sd * noise::normal(&mut rng)).clamp(lo, hi)
        })
    }
}

impl Plant for Rig {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &[]
    }

    fn advance(&mut self, dt_s: f64) {
        let before = self.stepper.steps();
        let due = self.stepper.due(dt_s);
        for step in before + 1..=before + due {
            self.step(step);
        }
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let time_s = self.stepper.time_s();
        let mut values = self.measure(self.stepper.steps());
        if let Some((signal, shown)) = self.stuck {
            values[signal] = shown;
        }
        if let Some(occurrence) = self.script.active(time_s)
            && let Fault::SensorDrift { signal, rate_per_s } = &occurrence.episode.fault
            && let Some(at) = self.position(signal)
        {
            let (_, _, lo, hi, _) = INSTRUMENTS[at];
            values[at] = (values[at] + rate_per_s * (time_s - occurrence.injected_at_s)).clamp(lo, hi);
        }
        let numbers = values.into_iter().enumerate();
        out.extend(numbers.map(|(signal, x)| Reading { signal, value: Value::Number(x) }));
        if let Some((step, machine)) = self.block.take() {
            let mut rng = noise::stream(self.seed, WAVEFORM_STREAM, step);
            let value = Value::Block {
                start_s: step as f64 * STEP_S,
                rate_hz: waveform::RATE_HZ,
                samples: waveform::block(&machine, &mut rng),
            };
            out.push(Reading { signal: VALUES, value });
        }
    }

    fn write(&mut self, _actuator: usize, _value: f64) {}

    fn truth(&self) -> Truth {
        let time_s = self.stepper.time_s();
        Truth {
            time_s,
            active: self.script.active(time_s).map(|o| o.name()).into_iter().collect(),
            condition: Some(self.condition(time_s)),
            ..Truth::default()
        }
    }
}

#[cfg(test)]
mod tests;
