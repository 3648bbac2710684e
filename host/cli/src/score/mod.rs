//! `dinrail score`: scenarios through the production path in virtual time, and what their judges say.
//!
//! - [`scenario`]: what a scenario is
//! - [`data`]: the runs of one, and the truth of each
//! - [`facts`]: numbers that a set says of its files
//! - [`judging`]: from answers and truth to metrics
//! - [`rows`]: the table, the JSON line, verdicts
//! - [`report`]: the page that shows it drawn
//! - `page_file`: whether that can be written

pub mod data;
pub mod facts;
pub mod judging;
mod page_file;
pub mod report;
pub mod rows;
pub mod scenario;

use crate::config::Places;
use crate::config::amounts::parse_duration;
use crate::controller::build::{self, BuildError, ComponentError, Workshop};
use crate::controller::identity::Identity;
use crate::run::{self, Finished};
use data::{DataError, RunInput};
use dinrail_sim::judge::regression::Coverage;
use judging::{Metric, Trace};
use rows::Row;
use scenario::{Scenario, ScenarioError};
use std::path::PathBuf;
use std::time::Duration;

/// What the command line asks for.
#[derive(Clone, Debug, Default)]
pub struct ScoreOptions {
    /// Names, beginnings of names or patterns; none: all.
    pub names: Vec<String>,
    /// A component in place of the scenarios' own. Scenarios of another world are left out.
    pub plugin: Option<PathBuf>,
    /// Of simulated plants, instead of counting from 1.
    pub seed: Option<u64>,
    /// Where the data sets are.
    pub data: Option<PathBuf>,
    /// Absent data are a refusal and no `skipped`.
    pub require_data: bool,
    /// One line of JSON.
    pub json: bool,
    /// Where the page goes.
    pub report: Option<PathBuf>,
    /// Where scenarios are.
    pub scenarios: Option<PathBuf>,
}

/// How scoring ended; the binary makes an exit code of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreEnding {
    /// Every bar was met, or skipped.
    Met,
    /// A bar was missed, or a scenario could not be run.
    Missed,
    /// Data are absent, and must not be; or a scenario's configuration is refused.
    Refused,
    /// The command line asks for what is not there.
    Usage,
}

/// One scenario, scored.
#[derive(Debug, Default)]
pub struct Scored {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Its lines of the table.
    pub rows: Vec<Row>,
    /// What the page draws, one a run.
    pub traces: Vec<Trace>,
    /// What its intervals covered.
    pub coverage: Option<Coverage>,
    /// The plugin that was judged; none where nothing ran.
    pub plugin: Option<Identity>,
    /// Its configuration's file.
    pub configuration: String,
    /// Why there is no result: data that are absent, a failure.
    pub why_none: Option<String>,
}

