//! Faults, scripts of episodes, and when each is due.

use crate::plant::{Kind, Signal};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The drive-end bearing's outer race spalls: vibration, impulses in the waveform, bearing heat, a little current.
    BearingWear,
    /// The strainer clogs: suction pressure falls, the pump cavitates, flow and head fall and become restless.
    Cavitation,
    /// One instrument drifts; the machine is well.
    SensorDrift {
        /// The signal's name.
        signal: String,
        /// In the signal's unit, a second.
        rate_per_s: f64,
    },
    /// One instrument repeats its last reading; the machine is well.
    StuckSensor {
        /// The signal's name.
        signal: String,
    },
    /// One instrument reads too much, or too little, by always the same.
    SensorStep {
        /// The signal's name.
        signal: String,
        /// In the signal's unit.
        by: f64,
    },
    /// One instrument is noisier than it should be.
    SensorNoise {
        /// The signal's name.
        signal: String,
        /// Standard deviation of what is added, in the signal's unit.
        sd: f64,
    },
    /// One instrument says nothing.
    Dropout {
        /// The signal's name.
        signal: String,
    },
    /// Single readings of one instrument jump up or down.
    Spikes {
        /// The signal's name.
        signal: String,
        /// How far, in the signal's unit.
        by: f64,
        /// Of the readings, above 0 and at most 1.
        share: f64,
    },
    /// The wires of two instruments are swapped: each shows, over its own range, what the other should.
    SwappedWires {
        /// One signal's name.
        signal: String,
        /// The other's.
        with: String,
    },
}

impl Fault {
    /// The kind's name, as reports print it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BearingWear => "bearing-wear",
            Self::Cavitation => "cavitation",
            Self::SensorDrift { .. } => "sensor-drift",
            Self::StuckSensor { .. } => "stuck-sensor",
            Self::SensorStep { .. } => "sensor-step",
            Self::SensorNoise { .. } => "sensor-noise",
            Self::Dropout { .. } => "sensor-dropout",
            Self::Spikes { .. } => "sensor-spikes",
            Self::SwappedWires { .. } => "swapped-wires",
        }
    }

    /// The instrument that lies; none where the machine itself is ill.
    pub fn sensor(&self) -> Option<&str> {
        match self {
            Self::BearingWear | Self::Cavitation => None,
            Self::SensorDrift { signal, .. }
            | Self::StuckSensor { signal }
            | Self::SensorStep { signal, .. }
            | Self::SensorNoise { signal, .. }
            | Self::Dropout { signal }
            | Self::Spikes { signal, .. }
            | Self::SwappedWires { signal, .. } => Some(signal),
        }
    }

    /// Every signal that it names, to be called otherwise.
    pub fn signals_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::BearingWear | Self::Cavitation => vec![],
            Self::SensorDrift { signal, .. }
            | Self::StuckSensor { signal }
            | Self::SensorStep { signal, .. }
            | Self::SensorNoise { signal, .. }
            | Self::Dropout { signal }
            | Self::Spikes { signal, .. } => vec![signal],
            Self::SwappedWires { signal, with } => vec![signal, with],
        }
    }

    fn check_signals(&self, signals: &[Signal], has_machine: bool) -> Result<(), ScriptError> {
        if self.sensor().is_none() && !has_machine {
            return Err(ScriptError::NoSuchMachine(self.kind()));
        }
        let partner = match self {
            Self::SwappedWires { signal, with } if signal == with => {
                return Err(ScriptError::SwappedWithItself(signal.clone()));
            }
            Self::SwappedWires { with, .. } => Some(with.as_str()),
            _ => None,
        };
        let unknown = |name: &&str| !signals.iter().any(|signal| signal.kind == Kind::Value && signal.name == *name);
        match self.sensor().into_iter().chain(partner).find(unknown) {
            Some(name) => Err(ScriptError::UnknownSignal(name.to_owned())),
            None => Ok(()),
        }
    }

    /// How much is wrong, without its sign; a share that can't be is not a number.
    fn size(&self) -> f64 {
        match self {
            Self::BearingWear
            | Self::Cavitation
            | Self::StuckSensor { .. }
            | Self::Dropout { .. }
            | Self::SwappedWires { .. } => 0.0,
            Self::SensorDrift { rate_per_s, .. } => rate_per_s.abs(),
            Self::SensorStep { by, .. } => by.abs(),
            Self::SensorNoise { sd, .. } => *sd,
            Self::Spikes { by, share, .. } if 0.0 < *share && *share <= 1.0 => by.abs(),
            Self::Spikes { .. } => f64::NAN,
        }
    }
}

