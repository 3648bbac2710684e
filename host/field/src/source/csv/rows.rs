//! From records to rows: which field is what, and what a row cannot do without.

use super::options::{ColumnRef, CsvOptions, Layout};
use super::stream::Stream;
use super::time::{CsvTime, counted};
use super::{CsvCounts, CsvError, CsvProblem, MAX_BAD_START, MAX_PROBLEMS, Trouble};
use dinrail_core::reading::RawValue;
use dinrail_core::tag::TagId;
use dinrail_core::time::TimeNs;
use std::collections::HashMap;
use std::sync::Arc;

/// Assets of one file: ten times the largest fleet in the public sets, and each is a plugin instance.
pub const MAX_ASSETS: usize = 4_096;

/// Bytes of a text cell that are kept; texts stand for recipes and states, not for prose.
const MAX_TEXT_BYTES: usize = 256;

/// A row that has its time, and its asset where there are assets.
pub(super) struct Row {
    pub(super) asset: usize,
    pub(super) time_ns: TimeNs,
    pub(super) values: Vec<(TagId, RawValue)>,
}

/// Reads the rows of a file in its order.
pub(super) struct Rows {
    options: CsvOptions,
    records: Stream,
    /// Whether the record after the header was gone to while opening.
    first_is_read: bool,
    fields: usize,
    cells: Vec<(usize, TagId)>,
    /// The last text of each cell: most columns of text repeat it.
    texts: Vec<Option<Arc<str>>>,
    /// By cell: the name of a tag for which a text means nothing, until it was told of.
    untold: Vec<Option<String>>,
    time_field: Option<usize>,
    key_field: Option<usize>,
    assets: Vec<AssetState>,
    by_key: HashMap<Arc<str>, usize>,
    last_asset: usize,
    pub(super) counts: CsvCounts,
    pub(super) problems: Vec<CsvProblem>,
}

struct AssetState {
    key: Arc<str>,
    records: u64,
    last_ns: Option<TimeNs>,
}

impl Rows {
    /// Opens the file and finds the columns.
    pub(super) fn open(options: CsvOptions) -> Result<Rows, CsvError> {
        let path = options.path.clone();
        let mut records = Stream::open(&options).map_err(|source| CsvError::Open { path: path.clone(), source })?;
        let line_of = |records: &Stream| records.line() + 1;
        let found = records.advance().map_err(|source| CsvError::Read {
            path: path.clone(),
            line: line_of(&records),
            source,
        })?;
        if !found {
            return Err(CsvError::Empty { path });
        }
        let first: Vec<String> =
            records.record().iter().map(|field| String::from_utf8_lossy(field.trim_ascii()).into_owned()).collect();
        let find = |column: &ColumnRef| find_column(column, &first, &options, records.line());
        let mut cells: Vec<(usize, TagId)> = Vec::new();
        for (column, tag) in &options.columns {
            if cells.iter().any(|(_, other)| other == tag) {
                return Err(CsvError::TagTwice { path, column: column.to_string() });
            }
            cells.push((find(column)?, *tag));
        }
        let time_field = match &options.time {
            CsvTime::Column { column, .. } | CsvTime::Count { column, .. } => Some(find(column)?),
            CsvTime::Period { .. } => None,
        };
        let key_field = options.key.as_ref().map(find).transpose()?;
        let mut rows = Rows {
            first_is_read: !(options.header || options.layout == Layout::Series),
            fields: first.len(),
            texts: vec![None; cells.len()],
            untold: untold(&cells, &options.numbers),
            cells,
            time_field,
            key_field,
            assets: Vec::new(),
            by_key: HashMap::new(),
            last_asset: 0,
            counts: CsvCounts::default(),
            problems: Vec::new(),
            records,
            options,
        };
        if rows.key_field.is_none() {
            rows.assets.push(AssetState { key: "".into(), records: 0, last_ns: None });
        }
        Ok(rows)
    }

    pub(super) fn options(&self) -> &CsvOptions {
        &self.options
    }

