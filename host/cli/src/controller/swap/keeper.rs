//! What of a swap must outlast a power cut, written by a thread of its own: nothing syncs to disk on the scan's.

use crossbeam_channel::{Receiver, Sender, unbounded};
use dinrail_store::installed::{Installed, Intent};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the end of a run waits for an entry.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// The candidate is about to take over: a start that finds this and no end goes back to the version before.
    Begin {
        /// The plugin.
        plugin: String,
        /// What it will be.
        intent: Box<Intent>,
    },
    /// The candidate is the version that runs, from now on.
    Commit {
        /// The plugin.
        plugin: String,
    },
    /// The candidate goes.
    Abort {
        /// The plugin.
        plugin: String,
        /// Whether it counts against the candidate.
        strike: bool,
    },
}

/// Who writes it: tells of each entry whether it is durable.
pub type Write = Box<dyn FnMut(&Entry) -> Result<(), String> + Send>;

/// Entries under way, by a number that their swap knows them by.
pub struct Keeper {
    way: Way,
    written: Receiver<(u64, Result<(), String>)>,
    results: HashMap<u64, Result<(), String>>,
    /// Those whose result nobody asks for.
    untold: HashSet<u64>,
    next: u64,
}

enum Way {
    Thread(Sender<(u64, Entry)>),
    /// In virtual time the scan waits for it.
    Here(Write, Sender<(u64, Result<(), String>)>),
}

impl Keeper {
    /// With a thread of its own, or without where time is virtual.
    pub fn start(mut write: Write, is_virtual: bool) -> std::io::Result<Keeper> {
        let (done, written) = unbounded();
        let way = if is_virtual {
            Way::Here(write, done)
        } else {
            let (entries, queue) = unbounded::<(u64, Entry)>();
            std::thread::Builder::new().name("keeper".into()).spawn(move || {
                for (number, entry) in queue {
                    // Nobody waits any more only when the controller is gone.
                    let _ = done.send((number, write(&entry)));
                }
            })?;
            Way::Thread(entries)
        };
        Ok(Keeper { way, written, results: HashMap::new(), untold: HashSet::new(), next: 0 })
    }

    /// One that keeps nothing: for controllers without a store.
    pub fn none() -> Keeper {
        let (done, written) = unbounded();
        let way = Way::Here(Box::new(|_entry| Ok(())), done);
        Keeper { way, written, results: HashMap::new(), untold: HashSet::new(), next: 0 }
    }

    /// One that writes into the store.
    pub fn of(installed: Arc<Installed>) -> std::io::Result<Keeper> {
        let write = move |entry: &Entry| {
            let written = match entry {
                Entry::Begin { plugin, intent } => installed.begin(plugin, intent),
                Entry::Commit { plugin } => installed.commit(plugin).map(|_running| ()),
                Entry::Abort { plugin, strike } => installed.abort(plugin, *strike).map(|_reverted| ()),
            };
            written.map_err(|error| error.to_string())
        };
        Keeper::start(Box::new(write), false)
    }

    /// Has it written; the number is for [`Keeper::result`].
    pub fn write(&mut self, entry: Entry) -> u64 {
        self.next += 1;
        match &mut self.way {
            Way::Thread(entries) => {
                entries.send((self.next, entry)).expect("the keeper's thread lives as long as its queue");
            }
            Way::Here(write, done) => {
                let result = write(&entry);
                done.send((self.next, result)).expect("the receiver is this keeper's own");
            }
        }
        self.next
    }

    /// Waits for it, as long as the end of a run may take.
    pub fn wait(&mut self, number: u64) {
        let until = Instant::now() + PATIENCE;
        while let Ok((of, result)) = self.written.recv_deadline(until) {
            self.results.insert(of, result);
            if of == number {
                return;
            }
        }
    }

    /// Has it written, and is not asked what came of it: a start that finds it unwritten does the same.
    pub fn tell(&mut self, entry: Entry) {
        let number = self.write(entry);
        self.untold.insert(number);
    }

    /// What came of it, once it came.
    pub fn result(&mut self, number: u64) -> Option<Result<(), String>> {
        for (of, result) in self.written.try_iter() {
            if !self.untold.remove(&of) {
                self.results.insert(of, result);
            } else if let Err(why) = result {
                tracing::error!(why, "the end of a swap is not in the store; the next start writes it");
            }
        }
        self.results.remove(&number)
    }
}
