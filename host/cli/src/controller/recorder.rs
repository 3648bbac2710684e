//! The thread that tells everybody what happened: sinks, judges, figures, view, and a ring of the
//! last records. The scan hands it records and never waits for it, except in virtual time.

use super::alarms::Losses;
use super::flights::Fresh;
use super::slots::Plugin;
use super::source::SourceCounts;
use crate::statistics::{DetectionSummary, MqttFigures, ReactorSummary, Statistics};
use crate::view::View;
use crossbeam_channel::{Receiver, Sender};
use dinrail_core::alarm::AlarmSpec;
use dinrail_core::frame::Frame;
use dinrail_core::guard::{Command, ItemJudgement, OutputId, Reduced, StopVerdicts};
use dinrail_core::outcome::Results;
use dinrail_core::record::{InstanceId, InstanceRecord, ScanRecord};
use dinrail_core::tag::{Quality, TagId, TagTable};
use dinrail_core::time::TimeNs;
use dinrail_engine::Notes;
use dinrail_field::link::MqttLink;
use dinrail_field::message::Named;
use dinrail_field::sink::jsonl::JsonlSink;
use dinrail_field::sink::mqtt::MqttSink;
use dinrail_sim::judge::Detections;
use dinrail_sim::{Condition, Truth};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

mod context;
mod flight;
mod notice;
mod recording;

pub use flight::FlightSetup;
use recording::Recording;

/// Records that wait for the recorder. At 100 ms a scan, half a minute of a stalled disk.
const MAX_WAITING: usize = 256;

/// What the recorder is told.
pub enum Message {
    /// An instance that later records speak of.
    Instance {
        /// Its id; they come in order.
        id: InstanceId,
        /// Index of its plugin.
        plugin: usize,
        /// Its asset's key.
        asset: Option<Arc<str>>,
    },
    /// When the run began; the first scan's line counts from it.
    Began(Instant),
    /// A scan.
    Scan(Box<Scan>),
    /// The controller stopped.
    Stopping(Box<Stopping>),
}

/// How the controller stopped.
pub struct Stopping {
    /// Its last run time.
    pub time_ns: TimeNs,
    /// What became of the outputs.
    pub verdicts: StopVerdicts,
    /// Frames that were with a plugin.
    pub abandoned: Vec<InstanceRecord>,
}

/// A scan, and what stands beside its record.
pub struct Scan {
    /// The record.
    pub record: Arc<ScanRecord>,
    /// What is really so in the simulated plant. Judges only.
    pub truth: Option<Truth>,
    /// What the sources lost so far.
    pub sources: SourceCounts,
    /// What plugins wrote.
    pub notes: Vec<(InstanceId, Notes)>,
    /// Rows dropped so far.
    pub rows_dropped: u64,
    /// What was counted of items so far.
    pub items: Option<crate::statistics::ItemFigures>,
    /// Overruns so far.
    pub overruns: u64,
    /// For the flight recorder.
    pub flights: Fresh,
}

/// Everything the recorder works with.
pub struct Setup {
    /// Site's name, for the view.
    pub site: String,
    /// For the view's clock.
    pub time_zone: jiff::tz::TimeZone,
    /// Tags by id.
    pub tags: Arc<TagTable>,
    /// Plugins by index.
    pub plugins: Vec<Arc<Plugin>>,
    /// Outputs by id: name and unit.
    pub outputs: Vec<Named>,
    /// By output: its reduced range.
    pub reduced: Vec<Option<Reduced>>,
    /// Names of the configuration's items.
    pub items: Vec<String>,
    /// Alarms by id.
    pub alarms: Vec<Arc<AlarmSpec>>,
    /// What could not be kept, for the alarm that says so.
    pub losses: Arc<Losses>,
    /// Files.
    pub jsonl: Vec<JsonlSink>,
    /// Brokers.
    pub mqtt: Vec<MqttSink>,
    /// Links, for their figures.
    pub links: Vec<MqttLink>,
    /// Judge of the plant's fault script.
    pub detections: Option<Detections>,
    /// Index of the plugin whose results a judge wants to see, all of them.
    pub collect: Option<usize>,
    /// Tags of the site whose values a judge wants to see.
    pub watch: Vec<TagId>,
    /// What `dinrail advise` has to be told beyond a number to reach this controller; none where nobody can.
    pub reach: Option<String>,
    /// What the flight recorder keeps and writes; none where it does neither.
    pub flight: Option<FlightSetup>,
    /// What the operator sees.
    pub view: View,
}

