//! Operating states: a baseline for each, nothing learnt from the rows between two, and silence where it is asked for.
//!
//! A machine that idles, heats up and presses has three kinds of normal. Each value of the bound phase gets a method of its
//! own, which learns from its first rows in that state and goes on where it was when the state comes again.

use dinrail_sdk::Fault;
use serde::{Deserialize, Serialize};

use crate::detector::Detector;
use crate::series::Series;

/// States that are kept apart, at most: each holds its first rows while it learns.
pub(crate) const STATES_MAX: usize = 8;

/// What judges the rows of one state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Method {
    /// Channels against each other and their calibration.
    Channels(Box<Detector>),
    /// One signal against its own past.
    Series(Box<Series>),
}

impl Method {
    /// `name` as the parameter has it; one signal alone is a series unless it is said otherwise.
    pub(crate) fn new(name: &str, signals: usize, channels: usize, warmup: usize) -> Result<Self, Fault> {
        let alone = signals == 1 && channels == 1;
        match name {
            "series" if !alone => Err(Fault::Configuration(format!(
                "`method` = \"series\" judges one signal alone; {signals} tags and their waveforms are {channels} channels"
            ))),
            "channels" => Ok(Method::Channels(Box::new(Detector::new(channels)))),
            _ if alone => Ok(Method::Series(Box::new(Series::new(warmup)))),
            _ => Ok(Method::Channels(Box::new(Detector::new(channels)))),
        }
    }

    /// Whether what a saved state holds can take this one's place.
    fn admits(&self, saved: &Method, channels: usize, warmup: usize) -> bool {
        match (self, saved) {
            (Method::Channels(_), Method::Channels(detector)) => detector.is_sound(channels),
            (Method::Series(_), Method::Series(series)) => series.is_sound(warmup),
            (Method::Channels(_), Method::Series(_)) | (Method::Series(_), Method::Channels(_)) => false,
        }
    }

    /// About how many bytes its state takes.
    fn size_hint(&self) -> usize {
        match self {
            Method::Channels(detector) => 1 + detector.size_hint(),
            Method::Series(series) => 1 + series.size_hint(),
        }
    }
}

/// What is asked of states.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    /// Rows after a change of state that are neither judged nor learnt from.
    pub(crate) settle: u32,
    /// States in which nothing is judged.
    pub(crate) silent: Vec<i64>,
}

impl Rules {
    /// `silent` as the parameter has it: whole numbers with commas between.
    pub(crate) fn new(settle: usize, silent: &str) -> Result<Self, Fault> {
        let number = |text: &str| {
            let whole = text.trim().parse();
            whole.map_err(|_| Fault::Configuration(format!("`silent` should list whole numbers, `{text}` is none")))
        };
        let listed = silent.split(',').filter(|text| !text.trim().is_empty());
        Ok(Rules {
            settle: u32::try_from(settle).unwrap_or(u32::MAX),
            silent: listed.map(number).collect::<Result<_, _>>()?,
        })
    }
}

/// The states that were seen, each with its method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct States {
    /// What a new state begins with.
    fresh: Method,
    known: Vec<(i64, Method)>,
    current: Option<i64>,
    /// Rows of the current state since it was entered.
    since: u32,
}

impl States {
    /// None seen yet.
    pub(crate) fn new(fresh: Method) -> Self {
        States { fresh, known: Vec::new(), current: None, since: u32::MAX }
    }

    /// The method that judges a row of this phase; none where nothing is to be judged: the phase is unknown, has just
    /// changed, is silent, or is one too many.
    pub(crate) fn enter(&mut self, phase: Option<f64>, rules: &Rules) -> Option<&mut Method> {
        let Some(phase) = phase.filter(|phase| phase.is_finite()) else {
            // What comes next is a change, whatever it is.
            self.current = None;
            self.since = 0;
            return None;
        };
        // A float as large as any becomes the nearest whole number that there is.
        let phase = phase.round() as i64;
        let first = self.known.is_empty() && self.current.is_none() && self.since == u32::MAX;
        if self.current != Some(phase) {
            self.current = Some(phase);
            // The state that it begins in was not entered.
            self.since = if first { rules.settle } else { 0 };
        }
        self.since = self.since.saturating_add(1).min(u32::MAX - 1);
        if self.since <= rules.settle || rules.silent.contains(&phase) {
            return None;
        }
        if !self.known.iter().any(|(known, _)| *known == phase) {
            if self.known.len() == STATES_MAX {
                return None;
            }
            self.known.push((phase, self.fresh.clone()));
        }
        self.known.iter_mut().find(|(known, _)| *known == phase).map(|(_, method)| method)
    }

    /// Whether a state came that no room was left for.
    pub(crate) fn is_full(&self) -> bool {
        let current = self.current;
        self.known.len() == STATES_MAX
            && current.is_some_and(|phase| self.known.iter().all(|(known, _)| *known != phase))
    }

    /// Whether what was saved can take this one's place.
    pub(crate) fn admits(&self, saved: &States, channels: usize, warmup: usize) -> bool {
        let methods = saved.known.iter().map(|(_, method)| method);
        saved.known.len() <= STATES_MAX
            && self.fresh == saved.fresh
            && methods.into_iter().all(|method| self.fresh.admits(method, channels, warmup))
    }

    /// About how many bytes its state takes.
    pub(crate) fn size_hint(&self) -> usize {
        self.fresh.size_hint() + self.known.iter().map(|(_, method)| 10 + method.size_hint()).sum::<usize>() + 32
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn states() -> States {
        States::new(Method::new("channels", 2, 2, 100).unwrap())
    }

    #[test]
    fn the_first_state_needs_no_settling_and_a_later_one_does() {
        let rules = Rules { settle: 2, silent: vec![] };
        let mut states = states();
        let judged: Vec<bool> = [1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0]
            .iter()
            .map(|phase| states.enter(Some(*phase), &rules).is_some())
            .collect();
        assert_eq!(judged, [true, true, false, false, true, false, false, true]);
        assert_eq!(states.known.len(), 2);
    }

    #[test]
    fn an_unknown_phase_is_not_judged_and_what_follows_it_settles() {
        let rules = Rules { settle: 1, silent: vec![] };
        let mut states = states();
        let phases = [Some(1.0), None, Some(f64::NAN), Some(1.0), Some(1.0)];
        let judged: Vec<bool> = phases.iter().map(|phase| states.enter(*phase, &rules).is_some()).collect();
        assert_eq!(judged, [true, false, false, false, true]);
    }

    #[test]
    fn silent_states_learn_nothing_and_too_many_are_said() {
        let rules = Rules::new(0, "0, 9").unwrap();
        let mut states = states();
        assert!(states.enter(Some(0.0), &rules).is_none() && states.known.is_empty());
        for phase in 1..=STATES_MAX {
            assert!(states.enter(Some(phase as f64), &rules).is_some() && !states.is_full());
        }
        assert!(states.enter(Some(77.0), &rules).is_none() && states.is_full());
        assert!(states.enter(Some(1.0), &rules).is_some() && !states.is_full());
        assert!(Rules::new(0, "1, two").is_err());
    }
}
