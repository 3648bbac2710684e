//! Tables and MQTT links as sources of a scan.

use super::source::{Source, SourceCounts};
use dinrail_core::reading::Reading;
use dinrail_core::time::TimeNs;
use dinrail_field::link::MqttLink;
use dinrail_field::source::csv::CsvSource;

/// A table.
pub struct TableSource {
    name: String,
    table: CsvSource,
    failed: bool,
}

impl TableSource {
    /// `name` is the source's in the configuration.
    #[must_use]
    pub fn new(name: String, table: CsvSource) -> TableSource {
        TableSource { name, table, failed: false }
    }
}

impl Source for TableSource {
    fn drain(&mut self, now_ns: TimeNs, readings: &mut Vec<Reading>) {
        if self.failed {
            return;
        }
        if let Err(error) = self.table.drain_until(now_ns, readings) {
            self.failed = true;
            tracing::error!(source = self.name, %error, "the table can't be read any further");
        }
    }

    fn is_exhausted(&self) -> bool {
        self.failed || self.table.finished()
    }

    fn next_time_ns(&self) -> Option<TimeNs> {
        self.table.next_time()
    }

    fn counts(&self) -> SourceCounts {
        SourceCounts { dropped: 0, malformed: self.table.counts().bad_records, failed: u64::from(self.failed) }
    }
}

/// What a link to a broker received.
pub struct LinkSource {
    link: MqttLink,
}

impl LinkSource {
    /// The link was started with its subscriptions.
    #[must_use]
    pub fn new(link: MqttLink) -> LinkSource {
        LinkSource { link }
    }
}

impl Source for LinkSource {
    fn drain(&mut self, _now_ns: TimeNs, readings: &mut Vec<Reading>) {
        self.link.drain_inbox(readings);
    }

    fn counts(&self) -> SourceCounts {
        let counts = self.link.counts();
        SourceCounts {
            dropped: counts.inbox_dropped,
            malformed: counts.decode.malformed + counts.decode.oversize,
            failed: 0,
        }
    }
}
