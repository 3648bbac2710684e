//! What the tests share: where the built things are, what is missing on this machine, and which guests there are.

pub mod controller;
pub mod environment;

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
