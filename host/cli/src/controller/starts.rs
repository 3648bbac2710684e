//! Instances that are started again. Instantiating runs the guest's own code, which may take its
//! time, so it is done beside the scan; in virtual time the scan waits, so that runs repeat exactly.

use super::slots::{Plugin, StartError};
use crossbeam_channel::{Receiver, Sender, unbounded};
use dinrail_core::record::InstanceId;
use dinrail_engine::Instance;
use std::sync::Arc;

/// What came of a start.
pub type Started = (InstanceId, Result<Box<Instance>, StartError>);

/// Starts under way.
pub struct Starts {
    sender: Sender<Started>,
    receiver: Receiver<Started>,
    is_virtual: bool,
}

/// A guest's stack stands on its thread's.
const STACK_BYTES: usize = 4 * 1024 * 1024;

impl Starts {
    /// None under way.
    #[must_use]
    pub fn new(is_virtual: bool) -> Starts {
        let (sender, receiver) = unbounded();
        Starts { sender, receiver, is_virtual }
    }

    /// Begins one.
    pub fn begin(&self, id: InstanceId, plugin: &Arc<Plugin>, asset: Option<Arc<str>>) {
        let plugin = Arc::clone(plugin);
        let sender = self.sender.clone();
        let start = move || {
            // Nobody listens any more only when the controller is gone, and the instance goes with it.
            let _ = sender.send((id, plugin.instantiate(asset.as_deref())));
        };
        if self.is_virtual {
            start();
            return;
        }
        let thread = std::thread::Builder::new().name("starter".into()).stack_size(STACK_BYTES);
        if let Err(error) = thread.spawn(start) {
            let error = StartError::Thread(error);
            let _ = self.sender.send((id, Err(error)));
        }
    }

    /// Those that ended.
    pub fn ended(&self) -> impl Iterator<Item = Started> + '_ {
        self.receiver.try_iter()
    }
}
