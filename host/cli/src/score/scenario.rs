//! A scenario: what is run, on which data, who judges it, and the bar.

use super::facts::Fact;
use crate::config::document::nearest;
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
    /// The controller's configuration, with the places `{file}` and `{folder}` (between double quotes; the set's), `{packed}`,
    /// `{seed}`, `{probation}` and the data's facts to be filled in.
    pub configuration: String,
    /// What is otherwise than in that file, by path: `"scan.speed" = "max"`. `"{seed}"` is the number of the seed.
    #[serde(default)]
    pub set: BTreeMap<String, toml::Value>,
    /// Paths of what that file has and this scenario does not: `sinks.broker`.
    #[serde(default)]
    pub without: Vec<String>,
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
    /// Numbers that the set says of each file; their names stand in the configuration as `{NAME}`.
    #[serde(default)]
    pub facts: BTreeMap<String, Fact>,
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

/// Tags that are drawn together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// Over the drawing.
    pub title: String,
    /// Of the vertical axis.
    pub quantity: String,
    /// What can be seen, in a sentence.
    pub about: String,
    /// By the line's name, its tag. At most three.
    pub lines: BTreeMap<String, String>,
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
        /// A series that the plans expect, against what came: rmse_15min, rmse_day_ahead.
        forecast: Option<JudgedForecast>,
    },
    /// Run lengths of control charts between signals, against those of theory: arl_error (the largest of all figures),
    /// runs_least (of any figure).
    RunLength {
        /// The charts.
        charts: Vec<JudgedChart>,
    },
    /// A process that is well in a table's first rows and not in its last: detection_rate (mean over runs),
    /// detection_rate_worst, false_alarm_rate, false_alarm_rate_before, delay_rows, named_right.
    Process(JudgedProcess),
    /// Parts with a defect, by what the plugin says of each row: f1, precision, recall, defect_named, rows_unanswered.
    Defects {
        /// The tag that is not 0 where a part failed. No plugin may be bound to it.
        label: String,
        /// By the plugin's name for a defect, the tag that is not 0 where a part has it.
        #[serde(default)]
        defects: BTreeMap<String, String>,
    },
    /// What the last row of each series told of the time after it: owa, smape, mase, quantile_loss (over the scale of the
    /// series' MASE), calibration_error, series_judged, series_unanswered, series_without_scale.
    Forecast {
        /// The tag that is forecast; an input of the plugin.
        tag: String,
        /// Pattern of files below the set's folder: one series a line, its name first, then what came after its last row.
        truth: String,
        /// Rows of a season, as MASE and Naive2 count it.
        season: usize,
    },
    /// What each row told of the next ones: quantile_loss (over the series' mean), quantile_loss_ratio (to the quantiles of
    /// the series' own past), calibration_error, series_judged, rows_unanswered.
    RollingForecast {
        /// Share of the run in which the plugin may learn: not judged.
        learn_share: f64,
        /// What is forecast comes in whole pieces: a quantile is right where the shares below it and at or below it enclose
        /// its level.
        #[serde(default)]
        whole: bool,
    },
    /// A line's parts, and what its gate did with them: wrong_parts (not done with them what the verdicts on them say),
    /// parts_without_verdict, parts (of the run with the fewest), escape_rate, false_reject_rate.
    Line {},
    /// A whole works: faults_seen (share), false_episodes, profit_ratio (of the last tenth), cost_ratio, saving_share,
    /// violation_share, wrong_parts, parts_without_verdict, plugin_faults; of the worst run each.
    Site {
        /// What the page draws.
        drawings: Vec<Drawn>,
    },
    /// Pictures of pieces, by the defect that the verdict on each names: accuracy (a piece that passes has none, one without
    /// verdict is wrong), accuracy_worst_class, pieces, pieces_without_verdict.
    Pictures {},
    /// A plant's scripted faults: faults_seen, false_episodes_per_day, named_right.
    Faults {
        /// By kind of fault: tags of which an alarm must name one, and be led by it.
        #[serde(default)]
        expected: BTreeMap<String, Vec<String>>,
    },
}

impl Judge {
    /// Tags whose values it wants to see.
    #[must_use]
    pub fn watched(&self) -> Vec<String> {
        match self {
            Judge::Site { drawings } => drawings.iter().flat_map(|drawn| drawn.lines.values().cloned()).collect(),
            _ => Vec::new(),
        }
    }
}

/// What plans expected, to be held against what came.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedForecast {
    /// The plans' name for it, in quarter hours.
    pub series: String,
    /// The tag that tells each quarter hour when it is over; an input of the plugin.
    pub tag: String,
    /// Errors are told in the tag's unit times this.
    pub scale: f64,
    /// Share of the run in which the plugin may learn: not judged.
    pub learn_share: f64,
}

