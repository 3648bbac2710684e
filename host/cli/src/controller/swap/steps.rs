//! From phase to phase: what a scan does for the swaps under way.

use super::keeper::Entry;
use super::twin::{Standing, Twin};
use super::{Phase, Swap, step};
use crate::controller::slots::Slot;
use crate::controller::supervision::Supervision;
use crate::controller::{Controller, Scanning};
use dinrail_core::outcome::Fault;
use dinrail_core::record::StateChange;
use dinrail_core::swap::{Decision, Tally};
use dinrail_core::time::TimeNs;
use dinrail_engine::Until;
use std::sync::Arc;
use std::time::Instant;

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
        for lost in self.swaps.lost.drain(..) {
            let state = self.slots[lost.instance.index()].supervision.state_name();
            scanning.record.states.push(StateChange { instance: lost.instance, state });
            scanning.record.late_faults.push(lost);
        }
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
                    self.starts.let_go(slot.twin.take_if(lost));
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
}

fn has_twin(slots: &[Slot], plugin: usize) -> bool {
    slots.iter().any(|slot| slot.plugin == plugin && slot.twin.is_some())
}

impl Swap {
    /// Digest of what is swapped in.
    #[must_use]
    pub fn candidate_digest(&self) -> &str {
        self.candidate.component.digest()
    }
}