/// Why a scenario has no score.
#[derive(Debug, thiserror::Error)]
enum ScoreError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error("{0}")]
    Build(#[from] BuildError),
    #[error("the plugin `{0}` is not in the scenario's configuration")]
    NoPlugin(String),
    #[error("{run}: {why}")]
    Run { run: String, why: String },
    #[error(transparent)]
    Judge(#[from] judging::JudgeError),
}

impl ScoreError {
    /// Whether a configuration is refused, rather than that a run failed.
    fn is_refusal(&self) -> bool {
        matches!(self, ScoreError::Data(DataError::Config(_)) | ScoreError::Build(BuildError::Config(_)))
    }
}

/// Why nothing can be scored.
#[derive(Debug, thiserror::Error)]
enum StageError {
    #[error(transparent)]
    Scenarios(#[from] ScenarioError),
    #[error(transparent)]
    Component(#[from] ComponentError),
    #[error("no scenario is of this plugin's world")]
    OtherWorld,
    #[error(transparent)]
    Engine(#[from] BuildError),
}

impl StageError {
    fn ending(&self) -> ScoreEnding {
        match self {
            StageError::Scenarios(_) | StageError::Component(_) | StageError::OtherWorld => ScoreEnding::Usage,
            StageError::Engine(_) => ScoreEnding::Missed,
        }
    }
}

/// What is scored, and what it takes.
struct Stage {
    scenarios: Vec<Scenario>,
    workshop: Workshop,
    /// In place of the scenarios' own.
    component: Option<PathBuf>,
}

impl Stage {
    fn new(options: &ScoreOptions, places: &Places) -> Result<Stage, StageError> {
        let mut scenarios = scenario::select(scenario::read_all(&find_folder(options)?)?, &options.names)?;
        let workshop = Workshop::new()?;
        let opened = options.plugin.as_deref().map(|wanted| workshop.open(wanted, places)).transpose()?;
        let component = opened.map(|(path, component)| {
            scenarios.retain(|scenario| scenario.file.world == component.world().name());
            path
        });
        if scenarios.is_empty() {
            return Err(StageError::OtherWorld);
        }
        Ok(Stage { scenarios, workshop, component })
    }
}

/// What came of all scenarios.
#[derive(Default)]
struct Outcome {
    scored: Vec<Scored>,
    failed: bool,
    refused: bool,
    absent: bool,
}

impl Outcome {
    fn add(&mut self, scenario: &Scenario, result: Result<Scored, ScoreError>) {
        match result {
            Ok(one) => self.scored.push(one),
            Err(ScoreError::Data(DataError::Absent(why))) => {
                self.absent = true;
                tell!("{}: skipped: {why}", scenario.name);
                self.scored.push(Scored { why_none: Some(format!("skipped: {why}")), ..skipped(scenario) });
            }
            Err(error) => {
                self.failed = true;
                self.refused |= error.is_refusal();
                tell!("\n{}: {error}", scenario.name);
                let rows = scenario.file.bars.iter().map(|bar| Row::missed(scenario, bar)).collect();
                self.scored.push(Scored { rows, why_none: Some(format!("failed: {error}")), ..skipped(scenario) });
            }
        }
    }

    fn ending(&self, require_data: bool) -> ScoreEnding {
        let mut rows = self.scored.iter().flat_map(|one| &one.rows);
        if self.refused || require_data && self.absent {
            ScoreEnding::Refused
        } else if self.failed || rows.any(|row| row.verdict == rows::Verdict::Missed) {
            ScoreEnding::Missed
        } else {
            ScoreEnding::Met
        }
    }
}

/// Runs the scenarios, prints what came of them, and writes the page.
#[must_use]
pub fn score(options: &ScoreOptions, places: &Places) -> ScoreEnding {
    let stage = match Stage::new(options, places) {
        Ok(stage) => stage,
        Err(error) => {
            tell!("dinrail: {error}");
            return error.ending();
        }
    };
    if let Some(path) = &options.report
        && let Err(error) = page_file::try_out(path)
    {
        tell!("dinrail: the page can't be written to {}: {error}; nothing was run", path.display());
        return ScoreEnding::Usage;
    }
    let mut outcome = Outcome::default();
    for scenario in &stage.scenarios {
        outcome.add(scenario, score_one(scenario, options, places, &stage));
    }
    pool_coverages(&mut outcome.scored);
    rows::print(&outcome.scored, options.json);
    if let Some(path) = &options.report
        && let Err(error) = report::write(path, &outcome.scored)
    {
        tell!("dinrail: {}: {error}", path.display());
        outcome.failed = true;
    }
    outcome.ending(options.require_data)
}

/// Coverages of scenarios that stand on the same set (the name's first part) are told together as well, below the last.
fn pool_coverages(scored: &mut [Scored]) {
    let mut first = 0;
    while first < scored.len() {
        let set = scored[first].set().to_owned();
        let count = scored[first..].iter().take_while(|one| one.set() == set).count();
        let group = &mut scored[first..first + count];
        let counted: Vec<Coverage> = group.iter().filter_map(|one| one.coverage).collect();
        if counted.len() > 1
            && let Some(last) = group.iter_mut().rev().find(|one| one.coverage.is_some())
        {
            let mut pooled = Coverage::default();
            counted.iter().for_each(|coverage| pooled.add(coverage));
            let row = Row::pooled(&set, last, &Metric::coverage("coverage_80_pooled", Some(pooled)));
            last.rows.extend(row);
        }
        first += count;
    }
}

impl Scored {
    /// What it stands on: its name up to the first hyphen.
    fn set(&self) -> &str {
        self.name.split('-').next().unwrap_or(&self.name)
    }
}

/// Where scenarios are: as told, in the checkout that is worked in, or beside the installed plugins.
fn find_folder(options: &ScoreOptions) -> Result<PathBuf, ScenarioError> {
    if let Some(told) = &options.scenarios {
        return Ok(told.clone());
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.join("scenarios")));
    let candidates = [Some(PathBuf::from("tests/scenarios")), beside];
    let candidates: Vec<PathBuf> = candidates.into_iter().flatten().collect();
    candidates.iter().find(|folder| folder.is_dir()).cloned().ok_or_else(|| {
        let looked = candidates.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(" and ");
        ScenarioError::NoFolder { looked }
    })
}

fn skipped(scenario: &Scenario) -> Scored {
    let rows = scenario.file.bars.iter().map(|bar| Row::skipped(scenario, bar)).collect();
    Scored {
        name: scenario.name.clone(),
        summary: scenario.file.summary.clone(),
        rows,
        configuration: configuration(scenario),
        ..Scored::default()
    }
}

/// The configuration's path below the folder of scenarios.
fn configuration(scenario: &Scenario) -> String {
    format!("{}/{}", scenario.name, scenario.file.configuration)
}

/// Runs every input of a scenario and judges them together.
fn score_one(
    scenario: &Scenario,
    options: &ScoreOptions,
    places: &Places,
    stage: &Stage,
) -> Result<Scored, ScoreError> {
    let component = stage.component.as_deref();
    let inputs = data::inputs(scenario, options.data.as_deref(), options.seed)?;
    let mut judge = judging::Judging::new(scenario, options.data.as_deref())?;
    let mut plugin = None;
    for (index, input) in inputs.iter().enumerate() {
        tell_part!("\r{}: {}/{} {:<60}", scenario.name, index + 1, inputs.len(), input.label);
        let config = data::configuration(scenario, input, places, component)?;
        let (finished, identity) = run_one(scenario, config.clone(), input, &stage.workshop)?;
        plugin = identity;
        judge.observe(input, &config, &finished)?;
    }
    tell_part!("\r{:<100}\r", "");
    let (metrics, traces) = judge.finish();
    let of_all = matches!(scenario.file.judge, scenario::Judge::Site { .. });
    let component_name = component.map_or_else(
        || if of_all { "all".to_owned() } else { scenario.file.plugin.clone() },
        |path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
    );
    let mut rows: Vec<Row> = metrics.iter().map(|metric| Row::new(scenario, &component_name, metric)).collect();
    let unknown = scenario.file.bars.iter().filter(|bar| metrics.iter().all(|metric| metric.name != bar.metric));
    rows.extend(unknown.map(|bar| Row::missed(scenario, bar)));
    let coverage = metrics.iter().find_map(|metric| metric.coverage);
    Ok(Scored { rows, traces, coverage, plugin, ..skipped(scenario) })
}

/// One run through the production path.
fn run_one(
    scenario: &Scenario,
    config: crate::config::Config,
    input: &RunInput,
    workshop: &Workshop,
) -> Result<(Finished, Option<Identity>), ScoreError> {
    let failed = |why: String| ScoreError::Run { run: input.label.clone(), why };
    let plugin = config.plugins.iter().position(|plugin| plugin.name == scenario.file.plugin);
    let plugin = plugin.ok_or_else(|| ScoreError::NoPlugin(scenario.file.plugin.clone()))?;
    let length = scenario.file.plant.as_ref().map(|plant| parse_duration(&plant.run_time)).transpose();
    let length = length.map_err(|error| failed(format!("`run_time`: {error}")))?.map(Duration::from_nanos);
    let prepared = build::prepare(config, workshop)?;
    let identity = prepared.identity(plugin);
    let finished = run::run_collecting(prepared, plugin, &scenario.file.judge.watched(), length)?;
    // A plugin that faults is judged by what it did answer; a table that ends early would be judged by nothing.
    if finished.summary.samples.failed_sources > 0 {
        return Err(failed("a source could not be read to its end".into()));
    }
    for plugin in finished.summary.plugins.iter().filter(|plugin| plugin.counts.faults > 0) {
        let fault = plugin.counts.last_fault.as_deref().unwrap_or("unknown");
        tell!(
            "\n{}: {}: {} faulted {} times: {fault}",
            scenario.name,
            input.label,
            plugin.counts.name,
            plugin.counts.faults
        );
    }
    Ok((finished, identity))
}
