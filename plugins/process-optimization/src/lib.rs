//! Climbs a plant's objective from noisy measurements.
//!
//! - [`climb`]: observations, setpoints, when to propose
//! - [`surface`]: the method that needs the objective only
//! - [`reaction`]: the method for a stirred tank with known reactions and unknown rates, with [`network`], [`tank`],
//!   [`estimator`], [`prices`], [`limits`], and [`plan`] and
//!   [`guide`] over [`quadratic`]
//! - [`bytes`]: state, saved and restored
//! - [`plugin`]: what the host sees
//!
//! Only [`plugin`] knows the host; the rest is arithmetic on plain numbers.

pub mod climb;

pub mod surface;

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
