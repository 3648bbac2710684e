//! Judges of alarms along a series of rows: against labels, against windows, and where nothing is wrong.

use super::{JudgeError, Judges, Metric, Trace, spans};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::{DataError, RunInput, TruthRow, read_text, truth_rows};
use dinrail_core::outcome::Results;
use dinrail_core::time::{SECOND_NS, TimeNs};
use dinrail_sim::judge::nab::{self, Corpus};
use dinrail_sim::judge::{EventRules, Events, PointCounts};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// Score and alarm by asset and time.
type Answers = HashMap<(Option<Arc<str>>, TimeNs), (f64, bool)>;

fn answers(finished: &Finished) -> Answers {
    let mut answers = Answers::new();
    for answer in &finished.answers {
        let Results::Anomalies(anomalies) = &answer.results else { continue };
        for anomaly in anomalies {
            if let Some(time_ns) = answer.times_ns.get(anomaly.row as usize) {
                answers.insert((answer.asset.clone(), *time_ns), (anomaly.score, anomaly.alarm));
            }
        }
    }
    answers
}

/// The table's rows with what the plugin said of each. A row without an answer has no alarm.
struct Judged {
    times_s: Vec<f64>,
    scores: Vec<(f64, f64)>,
    alarms: Vec<bool>,
    truth: Vec<bool>,
    unanswered: usize,
}

impl Judged {
    fn new(rows: &[TruthRow], answers: &Answers) -> Judged {
        let first_ns = rows.first().map_or(0, |row| row.time_ns);
        let mut judged = Judged {
            times_s: Vec::with_capacity(rows.len()),
            scores: Vec::new(),
            alarms: Vec::with_capacity(rows.len()),
            truth: Vec::with_capacity(rows.len()),
            unanswered: 0,
        };
        for row in rows {
            let time_s = dinrail_core::time::seconds_between(first_ns, row.time_ns);
            let answer = answers.get(&(row.asset.clone(), row.time_ns));
            judged.unanswered += usize::from(answer.is_none());
            judged.scores.extend(answer.map(|(score, _)| (time_s, *score)));
            judged.times_s.push(time_s);
            judged.alarms.push(answer.is_some_and(|(_, alarm)| *alarm));
            judged.truth.push(row.label.is_finite() && row.label != 0.0);
        }
        judged
    }

    fn trace(&self, input: &RunInput, truth: Vec<(f64, f64)>, verdict: String) -> Trace {
        Trace {
            title: input.label.clone(),
            quantity: "score".into(),
            unit: "s".into(),
            lines: vec![("score".into(), self.scores.clone())],
            truth,
            alarms: spans(&self.times_s, &self.alarms),
            verdict,
            ..Trace::default()
        }
    }
}

fn refused(input: &RunInput, why: impl std::fmt::Display) -> JudgeError {
    JudgeError::Run { run: input.label.clone(), why: why.to_string() }
}

/// Alarms against a label of each row, or against none.
pub(super) struct Detection {
    label: Option<String>,
    skip_rows: usize,
    points: PointCounts,
    events: Events,
    unanswered: usize,
}

impl Detection {
    pub(super) fn new(label: Option<String>, skip_rows: usize) -> Detection {
        Detection { label, skip_rows, points: PointCounts::default(), events: Events::default(), unanswered: 0 }
    }
}

