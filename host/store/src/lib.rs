//! Files that dinrail reads and keeps, each behind a directory capability.
//!
//! - [`assets`]: tables of numbers that a plugin may read
//! - [`bundle`]: what an OEM ships, one signed file

pub mod assets;
pub mod bundle;
