//! The calls of a scan: instances that start again, frames that are handed out, answers that come back and are settled.

use super::flights::Landed;
use super::slots::{Flight, Plugin, Slot, VIRTUAL_DEADLINE};
use super::starts::{Start, StartId, place_instance};
use super::{Controller, Scanning};
use dinrail_core::frame::Frame;
use dinrail_core::guard::Guard;
use dinrail_core::outcome::{CallReport, Outcome, OutputState};
use dinrail_core::record::{InstanceId, InstanceRecord, LateFault, StateChange};
use dinrail_core::time::TimeNs;
use dinrail_engine::{Asked, Done, Job, Until};
use std::sync::Arc;

impl Controller {
    /// Starts instances again whose delay is over.
    pub(super) fn restart_due(&mut self, scanning: &mut Scanning) {
        for slot in &mut self.slots {
            if slot.instance.is_some() || slot.flight.is_some() || slot.starting {
                continue;
            }
            if slot.supervision.restart_due(scanning.at.now_ns) {
                slot.starting = true;
                let id = StartId::Slot(slot.id);
                self.starts.begin(id, &self.plugins[slot.plugin], slot.asset.clone(), Start::default());
            }
        }
        self.place_started(scanning);
    }

    /// Puts those that were started beside the scan in their slots.
    pub(super) fn place_started(&mut self, scanning: &mut Scanning) {
        for (id, started) in self.starts.ended() {
            let StartId::Slot(id) = id else { continue };
            let slot = &mut self.slots[id.index()];
            slot.starting = false;
            place_instance(slot, started, scanning, &mut self.flights);
        }
        self.place_started_twins();
    }

