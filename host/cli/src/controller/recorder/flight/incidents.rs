//! The thread that writes incidents, and removes the oldest.

use super::manifest::{Describing, Head, stamp};
use crossbeam_channel::{Receiver, Sender};
use dinrail_core::flight::{IncidentCause, Segment};
use dinrail_core::time::TimeNs;
use dinrail_store::incident::{IncidentFolder, IncidentWriter, Retention};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

/// Incidents that wait to be written; each keeps what it shares alive. Further ones are left out and counted.
const MAX_WAITING: usize = 2;

/// An incident that is to be written. It shares what is kept.
pub(super) struct Order {
    pub(super) cause: IncidentCause,
    pub(super) time_ns: TimeNs,
    pub(super) scan: u64,
    /// By plugin: the assets of its instances.
    pub(super) assets: Vec<Vec<Option<String>>>,
    /// Site and plugins as they are now.
    pub(super) describing: Arc<Describing>,
    pub(super) taken: Vec<Taken>,
}

/// What is kept of an instance.
pub(super) struct Taken {
    pub(super) plugin: usize,
    pub(super) number: u32,
    pub(super) segments: Vec<Segment>,
}

/// An incident that was written.
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// See the module.
pub(super) struct Incidents {
    orders: Option<Sender<Order>>,
    written: Receiver<io::Result<Written>>,
    thread: Option<JoinHandle<()>>,
}

impl Incidents {
    /// Opens the folder and starts the thread.
    pub(super) fn start(folder: &Path, retention: Retention) -> io::Result<Incidents> {
        let folder = IncidentFolder::open(folder)?;
        let (orders, queue) = crossbeam_channel::bounded::<Order>(MAX_WAITING);
        let (tell, written) = crossbeam_channel::unbounded();
        let thread = std::thread::Builder::new().name("incidents".into()).spawn(move || {
            for order in queue {
                let mut outcome = write(&folder, &order);
                if outcome.is_ok()
                    && let Err(error) = folder.retain(retention, SystemTime::now())
                {
                    outcome = Err(error);
                }
                // The recorder listens until this thread has ended.
                let _ = tell.send(outcome);
            }
        })?;
        Ok(Incidents { orders: Some(orders), written, thread: Some(thread) })
    }

    /// Has one written; false where too many wait. In virtual time (`waits`) it waits for room, as the scan does.
    pub(super) fn order(&self, order: Order, waits: bool) -> bool {
        let Some(orders) = &self.orders else { return false };
        if waits { orders.send(order).is_ok() } else { orders.try_send(order).is_ok() }
    }

    /// What became of those that were ordered, since this was last asked.
    pub(super) fn written(&self) -> Vec<io::Result<Written>> {
        self.written.try_iter().collect()
    }

    /// Waits for those that were ordered.
    pub(super) fn close(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of incidents panicked");
        }
    }
}

/// Such as `20260301T120000.000Z-trap`.
fn stem(order: &Order) -> String {
    let time = stamp(order.time_ns).map(|stamp| stamp.to_zoned(jiff::tz::TimeZone::UTC));
    let time = time.map_or_else(|| order.time_ns.to_string(), |time| time.strftime("%Y%m%dT%H%M%S.%3fZ").to_string());
    format!("{time}-{}", order.cause.kind())
}

fn write(folder: &IncidentFolder, order: &Order) -> io::Result<Written> {
    let describing = &order.describing;
    let mut bytes = 0;
    let name = folder.write(&stem(order), |file| {
        let time_s = u64::try_from(order.time_ns / 1_000_000_000).unwrap_or(0);
        let mut writer = IncidentWriter::new(BufWriter::new(file), time_s);
        let head =
            Head { kind: order.cause.kind(), why: order.cause.to_string(), time_ns: order.time_ns, scan: order.scan };
        writer.manifest(&describing.manifest(&head, &order.assets))?;
        describing.components(&mut writer)?;
        for taken in &order.taken {
            for segment in &taken.segments {
                describing.base(&mut writer, taken.plugin, taken.number, &segment.base)?;
                for call in &segment.calls {
                    describing.call(&mut writer, taken.plugin, taken.number, call)?;
                }
            }
        }
        let (file, written) = writer.finish(None)?;
        bytes = written;
        file.into_inner().map_err(io::IntoInnerError::into_error)
    })?;
    Ok(Written { path: folder.path().join(name), bytes })
}
