//! What is told of a table.

use super::time::CsvTime;
use dinrail_core::reading::SourceId;
use dinrail_core::tag::TagId;
use jiff::tz::TimeZone;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What separates the fields of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// One ASCII character; fields may be quoted with `"`.
    Character(u8),
    /// Any run of spaces and tabs; those at a line's ends count for nothing, and nothing is quoted.
    Whitespace,
}

/// Why a separator is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the delimiter `{text}` should be one ASCII character other than a quote, a dot, a letter or a digit, or `tab`, or `whitespace`"
)]
pub struct SeparatorError {
    /// As written.
    pub text: String,
}

impl FromStr for Separator {
    type Err = SeparatorError;

    fn from_str(text: &str) -> Result<Separator, SeparatorError> {
        match text.as_bytes() {
            b"whitespace" => Ok(Separator::Whitespace),
            b"tab" | b"\t" => Ok(Separator::Character(b'\t')),
            [one] if one.is_ascii_punctuation() && !matches!(one, b'"' | b'.' | b'-' | b'+') => {
                Ok(Separator::Character(*one))
            }
            [b' '] => Ok(Separator::Character(b' ')),
            _ => Err(SeparatorError { text: text.to_owned() }),
        }
    }
}

/// What a record of a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A row: one value of every column.
    #[default]
    Rows,
    /// A whole series: its name, then its values. It is read as rows of four columns: `series`, `step` (from 1),
    /// `value` and `last`.
    Series,
}

/// A table that is read before the main one, with its separator, header and columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// The file.
    pub path: PathBuf,
    /// Whether each of its lines is a column, without a name.
    pub transposed: bool,
    /// Of times that are counted: how much longer than usual it is from its last record to the next table's first.
    pub gap_ns: u64,
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnRef {
    /// By its name in the header; the header's spaces at the ends of names count for nothing.
    Name(String),
    /// By its number, counted from 1.
    Number(usize),
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnRef::Name(name) => write!(formatter, "`{name}`"),
            ColumnRef::Number(number) => write!(formatter, "number {number}"),
        }
    }
}

/// Everything that is told of a table.
#[derive(Clone, Debug)]
pub struct CsvOptions {
    /// Which source the readings say they come from.
    pub source: SourceId,
    /// The file; unpacked on the fly where its name ends in `.gz`.
    pub path: PathBuf,
    /// Between fields.
    pub separator: Separator,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Which columns are tags; a column may serve several, a tag has one.
    pub columns: Vec<(ColumnRef, TagId)>,
    /// Where a row's time comes from.
    pub time: CsvTime,
    /// The column whose value says which asset a row is of.
    pub key: Option<ColumnRef>,
    /// For times without an offset of their own.
    pub zone: TimeZone,
    /// Files with the same separator and header whose n-th record goes on with the n-th of this one.
    pub join: Vec<PathBuf>,
    /// Tables whose rows come before those of this one, one after the other. Not with `join` or a layout of series.
    pub after: Vec<Before>,
    /// What a record of the file is.
    pub layout: Layout,
    /// Tags for which a text means nothing, by name: their first text is told of.
    pub numbers: Vec<(TagId, String)>,
}