    /// Hands every due instance its frame.
    pub(super) fn dispatch(&mut self, scanning: &mut Scanning) {
        let now_ns = scanning.at.now_ns;
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.builder.new_rows() == 0 && !slot.items.is_empty() && slot.flight.is_none() {
                // More items came with the last rows than one call takes.
                slot.builder.push_row(now_ns, self.images.get(slot.image));
            }
            if !slot.is_due(now_ns) {
                continue;
            }
            let plugin = Arc::clone(&self.plugins[slot.plugin]);
            slot.schedule_next(now_ns, plugin.bound.period_ns);
            let Some(frame) = slot.builder.take(scanning.at.scan, now_ns) else { continue };
            let frame = Arc::new(frame);
            let items = slot.items.take();
            self.line.hand_over(items.len());
            let Some(instance) = slot.instance.take() else {
                let why = slot.why_skipped().unwrap_or("not started");
                scanning.record.instances.push(settled(slot.id, frame, Outcome::Skipped(why)));
                continue;
            };
            let outputs = output_states(&self.guard, &plugin);
            let release_ns = match plugin.config.background {
                true => now_ns.saturating_add_unsigned(plugin.release_after_ns),
                false => now_ns,
            };
            let (frame_of, worker) = (Arc::clone(&frame), slot.worker);
            slot.flight = Some(Flight { release_ns, missed: false, landed: None, frame: frame_of, worker });
            let outlook = self.contexts.outlook(&plugin.bound.outlook, now_ns);
            Controller::offer(slot, || Asked {
                frame: Arc::clone(&frame),
                outputs: outputs.clone(),
                outlook: Arc::clone(&outlook),
                items: items.clone(),
            });
            self.pool.submit(
                slot.worker,
                Job {
                    id: slot.id,
                    instance,
                    frame,
                    outputs,
                    outlook,
                    items,
                    deadline: if self.is_virtual { VIRTUAL_DEADLINE } else { plugin.deadline() },
                    wants_state: self.flights.wants_state(slot.id, now_ns),
                },
            );
        }
    }

    /// Waits until every call whose release is due has come back, or the budget ends.
    pub(super) fn collect(&mut self, scanning: &mut Scanning) {
        let until = if self.is_virtual { Until::All } else { Until::Deadline(scanning.began + self.budget) };
        while self.slots.iter().any(|slot| is_awaited(slot, scanning.at.now_ns)) {
            let Some(done) = self.pool.next(until) else { break };
            self.land(done, scanning);
        }
        // What came back without being waited for: late results and background ones.
        while let Some(done) = self.pool.next(Until::Deadline(scanning.began)) {
            self.land(done, scanning);
        }
    }

    /// An instance came back.
    pub(super) fn land(&mut self, done: Done, scanning: &mut Scanning) {
        if !done.notes.is_empty() {
            self.notes.push((done.id, done.notes));
        }
        let on_trial = self.is_on_trial(self.slots[done.id.index()].plugin);
        let slot = &mut self.slots[done.id.index()];
        if done.worker != slot.worker {
            // A candidate that gave its place back while it was away.
            return;
        }
        slot.figures.called(&done.report);
        let report = Arc::new(done.report);
        // What it got and gave goes to the flight recorder, also where it comes too late.
        if let Some(Err(fault)) = done.state.as_ref().filter(|_| done.instance.is_poisoned()) {
            scanning.record.late_faults.push(LateFault { instance: slot.id, fault: fault.clone() });
        }
        self.flights.landed(Landed {
            id: done.id,
            time_ns: scanning.at.now_ns,
            frame: done.frame,
            outputs: done.outputs,
            outlook: done.outlook,
            items: done.items,
            report: Arc::clone(&report),
            missed: slot.flight.as_ref().is_some_and(|flight| flight.missed),
            state: done.state,
        });
        let faulted = matches!(&report.outcome, Outcome::Faulted(fault) if fault.discards_instance());
        let discard = faulted || done.instance.is_poisoned();
        if faulted && on_trial {
            // The version before it takes over, when this frame is settled.
        } else if discard {
            slot.supervision.faulted(scanning.at.now_ns);
            let state = slot.supervision.state_name();
            scanning.record.states.push(StateChange { instance: slot.id, state });
        } else {
            slot.instance = Some(done.instance);
            if matches!(report.outcome, Outcome::Answered(_)) {
                slot.supervision.answered();
            }
        }
        let Some(flight) = &mut slot.flight else { return };
        if !flight.missed {
            flight.landed = Some(report);
            return;
        }
        slot.flight = None;
        if let Outcome::Faulted(fault) = &report.outcome {
            scanning.record.late_faults.push(LateFault { instance: slot.id, fault: fault.clone() });
        }
    }

    /// Settles the outcome of every frame whose release is due.
    pub(super) fn settle(&mut self, scanning: &mut Scanning) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let Some(flight) = &mut slot.flight else { continue };
            if flight.missed || flight.release_ns > scanning.at.now_ns {
                continue;
            }
            let (id, frame, landed) = (slot.id, Arc::clone(&flight.frame), flight.landed.take());
            if landed.is_some() {
                slot.flight = None;
            }
            let instead = self.answered_instead(index, frame.scan, landed.as_deref(), scanning.at.now_ns);
            let slot = &mut self.slots[index];
            let report = match instead.map(Arc::new).or(landed) {
                Some(report) => {
                    slot.flight = None;
                    report
                }
                None => {
                    // A call of a candidate that gave its place back comes back to nobody: its slot does not wait for it.
                    slot.flight.take_if(|flight| flight.worker != slot.worker);
                    if let Some(flight) = &mut slot.flight {
                        flight.missed = true;
                    }
                    slot.figures.misses += 1;
                    Arc::new(CallReport { outcome: Outcome::Missed, inferences: Vec::new(), duration_ns: 0 })
                }
            };
            if let Some(twin) = &mut slot.twin {
                twin.owner_answered(frame.scan, &report.outcome);
            }
            scanning.record.instances.push(InstanceRecord { instance: id, frame, report, judgements: Vec::new() });
        }
    }
}

/// Whether the scan has to wait for it.
fn is_awaited(slot: &Slot, now_ns: TimeNs) -> bool {
    slot.flight.as_ref().is_some_and(|flight| !flight.missed && flight.landed.is_none() && flight.release_ns <= now_ns)
}

/// What the plugin learns of its outputs, in its own units.
fn output_states(guard: &Guard, plugin: &Plugin) -> Vec<OutputState> {
    if plugin.bound.outputs.is_empty() {
        return Vec::new();
    }
    let mut states = guard.output_states(&plugin.output_ids());
    for (state, bound) in states.iter_mut().zip(&plugin.bound.outputs) {
        state.applied = state.applied.map(|value| bound.conversion.invert(value));
        state.readback = state.readback.map(|value| bound.conversion.invert(value));
    }
    states
}

/// The record of a frame that no plugin answered.
pub(super) fn settled(instance: InstanceId, frame: Arc<Frame>, outcome: Outcome) -> InstanceRecord {
    InstanceRecord {
        instance,
        frame,
        report: Arc::new(CallReport { outcome, inferences: Vec::new(), duration_ns: 0 }),
        judgements: Vec::new(),
    }
}
