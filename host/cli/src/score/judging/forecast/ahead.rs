//! What each series' last row told of the time after it, against a file that says what came: M4's way.

use super::{Steps, Tally, drawing, mean, metric, refused, steps_of};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::{DataError, RunInput, TruthRow, read_text, truth_rows};
use crate::score::judging::{JudgeError, Judges, Metric, Trace};
use dinrail_core::time::TimeNs;
use dinrail_sim::judge::InputError;
use dinrail_sim::judge::forecast as measure;
use std::collections::BTreeMap;
use std::path::Path;

/// Rows before the forecast that are drawn, in horizons.
const DRAWN_HORIZONS: usize = 3;

pub(in crate::score::judging) struct Ahead {
    tag: String,
    season: usize,
    /// What came, by series.
    truth: BTreeMap<String, Vec<f64>>,
    figures: Figures,
    tally: Tally,
    unanswered: usize,
    /// Series whose past repeats itself exactly, so that nothing scales their errors.
    without_scale: usize,
}

/// By series.
#[derive(Default)]
struct Figures {
    smape: Vec<f64>,
    mase: Vec<f64>,
    naive_smape: Vec<f64>,
    naive_mase: Vec<f64>,
    /// Over the scale of the series' MASE.
    loss: Vec<f64>,
}

/// A series' past.
#[derive(Default)]
struct Past {
    values: Vec<f64>,
    last_ns: TimeNs,
}

impl Ahead {
    /// Reads the files that say what came, of all that `pattern` finds.
    pub(in crate::score::judging) fn read(
        folder: &Path,
        pattern: &str,
        tag: &str,
        season: usize,
    ) -> Result<Ahead, JudgeError> {
        let whole = format!("{}/{pattern}", glob::Pattern::escape(&folder.display().to_string()));
        let wrong = |path: &Path, why: String| DataError::Content { path: path.to_owned(), why };
        let found = glob::glob(&whole).map_err(|error| wrong(folder, format!("`{pattern}`: {error}")))?;
        let mut truth = BTreeMap::new();
        for path in found.filter_map(Result::ok).filter(|path| path.is_file()) {
            let text = read_text(&path)?;
            truth.extend(series(&text).map_err(|why| wrong(&path, why))?);
        }
        if truth.is_empty() {
            let why = format!("no {pattern} in {} says what came", folder.display());
            return Err(DataError::Absent(why).into());
        }
        let (figures, tally) = (Figures::default(), Tally::default());
        Ok(Ahead { tag: tag.to_owned(), season, truth, figures, tally, unanswered: 0, without_scale: 0 })
    }

    /// Judges one series, and gives its sMAPE; none where it has no scale.
    fn judge(&mut self, levels: &[f64], past: &Past, truth: &[f64], steps: &Steps) -> Result<Option<f64>, InputError> {
        let middle = levels.iter().position(|level| *level == 0.5).unwrap_or(levels.len());
        let median: Vec<f64> = steps.iter().take(truth.len()).filter_map(|step| step.get(middle).copied()).collect();
        let naive = measure::naive2(&past.values, self.season, truth.len())?;
        let mase = match measure::mase(&past.values, truth, &median, self.season) {
            Err(InputError::NoScale(_)) => {
                self.without_scale += 1;
                return Ok(None);
            }
            other => other?,
        };
        let smape = measure::smape(truth, &median)?;
        let loss = self.tally.add(levels, truth, steps)?;
        let figures = &mut self.figures;
        figures.smape.push(smape);
        figures.mase.push(mase);
        figures.naive_smape.push(measure::smape(truth, &naive)?);
        figures.naive_mase.push(measure::mase(&past.values, truth, &naive, self.season)?);
        figures.loss.push(loss / scale(&past.values, self.season));
        Ok(Some(smape))
    }
}

impl Judges for Ahead {
    fn observe(&mut self, input: &RunInput, config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let told = finished.columns.iter().position(|name| *name == self.tag);
        let why = || refused(&input.label, format!("`{}` is no input of the plugin", self.tag));
        let column = told.ok_or_else(why)?;
        let levels = &finished.quantiles;
        if !levels.contains(&0.5) {
            return Err(refused(&input.label, "the plugin's quantiles have no median"));
        }
        let pasts = pasts(truth_rows(config, Some(&self.tag))?);
        let mut last: BTreeMap<&str, Steps> = BTreeMap::new();
        for answer in &finished.answers {
            let name = answer.asset.as_deref().unwrap_or_default();
            let at_end = pasts.get(name).is_some_and(|past| answer.times_ns.last() == Some(&past.last_ns));
            if at_end {
                last.insert(name, steps_of(answer, column, levels.len()));
            }
        }
        let mut drawn: Vec<(f64, &str)> = Vec::new();
        for (name, truth) in std::mem::take(&mut self.truth) {
            let Some((name_of, past)) = pasts.get_key_value(&name) else {
                // A series of another file.
                self.truth.insert(name, truth);
                continue;
            };
            match last.get(name_of.as_str()).filter(|steps| steps.len() >= truth.len()) {
                None => self.unanswered += 1,
                Some(steps) => {
                    let judged = self.judge(levels, past, &truth, steps);
                    let smape = judged.map_err(|error| refused(&input.label, format!("{name}: {error}")))?;
                    drawn.extend(smape.map(|smape| (smape, name_of.as_str())));
                }
            }
            self.truth.insert(name, truth);
        }
        drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
        // The series in the middle, and below it one that was hard.
        let draw = |at: usize| {
            let (smape, name) = drawn.get(at)?;
            let (past, truth, steps) = (pasts.get(*name)?, self.truth.get(*name)?, last.get(name)?);
            let from = past.values.len().saturating_sub(DRAWN_HORIZONS * truth.len());
            let title = format!("{}: {name}, sMAPE {smape:.1}", input.label);
            Some(drawing(title, levels, past.values.get(from..)?, truth, steps))
        };
        let trace = draw(drawn.len() / 2).unwrap_or_default();
        let verdict = format!("{} series; {}", drawn.len(), self.tally.told());
        Ok(Trace { below: draw(drawn.len() * 9 / 10).map(Box::new), verdict, ..trace })
    }

