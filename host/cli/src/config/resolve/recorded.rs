//! `series` and `settings` of a simulated plant: what it replays, and numbers in place of its defaults.

use super::sources::paths;
use crate::config::amounts::CENTURY_NS;
use crate::config::document::{Section, did_you_mean};
use dinrail_sim::Recorded;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Records that are kept: ten years of quarter hours.
const MAX_RECORDS: usize = 400_000;

const EXAMPLE: &str = "series = { path = \"load.csv\", step = \"15min\", columns = { load = \"kwh\" } }";

/// The series, and the files that they come from. None where something is wrong.
pub(super) fn recorded(section: &Section<'_>) -> Option<(Option<Recorded>, Vec<PathBuf>)> {
    if !section.has("series") {
        return Some((None, Vec::new()));
    }
    let series = section.section("series", EXAMPLE)?;
    let path = series.required_text("path", "path = \"load.csv\"");
    if !series.has("step") {
        series.missing("step", "step = \"15min\"");
    }
    let step = series.duration("step", 1_000_000_000, CENTURY_NS);
    let join = paths(&series, "join");
    let scale = numbers(&series, "scale");
    let mut columns = Vec::new();
    for (name, found) in series.entries("columns", "columns = { load = \"kwh\" }") {
        match found.value.0.as_str() {
            Some(column) => columns.push((name, column.to_owned(), found.span)),
            None => {
                let message = format!("`{name}` should be a column's name, is {}", found.value.kind());
                series.findings().add(found.span, message, "", "write { load = \"kwh\" }");
            }
        }
    }
    if columns.is_empty() {
        series.missing("columns", "columns = { load = \"kwh\" }");
    }
    let (path, step, join, scale) = (path?, step?, join?, scale?);
    for name in scale.keys().filter(|name| columns.iter().all(|(column, ..)| column != *name)) {
        let message = format!("`scale` names `{name}`, which is none of the columns");
        let help = did_you_mean(name, columns.iter().map(|(column, ..)| column.as_str()));
        series.findings().add(series.span(), message, "", help);
    }
    let folder = series.findings().text().folder().to_owned();
    let mut files = vec![folder.join(&path.value)];
    files.extend(join.value);
    let mut read = BTreeMap::new();
    for (name, column, span) in columns {
        let factor = scale.get(&name).copied().unwrap_or(1.0);
        match column_of(&files, &column) {
            Ok(values) => {
                read.insert(name, values.into_iter().map(|value| value * factor).collect::<Vec<f64>>());
            }
            Err(SeriesError::NoColumn { there }) => {
                let message = format!("the table has no column `{column}`");
                let help = did_you_mean(&column, there.iter().map(String::as_str));
                series.findings().add(span, message, "", help);
            }
            Err(error) => {
                let help = "a plant replays one number a record, without gaps";
                series.findings().add(span, error.to_string(), "", help);
            }
        }
    }
    let lengths: Vec<usize> = read.values().map(Vec::len).collect();
    if let Some(shortest) = lengths.iter().copied().min().filter(|least| lengths.iter().any(|length| length != least)) {
        let message = format!("the columns have different lengths; the shortest has {shortest} records");
        series.findings().add(path.span, message, "", "give files of one length");
    }
    series.finish();
    let recorded = Recorded { step_s: step.value as f64 / 1e9, series: read };
    Some((Some(recorded), files))
}

/// Numbers by name; empty where there are none, none where something is wrong.
pub(super) fn settings(section: &Section<'_>) -> Option<BTreeMap<String, f64>> {
    numbers(section, "settings")
}

fn numbers(section: &Section<'_>, key: &'static str) -> Option<BTreeMap<String, f64>> {
    let mut numbers = BTreeMap::new();
    let mut fit = true;
    for (name, found) in section.entries(key, "settings = { capacity = 6.4 }") {
        match found.value.number() {
            Some(number) => {
                numbers.insert(name, number);
            }
            None => {
                fit = false;
                let message = format!("`{name}` should be a number, is {}", found.value.kind());
                section.findings().add(found.span, message, "", "write { capacity = 6.4 }");
            }
        }
    }
    fit.then_some(numbers)
}

/// Why a series can't be read.
#[derive(Debug, thiserror::Error)]
enum SeriesError {
    #[error("{}: {error}", path.display())]
    Read { path: PathBuf, error: csv::Error },
    #[error("there is no such column")]
    NoColumn { there: Vec<String> },
    #[error("{}, record {record}: `{text}` is no finite number", path.display())]
    NoNumber { path: PathBuf, record: usize, text: String },
    #[error("{}: more than {MAX_RECORDS} records", path.display())]
    TooMany { path: PathBuf },
}

/// The column of that name in the first of the files that has it.
fn column_of(files: &[PathBuf], column: &str) -> Result<Vec<f64>, SeriesError> {
    let mut there = Vec::new();
    for path in files {
        let failed = |error| SeriesError::Read { path: path.clone(), error };
        let mut reader = reader(path).map_err(|error| failed(error.into()))?;
        let names: Vec<String> = reader.headers().map_err(failed)?.iter().map(|name| name.trim().to_owned()).collect();
        let Some(index) = names.iter().position(|name| name == column) else {
            there.extend(names);
            continue;
        };
        let mut values = Vec::new();
        for (record, fields) in reader.into_records().enumerate() {
            let fields = fields.map_err(failed)?;
            let text = fields.get(index).unwrap_or_default().trim();
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            values.push(number.ok_or_else(|| SeriesError::NoNumber {
                path: path.clone(),
                record: record + 1,
                text: text.chars().take(40).collect(),
            })?);
            if values.len() > MAX_RECORDS {
                return Err(SeriesError::TooMany { path: path.clone() });
            }
        }
        return Ok(values);
    }
    Err(SeriesError::NoColumn { there })
}

fn reader(path: &Path) -> std::io::Result<csv::Reader<Box<dyn std::io::Read>>> {
    let file = std::fs::File::open(path)?;
    let packed = path.extension().is_some_and(|ending| ending == "gz");
    let bytes: Box<dyn std::io::Read> =
        if packed { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(csv::Reader::from_reader(bytes))
}
