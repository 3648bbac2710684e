//! The packaging line at a pace of its own: whatever it does takes so many times longer.

use crate::line::{Line, Mishaps};
use crate::plant::{Actuator, Event, PartFate, Plant, Reading, Signal, Truth, Value};
use std::ops::Range;

/// The signal that is a rate.
const SPEED: &str = "line.speed";

/// The line, `pace` times slower.
#[derive(Debug, Clone)]
pub struct SlowLine {
    line: Line,
    pace: f64,
    /// Index of [`SPEED`].
    speed: Option<usize>,
}

impl SlowLine {
    /// Standing, with an empty belt and stations that miss nothing.
    pub fn new(seed: u64, pace: f64) -> SlowLine {
        let line = Line::new(seed, Mishaps::default());
        SlowLine { speed: line.signals().iter().position(|signal| signal.name == SPEED), line, pace }
    }

    /// Whether its belt runs.
    pub fn runs(&self) -> bool {
        self.line.runs()
    }
}

impl Plant for SlowLine {
    fn signals(&self) -> &[Signal] {
        self.line.signals()
    }

    fn actuators(&self) -> &[Actuator] {
        self.line.actuators()
    }

    fn advance(&mut self, dt_s: f64) {
        self.line.advance(dt_s / self.pace);
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let before = out.len();
        self.line.read(out);
        for reading in out.get_mut(before..).unwrap_or_default() {
            if let (true, Value::Number(speed)) = (Some(reading.signal) == self.speed, &mut reading.value) {
                *speed /= self.pace;
            }
        }
    }

    fn event_signals(&self) -> Range<usize> {
        self.line.event_signals()
    }

    fn events(&mut self, out: &mut Vec<Event>) {
        let before = out.len();
        self.line.events(out);
        out.get_mut(before..).unwrap_or_default().iter_mut().for_each(|event| event.time_s *= self.pace);
    }

    fn fates(&self) -> &[PartFate] {
        self.line.fates()
    }

    fn write(&mut self, actuator: usize, value: f64) {
        self.line.write(actuator, value);
    }

    fn truth(&self) -> Truth {
        let truth = self.line.truth();
        Truth { time_s: truth.time_s * self.pace, ..truth }
    }
}
