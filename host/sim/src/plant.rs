//! What every plant is: signals to read, events to be told, actuators to write, and a truth that only judges see.

use std::ops::Range;
use std::sync::Arc;

/// How a signal's readings look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One number at a time.
    Value,
    /// Blocks of equally spaced samples.
    Waveform,
    /// Pictures.
    Picture,
}

/// A measured signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// With the plant's prefix: `rig.flow`.
    pub name: &'static str,
    /// UCUM.
    pub unit: &'static str,
    /// Number, waveform or picture.
    pub kind: Kind,
    /// The instrument's range, lower and upper, in `unit`. Healthy and scripted readings stay within it.
    pub range: (f64, f64),
}

/// A setpoint that the plant obeys.
#[derive(Debug, Clone, PartialEq)]
pub struct Actuator {
    /// With the plant's prefix: `reactor.temp_sp`.
    pub name: &'static str,
    /// UCUM.
    pub unit: &'static str,
    /// What the plant accepts, in `unit`. A write outside it is cut to it; one that is not finite is ignored.
    pub range: (f64, f64),
    /// In force before the first write.
    pub initial: f64,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Index into [`Plant::signals`].
    pub signal: usize,
    /// What was measured.
    pub value: Value,
}

/// The value of a [`Reading`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// In the signal's unit.
    Number(f64),
    /// Equally spaced samples in the signal's unit.
    Block {
        /// Run time of the first sample, in seconds from the plant's start.
        start_s: f64,
        /// Samples a second.
        rate_hz: f64,
        /// The samples.
        samples: Vec<f32>,
    },
}

/// A picture, row-major, channels last, 0 to 255.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Index into [`Plant::signals`].
    pub signal: usize,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// 1 for grey, 3 for colour.
    pub channels: u32,
    /// The pixels.
    pub pixels: Arc<[u8]>,
}

/// Something that happened at a moment of its own, with everything that was measured then.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Run time from the plant's start, in seconds.
    pub time_s: f64,
    /// What was measured.
    pub readings: Vec<Reading>,
    /// What was seen.
    pub pictures: Vec<Picture>,
}

/// What became of a part that left a line.
#[derive(Debug, Clone, PartialEq)]
pub struct PartFate {
    /// The numbers under which the plant told of it: one, none where the trigger missed it, two where it bounced.
    pub ids: Vec<u64>,
    /// What is really wrong with it; empty: nothing.
    pub defect: &'static str,
    /// The gate took it out.
    pub ejected: bool,
    /// The gate moved while the part was over it.
    pub torn: bool,
}

/// What is really so. For judges and displays, never for a plugin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Truth {
    /// Run time since the plant's start.
    pub time_s: f64,
    /// The profit that the plant makes now, without measurement noise, in money a second; none where it makes none.
    pub profit: Option<f64>,
    /// The best profit that it could make at steady state.
    pub optimum_profit: Option<f64>,
    /// What the plant costs now, in money a second; none where it is judged by its profit, or not by money.
    pub cost: Option<f64>,
    /// The least that it could cost at steady state.
    pub optimum_cost: Option<f64>,
    /// By how much the worst of its constraints is exceeded now, in that constraint's unit; 0 within all of them, none where
    /// it has none.
    pub violation: Option<f64>,
    /// Faults in force now, by the name of [`fault::Occurrence::name`](crate::fault::Occurrence).
    pub active: Vec<String>,
    /// The machine's condition; none where the plant has no machine.
    pub condition: Option<Condition>,
}

/// How a machine really is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// 0 as new, 1 where it would be stopped.
    pub severity: f64,
    /// The failure mode in force; empty where the machine is well.
    pub mode: &'static str,
    /// Seconds until the bearing's failure that the script holds; 0 from then until its repair, none where it holds none.
    pub life_s: Option<f64>,
}

impl Condition {
    /// 1 as new, 0 where it would be stopped.
    pub fn health(&self) -> f64 {
        1.0 - self.severity.clamp(0.0, 1.0)
    }
}

/// What a run came to, against bounds that only hindsight knows: for plants whose best course is one over the whole run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Account {
    /// Run time that it covers, in seconds.
    pub time_s: f64,
    /// What was paid, in money.
    pub cost: f64,
    /// What would have been paid had nothing been commanded.
    pub baseline: f64,
    /// The least that could have been paid, with everything known ahead.
    pub optimum: f64,
    /// Run time in which a constraint was exceeded, in seconds.
    pub violation_s: f64,
}

