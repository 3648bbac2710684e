//! The runs of a scenario: which files there are, and the configuration of each.

use super::scenario::{Data, Judge, Scenario, ScenarioFile};
use crate::config::{self, Config, ConfigErrors, Places, SourceKind, TagAddress};
use crate::controller::build::tables;
use dinrail_core::reading::{RawValue, SourceId};
use dinrail_core::time::TimeNs;
use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One run.
#[derive(Clone, Debug)]
pub struct RunInput {
    /// The file below the set's folder, or the seed.
    pub label: String,
    /// The file.
    pub file: Option<PathBuf>,
    /// The seed of a simulated plant.
    pub seed: u64,
}

/// Why a scenario can't be run. The first kind is a `skipped`, the others are failures.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Its data are not here.
    #[error("{0}")]
    Absent(String),
    /// A file that can't be read.
    #[error("{path}: {error}", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A file that does not say what it should.
    #[error("{path}: {why}", path = .path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The scenario's configuration.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
}

/// Every file that the scenario asks for; where it simulates, every seed.
pub fn inputs(scenario: &Scenario, data: Option<&Path>, seed: Option<u64>) -> Result<Vec<RunInput>, DataError> {
    let Some(wanted) = &scenario.file.data else {
        let runs = scenario.file.plant.as_ref().map_or(1, |plant| plant.seeds.max(1));
        let first = seed.unwrap_or(1);
        let seeds = (0..runs).map(|index| first.saturating_add(index));
        return Ok(seeds.map(|seed| RunInput { label: format!("seed {seed}"), file: None, seed }).collect());
    };
    let folder = set_folder(wanted, data)?;
    for needed in &wanted.needs {
        if !folder.join(needed).is_file() {
            return Err(DataError::Absent(format!("{needed} is not in {}", folder.display())));
        }
    }
    let mut files = Vec::new();
    for pattern in &wanted.files {
        let whole = format!("{}/{pattern}", glob::Pattern::escape(&folder.display().to_string()));
        let found = glob::glob(&whole).map_err(|error| DataError::Content {
            path: scenario.folder.clone(),
            why: format!("`{pattern}`: {error}"),
        })?;
        files.extend(found.filter_map(Result::ok).filter(|path| path.is_file()));
    }
    files.sort();
    files.dedup();
    // A file beside its packed twin is one run.
    let plain: HashSet<PathBuf> = files.iter().cloned().collect();
    files.retain(|file| {
        file.extension().is_none_or(|ending| ending != "gz") || !plain.contains(&file.with_extension(""))
    });
    if files.is_empty() {
        return Err(DataError::Absent(format!("no {} in {}", wanted.files.join(", "), folder.display())));
    }
    let input = |file: PathBuf| RunInput {
        label: file.strip_prefix(&folder).unwrap_or(&file).display().to_string(),
        file: Some(file),
        seed: seed.unwrap_or(1),
    };
    Ok(files.into_iter().map(input).collect())
}

/// The folder of the scenario's set.
pub fn set_folder(wanted: &Data, data: Option<&Path>) -> Result<PathBuf, DataError> {
    let data = data.ok_or_else(|| {
        DataError::Absent("no data: name their folder with --data DIR, or in DINRAIL_DATA".to_owned())
    })?;
    // A configuration's paths count from its own folder, so this one may not count from the current one.
    let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let folder = data.join(&wanted.folder);
    if !folder.is_dir() {
        return Err(DataError::Absent(format!("there is no folder {}", folder.display())));
    }
    Ok(folder)
}

/// The set's folder that a file was found in.
fn folder_of(file: &Path, wanted: &Data) -> PathBuf {
    let folder = file.ancestors().find(|folder| folder.ends_with(&wanted.folder));
    folder.unwrap_or(file).to_owned()
}

/// The configuration of one run.
pub fn configuration(
    scenario: &Scenario,
    input: &RunInput,
    places: &Places,
    component: Option<&Path>,
) -> Result<Config, DataError> {
    let path = scenario.folder.join(&scenario.file.configuration);
    let mut text = std::fs::read_to_string(&path).map_err(|error| DataError::Read { path: path.clone(), error })?;
    if let Some(file) = &input.file {
        text = text.replace("{file}", &quotable(file));
        let packed = file.extension().is_some_and(|ending| ending == "gz");
        text = text.replace("{packed}", if packed { ".gz" } else { "" });
        if let Some(wanted) = &scenario.file.data {
            let folder = folder_of(file, wanted);
            for (name, fact) in &wanted.facts {
                text = text.replace(&format!("{{{name}}}"), &fact.read(&folder, file)?.to_string());
            }
            text = text.replace("{folder}", &quotable(&folder));
        }
        if matches!(scenario.file.judge, Judge::Nab { .. }) {
            text = text.replace("{probation}", &probation(file)?.to_string());
        }
    }
    text = changed(&path, text, &scenario.file, input.seed)?;
    text = text.replace("{seed}", &input.seed.to_string());
    let mut config = config::parse(&path, text, places)?;
    if let Some(component) = component
        && let Some(plugin) = config.plugins.iter_mut().find(|plugin| plugin.name == scenario.file.plugin)
    {
        component.clone_into(&mut plugin.component);
    }
    Ok(config)
}

