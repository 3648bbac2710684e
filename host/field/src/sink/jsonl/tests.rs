#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use dinrail_core::tag::Quality;
use std::sync::{Arc, Mutex};

fn value(scan: u64) -> ValueMessage<'static> {
    ValueMessage { scan, time_ns: 0, tag: "t", asset: None, value: 1.0, unit: "bar", quality: Quality::Good }
}

#[test]
fn a_file_is_begun_anew_or_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    for (append, expected) in [(false, 2), (true, 4), (false, 2)] {
        let mut sink = JsonlSink::open(&path, append).unwrap();
        sink.value(&value(1));
        sink.value(&value(2));
        sink.flush().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), expected);
        assert!(text.ends_with('\n'));
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
        assert_eq!(sink.counts().lines, 2);
    }
    let error = JsonlSink::open(&folder.path().join("no/such/folder"), true).err().unwrap();
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}

/// A disk that is full now and then.
#[derive(Clone, Default)]
struct Disk {
    full: Arc<Mutex<bool>>,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if *self.full.lock().unwrap() {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_counted_and_survived() {
    let disk = Disk::default();
    let mut sink = JsonlSink::to_writer(disk.clone());
    sink.value(&value(0));
    sink.flush().unwrap();
    *disk.full.lock().unwrap() = true;
    let scans = 5_000;
    for scan in 1..=scans {
        sink.value(&value(scan));
    }
    let error = sink.flush().unwrap_err();
    assert!(matches!(error, JsonlError::Write { .. }));
    let lost = sink.counts().lost;
    assert!(lost > 0, "the buffer holds less than that");
    *disk.full.lock().unwrap() = false;
    sink.value(&value(scans + 1));
    sink.flush().unwrap();
    let bytes = disk.bytes.lock().unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    let whole = text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
    assert_eq!(text.lines().count() as u64, sink.counts().lines);
    assert_eq!(whole as u64, sink.counts().lines, "no line is torn");
    assert_eq!(sink.counts().lines + lost, scans + 2);
    drop(bytes);
    assert!(error.to_string().contains("lines are lost"));
}
