//! Figures of a run: what the summary prints and the live view shows. Every number here is counted
//! from scan records; nothing is estimated.

use dinrail_core::alarm::{AlarmEvent, AlarmTransition};
use dinrail_core::guard::{Action, ActionCause, GateOutcome};
use dinrail_core::outcome::Outcome;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is counted of one plugin, over all of its instances, and who it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PluginCounts {
    /// Name in the configuration.
    pub name: String,
    /// World's name.
    pub world: &'static str,
    /// SHA-256 of the component, hex.
    pub digest: String,
    /// `running`, `restarting`, `quarantined`; of several instances the worst.
    pub state: &'static str,
    /// Instances: one, or one an asset.
    pub instances: usize,
    /// Calls that ended, whatever their outcome.
    pub calls: u64,
    /// Outcomes `faulted`.
    pub faults: u64,
    /// Outcomes `missed`.
    pub missed: u64,
    /// Outcomes `skipped`.
    pub skipped: u64,
    /// Calls in which a model saw inputs unlike those it was trained on.
    pub drifted: u64,
    /// Latest fault, for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<String>,
    /// Log lines and metrics that went past the plugin's budget.
    pub notes_dropped: u64,
    /// The plugin's own, the latest value of each; over all instances of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

/// Figures of one plugin as they grow.
#[derive(Debug)]
pub struct PluginFigures {
    /// What is counted.
    pub counts: PluginCounts,
    /// Wall time of the last call.
    pub last_call_ns: u64,
    call_ns: Histogram<u64>,
    total_call_ns: u128,
}

/// Longest call that the histogram tells apart: past an hour something else is wrong.
const MAX_CALL_NS: u64 = 3_600_000_000_000;

/// Names of a plugin's own metrics that are kept: what a page shows.
pub const MAX_METRICS: usize = 64;

impl PluginFigures {
    /// Of a plugin that has not been called yet.
    #[must_use]
    pub fn new(name: String, world: &'static str, digest: String) -> PluginFigures {
        PluginFigures {
            counts: PluginCounts { name, world, digest, state: "running", ..PluginCounts::default() },
            last_call_ns: 0,
            call_ns: Histogram::new_with_bounds(1, MAX_CALL_NS, 3)
                .expect("the bounds and three digits are within what a histogram can hold"),
            total_call_ns: 0,
        }
    }

    /// Counts one outcome.
    pub fn count(&mut self, outcome: &Outcome, duration_ns: u64) {
        match outcome {
            Outcome::Skipped(_) => {
                self.counts.skipped += 1;
                return;
            }
            Outcome::Missed => {
                self.counts.missed += 1;
                return;
            }
            Outcome::Faulted(fault) => {
                self.counts.faults += 1;
                self.counts.last_fault = Some(fault.to_string());
            }
            Outcome::Answered(_) => {}
        }
        self.counts.calls += 1;
        self.last_call_ns = duration_ns;
        self.total_call_ns += u128::from(duration_ns);
        self.call_ns.saturating_record(duration_ns.clamp(1, MAX_CALL_NS));
    }

    /// Sets a metric of the plugin's own; a name past [`MAX_METRICS`] is dropped and counted.
    pub fn gauge(&mut self, name: &str, value: f64) {
        if let Some(known) = self.counts.metrics.get_mut(name) {
            *known = value;
        } else if self.counts.metrics.len() < MAX_METRICS {
            self.counts.metrics.insert(name.to_owned(), value);
        } else {
            self.counts.notes_dropped += 1;
        }
    }

    /// Adds to one.
    pub fn add(&mut self, name: &str, add: u64) {
        let sum = self.counts.metrics.get(name).copied().unwrap_or(0.0) + add as f64;
        self.gauge(name, sum);
    }

    /// Mean wall time of a call.
    #[must_use]
    pub fn mean_call_ns(&self) -> u64 {
        u64::try_from(self.total_call_ns / u128::from(self.counts.calls.max(1))).unwrap_or(u64::MAX)
    }

    /// Longest call.
    #[must_use]
    pub fn max_call_ns(&self) -> u64 {
        if self.counts.calls == 0 { 0 } else { self.call_ns.max() }
    }

    fn quantile_us(&self, quantile: f64) -> f64 {
        if self.counts.calls == 0 { 0.0 } else { to_us(self.call_ns.value_at_quantile(quantile)) }
    }

    fn summary(&self) -> PluginSummary {
        PluginSummary {
            counts: self.counts.clone(),
            call_us: CallSummary {
                p50: self.quantile_us(0.5),
                p99: self.quantile_us(0.99),
                p999: self.quantile_us(0.999),
                max: to_us(self.max_call_ns()),
            },
        }
    }
}

fn to_us(ns: u64) -> f64 {
    (ns as f64 / 100.0).round() / 10.0
}

/// Verdicts by kind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ProposalFigures {
    /// Within all limits.
    pub accepted: u64,
    /// Cut to a limit.
    pub clamped: u64,
    /// Not applied for now.
    pub held: u64,
    /// Refused.
    pub rejected: u64,
}

