//! How swaps end: the candidate goes, gives its place back, or stays.

use super::twin::Standing;
use super::{MAX_ENDED, Phase, abort, step};
use crate::controller::slots::Slot;
use crate::controller::supervision::Supervision;
use crate::controller::{Controller, Scanning};
use dinrail_core::flight::IncidentCause;
use dinrail_core::outcome::{CallReport, Outcome};
use dinrail_core::time::TimeNs;
use dinrail_engine::Until;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

impl Controller {
    /// A candidate that owns nothing goes.
    pub(super) fn drop_candidate(&mut self, index: usize, why: String, strike: bool) {
        let swap = &mut self.swaps.under_way[index];
        swap.why = why;
        let begun = swap.phase == Phase::Handover && swap.intent.is_some();
        if begun {
            // Nobody waits for this one: a start that finds the intent goes back as well.
            self.swaps.keeper.tell(abort(&self.swaps.under_way[index], strike));
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
            self.starts.let_go(std::mem::replace(&mut slot.instance, twin.instance.take()));
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
            self.swaps.keeper.tell(abort(&self.swaps.under_way[index], strike));
        }
        self.end(index, Phase::Reverted, Some(plugin));
    }

    /// The flight recorder goes on with the version that computes now.
    pub(super) fn tell_recorder(&mut self, plugin: usize) {
        let instances = self.slots.iter().filter(|slot| slot.plugin == plugin).map(|slot| slot.id);
        self.flights.changed(plugin, &self.plugins[plugin], instances);
    }

    /// A swap is over. `returning`: twins that are away are their slots' own, and stay.
    pub(super) fn end(&mut self, index: usize, phase: Phase, returning: Option<usize>) {
        let mut swap = self.swaps.under_way.remove(index);
        swap.phase = phase;
        if phase == Phase::Committed {
            *self.swaps.generations.entry(swap.plugin).or_default() += 1;
        }
        for slot in self.slots.iter_mut().filter(|slot| slot.plugin == swap.plugin) {
            if returning.is_none() {
                self.starts.let_go(slot.twin.take());
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
}

fn is_back(slot: &Slot) -> bool {
    slot.twin.as_ref().is_none_or(|twin| twin.is_caught_up() || matches!(twin.standing, Standing::Lost(_)))
}
