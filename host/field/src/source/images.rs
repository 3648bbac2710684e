//! A folder of pictures, each a row: its id, its label and the picture itself.
//!
//! Pictures lie in the folder, or in sub-folders whose names are their labels, or a table names them with ids and labels.
//! They come in the order of their paths, or of the table. One that can't be read is missing, is counted, and the next one
//! comes all the same.

use super::picture;
use dinrail_core::reading::{RawValue, Reading, ReadingKind, SourceId};
use dinrail_core::tag::TagId;
use dinrail_core::time::{DurationNs, TimeNs};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pictures of a source: more than a training set has.
pub const MAX_PICTURES: usize = 1_000_000;
/// Bad pictures that are told by name; the others are counted.
const MAX_TOLD: u64 = 20;

/// What is told of a folder.
#[derive(Clone, Debug)]
pub struct ImagesOptions {
    /// Where its readings come from.
    pub source: SourceId,
    /// The folder.
    pub folder: PathBuf,
    /// A table with the columns `file` and, as they are there, `label` and `id`; paths count from the folder.
    pub labels: Option<PathBuf>,
    /// Of the first picture.
    pub start_ns: TimeNs,
    /// From one picture to the next.
    pub period_ns: DurationNs,
    /// The tag of the picture.
    pub picture: Option<TagId>,
    /// The tag of the label, and whether it takes texts; otherwise the label's place among all labels by name, or the label
    /// itself where all are numbers.
    pub label: Option<(TagId, bool)>,
    /// The tag of the id: the table's, else the place of the picture from 0.
    pub id: Option<TagId>,
}