/// What became of alarms.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq, Eq)]
pub struct AlarmFigures {
    /// How often one was raised and told.
    pub raised: u64,
    /// Of those: too often within a minute to tell anything.
    pub chattering: u64,
}

impl AlarmFigures {
    /// Counts a transition.
    pub fn count(&mut self, transition: &AlarmTransition) {
        if transition.event == AlarmEvent::Raised {
            self.raised += 1;
            self.chattering += u64::from(transition.chattering);
        }
    }
}

/// What the flight recorder keeps and wrote.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq, Eq)]
pub struct FlightFigures {
    /// Calls in memory.
    pub calls: u64,
    /// Bytes that they take, as they are counted.
    pub bytes: u64,
    /// The most that it ever was.
    pub bytes_max: u64,
    /// States that plugins saved.
    pub states: u64,
    /// Entries that were lost on their way from the scan.
    pub gaps: u64,
    /// Incidents written.
    pub incidents: u64,
    /// Incidents that were not: too many at once, or a disk that takes none.
    pub left_out: u64,
    /// Bytes of the incidents that were written, and of the record of the run.
    pub bytes_written: u64,
}

/// Messages over MQTT.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct MqttFigures {
    /// Handed to the outbox.
    pub published: u64,
    /// Acknowledged by the broker.
    pub acked: u64,
    /// Dropped, with the outbox full.
    pub dropped: u64,
}

/// What became of samples that came in but had no effect. Only what is above zero is printed.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq, Eq)]
pub struct SampleFigures {
    /// Applied with quality bad.
    pub bad: u64,
    /// The same again.
    pub duplicates: u64,
    /// Older than what was known.
    pub reordered: u64,
    /// Dropped at a source's inbox.
    pub dropped: u64,
    /// Rows dropped because a plugin did not take them in time.
    pub rows_dropped: u64,
    /// Records a table source could not read.
    pub malformed: u64,
    /// Sources that ended before their end.
    pub failed_sources: u64,
}

/// Items: what came in, what was said of them, and what gates did.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq, Eq)]
pub struct ItemFigures {
    /// That passed a trigger.
    pub triggers: u64,
    /// Told again by the same station.
    pub duplicates: u64,
    /// Events without an id.
    pub malformed: u64,
    /// Of a station that spoke too late.
    pub late: u64,
    /// Of a station, where the trigger told nothing.
    pub untriggered: u64,
    /// Without encoder counts at the trigger.
    pub unplaced: u64,
    /// Handed over with something missing.
    pub incomplete: u64,
    /// Pictures that could not be read.
    pub bad_pictures: u64,
    /// Dropped, because a plugin did not take them in time.
    pub dropped: u64,
    /// Handed to a plugin.
    pub handed: u64,
    /// Verdicts on them.
    pub verdicts: u64,
    /// That left a gate, by what they were owed.
    pub passed: u64,
    /// Owed rework.
    pub reworked: u64,
    /// Owed to be taken out.
    pub rejected: u64,
    /// For which the line was stopped, and did not stop in time.
    pub overrun: u64,
    /// At a gate without a verdict: the default, or an operator, decided.
    pub without_verdict: u64,
    /// That went past unseen, or were lost.
    pub unseen: u64,
    /// That left a gate which did not stand as it was owed all the while.
    pub not_done: u64,
}

impl ItemFigures {
    /// Counts an item that left a gate.
    pub fn leave(&mut self, left: &GateOutcome) {
        match left.action {
            Action::Pass => self.passed += 1,
            Action::Rework => self.reworked += 1,
            Action::Reject => self.rejected += 1,
            Action::Stop => self.overrun += 1,
        }
        match left.cause {
            ActionCause::Verdict => {}
            ActionCause::NoVerdict | ActionCause::Operator => self.without_verdict += 1,
            ActionCause::Unseen | ActionCause::Lost => self.unseen += 1,
        }
        self.not_done += u64::from(!left.done);
    }

    /// What came in, from the controller; what left, from here.
    #[must_use]
    pub fn with_gates_of(self, gates: &ItemFigures) -> ItemFigures {
        ItemFigures {
            passed: gates.passed,
            reworked: gates.reworked,
            rejected: gates.rejected,
            overrun: gates.overrun,
            without_verdict: gates.without_verdict,
            unseen: gates.unseen,
            not_done: gates.not_done,
            ..self
        }
    }
}

/// A scripted fault and when it was seen.
#[derive(Clone, Debug, Serialize)]
pub struct DetectionSummary {
    /// Its name.
    pub fault: String,
    /// Run time since the plant's start, seconds.
    pub injected_at: f64,
    /// Seconds until it was seen; null: not within the allowed delay.
    pub delay_s: Option<f64>,
}

/// The reactor's result.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ReactorSummary {
    /// Mean true profit of the last tenth of the run over the optimum.
    pub profit_ratio: Option<f64>,
    /// Mean true profit of the first tenth over the optimum, for comparison.
    pub profit_ratio_at_start: Option<f64>,
}

