//! A `csv` source, from its part of the configuration.

use crate::config::{self, Config, ConfigError};
use dinrail_core::reading::SourceId;
use dinrail_core::tag::{TagId, TagKind};
use dinrail_field::source::csv::{ColumnRef, CsvOptions, CsvSource, CsvTime, Separator, TextColumn, TimeFormat};
use std::sync::Arc;

/// Records of a table in which a column of numbers must have one.
const FIRST_RECORDS: usize = 100;

pub(crate) fn open(config: &Config, id: SourceId, table: &config::CsvSource) -> Result<CsvSource, String> {
    CsvSource::open(options(config, id, table)).map_err(|error| error.to_string())
}

/// Mistakes: tags that take numbers, are named or bound, and whose columns begin with texts only.
pub(super) fn columns_of_text(config: &Config, id: SourceId, table: &config::CsvSource) -> Vec<ConfigError> {
    // What hinders reading was reported when the table was opened.
    let found = CsvSource::texts_only(options(config, id, table), FIRST_RECORDS).ok();
    let wanted = |column: &TextColumn| is_named(config, column.tag) || is_bound(config, column.tag);
    let columns = found.unwrap_or_default().into_iter().filter(wanted);
    columns.map(|column| refusal(config, table, &column)).collect()
}

/// Whether the tag has a section of its own, rather than being found by a pattern.
fn is_named(config: &Config, tag: TagId) -> bool {
    let span = config.tag_origins[tag.index()].span.clone();
    !config.text.text().get(span).is_some_and(|name| name.contains(['*', '?']))
}

fn is_bound(config: &Config, tag: TagId) -> bool {
    let mut bound = config.plugins.iter().flat_map(|plugin| &plugin.inputs).flat_map(|input| &input.tags);
    bound.any(|bound| bound.tag == tag)
}

fn refusal(config: &Config, table: &config::CsvSource, column: &TextColumn) -> ConfigError {
    let origin = &config.tag_origins[column.tag.index()];
    let name = match origin.address {
        config::TagAddress::Column(index) => table.columns.get(index).map_or("", String::as_str),
        config::TagAddress::Signal(_)
        | config::TagAddress::Topic { .. }
        | config::TagAddress::Calendar(_)
        | config::TagAddress::Image(_)
        | config::TagAddress::Result(_) => "",
    };
    let TextColumn { line, text, .. } = column;
    let message = format!(
        "the column `{name}` of `{}` has no number in its first {FIRST_RECORDS} records: `{text}` in line {line}",
        table.path.display()
    );
    let help = match text.replace(',', ".").parse::<f64>() {
        Ok(_) => "numbers are read with a decimal point, `1.5`: write the file so".to_owned(),
        Err(_) => format!(
            "say what its texts stand for, `map = {{ \"{text}\" = 1 }}`, name another `column`, or leave the tag \
             `{}` out of what plugins read",
            config.tags.get(column.tag).name
        ),
    };
    ConfigError::new(Arc::clone(&config.text), origin.span.clone(), message, "", help)
}

/// Everything that is told of the table, its tags' columns included.
pub(crate) fn options(config: &Config, id: SourceId, table: &config::CsvSource) -> CsvOptions {
    let numbered = |index: usize| ColumnRef::Number(index + 1);
    let tags = || config.tags.iter().zip(&config.tag_origins).filter(|(_, origin)| origin.source == Some(id));
    let columns = tags()
        .filter_map(|((tag, _), origin)| match origin.address {
            config::TagAddress::Column(index) => Some((numbered(index), tag)),
            config::TagAddress::Signal(_)
            | config::TagAddress::Topic { .. }
            | config::TagAddress::Calendar(_)
            | config::TagAddress::Image(_)
            | config::TagAddress::Result(_) => None,
        })
        .collect();
    let numbers = tags()
        .filter(|((_, tag), _)| tag.map.is_empty() && tag.kind == TagKind::Value)
        .map(|((id, tag), _)| (id, tag.name.clone()));
    let time = match &table.time {
        config::CsvTime::Format { column, format } => {
            let Ok(format) = format.parse::<TimeFormat>();
            CsvTime::Column { column: numbered(*column), format }
        }
        config::CsvTime::Count { column, period_ns, start_ns } => {
            CsvTime::Count { column: numbered(*column), start_ns: *start_ns, period_ns: *period_ns }
        }
        config::CsvTime::Period { period_ns, start_ns } => {
            CsvTime::Period { start_ns: *start_ns, period_ns: *period_ns }
        }
    };
    CsvOptions {
        source: id,
        path: table.path.clone(),
        separator: match table.delimiter {
            config::Delimiter::Byte(byte) => Separator::Character(byte),
            config::Delimiter::Whitespace => Separator::Whitespace,
        },
        header: table.header,
        columns,
        time,
        key: table.key.map(numbered),
        zone: config.site.time_zone.clone(),
        join: table.join.clone(),
        after: table.after.clone(),
        layout: table.layout,
        numbers: numbers.collect(),
    }
}
