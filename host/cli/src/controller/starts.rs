//! Instances that are started again. Instantiating runs the guest's own code, which may take its
//! time, so it is done beside the scan; in virtual time the scan waits, so that runs repeat exactly.

use super::Scanning;
use super::flights::Flights;
use super::slots::{Plugin, Slot, StartError};
use crossbeam_channel::{Receiver, Sender, unbounded};
use dinrail_core::outcome::Fault;
use dinrail_core::record::{InstanceId, LateFault, StateChange};
use dinrail_engine::Instance;
use std::sync::Arc;

/// Who is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartId {
    /// A slot's own instance.
    Slot(InstanceId),
    /// The twin of a slot, of an epoch.
    Twin(InstanceId, u32),
}

/// What another instance saved.
#[derive(Clone, Debug)]
pub struct State {
    /// As the plugin that saved it describes it.
    pub version: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How it begins.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// What it takes over.
    pub state: Option<State>,
    /// Whether it begins without where it refuses the state.
    pub cold: bool,
}

/// What came of a start.
pub type Started = (StartId, Result<Box<Instance>, StartError>);

type Task = Box<dyn FnOnce() + Send>;

/// Starts under way: one thread does them one after the other.
pub struct Starts {
    tasks: Option<Sender<Task>>,
    sender: Sender<Started>,
    receiver: Receiver<Started>,
    /// Those of twins that ended and were not asked for yet.
    twins: Vec<Started>,
    /// Those of slots.
    slots: Vec<Started>,
}

/// A guest's stack stands on its thread's.
const STACK_BYTES: usize = 4 * 1024 * 1024;

impl Starts {
    /// None under way.
    pub fn new(is_virtual: bool) -> std::io::Result<Starts> {
        let (sender, receiver) = unbounded();
        if is_virtual {
            return Ok(Starts { tasks: None, sender, receiver, twins: Vec::new(), slots: Vec::new() });
        }
        let (tasks, queue) = unbounded::<Task>();
        // It ends when the controller lets go of its end; a start under way then is waited for by nobody.
        std::thread::Builder::new().name("starter".into()).stack_size(STACK_BYTES).spawn(move || {
            for task in queue {
                task();
            }
        })?;
        Ok(Starts { tasks: Some(tasks), sender, receiver, twins: Vec::new(), slots: Vec::new() })
    }

    /// Begins one; in virtual time it is done when this returns.
    pub fn begin(&self, id: StartId, plugin: &Arc<Plugin>, asset: Option<Arc<str>>, how: Start) {
        let plugin = Arc::clone(plugin);
        let sender = self.sender.clone();
        let start = move || {
            // Nobody listens any more only when the controller is gone, and the instance goes with it.
            let _ = sender.send((id, started(&plugin, asset.as_deref(), &how)));
        };
        match &self.tasks {
            None => start(),
            Some(tasks) => tasks.send(Box::new(start)).expect("the starter lives as long as its queue"),
        }
    }

    /// Lets go of an instance beside the scan: its memory takes a while to be given back.
    pub fn let_go(&self, gone: impl Send + 'static) {
        if let Some(tasks) = &self.tasks {
            // Where the starter is gone, the controller is too.
            let _ = tasks.send(Box::new(move || drop(gone)));
        }
    }

    /// Those of slots that ended.
    pub fn ended(&mut self) -> Vec<Started> {
        self.sort();
        std::mem::take(&mut self.slots)
    }

    /// Those of twins that ended.
    pub fn ended_twins(&mut self) -> Vec<Started> {
        self.sort();
        std::mem::take(&mut self.twins)
    }

    fn sort(&mut self) {
        for started in self.receiver.try_iter() {
            match started.0 {
                StartId::Slot(_) => self.slots.push(started),
                StartId::Twin(..) => self.twins.push(started),
            }
        }
    }
}

fn started(plugin: &Plugin, asset: Option<&str>, how: &Start) -> Result<Box<Instance>, StartError> {
    let mut instance = plugin.instantiate(asset)?;
    let Some(state) = &how.state else { return Ok(instance) };
    match instance.restore(state.version, &state.bytes) {
        Ok(()) => {
            // What can't be saved could never be swapped for another; and what was saved once has the memory for it, so that
            // the next time, between two scans, is short.
            instance.save().map_err(StartError::Save)?;
            Ok(instance)
        }
        // What tried to take a state may have taken half of it.
        Err(_) if how.cold => plugin.instantiate(asset),
        Err(fault) => Err(StartError::Restore(fault)),
    }
}

/// Puts a started instance in its slot; a failure counts as a fault of its plugin.
pub(super) fn place_instance(
    slot: &mut Slot,
    started: Result<Box<Instance>, StartError>,
    scanning: &mut Scanning,
    flights: &mut Flights,
) {
    match started {
        Ok(instance) => {
            slot.instance = Some(instance);
            slot.figures.placed(scanning.at.now_ns);
            flights.started(slot.id, scanning.at.now_ns);
        }
        Err(error) => {
            slot.supervision.faulted(scanning.at.now_ns);
            let fault = Fault::Configuration(format!("can't be started: {error}"));
            scanning.record.late_faults.push(LateFault { instance: slot.id, fault });
        }
    }
    let state = slot.supervision.state_name();
    scanning.record.states.push(StateChange { instance: slot.id, state });
}
