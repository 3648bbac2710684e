//! The judge of a process that is well in a table's first rows and faulty in its last.

use super::{JudgeError, Judges, Metric, Trace, spans};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::{RunInput, truth_rows};
use crate::score::scenario::JudgedProcess;
use dinrail_core::outcome::{ChartSignal, Results};
use dinrail_core::time::TimeNs;
use dinrail_sim::judge::PointCounts;
use std::collections::HashMap;

pub(super) struct Process {
    wanted: JudgedProcess,
    /// Share of faulty rows that were alarmed, one a run.
    detected: Vec<f64>,
    /// Rows in which nothing was wrong: after learning, and just before the fault.
    normal: PointCounts,
    before: PointCounts,
    /// Rows from the fault's beginning to the first alarm, of the runs that have one.
    delays: Vec<f64>,
    /// Runs whose expected tags are known, and those that were named first most often.
    expected: usize,
    named: usize,
    unanswered: usize,
}

/// What was said of one row.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    alarm: bool,
    /// Column that the first signal speaks of.
    column: u32,
    /// The first signal's statistic over its upper limit.
    level: f64,
}

impl Process {
    pub(super) fn new(wanted: JudgedProcess) -> Process {
        Process {
            wanted,
            detected: Vec::new(),
            normal: PointCounts::default(),
            before: PointCounts::default(),
            delays: Vec::new(),
            expected: 0,
            named: 0,
            unanswered: 0,
        }
    }

    /// Whether the tag that alarms named first most often is an expected one; none where nobody knows.
    fn is_named(&self, input: &RunInput, columns: &[String], said: &[Said]) -> Option<bool> {
        let stem = input.file.as_ref()?.file_name()?.to_string_lossy().into_owned();
        let (_, tags) = self.wanted.named.iter().find(|(beginning, _)| stem.starts_with(beginning.as_str()))?;
        let mut votes: HashMap<u32, usize> = HashMap::new();
        for said in said.iter().filter(|said| said.alarm) {
            *votes.entry(said.column).or_default() += 1;
        }
        let first = votes.into_iter().max_by_key(|(column, count)| (*count, u32::MAX - column));
        let name = first.and_then(|(column, _)| columns.get(column as usize));
        Some(name.is_some_and(|name| tags.contains(name)))
    }
}

/// By time: what the first signal of a row says, and whether any of them fired.
fn by_time(finished: &Finished) -> HashMap<TimeNs, Said> {
    let mut rows: HashMap<TimeNs, Said> = HashMap::new();
    for answer in &finished.answers {
        let Results::Inspection { signals, .. } = &answer.results else { continue };
        for signal in signals {
            let Some(time_ns) = answer.times_ns.get(signal.row as usize) else { continue };
            let fired = !signal.rule.is_empty();
            rows.entry(*time_ns).and_modify(|said| said.alarm |= fired).or_insert_with(|| Said {
                alarm: fired,
                column: signal.column,
                level: level(signal),
            });
        }
    }
    rows
}

fn level(signal: &ChartSignal) -> f64 {
    if signal.upper > 0.0 { signal.statistic / signal.upper } else { signal.statistic }
}

impl Judges for Process {
    fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let refused = |why: String| JudgeError::Run { run: input.label.clone(), why };
        let answers = by_time(finished);
        let rows = truth_rows(config, None)?;
        let said: Vec<Said> = rows.iter().map(|row| answers.get(&row.time_ns).copied().unwrap_or_default()).collect();
        let JudgedProcess { learn_rows, normal_rows, before_rows, .. } = self.wanted;
        let (normal_end, faulty) = (learn_rows + normal_rows, learn_rows + normal_rows + before_rows);
        if said.len() <= faulty {
            return Err(refused(format!("the table has {} rows, the fault begins after {faulty}", said.len())));
        }
        let judged = rows[learn_rows..].iter();
        self.unanswered += judged.filter(|row| !answers.contains_key(&row.time_ns)).count();
        let alarms: Vec<bool> = said.iter().map(|said| said.alarm).collect();
        let well = |part: &[bool]| PointCounts::count(part, &vec![false; part.len()]);
        let told = |error: dinrail_sim::judge::InputError| refused(error.to_string());
        self.normal.add(&well(&alarms[learn_rows..normal_end]).map_err(told)?);
        self.before.add(&well(&alarms[normal_end..faulty]).map_err(told)?);
        let fault = &alarms[faulty..];
        let share = fault.iter().filter(|alarm| **alarm).count() as f64 / fault.len() as f64;
        self.detected.push(share);
        self.delays.extend(fault.iter().position(|alarm| *alarm).map(|rows| rows as f64));
        if let Some(right) = self.is_named(input, &finished.columns, &said[faulty..]) {
            self.expected += 1;
            self.named += usize::from(right);
        }
        let places: Vec<f64> = (0..said.len()).map(|row| row as f64).collect();
        let points =
            places.iter().copied().zip(said.iter().map(|said| said.level.min(10.0))).skip(learn_rows).collect();
        Ok(Trace {
            title: input.label.clone(),
            quantity: "distance over its limit".into(),
            unit: "row".into(),
            lines: vec![("fast".into(), points)],
            truth: vec![(faulty as f64, said.len() as f64)],
            alarms: spans(&places, &alarms),
            verdict: format!("{:.1} % of the faulty rows", 100.0 * share),
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        vec![
            Metric::new("detection_rate", mean(&self.detected)),
            Metric::new("false_alarm_rate", self.normal.false_alarm_rate()),
            Metric::new("detection_rate_worst", self.detected.iter().copied().reduce(f64::min)),
            Metric::new("false_alarm_rate_before", self.before.false_alarm_rate()),
            Metric::new("delay_rows", mean(&self.delays)),
            Metric::new("named_right", (self.expected > 0).then(|| self.named as f64 / self.expected as f64)),
            Metric::new("rows_unanswered", self.unanswered as f64),
        ]
    }
}
