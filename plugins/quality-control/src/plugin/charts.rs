//! The input `signals`: charts of each tag, of all together, and how capable the process is.

use super::tables::{Columns, Tables};
use crate::charts::capability::{Specification, Tally};
use crate::charts::multivariate::{Multivariate, TAGS_MAX};
use crate::charts::rules::Rules;
use crate::charts::subgroup::{SIZE_MAX, Spread};
use crate::charts::variable::{Learnt, Settings, Variable};
use crate::charts::{Baseline, Chart, Point, cusum, ewma, shewhart};
use dinrail_sdk::{Bindings, ChartSignal, Column, Description, Fault, Parameter, Parameters, Row, log, metrics};
use serde::{Deserialize, Serialize};

/// The most values that phase I holds: two numbers each for the tags' own charts, one more for those of all together.
const CELLS_MAX: usize = 16_000;
/// Tables: `limits` has centre and σ, `specification` the least and the most, in its first two rows.
const LIMITS: &str = "limits";
const SPECIFICATION: &str = "specification";
/// Values between two accounts of the capability.
const ACCOUNT_EVERY: u64 = 100;
/// Of its intervals.
const CONFIDENCE: f64 = 0.95;

pub(super) fn describe(description: Description) -> Description {
    let share = |name: &str, value: f64| Parameter::number(name, value).range(1e-6, 1.0);
    description
        .parameter(Parameter::text("charts", "shewhart").about(
            "Of each of `signals`, between commas: shewhart, spread (range or deviation within subgroups), cusum, ewma, t2 (T² and Q of all together)",
        ))
        .parameter(Parameter::text("rules", "limits").about(
            "Of shewhart: limits, western-electric, nelson, or some of beyond, 2-of-3, 4-of-5, 8-one-side, 9-one-side, 6-trend, 14-alternate, 15-within, 8-outside",
        ))
        .parameter(Parameter::number("width", 3.0).about("Of shewhart and spread: limits, in σ of what is plotted").range(0.5, 10.0))
        .parameter(Parameter::number("k", 0.5).about("Of cusum: half the shift to be found fastest, in σ").range(0.0, 5.0))
        .parameter(Parameter::number("h", 5.0).about("Of cusum: its limit, in σ").range(0.1, 100.0))
        .parameter(Parameter::number("head_start", 0.0).about("Of cusum: where it begins, share of `h`; 0.5 is the fast initial response").range(0.0, 0.99))
        .parameter(share("lambda", 0.2).about("Of ewma: weight of the newest"))
        .parameter(Parameter::number("ewma_width", 2.962).about("Of ewma: limits, in its own σ").range(0.5, 10.0))
        .parameter(Parameter::choice("ewma_limits", "fixed", &["fixed", "exact"]).about("`exact`: narrower at the beginning"))
        .parameter(share("explained", 0.9).about("Of t2: share of the variance that T² stands for; Q has the rest"))
        .parameter(Parameter::number("false_alarms", 0.0027).about("Of t2: share of usual rows that exceed each limit").range(1e-6, 0.2))
        .parameter(Parameter::integer("subgroup", 1).about("Consecutive values that are one subgroup").range(1.0, SIZE_MAX as f64))
        .parameter(Parameter::choice("spread", "range", &["range", "deviation"]).about("Scatter within subgroups: x̄/R or x̄/S"))
        .parameter(Parameter::integer("learn", 100).about("Subgroups of phase I: what was out of control in them is left out. Not where `sigma` or a table `limits` says how it is").range(10.0, 10_000.0))
        .parameter(Parameter::number("centre", 0.0).about("Mean of every signal, where `sigma` is known"))
        .parameter(Parameter::number("sigma", 0.0).about("Deviation of single values of every signal; 0: not known").range(0.0, 1e12))
        .parameter(Parameter::boolean("restart", true).about("A chart begins anew after its own signal"))
        .parameter(Parameter::choice("on_change", "restart", &["restart", "learn"]).about("Where `change` changes: charts begin anew with their limits, or with phase I"))
        .parameter(Parameter::choice("points", "all", &["all", "signals"]).about("Tell every point, or only those that signal"))
}

/// The charts at work.
pub struct Charts {
    columns: Vec<usize>,
    settings: Settings,
    together: Option<Together>,
    learn_anew: bool,
    signals_only: bool,
    tags: Vec<String>,
    specifications: Vec<Option<Specification>>,
    state: State,
    /// Kept between rows: the points of one value.
    points: Vec<Point>,
}

/// How T² and Q are set up.
struct Together {
    explained: f64,
    alpha: f64,
}

/// What goes on in a restored instance.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    variables: Vec<Variable>,
    tallies: Vec<Tally>,
    /// Phase I of T² and Q: complete rows so far.
    rows: Vec<f64>,
    together: Option<Multivariate>,
}

