//! The engine's settings and the limits of an instance, each with its reason.

use std::time::Duration;
use wasmtime::{Config, OptLevel, Strategy, WasmFeatures};

/// How often the epoch rises. An endless loop ends within its deadline and two of these; a finer
/// tick would only wake the machine more often.
pub const EPOCH_TICK: Duration = Duration::from_millis(1);

/// Stack of a guest. A quarter of the smallest stack that a thread running guests may have, so that
/// a recursion ends in a trap and never in the host's guard page.
pub const MAX_WASM_STACK: usize = 256 * 1024;

/// Stack of a plugin thread: guest, host functions and inference.
pub const WORKER_STACK: usize = 4 * 1024 * 1024;

/// Largest component that is compiled. The largest real one, Python with its interpreter, has 18 MiB.
pub const MAX_COMPONENT_BYTES: usize = 64 * 1024 * 1024;

/// Address space behind a memory: all that 32 bits reach, so that the unmapped part is the bounds
/// check. With a reservation of 4 MiB every access is checked, and a z-score over 64 tags takes 20 %
/// longer. Address space is no memory, and ten thousand instances take a third of a 47-bit one.
pub const MEMORY_RESERVATION: u64 = 4 * 1024 * 1024 * 1024;

/// Address space kept to grow into where a memory starts larger than its reservation.
pub const MEMORY_RESERVATION_FOR_GROWTH: u64 = 4 * 1024 * 1024;

/// Unmapped pages behind a memory: bounds checks of small offsets fold into it.
pub const MEMORY_GUARD: u64 = 64 * 1024;

/// Settings of the one engine of a process.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// How often the epoch rises.
    pub tick: Duration,
    /// Whether guests are compiled with epoch checks. Off only in a benchmark that asks what they cost:
    /// nothing then stops an endless loop.
    pub epochs: bool,
    /// Whether a NaN that a guest computes has one bit pattern. Replay needs it; off only in a
    /// benchmark that asks what it costs.
    pub canonical_nan: bool,
    /// Address space behind each memory, in bytes.
    pub memory_reservation: u64,
}

impl Default for EngineSettings {
    fn default() -> EngineSettings {
        EngineSettings { tick: EPOCH_TICK, epochs: true, canonical_nan: true, memory_reservation: MEMORY_RESERVATION }
    }
}

impl EngineSettings {
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new();
        config.strategy(Strategy::Cranelift).cranelift_opt_level(OptLevel::Speed);
        // Three times cheaper calls, and no component-async surface.
        config.concurrency_support(false);
        config.epoch_interruption(self.epochs);
        config.consume_fuel(false);
        config.max_wasm_stack(MAX_WASM_STACK);
        config.memory_reservation(self.memory_reservation);
        config.memory_reservation_for_growth(MEMORY_RESERVATION_FOR_GROWTH);
        config.memory_guard_size(MEMORY_GUARD);
        config.cranelift_nan_canonicalization(self.canonical_nan);
        // What no plugin needs is surface; what is not deterministic breaks replay.
        config
            .wasm_gc(false)
            .gc_support(false)
            .wasm_function_references(false)
            .wasm_exceptions(false)
            .wasm_features(WasmFeatures::THREADS, false)
            .shared_memory(false)
            .wasm_memory64(false)
            .wasm_relaxed_simd(false)
            .wasm_stack_switching(false)
            .wasm_tail_call(false)
            .wasm_simd(true);
        config
    }
}

/// The kind of language a plugin is written in, for its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Rust, C and the like.
    #[default]
    Compiled,
    /// A language that brings its interpreter: JavaScript, Python.
    Interpreted,
}

impl Profile {
    /// As the configuration calls it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Profile> {
        [Profile::Compiled, Profile::Interpreted].into_iter().find(|profile| profile.name() == name)
    }

    /// As the configuration calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Compiled => "compiled",
            Profile::Interpreted => "interpreted",
        }
    }
}

/// Whether the scan waits for a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Every scan waits for it: its memory is small enough for one bulk operation over all of it to
    /// end within a few milliseconds (7 ms were seen at 4 MiB).
    #[default]
    Cyclic,
    /// It has many scans for its answer.
    Background,
}

/// What an instance may use. Everything is a hard limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one memory.
    pub memory_bytes: usize,
    /// Bytes of all memories together.
    pub total_memory_bytes: usize,
    /// Memories.
    pub memories: usize,
    /// Tables.
    pub tables: usize,
    /// Elements of one table.
    pub table_elements: usize,
    /// Core instances.
    pub instances: usize,
    /// Bytes that one call may hand to the host, in either direction of the call: arguments of an
    /// import, results of an export. It bounds the saved state too.
    pub hostcall_bytes: usize,
    /// Handles to host resources that a guest may hold.
    pub component_handles: usize,
    /// Bytes of the tensors and pictures that a guest may hold in the host.
    pub resource_bytes: usize,
    /// How long instantiating, `describe`, `configure`, `save` and `restore` may take, wall time.
    pub lifecycle: Duration,
}

const MIB: usize = 1024 * 1024;

impl Limits {
    /// The limits of a profile.
    #[must_use]
    pub fn new(profile: Profile, pace: Pace) -> Limits {
        let memory_bytes = match (profile, pace) {
            (Profile::Compiled, Pace::Cyclic) => 4 * MIB,
            // An interpreter and its heap do not fit into less, whatever its pace.
            (Profile::Compiled, Pace::Background) | (Profile::Interpreted, Pace::Cyclic) => 32 * MIB,
            (Profile::Interpreted, Pace::Background) => 64 * MIB,
        };
        let interpreted = profile == Profile::Interpreted;
        Limits {
            memory_bytes,
            // A second memory is an adapter's and small.
            total_memory_bytes: memory_bytes + MIB,
            memories: if interpreted { 4 } else { 2 },
            tables: if interpreted { 64 } else { 16 },
            table_elements: if interpreted { 100_000 } else { 10_000 },
            // Python has 38.
            instances: if interpreted { 64 } else { 16 },
            hostcall_bytes: MIB,
            component_handles: 1_024,
            // Two of the largest tensors: one in, one out.
            resource_bytes: 32 * MIB,
            lifecycle: Duration::from_secs(if interpreted { 10 } else { 2 }),
        }
    }
}

impl Default for Limits {
    /// The tightest: compiled and cyclic.
    fn default() -> Limits {
        Limits::new(Profile::Compiled, Pace::Cyclic)
    }
}