/// A control chart whose run lengths theory tells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedChart {
    /// For messages.
    pub name: String,
    /// Rules of its signals.
    pub rules: Vec<String>,
    /// By shift in deviations, the average run length of theory.
    pub lengths: Vec<(f64, f64)>,
}

/// A process that is well and then is not.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedProcess {
    /// First rows, from which the plugin learns: not judged.
    pub learn_rows: usize,
    /// Rows after them in which nothing is wrong.
    pub normal_rows: usize,
    /// Rows after those in which nothing is wrong yet; all others are faulty.
    pub before_rows: usize,
    /// By the beginning of the file's name, tags of which one should be named first.
    #[serde(default)]
    pub named: BTreeMap<String, Vec<String>>,
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
    #[error(
        "no folder of scenarios is found, looked for {looked}; run in a checkout of dinrail, or name the folder with \
         --scenarios DIR"
    )]
    NoFolder {
        /// Where it was looked for.
        looked: String,
    },
    /// A folder in which no folder has a `scenario.toml`.
    #[error("{path} has no scenario: each is a folder in it with a {FILE}{hint}", path = .path.display())]
    Empty {
        /// Which.
        path: PathBuf,
        /// What was probably meant.
        hint: &'static str,
    },
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
    #[error("no scenario is called `{wanted}` or begins so{near}; there are {known}")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// What was probably meant, or nothing.
        near: String,
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
    if scenarios.is_empty() {
        let hint = if folder.join(FILE).is_file() { "; it is one itself: name the folder above it" } else { "" };
        return Err(ScenarioError::Empty { path: folder.to_owned(), hint });
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

/// Those that are wanted; all where nothing is. A word is the beginning of names or a pattern with `*` for any text and `?`
/// for one character; after `=` it is one whole name.
pub fn select(scenarios: Vec<Scenario>, wanted: &[String]) -> Result<Vec<Scenario>, ScenarioError> {
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let mut is_wanted = vec![wanted.is_empty(); names.len()];
    for word in wanted {
        let found = meant(word, &names);
        if found.is_empty() {
            let near = nearest(word, names.iter().copied());
            return Err(ScenarioError::Unknown {
                wanted: word.clone(),
                near: near.map_or(String::new(), |name| format!("; did you mean `{name}`?")),
                known: names.join(", "),
            });
        }
        for index in found {
            is_wanted[index] = true;
        }
    }
    Ok(scenarios.into_iter().zip(is_wanted).filter_map(|(scenario, wanted)| wanted.then_some(scenario)).collect())
}

/// Places of the names that a word means.
fn meant(word: &str, names: &[&str]) -> Vec<usize> {
    let places = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
        names.iter().enumerate().filter(|(_, name)| fits(name)).map(|(place, _)| place).collect()
    };
    if let Some(whole) = word.strip_prefix('=') {
        return places(&|name| name == whole);
    }
    let pattern = wildmatch::WildMatch::new(word);
    places(&|name| name.starts_with(word) || pattern.matches(name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn check(word: &str, expected: &[&str]) {
        let names = ["cmapss-fd001", "cmapss-fd002", "rig", "rig-bearing", "rig-normal"];
        let found: Vec<&str> = meant(word, &names).into_iter().map(|place| names[place]).collect();
        assert_eq!(found, expected, "{word}");
    }

    #[test]
    fn a_word_is_a_beginning_a_pattern_or_a_whole_name() {
        check("rig", &["rig", "rig-bearing", "rig-normal"]);
        check("=rig", &["rig"]);
        check("=rig-", &[]);
        check("rig-", &["rig-bearing", "rig-normal"]);
        check("rig*", &["rig", "rig-bearing", "rig-normal"]);
        check("cmapss", &["cmapss-fd001", "cmapss-fd002"]);
        check("*-fd00?", &["cmapss-fd001", "cmapss-fd002"]);
        check("rigs", &[]);
    }

    #[test]
    fn a_folder_without_scenarios_says_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let empty = read_all(folder.path()).unwrap_err().to_string();
        assert!(empty.contains(&folder.path().display().to_string()) && empty.contains(FILE), "{empty}");
        std::fs::write(folder.path().join(FILE), "").unwrap();
        let itself = read_all(folder.path()).unwrap_err().to_string();
        assert!(itself.contains("it is one itself"), "{itself}");
        let absent = read_all(&folder.path().join("absent")).unwrap_err().to_string();
        assert!(absent.contains("absent"), "{absent}");
    }
}
