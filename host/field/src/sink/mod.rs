//! Sinks: what leaves, encoded once by [`message`](crate::message).
//!
//! - [`jsonl`]: a file, one object a line
//! - [`mqtt`]: topics of a broker

pub mod jsonl;
pub mod mqtt;
