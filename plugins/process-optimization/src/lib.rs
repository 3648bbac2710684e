//! Climbs a plant's objective from noisy measurements.
//!
//! - [`climb`]: observations, setpoints, when to propose
//! - [`surface`]: the method that needs the objective only
//! - [`seek`]: another that needs the objective only, for an optimum that wanders
//! - [`share`]: the method that shares a demand among units, each with its [`curve`]
//! - [`reaction`]: the method for a stirred tank with known reactions and unknown rates, with [`network`], [`tank`],
//!   [`estimator`], [`prices`], [`limits`], and [`plan`] and
//!   [`guide`] over [`quadratic`]
//! - [`bytes`]: state, saved and restored
//! - [`plugin`]: what the host sees
//!
//! Only [`plugin`] knows the host; the rest is arithmetic on plain numbers.

pub mod climb;

pub mod surface;

pub mod seek;

pub mod share;

pub mod curve;

pub mod reaction;

pub mod network;

pub mod tank;

pub mod estimator;

pub mod prices;

pub mod limits;

pub mod plan;

pub mod quadratic;

pub mod guide;

pub mod bytes;

pub mod plugin;

dinrail_sdk::export!(plugin::ProcessOptimizer: ProcessOptimization);
