//! The field: where readings come from and where results go. The only crate that knows CSV and MQTT.
//!
//! In the order in which data goes:
//!
//! - [`source`]: tables and topics become readings
//! - [`link`]: one connection to an MQTT broker, which sources and sinks share
//! - [`message`]: results, values and states become JSON objects, the same for every sink
//! - [`topic`]: on which topic an object goes out
//! - [`sink`]: files and topics
//! - `broker`: an embedded MQTT broker for demo and tests (feature `broker`)
//!
//! It never judges a value, never writes an output by itself, and never stalls a scan: what the scan
//! calls here takes and gives without waiting for a file's disk cache, a peer or a lock held for long.

#[cfg(feature = "broker")]
pub mod broker;
pub mod link;
pub mod message;
pub mod sink;
pub mod source;
pub mod topic;
