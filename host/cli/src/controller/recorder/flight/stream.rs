//! A whole run in a file, written while it goes on: `dinrail run --record`.

use super::manifest::{Describing, Head};
use dinrail_core::flight::FlightKind;
use dinrail_core::time::TimeNs;
use dinrail_store::incident::IncidentWriter;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// See the module. What is not finished stays a `.part`, and is no incident.
pub(super) struct Stream {
    path: PathBuf,
    part: PathBuf,
    writer: IncidentWriter<BufWriter<File>>,
    describing: Arc<Describing>,
    /// Whether what never changes in a run was written.
    begun: bool,
}

impl Stream {
    pub(super) fn create(path: &Path, describing: Arc<Describing>) -> io::Result<Stream> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let writer = IncidentWriter::new(BufWriter::new(File::create(&part)?), 0);
        Ok(Stream { path: path.to_owned(), part, writer, describing, begun: false })
    }

    /// The next entry of an instance.
    pub(super) fn entry(&mut self, plugin: usize, number: u32, kind: &FlightKind) -> io::Result<()> {
        self.begin()?;
        match kind {
            FlightKind::Base(base, _) => self.describing.base(&mut self.writer, plugin, number, base),
            FlightKind::Call(call) => self.describing.call(&mut self.writer, plugin, number, call),
        }
    }

    /// Tables are loaded by the instances: when the first one has started, they are known.
    fn begin(&mut self) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        self.describing.components(&mut self.writer)
    }

    /// Ends the file, and says how many bytes it has.
    pub(super) fn finish(mut self, time_ns: TimeNs, scan: u64, assets: &[Vec<Option<String>>]) -> io::Result<u64> {
        self.begin()?;
        let head = Head { kind: "record", why: "a whole run".to_owned(), time_ns, scan };
        let manifest = self.describing.manifest(&head, assets);
        let (file, bytes) = self.writer.finish(Some(&manifest))?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&self.part, &self.path)?;
        Ok(bytes)
    }
}