    pub(super) fn line(&self) -> u64 {
        self.records.line()
    }

    /// Keys in order of appearance; one empty key where there is none.
    pub(super) fn keys(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.assets.iter().map(|asset| &asset.key)
    }

    /// The key of one asset.
    pub(super) fn key(&self, asset: usize) -> &Arc<str> {
        &self.assets[asset].key
    }

    /// The next row that can be used; those that cannot are counted and noted.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, CsvError> {
        loop {
            if !std::mem::take(&mut self.first_is_read) {
                let found = self.records.advance().map_err(|source| CsvError::Read {
                    path: self.options.path.clone(),
                    line: self.records.line() + 1,
                    source,
                })?;
                if !found {
                    self.refuse_if_none(1)?;
                    return Ok(None);
                }
            }
            match self.row()? {
                Ok(row) => return Ok(Some(row)),
                Err(trouble) => {
                    self.note(trouble);
                    self.refuse_if_none(MAX_BAD_START)?;
                }
            }
        }
    }

    /// An error where so many records were looked at and not one was a row.
    fn refuse_if_none(&self, looked_at: u64) -> Result<(), CsvError> {
        match self.problems.first() {
            Some(problem) if self.counts.rows == 0 && self.counts.bad_records >= looked_at => Err(CsvError::NoRow {
                path: self.options.path.clone(),
                looked_at: self.counts.bad_records,
                problem: problem.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Counts a record that cannot be used, and keeps the first few.
    fn note(&mut self, trouble: Trouble) {
        self.counts.bad_records += 1;
        let problem = CsvProblem { line: self.records.line(), trouble };
        if self.problems.len() < MAX_PROBLEMS {
            tracing::warn!(path = %self.records.path().display(), %problem, "a record can't be used");
            self.problems.push(problem);
        }
    }

    fn row(&mut self) -> Result<Result<Row, Trouble>, CsvError> {
        let misfit = self.records.misfit(self.fields);
        // A record of another length may still say whose period it takes.
        let asset = match self.asset()? {
            Ok(asset) => asset,
            Err(trouble) => return Ok(Err(misfit.unwrap_or(trouble))),
        };
        let number = self.assets[asset].records;
        self.assets[asset].records += 1;
        if let Some(trouble) = misfit {
            return Ok(Err(trouble));
        }
        let time_ns = match self.time(asset, number) {
            Ok(time_ns) => time_ns,
            Err(trouble) => return Ok(Err(trouble)),
        };
        self.assets[asset].last_ns = Some(time_ns);
        self.counts.rows += 1;
        let values = self.values();
        Ok(Ok(Row { asset, time_ns, values }))
    }

    fn asset(&mut self) -> Result<Result<usize, Trouble>, CsvError> {
        let Some(field) = self.key_field else { return Ok(Ok(0)) };
        let key = self.records.record().get(field).map(<[u8]>::trim_ascii).unwrap_or_default();
        let Some(key) = std::str::from_utf8(key).ok().filter(|key| !key.is_empty()) else {
            return Ok(Err(Trouble::Key));
        };
        if self.assets.get(self.last_asset).is_some_and(|last| last.key.as_ref() == key) {
            return Ok(Ok(self.last_asset));
        }
        if let Some(asset) = self.by_key.get(key) {
            self.last_asset = *asset;
            return Ok(Ok(*asset));
        }
        if self.assets.len() == MAX_ASSETS {
            return Err(CsvError::TooManyAssets {
                path: self.options.path.clone(),
                line: self.records.line(),
                limit: MAX_ASSETS,
            });
        }
        let key: Arc<str> = key.into();
        self.last_asset = self.assets.len();
        self.by_key.insert(Arc::clone(&key), self.last_asset);
        self.assets.push(AssetState { key, records: 0, last_ns: None });
        Ok(Ok(self.last_asset))
    }

    fn time(&self, asset: usize, number: u64) -> Result<TimeNs, Trouble> {
        let text = self.time_field.and_then(|field| self.records.record().get(field)).unwrap_or_default();
        let later = |time_ns: TimeNs| time_ns.saturating_add(self.records.passed_ns());
        let time = match &self.options.time {
            CsvTime::Column { format, .. } => format.read(text, &self.options.zone, self.assets[asset].last_ns),
            CsvTime::Count { start_ns, period_ns, .. } => std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .and_then(|count| counted(*start_ns, *period_ns, count))
                .map(later),
            CsvTime::Period { start_ns, period_ns } => counted(*start_ns, *period_ns, number as f64).map(later),
        };
        time.ok_or_else(|| Trouble::Time { text: String::from_utf8_lossy(text).chars().take(40).collect() })
    }

    fn values(&mut self) -> Vec<(TagId, RawValue)> {
        let mut values = Vec::with_capacity(self.cells.len());
        let line = self.records.line();
        for (((field, tag), last), untold) in self.cells.iter().zip(&mut self.texts).zip(&mut self.untold) {
            let bytes = self.records.record().get(*field).unwrap_or_default();
            let value = cell(bytes, last);
            match &value {
                RawValue::Missing => self.counts.missing_cells += 1,
                RawValue::Text(text) => {
                    self.counts.text_cells += 1;
                    if let Some(tag) = untold.take() {
                        let place = format!("{}:{line}", self.records.path().display());
                        tracing::warn!(tag, place, %text, "a text where a number should be: such values are bad");
                    }
                }
                RawValue::Number(_) | RawValue::Bool(_) | RawValue::Block(_) | RawValue::Picture(_) => {}
            }
            values.push((*tag, value));
        }
        self.counts.cells += values.len() as u64;
        values
    }
}

/// By cell, the name of its tag where a text means nothing to that.
fn untold(cells: &[(usize, TagId)], numbers: &[(TagId, String)]) -> Vec<Option<String>> {
    let name = |tag: TagId| numbers.iter().find(|(number, _)| *number == tag).map(|(_, name)| name.clone());
    cells.iter().map(|(_, tag)| name(*tag)).collect()
}

/// A number if it reads as one (`nan` and `inf` do, and become bad later), `true` or `false` in any
/// case, nothing, or a text.
pub(super) fn cell(bytes: &[u8], last: &mut Option<Arc<str>>) -> RawValue {
    let bytes = bytes.trim_ascii();
    let Ok(text) = std::str::from_utf8(bytes) else { return RawValue::Missing };
    if let Ok(number) = text.parse() {
        return RawValue::Number(number);
    }
    if text.is_empty() || text.len() > MAX_TEXT_BYTES {
        return RawValue::Missing;
    }
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return RawValue::Bool(text.eq_ignore_ascii_case("true"));
    }
    match last {
        Some(last) if last.as_ref() == text => RawValue::Text(Arc::clone(last)),
        last => {
            let text: Arc<str> = text.into();
            *last = Some(Arc::clone(&text));
            RawValue::Text(text)
        }
    }
}

fn find_column(column: &ColumnRef, first: &[String], options: &CsvOptions, line: u64) -> Result<usize, CsvError> {
    let refuse = |why: String| CsvError::Column { path: options.path.clone(), line, column: column.to_string(), why };
    match column {
        ColumnRef::Number(number) if (1..=first.len()).contains(number) => Ok(number - 1),
        ColumnRef::Number(_) => Err(refuse(format!("columns count from 1 to {}", first.len()))),
        ColumnRef::Name(_) if !options.header && options.layout == Layout::Rows => {
            Err(refuse("the file is said to have no header, so give the column's number".to_owned()))
        }
        ColumnRef::Name(name) => {
            let mut found = first.iter().enumerate().filter(|(_, other)| *other == name.trim());
            match (found.next(), found.next()) {
                (Some((index, _)), None) => Ok(index),
                (Some(_), Some(_)) => Err(refuse("two columns have this name; give the number".to_owned())),
                (None, _) => Err(refuse(format!("the header has {}", first.join(", ")))),
            }
        }
    }
}