/// A simulated plant. It keeps its own fine time step, so that readings depend on the run time and not on how it is sliced
/// (a slice shorter than the step waits until a step is full).
pub trait Plant: Send {
    /// What [`Plant::read`] can give, in the order of its indexes.
    fn signals(&self) -> &[Signal];
    /// What [`Plant::write`] takes, in the order of its indexes.
    fn actuators(&self) -> &[Actuator];
    /// Lets `dt_s` seconds of run time pass. Negative and non-finite times count as none.
    fn advance(&mut self, dt_s: f64);
    /// Appends the measurements of this moment: every value signal once, but one that drops out, and each waveform block that became due since the
    /// last read (the latest one only).
    fn read(&mut self, out: &mut Vec<Reading>);
    /// Signals that only events have.
    fn event_signals(&self) -> Range<usize> {
        0..0
    }
    /// Appends what happened since this was last asked, in its order.
    fn events(&mut self, _out: &mut Vec<Event>) {}
    /// Of a line: every part that left it so far, in their order. Truth, for judges.
    fn fates(&self) -> &[PartFate] {
        &[]
    }
    /// Sets an actuator; an unknown index is ignored.
    fn write(&mut self, actuator: usize, value: f64);
    /// The ground truth of this moment.
    fn truth(&self) -> Truth;
    /// What the run came to until now; none where [`Plant::truth`] says it all. It may take seconds: for a run's end.
    fn account(&self) -> Option<Account> {
        None
    }
    /// Run time at which what it replays ends; none where it goes on for ever.
    fn end_s(&self) -> Option<f64> {
        None
    }
    /// Levels that shift in it, by whose finding a chart is judged.
    fn shifts(&self) -> &[Shift] {
        &[]
    }
    /// What its site would know ahead: schedules, tariffs.
    fn schedules(&self) -> &[Schedule] {
        &[]
    }
    /// Such a series from the present step on, at most so many steps; short where its end is near.
    fn ahead(&mut self, _schedule: usize, _steps: usize) -> Vec<f64> {
        Vec::new()
    }
}

/// A level that shifts, for judges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Index into [`Plant::signals`].
    pub signal: usize,
    /// From this run time on, in seconds.
    pub start_s: f64,
    /// By how much, in deviations of the signal; zero where it stays.
    pub size: f64,
}

/// A series that a site knows ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// With the plant's prefix: `home.price`.
    pub name: &'static str,
    /// UCUM.
    pub unit: &'static str,
    /// From one value to the next, in seconds; steps count from the plant's start.
    pub step_s: f64,
}

/// The plants' internal step, in seconds.
pub(crate) const STEP_S: f64 = 0.1;

/// Turns slices of run time into whole steps.
#[derive(Debug, Clone)]
pub(crate) struct Stepper {
    /// Length of a step, in seconds.
    step_s: f64,
    /// Run time asked for, in seconds, as a compensated sum: days of 100 ms slices must not lose a step.
    asked_s: f64,
    lost_s: f64,
    /// Steps done.
    steps: u64,
}

impl Default for Stepper {
    /// Of [`STEP_S`].
    fn default() -> Stepper {
        Stepper::of(STEP_S)
    }
}

impl Stepper {
    /// Of steps of this length, in seconds.
    pub(crate) fn of(step_s: f64) -> Stepper {
        Stepper { step_s, asked_s: 0.0, lost_s: 0.0, steps: 0 }
    }

    /// Steps to do now.
    pub(crate) fn due(&mut self, dt_s: f64) -> u64 {
        if dt_s.is_finite() && dt_s > 0.0 {
            let add = dt_s - self.lost_s;
            let sum = self.asked_s + add;
            self.lost_s = (sum - self.asked_s) - add;
            self.asked_s = sum;
        }
        // A millionth of a step forgives the rounding of 0.1 s and its like.
        let until = (self.asked_s / self.step_s + 1e-6).floor() as u64;
        let due = until.saturating_sub(self.steps);
        self.steps += due;
        due
    }

    /// Steps done.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Run time of the last full step.
    pub(crate) fn time_s(&self) -> f64 {
        self.steps as f64 * self.step_s
    }

    /// Run time until now, with what is not a full step yet.
    pub(crate) fn asked_s(&self) -> f64 {
        self.asked_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_short_slices_are_as_long_as_one() {
        let mut short = Stepper::default();
        let done: u64 = (0..1_000_000).map(|_| short.due(0.1)).sum();
        assert_eq!(done, 1_000_000);
        assert_eq!(Stepper::default().due(100_000.0), 1_000_000);
    }

    #[test]
    fn steps_have_any_length() {
        let mut hours = Stepper::of(3600.0);
        assert_eq!((0..35_999).map(|_| hours.due(0.1)).sum::<u64>(), 0);
        assert_eq!((hours.due(0.1), hours.due(1.0), hours.time_s(), hours.asked_s().round()), (1, 0, 3600.0, 3601.0));
        // A third of a step and a third of a step and a third of a step.
        let mut fine = Stepper::of(0.005);
        assert_eq!((0..60_000).map(|_| fine.due(1.0 / 60.0)).sum::<u64>(), 200_000);
    }

    #[test]
    fn a_slice_below_the_step_waits() {
        let mut stepper = Stepper::default();
        assert_eq!(stepper.due(0.04), 0);
        assert_eq!(stepper.due(0.04), 0);
        assert_eq!(stepper.due(0.04), 1);
        assert_eq!(stepper.due(f64::NAN), 0);
        assert_eq!(stepper.due(-5.0), 0);
    }
}
