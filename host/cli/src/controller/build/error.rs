//! Why a controller does not start.

use crate::config::ConfigErrors;
use crate::control::server::ControlError;

/// Why a controller does not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The configuration.
    #[error("{0}")]
    Config(ConfigErrors),
    /// The engine itself.
    #[error("the plugin engine can't be started: {0}")]
    Engine(#[from] dinrail_engine::EngineError),
    /// The run ended without its figures.
    #[error(transparent)]
    NoReport(#[from] crate::controller::recorder::NoReport),
    /// Another controller of this site.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// What outlasts the controller.
    #[error(transparent)]
    Store(#[from] crate::controller::audit::StoreError),
    /// The bundles.
    #[error("the store's bundles: {error}")]
    Bundles {
        /// Why.
        #[source]
        error: dinrail_store::installed::InstalledError,
    },
    /// What was committed can't be had.
    #[error(
        "the committed version of the plugin `{plugin}` can't be had: {why}; `--as-configured` runs what the configuration names"
    )]
    Version {
        /// The plugin.
        plugin: String,
        /// Why.
        why: String,
    },
    /// Threads.
    #[error("a thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
    /// A link.
    #[error("the source `{source_name}`: {error}")]
    Link {
        /// Its name.
        source_name: String,
        /// Why.
        #[source]
        error: dinrail_field::link::LinkError,
    },
    /// A sink's file.
    #[error("the sink `{sink}`: {error}")]
    Sink {
        /// Its name.
        sink: String,
        /// Why.
        #[source]
        error: dinrail_field::sink::jsonl::JsonlError,
    },
}

impl From<ConfigErrors> for BuildError {
    fn from(errors: ConfigErrors) -> BuildError {
        BuildError::Config(errors)
    }
}
