//! The running controller: one scan after the other.
//!
//! ```text
//! drain sources ─► images, rows ─► frames ─► workers ─► outcomes ─► guard ─► outputs ─► record
//! ```
//!
//! - [`pace`]: when the next scan is
//! - [`source`], [`plant`], [`links`]: where readings come from
//! - [`calendar`], [`context`]: what the site's clock says, and what is known ahead
//! - [`derived`]: results of one plugin that are tags for others
//! - [`images`]: process images, one an asset
//! - `intake`: what arrives, and slots for the assets that turn up
//! - [`slots`], [`tables`], [`supervision`], [`starts`]: plugins, their instances, and what happens when one fails
//! - [`swap`]: another version in a plugin's place, and the way back
//! - `line`: items and the verdicts on them
//! - [`flights`]: what instances got and gave, for the flight recorder
//! - [`outputs`]: where commands go
//! - [`shelf`], `versions`, [`figures`]: bundles and versions, and what the status tells
//! - `operator`, `words`: what an operator asks for, and what is answered
//! - [`alarms`], [`audit`]: what an operator has to know, and what one did
//! - [`build`]: from a configuration to a controller
//! - [`recorder`]: the thread that tells sinks, judges and views what happened

pub mod alarms;
pub mod audit;
pub mod build;
pub mod calendar;
pub mod context;
pub mod derived;
pub mod figures;
pub mod flights;
pub mod identity;
pub mod images;
mod intake;
pub mod line;
pub mod links;
mod operator;
pub mod outputs;
pub mod pace;
pub mod plant;
pub mod recorder;
pub mod shelf;
pub mod slots;
pub mod source;
pub mod starts;
pub mod supervision;
pub mod swap;
pub mod tables;
mod versions;
mod words;

use build::Preparer;
use calendar::CalendarTags;
use context::Contexts;
use derived::DerivedTags;
use dinrail_core::frame::Frame;
use dinrail_core::guard::{Guard, Mode, OwnedProposal, ScanTime, StopVerdicts};
use dinrail_core::outcome::{CallReport, Outcome, OutputState, Results};
use dinrail_core::reading::Reading;
use dinrail_core::record::{InstanceId, InstanceRecord, LateFault, ScanRecord, StateChange};
use dinrail_core::tag::{Quality, TagId};
use dinrail_core::time::TimeNs;
use dinrail_engine::{Asked, Done, Job, Notes, Until, WorkerPool};
use flights::{Flights, Landed};
use images::Images;
use line::Line;
use operator::{AdviceWords, Words};
use outputs::OutputDriver;
use pace::Slot as ScanSlot;
use shelf::Shelf;
use slots::{Flight, Plugin, Slot, VIRTUAL_DEADLINE};
use source::{Source, SourceCounts, Supply};
use starts::{Start, StartId, Starts, place_instance};
use std::sync::Arc;
use std::time::{Duration, Instant};
use swap::Swaps;

/// Everything that a scan works on.
pub struct Controller {
    sources: Vec<Box<dyn Source>>,
    images: Images,
    plugins: Vec<Arc<Plugin>>,
    slots: Vec<Slot>,
    /// By image: the slots whose rows come from it.
    slots_of_image: Vec<Vec<usize>>,
    /// Instances that are started beside the scan, and those that were.
    starts: Starts,
    pool: WorkerPool,
    guard: Guard,
    outputs: Vec<OutputDriver>,
    /// By plugin: its own mode now.
    plugin_modes: Vec<Mode>,
    /// By output: what it lacks for auto.
    auto_gaps: Vec<Option<&'static str>>,
    advice_words: AdviceWords,
    alarms: alarms::Alarms,
    /// None where the configuration names none, and in virtual time.
    store: Option<audit::Store>,
    contexts: Contexts,
    line: Line,
    /// None where no tag asks for the calendar.
    calendar: Option<CalendarTags>,
    derived: DerivedTags,
    /// Wall time that plugins have in a scan.
    budget: Duration,
    /// Run time, in virtual time: the scan waits for every due plugin.
    is_virtual: bool,
    /// Whether a sink wants every tag's value.
    pub(crate) wants_values: bool,
    readings: Vec<Reading>,
    /// What plugins wrote since it was last asked for.
    notes: Vec<(InstanceId, Notes)>,
    swaps: Swaps,
    preparer: Preparer,
    /// None in virtual time.
    shelf: Option<Shelf>,
    flights: Flights,
}

