//! The thread that raises the engine's epoch, by which a guest's hard deadline is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wasmtime::Engine;

/// Raises the epoch once a tick for as long as it lives; stopped and joined on drop.
#[derive(Debug)]
pub(crate) struct Ticker {
    tick: Duration,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine, tick: Duration) -> std::io::Result<Ticker> {
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, stopped) = (engine.clone(), Arc::clone(&stop));
        let thread =
            std::thread::Builder::new().name("dinrail-epoch".to_owned()).spawn(move || run(&engine, tick, &stopped))?;
        Ok(Ticker { tick, stop, thread: Some(thread) })
    }

    /// Ticks after which `deadline` has passed for certain: the running tick may end at once, so one
    /// more than its length.
    pub(crate) fn ticks(&self, deadline: Duration) -> u64 {
        // In 64 bits: a 128-bit division is a tenth of an empty call.
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 2);
        nanos(deadline).div_ceil(nanos(self.tick).max(1)) + 1
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the epoch thread panicked");
        }
    }
}

fn run(engine: &Engine, tick: Duration, stop: &AtomicBool) {
    raise_priority();
    let mut next = Instant::now() + tick;
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        if now < next {
            std::thread::sleep(next - now);
            continue;
        }
        // Ticks that this thread slept through are not made up for: in a burst they would stop a
        // call that has only begun. A starved ticker makes a deadline longer, never shorter.
        next = now.max(next + tick);
        engine.increment_epoch();
    }
}

/// A starved ticker lets an endless loop run on: 24 ms were seen where 2 were due. Raising the
/// priority needs CAP_SYS_NICE or a limit on `nice`; without either the ticker runs like the others.
#[cfg(target_os = "linux")]
fn raise_priority() {
    // On Linux the priority belongs to the thread, and no process id means the calling one.
    if let Err(error) = rustix::process::setpriority_process(None, -15) {
        tracing::debug!(%error, "the epoch thread runs with ordinary priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn raise_priority() {}
