//! What a scan does for the swaps under way.

use super::keeper::Entry;
use super::twin::{Standing, Twin};
use super::{MAX_ENDED, Phase, Swap, abort, step};
use crate::controller::slots::{Slot, VIRTUAL_DEADLINE};
use crate::controller::starts::{Start, StartId, State};
use crate::controller::supervision::Supervision;
use crate::controller::{Controller, Scanning};
use dinrail_core::flight::IncidentCause;
use dinrail_core::outcome::{CallReport, Fault, Outcome};
use dinrail_core::record::InstanceId;
use dinrail_core::swap::{Decision, Tally};
use dinrail_core::time::TimeNs;
use dinrail_engine::{Aside, AsideCame, AsideDone, AsideWork, Asked, Instance, Until};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Whose aside it is: that of a slot's own instance, or that of its twin of an epoch.
fn token(slot: InstanceId, epoch: u32) -> u64 {
    u64::from(slot.0) << 32 | u64::from(epoch)
}

/// The epoch of a slot's own instance that is away to be saved.
const OWN: u32 = 0;

impl Controller {
    /// Before frames are handed out: what came back is taken, and ownership changes where all is ready for it.
    pub(in crate::controller) fn advance_swaps(&mut self, scanning: &mut Scanning) {
        if self.swaps.under_way.is_empty() && self.slots.iter().all(|slot| slot.twin.is_none() && !slot.saving) {
            self.tell_swaps(scanning);
            return;
        }
        let now_ns = scanning.at.now_ns;
        self.take_asides(Until::Deadline(Instant::now()));
        for index in (0..self.swaps.under_way.len()).rev() {
            self.advance(index, now_ns);
        }
        self.await_own_instances(scanning);
        self.tell_swaps(scanning);
    }

    fn tell_swaps(&mut self, scanning: &mut Scanning) {
        scanning.record.swaps.append(&mut self.swaps.steps);
    }