/// What a plugin answered to one frame.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its asset's key.
    pub asset: Option<Arc<str>>,
    /// Source time of each row of the frame.
    pub times_ns: Vec<TimeNs>,
    /// Of a plan or a forecast: the values of the frame's last row, which it was made from.
    pub inputs: Vec<f64>,
    /// The results.
    pub results: Results,
}

/// The values of a frame's last row; NaN where one can't be used.
fn last_row(frame: &Frame) -> Vec<f64> {
    let columns = frame.columns;
    let first = frame.values.len().saturating_sub(columns);
    let row = frame.values.iter().zip(&frame.quality).skip(first);
    row.map(|(value, quality)| if Quality::from_code(*quality).is_usable() { *value } else { f64::NAN }).collect()
}

/// What a simulated plant earned or cost at a moment, as its truth says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Economy {
    /// Since the plant's start.
    pub time_s: f64,
    /// See [`Truth::profit`](dinrail_sim::Truth).
    pub profit: Option<f64>,
    /// The best that it could be.
    pub optimum_profit: Option<f64>,
    /// See [`Truth::cost`](dinrail_sim::Truth).
    pub cost: Option<f64>,
    /// The least that it could be.
    pub optimum_cost: Option<f64>,
    /// By how much the worst constraint is exceeded.
    pub violation: Option<f64>,
}

impl Economy {
    /// None where the plant says nothing of it.
    pub(crate) fn of(truth: &dinrail_sim::Truth) -> Option<Economy> {
        let dinrail_sim::Truth { time_s, profit, optimum_profit, cost, optimum_cost, violation, .. } = *truth;
        let says = profit.is_some() || cost.is_some() || violation.is_some();
        says.then_some(Economy { time_s, profit, optimum_profit, cost, optimum_cost, violation })
    }
}

/// What the recorder has at the end.
pub struct Report {
    /// Figures.
    pub statistics: Statistics,
    /// Faults of the plant's script and when they were seen, and false alarm episodes.
    pub detections: Option<(Vec<DetectionSummary>, u64)>,
    /// The answers of the plugin that was to be collected, in order.
    pub answers: Vec<Answer>,
    /// The tag of each of its columns.
    pub columns: Vec<String>,
    /// The quantiles that it describes.
    pub quantiles: Vec<f64>,
    /// The machine's true condition in each scan, where there is one and answers were collected.
    pub conditions: Vec<(TimeNs, Condition)>,
    /// What the plant earned or cost in each scan, where it says so and answers were collected.
    pub economy: Vec<Economy>,
    /// By output: how far its commands moved it in all, in its unit.
    pub travel: Vec<f64>,
    /// The configuration's outputs that the collected plugin proposes for, in its own order.
    pub own_outputs: Vec<OutputId>,
    /// Every command, where answers were collected.
    pub commands: Vec<Command>,
    /// What gates made of every verdict, where answers were collected.
    pub item_judgements: Vec<ItemJudgement>,
    /// By watched tag: its usable values, with the run time at which they came, in seconds.
    pub watched: BTreeMap<String, Vec<(f64, f64)>>,
    /// Profit.
    pub reactor: Option<ReactorSummary>,
    /// Whether the true profit of the last tenth was above that of the beginning.
    pub profit_rose: Option<bool>,
    /// Run time from the first scan to the last, seconds.
    pub run_s: f64,
    /// The view, to be finished after the last line.
    pub view: View,
}