impl Charts {
    pub(super) fn new(
        bindings: &Bindings,
        parameters: &Parameters,
        tables: &mut dyn Tables,
    ) -> Result<Option<Charts>, Fault> {
        let bound = bindings.columns_of("signals");
        if bound.is_empty() {
            return Ok(None);
        }
        let (settings, together) = settings(parameters)?;
        let baselines = baselines(bound, parameters, tables)?;
        let learning = baselines.iter().filter(|known| known.is_none()).count();
        let cells = if together.is_some() { bound.len() } else { learning } * settings.learn;
        if cells > CELLS_MAX || together.is_some() && bound.len() > TAGS_MAX {
            return Err(Fault::Configuration(format!(
                "`signals`: phase I of {} tags over `learn` = {} holds {cells} values, at most {CELLS_MAX} (and {TAGS_MAX} tags \
                 with t2): bind fewer, use two plugins, shorten `learn`, or give `limits`",
                bound.len(),
                settings.learn
            )));
        }
        let state = State {
            variables: baselines.into_iter().map(|known| Variable::new(known, &settings)).collect(),
            tallies: vec![Tally::default(); bound.len()],
            rows: Vec::new(),
            together: None,
        };
        Ok(Some(Charts {
            columns: bound.iter().map(|column| column.index as usize).collect(),
            tags: bound.iter().map(|column| column.tag.clone()).collect(),
            specifications: specifications(bound, tables)?,
            learn_anew: parameters.text("on_change")? == "learn",
            signals_only: parameters.text("points")? == "signals",
            settings,
            together,
            state,
            points: Vec::new(),
        }))
    }

    pub(super) fn row(&mut self, row: &Row<'_>, signals: &mut Vec<ChartSignal>) {
        for tag in 0..self.columns.len() {
            if let Some(value) = row.get(self.columns[tag]) {
                self.value(tag, value, row.index, signals);
            }
        }
        self.all_together(row, signals);
    }

    /// A known change.
    pub(super) fn change(&mut self) {
        for variable in &mut self.state.variables {
            match self.learn_anew {
                true => variable.relearn(&self.settings),
                false => variable.restart(&self.settings),
            }
        }
        self.state.tallies.iter_mut().for_each(|tally| *tally = Tally::default());
        if self.learn_anew {
            (self.state.rows, self.state.together) = (Vec::new(), None);
        }
    }

    pub(super) fn state(&self) -> State {
        self.state.clone()
    }

    pub(super) fn restore(&mut self, saved: State) -> bool {
        let tags = self.columns.len();
        let sizes = saved.variables.len() == tags && saved.tallies.len() == tags;
        let variables = saved.variables.iter().all(|variable| variable.is_sound(&self.settings));
        let rows = saved.rows.len() <= CELLS_MAX && saved.rows.iter().all(|value| value.is_finite());
        let together = saved.together.as_ref().is_none_or(|known| known.is_sound() && known.tags() == tags);
        let sound = sizes && variables && rows && together && saved.tallies.iter().all(Tally::is_sound);
        if sound {
            self.state = saved;
        }
        sound
    }

    fn value(&mut self, tag: usize, value: f64, row: u32, signals: &mut Vec<ChartSignal>) {
        self.points.clear();
        match self.state.variables[tag].observe(value, &self.settings, &mut self.points) {
            Learnt::Nothing => {}
            Learnt::Limits(found) if found.in_control => log::info(&format!(
                "`{}`: centre {:.6}, σ {:.6}, {} left out of phase I",
                self.tags[tag], found.baseline.centre, found.baseline.sigma, found.left_out
            )),
            Learnt::Limits(_) => log::warn(&format!(
                "`{}` was not in control while its limits were taken; they stand where they came out",
                self.tags[tag]
            )),
            Learnt::NoScatter => {
                log::warn(&format!("`{}` does not vary; phase I begins again", self.tags[tag]));
            }
        }
        let column = self.columns[tag] as u32;
        for point in self.points.iter().filter(|point| !self.signals_only || point.said.rule.is_some()) {
            let rule = point.said.rule.unwrap_or_default().to_owned();
            let Point { statistic, lower, upper, .. } = *point;
            signals.push(ChartSignal { row, column, statistic, lower, upper, rule });
        }
        self.account(tag, value);
    }

    /// T² and Q; a row with a missing value has none.
    fn all_together(&mut self, row: &Row<'_>, signals: &mut Vec<ChartSignal>) {
        let Some(together) = &self.together else { return };
        let values: Option<Vec<f64>> = self.columns.iter().map(|column| row.get(*column)).collect();
        let Some(values) = values else { return };
        let Some(known) = &self.state.together else {
            self.state.rows.extend(values);
            if self.state.rows.len() == self.settings.learn * self.columns.len() {
                let rows = std::mem::take(&mut self.state.rows);
                match Multivariate::learn(&rows, self.columns.len(), together.explained, together.alpha) {
                    Ok(found) => self.state.together = Some(found),
                    Err(error) => log::warn(&format!("t2: {error}; phase I begins again")),
                }
            }
            return;
        };
        let distance = known.distance(&values);
        let (of_t2, of_q) = distance.leading;
        let charts = [(distance.t2, Some(known.t2_limit), of_t2, "t2"), (distance.q, known.q_limit, of_q, "q")];
        for (statistic, limit, tag, name) in charts {
            let Some(upper) = limit else { continue };
            let rule = if statistic > upper { name } else { "" };
            if !rule.is_empty() || !self.signals_only {
                let column = self.columns[tag] as u32;
                signals.push(ChartSignal { row: row.index, column, statistic, lower: 0.0, upper, rule: rule.into() });
            }
        }
    }