    fn finish(&self) -> Vec<Metric> {
        let figures = &self.figures;
        let (smape, mase) = (mean(&figures.smape), mean(&figures.mase));
        let naive = mean(&figures.naive_smape).zip(mean(&figures.naive_mase));
        let owa = smape.zip(mase).zip(naive).and_then(|((s, m), (s2, m2))| measure::owa(s, m, s2, m2));
        vec![
            metric("owa", owa),
            metric("smape", smape),
            metric("mase", mase),
            metric("quantile_loss", mean(&figures.loss)),
            metric("calibration_error", self.tally.error(false)),
            metric("series_judged", Some(figures.smape.len() as f64)),
            metric("series_unanswered", Some(self.unanswered as f64)),
            metric("series_without_scale", Some(self.without_scale as f64)),
        ]
    }
}

/// The rows' values by series, those that are missing left out.
fn pasts(rows: Vec<TruthRow>) -> BTreeMap<String, Past> {
    let mut pasts: BTreeMap<String, Past> = BTreeMap::new();
    for row in rows {
        let past = pasts.entry(row.asset.as_deref().unwrap_or_default().to_owned()).or_default();
        past.last_ns = row.time_ns;
        past.values.extend(Some(row.label).filter(|value| value.is_finite()));
    }
    pasts
}

/// The mean change over a season: what MASE divides by.
fn scale(values: &[f64], season: usize) -> f64 {
    let changes: Vec<f64> = values.iter().zip(values.iter().skip(season)).map(|(a, b)| (b - a).abs()).collect();
    mean(&changes).unwrap_or(f64::NAN)
}

/// The series of a file: a header, then one a line, its name first.
fn series(text: &str) -> Result<BTreeMap<String, Vec<f64>>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let mut all = BTreeMap::new();
    for (line, record) in reader.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let name = record.get(0).unwrap_or_default().trim().to_owned();
        let fields = record.iter().skip(1).map(str::trim).filter(|field| !field.is_empty());
        let values: Result<Vec<f64>, _> = fields.map(str::parse).collect();
        let values = values.map_err(|error| format!("line {}: {error}", line + 2))?;
        if !values.is_empty() {
            all.insert(name, values);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_line_is_a_series() {
        let read = series("V1,V2,V3\n\"H1\",1,2.5\nH2,3,\nH3,,\n").unwrap();
        assert_eq!(read, BTreeMap::from([("H1".into(), vec![1.0, 2.5]), ("H2".into(), vec![3.0])]));
        assert!(series("V1,V2\nH1,x\n").unwrap_err().starts_with("line 2"));
    }

    #[test]
    fn figures_by_hand() {
        let truth = BTreeMap::new();
        let (figures, tally) = (Figures::default(), Tally::default());
        let mut judge =
            Ahead { tag: "value".into(), season: 1, truth, figures, tally, unanswered: 0, without_scale: 0 };
        // A change of 2 each row; Naive2 says 3 and is off by 2 and by 4.
        let past = Past { values: vec![1.0, 3.0, 1.0, 3.0], last_ns: 3 };
        let steps = vec![vec![4.0, 5.0], vec![5.0, 8.0]];
        judge.judge(&[0.5, 0.9], &past, &[5.0, 7.0], &steps).unwrap().unwrap();
        let figures = &judge.figures;
        assert_eq!((figures.mase[0], figures.naive_mase[0]), (0.75, 1.5));
        // At 0.5: 0.5·1 and 0.5·2; at 0.9: 0 and 0.1·1.
        assert!((figures.loss[0] - 0.5 * (0.75 + 0.05) / 2.0).abs() < 1e-12);
        let constant = Past { values: vec![2.0; 5], last_ns: 4 };
        assert_eq!(judge.judge(&[0.5, 0.9], &constant, &[2.0, 2.0], &steps), Ok(None));
        assert_eq!((judge.without_scale, judge.figures.mase.len()), (1, 1));
    }
}
