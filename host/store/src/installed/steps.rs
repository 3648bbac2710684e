//! The durable steps, counted, so that a test can fail any of them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Asked before each durable step. Only tests make one that refuses.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps(Option<Arc<Failing>>);

#[derive(Debug)]
struct Failing {
    taken: AtomicUsize,
    /// The first that fails, from 0.
    at: usize,
    /// Whether all that follow fail too, as in a process that died.
    lasting: bool,
}

impl Steps {
    pub(super) fn step(&self) -> io::Result<()> {
        let Some(failing) = &self.0 else { return Ok(()) };
        let number = failing.taken.fetch_add(1, Ordering::Relaxed);
        let fails = if failing.lasting { failing.at <= number } else { failing.at == number };
        if fails { Err(io::Error::other(format!("durable step {number} fails"))) } else { Ok(()) }
    }
}

#[cfg(test)]
impl Steps {
    pub(super) fn failing(at: usize, lasting: bool) -> Steps {
        Steps(Some(Arc::new(Failing { taken: AtomicUsize::new(0), at, lasting })))
    }

    pub(super) fn taken(&self) -> usize {
        self.0.as_ref().map_or(0, |failing| failing.taken.load(Ordering::Relaxed))
    }
}
