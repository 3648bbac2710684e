//! Sources: what the field says, as readings that nobody has judged yet.
//!
//! - [`csv`]: tables, a row each record
//! - [`mqtt`]: topics, whose payloads are decoded here and received by the [link](crate::link)

pub mod csv;
pub mod mqtt;