/// The scan's end of the recorder.
pub struct Recorder {
    sender: Sender<Message>,
    thread: JoinHandle<()>,
    report: Receiver<Report>,
    is_virtual: bool,
    losses: Arc<Losses>,
    /// Announcements that found no room yet; no scan goes ahead of them.
    pending: VecDeque<Message>,
    dropped: u64,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum NoReport {
    /// A sink holds the recorder up.
    #[error("a sink did not take what it was given within {seconds} s; results are missing")]
    Stalled {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The recorder panicked.
    #[error("the recorder failed; results are missing")]
    Failed,
}

impl Recorder {
    /// Starts the thread.
    pub fn start(setup: Setup, is_virtual: bool) -> std::io::Result<Recorder> {
        let (sender, receiver) = crossbeam_channel::bounded(MAX_WAITING);
        let (reporter, report) = crossbeam_channel::bounded(1);
        let losses = Arc::clone(&setup.losses);
        let thread = std::thread::Builder::new().name("recorder".into()).spawn(move || {
            // Nobody waits for it any more where a sink held it up for too long.
            let _ = reporter.send(Recording::new(setup).run(&receiver));
        })?;
        Ok(Recorder { sender, thread, report, is_virtual, losses, pending: VecDeque::new(), dropped: 0 })
    }

    /// Tells it something. In virtual time this waits for room. Live it never waits: an announcement that finds
    /// none is kept for later, a scan's record is dropped and counted.
    pub fn tell(&mut self, message: Message) {
        if self.is_virtual {
            // A recorder that panicked is reported at the end.
            let _ = self.sender.send(message);
            return;
        }
        while let Some(waiting) = self.pending.pop_front() {
            if let Err(refused) = self.sender.try_send(waiting) {
                self.pending.push_front(refused.into_inner());
                break;
            }
        }
        let is_announcement = matches!(message, Message::Instance { .. });
        if self.pending.is_empty() {
            match self.sender.try_send(message) {
                Ok(()) => {}
                Err(refused) if is_announcement => self.pending.push_back(refused.into_inner()),
                Err(_) => self.drop_record(),
            }
        } else if is_announcement {
            self.pending.push_back(message);
        } else {
            self.drop_record();
        }
    }

    fn drop_record(&mut self) {
        self.dropped += 1;
        self.losses.records.fetch_add(1, Ordering::Relaxed);
        if self.dropped == 1 {
            tracing::error!("the recorder can't take a scan's record; sinks miss it");
        }
    }

    /// Tells it when the run began.
    pub fn began(&mut self, began: Instant) {
        // The channel is empty at this time.
        let _ = self.sender.try_send(Message::Began(began));
    }

    /// Tells it what became of the outputs, lets it work off what waits, and gives its report and the number
    /// of records dropped; all of it within `patience`.
    pub fn finish(
        self,
        time_ns: TimeNs,
        verdicts: StopVerdicts,
        abandoned: Vec<InstanceRecord>,
        patience: Duration,
    ) -> Result<(Report, u64), NoReport> {
        let until = Instant::now() + patience;
        let stalled = NoReport::Stalled { seconds: patience.as_secs() };
        let stopping = Message::Stopping(Box::new(Stopping { time_ns, verdicts, abandoned }));
        for message in self.pending.into_iter().chain([stopping]) {
            if self.sender.send_deadline(message, until).is_err() && Instant::now() >= until {
                return Err(stalled);
            }
        }
        drop(self.sender);
        match self.report.recv_deadline(until) {
            Ok(report) => {
                // It has sent its report as its last act.
                let _ = self.thread.join();
                Ok((report, self.dropped))
            }
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => Err(stalled),
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Err(NoReport::Failed),
        }
    }
}

/// Figures of all links together.
#[must_use]
pub fn mqtt_figures(links: &[MqttLink]) -> MqttFigures {
    links.iter().fold(MqttFigures::default(), |sum, link| {
        let counts = link.counts();
        MqttFigures {
            published: sum.published + counts.published(),
            acked: sum.acked + counts.acked(),
            dropped: sum.dropped + counts.outbox.dropped,
        }
    })
}
