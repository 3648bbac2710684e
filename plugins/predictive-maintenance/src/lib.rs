//! Remaining life of machines.
//!
//! - [`bearing`]: a rolling bearing by its vibration waveform

pub mod bearing;