/// Why a folder can't be a source.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// It can't be listed.
    #[error("{path}: {error}", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// No picture is there.
    #[error("{path} has no picture: .png, .jpg or .jpeg, in it or in its sub-folders", path = .path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// Too many.
    #[error("{path} has more than {MAX_PICTURES} pictures", path = .path.display())]
    TooMany {
        /// Which.
        path: PathBuf,
    },
    /// The table is none.
    #[error("{path}: {why}", path = .path.display())]
    Table {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

#[derive(Clone, Debug)]
struct Entry {
    path: PathBuf,
    label: Option<Arc<str>>,
    id: u64,
}

/// A folder that is read picture by picture.
#[derive(Debug)]
pub struct ImagesSource {
    options: ImagesOptions,
    entries: Vec<Entry>,
    /// By name.
    labels: Vec<Arc<str>>,
    next: usize,
    bad: u64,
}

impl ImagesSource {
    /// Lists the folder, or reads the table; no picture is opened yet.
    pub fn open(options: ImagesOptions) -> Result<ImagesSource, ImagesError> {
        let entries = match &options.labels {
            Some(table) => from_table(&options.folder, table)?,
            None => from_folder(&options.folder)?,
        };
        if entries.is_empty() {
            return Err(ImagesError::Empty { path: options.folder.clone() });
        }
        let mut labels: Vec<Arc<str>> = entries.iter().filter_map(|entry| entry.label.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        Ok(ImagesSource { options, entries, labels, next: 0, bad: 0 })
    }

    /// All labels by name: the place of each is its number.
    #[must_use]
    pub fn labels(&self) -> &[Arc<str>] {
        &self.labels
    }

    /// Pictures that could not be read so far.
    #[must_use]
    pub fn bad(&self) -> u64 {
        self.bad
    }

    /// Whether every picture was handed over.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.next == self.entries.len()
    }

    /// Time of the next picture.
    #[must_use]
    pub fn next_time(&self) -> Option<TimeNs> {
        (!self.finished()).then(|| self.time_of(self.next))
    }

    /// Every picture whose time has come.
    pub fn drain_until(&mut self, now_ns: TimeNs, readings: &mut Vec<Reading>) {
        while self.next_time().is_some_and(|next_ns| next_ns <= now_ns) {
            readings.push(self.read_next());
        }
    }

    fn time_of(&self, index: usize) -> TimeNs {
        let passed = self.options.period_ns.saturating_mul(index as u64);
        self.options.start_ns.saturating_add_unsigned(passed)
    }

    fn read_next(&mut self) -> Reading {
        let time_ns = self.time_of(self.next);
        let entry = &self.entries[self.next];
        let mut values = Vec::with_capacity(3);
        if let Some(tag) = self.options.id {
            values.push((tag, RawValue::Number(entry.id as f64)));
        }
        if let Some((tag, takes_text)) = self.options.label {
            let raw = entry.label.as_ref().map_or(RawValue::Missing, |label| self.label(label, takes_text));
            values.push((tag, raw));
        }
        if let Some(tag) = self.options.picture {
            let raw = match picture::read(&entry.path) {
                Ok(picture) => RawValue::Picture(picture),
                Err(error) => {
                    self.bad += 1;
                    if self.bad <= MAX_TOLD {
                        tracing::warn!(%error, "a picture is missing");
                    }
                    RawValue::Missing
                }
            };
            values.push((tag, raw));
        }
        self.next += 1;
        Reading { source: self.options.source, kind: ReadingKind::Row, asset: None, time_ns, values }
    }

    fn label(&self, label: &Arc<str>, takes_text: bool) -> RawValue {
        if takes_text {
            return RawValue::Text(Arc::clone(label));
        }
        let numbers: Option<Vec<f64>> = self.labels.iter().map(|label| label.parse().ok()).collect();
        let place = self.labels.binary_search(label).unwrap_or_default();
        RawValue::Number(numbers.and_then(|numbers| numbers.get(place).copied()).unwrap_or(place as f64))
    }
}

fn from_folder(folder: &Path) -> Result<Vec<Entry>, ImagesError> {
    let mut found: Vec<(PathBuf, Option<Arc<str>>)> = Vec::new();
    for path in listed(folder)? {
        if path.is_dir() {
            let label: Arc<str> = path.file_name().unwrap_or_default().to_string_lossy().into();
            found.extend(
                listed(&path)?.into_iter().filter(|path| is_picture(path)).map(|path| (path, Some(label.clone()))),
            );
        } else if is_picture(&path) {
            found.push((path, None));
        }
        if found.len() > MAX_PICTURES {
            return Err(ImagesError::TooMany { path: folder.to_owned() });
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().zip(0..).map(|((path, label), id)| Entry { path, label, id }).collect())
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, ImagesError> {
    let failed = |error| ImagesError::Read { path: folder.to_owned(), error };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

fn is_picture(path: &Path) -> bool {
    let endings = ["png", "jpg", "jpeg"];
    path.extension().is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn from_table(folder: &Path, table: &Path) -> Result<Vec<Entry>, ImagesError> {
    let wrong = |why: String| ImagesError::Table { path: table.to_owned(), why };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(table).map_err(|error| wrong(error.to_string()))?;
    let headers = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let file = column("file").ok_or_else(|| wrong("the table has no column `file`".to_owned()))?;
    let (label, id) = (column("label"), column("id"));
    let mut entries = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let field = |at: usize| record.get(at).filter(|text| !text.is_empty());
        let line = record.position().map_or(index as u64 + 2, csv::Position::line);
        let Some(name) = field(file) else { return Err(wrong(format!("line {line} names no file"))) };
        let id = match id.and_then(field) {
            Some(text) => {
                text.parse().map_err(|_no_number| wrong(format!("line {line}: the id `{text}` is no whole number")))?
            }
            None => index as u64,
        };
        entries.push(Entry { path: folder.join(name), label: label.and_then(field).map(Arc::from), id });
        if entries.len() > MAX_PICTURES {
            return Err(ImagesError::TooMany { path: table.to_owned() });
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use dinrail_core::tag::{Tag, TagTable};
    use dinrail_core::unit::Unit;
    use image::{GrayImage, Luma};

    fn options(folder: &Path, takes_text: bool) -> ImagesOptions {
        let mut tags = TagTable::default();
        let mut tag = |name: &str| tags.add(Tag::new(name, Unit::parse("").unwrap())).unwrap();
        ImagesOptions {
            source: SourceId(0),
            folder: folder.to_owned(),
            labels: None,
            start_ns: 100,
            period_ns: 10,
            picture: Some(tag("picture")),
            label: Some((tag("label"), takes_text)),
            id: Some(tag("id")),
        }
    }

    /// Id, label and first pixel of each, and when it came.
    fn all(source: &mut ImagesSource) -> Vec<(TimeNs, String)> {
        let mut readings = Vec::new();
        source.drain_until(TimeNs::MAX, &mut readings);
        let show = |raw: &RawValue| match raw {
            RawValue::Number(number) => number.to_string(),
            RawValue::Text(text) => text.to_string(),
            RawValue::Picture(picture) => format!("pixel {}", picture.pixels()[0]),
            RawValue::Missing => "missing".to_owned(),
            RawValue::Bool(_) | RawValue::Block(_) => panic!("{raw:?}"),
        };
        let shown = readings.iter().map(|reading| {
            let parts: Vec<String> = reading.values.iter().map(|(_, raw)| show(raw)).collect();
            (reading.time_ns, parts.join(" "))
        });
        shown.collect()
    }

    fn grey(path: PathBuf, level: u8) {
        GrayImage::from_pixel(1, 1, Luma([level])).save(path).unwrap();
    }

    #[test]
    fn sub_folders_are_labels_and_a_bad_picture_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for (label, name, level) in [("pit", "b.png", 1), ("good", "a.png", 2), ("pit", "a.PNG", 3)] {
            std::fs::create_dir_all(folder.path().join(label)).unwrap();
            grey(folder.path().join(label).join(name), level);
        }
        std::fs::write(folder.path().join("pit/broken.jpg"), "no picture").unwrap();
        std::fs::write(folder.path().join("pit/readme.txt"), "none either").unwrap();
        let mut source = ImagesSource::open(options(folder.path(), false)).unwrap();
        let mut early = Vec::new();
        source.drain_until(99, &mut early);
        assert_eq!((early.len(), source.next_time()), (0, Some(100)));
        let expected = ["0 0 pixel 2", "1 1 pixel 3", "2 1 pixel 1", "3 1 missing"];
        let times = (0..).map(|index| 100 + 10 * index);
        let expected: Vec<(TimeNs, String)> = times.zip(expected.map(str::to_owned)).collect();
        assert_eq!(all(&mut source), expected);
        assert_eq!((source.bad(), source.finished(), source.next_time()), (1, true, None));
        assert!(source.labels().iter().map(AsRef::as_ref).eq(["good", "pit"]));
        let mut source = ImagesSource::open(options(folder.path(), true)).unwrap();
        assert_eq!(all(&mut source)[1].1, "1 pit pixel 3");
    }

    #[test]
    fn a_table_names_files_ids_and_labels() {
        let folder = tempfile::tempdir().unwrap();
        grey(folder.path().join("x.png"), 7);
        grey(folder.path().join("y.png"), 8);
        let table = folder.path().join("labels.csv");
        let with = |text: &str| {
            std::fs::write(&table, text).unwrap();
            ImagesSource::open(ImagesOptions { labels: Some(table.clone()), ..options(folder.path(), false) })
        };
        let shown = |text: &str| all(&mut with(text).unwrap()).into_iter().map(|(_, shown)| shown).collect::<Vec<_>>();
        let numbers = shown("id, file, label\n12, y.png, 5\n11, x.png, 3\n9, absent.png,\n");
        assert_eq!(numbers, ["12 5 pixel 8", "11 3 pixel 7", "9 missing missing"]);
        assert_eq!(shown("file\nx.png\n"), ["0 missing pixel 7"]);
        for (text, part) in
            [("name\nx.png\n", "`file`"), ("file,id\nx.png,a\n", "line 2"), ("file,id\n,1\n", "no file")]
        {
            let error = with(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(matches!(with("file\n"), Err(ImagesError::Empty { .. })));
    }

    #[test]
    fn an_empty_folder_and_none_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(ImagesSource::open(options(folder.path(), false)), Err(ImagesError::Empty { .. })));
        let absent = options(&folder.path().join("absent"), false);
        assert!(matches!(ImagesSource::open(absent), Err(ImagesError::Read { .. })));
    }
}
