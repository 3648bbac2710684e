//! Threads that instances run on. An instance travels to its worker inside the job and comes back
//! with the report, so that nothing is shared, and a slot without its instance is a busy one.
//!
//! What no scan waits for (saving a state, the calls of a version that is on trial) goes to workers as an [`Aside`] and comes
//! back by a way of its own.

use crate::grants::Notes;
use crate::instance::{Call, Instance};
use crate::settings::WORKER_STACK;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use dinrail_core::frame::Frame;
use dinrail_core::item::Item;
use dinrail_core::outcome::{CallReport, Fault, Outcome, OutputState};
use dinrail_core::outlook::Outlook;
use dinrail_core::record::InstanceId;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A call to be made on a worker.
#[derive(Debug)]
pub struct Job {
    /// Whose instance it is; comes back in [`Done`].
    pub id: InstanceId,
    /// The instance.
    pub instance: Box<Instance>,
    /// Its frame.
    pub frame: Arc<Frame>,
    /// See [`Call::outputs`].
    pub outputs: Vec<OutputState>,
    /// See [`Call::outlook`].
    pub outlook: Arc<Outlook>,
    /// See [`Call::items`].
    pub items: Vec<Item>,
    /// See [`Call::deadline`].
    pub deadline: Duration,
    /// Whether the plugin's state is wanted after the call, where that leaves the time for it.
    pub wants_state: bool,
}

/// A call that was made.
#[derive(Debug)]
pub struct Done {
    /// As in the job.
    pub id: InstanceId,
    /// The worker that made it.
    pub worker: usize,
    /// The instance; look at [`Instance::is_poisoned`].
    pub instance: Box<Instance>,
    /// The frame of this call, by whose scan a late result is told from one in time.
    pub frame: Arc<Frame>,
    /// The job's, to be used again.
    pub outputs: Vec<OutputState>,
    /// The job's.
    pub outlook: Arc<Outlook>,
    /// The job's.
    pub items: Vec<Item>,
    /// What came of it.
    pub report: CallReport,
    /// What the plugin saved after the call, where that was wanted and there was time.
    pub state: Option<Result<Vec<u8>, Fault>>,
    /// What the plugin wrote.
    pub notes: Notes,
}

/// Everything that one call gets, kept for a second instance.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its frame.
    pub frame: Arc<Frame>,
    /// See [`Call::outputs`].
    pub outputs: Vec<OutputState>,
    /// See [`Call::outlook`].
    pub outlook: Arc<Outlook>,
    /// See [`Call::items`].
    pub items: Vec<Item>,
}

/// Work beside the scan.
#[derive(Debug)]
pub struct Aside {
    /// Whatever tells whose it is; comes back in [`AsideDone`].
    pub token: u64,
    /// The instance.
    pub instance: Box<Instance>,
    /// What to do with it.
    pub work: AsideWork,
}

/// See [`Aside`].
#[derive(Debug)]
pub enum AsideWork {
    /// Take its state.
    Save,
    /// Make calls one after the other, up to the first that loses the instance.
    Calls {
        /// In their order.
        asked: VecDeque<Asked>,
        /// Of each call.
        deadline: Duration,
    },
}

/// Work that was done.
#[derive(Debug)]
pub struct AsideDone {
    /// As in the work.
    pub token: u64,
    /// The instance; look at [`Instance::is_poisoned`].
    pub instance: Box<Instance>,
    /// What came of it.
    pub came: AsideCame,
}

/// See [`AsideDone`].
#[derive(Debug)]
pub enum AsideCame {
    /// The state, in the version that the plugin describes.
    Saved(Result<Vec<u8>, Fault>),
    /// The reports by their frame's scan; those of calls that were not made any more are left out.
    Reports(Vec<(u64, CallReport)>),
}

#[derive(Debug)]
enum Task {
    Call(Job),
    Aside(Aside),
}
/// Saving comes out of the call's time: it is left for another call where more than this part of it is gone.
const STATE_SHARE: u32 = 2;

/// How long to wait for a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until everything that was submitted is back; each call's own deadline bounds it.
    All,
    /// Until this time.
    Deadline(Instant),
}

/// Worker threads. Dropping it waits for the calls that still run.
#[derive(Debug)]
pub struct WorkerPool {
    workers: Vec<Worker>,
    done: Receiver<Done>,
    asides: Receiver<AsideDone>,
    in_flight: usize,
    asides_in_flight: usize,
    ends: Ends,
}

/// Where workers put what they did.
#[derive(Clone, Debug)]
struct Ends {
    done: Sender<Done>,
    asides: Sender<AsideDone>,
}

#[derive(Debug)]
struct Worker {
    // The queues need no bound of their own: an instance is in one task at most.
    tasks: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerPool {
    /// Starts `threads` workers, at least one.
    pub fn new(threads: usize) -> std::io::Result<WorkerPool> {
        let (done_sender, done) = unbounded();
        let (aside_sender, asides) = unbounded();
        let ends = Ends { done: done_sender, asides: aside_sender };
        let workers =
            (0..threads.max(1)).map(|number| Worker::start(number, ends.clone())).collect::<std::io::Result<_>>()?;
        Ok(WorkerPool { workers, done, asides, in_flight: 0, asides_in_flight: 0, ends })
    }

    /// Starts one more worker, and says which it is.
    pub fn grow(&mut self) -> std::io::Result<usize> {
        let number = self.workers.len();
        self.workers.push(Worker::start(number, self.ends.clone())?);
        Ok(number)
    }

    /// Number of workers.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.workers.len()
    }

