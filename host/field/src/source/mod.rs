//! Sources: what the field says, as readings that nobody has judged yet.
//!
//! - [`csv`]: tables, a row each record
//! - [`picture`]: picture files, decoded within bounds
//! - [`images`]: folders of pictures
//! - [`mqtt`]: topics, whose payloads are decoded here and received by the [link](crate::link)

pub mod csv;
pub mod images;
pub mod mqtt;
pub mod picture;
