//! Finds anomalies in any number of signals.
//!
//! - [`waveform`]: a vibration block as three numbers
//! - [`chart`]: one channel against its own past
//! - [`factor`]: each channel against what the others predict
//! - [`novelty`]: what the model cannot redraw
//! - [`stuck`]: sensors that repeat themselves
//! - [`calibration`]: the first rows, and what is learnt from them
//! - [`episode`]: when an alarm begins and ends
//! - [`detector`]: one row after another
//!
//! All of it is arithmetic on plain numbers; only this file knows the host.

pub mod waveform;

pub mod chart;

pub mod factor;

pub mod novelty;

pub mod stuck;

pub mod calibration;

pub mod episode;

pub mod detector;

#[cfg(test)]
mod noise;

/// Whether a unit is that of a vibration: velocity or acceleration as vibration sensors give it (UCUM).
#[must_use]
pub fn is_vibration(unit: &str) -> bool {
    ["mm/s", "m/s2", "mm/s2", "[g]"].contains(&unit)
}
