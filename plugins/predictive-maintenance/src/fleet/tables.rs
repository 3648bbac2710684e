//! What was learnt from the fleet beside the model, read from tables of numbers and checked.
//!
//! | table | rows | columns |
//! |---|---|---|
//! | `regimes` | one a regime | the settings, by tag: the regime's centre |
//! | `tolerances` | one | the settings, by tag: how far a reading may lie from its regime's centre |
//! | `means`, `deviations` | one a regime | the sensors, by tag: what is taken off a reading, and what it is divided by |
//! | `weights` | one a regime | the sensors, by tag: how much a reading counts, above 0 and at most 1 |
//! | `limits` | two: lowest, highest | the sensors, by tag: what the fleet's slowest average stayed within |
//! | `features` | one a block of features | `rate`, `baseline`, `from`, `to`: see [`Feature`] |
//! | `modes` | one a sensor, then an offset | the failure modes, by name: weights of the slowest average |
//! | `interval` | rising predictions | `prediction`, `low`, `high`: see [`crate::fleet::life`] |
//! | `life` | one | `cap`, `least_cycles`, `clip`, `spike`, `spike_after`: see [`Settings`] |

use super::life::{Interval, Node};
use super::regime::Regimes;

/// A table as it comes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns' names.
    pub columns: Vec<String>,
    /// rows × columns, row-major; NaN for an empty cell.
    pub values: Vec<f64>,
}

/// What one block of features is; each has a number for every sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Feature {
    /// `rate` alone: the exponentially weighted mean, its start corrected.
    Average {
        /// Weight of the newest cycle.
        rate: f64,
    },
    /// `rate` and `baseline`: the same, less the mean of the first cycles.
    Drift {
        /// Weight of the newest cycle.
        rate: f64,
        /// Number of first cycles, at most.
        baseline: u32,
    },
    /// `from` and `to`: the mean over a part of the cycles so far, so that the features of a machine that wears twice as
    /// fast are the same.
    Span {
        /// Share of the cycles so far at which it begins.
        from: f64,
        /// … and ends.
        to: f64,
    },
}

/// Single numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Life beyond which the model does not tell more: the prediction's upper end, and a health of 1.
    pub cap: f64,
    /// Cycles before which a prediction is uncertain.
    pub least_cycles: u32,
    /// Standardised readings are clipped to ± this.
    pub clip: f64,
    /// … and one of weight 1 leaps when it is farther than this from the fastest average; judged from `spike_after` cycles on.
    pub spike: f64,
    /// See `spike`.
    pub spike_after: u32,
}

/// All tables, checked against each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    /// The settings' tags, in order.
    pub settings: Vec<String>,
    /// The sensors' tags, in order.
    pub sensors: Vec<String>,
    /// Of the settings.
    pub regimes: Regimes,
    /// regimes × sensors.
    pub means: Vec<Vec<f64>>,
    /// regimes × sensors.
    pub deviations: Vec<Vec<f64>>,
    /// regimes × sensors: a sensor tells wear more loudly in one regime than in another.
    pub weights: Vec<Vec<f64>>,
    /// Lowest and highest, a number a sensor each.
    pub limits: [Vec<f64>; 2],
    /// In the model's order.
    pub features: Vec<Feature>,
    /// Name, a weight a sensor, offset.
    pub modes: Vec<(String, Vec<f64>, f64)>,
    /// Of the prediction's error.
    pub interval: Interval,
    /// Single numbers.
    pub life: Settings,
}

/// Why the tables cannot be worked with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("table `{table}`: {what}")]
pub struct TableError {
    /// The file's name without `.csv`.
    pub table: &'static str,
    /// What is wrong with it.
    pub what: String,
}

