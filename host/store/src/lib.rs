//! Files that dinrail reads and keeps, each behind a directory capability.
//!
//! - [`folder`]: the folder of what outlasts a controller
//! - [`audit`]: what operators did, in a chain
//! - [`assets`]: tables of numbers that a plugin may read
//! - [`bundle`]: what an OEM ships, one signed file
//! - `digest`: digests as they are written
//! - [`installed`]: the controller's own bundles, and which of them run
//! - [`incident`]: what the flight recorder had in memory when something happened, in a file

pub mod assets;
pub mod audit;
pub mod bundle;
mod digest;
pub mod folder;
pub mod incident;
pub mod installed;
