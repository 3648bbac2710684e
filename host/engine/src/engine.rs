//! The one engine of a process.

use crate::component::{LoadError, PluginComponent};
use crate::host::HostState;
use crate::settings::EngineSettings;
use crate::ticker::Ticker;
use crate::wire::dinrail::plugin::{assets, log, metrics};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{HasSelf, Linker};

/// wasmtime's own error, which is no [`std::error::Error`]; shown with all its causes.
#[derive(Debug)]
pub struct EngineFailure(pub(crate) wasmtime::Error);

impl std::fmt::Display for EngineFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for EngineFailure {}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refuses its settings on this machine.
    #[error("the plugin engine can't start: {0}")]
    Settings(#[source] EngineFailure),
    /// No thread for the epochs.
    #[error("the plugin engine can't start its epoch thread: {0}")]
    Ticker(#[source] std::io::Error),
}

/// Compiles components and stops those that run too long. Cloning shares it; its epoch thread ends
/// with the last engine, component or instance.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) wasm: wasmtime::Engine,
    pub(crate) linker: Linker<HostState>,
    ticker: Option<Ticker>,
}

impl Inner {
    /// Epochs after which a call of this length is stopped.
    pub(crate) fn ticks(&self, deadline: Duration) -> u64 {
        self.ticker.as_ref().map_or(0, |ticker| ticker.ticks(deadline))
    }

    pub(crate) fn has_epochs(&self) -> bool {
        self.ticker.is_some()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts the engine and its epoch thread. A process has one.
    pub fn new(settings: EngineSettings) -> Result<Engine, EngineError> {
        let start = || -> wasmtime::Result<(wasmtime::Engine, Linker<HostState>)> {
            let wasm = wasmtime::Engine::new(&settings.config())?;
            let mut linker = Linker::new(&wasm);
            crate::inference::link(&mut linker)?;
            assets::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
            log::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
            metrics::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
            // A component that uses the types imports an instance of their interface, without functions.
            linker.instance("dinrail:plugin/types@0.1.0")?;
            Ok((wasm, linker))
        };
        let (wasm, linker) = start().map_err(|error| EngineError::Settings(EngineFailure(error)))?;
        let ticker = if settings.epochs {
            Some(Ticker::start(&wasm, settings.tick).map_err(EngineError::Ticker)?)
        } else {
            None
        };
        Ok(Engine { inner: Arc::new(Inner { wasm, linker, ticker }) })
    }

    /// Compiles a component, and refuses what is no plugin: without a world of dinrail's, or with an
    /// import that dinrail does not have. Takes from 0.1 s to 10 s.
    pub fn compile(&self, wasm: &[u8]) -> Result<PluginComponent, LoadError> {
        PluginComponent::compile(&self.inner, wasm)
    }
}
