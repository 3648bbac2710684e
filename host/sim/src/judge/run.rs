//! What a controller achieved, measured against the plant's truth.
//!
//! [`Detections`] compares alarms with a fault script; [`ProfitRatio`] compares a run's last tenth with the optimum.

use crate::fault::{Occurrence, Script};

/// What one plugin said in one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding<'a> {
    /// Which plugin (and asset) said so. Alarm episodes are counted for each on its own.
    pub plugin: &'a str,
    /// Whether its alarm stands.
    pub alarm: bool,
    /// Whether the result is uncertain: a sensor is in doubt, not the machine.
    pub uncertain: bool,
    /// The tags that it names as contributing.
    pub named: &'a [&'a str],
}

/// A scripted fault, and how long it took to be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// [`Occurrence::name`].
    pub fault: String,
    /// Run time of the injection.
    pub injected_at_s: f64,
    /// From the injection to the first sign of it; none where it was not seen within the allowed delay.
    pub delay_s: Option<f64>,
}

/// Watches the findings of a run beside its script.
///
/// A machine fault is seen by an alarm that begins between its injection and the end of its allowed delay; a sensor fault
/// also by an uncertain result that names its signal. An alarm that stands already at the injection sees nothing.
#[derive(Debug, Clone)]
pub struct Detections {
    script: Script,
    /// The alarm of each plugin, by name, as it stands.
    standing: Vec<(String, bool)>,
    /// Run times at which an alarm began, bounded by [`MAX_EPISODES`].
    began_s: Vec<f64>,
    /// When, by occurrence, an uncertain result named its signal first.
    doubted_s: Vec<(f64, f64)>,
    false_episodes: u64,
    episodes: u64,
}

/// Alarm episodes that are remembered for the detections; a run that has more has lost its meaning, and they are still counted.
const MAX_EPISODES: usize = 100_000;

impl Detections {
    /// For a plant that runs `script`.
    pub fn new(script: Script) -> Self {
        Self {
            script,
            standing: Vec::new(),
            began_s: Vec::new(),
            doubted_s: Vec::new(),
            false_episodes: 0,
            episodes: 0,
        }
    }

    /// Takes one result, given for a row of this run time. Times of one plugin must not fall.
    pub fn observe(&mut self, time_s: f64, finding: Finding<'_>) {
        if self.rises(finding) {
            self.episodes += 1;
            if !self.script.occurrences(time_s).iter().any(|o| o.explains(time_s)) {
                self.false_episodes += 1;
            }
            if self.began_s.len() < MAX_EPISODES {
                self.began_s.push(time_s);
            }
        }
        if finding.uncertain
            && let Some(occurrence) = self.script.active(time_s)
            && let Some(signal) = occurrence.episode.fault.sensor()
            && finding.named.contains(&signal)
        {
            let injected_at_s = occurrence.injected_at_s;
            if !self.doubted_s.iter().any(|(at, _)| *at == injected_at_s) {
                self.doubted_s.push((injected_at_s, time_s));
            }
        }
    }

    /// Whether this finding begins an alarm episode of its plugin.
    fn rises(&mut self, finding: Finding<'_>) -> bool {
        match self.standing.iter_mut().find(|(name, _)| name == finding.plugin) {
            Some((_, stood)) => !std::mem::replace(stood, finding.alarm) && finding.alarm,
            None => {
                self.standing.push((finding.plugin.to_owned(), finding.alarm));
                finding.alarm
            }
        }
    }

    /// The faults whose allowed delay ended by `run_s`, in order.
    pub fn detections(&self, run_s: f64) -> Vec<Detection> {
        let occurrences = self.script.occurrences(run_s);
        let ended = occurrences.iter().filter(|o| o.due_at_s() <= run_s);
        ended
            .map(|o| Detection {
                fault: o.name(),
                injected_at_s: o.injected_at_s,
                delay_s: self.seen_at_s(o).map(|at_s| at_s - o.injected_at_s),
            })
            .collect()
    }

    fn seen_at_s(&self, occurrence: &Occurrence<'_>) -> Option<f64> {
        let doubts = self.doubted_s.iter().filter(|(at, _)| *at == occurrence.injected_at_s);
        let signs = self.began_s.iter().copied().chain(doubts.map(|(_, seen_s)| *seen_s));
        signs.filter(|t| occurrence.injected_at_s <= *t && *t <= occurrence.due_at_s()).min_by(f64::total_cmp)
    }

    /// Alarm episodes that began outside every fault and its recovery.
    pub fn false_episodes(&self) -> u64 {
        self.false_episodes
    }

    /// All alarm episodes.
    pub fn episodes(&self) -> u64 {
        self.episodes
    }
}

/// The mean true profit of a run's last tenth over the optimum.
///
/// The run's length is not known ahead, so means of equal stretches are kept; when there are too many, neighbours merge.
#[derive(Debug, Clone)]
pub struct ProfitRatio {
    optimum: f64,
    first: Option<f64>,
    stretch_s: f64,
    /// Sum and number of the observations of each stretch.
    stretches: Vec<(f64, u64)>,
    last_s: f64,
}

/// At least half of this many stretches cover a run: the tenth is exact to a 1/1024 of the run.
const MAX_STRETCHES: usize = 2048;

impl ProfitRatio {
    /// Against this optimum.
    pub fn new(optimum: f64) -> Self {
        Self { optimum, first: None, stretch_s: 1.0, stretches: Vec::new(), last_s: 0.0 }
    }

    /// Takes the true profit at a run time, times not falling.
    pub fn observe(&mut self, time_s: f64, profit: f64) {
        if !(time_s.is_finite() && time_s >= 0.0 && profit.is_finite()) {
            return;
        }
        self.first.get_or_insert(profit);
        self.last_s = self.last_s.max(time_s);
        let mut at = (time_s / self.stretch_s) as usize;
        while at >= MAX_STRETCHES {
            let merged = self.stretches.chunks(2);
            self.stretches =
                merged.map(|pair| pair.iter().fold((0.0, 0), |sum, (s, n)| (sum.0 + s, sum.1 + n))).collect();
            self.stretch_s *= 2.0;
            at = (time_s / self.stretch_s) as usize;
        }
        if self.stretches.len() <= at {
            self.stretches.resize(at + 1, (0.0, 0));
        }
        if let Some((sum, n)) = self.stretches.get_mut(at) {
            *sum += profit;
            *n += 1;
        }
    }

    /// The ratio of the run so far; none before the first observation.
    pub fn ratio(&self) -> Option<f64> {
        let from = (0.9 * self.last_s / self.stretch_s) as usize;
        let tail = self.stretches.get(from..)?;
        let (sum, n) = tail.iter().fold((0.0, 0), |all, (s, n)| (all.0 + s, all.1 + n));
        (n > 0).then(|| sum / n as f64 / self.optimum)
    }

    /// The ratio at the first observation.
    pub fn first_ratio(&self) -> Option<f64> {
        self.first.map(|profit| profit / self.optimum)
    }

    /// Whether the last tenth was better than the beginning.
    pub fn rose(&self) -> bool {
        self.ratio() > self.first_ratio()
    }
}

#[cfg(test)]
mod tests;
