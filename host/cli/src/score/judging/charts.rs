//! The judge of control charts: how long they run between signals, against theory.

use super::{JudgeError, Judges, Metric, Trace};
use crate::config::Config;
use crate::run::Finished;
use crate::score::data::RunInput;
use crate::score::scenario::JudgedChart;
use dinrail_core::outcome::Results;
use dinrail_core::time::{SECOND_NS, TimeNs};
use dinrail_sim::judge::run_length::{MeanRunLength, RunLength};
use std::collections::HashMap;

/// Two shifts are the same within this, in deviations.
const SAME_SHIFT: f64 = 1e-9;

/// One average run length of theory, and the runs that were seen.
struct Figure {
    chart: usize,
    shift: f64,
    theory: f64,
    runs: Vec<RunLength>,
}

pub(super) struct RunLengths {
    charts: Vec<JudgedChart>,
    figures: Vec<Figure>,
}

/// A column of the plugin: its shift's place among the runs of each chart, and where its last run began, in rows.
struct Column {
    shift: f64,
    /// Rows before the shift.
    start: u64,
    /// By chart: the row after which the present run began.
    since: Vec<u64>,
}

impl RunLengths {
    pub(super) fn new(charts: Vec<JudgedChart>) -> RunLengths {
        let figure = |(chart, judged): (usize, &JudgedChart)| {
            let of = |(shift, theory): &(f64, f64)| Figure { chart, shift: *shift, theory: *theory, runs: Vec::new() };
            judged.lengths.iter().map(of).collect::<Vec<_>>()
        };
        let figures = charts.iter().enumerate().flat_map(figure).collect();
        RunLengths { charts, figures }
    }

    fn note(&mut self, chart: usize, shift: f64, run: RunLength) {
        let of = |figure: &&mut Figure| figure.chart == chart && (figure.shift - shift).abs() < SAME_SHIFT;
        if let Some(figure) = self.figures.iter_mut().find(of) {
            figure.runs.push(run);
        }
    }

    /// The columns that have a shift, by their index.
    fn columns(&self, finished: &Finished, rate_hz: f64) -> HashMap<u32, Column> {
        let known: HashMap<&str, _> = finished.shifts.iter().map(|(name, shift)| (name.as_str(), shift)).collect();
        let column = |(index, name): (u32, &String)| {
            let shift = known.get(name.as_str())?;
            let start = (shift.start_s * rate_hz).ceil() as u64;
            let since = vec![start; self.charts.len()];
            Some((index, Column { shift: shift.size, start, since }))
        };
        (0..).zip(&finished.columns).filter_map(column).collect()
    }
}

/// Rows a second, from the first two.
fn rate_hz(finished: &Finished) -> Option<f64> {
    let mut times = finished.answers.iter().flat_map(|answer| &answer.times_ns);
    let (first, second): (&TimeNs, &TimeNs) = (times.next()?, times.next()?);
    (second > first).then(|| SECOND_NS as f64 / (second - first) as f64)
}

impl Judges for RunLengths {
    fn observe(&mut self, input: &RunInput, _config: &Config, finished: &Finished) -> Result<Trace, JudgeError> {
        let refused = |why: &str| JudgeError::Run { run: input.label.clone(), why: why.to_owned() };
        let rate_hz = rate_hz(finished).ok_or_else(|| refused("there are no two rows"))?;
        let mut columns = self.columns(finished, rate_hz);
        if columns.is_empty() {
            return Err(refused("the plugin has no signal whose shift the plant tells"));
        }
        let mut rows = 0_u64;
        let mut signals = 0_u64;
        for answer in &finished.answers {
            if let Results::Inspection { signals: said, .. } = &answer.results {
                for signal in said.iter().filter(|signal| !signal.rule.is_empty()) {
                    let chart = self.charts.iter().position(|chart| chart.rules.contains(&signal.rule));
                    let (Some(chart), Some(column)) = (chart, columns.get_mut(&signal.column)) else { continue };
                    let row = rows + u64::from(signal.row) + 1;
                    if row <= column.start {
                        continue;
                    }
                    let since = std::mem::replace(&mut column.since[chart], row);
                    let shift = column.shift;
                    self.note(chart, shift, RunLength { length: (row - since) as f64, alarmed: true });
                    signals += 1;
                }
            }
            rows += answer.times_ns.len() as u64;
        }
        // The last run of each is cut off by the end.
        for column in columns.values() {
            for (chart, since) in column.since.iter().enumerate() {
                let length = rows.saturating_sub(*since) as f64;
                self.note(chart, column.shift, RunLength { length, alarmed: false });
            }
        }
        Ok(Trace {
            title: input.label.clone(),
            quantity: "relative error of the average run length".into(),
            unit: "shift".into(),
            lines: self.errors_by_chart(),
            verdict: format!("{signals} signals in {rows} rows of {} tags, all runs so far", columns.len()),
            ..Trace::default()
        })
    }

    fn finish(&self) -> Vec<Metric> {
        let errors: Option<Vec<f64>> = self.figures.iter().map(Figure::error).collect();
        let worst = errors.map(|errors| errors.into_iter().map(f64::abs).fold(0.0, f64::max));
        let ended = |figure: &Figure| figure.runs.iter().filter(|run| run.alarmed).count();
        let least = self.figures.iter().map(ended).min();
        vec![Metric::new("arl_error", worst), Metric::new("runs_least", least.map(|least| least as f64))]
    }
}

impl RunLengths {
    fn errors_by_chart(&self) -> Vec<(String, Vec<(f64, f64)>)> {
        let line = |(index, chart): (usize, &JudgedChart)| {
            let own = self.figures.iter().filter(|figure| figure.chart == index);
            let points = own.filter_map(|figure| Some((figure.shift, figure.error()?))).collect();
            (chart.name.clone(), points)
        };
        self.charts.iter().enumerate().map(line).collect()
    }
}

impl Figure {
    /// Seen over theory, less one; none without a signal. All time over all signals: the runs that the end cut off count
    /// with the time that they took.
    fn error(&self) -> Option<f64> {
        let mean = MeanRunLength::of(&self.runs).ok()?.per_alarm?;
        Some(mean / self.theory - 1.0)
    }
}