impl Tables {
    /// Reads all tables; `load` gives one by its name.
    ///
    /// # Errors
    /// What `load` says, or a [`TableError`] where a table is not what it should be.
    pub fn read<E: From<TableError>>(mut load: impl FnMut(&'static str) -> Result<Table, E>) -> Result<Self, E> {
        let (settings, centres) = rows("regimes", load("regimes")?, None)?;
        let (_, tolerances) = rows("tolerances", load("tolerances")?, Some(&settings))?;
        let (sensors, means) = rows("means", load("means")?, None)?;
        let (_, deviations) = rows("deviations", load("deviations")?, Some(&sensors))?;
        let (_, weights) = rows("weights", load("weights")?, Some(&sensors))?;
        let (_, limits) = rows("limits", load("limits")?, Some(&sensors))?;
        let regimes = centres.len();
        count("regimes", regimes, regimes.max(1))?;
        count("means", means.len(), regimes)?;
        count("deviations", deviations.len(), regimes)?;
        count("weights", weights.len(), regimes)?;
        if weights.iter().flatten().any(|weight| *weight <= 0.0 || *weight > 1.0) {
            return Err(error("weights", "each must be above zero and at most one").into());
        }
        if deviations.iter().flatten().any(|deviation| *deviation <= 0.0) {
            return Err(error("deviations", "each must be above zero").into());
        }
        let tolerances = only("tolerances", tolerances)?;
        count("limits", limits.len(), 2)?;
        let mut limits = limits.into_iter();
        let limits = [limits.next().unwrap_or_default(), limits.next().unwrap_or_default()];
        Ok(Tables {
            modes: modes(load("modes")?, sensors.len())?,
            features: features(&load("features")?)?,
            interval: interval(&load("interval")?)?,
            life: life(load("life")?)?,
            regimes: Regimes { tolerances, centres },
            settings,
            sensors,
            means,
            deviations,
            weights,
            limits,
        })
    }
}

fn error(table: &'static str, what: impl Into<String>) -> TableError {
    TableError { table, what: what.into() }
}

/// A table's rows without gaps; in the order of `columns` where they are given.
fn rows(
    table: &'static str,
    from: Table,
    columns: Option<&[String]>,
) -> Result<(Vec<String>, Vec<Vec<f64>>), TableError> {
    if from.columns.is_empty() || from.values.iter().any(|value| !value.is_finite()) {
        return Err(error(table, "it needs a number in every cell"));
    }
    let order: Vec<usize> = match columns {
        None => (0..from.columns.len()).collect(),
        Some(columns) => {
            let place = |name: &String| {
                let found = from.columns.iter().position(|column| column == name);
                found.ok_or_else(|| error(table, format!("it has no column `{name}`")))
            };
            columns.iter().map(place).collect::<Result<_, _>>()?
        }
    };
    let row = |cells: &[f64]| order.iter().filter_map(|at| cells.get(*at).copied()).collect();
    let values = from.values.chunks_exact(from.columns.len()).map(row).collect();
    Ok((from.columns, values))
}

fn count(table: &'static str, given: usize, expected: usize) -> Result<(), TableError> {
    if given == expected { Ok(()) } else { Err(error(table, format!("it has {given} rows, expected are {expected}"))) }
}

fn only(table: &'static str, rows: Vec<Vec<f64>>) -> Result<Vec<f64>, TableError> {
    count(table, rows.len(), 1)?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

/// Columns of these names, with gaps, row by row.
fn named<const N: usize>(
    table: &'static str,
    from: &Table,
    names: [&str; N],
) -> Result<Vec<[Option<f64>; N]>, TableError> {
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        let found = from.columns.iter().position(|column| column == name);
        *place = found.ok_or_else(|| error(table, format!("it has no column `{name}`")))?;
    }
    let cell = |row: &[f64], at: usize| row.get(at).copied().filter(|value| value.is_finite());
    Ok(from.values.chunks_exact(from.columns.len()).map(|row| places.map(|at| cell(row, at))).collect())
}

fn features(from: &Table) -> Result<Vec<Feature>, TableError> {
    let rows = named("features", from, ["rate", "baseline", "from", "to"])?;
    let feature = |(at, row): (usize, &[Option<f64>; 4])| match *row {
        [Some(rate), None, None, None] if 0.0 < rate && rate <= 1.0 => Ok(Feature::Average { rate }),
        [Some(rate), Some(baseline), None, None] if 0.0 < rate && rate <= 1.0 && 1.0 <= baseline => {
            Ok(Feature::Drift { rate, baseline: baseline as u32 })
        }
        [None, None, Some(from), Some(to)] if 0.0 <= from && from < to && to <= 1.0 => Ok(Feature::Span { from, to }),
        _ => Err(error("features", format!("row {} is neither an average, a drift nor a span", at + 1))),
    };
    let features = rows.iter().enumerate().map(feature).collect::<Result<Vec<_>, _>>()?;
    if !features.iter().any(|feature| matches!(feature, Feature::Average { .. })) {
        return Err(error("features", "it needs an average: drift and spikes are judged by it"));
    }
    Ok(features)
}

fn modes(from: Table, sensors: usize) -> Result<Vec<(String, Vec<f64>, f64)>, TableError> {
    let (names, rows) = rows("modes", from, None)?;
    count("modes", rows.len(), sensors + 1)?;
    let mode = |(at, name): (usize, String)| {
        let mut weights: Vec<f64> = rows.iter().filter_map(|row| row.get(at).copied()).collect();
        let offset = weights.pop().unwrap_or(0.0);
        (name, weights, offset)
    };
    Ok(names.into_iter().enumerate().map(mode).collect())
}

fn interval(from: &Table) -> Result<Interval, TableError> {
    let rows = named("interval", from, ["prediction", "low", "high"])?;
    let node = |row: &[Option<f64>; 3]| match *row {
        [Some(prediction), Some(low), high] => Ok(Node { prediction, low, high }),
        _ => Err(error("interval", "`prediction` and `low` must stand in every row")),
    };
    let nodes = rows.iter().map(node).collect::<Result<Vec<_>, _>>()?;
    Interval::new(nodes).ok_or_else(|| error("interval", "its predictions must rise, and there must be one"))
}

fn life(from: Table) -> Result<Settings, TableError> {
    let rows = named("life", &from, ["cap", "least_cycles", "clip", "spike", "spike_after"])?;
    match rows.as_slice() {
        [[Some(cap), Some(least), Some(clip), Some(spike), Some(after)]]
            if [cap, clip, spike].iter().all(|number| **number > 0.0) =>
        {
            let (least_cycles, spike_after) = (*least as u32, *after as u32);
            Ok(Settings { cap: *cap, least_cycles, clip: *clip, spike: *spike, spike_after })
        }
        _ => Err(error("life", "one row, with a number in every cell; `cap`, `clip` and `spike` above zero")),
    }
}

#[cfg(test)]
mod tests;