/// What a scan has to settle.
struct Scanning {
    at: ScanSlot,
    began: Instant,
    record: ScanRecord,
}

impl Controller {
    /// Does one scan and says what happened.
    pub fn scan(&mut self, at: ScanSlot) -> ScanRecord {
        let mut scanning = Scanning {
            at,
            began: Instant::now(),
            record: ScanRecord { scan: at.scan, time_ns: at.now_ns, ..ScanRecord::default() },
        };
        if self.slots.is_empty() {
            self.add_site_slots(&mut scanning);
        }
        self.restart_due(&mut scanning);
        scanning.record.arrivals = self.drain(&mut scanning);
        if self.wants_values {
            scanning.record.values = self.images.changed(at.now_ns);
            // The time of day is no news.
            let calendar = self.calendar.as_ref();
            scanning.record.values.retain(|value| calendar.is_none_or(|tags| !tags.contains(value.tag)));
        }
        // In virtual time the new assets' instances are there already.
        self.place_started(&mut scanning);
        self.take_from_shelf(at.now_ns);
        self.take_returning(&scanning);
        self.advance_swaps(&mut scanning);
        self.dispatch(&mut scanning);
        self.work_twins();
        self.collect(&mut scanning);
        self.collect_twins(&scanning);
        self.settle(&mut scanning);
        self.judge(&mut scanning);
        self.derive(&scanning);
        self.save_for_twins();
        scanning.record.alarms = self.watch_alarms(&scanning.record);
        self.cause_incidents(&scanning.record.alarms);
        scanning.record
    }

    /// Other sources in place of the configured ones: a benchmark's, or a test's.
    pub fn replace_sources(&mut self, sources: Vec<Box<dyn Source>>) {
        self.sources = sources;
    }

