//! Writes an incident: a tar archive, compressed with gzip.

use super::MANIFEST;
use super::manifest::Manifest;
use super::wire::{BindingWire, EntryWire, TableWire, encode};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Bytes of entries that are gathered before they become a file of the container. Small enough to be kept for each
/// instance, large enough that a file's header is nothing beside it.
const CHUNK_BYTES: usize = 256 * 1024;

/// Counts what goes through it.
#[derive(Debug)]
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Entries of an instance that are not written yet.
#[derive(Debug, Default)]
struct Stream {
    pending: Vec<u8>,
    chunks: u32,
}

/// An incident that is being written. Without [`IncidentWriter::finish`] it is no incident.
pub struct IncidentWriter<W: Write> {
    tar: tar::Builder<GzEncoder<Counted<W>>>,
    /// Seconds since 1970, of every file in it.
    time_s: u64,
    streams: BTreeMap<(String, u32), Stream>,
}

impl<W: Write> IncidentWriter<W> {
    /// Into `writer`; `time_s` is when, in seconds since 1970.
    pub fn new(writer: W, time_s: u64) -> IncidentWriter<W> {
        // The level at which a controller's processor has the least work.
        let packed = GzEncoder::new(Counted { inner: writer, bytes: 0 }, Compression::fast());
        IncidentWriter { tar: tar::Builder::new(packed), time_s, streams: BTreeMap::new() }
    }

    /// What happened; once, first or last.
    pub fn manifest(&mut self, manifest: &Manifest) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(manifest)?;
        self.file(MANIFEST, &text)
    }

    /// A plugin's component, as it was loaded.
    pub fn component(&mut self, plugin: &str, wasm: &[u8]) -> io::Result<()> {
        self.file(&format!("plugins/{plugin}/component.wasm"), wasm)
    }

    /// What a plugin was configured with, and the tables that it loaded.
    pub fn binding(&mut self, plugin: &str, binding: &BindingWire, tables: &[TableWire]) -> io::Result<()> {
        self.file(&format!("plugins/{plugin}/binding.bin"), &encode(binding))?;
        self.file(&format!("plugins/{plugin}/tables.bin"), &encode(&tables))
    }

    /// The next entry of an instance.
    pub fn entry(&mut self, plugin: &str, instance: u32, entry: &EntryWire) -> io::Result<()> {
        let key = (plugin.to_owned(), instance);
        let stream = self.streams.entry(key.clone()).or_default();
        let bytes = encode(entry);
        let length = u32::try_from(bytes.len()).map_err(|_too_long| io::Error::other("an entry of more than 4 GiB"))?;
        stream.pending.extend_from_slice(&length.to_le_bytes());
        stream.pending.extend_from_slice(&bytes);
        if stream.pending.len() >= CHUNK_BYTES { self.flush_stream(&key) } else { Ok(()) }
    }

    fn flush_stream(&mut self, key: &(String, u32)) -> io::Result<()> {
        let Some(stream) = self.streams.get_mut(key).filter(|stream| !stream.pending.is_empty()) else { return Ok(()) };
        let bytes = std::mem::take(&mut stream.pending);
        let path = format!("plugins/{}/instance-{}/calls-{}.bin", key.0, key.1, stream.chunks);
        stream.chunks += 1;
        self.file(&path, &bytes)
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o640);
        header.set_mtime(self.time_s);
        header.set_entry_type(tar::EntryType::Regular);
        self.tar.append_data(&mut header, path, bytes)
    }

    /// Writes what is still in memory, and the manifest where it could not be written before, and ends the container.
    /// Gives back the writer and the bytes that went to it.
    pub fn finish(mut self, manifest: Option<&Manifest>) -> io::Result<(W, u64)> {
        let keys: Vec<_> = self.streams.keys().cloned().collect();
        for key in keys {
            self.flush_stream(&key)?;
        }
        if let Some(manifest) = manifest {
            self.manifest(manifest)?;
        }
        let mut counted = self.tar.into_inner()?.finish()?;
        counted.flush()?;
        Ok((counted.inner, counted.bytes))
    }
}
