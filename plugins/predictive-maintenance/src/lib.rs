//! Tells a machine's health, its failure mode and its remaining life.
//!
//! - [`fleet`]: life in cycles from a row of sensors a cycle, by what was learnt from a fleet run to failure
//! - [`bearing`]: a rolling bearing by its vibration waveform
//! - [`plugin`]: frames in, results out
//!
//! Only [`plugin`] knows the host; the rest is arithmetic on plain numbers.

pub mod fleet;

pub mod bearing;

pub mod plugin;

dinrail_sdk::export!(plugin::Plugin: PredictiveMaintenance);
