//! Twins: started with their owners' states, given what their owners get, and taken back.

use super::Phase;
use super::twin::{Standing, Twin};
use crate::controller::slots::{Slot, StartError, VIRTUAL_DEADLINE};
use crate::controller::starts::{Start, StartId, State};
use crate::controller::{Controller, Scanning};
use dinrail_core::outcome::{Fault, Outcome};
use dinrail_core::record::{InstanceId, LateFault};
use dinrail_core::time::TimeNs;
use dinrail_engine::{Aside, AsideCame, AsideDone, AsideWork, Asked, Instance, Until};

/// Whose aside it is: that of a slot's own instance, or that of its twin of an epoch.
fn token(slot: InstanceId, epoch: u32) -> u64 {
    u64::from(slot.0) << 32 | u64::from(epoch)
}

/// The epoch of a slot's own instance that is away to be saved.
const OWN: u32 = 0;

impl Controller {
    /// A slot whose instance is away to be saved gets it back before its next frame; the scan's budget bounds the wait.
    pub(super) fn await_own_instances(&mut self, scanning: &Scanning) {
        let until = if self.is_virtual { Until::All } else { Until::Deadline(scanning.began + self.budget) };
        let now_ns = scanning.at.now_ns;
        while self.slots.iter().any(|slot| slot.saving && slot.is_due(now_ns)) {
            let Some(done) = self.pool.next_aside(until) else { break };
            self.land_aside(done);
        }
    }

    /// After frames were handed out: twins get theirs.
    pub(in crate::controller) fn work_twins(&mut self) {
        for index in 0..self.slots.len() {
            self.work_twin(index);
        }
    }

    fn work_twin(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let deadline = if self.is_virtual { VIRTUAL_DEADLINE } else { self.plugins[slot.plugin].deadline() };
        let Some(twin) = &mut slot.twin else { return };
        if let Some((instance, asked)) = twin.take_work() {
            let aside =
                Aside { token: token(slot.id, twin.epoch), instance, work: AsideWork::Calls { asked, deadline } };
            self.pool.submit_aside(twin.worker, aside);
        }
    }

    /// A frame that a slot's own instance gets is kept for its twin.
    pub(in crate::controller) fn offer(slot: &mut Slot, asked: impl FnOnce() -> Asked) {
        if let Some(twin) = &mut slot.twin {
            twin.offer(asked());
        }
    }

    /// After the scan's calls: what twins answered is taken; in virtual time all of it is waited for.
    pub(in crate::controller) fn collect_twins(&mut self, scanning: &Scanning) {
        self.take_asides(if self.is_virtual { Until::All } else { Until::Deadline(scanning.began) });
        // Where an owner on trial failed, the incumbent's answer to the same frame is waited for.
        let until = if self.is_virtual { Until::All } else { Until::Deadline(scanning.began + self.budget) };
        while self.slots.iter().any(|slot| self.needs_twin(slot, scanning.at.now_ns)) {
            let Some(done) = self.pool.next_aside(until) else { break };
            self.land_aside(done);
        }
    }

    pub(in crate::controller) fn is_on_trial(&self, plugin: usize) -> bool {
        self.swaps.of(plugin).is_some_and(|swap| matches!(swap.phase, Phase::Trial | Phase::Committing))
    }

    /// Whether a slot's owner failed on a frame that its twin still computes.
    fn needs_twin(&self, slot: &Slot, now_ns: TimeNs) -> bool {
        let Some(flight) = slot.flight.as_ref().filter(|flight| !flight.missed && flight.release_ns <= now_ns) else {
            return false;
        };
        let failed = match &flight.landed {
            Some(report) => matches!(report.outcome, Outcome::Faulted(_)),
            None => true,
        };
        failed && self.is_on_trial(slot.plugin) && slot.twin.as_ref().is_some_and(Twin::is_away)
    }

    pub(super) fn take_asides(&mut self, until: Until) {
        while let Some(done) = self.pool.next_aside(until) {
            self.land_aside(done);
        }
    }

    pub(super) fn land_aside(&mut self, done: AsideDone) {
        let (id, epoch) = ((done.token >> 32) as usize, done.token as u32);
        match done.came {
            AsideCame::Saved(state) if epoch == OWN => self.saved(id, done.instance, state),
            AsideCame::Saved(_) => {}
            AsideCame::Reports(reports) => {
                let Some(twin) = self.slots[id].twin.as_mut().filter(|twin| twin.epoch == epoch) else {
                    return self.starts.let_go(done.instance);
                };
                twin.came_back(done.instance, reports);
                // What came in the meantime is computed at once.
                self.work_twin(id);
            }
        }
    }

