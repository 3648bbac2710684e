//! Sinks: what leaves, encoded once by [`message`](crate::message).
//!
//! - [`jsonl`]: a file, one object a line
//! - [`mqtt`]: topics of a broker
//! - [`table`]: rows of numbers, comma-separated

pub mod jsonl;
pub mod mqtt;
pub mod table;