/// How a machine fault grows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Course {
    /// In a straight line over the growth time; then it stays.
    #[default]
    Linear,
    /// A bearing runs to its failure at severity 1; the growth time is its nominal life, the seed draws its own.
    ToFailure(Wear),
}

/// A bearing's wear towards severity 1, the end of its life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wear {
    /// Severity at the injection, above 0 and below 1.
    pub initial: f64,
    /// Paris' exponent, 1 to 3: 1 grows exponentially, more grows ever faster.
    pub exponent: f64,
    /// Standard deviation of the logarithm of the rate from bearing to bearing.
    pub spread: f64,
    /// Standard deviation of the logarithm of the rate as it wanders over one life.
    pub wander: f64,
    /// Where the spall is.
    pub race: Race,
}

/// The ring of a bearing that spalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Race {
    /// The standing one: impacts are about equally hard.
    #[default]
    Outer,
    /// The turning one: impacts are as hard as the load where the spall is now, once a revolution.
    Inner,
}

impl Race {
    /// The failure mode, as plugins name it.
    pub fn mode(self) -> &'static str {
        match self {
            Self::Outer => "bearing outer race",
            Self::Inner => "bearing inner race",
        }
    }
}

/// One stretch of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// What goes wrong.
    pub fault: Fault,
    /// Run time at which it is injected, within the script's period.
    pub start_s: f64,
    /// How long it lasts; then it is repaired at once. What was warmed by it still cools.
    pub duration_s: f64,
    /// How long it grows until it has its full severity. Machine faults only.
    pub growth_s: f64,
    /// Severity at the end of the growth, 1 being what would stop the machine for inspection. Machine faults only.
    pub severity: f64,
    /// How it grows. Machine faults only.
    pub course: Course,
    /// It must be seen within this time of its injection.
    pub allowed_delay_s: f64,
    /// After the repair, the plant (thermal lags) and a detector's own memory need this long; an alarm that begins in it is
    /// not counted as false.
    pub recovery_s: f64,
}

/// When an episode happens: the n-th pass of the script.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence<'a> {
    /// The episode.
    pub episode: &'a Episode,
    /// Run time of the injection.
    pub injected_at_s: f64,
}

impl Occurrence<'_> {
    /// `bearing-wear`, or `sensor-drift(rig.flow)`.
    pub fn name(&self) -> String {
        let fault = &self.episode.fault;
        match fault.sensor() {
            None => fault.kind().to_owned(),
            Some(signal) => format!("{}({signal})", fault.kind()),
        }
    }

    /// Run time of the repair.
    pub fn ends_at_s(&self) -> f64 {
        self.injected_at_s + self.episode.duration_s
    }

    /// Run time at which it must have been seen.
    pub fn due_at_s(&self) -> f64 {
        self.injected_at_s + self.episode.allowed_delay_s
    }

    /// Whether an alarm that begins then is the fault's, its recovery included.
    pub fn explains(&self, time_s: f64) -> bool {
        self.injected_at_s <= time_s && time_s <= self.ends_at_s() + self.episode.recovery_s
    }
}

/// Episodes in the order of their start, none overlapping.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Script {
    /// The episodes.
    pub episodes: Vec<Episode>,
    /// Repeats after this long, if at all.
    pub repeat_s: Option<f64>,
}

/// What is wrong with a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// A sensor fault names no value signal of this plant.
    #[error("the plant has no value signal `{0}`")]
    UnknownSignal(String),
    /// The plant has no machine that this fault could strike.
    #[error("this plant cannot have the fault `{0}`")]
    NoSuchMachine(&'static str),
    /// Wires that are swapped with themselves.
    #[error("`{0}` can't be swapped with itself")]
    SwappedWithItself(String),
    /// Two episodes overlap, or stand in the wrong order, or reach past the repetition.
    #[error("episode {0} begins before the one before it ends, or ends after the script repeats")]
    Overlap(usize),
    /// A time, severity or rate is negative or not finite.
    #[error("episode {0} has a time, severity or rate that is negative or not finite")]
    NotANumber(usize),
    /// A run to failure that is not a bearing's, or not within its bounds.
    #[error("episode {0} cannot run to failure: only a bearing's can, over some time, from a severity between 0 and 1")]
    NoRunToFailure(usize),
}

/// Names that [`Script::named`] knows.
pub const SCRIPTS: [&str; 3] = ["none", "demo", "wear-out"];

