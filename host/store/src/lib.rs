//! Files that dinrail reads and keeps, each behind a directory capability.
//!
//! - [`assets`]: tables of numbers that a plugin may read

pub mod assets;
