//! Finds anomalies in any number of signals, and tells a sick machine from a lying sensor.
//!
//! - [`waveform`]: a vibration block as three numbers
//! - [`chart`]: one channel against its own past
//! - [`factor`]: each channel against what the others predict
//! - [`novelty`]: what the model cannot redraw
//! - [`stuck`]: sensors that repeat themselves
//! - [`calibration`]: the first rows, and what is learnt from them
//! - [`episode`]: when an alarm begins and ends
//! - [`detector`]: one row after another
//! - [`series`]: one signal alone, against its own past
//! - `states`: a baseline for each operating state
//! - [`plugin`]: frames in, results out
//!
//! All of it is arithmetic on plain numbers; only [`plugin`] knows the host.

pub mod waveform;

pub mod chart;

pub mod factor;

pub mod novelty;

pub mod stuck;

pub mod calibration;

pub mod episode;

pub mod detector;

pub mod series;

mod states;

pub mod plugin;

#[cfg(test)]
mod noise;

dinrail_sdk::export!(plugin::Plugin: AnomalyDetection);
