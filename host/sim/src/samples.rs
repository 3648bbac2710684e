//! Samples of a quantity whose level shifts: what control charts are proved on.
//!
//! Each signal is N(shift, 1), one sample a second, independent of all others. The shifts are none, 0.5, 1, 2 and 3
//! deviations; the smaller a shift, the more signals have it, so that a chart signals about equally often for each.

use crate::noise::{normal, stream};
use crate::options::Options;
use crate::plant::{Actuator, Kind, Plant, Reading, Shift, Signal, Truth, Value};
use crate::{PlantError, check_settings};
use std::sync::OnceLock;

/// By shift, how many signals have it.
pub const SHIFTS: [(f64, usize); 5] = [(0.0, 192), (0.5, 60), (1.0, 17), (2.0, 3), (3.0, 1)];

const PERIOD_S: f64 = 1.0;
/// Past every sample that will ever be drawn: one beyond 20 deviations has a chance of 10^-88.
const RANGE: (f64, f64) = (-20.0, 23.0);
/// Of the seed's streams, this plant's.
const STREAM: u64 = 0x5a;

/// The signals with their shifts.
#[derive(Debug, Clone)]
pub struct Samples {
    seed: u64,
    signals: Vec<Signal>,
    shifts: Vec<Shift>,
    time_s: f64,
    /// The sample that is due now, and the one that `values` are of.
    at: u64,
    drawn: Option<u64>,
    values: Vec<f64>,
}

/// The plant's signals.
pub fn signals() -> Vec<Signal> {
    names().iter().map(|name| Signal { name, unit: "1", kind: Kind::Value, range: RANGE }).collect()
}

fn names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| (0..count()).map(|at| format!("samples.{at:03}")).collect())
}

fn count() -> usize {
    SHIFTS.iter().map(|(_, count)| count).sum()
}

impl Samples {
    /// Every level shifts after `start_s` seconds.
    pub fn new(seed: u64, start_s: f64) -> Samples {
        let sizes = SHIFTS.iter().flat_map(|(size, count)| std::iter::repeat_n(*size, *count));
        let shifts = sizes.enumerate().map(|(signal, size)| Shift { signal, start_s, size }).collect();
        Samples { seed, signals: signals(), shifts, time_s: 0.0, at: 0, drawn: None, values: vec![0.0; count()] }
    }

    /// With the setting `start`, seconds.
    ///
    /// # Errors
    /// Another setting, or one that is no time.
    pub fn from_options(options: &Options) -> Result<Samples, PlantError> {
        if options.recorded.is_some() {
            return Err(PlantError::NoSeries("samples".to_owned()));
        }
        check_settings("samples", options, &["start"])?;
        let start_s = options.setting("start", 0.0);
        if !(start_s.is_finite() && start_s >= 0.0) {
            return Err(PlantError::Unfit(format!(
                "the setting `start` of `samples` is a time in seconds, is {start_s}"
            )));
        }
        Ok(Samples::new(options.seed, start_s))
    }
}

impl Plant for Samples {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &[]
    }

    fn advance(&mut self, dt_s: f64) {
        if dt_s.is_finite() && dt_s > 0.0 {
            self.time_s += dt_s;
        }
        // A millionth of a second forgives the rounding of slices.
        self.at = ((self.time_s + 1e-6) / PERIOD_S) as u64;
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        if self.drawn != Some(self.at) {
            // A sample is a function of the seed and its number: leaving some out changes none of the others.
            let mut rng = stream(self.seed, STREAM, self.at);
            let now_s = self.at as f64 * PERIOD_S;
            for (value, shift) in self.values.iter_mut().zip(&self.shifts) {
                *value = normal(&mut rng) + if shift.start_s <= now_s { shift.size } else { 0.0 };
            }
            self.drawn = Some(self.at);
        }
        out.extend(
            self.values.iter().enumerate().map(|(signal, value)| Reading { signal, value: Value::Number(*value) }),
        );
    }

    fn write(&mut self, _actuator: usize, _value: f64) {}

    fn truth(&self) -> Truth {
        Truth { time_s: self.time_s, ..Truth::default() }
    }

    fn shifts(&self) -> &[Shift] {
        &self.shifts
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn each_signal_has_its_level_and_one_deviation() {
        let mut plant = Samples::new(7, 100.0);
        let (mut sums, mut squares) = (vec![0.0; count()], vec![0.0; count()]);
        let mut out = Vec::new();
        for second in 0..10_100 {
            out.clear();
            plant.read(&mut out);
            plant.advance(1.0);
            if second >= 100 {
                for reading in &out {
                    let Value::Number(value) = reading.value else { panic!("a number") };
                    sums[reading.signal] += value;
                    squares[reading.signal] += value * value;
                }
            }
        }
        for shift in plant.shifts() {
            let mean = sums[shift.signal] / 10_000.0;
            let deviation = (squares[shift.signal] / 10_000.0 - mean * mean).sqrt();
            assert!((mean - shift.size).abs() < 0.05 && (deviation - 1.0).abs() < 0.04, "{shift:?} {mean} {deviation}");
        }
    }

    #[test]
    fn reading_twice_or_not_at_all_changes_nothing() {
        let (mut often, mut rarely) = (Samples::new(1, 0.0), Samples::new(1, 0.0));
        let (mut all, mut last) = (Vec::new(), Vec::new());
        for _ in 0..30 {
            all.clear();
            often.advance(0.1);
            often.read(&mut all);
        }
        rarely.advance(3.0);
        rarely.read(&mut last);
        assert_eq!(all, last);
    }
}