    /// A slot's own instance was saved and is back; the twin is started with what it gave.
    fn saved(&mut self, index: usize, instance: Box<Instance>, state: Result<Vec<u8>, Fault>) {
        let slot = &mut self.slots[index];
        slot.saving = false;
        match &state {
            Err(fault) if instance.is_poisoned() => {
                slot.supervision.faulted(slot.next_due_ns);
                self.swaps.lost.push(LateFault { instance: slot.id, fault: fault.clone() });
            }
            Ok(_) | Err(_) => slot.instance = Some(instance),
        }
        let version = self.plugins[slot.plugin].description.state_version;
        let state = state.map(|bytes| State { version, bytes });
        self.start_twin(index, Some(state));
    }

    /// Starts the instance of a slot's twin beside the scan, with its owner's state where there is one.
    fn start_twin(&mut self, index: usize, state: Option<Result<State, Fault>>) {
        let slot = &mut self.slots[index];
        let Some(swap) = self.swaps.under_way.iter().find(|swap| swap.plugin == slot.plugin) else { return };
        let Some(twin) = &mut slot.twin else { return };
        let state = match state {
            Some(Ok(state)) => Some(state),
            Some(Err(fault)) if !swap.cold => {
                twin.standing = Standing::Stateless(fault);
                return;
            }
            Some(Err(_)) | None => None,
        };
        twin.standing = Standing::Starting;
        let start = Start { state, cold: swap.cold };
        self.starts.begin(StartId::Twin(slot.id, twin.epoch), &swap.candidate, slot.asset.clone(), start);
    }

    /// A twin's instance was started.
    fn twin_started(&mut self, id: InstanceId, epoch: u32, started: Result<Box<Instance>, StartError>) {
        let Some(twin) = self.slots[id.index()].twin.as_mut().filter(|twin| twin.epoch == epoch) else { return };
        match started {
            Ok(instance) => {
                twin.instance = Some(instance);
                twin.standing = Standing::Computing;
            }
            Err(error) => twin.standing = Standing::Lost(Fault::Configuration(error.to_string())),
        }
        self.work_twin(id.index());
    }

    /// Fresh twins for all slots of a swap's plugin.
    pub(super) fn want_twins(&mut self, swap: usize) {
        let plugin = self.swaps.under_way[swap].plugin;
        for index in 0..self.slots.len() {
            if self.slots[index].plugin == plugin {
                self.want_twin(swap, index);
            }
        }
    }

    fn want_twin(&mut self, swap: usize, index: usize) {
        let epoch = self.swaps.epoch();
        let usual = self.slots[index].worker;
        // An asset that turned up later shares the worker of another one.
        let workers = &self.swaps.under_way[swap].workers;
        let worker = workers.get(&usual).or_else(|| workers.values().next()).copied().unwrap_or(usual);
        self.starts.let_go(self.slots[index].twin.replace(Twin::new(epoch, worker)));
    }

    /// At the end of a scan, when nobody waits for them: the instances whose twins want their state are sent to be saved.
    pub(in crate::controller) fn save_for_twins(&mut self) {
        for index in 0..self.swaps.under_way.len() {
            if matches!(self.swaps.under_way[index].phase, Phase::Shadow | Phase::Handover) {
                self.save_owners(index);
            }
        }
    }

    fn save_owners(&mut self, index: usize) {
        let plugin = self.swaps.under_way[index].plugin;
        for at in 0..self.slots.len() {
            if self.slots[at].plugin != plugin {
                continue;
            }
            if self.slots[at].twin.is_none() {
                self.want_twin(index, at);
            }
            let slot = &mut self.slots[at];
            let Some(twin) = &mut slot.twin else { continue };
            if twin.standing != Standing::Wanted || slot.flight.is_some() || slot.starting || slot.saving {
                continue;
            }
            match slot.instance.take() {
                Some(instance) => {
                    twin.standing = Standing::Saving;
                    slot.saving = true;
                    let aside = Aside { token: token(slot.id, OWN), instance, work: AsideWork::Save };
                    self.pool.submit_aside(slot.worker, aside);
                }
                // There is no state to take over: the version that runs does not.
                None => self.start_twin(at, None),
            }
        }
        if self.is_virtual {
            self.take_asides(Until::All);
            self.place_started_twins();
        }
    }

    /// Twins that were started get their instances; in virtual time they are there at once.
    pub(in crate::controller) fn place_started_twins(&mut self) {
        for (id, started) in self.starts.ended_twins() {
            if let StartId::Twin(slot, epoch) = id {
                self.twin_started(slot, epoch, started);
            }
        }
    }
}
