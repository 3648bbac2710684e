//! What the operator sees on stderr while the controller runs: a live view on a terminal, plain
//! lines elsewhere.
//!
//! The view has a thread of its own. What it can't draw in time is left out of the picture; it
//! never holds anything else up.

mod live;
mod plain;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use std::io::IsTerminal;
use std::thread::JoinHandle;

/// Something worth a line.
#[derive(Clone, Debug)]
pub struct Event {
    /// Run time, as the site's clock shows it.
    pub time: String,
    /// What kind.
    pub kind: EventKind,
    /// The sentence.
    pub text: String,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A plugin found something, or its finding ended.
    Finding,
    /// The guard judged a proposal.
    Verdict,
    /// The controller itself: faults, links, start and stop.
    Controller,
    /// An alarm changed, or an operator said something of it.
    Alarm,
}

/// A plugin's line.
#[derive(Clone, Debug)]
pub struct PluginLine {
    /// Name, world and state.
    pub name: String,
    /// World's name.
    pub world: &'static str,
    /// `running`, `restarting`, `quarantined`.
    pub state: &'static str,
    /// Calls so far.
    pub calls: u64,
    /// Wall time of the last call, microseconds.
    pub last_us: f64,
    /// Mean.
    pub mean_us: f64,
    /// Longest.
    pub max_us: f64,
    /// Missed frames.
    pub missed: u64,
    /// Faults.
    pub faults: u64,
}

/// An output's line.
#[derive(Clone, Debug)]
pub struct OutputLine {
    /// Name.
    pub name: String,
    /// Value in force and unit, or why there is none.
    pub applied: String,
    /// Mode.
    pub mode: &'static str,
    /// Latest verdict and its reason.
    pub verdict: String,
}

/// How things stand.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Site's name.
    pub site: String,
    /// Run time, as the site's clock shows it.
    pub time: String,
    /// Wall seconds since the first scan.
    pub wall_s: f64,
    /// Run seconds since the first scan.
    pub run_s: f64,
    /// Scans so far.
    pub scans: u64,
    /// Overruns so far.
    pub overruns: u64,
    /// Samples so far.
    pub samples_in: u64,
    /// Inferences so far.
    pub inferences: u64,
    /// Messages published and acknowledged, where there is a link.
    pub mqtt: Option<(u64, u64)>,
    /// The plant's true profit over its optimum, where there is one.
    pub profit_ratio: Option<f64>,
    /// Plugins in the configuration's order.
    pub plugins: Vec<PluginLine>,
    /// Outputs in the configuration's order.
    pub outputs: Vec<OutputLine>,
}

/// What the view's thread gets.
#[derive(Debug)]
enum Message {
    Event(Event),
    Snapshot(Box<Snapshot>),
    /// The last one. Log writers keep their senders, so the channel itself does not end.
    Close,
}

/// The view's end that the rest of the controller holds.
#[derive(Debug)]
pub struct View {
    sender: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    /// Events left out because the view was behind.
    left_out: u64,
}

/// Lines that wait to be drawn. A terminal that is further behind than this shows gaps.
const MAX_WAITING: usize = 1_024;

impl View {
    /// A live view where stderr is a terminal, lines elsewhere.
    #[must_use]
    pub fn start() -> View {
        let (sender, receiver) = crossbeam_channel::bounded(MAX_WAITING);
        let live = std::io::stderr().is_terminal();
        let thread = std::thread::Builder::new()
            .name("view".into())
            .spawn(move || if live { live::run(&receiver) } else { plain::run(&receiver) });
        match thread {
            Ok(thread) => View { sender: Some(sender), thread: Some(thread), left_out: 0 },
            // Without a thread there is no view; the controller itself does not need one.
            Err(_) => View::none(),
        }
    }

    /// Shows nothing.
    #[must_use]
    pub fn none() -> View {
        View { sender: None, thread: None, left_out: 0 }
    }

    /// Shows an event.
    pub fn event(&mut self, event: Event) {
        self.send(Message::Event(event));
    }

    /// Shows how things stand.
    pub fn snapshot(&mut self, snapshot: Snapshot) {
        self.send(Message::Snapshot(Box::new(snapshot)));
    }

    /// Where log lines go: into the live view, else to stderr.
    #[must_use]
    pub fn log_writer(&self) -> LogWriter {
        LogWriter { sender: self.sender.clone().filter(|_| std::io::stderr().is_terminal()) }
    }

    /// Draws what waits, gives the terminal back, and says how many lines were left out.
    pub fn finish(mut self) -> u64 {
        if let Some(sender) = self.sender.take() {
            // A view that is gone already needs no closing.
            let _ = sender.send(Message::Close);
        }
        if let Some(thread) = self.thread.take() {
            // A view that panicked has nothing more to show; the summary follows all the same.
            let _ = thread.join();
        }
        self.left_out
    }

    fn send(&mut self, message: Message) {
        if let Some(sender) = &self.sender
            && let Err(TrySendError::Full(_)) = sender.try_send(message)
        {
            self.left_out += 1;
        }
    }
}

/// Makes an event of each log line.
#[derive(Clone, Debug)]
pub struct LogWriter {
    sender: Option<Sender<Message>>,
}

impl std::io::Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        match &self.sender {
            Some(sender) => {
                let text = String::from_utf8_lossy(line).trim_end().replace(char::is_control, " ");
                let event = Event { time: String::new(), kind: EventKind::Controller, text };
                // A view that is behind leaves it out, as it does with its own lines.
                let _ = sender.try_send(Message::Event(event));
                Ok(line.len())
            }
            None => {
                // Nobody reads stderr any more: what can't be told is no fault of the run.
                let _ = std::io::stderr().write_all(line);
                Ok(line.len())
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for LogWriter {
    type Writer = LogWriter;

    fn make_writer(&'a self) -> LogWriter {
        self.clone()
    }
}

type Messages = Receiver<Message>;