    /// Jobs that are not back yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Gives a worker a job, which it takes after those it has. Numbers past the last worker wrap.
    pub fn submit(&mut self, worker: usize, job: Job) {
        self.hand_over(worker, Task::Call(job));
        self.in_flight += 1;
    }

    /// Gives a worker something to do beside the scan, which it takes after what it has.
    pub fn submit_aside(&mut self, worker: usize, aside: Aside) {
        self.hand_over(worker, Task::Aside(aside));
        self.asides_in_flight += 1;
    }

    fn hand_over(&mut self, worker: usize, task: Task) {
        let worker = &self.workers[worker % self.workers.len()];
        let tasks = worker.tasks.as_ref().expect("a pool that is used was not dropped");
        tasks.send(task).expect("a worker outlives every panic of its tasks");
    }

    /// The next work beside the scan that was done; as [`WorkerPool::next`].
    pub fn next_aside(&mut self, until: Until) -> Option<AsideDone> {
        if self.asides_in_flight == 0 {
            return None;
        }
        let done = receive(&self.asides, until)?;
        self.asides_in_flight -= 1;
        Some(done)
    }

    /// The next result, in the order in which they end. `None`: nothing is under way, or the time
    /// is up; then a later call gives the late result.
    pub fn next(&mut self, until: Until) -> Option<Done> {
        if self.in_flight == 0 {
            return None;
        }
        let done = receive(&self.done, until)?;
        self.in_flight -= 1;
        Some(done)
    }
}

fn receive<T>(from: &Receiver<T>, until: Until) -> Option<T> {
    let received = match until {
        Until::All => from.recv().map_err(RecvTimeoutError::from),
        Until::Deadline(deadline) => from.recv_deadline(deadline),
    };
    match received {
        Ok(received) => Some(received),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => unreachable!("the pool itself holds a sender"),
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.tasks = None;
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take()
                && thread.join().is_err()
            {
                tracing::error!("a plugin worker panicked");
            }
        }
    }
}

impl Worker {
    fn start(number: usize, ends: Ends) -> std::io::Result<Worker> {
        let (tasks, queue) = unbounded::<Task>();
        let thread = std::thread::Builder::new()
            .name(format!("dinrail-worker-{number}"))
            .stack_size(WORKER_STACK)
            .spawn(move || {
                for task in queue {
                    let is_heard = match task {
                        Task::Call(job) => ends.done.send(run(number, job)).is_ok(),
                        Task::Aside(aside) => ends.asides.send(run_aside(aside)).is_ok(),
                    };
                    if !is_heard {
                        break;
                    }
                }
            })?;
        Ok(Worker { tasks: Some(tasks), thread: Some(thread) })
    }
}

fn run_aside(aside: Aside) -> AsideDone {
    let Aside { token, mut instance, work } = aside;
    let came = match work {
        AsideWork::Save => AsideCame::Saved(save(&mut instance)),
        AsideWork::Calls { asked, deadline } => {
            let mut reports = Vec::with_capacity(asked.len());
            for asked in asked {
                let Asked { frame, outputs, outlook, items } = asked;
                let call = Call { frame: &frame, outputs: &outputs, outlook: &outlook, items: &items, deadline };
                reports.push((frame.scan, guarded(&mut instance, &call)));
                if instance.is_poisoned() {
                    break;
                }
            }
            AsideCame::Reports(reports)
        }
    };
    // Its words are not the plugin's while another version is.
    instance.take_notes();
    AsideDone { token, instance, came }
}

fn run(worker: usize, job: Job) -> Done {
    let Job { id, mut instance, frame, outputs, outlook, items, deadline, wants_state } = job;
    let call = Call { frame: &frame, outputs: &outputs, outlook: &outlook, items: &items, deadline };
    let started = Instant::now();
    let report = guarded(&mut instance, &call);
    let has_time = started.elapsed() < deadline / STATE_SHARE;
    let state = (wants_state && has_time && !instance.is_poisoned()).then(|| save(&mut instance));
    let notes = instance.take_notes();
    Done { id, worker, instance, frame, outputs, outlook, items, report, state, notes }
}

/// What the plugin saves; a panic in the host's own code costs this instance only, as in a call.
fn save(instance: &mut Instance) -> Result<Vec<u8>, Fault> {
    catch_unwind(AssertUnwindSafe(|| instance.save())).unwrap_or_else(|_| {
        instance.poison();
        Err(Fault::Internal("the host panicked while the plugin saved its state".to_owned()))
    })
}

/// A panic in the host's own code, for instance in a model's runtime, costs this instance only.
fn guarded(instance: &mut Instance, call: &Call<'_>) -> CallReport {
    let started = Instant::now();
    catch_unwind(AssertUnwindSafe(|| instance.call(call))).unwrap_or_else(|_| {
        instance.poison();
        CallReport {
            outcome: Outcome::Faulted(Fault::Internal("the host panicked in this call".to_owned())),
            inferences: Vec::new(),
            duration_ns: u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    })
}
