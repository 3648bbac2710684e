//! Judges of alarms along a series of rows: against labels, against windows, and where nothing is wrong.

use super::{JudgeError, Judges, Metric, Trace, spans};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::{DataError, RunInput, TruthRow, read_text, truth_rows};
use dinrail_core::outcome::Results;
use dinrail_core::time::{SECOND_NS, TimeNs};
use dinrail_sim::judge::nab::{self, Corpus};
use dinrail_sim::judge::{EventRules, Events, InputError, PointCounts};
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

/// One asset's rows of the table with what the plugin said of each. A row without an answer has no alarm.
#[derive(Default)]
struct Judged {
    asset: Option<Arc<str>>,
    times_s: Vec<f64>,
    scores: Vec<(f64, f64)>,
    alarms: Vec<bool>,
    /// What the label says; none where there is no usable one.
    truth: Vec<Option<bool>>,
    unanswered: usize,
}

impl Judged {
    /// The rows of a table, each asset's by themselves: assets stand in it interleaved, and each has an instance of
    /// the plugin.
    fn by_asset(rows: &[TruthRow], answers: &Answers) -> Vec<Judged> {
        let first_ns = rows.iter().map(|row| row.time_ns).min().unwrap_or(0);
        let mut all: Vec<Judged> = Vec::new();
        let mut place: HashMap<Option<Arc<str>>, usize> = HashMap::new();
        for row in rows {
            let at = *place.entry(row.asset.clone()).or_insert(all.len());
            if at == all.len() {
                all.push(Judged { asset: row.asset.clone(), ..Judged::default() });
            }
            let Some(judged) = all.get_mut(at) else { continue };
            let answer = answers.get(&(row.asset.clone(), row.time_ns));
            judged.add(dinrail_core::time::seconds_between(first_ns, row.time_ns), row.label, answer);
        }
        all
    }

    fn add(&mut self, time_s: f64, label: f64, answer: Option<&(f64, bool)>) {
        self.unanswered += usize::from(answer.is_none());
        self.scores.extend(answer.map(|(score, _)| (time_s, *score)));
        self.times_s.push(time_s);
        self.alarms.push(answer.is_some_and(|(_, alarm)| *alarm));
        self.truth.push(label.is_finite().then_some(label != 0.0));
    }

    /// Name of the score's line.
    fn name(&self) -> String {
        self.asset.as_ref().map_or_else(|| "score".to_owned(), |asset| format!("score of {asset}"))
    }
}

fn trace(all: Vec<Judged>, input: &RunInput, truth: Vec<(f64, f64)>, verdict: String) -> Trace {
    Trace {
        title: input.label.clone(),
        quantity: "score".into(),
        unit: "s".into(),
        truth,
        alarms: all.iter().flat_map(|judged| spans(&judged.times_s, &judged.alarms)).collect(),
        lines: all.into_iter().map(|judged| (judged.name(), judged.scores)).collect(),
        verdict,
        ..Trace::default()
    }
}

fn refused(input: &RunInput, why: impl std::fmt::Display) -> JudgeError {
    JudgeError::Run { run: input.label.clone(), why: why.to_string() }
}

/// Alarms against a label of each row, or against none.
pub(super) struct Detection {
    label: Option<String>,
    /// Of each asset.
    skip_rows: usize,
    points: PointCounts,
    events: Events,
    unanswered: usize,
    /// Rows whose label says nothing: neither right nor wrong, and not judged.
    unlabelled: usize,
}

impl Detection {
    pub(super) fn new(label: Option<String>, skip_rows: usize) -> Detection {
        let (points, events) = (PointCounts::default(), Events::default());
        Detection { label, skip_rows, points, events, unanswered: 0, unlabelled: 0 }
    }

