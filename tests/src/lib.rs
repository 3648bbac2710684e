//! What the tests share: where the built things are, what is missing on this machine, which guests there are, and models
//! that mean harm.

pub mod advice;
pub mod controller;
pub mod environment;
pub mod hostile_models;
pub mod instance;
pub mod running;
pub mod swapping;

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
