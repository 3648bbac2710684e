//! A battery against a demand charge: which import to defend for the rest of the billing period.
//!
//! - [`battery`]: what a battery does within a quarter hour when it is given a cap
//! - [`scenario`]: courses that the load may take until the period's end, from its own past
//! - [`policy`]: the cap whose expected peak is least, chosen anew each quarter hour
//! - [`plan`]: the next day as it will be if the forecast comes true

pub mod battery;

pub mod scenario;

pub mod policy;

pub mod plan;
