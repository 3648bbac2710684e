//! The judge of a simulated plant's scripted faults.

use super::{JudgeError, Judges, Metric, Trace, spans};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::RunInput;
use dinrail_core::outcome::{Anomaly, Results};
use dinrail_core::tag::Quality;
use std::collections::BTreeMap;

const DAY_S: f64 = 86_400.0;

#[derive(Default)]
pub(super) struct Faults {
    /// By kind of fault: tags that an alarm may be led by.
    expected: BTreeMap<String, Vec<String>>,
    due: usize,
    seen: usize,
    named_right: usize,
    /// Faults of a sensor that were told as the machine's.
    mistaken: usize,
    of_sensors: usize,
    false_episodes: u64,
    /// Run time of the rows that the plugin judged: neither calibrating nor without an answer.
    judged_s: f64,
}

impl Faults {
    pub(super) fn new(expected: BTreeMap<String, Vec<String>>) -> Faults {
        Faults { expected, ..Faults::default() }
    }
}

/// What a plugin said of a moment: seconds from the start, and the finding.
type Said<'a> = (f64, &'a Anomaly);

/// The name of the largest contribution.
fn leader<'a>(anomaly: &Anomaly, columns: &'a [String]) -> Option<&'a str> {
    let first = anomaly.contributions.first()?;
    columns.get(first.column as usize).map(String::as_str)
}

/// `sensor-drift(rig.flow)` as its kind and its signal.
fn parts(fault: &str) -> (&str, Option<&str>) {
    match fault.split_once('(') {
        Some((kind, signal)) => (kind, signal.strip_suffix(')')),
        None => (fault, None),
    }
}

impl Judges for Faults {
    fn observe(&mut self, input: &RunInput, _config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let first_ns = finished.answers.first().and_then(|answer| answer.times_ns.first()).copied().unwrap_or(0);
        let mut said: Vec<Said<'_>> = Vec::new();
        for answer in &finished.answers {
            let Results::Anomalies(anomalies) = &answer.results else { continue };
            for anomaly in anomalies {
                let time_ns = answer.times_ns.get(anomaly.row as usize).copied().unwrap_or(first_ns);
                said.push((dinrail_core::time::seconds_between(first_ns, time_ns), anomaly));
            }
        }
        let summary = &finished.summary;
        for detection in summary.detections.iter().flatten() {
            self.due += 1;
            let (kind, signal) = parts(&detection.fault);
            let Some(delay_s) = detection.delay_s else { continue };
            self.seen += 1;
            let at_s = detection.injected_at + delay_s;
            let first = said.iter().find(|(time_s, finding)| {
                at_s - 1e-6 <= *time_s && (finding.alarm || finding.quality == Quality::Uncertain)
            });
            let named = first.and_then(|(_, finding)| leader(finding, &finished.columns));
            self.named_right += usize::from(match signal {
                Some(signal) => named == Some(signal),
                None => self
                    .expected
                    .get(kind)
                    .is_none_or(|tags| named.is_some_and(|named| tags.iter().any(|tag| tag == named))),
            });
            if signal.is_some() {
                self.of_sensors += 1;
                self.mistaken += usize::from(first.is_some_and(|(_, finding)| finding.alarm));
            }
        }
        self.false_episodes += summary.false_episodes.unwrap_or_else(|| alarm_episodes(&said));
        let judged = said.iter().filter(|(_, finding)| finding.quality != Quality::Bad).count();
        let step_s = said.last().map_or(0.0, |(last_s, _)| last_s / said.len().max(2).saturating_sub(1) as f64);
        self.judged_s += judged as f64 * step_s;
        let (times_s, alarms): (Vec<f64>, Vec<bool>) = said.iter().map(|(at, finding)| (*at, finding.alarm)).unzip();
        let truth = summary.detections.iter().flatten();
        Ok(Trace {
            title: input.label.clone(),
            quantity: "score".into(),
            unit: "s".into(),
            lines: vec![("score".into(), said.iter().map(|(at, finding)| (*at, finding.score)).collect())],
            truth: truth.map(|fault| (fault.injected_at, fault.injected_at + fault.delay_s.unwrap_or(0.0))).collect(),
            alarms: spans(&times_s, &alarms),
            verdict: format!("{} false episodes", summary.false_episodes.unwrap_or_else(|| alarm_episodes(&said))),
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let per_day = (self.judged_s > 0.0).then(|| self.false_episodes as f64 / (self.judged_s / DAY_S));
        let mut metrics =
            vec![Metric::new("false_episodes_per_day", per_day), Metric::new("judged_days", self.judged_s / DAY_S)];
        if self.due > 0 {
            metrics.push(Metric::new("faults_seen", share(self.seen, self.due)));
            metrics.push(Metric::new("named_right", share(self.named_right, self.due)));
            metrics.push(Metric::new("sensor_faults_told_as_machine", share(self.mistaken, self.of_sensors)));
        }
        metrics
    }
}

/// In a plant without script every alarm is a false one.
fn alarm_episodes(said: &[Said<'_>]) -> u64 {
    let mut stood = false;
    let rises = said.iter().filter(|(_, finding)| !std::mem::replace(&mut stood, finding.alarm) && finding.alarm);
    rises.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_kind_and_perhaps_a_signal() {
        assert_eq!(parts("bearing-wear"), ("bearing-wear", None));
        assert_eq!(parts("sensor-drift(rig.flow)"), ("sensor-drift", Some("rig.flow")));
    }
}
