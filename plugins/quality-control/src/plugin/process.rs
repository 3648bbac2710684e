//! The input `process`: a model of what is normal, from a table or from the first rows, and rows against it.

use super::tables::{Columns, Tables};
use crate::process::{AVERAGES, CELLS_MAX, Judgement, Model, Monitor, TAGS_MAX};
use dinrail_sdk::{Bindings, ChartSignal, Description, Fault, Parameter, Parameters, Row, log, metrics};
use serde::{Deserialize, Serialize};

/// A row that comes so many usual distances after the one before does not follow it.
const GAP: i64 = 5;
/// The table of normal rows.
const NORMAL: &str = "normal";
/// What the averages are called where they are beyond their limits.
const RULES: [&str; AVERAGES] = ["fault-fast", "fault-middle", "fault-slow"];
/// Rule of the signals that name tags.
const CONTRIBUTES: &str = "contributes";

pub(super) fn describe(description: Description) -> Description {
    description
        .parameter(
            Parameter::integer("normal_rows", 1_000)
                .about("Of `process`: the first rows, in which nothing is wrong and from which it learns; a table `normal` takes their place")
                .range(20.0, 20_000.0),
        )
        .result("fault-fast", "Of `process`: distance from what is usual, averaged over some 3 rows", "1")
        .result("fault-middle", "Of `process`: the same over some 20 rows", "1")
        .result("fault-slow", "Of `process`: the same over some 100 rows", "1")
}

/// The process at work.
pub struct Process {
    columns: Vec<usize>,
    learn: usize,
    steps: Steps,
    state: State,
}

/// What goes on in a restored instance.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum State {
    /// Rows so far, NaN where a value was missing.
    Learning(Vec<f64>),
    /// A model, and where the process stands.
    Watching(Box<(Model, Monitor)>),
    /// The first rows could not be learnt from.
    Failed,
}

impl Process {
    pub(super) fn new(
        bindings: &Bindings,
        parameters: &Parameters,
        tables: &mut dyn Tables,
    ) -> Result<Option<Process>, Fault> {
        let bound = bindings.columns_of("process");
        if bound.is_empty() {
            return Ok(None);
        }
        let refused = |why: String| Fault::Configuration(format!("`process`: {why}"));
        let learn = parameters.count("normal_rows")?;
        if bound.len() > TAGS_MAX {
            return Err(refused(format!("{} tags; at most {TAGS_MAX}", bound.len())));
        }
        let state = match tables.load(NORMAL)? {
            Some(table) => {
                let columns = Columns::of(table, bound);
                if let Some(tag) = columns.missing() {
                    return Err(refused(format!("the table `{NORMAL}` has no column `{}`", bound[tag].tag)));
                }
                check_size(columns.rows(), bound.len()).map_err(refused)?;
                let rows: Vec<f64> = (0..columns.rows()).flat_map(|row| columns.row(row)).collect();
                let model = Model::learn(&rows, bound.len()).map_err(|error| refused(error.to_string()))?;
                told(&model);
                let monitor = Monitor::new(&model);
                State::Watching(Box::new((model, monitor)))
            }
            None => {
                check_size(learn, bound.len()).map_err(refused)?;
                State::Learning(Vec::new())
            }
        };
        let columns = bound.iter().map(|column| column.index as usize).collect();
        Ok(Some(Process { columns, learn, steps: Steps::default(), state }))
    }

    pub(super) fn row(&mut self, row: &Row<'_>, signals: &mut Vec<ChartSignal>) {
        let values: Vec<f64> = self.columns.iter().map(|column| row.get(*column).unwrap_or(f64::NAN)).collect();
        let gap = self.steps.is_gap(row.time_ns);
        match &mut self.state {
            State::Learning(rows) => {
                rows.reserve_exact((self.learn * self.columns.len()).saturating_sub(rows.len()));
                rows.extend(values);
                if rows.len() == self.learn * self.columns.len() {
                    let rows = std::mem::take(rows);
                    self.state = learnt(&rows, self.columns.len());
                }
            }
            State::Watching(watching) => {
                let (model, monitor) = watching.as_mut();
                if gap {
                    monitor.gap();
                }
                match monitor.row(&values, model) {
                    Some(judgement) => tell(&self.columns, row.index, &judgement, model.limits(), signals),
                    None => metrics::count("process_rows_not_judged", 1),
                }
            }
            State::Failed => {}
        }
    }

