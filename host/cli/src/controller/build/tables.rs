//! A `csv` source, from its part of the configuration.

use crate::config::{self, Config};
use dinrail_core::reading::SourceId;
use dinrail_field::source::csv::{ColumnRef, CsvOptions, CsvSource, CsvTime, Separator, TimeFormat};

pub(crate) fn open(config: &Config, id: SourceId, table: &config::CsvSource) -> Result<CsvSource, String> {
    CsvSource::open(options(config, id, table)).map_err(|error| error.to_string())
}

/// Everything that is told of the table, its tags' columns included.
pub(crate) fn options(config: &Config, id: SourceId, table: &config::CsvSource) -> CsvOptions {
    let numbered = |index: usize| ColumnRef::Number(index + 1);
    let columns = config
        .tags
        .iter()
        .zip(&config.tag_origins)
        .filter(|(_, origin)| origin.source == id)
        .filter_map(|((tag, _), origin)| match origin.address {
            config::TagAddress::Column(index) => Some((numbered(index), tag)),
            config::TagAddress::Signal(_) | config::TagAddress::Topic { .. } | config::TagAddress::Calendar(_) => None,
        })
        .collect();
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
        layout: table.layout,
    }
}