    /// A slot whose instance is away to be saved gets it back before its next frame; the scan's budget bounds the wait.
    fn await_own_instances(&mut self, scanning: &Scanning) {
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

    fn take_asides(&mut self, until: Until) {
        while let Some(done) = self.pool.next_aside(until) {
            self.land_aside(done);
        }
    }

    fn land_aside(&mut self, done: AsideDone) {
        let (id, epoch) = ((done.token >> 32) as usize, done.token as u32);
        match done.came {
            AsideCame::Saved(state) if epoch == OWN => self.saved(id, done.instance, state),
            AsideCame::Saved(_) => {}
            AsideCame::Reports(reports) => {
                if let Some(twin) = self.slots[id].twin.as_mut().filter(|twin| twin.epoch == epoch) {
                    twin.came_back(done.instance, reports);
                    // What came in the meantime is computed at once.
                    self.work_twin(id);
                }
            }
        }
    }

    /// A slot's own instance was saved and is back; the twin is started with what it gave.
    fn saved(&mut self, index: usize, instance: Box<Instance>, state: Result<Vec<u8>, Fault>) {
        let slot = &mut self.slots[index];
        slot.saving = false;
        if instance.is_poisoned() {
            slot.supervision.faulted(slot.next_due_ns);
        } else {
            slot.instance = Some(instance);
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
    pub(in crate::controller) fn twin_started(
        &mut self,
        id: InstanceId,
        epoch: u32,
        started: Result<Box<Instance>, crate::controller::slots::StartError>,
    ) {
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
        self.slots[index].twin = Some(Twin::new(epoch, worker));
    }

    /// Takes one swap as far as it can go now.
    fn advance(&mut self, index: usize, now_ns: TimeNs) {
        self.compare(index);
        if let Some((fault, blamed)) = self.lost_twin(index) {
            return self.lost(index, &fault, blamed);
        }
        let swap = &mut self.swaps.under_way[index];
        match swap.phase {
            Phase::Shadow => match swap.criteria.shadow(&swap.tally) {
                Decision::Wait => {}
                Decision::Out(reason) => self.drop_candidate(index, reason.to_string(), true),
                Decision::Ready if swap.criteria.automatic || swap.word => self.hand_over(index, now_ns),
                Decision::Ready if swap.why.is_empty() => {
                    swap.why = "ready: it waits for `dinrail commit` or `dinrail rollback`".to_owned();
                    let told = step(swap, swap.why.clone());
                    self.swaps.steps.push(told);
                }
                Decision::Ready => {}
            },
            Phase::Handover => self.try_take_over(index, now_ns),
            Phase::Trial => match swap.criteria.trial(&swap.tally, swap.since_ns, now_ns) {
                Decision::Wait => {}
                Decision::Out(reason) => self.give_back(index, reason.to_string(), true, now_ns),
                // Nobody is committed by time alone: a frame at least is waited for, as long as there is somebody to compare with.
                Decision::Ready if swap.tally.compared == 0 && has_twin(&self.slots, swap.plugin) => {}
                Decision::Ready => {
                    let plugin = swap.plugin;
                    self.make_durable(plugin, "its trial is over".to_owned(), now_ns);
                }
            },
            Phase::Committing => self.try_commit(index, now_ns),
            Phase::Committed | Phase::Rejected | Phase::Reverted => {}
        }
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

    fn compare(&mut self, index: usize) {
        let swap = &mut self.swaps.under_way[index];
        let is_twin = matches!(swap.phase, Phase::Shadow | Phase::Handover);
        for slot in self.slots.iter_mut().filter(|slot| slot.plugin == swap.plugin) {
            if let Some(twin) = &mut slot.twin {
                twin.compare(&mut swap.tally, swap.criteria.tolerance, is_twin);
            }
        }
    }

    fn lost_twin(&self, index: usize) -> Option<(Fault, bool)> {
        let plugin = self.swaps.under_way[index].plugin;
        self.slots.iter().filter(|slot| slot.plugin == plugin).find_map(|slot| match &slot.twin.as_ref()?.standing {
            Standing::Lost(fault) => Some((fault.clone(), true)),
            Standing::Stateless(fault) => Some((fault.clone(), false)),
            Standing::Wanted | Standing::Saving | Standing::Starting | Standing::Computing => None,
        })
    }

    fn lost(&mut self, index: usize, fault: &Fault, blamed: bool) {
        match self.swaps.under_way[index].phase {
            // The incumbent failed while it ran beside: the trial goes on without it.
            Phase::Trial | Phase::Committing => {
                let plugin = self.swaps.under_way[index].plugin;
                let lost = |twin: &mut Twin| matches!(twin.standing, Standing::Lost(_));
                for slot in self.slots.iter_mut().filter(|slot| slot.plugin == plugin) {
                    slot.twin.take_if(lost);
                }
                let text = format!("the version before it failed beside it ({fault}); a way back starts it anew");
                let told = step(&self.swaps.under_way[index], text);
                self.swaps.steps.push(told);
            }
            Phase::Shadow | Phase::Handover | Phase::Committed | Phase::Rejected | Phase::Reverted => {
                let why = match blamed {
                    true => format!("it failed: {fault}"),
                    false => format!("the version that runs can't save its state, `--cold` begins without: {fault}"),
                };
                self.drop_candidate(index, why, blamed);
            }
        }
    }

    /// From shadow to the hand-over: fresh twins, and the intent on its way to the disk.
    fn hand_over(&mut self, index: usize, now_ns: TimeNs) {
        let swap = &mut self.swaps.under_way[index];
        swap.shadow = std::mem::take(&mut swap.tally);
        (swap.phase, swap.since_ns) = (Phase::Handover, now_ns);
        swap.why.clear();
        if let Some(intent) = &swap.intent {
            let entry = Entry::Begin { plugin: swap.name.to_string(), intent: Box::new(intent.clone()) };
            swap.writing = Some(self.swaps.keeper.write(entry));
        }
        self.want_twins(index);
    }

    /// The change of ownership, once everything is there.
    fn try_take_over(&mut self, index: usize, now_ns: TimeNs) {
        if !self.is_written(index, now_ns) {
            return;
        }
        let swap = &self.swaps.under_way[index];
        let plugin = swap.plugin;
        let ready = |slot: &Slot| {
            let at_rest = slot.flight.is_none() && !slot.saving && !slot.starting;
            at_rest && slot.twin.as_ref().is_some_and(Twin::is_caught_up)
        };
        if !self.slots.iter().filter(|slot| slot.plugin == plugin).all(ready) {
            return;
        }
        self.plugins[plugin] = Arc::clone(&swap.candidate);
        self.change_places(plugin);
        self.tell_recorder(plugin);
        let swap = &mut self.swaps.under_way[index];
        (swap.phase, swap.since_ns, swap.tally) = (Phase::Trial, now_ns, Tally::default());
        let text = "owns the frames from here on; the version before it computes each of them too";
        let told = step(swap, text.to_owned());
        self.swaps.steps.push(told);
    }

    /// Owner and twin change places in every slot of a plugin.
    fn change_places(&mut self, plugin: usize) {
        for index in 0..self.slots.len() {
            if self.slots[index].plugin != plugin {
                continue;
            }
            let epoch = self.swaps.epoch();
            let slot = &mut self.slots[index];
            let Some(mut twin) = slot.twin.take() else { continue };
            let owner = std::mem::replace(&mut slot.instance, twin.instance.take());
            let worker = std::mem::replace(&mut slot.worker, twin.worker);
            slot.supervision = Supervision::default();
            slot.twin = owner.map(|owner| Twin::stepping_aside(epoch, worker, owner));
        }
    }

    /// Whether the entry that is being written is durable; a failure ends the swap.
    fn is_written(&mut self, index: usize, now_ns: TimeNs) -> bool {
        let Some(number) = self.swaps.under_way[index].writing else { return true };
        match self.swaps.keeper.result(number) {
            None => false,
            Some(Ok(())) => {
                self.swaps.under_way[index].writing = None;
                true
            }
            Some(Err(why)) => {
                self.swaps.under_way[index].writing = None;
                let why = format!("it can't be made durable: {why}");
                match self.swaps.under_way[index].phase {
                    Phase::Trial | Phase::Committing => self.give_back(index, why, false, now_ns),
                    Phase::Shadow | Phase::Handover | Phase::Committed | Phase::Rejected | Phase::Reverted => {
                        self.drop_candidate(index, why, false);
                    }
                }
                false
            }
        }
    }

    /// The end of a trial is on its way to the disk.
    pub(super) fn make_durable(&mut self, plugin: usize, why: String, now_ns: TimeNs) {
        let Some(index) = self.swaps.under_way.iter().position(|swap| swap.plugin == plugin) else { return };
        let swap = &mut self.swaps.under_way[index];
        (swap.phase, swap.why) = (Phase::Committing, why);
        if swap.intent.is_some() {
            let entry = Entry::Commit { plugin: swap.name.to_string() };
            swap.writing = Some(self.swaps.keeper.write(entry));
        }
        self.try_commit(index, now_ns);
    }

    fn try_commit(&mut self, index: usize, now_ns: TimeNs) {
        if self.is_written(index, now_ns) {
            self.end(index, Phase::Committed, None);
        }
    }

    /// A candidate that owns nothing goes.
    pub(super) fn drop_candidate(&mut self, index: usize, why: String, strike: bool) {
        let swap = &mut self.swaps.under_way[index];
        swap.why = why;
        let begun = swap.phase == Phase::Handover && swap.intent.is_some();
        if begun {
            // Nobody waits for this one: a start that finds the intent goes back as well.
            let entry = abort(&self.swaps.under_way[index], strike);
            self.swaps.keeper.write(entry);
        }
        self.end(index, Phase::Rejected, None);
    }

    /// The incumbent owns the frames again.
    pub(super) fn give_back(&mut self, index: usize, why: String, strike: bool, now_ns: TimeNs) {
        let swap = &mut self.swaps.under_way[index];
        swap.why = why;
        let (plugin, incumbent, durable) = (swap.plugin, Arc::clone(&swap.incumbent), swap.intent.is_some());
        let usual: HashMap<usize, usize> = swap.workers.iter().map(|(usual, other)| (*other, *usual)).collect();
        self.plugins[plugin] = incumbent;
        for slot in self.slots.iter_mut().filter(|slot| slot.plugin == plugin) {
            slot.supervision = Supervision::default();
            let Some(mut twin) = slot.twin.take() else {
                slot.worker = usual.get(&slot.worker).copied().unwrap_or(slot.worker);
                slot.instance = None;
                slot.supervision.faulted(now_ns);
                continue;
            };
            // What the candidate still computes comes back to nobody: its worker is no longer the slot's.
            slot.worker = twin.worker;
            slot.instance = twin.instance.take();
            if slot.instance.is_none() {
                // It still computes; what it was given since waits with it.
                slot.twin = Some(twin);
                slot.returning = true;
            }
        }
        let swap = &self.swaps.under_way[index];
        let reason = format!("{}: {}", swap.title, swap.why);
        self.flights.cause(IncidentCause::Revert { plugin: swap.name.to_string(), reason });
        self.tell_recorder(plugin);
        if durable {
            let entry = abort(&self.swaps.under_way[index], strike);
            self.swaps.keeper.write(entry);
        }
        self.end(index, Phase::Reverted, Some(plugin));
    }

    /// The flight recorder goes on with the version that computes now.
    fn tell_recorder(&mut self, plugin: usize) {
        let instances = self.slots.iter().filter(|slot| slot.plugin == plugin).map(|slot| slot.id);
        self.flights.changed(plugin, &self.plugins[plugin], instances);
    }

    /// A swap is over. `returning`: twins that are away are their slots' own, and stay.
    fn end(&mut self, index: usize, phase: Phase, returning: Option<usize>) {
        let mut swap = self.swaps.under_way.remove(index);
        swap.phase = phase;
        if phase == Phase::Committed {
            *self.swaps.generations.entry(swap.plugin).or_default() += 1;
        }
        for slot in self.slots.iter_mut().filter(|slot| slot.plugin == swap.plugin) {
            if returning.is_none() {
                slot.twin = None;
            }
        }
        let in_use: Vec<usize> = self.slots.iter().map(|slot| slot.worker).collect();
        let both = swap.workers.iter().flat_map(|(one, other)| [*one, *other]);
        self.swaps.spare_workers.extend(both.filter(|worker| !in_use.contains(worker)));
        self.swaps.spare_workers.sort_unstable();
        self.swaps.spare_workers.dedup();
        let text = format!("{}: {}", phase.name(), swap.why);
        let told = step(&swap, text);
        self.swaps.steps.push(told);
        if self.swaps.ended.len() == MAX_ENDED {
            self.swaps.ended.pop_front();
        }
        self.swaps.ended.push_back(swap);
    }

    /// The outcome of a frame, where its owner is on trial: the incumbent's own answer, where the candidate has none.
    pub(in crate::controller) fn answered_instead(
        &mut self,
        slot: usize,
        scan: u64,
        own: Option<&CallReport>,
        now_ns: TimeNs,
    ) -> Option<CallReport> {
        let plugin = self.slots[slot].plugin;
        let failed = match own {
            Some(report) => match &report.outcome {
                Outcome::Faulted(fault) => Some(format!("it failed on the frame of scan {scan}: {fault}")),
                Outcome::Answered(_) | Outcome::Missed | Outcome::Skipped(_) => None,
            },
            None => Some(format!("it missed the frame of scan {scan}")),
        }?;
        if !self.is_on_trial(plugin) {
            return None;
        }
        let index = self.swaps.under_way.iter().position(|swap| swap.plugin == plugin)?;
        let report = self.slots[slot].twin.as_mut().and_then(|twin| twin.answer_to(scan));
        // Both fail on a frame that is of no use: that says nothing against the candidate.
        let both = report.as_ref().is_some_and(|report| matches!(report.outcome, Outcome::Faulted(_)));
        if both && own.is_some_and(|own| matches!(&own.outcome, Outcome::Faulted(fault) if !fault.discards_instance()))
        {
            return None;
        }
        self.give_back(index, failed, true, now_ns);
        report
    }

    /// Instances of incumbents that came back after their slots were theirs again.
    pub(in crate::controller) fn take_returning(&mut self, scanning: &Scanning) {
        if !self.slots.iter().any(|slot| slot.returning) {
            return;
        }
        self.take_asides(Until::Deadline(Instant::now()));
        let until = if self.is_virtual { Until::All } else { Until::Deadline(scanning.began + self.budget) };
        let now_ns = scanning.at.now_ns;
        let awaited = |slot: &Slot| slot.returning && slot.is_due(now_ns) && !is_back(slot);
        while self.slots.iter().any(awaited) {
            let Some(done) = self.pool.next_aside(until) else { break };
            self.land_aside(done);
        }
        for slot in self.slots.iter_mut().filter(|slot| slot.returning && is_back(slot)) {
            slot.returning = false;
            let Some(mut twin) = slot.twin.take() else { continue };
            slot.instance = twin.instance.take();
            if slot.instance.is_none() {
                slot.supervision.faulted(now_ns);
            }
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

fn has_twin(slots: &[Slot], plugin: usize) -> bool {
    slots.iter().any(|slot| slot.plugin == plugin && slot.twin.is_some())
}

fn is_back(slot: &Slot) -> bool {
    slot.twin.as_ref().is_none_or(|twin| twin.is_caught_up() || matches!(twin.standing, Standing::Lost(_)))
}

impl Swap {
    /// Digest of what is swapped in.
    #[must_use]
    pub fn candidate_digest(&self) -> &str {
        self.candidate.component.digest()
    }

    /// Digest of what was there before.
    #[must_use]
    pub fn incumbent_digest(&self) -> &str {
        self.incumbent.component.digest()
    }
}
