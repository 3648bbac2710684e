//! Threads that instances run on. An instance travels to its worker inside the job and comes back
//! with the report, so that nothing is shared, and a slot without its instance is a busy one.

use crate::grants::Notes;
use crate::instance::{Call, Instance};
use crate::settings::WORKER_STACK;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use dinrail_core::frame::Frame;
use dinrail_core::item::Item;
use dinrail_core::outcome::{CallReport, Fault, Outcome, OutputState};
use dinrail_core::outlook::Outlook;
use dinrail_core::record::InstanceId;
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
    in_flight: usize,
}

#[derive(Debug)]
struct Worker {
    // The queues need no bound of their own: an instance is in one job at most.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerPool {
    /// Starts `threads` workers, at least one.
    pub fn new(threads: usize) -> std::io::Result<WorkerPool> {
        let (finished, done) = unbounded();
        let workers = (0..threads.max(1))
            .map(|number| Worker::start(number, finished.clone()))
            .collect::<std::io::Result<_>>()?;
        Ok(WorkerPool { workers, done, in_flight: 0 })
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
        let worker = &self.workers[worker % self.workers.len()];
        let jobs = worker.jobs.as_ref().expect("a pool that is used was not dropped");
        jobs.send(job).expect("a worker outlives every panic of its jobs");
        self.in_flight += 1;
    }

    /// The next result, in the order in which they end. `None`: nothing is under way, or the time
    /// is up; then a later call gives the late result.
    pub fn next(&mut self, until: Until) -> Option<Done> {
        if self.in_flight == 0 {
            return None;
        }
        let done = match until {
            Until::All => self.done.recv().map_err(RecvTimeoutError::from),
            Until::Deadline(deadline) => self.done.recv_deadline(deadline),
        };
        match done {
            Ok(done) => {
                self.in_flight -= 1;
                Some(done)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => unreachable!("workers live as long as their pool"),
        }
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.jobs = None;
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
    fn start(number: usize, finished: Sender<Done>) -> std::io::Result<Worker> {
        let (jobs, queue) = unbounded::<Job>();
        let thread = std::thread::Builder::new()
            .name(format!("dinrail-worker-{number}"))
            .stack_size(WORKER_STACK)
            .spawn(move || {
                for job in queue {
                    if finished.send(run(number, job)).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Worker { jobs: Some(jobs), thread: Some(thread) })
    }
}

fn run(worker: usize, job: Job) -> Done {
    let Job { id, mut instance, frame, outputs, outlook, items, deadline, wants_state } = job;
    let call = Call { frame: &frame, outputs: &outputs, outlook: &outlook, items: &items, deadline };
    let started = Instant::now();
    // A panic in the host's own code, for instance in a model's runtime, costs this instance only.
    let report = catch_unwind(AssertUnwindSafe(|| instance.call(&call))).unwrap_or_else(|_| {
        instance.poison();
        CallReport {
            outcome: Outcome::Faulted(Fault::Internal("the host panicked in this call".to_owned())),
            inferences: Vec::new(),
            duration_ns: u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    });
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
