//! Files that dinrail reads and keeps, each behind a directory capability.
//!
//! - [`assets`]: tables of numbers that a plugin may read
//! - [`incident`]: what the flight recorder had in memory when something happened, in a file

pub mod assets;
pub mod incident;
