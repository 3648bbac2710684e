//! Remaining life of one machine of a fleet, from a row of settings and sensors a cycle.
//!
//! - [`tables`]: what was learnt from the fleet beside the model, checked
//! - [`regime`]: which operating regime a row was taken in
//! - [`beat`]: how many cycles lie between two rows
//! - [`history`]: every cycle so far, in bounded memory
//! - [`tracker`]: one machine's cycles as features
//! - [`life`]: a prediction as life, interval and health
//! - [`machine`]: all of it, one row after another
//!
//! Nothing here knows what the machine is: names, numbers and recipe come from the tables.

pub mod tables;

pub mod regime;

pub mod beat;

pub mod history;

pub mod tracker;

pub mod life;

pub mod machine;