impl Judges for Detection {
    fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let rows = truth_rows(config, self.label.as_deref())?;
        let judged = Judged::new(&rows, &answers(finished));
        let from = self.skip_rows.min(rows.len());
        let (times_s, alarms, truth) = (&judged.times_s[from..], &judged.alarms[from..], &judged.truth[from..]);
        let points = PointCounts::count(alarms, truth).map_err(|error| refused(input, error))?;
        let events =
            Events::count(times_s, alarms, truth, EventRules::default()).map_err(|error| refused(input, error))?;
        self.points.add(&points);
        self.events.add(&events);
        self.unanswered += judged.unanswered;
        let verdict = format!(
            "{} of {} abnormal rows alarmed, {} of {} normal rows",
            points.tp,
            points.tp + points.fn_,
            points.fp,
            points.fp + points.tn
        );
        Ok(judged.trace(input, spans(&judged.times_s, &judged.truth), verdict))
    }

    fn finish(&self) -> Vec<Metric> {
        let false_episodes = Metric::new("false_episodes_per_day", self.events.false_episodes_per_day());
        let false_alarms = Metric::new("false_alarm_rate", self.points.false_alarm_rate());
        let unanswered = Metric::new("rows_unanswered", self.unanswered as f64);
        if self.label.is_none() {
            return vec![false_episodes, false_alarms, unanswered];
        }
        vec![
            Metric::new("f1", self.points.f1()),
            false_alarms,
            Metric::new("missed_alarm_rate", self.points.missed_alarm_rate()),
            Metric::new("precision", self.points.precision()),
            Metric::new("recall", self.points.recall()),
            Metric::new("event_recall", self.events.found_share()),
            Metric::new("event_delay_s", self.events.mean_delay_s()),
            false_episodes,
            unanswered,
        ]
    }
}

/// Alarms against windows.
pub(super) struct Nab {
    windows: BTreeMap<String, Vec<(TimeNs, TimeNs)>>,
    profiles: [(&'static str, Corpus); 3],
}

impl Nab {
    /// The windows by file, as the benchmark's `combined_windows.json` has them.
    pub(super) fn read(folder: &Path, file: &str) -> Result<Nab, JudgeError> {
        let path = folder.join(file);
        let wrong = |why: String| DataError::Content { path: path.clone(), why };
        let text = read_text(&path)?;
        let by_file: BTreeMap<String, Vec<(String, String)>> =
            serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let time = |text: &str| {
            let civil: jiff::civil::DateTime = text.parse().map_err(|error| wrong(format!("`{text}`: {error}")))?;
            let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| wrong(format!("`{text}`: {error}")))?;
            TimeNs::try_from(zoned.timestamp().as_nanosecond()).map_err(|error| wrong(format!("`{text}`: {error}")))
        };
        let mut windows = BTreeMap::new();
        for (file, texts) in by_file {
            let times = texts.iter().map(|(from, to)| Ok((time(from)?, time(to)?)));
            windows.insert(file, times.collect::<Result<Vec<_>, DataError>>()?);
        }
        let profiles = [
            ("nab_standard", Corpus::new(nab::STANDARD)),
            ("nab_low_fp", Corpus::new(nab::REWARD_LOW_FP)),
            ("nab_low_fn", Corpus::new(nab::REWARD_LOW_FN)),
        ];
        Ok(Nab { windows, profiles })
    }

    /// The windows of a file, by the end of its path.
    fn windows_of(&self, input: &RunInput) -> Result<Vec<(TimeNs, TimeNs)>, JudgeError> {
        let found = self.windows.iter().find(|(file, _)| {
            input.label.strip_suffix(file.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        });
        let found = found.ok_or_else(|| refused(input, "the file has no entry among the windows"))?;
        Ok(found.1.clone())
    }
}

impl Judges for Nab {
    fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let windows = self.windows_of(input)?;
        let rows = truth_rows(config, None)?;
        let judged = Judged::new(&rows, &answers(finished));
        let times_ns: Vec<TimeNs> = rows.iter().map(|row| row.time_ns).collect();
        let detections = nab::rising_edges(&judged.alarms);
        let mut verdict = String::new();
        for (name, corpus) in &mut self.profiles {
            let raw = corpus.add(&times_ns, &detections, &windows).map_err(|error| refused(input, error))?;
            if verdict.is_empty() {
                verdict = format!("{name}: {:.2} of {:.0}", raw.score, raw.perfect);
            }
        }
        let first_ns = times_ns.first().copied().unwrap_or(0);
        let seconds = |time_ns: TimeNs| (time_ns - first_ns) as f64 / SECOND_NS as f64;
        let truth = windows.iter().map(|(from, to)| (seconds(*from), seconds(*to))).collect();
        Ok(judged.trace(input, truth, verdict))
    }

    fn finish(&self) -> Vec<Metric> {
        self.profiles.iter().map(|(name, corpus)| Metric::new(name, corpus.score())).collect()
    }
}