    /// Whether nothing more will come that the run is for: every recording has ended, or, where there is none, every
    /// simulated plant. A broker's tags never end.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        let of = |supply| self.sources.iter().filter(move |source| source.supply() == supply);
        let awaited = if of(Supply::Recorded).next().is_some() { Supply::Recorded } else { Supply::Simulated };
        let mut ended = of(awaited).map(|source| source.is_exhausted()).peekable();
        of(Supply::Live).next().is_none() && ended.peek().is_some() && ended.all(|ended| ended)
    }

    /// Whether rows of tables wait to be handed to a plugin that still runs, or a call is under way.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.slots.iter().any(|slot| {
            let of_table = !self.plugins[slot.plugin].row_sources.is_empty();
            let runs = slot.why_skipped() != Some(slots::QUARANTINED);
            slot.flight.is_some() || (runs && (of_table && slot.builder.new_rows() > 0 || !slot.items.is_empty()))
        }) || self.line.is_waiting()
    }

    /// Source time at which virtual time begins, where a source knows it.
    #[must_use]
    pub fn next_time_ns(&self) -> Option<TimeNs> {
        self.sources.iter().filter_map(|source| source.next_time_ns()).min()
    }

    /// In virtual time, run time until which scans would find nothing to do, where that is certain: nothing but tables
    /// is read, every plugin waits for their rows, no result is on its way to a tag, no output has a lease to watch
    /// over, no alarm a condition, and no tag falls silent.
    #[must_use]
    pub fn idle_until_ns(&self) -> Option<TimeNs> {
        if !self.is_virtual {
            return None;
        }
        let of_tables = self.plugins.iter().all(|plugin| !plugin.row_sources.is_empty());
        let known = self.sources.iter().all(|source| source.is_exhausted() || source.next_time_ns().is_some());
        let starting = self.slots.iter().any(|slot| slot.starting);
        let waits = starting || self.has_work() || self.derived.is_pending();
        let idle = of_tables && known && !waits && self.outputs.is_empty() && !self.alarms.has_conditions();
        let next_ns = idle.then(|| self.next_time_ns()).flatten()?;
        Some(self.images.next_silence_ns().map_or(next_ns, |silence_ns| silence_ns.min(next_ns)))
    }

    /// The frames whose outcome nobody waits for any more, because the run ends.
    pub fn abandon(&mut self) -> Vec<InstanceRecord> {
        let mut ended = Vec::new();
        for slot in &mut self.slots {
            if let Some(flight) = slot.flight.take().filter(|flight| !flight.missed) {
                ended.push(settled(slot.id, flight.frame, Outcome::Skipped("the run ended before its release")));
            }
        }
        ended
    }

    /// What plugins wrote for the operator since the last time this was asked.
    pub fn take_notes(&mut self) -> Vec<(InstanceId, Notes)> {
        std::mem::take(&mut self.notes)
    }

    /// What the flight recorder is told since the last time this was asked.
    pub fn flights(&mut self) -> &mut Flights {
        &mut self.flights
    }

    /// What the sources lost, over all of them.
    #[must_use]
    pub fn source_counts(&self) -> SourceCounts {
        let mut total = SourceCounts { dropped: self.images.refused(), ..SourceCounts::default() };
        for source in &self.sources {
            let counts = source.counts();
            total.dropped += counts.dropped;
            total.malformed += counts.malformed;
            total.failed += counts.failed;
        }
        total
    }

    /// Rows that plugins did not take in time.
    #[must_use]
    pub fn rows_dropped(&self) -> u64 {
        self.slots.iter().map(|slot| slot.builder.dropped_rows()).sum()
    }

    /// What was counted of items; none where none are configured.
    #[must_use]
    pub fn item_figures(&self) -> Option<crate::statistics::ItemFigures> {
        self.line.figures(self.slots.iter().map(|slot| slot.items.dropped()).sum())
    }

    /// The instances: plugin index, asset and standing.
    pub fn instances(&self) -> impl Iterator<Item = (InstanceId, usize, Option<&Arc<str>>)> {
        self.slots.iter().map(|slot| (slot.id, slot.plugin, slot.asset.as_ref()))
    }

    /// The plugins in the configuration's order.
    #[must_use]
    pub fn plugins(&self) -> &[Arc<Plugin>] {
        &self.plugins
    }

    /// Makes other versions of its plugins, on whatever thread.
    #[must_use]
    pub fn preparer(&self) -> &Preparer {
        &self.preparer
    }

    /// Who makes durable what a swap decides; before the first swap.
    pub fn keep_swaps_with(&mut self, keeper: swap::keeper::Keeper) {
        self.swaps = Swaps::new(keeper);
    }

    /// The swaps under way and those that ended.
    #[must_use]
    pub fn swaps(&self) -> &Swaps {
        &self.swaps
    }

    /// Does every output's `on_stop`, and says what became of each.
    pub fn stop(&mut self, at: ScanSlot) -> StopVerdicts {
        let verdicts = self.guard.stop(ScanTime { scan: at.scan, time_ns: at.now_ns });
        for command in &verdicts.commands {
            self.outputs[command.output().index()].write(command);
        }
        self.abandon_swaps();
        verdicts
    }

    /// Starts instances again whose delay is over.
    fn restart_due(&mut self, scanning: &mut Scanning) {
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
    fn place_started(&mut self, scanning: &mut Scanning) {
        for (id, started) in self.starts.ended() {
            let StartId::Slot(id) = id else { continue };
            let slot = &mut self.slots[id.index()];
            slot.starting = false;
            place_instance(slot, started, scanning, &mut self.flights);
        }
        self.place_started_twins();
    }

    /// Hands every due instance its frame.
    fn dispatch(&mut self, scanning: &mut Scanning) {
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
            slot.flight = Some(Flight { release_ns, missed: false, landed: None, frame: Arc::clone(&frame) });
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
    fn collect(&mut self, scanning: &mut Scanning) {
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
    fn land(&mut self, done: Done, scanning: &mut Scanning) {
        if !done.notes.is_empty() {
            self.notes.push((done.id, done.notes));
        }
        let on_trial = self.is_on_trial(self.slots[done.id.index()].plugin);
        let slot = &mut self.slots[done.id.index()];
        if done.worker != slot.worker {
            // A candidate that gave its place back while it was away.
            slot.flight.take_if(|flight| flight.frame.scan == done.frame.scan);
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
    fn settle(&mut self, scanning: &mut Scanning) {
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

    /// The worst of what a plugin's answer was made from: its last row, its waveforms, and, where the answer was made
    /// beside the scan, the same tags as they are now.
    fn input_quality(&self, plugin: &Plugin, frame: &Frame) -> Quality {
        let now = |tag: TagId| self.images.site().get(tag).quality;
        let waveforms = plugin.bound.waveforms.iter().map(|tag| now(*tag));
        let columns = plugin.bound.columns.iter().filter(|_| plugin.config.background);
        let present = waveforms.chain(columns.map(|column| now(column.tag))).max();
        present.unwrap_or(Quality::Good).max(frame.last_row_quality())
    }

    /// Keeps what was settled for the derived tags; it reaches them with the next scan.
    fn derive(&mut self, scanning: &Scanning) {
        let mut derived = std::mem::take(&mut self.derived);
        derived
            .take(&scanning.record, &self.slots, |slot, frame| self.input_quality(&self.plugins[slot.plugin], frame));
        self.derived = derived;
    }

    /// Has the guard judge every proposal, and carries its commands out.
    fn judge(&mut self, scanning: &mut Scanning) {
        let time = ScanTime { scan: scanning.at.scan, time_ns: scanning.at.now_ns };
        let mut proposals = Vec::new();
        for record in &scanning.record.instances {
            let Outcome::Answered(results) = &record.report.outcome else { continue };
            let plugin = &self.plugins[self.slots[record.instance.index()].plugin];
            if let Results::Inspection { verdicts, .. } = results {
                self.line.judged(record.instance, verdicts);
            }
            let input_quality = self.input_quality(plugin, &record.frame);
            for proposal in results.proposals() {
                let bound = plugin.bound.outputs[proposal.output as usize];
                proposals.push(OwnedProposal {
                    owner: record.instance,
                    output: bound.output,
                    setpoint: bound.conversion.apply(proposal.setpoint),
                    valid_for_ns: proposal.valid_for_ns,
                    made_scan: record.frame.scan,
                    input_quality,
                });
                if self.guard.spec(bound.output).is_some_and(|spec| spec.mode.min(spec.owner_mode) == Mode::Advise) {
                    let words = Words {
                        plugin: plugin.config.name.clone(),
                        reason: proposal.reason.clone(),
                        confidence: proposal.confidence,
                    };
                    self.advice_words.insert(bound.output, words);
                }
            }
        }
        let news = self.line.take_news();
        let verdicts = self.guard.scan_line(time, self.images.site(), &proposals, &news);
        let mut judgements = verdicts.judgements.into_iter();
        for record in &mut scanning.record.instances {
            if let Outcome::Answered(results) = &record.report.outcome {
                record.judgements = judgements.by_ref().take(results.proposals().len()).collect();
            }
        }
        for output in &mut self.outputs {
            output.catch_up(time.time_ns);
        }
        for command in &verdicts.commands {
            self.outputs[command.output().index()].write(command);
        }
        scanning.record.commands = verdicts.commands;
        scanning.record.events = verdicts.events;
        scanning.record.items = verdicts.items;
        scanning.record.gates = verdicts.gates;
        scanning.record.trips = verdicts.trips;
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
fn settled(instance: InstanceId, frame: Arc<Frame>, outcome: Outcome) -> InstanceRecord {
    InstanceRecord {
        instance,
        frame,
        report: Arc::new(CallReport { outcome, inferences: Vec::new(), duration_ns: 0 }),
        judgements: Vec::new(),
    }
}