/// A plugin in the summary.
#[derive(Clone, Debug, Serialize)]
pub struct PluginSummary {
    /// What was counted; its state at the end of the run.
    #[serde(flatten)]
    pub counts: PluginCounts,
    /// Wall time of a call.
    pub call_us: CallSummary,
}

/// Quantiles of a plugin's calls, microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CallSummary {
    /// Median.
    pub p50: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p999: f64,
    /// Longest.
    pub max: f64,
}

/// The whole run, as `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Version of the time zone database that local times were reckoned with.
    pub time_zone_database: &'static str,
    /// Scans done.
    pub scans: u64,
    /// Scans that ended after the next one's time.
    pub overruns: u64,
    /// Samples applied to the process image.
    pub samples_in: u64,
    /// Samples that were bad or had no effect.
    pub samples: SampleFigures,
    /// Alarm episodes, and episodes in which a sensor was in doubt.
    pub findings: u64,
    /// Alarms of the configuration and of the host.
    pub alarms: AlarmFigures,
    /// Results of plugins, of every kind.
    pub results: u64,
    /// Inferences done.
    pub inferences: u64,
    /// Verdicts.
    pub proposals: ProposalFigures,
    /// Commands given.
    pub commands: u64,
    /// Where items are configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<ItemFigures>,
    /// Messages over MQTT, all links together.
    pub mqtt: MqttFigures,
    /// Each plugin.
    pub plugins: Vec<PluginSummary>,
    /// Where the plant has a reactor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reactor: Option<ReactorSummary>,
    /// Where the plant has a fault script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detections: Option<Vec<DetectionSummary>>,
    /// Where the plant has a fault script: alarm episodes outside every fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub false_episodes: Option<u64>,
    /// Where calls are kept for incidents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorder: Option<FlightFigures>,
    /// Records that a sink could not take.
    pub sink_errors: u64,
    /// Records of scans that the recorder had no room for.
    pub records_dropped: u64,
    /// Wall time from the process's start to the first scan, seconds.
    pub first_scan_s: f64,
    /// Wall time from the first scan to the last, seconds.
    pub wall_s: f64,
    /// Run time from the first scan to the last, seconds.
    pub run_s: f64,
}

/// Everything counted so far.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Scans recorded.
    pub scans: u64,
    /// Samples applied.
    pub samples_in: u64,
    /// The others.
    pub samples: SampleFigures,
    /// Findings.
    pub findings: u64,
    /// Alarms.
    pub alarms: AlarmFigures,
    /// Results.
    pub results: u64,
    /// Inferences.
    pub inferences: u64,
    /// Verdicts.
    pub proposals: ProposalFigures,
    /// Commands.
    pub commands: u64,
    /// Items; none where none are configured.
    pub items: Option<ItemFigures>,
    /// By index of the plugin in the configuration.
    pub plugins: Vec<PluginFigures>,
    /// Sink failures.
    pub sink_errors: u64,
    /// What the flight recorder keeps; none where it keeps nothing.
    pub recorder: Option<FlightFigures>,
}

impl Statistics {
    /// The summary's part that is counted here; the caller adds the rest.
    #[must_use]
    pub fn plugin_summaries(&self) -> Vec<PluginSummary> {
        self.plugins.iter().map(PluginFigures::summary).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dinrail_core::outcome::{Fault, Results};

    #[test]
    fn every_outcome_counts_once() {
        let mut figures = PluginFigures::new("p".into(), "anomaly-detection", String::new());
        figures.count(&Outcome::Answered(Results::Anomalies(vec![])), 2_000);
        figures.count(&Outcome::Faulted(Fault::Trap("unreachable".into())), 4_000);
        figures.count(&Outcome::Missed, 0);
        figures.count(&Outcome::Skipped("restarting"), 0);
        let summary = figures.summary();
        assert_eq!(
            (summary.counts.calls, summary.counts.faults, summary.counts.missed, summary.counts.skipped),
            (2, 1, 1, 1)
        );
        assert_eq!(figures.mean_call_ns(), 3_000);
        assert!((3.9..=4.1).contains(&summary.call_us.max), "{:?}", summary.call_us);
        assert!(summary.counts.last_fault.is_some_and(|fault| fault.contains("unreachable")));
    }

    #[test]
    fn a_plugins_own_metrics_are_bounded() {
        let mut figures = PluginFigures::new("p".into(), "anomaly-detection", String::new());
        for index in 0..MAX_METRICS + 3 {
            figures.gauge(&format!("m{index}"), index as f64);
        }
        figures.add("m0", 5);
        let summary = figures.summary();
        assert_eq!((summary.counts.metrics.len(), summary.counts.notes_dropped), (MAX_METRICS, 3));
        assert_eq!(summary.counts.metrics["m0"], 5.0);
    }

    #[test]
    fn no_call_no_time() {
        let figures = PluginFigures::new("p".into(), "anomaly-detection", String::new());
        let summary = figures.summary();
        assert_eq!((summary.call_us.p50, summary.call_us.max), (0.0, 0.0));
    }
}
