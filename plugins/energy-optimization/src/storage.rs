//! A battery behind one meter: what to buy, store and shift, hour by hour, from what has been measured and a tariff.
//!
//! The plan is two levels of charge and no power: the inverter stores surplus, buys up to one level and serves the
//! site
//! down to the other, so that it follows a load which nobody knew when the levels were chosen.
//!
//! - [`site`]: the battery, what costs, and what an inverter does with its orders
//! - [`history`]: what was measured, gaps filled
//! - [`scenarios`]: the days that the next one may be like
//! - [`value`]: what charge is worth, by dynamic programming
//! - [`peak`]: an import that can be kept to, for demand charges
//! - [`shift`]: when a load that can wait should run
//! - [`planner`]: all of it, one call a step

pub mod site;

pub mod history;

pub mod scenarios;

pub mod value;

pub mod peak;

pub mod shift;

pub mod planner;