    /// A known change: what came before says nothing of what comes. The model stays.
    pub(super) fn change(&mut self) {
        if let State::Watching(watching) = &mut self.state {
            let (model, monitor) = watching.as_mut();
            monitor.restart(model);
        }
    }

    pub(super) fn state(&self) -> State {
        self.state.clone()
    }

    pub(super) fn restore(&mut self, saved: State) -> bool {
        let tags = self.columns.len();
        let sound = match &saved {
            State::Learning(rows) => rows.len().is_multiple_of(tags) && rows.len() < self.learn * tags,
            State::Watching(watching) => watching.0.is_sound(tags) && watching.1.is_sound(&watching.0),
            State::Failed => true,
        };
        if sound {
            self.state = saved;
        }
        sound
    }
}

/// The averages; and beyond a limit, the tags that it shows in, whose statistic is their part in it.
fn tell(columns: &[usize], row: u32, judgement: &Judgement, limits: [f64; AVERAGES], signals: &mut Vec<ChartSignal>) {
    let column = |tag: usize| columns.get(tag).map_or(0, |column| *column as u32);
    let leading = judgement.named.first().map_or(0, |(tag, _)| *tag);
    for ((average, limit), (alarm, rule)) in
        judgement.averages.into_iter().zip(limits).zip(judgement.alarms.into_iter().zip(RULES))
    {
        let rule = if alarm { rule } else { "" };
        signals.push(ChartSignal {
            row,
            column: column(leading),
            statistic: average,
            lower: 0.0,
            upper: limit,
            rule: rule.into(),
        });
    }
    if judgement.is_alarm() {
        signals.extend(judgement.named.iter().map(|(tag, part)| ChartSignal {
            row,
            column: column(*tag),
            statistic: *part,
            lower: 0.0,
            upper: 1.0,
            rule: CONTRIBUTES.into(),
        }));
    }
    for ((average, limit), rule) in judgement.averages.into_iter().zip(limits).zip(RULES) {
        metrics::gauge(rule, average / limit);
    }
}

/// Distances in time between rows, to tell where one does not follow the one before.
#[derive(Default)]
struct Steps {
    before_ns: Option<i64>,
    usual_ns: Option<i64>,
}

impl Steps {
    /// Whether the row comes much later than rows do; the shortest distance so far counts as usual.
    fn is_gap(&mut self, time_ns: i64) -> bool {
        let step_ns = self.before_ns.replace(time_ns).map(|before_ns| time_ns.saturating_sub(before_ns));
        let Some(step_ns) = step_ns.filter(|step_ns| *step_ns > 0) else { return false };
        let usual_ns = self.usual_ns.map_or(step_ns, |usual_ns| usual_ns.min(step_ns));
        self.usual_ns = Some(usual_ns);
        step_ns > GAP.saturating_mul(usual_ns)
    }
}

fn check_size(rows: usize, tags: usize) -> Result<(), String> {
    match rows * tags <= CELLS_MAX {
        true => Ok(()),
        false => Err(format!("{rows} normal rows of {tags} tags; at most {CELLS_MAX} values are learnt from")),
    }
}

/// Said once; the plugin's charts go on where the process can't be learnt.
fn learnt(rows: &[f64], tags: usize) -> State {
    match Model::learn(rows, tags) {
        Ok(model) => {
            told(&model);
            let monitor = Monitor::new(&model);
            State::Watching(Box::new((model, monitor)))
        }
        Err(error) => {
            log::error(&format!("`process` is not watched: {error}"));
            State::Failed
        }
    }
}

fn told(model: &Model) {
    log::info(&format!(
        "`process`: {} tags vary, {} rows before each are looked at, {} normal rows were unlike the others and left out",
        model.used(),
        model.lags(),
        model.left_out()
    ));
}
