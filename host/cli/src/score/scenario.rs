//! A scenario: what is run, on which data, who judges it, and the bar.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file that makes a folder a scenario.
const FILE: &str = "scenario.toml";

/// A folder of `tests/scenarios`, read.
#[derive(Debug)]
pub struct Scenario {
    /// The folder's name; it begins with what the scenario stands on.
    pub name: String,
    /// Where the configuration is.
    pub folder: PathBuf,
    /// The rest.
    pub file: ScenarioFile,
}

/// `scenario.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// One sentence.
    pub summary: String,
    /// World of the judged plugin.
    pub world: String,
    /// Its name in the configuration.
    pub plugin: String,
    /// The controller's configuration, with the places `{file}` (between double quotes), `{seed}` and `{probation}` to be filled in.
    pub configuration: String,
    /// Files from outside; none: the plant is simulated.
    pub data: Option<Data>,
    /// How often and how long a simulated plant runs.
    pub plant: Option<PlantRuns>,
    /// Who judges.
    pub judge: Judge,
    /// What must be reached.
    #[serde(default)]
    pub bars: Vec<Bar>,
}

/// Files from outside.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Folder of the set, below that of all data.
    pub folder: String,
    /// Patterns below it; each file found is one run. `**` stands for any folders.
    pub files: Vec<String>,
    /// Other files that must be there.
    #[serde(default)]
    pub needs: Vec<String>,
}

/// Runs of a simulated plant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlantRuns {
    /// Seeds, one run each, counted up from 1 or from `--seed`.
    pub seeds: u64,
    /// Run time of each, such as `"1h"`.
    pub run_time: String,
}

/// Who judges, and what it needs to know.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Judge {
    /// Alarms against a label of each row: f1, precision, recall, false_alarm_rate, missed_alarm_rate, event_recall,
    /// event_delay_s, false_episodes_per_day.
    Detection {
        /// The tag that is not 0 where something is wrong. No plugin may be bound to it.
        label: String,
        /// Rows of each file that the plugin may learn from: not judged.
        skip_rows: usize,
    },
    /// Alarms on data in which nothing is wrong: false_episodes_per_day, false_alarm_rate.
    Normal {
        /// Rows of each file that the plugin may learn from: not judged.
        skip_rows: usize,
    },
    /// Alarms against windows, as the Numenta anomaly benchmark scores them: nab_standard, nab_low_fp, nab_low_fn.
    Nab {
        /// The file of windows, by file name, below the set's folder.
        windows: String,
    },
    /// Remaining life at the last row of each asset: rmse_clipped, rmse_unclipped, phm_score, coverage_80,
    /// interval_score.
    Life {
        /// Numbers, one a line, one for each asset in the order of its number: the true life in the results' unit.
        truth: String,
        /// Where the truth is clipped.
        clip: f64,
    },
    /// A bearing that wears out: mode_named, coverage_80, health_rank (Spearman's, of index and true health while it
    /// wears), claims_while_well (answers with a bounded life or a failure mode though the machine is well).
    Wear {
        /// By mode of the plant: what the plugin should call it.
        modes: BTreeMap<String, String>,
        /// How many of the results' unit of life are a second.
        life_unit_s: f64,
    },
    /// What a plant earns against the best that it could at each moment: settled_profit_ratio and
    /// integrated_profit_ratio (of the worst run), settled_profit_ratio_mean, violation_share (of the worst run),
    /// worst_violation, actuator_travel (mean over runs, in ranges of the outputs).
    Profit {
        /// Run time from which it counts as settled.
        settled_from: String,
    },
    /// What a plant costs against the least that it could: cost_ratio and settled_cost_ratio (of the worst run),
    /// cost_ratio_mean, and the others of `profit`.
    Cost {
        /// Run time from which it counts as settled.
        settled_from: String,
    },
    /// What a whole run cost against the best course that hindsight knows: saving_share ((without − cost) / (without −
    /// best), of all runs together), saving_share_worst and cost_ratio (of the worst run), violation_share,
    /// actuator_travel.
    Account {
        /// The plugin decides by what was known an interval before: the metric is called saving_share_lagged.
        #[serde(default)]
        lagged: bool,
    },
    /// A plant's scripted faults: faults_seen, false_episodes_per_day, named_right.
    Faults {
        /// By kind of fault: tags of which an alarm must name one, and be led by it.
        #[serde(default)]
        expected: BTreeMap<String, Vec<String>>,
    },
}

/// What must be reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// Of this metric.
    pub metric: String,
    /// The least.
    pub at_least: Option<f64>,
    /// The most.
    pub at_most: Option<f64>,
    /// What others reach, or an optimum: the ratio is to this.
    pub reference: Option<f64>,
}

/// Why scenarios can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// No folder of scenarios.
    #[error("no scenarios are found; name their folder with --scenarios DIR")]
    NoFolder,
    /// A file that can't be read.
    #[error("{path}: {error}", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A file that is no scenario.
    #[error("{path}: {error}", path = .path.display())]
    Parse {
        /// Which.
        path: PathBuf,
        /// Why, with line and column.
        #[source]
        error: Box<toml::de::Error>,
    },
    /// A bar that says nothing.
    #[error("{path}: the bar of `{metric}` needs `at_least` or `at_most`, and not both", path = .path.display())]
    Bar {
        /// Which file.
        path: PathBuf,
        /// Which bar.
        metric: String,
    },
    /// Nothing is called so.
    #[error("no scenario's name begins with `{wanted}`; there are {known}")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// All names.
        known: String,
    },
}

/// All scenarios of a folder, by name.
pub fn read_all(folder: &Path) -> Result<Vec<Scenario>, ScenarioError> {
    let failed = |error| ScenarioError::Read { path: folder.to_owned(), error };
    let mut scenarios = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let folder = entry.map_err(failed)?.path();
        let path = folder.join(FILE);
        if path.is_file() {
            scenarios.push(read(&folder, &path)?);
        }
    }
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(scenarios)
}

fn read(folder: &Path, path: &Path) -> Result<Scenario, ScenarioError> {
    let text = std::fs::read_to_string(path).map_err(|error| ScenarioError::Read { path: path.to_owned(), error })?;
    let file: ScenarioFile = toml::from_str(&text)
        .map_err(|error| ScenarioError::Parse { path: path.to_owned(), error: Box::new(error) })?;
    if let Some(bar) = file.bars.iter().find(|bar| bar.at_least.is_some() == bar.at_most.is_some()) {
        return Err(ScenarioError::Bar { path: path.to_owned(), metric: bar.metric.clone() });
    }
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Scenario { name, folder: folder.to_owned(), file })
}

/// Those whose names begin with one of `wanted`; all where nothing is wanted.
pub fn select(scenarios: Vec<Scenario>, wanted: &[String]) -> Result<Vec<Scenario>, ScenarioError> {
    let known = || scenarios.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>().join(", ");
    for name in wanted {
        if !scenarios.iter().any(|scenario| scenario.name.starts_with(name.as_str())) {
            return Err(ScenarioError::Unknown { wanted: name.clone(), known: known() });
        }
    }
    let is_wanted =
        |scenario: &Scenario| wanted.is_empty() || wanted.iter().any(|name| scenario.name.starts_with(name.as_str()));
    Ok(scenarios.into_iter().filter(is_wanted).collect())
}