/// The configuration with what the scenario sets and leaves out.
fn changed(path: &Path, text: String, file: &ScenarioFile, seed: u64) -> Result<String, DataError> {
    if file.set.is_empty() && file.without.is_empty() {
        return Ok(text);
    }
    let refuse = |why: String| DataError::Content { path: path.to_owned(), why };
    let mut document: toml::Table = toml::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    for name in &file.without {
        let (table, key) = place(&mut document, name).ok_or_else(|| refuse(format!("has no `{name}` to leave out")))?;
        table.remove(key).ok_or_else(|| refuse(format!("has no `{name}` to leave out")))?;
    }
    for (name, value) in &file.set {
        let (table, key) = place(&mut document, name).ok_or_else(|| refuse(format!("has no table for `{name}`")))?;
        let is_seed = value.as_str() == Some("{seed}");
        let seed = i64::try_from(seed).map_err(|_| refuse(format!("a seed of {seed} is too large")))?;
        table.insert(key.to_owned(), if is_seed { toml::Value::Integer(seed) } else { value.clone() });
    }
    toml::to_string(&document).map_err(|error| refuse(error.to_string()))
}

/// The table that a path of keys leads to, and the last key. Keys have no dots in them.
fn place<'t, 'n>(mut table: &'t mut toml::Table, path: &'n str) -> Option<(&'t mut toml::Table, &'n str)> {
    let (tables, key) = path.rsplit_once('.').unwrap_or(("", path));
    for name in tables.split('.').filter(|name| !name.is_empty()) {
        table = table.get_mut(name)?.as_table_mut()?;
    }
    Some((table, key))
}

/// A path as it may stand between double quotes in TOML.
fn quotable(path: &Path) -> String {
    path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"")
}

/// Rows at the beginning that the Numenta benchmark does not judge: 15 % of the series, 750 at most.
pub fn probation(file: &Path) -> Result<usize, DataError> {
    let text = read_text(file)?;
    let rows = text.lines().filter(|line| !line.trim().is_empty()).count().saturating_sub(1);
    Ok(dinrail_sim::judge::nab::probation_rows(rows))
}

/// A text file, unpacked where its name ends in `.gz`.
pub fn read_text(path: &Path) -> Result<String, DataError> {
    let failed = |error| DataError::Read { path: path.to_owned(), error };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    if path.extension().is_some_and(|ending| ending == "gz") {
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).map_err(failed)?;
    } else {
        std::io::BufReader::new(file).read_to_string(&mut text).map_err(failed)?;
    }
    Ok(text)
}

/// A row of the judged table: whose, when, and what the label says.
#[derive(Clone, Debug)]
pub struct TruthRow {
    /// The asset's key.
    pub asset: Option<Arc<str>>,
    /// Its time.
    pub time_ns: TimeNs,
    /// NaN where there is none.
    pub label: f64,
}

/// The rows of the table that the tag `label` comes from, as the controller reads them. Without a label, those of the
/// first table.
pub fn truth_rows(config: &Config, label: Option<&str>) -> Result<Vec<TruthRow>, DataError> {
    let path = config.text.path().to_owned();
    let wrong = |why: String| DataError::Content { path: path.clone(), why };
    let tag = match label {
        Some(name) => Some(config.tags.find(name).ok_or_else(|| wrong(format!("there is no tag `{name}`")))?),
        None => None,
    };
    let source = match tag {
        Some(tag) => match config.tag_origins[tag.index()].address {
            TagAddress::Column(_) => config.tag_origins[tag.index()].source,
            TagAddress::Signal(_)
            | TagAddress::Topic { .. }
            | TagAddress::Calendar(_)
            | TagAddress::Image(_)
            | TagAddress::Result(_) => None,
        },
        None => {
            let table = config.sources.iter().position(|source| matches!(source.kind, SourceKind::Csv(_)));
            let index = table.ok_or_else(|| wrong("there is no table".into()))?;
            Some(SourceId(u32::try_from(index).expect("a configuration has fewer than 2^32 sources")))
        }
    };
    let source = source.ok_or_else(|| wrong("the label is in no table".into()))?;
    let SourceKind::Csv(table) = &config.sources[source.0 as usize].kind else {
        return Err(wrong("the label is in no table".into()));
    };
    let mut reader = tables::open(config, source, table).map_err(&wrong)?;
    let mut rows = Vec::new();
    while let Some(reading) = reader.next_reading().map_err(|error| wrong(error.to_string()))? {
        let raw = tag.and_then(|tag| reading.values.iter().find(|(id, _)| *id == tag));
        let label = match raw {
            Some((tag, raw @ (RawValue::Number(_) | RawValue::Bool(_) | RawValue::Text(_)))) => {
                config.tags.get(*tag).admit(raw).0
            }
            Some(_) | None => f64::NAN,
        };
        rows.push(TruthRow { asset: reading.asset.clone(), time_ns: reading.time_ns, label });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_file_and_its_packed_twin_are_one_run() {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        std::fs::create_dir(&set).unwrap();
        for name in ["a.txt", "a.txt.gz", "b.txt.gz", "c.txt"] {
            std::fs::write(set.join(name), "").unwrap();
        }
        let file = toml::from_str(
            "summary = \"\"\nworld = \"\"\nplugin = \"\"\nconfiguration = \"\"\n\
             data = { folder = \"set\", files = [\"*.txt*\"] }\njudge = { kind = \"normal\", skip_rows = 0 }\n",
        );
        let scenario = Scenario { name: "s".into(), folder: folder.path().to_owned(), file: file.unwrap() };
        let runs = inputs(&scenario, Some(folder.path()), None).unwrap();
        let labels: Vec<String> = runs.into_iter().map(|run| run.label).collect();
        assert_eq!(labels, ["a.txt", "b.txt.gz", "c.txt"]);
    }
}
