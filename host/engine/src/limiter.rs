//! Counts what an instance's memories and tables use, and refuses what goes past its limits.

use crate::settings::Limits;
use wasmtime::ResourceLimiter;

/// wasmtime's own limits hold for each memory; this one also holds for their sum. What it refused is
/// kept, since a guest usually answers a refused `memory.grow` with a trap that says nothing.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    total_bytes: usize,
    last_growth: usize,
    refused: Option<Refused>,
}

#[derive(Clone, Copy, Debug)]
enum Refused {
    Memory { wanted: usize, limit: usize },
    TotalMemory { wanted: usize, limit: usize },
    Table { wanted: usize, limit: usize },
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::Memory { wanted, limit } => write!(f, "a memory of {wanted} bytes, {limit} are the limit"),
            Refused::TotalMemory { wanted, limit } => {
                write!(f, "memories of {wanted} bytes together, {limit} are the limit")
            }
            Refused::Table { wanted, limit } => write!(f, "a table of {wanted} elements, {limit} are the limit"),
        }
    }
}

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Limiter {
        Limiter { limits, total_bytes: 0, last_growth: 0, refused: None }
    }

    /// Bytes of its memories.
    pub(crate) fn total_bytes(&self) -> usize {
        self.total_bytes
    }

    /// What was refused since the last call of this.
    pub(crate) fn take_refused(&mut self) -> Option<String> {
        self.refused.take().map(|refused| refused.to_string())
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let total = self.total_bytes.saturating_add(growth);
        if desired > self.limits.memory_bytes {
            self.refused = Some(Refused::Memory { wanted: desired, limit: self.limits.memory_bytes });
        } else if total > self.limits.total_memory_bytes {
            self.refused = Some(Refused::TotalMemory { wanted: total, limit: self.limits.total_memory_bytes });
        } else {
            self.total_bytes = total;
            self.last_growth = growth;
            return Ok(true);
        }
        Ok(false)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // Allowed here and then not to be had from the system: it does not count.
        self.total_bytes -= std::mem::take(&mut self.last_growth);
        tracing::warn!(%error, "the system gave a plugin no memory");
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= self.limits.table_elements;
        if !fits {
            self.refused = Some(Refused::Table { wanted: desired, limit: self.limits.table_elements });
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.tables
    }

    fn memories(&self) -> usize {
        self.limits.memories
    }
}