impl Script {
    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// One of [`SCRIPTS`]; nothing for another name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::none()),
            "demo" => Some(Self::demo()),
            "wear-out" => Some(Self::wear_out(43_200.0, 129_600.0, Race::Outer)),
            _ => None,
        }
    }

    /// The demo's hour: fifteen normal minutes, then four faults with normal minutes between, each allowed delay ending within
    /// the hour. It repeats every hour, so that a longer run goes on showing something.
    pub fn demo() -> Self {
        let episode = |fault, start_s, duration_s, growth_s, allowed_delay_s, recovery_s| Episode {
            fault,
            start_s,
            duration_s,
            growth_s,
            severity: 1.0,
            course: Course::Linear,
            allowed_delay_s,
            recovery_s,
        };
        let drift = Fault::SensorDrift { signal: "rig.flow".to_owned(), rate_per_s: -0.025 };
        let stuck = Fault::StuckSensor { signal: "rig.discharge_pressure".to_owned() };
        Self {
            episodes: vec![
                episode(Fault::BearingWear, 900.0, 420.0, 360.0, 360.0, 300.0),
                episode(Fault::Cavitation, 1680.0, 300.0, 180.0, 180.0, 180.0),
                episode(drift, 2220.0, 420.0, 0.0, 360.0, 120.0),
                episode(stuck, 2820.0, 300.0, 0.0, 240.0, 120.0),
            ],
            repeat_s: Some(3600.0),
        }
    }

    /// A bearing that is well for `healthy_s` and then wears out, in `life_s` if it were a nominal one; hours to days. Its
    /// rate scatters by a quarter from seed to seed and wanders by as much.
    ///
    /// The script by the name `wear-out` is well for half a day and nominally wears for a day and a half. The episode lasts
    /// twice the nominal life: longer than all but a few bearings, which a failed one goes on running.
    pub fn wear_out(healthy_s: f64, life_s: f64, race: Race) -> Self {
        let wear = Wear { initial: 0.02, exponent: 1.0, spread: 0.25, wander: 0.25, race };
        let episode = Episode {
            fault: Fault::BearingWear,
            start_s: healthy_s,
            duration_s: 2.0 * life_s,
            growth_s: life_s,
            severity: 1.0,
            course: Course::ToFailure(wear),
            allowed_delay_s: life_s,
            recovery_s: 3600.0,
        };
        Self { episodes: vec![episode], repeat_s: None }
    }

    /// Checks the script against a plant's signals and whether it has a machine to break.
    pub(crate) fn check(&self, signals: &[Signal], has_machine: bool) -> Result<(), ScriptError> {
        let mut free_from_s = 0.0;
        for (at, episode) in self.episodes.iter().enumerate() {
            let numbers = [
                episode.start_s,
                episode.duration_s,
                episode.growth_s,
                episode.severity,
                episode.allowed_delay_s,
                episode.recovery_s,
                episode.fault.size(),
            ];
            if numbers.iter().any(|x| !x.is_finite() || *x < 0.0) {
                return Err(ScriptError::NotANumber(at));
            }
            if !episode.course_fits() {
                return Err(ScriptError::NoRunToFailure(at));
            }
            episode.fault.check_signals(signals, has_machine)?;
            let ends_s = episode.start_s + episode.duration_s;
            if episode.start_s < free_from_s || self.repeat_s.is_some_and(|r| ends_s > r) {
                return Err(ScriptError::Overlap(at));
            }
            free_from_s = ends_s;
        }
        Ok(())
    }

    /// What a plant plays itself, and what its instruments do around it. The rig's plants drift and stick themselves.
    pub(crate) fn split(&self, has_machine: bool) -> (Script, Script) {
        let is_own = |episode: &Episode| match &episode.fault {
            Fault::BearingWear | Fault::Cavitation => true,
            Fault::SensorDrift { signal, .. } | Fault::StuckSensor { signal } => signal.starts_with("rig."),
            _ => false,
        };
        let (own, around) = self.episodes.iter().cloned().partition(|episode| has_machine && is_own(episode));
        (Script { episodes: own, repeat_s: self.repeat_s }, Script { episodes: around, repeat_s: self.repeat_s })
    }

    /// Every episode injected at or before `until_s`, in order.
    pub fn occurrences(&self, until_s: f64) -> Vec<Occurrence<'_>> {
        let mut found = Vec::new();
        let mut base_s = 0.0;
        loop {
            let due = self.episodes.iter().filter(|e| base_s + e.start_s <= until_s);
            found.extend(due.map(|episode| Occurrence { episode, injected_at_s: base_s + episode.start_s }));
            match self.repeat_s {
                Some(repeat_s) if repeat_s > 0.0 && base_s + repeat_s <= until_s => {
                    base_s += repeat_s;
                }
                Some(_) | None => return found,
            }
        }
    }

    /// The episode in force at `time_s`, if any.
    pub fn active(&self, time_s: f64) -> Option<Occurrence<'_>> {
        let base_s = match self.repeat_s {
            Some(repeat_s) if repeat_s > 0.0 => (time_s / repeat_s).floor() * repeat_s,
            Some(_) | None => 0.0,
        };
        let episode = self.episodes.iter().find(|e| {
            let since_s = time_s - base_s - e.start_s;
            0.0 <= since_s && since_s < e.duration_s
        })?;
        Some(Occurrence { episode, injected_at_s: base_s + episode.start_s })
    }
}

