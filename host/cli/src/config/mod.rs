//! The configuration file: text in, checked types out, or every mistake in it with its place.
//!
//! - [`error`]: a mistake: where it is, what is wrong, what to do
//! - [`types`]: what is left when nothing is wrong
//! - `document`: TOML with the place of every key and value
//! - [`amounts`]: durations and their units
//! - `resolve`: from the document to the types, without looking into a component
//! - [`mod@bind`]: a plugin's part against what the plugin says of itself
//! - [`settle`]: results of plugins that are tags, once the plugins are open
//!
//! A bad configuration is refused whole: there is no partial [`Config`].

pub mod error;

pub mod types;

pub(crate) mod document;
pub(crate) use document::did_you_mean;

pub mod amounts;

mod resolve;
pub(crate) use resolve::HOST_PREFIX;

pub mod bind;

pub mod settle;

#[cfg(test)]
mod tests;

pub use bind::{BoundModel, BoundOutput, BoundPlugin, bind};
pub use error::{ConfigError, ConfigErrors, ConfigText, Span};
pub use types::*;

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where things are that a configuration names and does not bring along.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Where plugins were installed: `NAME.wasm`.
    pub plugins: Vec<PathBuf>,
    /// Folders that a relative model path is looked up in, after the file's own.
    pub models: Vec<PathBuf>,
}

/// Largest configuration that is read: a thousand times a large site's.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Reads, parses and resolves a file. Components are looked for and not opened.
pub fn load(path: &Path, places: &Places) -> Result<Config, ConfigErrors> {
    parse(path, read(path)?, places)
}

/// Its `[site]` alone: who asks a running controller need not have the rest of its file in order.
pub fn load_site(path: &Path) -> Result<Site, ConfigErrors> {
    resolve::resolve_site(Arc::new(ConfigText::new(path, read(path)?)))
}

fn read(path: &Path) -> Result<String, ConfigErrors> {
    let unreadable = |why: String| {
        let text = Arc::new(ConfigText::new(path, String::new()));
        let help = "name a readable TOML file with `-c FILE.toml`";
        ConfigErrors::one(text, 0..0, format!("the configuration can't be read: {why}"), "", help)
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_FILE_BYTES {
        return Err(unreadable(format!("it has {size} bytes, {MAX_FILE_BYTES} are the limit")));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}

/// The same from a text that stands for the file at `path`; relative paths in it count from there.
pub fn parse(path: &Path, text: String, places: &Places) -> Result<Config, ConfigErrors> {
    resolve::resolve(Arc::new(ConfigText::new(path, text)), places)
}
