//! The running controller: one scan after the other.
//!
//! ```text
//! drain sources ─► images, rows ─► frames ─► workers ─► outcomes ─► guard ─► outputs ─► record
//! ```
//!
//! - `calls`: what instances are asked, and what comes back
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
mod calls;
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
use dinrail_core::outcome::{Outcome, Results};
use dinrail_core::reading::Reading;
use dinrail_core::record::{InstanceId, InstanceRecord, ScanRecord};
use dinrail_core::tag::{Quality, TagId};
use dinrail_core::time::TimeNs;
use dinrail_engine::{Notes, WorkerPool};
use flights::Flights;
use images::Images;
use line::Line;
use operator::{AdviceWords, Words};
use outputs::OutputDriver;
use pace::Slot as ScanSlot;
use shelf::Shelf;
use slots::{Plugin, Slot};
use source::{Source, SourceCounts, Supply};
use starts::Starts;
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
                ended.push(calls::settled(slot.id, flight.frame, Outcome::Skipped("the run ended before its release")));
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
