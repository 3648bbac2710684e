//! Tables, folders of pictures and MQTT links as sources of a scan.

use super::source::{Source, SourceCounts, Supply};
use dinrail_core::reading::Reading;
use dinrail_core::time::TimeNs;
use dinrail_field::link::MqttLink;
use dinrail_field::source::csv::CsvSource;
use dinrail_field::source::images::ImagesSource;

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

/// A folder of pictures.
pub struct FolderSource {
    folder: ImagesSource,
}

impl FolderSource {
    /// It was listed.
    #[must_use]
    pub fn new(folder: ImagesSource) -> FolderSource {
        FolderSource { folder }
    }
}

impl Source for FolderSource {
    fn drain(&mut self, now_ns: TimeNs, readings: &mut Vec<Reading>) {
        self.folder.drain_until(now_ns, readings);
    }

    fn is_exhausted(&self) -> bool {
        self.folder.finished()
    }

    fn next_time_ns(&self) -> Option<TimeNs> {
        self.folder.next_time()
    }

    fn counts(&self) -> SourceCounts {
        SourceCounts { dropped: 0, malformed: self.folder.bad(), failed: 0 }
    }
}

/// What a link to a broker received.
pub struct LinkSource {
    link: MqttLink,
    measures: bool,
}

impl LinkSource {
    /// The link was started with its subscriptions. `measures` says whether tags come through it.
    #[must_use]
    pub fn new(link: MqttLink, measures: bool) -> LinkSource {
        LinkSource { link, measures }
    }
}

impl Source for LinkSource {
    fn drain(&mut self, _now_ns: TimeNs, readings: &mut Vec<Reading>) {
        self.link.drain_inbox(readings);
    }

    fn supply(&self) -> Supply {
        if self.measures { Supply::Live } else { Supply::Aside }
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
