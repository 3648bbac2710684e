//! What a plugin may ask of the host, where the configuration grants it.

use crate::Fault;
use crate::bindings::lifecycle::dinrail::plugin::assets::{self, Table};

/// ONNX models, tensors and pictures that live in the host. An [`inference::Error`] becomes a [`Fault`] by `?`.
pub use crate::bindings::lifecycle::dinrail::plugin::inference;

/// Lines for the operator's log. Past the host's budget they are dropped and counted.
pub mod log {
    pub use crate::bindings::lifecycle::dinrail::plugin::log::Level;

    /// Only for the author.
    pub fn debug(message: &str) {
        write(Level::Debug, message);
    }

    /// Worth knowing.
    pub fn info(message: &str) {
        write(Level::Info, message);
    }

    /// Something went wrong, and the plugin went on.
    pub fn warn(message: &str) {
        write(Level::Warn, message);
    }

    /// Somebody must act.
    pub fn error(message: &str) {
        write(Level::Error, message);
    }

    /// At a level that is computed.
    pub fn write(level: Level, message: &str) {
        #[cfg(target_arch = "wasm32")]
        crate::bindings::lifecycle::dinrail::plugin::log::write(level, message);
        #[cfg(not(target_arch = "wasm32"))]
        eprintln!("{level:?}: {message}");
    }
}

/// Numbers for the operator's metrics. Past the host's budget of names they are dropped and counted.
pub mod metrics {
    /// Sets a gauge.
    pub fn gauge(name: &str, value: f64) {
        #[cfg(target_arch = "wasm32")]
        crate::bindings::lifecycle::dinrail::plugin::metrics::gauge(name, value);
        #[cfg(not(target_arch = "wasm32"))]
        let _ = (name, value);
    }

    /// Adds to a counter.
    pub fn count(name: &str, add: u64) {
        #[cfg(target_arch = "wasm32")]
        crate::bindings::lifecycle::dinrail::plugin::metrics::count(name, add);
        #[cfg(not(target_arch = "wasm32"))]
        let _ = (name, add);
    }
}

/// A table that came with the plugin, by its file's name without `.csv`.
///
/// # Errors
/// [`Fault::Configuration`] where there is none, or it cannot be read.
pub fn load_table(name: &str) -> Result<Table, Fault> {
    Ok(assets::load(name)?)
}

impl From<inference::Error> for Fault {
    fn from(error: inference::Error) -> Self {
        Fault::Model(match error {
            inference::Error::UnknownModel(name) => format!("no model is bound to `{name}`"),
            inference::Error::Shape(what) => format!("shape: {what}"),
            inference::Error::Deadline => "the call's deadline passed".into(),
            inference::Error::NotFinite(what) => format!("not finite: {what}"),
            inference::Error::Failed(what) => what,
        })
    }
}

impl From<assets::Error> for Fault {
    fn from(error: assets::Error) -> Self {
        Fault::Configuration(match error {
            assets::Error::Unknown(name) => format!("there is no table `{name}`"),
            assets::Error::Malformed(what) => format!("table: {what}"),
            assets::Error::TooLarge(what) => format!("table too large: {what}"),
        })
    }
}