    /// Tells the capability of a tag that has a specification, from time to time.
    fn account(&mut self, tag: usize, value: f64) {
        let Some(specification) = self.specifications[tag] else { return };
        let tally = &mut self.state.tallies[tag];
        tally.add(value, self.settings.size);
        if !tally.count().is_multiple_of(ACCOUNT_EVERY) {
            return;
        }
        let Some(found) = tally.capability(specification, self.settings.size, CONFIDENCE) else { return };
        let name = &self.tags[tag];
        let indices = [("cp", found.cp), ("cpk", Some(found.cpk)), ("pp", found.pp), ("ppk", Some(found.ppk))];
        let mut line = format!("`{name}` after {} values:", tally.count());
        for (index, said) in indices.iter().filter_map(|(index, said)| said.map(|said| (*index, said))) {
            line += &format!(" {index} {:.3} ({:.3} to {:.3})", said.value, said.lower, said.upper);
            metrics::gauge(&format!("{index}:{name}"), said.value);
        }
        log::info(&line);
    }
}

fn settings(parameters: &Parameters) -> Result<(Settings, Option<Together>), Fault> {
    let refused = |why: String| Fault::Configuration(why);
    let mut charts = Vec::new();
    let mut together = None;
    for word in parameters.text("charts")?.split(',').map(str::trim) {
        if word == "t2" {
            together = Some(Together {
                explained: parameters.number("explained")?,
                alpha: parameters.number("false_alarms")?,
            });
        } else {
            let chart = Chart::parse(word);
            charts.push(chart.ok_or_else(|| {
                refused(format!("`{word}` is no chart: write some of shewhart, spread, cusum, ewma, t2 between commas"))
            })?);
        }
    }
    charts.sort();
    charts.dedup();
    let rules = Rules::parse(parameters.text("rules")?).map_err(|error| refused(error.to_string()))?;
    let settings = Settings {
        charts,
        shewhart: shewhart::Settings { width: parameters.number("width")?, rules },
        cusum: cusum::Settings {
            k: parameters.number("k")?,
            h: parameters.number("h")?,
            head_start: parameters.number("head_start")?,
        },
        ewma: ewma::Settings {
            lambda: parameters.number("lambda")?,
            width: parameters.number("ewma_width")?,
            exact: parameters.text("ewma_limits")? == "exact",
        },
        size: parameters.count("subgroup")?,
        spread: if parameters.text("spread")? == "range" { Spread::Range } else { Spread::Deviation },
        learn: parameters.count("learn")?,
        restart: parameters.boolean("restart")?,
    };
    Ok((settings, together))
}

/// What is known of each tag: from the table, else for all from the parameters.
fn baselines(
    bound: &[Column],
    parameters: &Parameters,
    tables: &mut dyn Tables,
) -> Result<Vec<Option<Baseline>>, Fault> {
    let sigma = parameters.number("sigma")?;
    let of_all = Baseline::new(parameters.number("centre")?, sigma);
    let Some(table) = tables.load(LIMITS)? else { return Ok(vec![of_all; bound.len()]) };
    let columns = Columns::of(table, bound);
    let own = |tag: usize| match (columns.get(0, tag), columns.get(1, tag)) {
        (None, None) => Ok(of_all),
        (Some(centre), Some(sigma)) if Baseline::new(centre, sigma).is_some() => Ok(Baseline::new(centre, sigma)),
        _ => Err(Fault::Configuration(format!(
            "the table `{LIMITS}` should say in its first two rows where `{}` stands and its σ, above 0",
            bound[tag].tag
        ))),
    };
    (0..bound.len()).map(own).collect()
}

fn specifications(bound: &[Column], tables: &mut dyn Tables) -> Result<Vec<Option<Specification>>, Fault> {
    let Some(table) = tables.load(SPECIFICATION)? else { return Ok(vec![None; bound.len()]) };
    let columns = Columns::of(table, bound);
    let own = |tag: usize| match (columns.get(0, tag), columns.get(1, tag)) {
        (None, None) => Ok(None),
        (lower, upper) => Specification::new(lower, upper).map(Some).ok_or_else(|| {
            Fault::Configuration(format!(
                "the table `{SPECIFICATION}` should say in its first two rows the least and the most of `{}`",
                bound[tag].tag
            ))
        }),
    };
    (0..bound.len()).map(own).collect()
}