    /// Counts one asset's rows, but for those to learn from and those without a label.
    fn count(&mut self, judged: &Judged) -> Result<PointCounts, InputError> {
        let (mut times_s, mut alarms, mut truth) = (Vec::new(), Vec::new(), Vec::new());
        let rows = judged.times_s.iter().zip(&judged.alarms).zip(&judged.truth);
        for ((time_s, alarm), label) in rows.skip(self.skip_rows) {
            // Without a label in the scenario nothing is wrong anywhere.
            let Some(wrong) = (if self.label.is_some() { *label } else { Some(false) }) else {
                self.unlabelled += 1;
                continue;
            };
            times_s.push(*time_s);
            alarms.push(*alarm);
            truth.push(wrong);
        }
        let points = PointCounts::count(&alarms, &truth)?;
        self.points.add(&points);
        self.events.add(&Events::count(&times_s, &alarms, &truth, EventRules::default())?);
        self.unanswered += judged.unanswered;
        Ok(points)
    }
}

impl Judges for Detection {
    fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        if let Some(label) = self.label.as_ref().filter(|label| finished.columns.contains(label)) {
            let why = format!("the plugin is given `{label}`, by which it is judged; leave it out of its inputs");
            return Err(refused(input, why));
        }
        let rows = truth_rows(config, self.label.as_deref())?;
        let all = Judged::by_asset(&rows, &answers(finished));
        let mut points = PointCounts::default();
        let mut truth = Vec::new();
        for judged in &all {
            points.add(&self.count(judged).map_err(|error| refused(input, error))?);
            let wrong: Vec<bool> = judged.truth.iter().map(|label| *label == Some(true)).collect();
            truth.extend(spans(&judged.times_s, &wrong));
        }
        let verdict = format!(
            "{} of {} abnormal rows alarmed, {} of {} normal rows",
            points.tp,
            points.tp + points.fn_,
            points.fp,
            points.fp + points.tn
        );
        Ok(trace(all, input, truth, verdict))
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
            Metric::new("rows_without_label", self.unlabelled as f64),
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
        let all = Judged::by_asset(&rows, &answers(finished));
        let [judged] = all.as_slice() else {
            let why = format!("the windows are of one series, and the table has {} assets", all.len());
            return Err(refused(input, why));
        };
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
        Ok(trace(all, input, truth, verdict))
    }

    fn finish(&self) -> Vec<Metric> {
        self.profiles.iter().map(|(name, corpus)| Metric::new(name, corpus.score())).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn row(asset: &str, second: i64, label: f64) -> TruthRow {
        TruthRow { asset: Some(asset.into()), time_ns: second * SECOND_NS as i64, label }
    }

    #[test]
    fn assets_are_judged_each_by_itself() {
        // Two assets in turn: `a` is wrong and alarmed in its last two rows, `b` never.
        let rows: Vec<TruthRow> = (0..6)
            .flat_map(|second| [row("a", second, f64::from(u8::from(second > 3))), row("b", second, 0.0)])
            .collect();
        let said = |row: &TruthRow| ((row.asset.clone(), row.time_ns), (1.0, row.label != 0.0));
        let all = Judged::by_asset(&rows, &rows.iter().map(said).collect());
        assert_eq!(all.iter().map(Judged::name).collect::<Vec<_>>(), ["score of a", "score of b"]);
        let mut detection = Detection::new(Some("wrong".into()), 1);
        for judged in &all {
            detection.count(judged).unwrap();
        }
        // Interleaved, the rows of `b` would cut the event and the alarm in two.
        assert_eq!((detection.events.events, detection.events.episodes), (1, 1));
        assert_eq!((detection.points.tp, detection.points.tn), (2, 8), "the first row of each is skipped");
    }

    #[test]
    fn a_row_without_label_is_counted_and_not_judged() {
        let labels = [0.0, 1.0, f64::NAN, 0.0];
        let rows: Vec<TruthRow> = labels.iter().zip(0..).map(|(label, second)| row("a", second, *label)).collect();
        let all = Judged::by_asset(&rows, &Answers::new());
        let mut detection = Detection::new(Some("wrong".into()), 0);
        let points = detection.count(&all[0]).unwrap();
        assert_eq!((points.fn_, points.tn, detection.unlabelled, detection.unanswered), (1, 2, 1, 4));
        // Where the scenario has no label, every row is normal.
        let mut normal = Detection::new(None, 0);
        assert_eq!((normal.count(&all[0]).unwrap().tn, normal.unlabelled), (4, 0));
    }
}