impl Episode {
    /// Whether its course is one that its fault can take.
    fn course_fits(&self) -> bool {
        let Course::ToFailure(wear) = self.course else { return true };
        let scatter = [wear.spread, wear.wander];
        self.fault == Fault::BearingWear
            && self.growth_s > 0.0
            && 0.0 < wear.initial
            && wear.initial < 1.0
            && (1.0..=3.0).contains(&wear.exponent)
            && scatter.iter().all(|x| (0.0..=1.0).contains(x))
    }

    /// The severity of a machine fault of linear course `since_s` seconds after its injection.
    pub(crate) fn severity_after(&self, since_s: f64) -> f64 {
        let grown = if self.growth_s > 0.0 { (since_s / self.growth_s).min(1.0) } else { 1.0 };
        self.severity * grown
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    #[test]
    fn the_demo_script_keeps_its_promises() {
        let script = Script::demo();
        script.check(&crate::rig::signals(), true).unwrap();
        assert!(script.episodes[0].start_s >= 600.0);
        let kinds: Vec<_> = script.episodes.iter().map(|e| e.fault.kind()).collect();
        assert_eq!(kinds, ["bearing-wear", "cavitation", "sensor-drift", "stuck-sensor"]);
        for pair in script.episodes.windows(2) {
            let rest_s = pair[1].start_s - pair[0].start_s - pair[0].duration_s - pair[0].recovery_s;
            assert!(rest_s >= 0.0, "no normal stretch before {:?}", pair[1].fault);
        }
        for e in &script.episodes {
            assert!(e.start_s + e.allowed_delay_s < 3600.0);
            assert!(e.start_s + e.duration_s + e.recovery_s < 3600.0);
            assert!(e.allowed_delay_s <= e.duration_s);
        }
    }

    #[test]
    fn it_is_in_force_from_its_injection_until_just_before_its_repair() {
        let script = Script::demo();
        let name = |t: f64| script.active(t).map(|o| o.name());
        assert_eq!(name(899.9), None);
        assert_eq!(name(900.0).as_deref(), Some("bearing-wear"));
        assert_eq!(name(1319.9).as_deref(), Some("bearing-wear"));
        assert_eq!(name(1320.0), None);
        assert_eq!(name(3600.0 + 2220.0).as_deref(), Some("sensor-drift(rig.flow)"));
        assert_eq!(script.occurrences(3600.0 + 900.0).len(), 5);
        assert_eq!(script.occurrences(899.0).len(), 0);
    }

    #[test]
    fn a_script_that_does_not_fit_is_refused() {
        let signals = crate::rig::signals();
        let check = |change: fn(&mut Script)| {
            let mut script = Script::demo();
            change(&mut script);
            script.check(&signals, true)
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(check(|s| s.episodes[1].start_s = 1319.0), Err(ScriptError::Overlap(1)));
        assert_eq!(check(|s| s.episodes[1].start_s = 1320.0), Ok(()));
        assert_eq!(check(|s| s.repeat_s = Some(3000.0)), Err(ScriptError::Overlap(3)));
        assert_eq!(check(|s| s.episodes[2].growth_s = f64::NAN), Err(ScriptError::NotANumber(2)));
        let unknown = |s: &mut Script| s.episodes[3].fault = Fault::StuckSensor { signal: "rig.flux".into() };
        assert_eq!(check(unknown), Err(ScriptError::UnknownSignal("rig.flux".into())));
        let wave = |s: &mut Script| s.episodes[3].fault = Fault::StuckSensor { signal: "rig.vibration_wave".into() };
        assert_eq!(check(wave), Err(ScriptError::UnknownSignal("rig.vibration_wave".into())));
        assert_eq!(Script::demo().check(&signals, false), Err(ScriptError::NoSuchMachine("bearing-wear")));
    }
}
