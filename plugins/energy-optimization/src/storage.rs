//! A battery behind one meter: what to buy, store and shift, hour by hour, from what has been measured and a tariff.
//!
//! The plan is two levels of charge and no power: the inverter stores surplus, buys up to one level and serves the
//! site
//! down to the other, so that it follows a load which nobody knew when the levels were chosen.
//!
//! - [`site`]: the battery, what costs, and what an inverter does with its orders
//! - [`history`]: what was measured, gaps filled
//! - [`scenarios`]: the days that the next one may be like
//! - [`peaks`]: the peaks of a billing period that are told apart
//! - [`value`]: what charge is worth at each of them, by dynamic programming
//! - [`decide`]: which import may be reached, and the levels of charge that go with it
//! - [`peak`]: an import that could have been kept to
//! - [`demand`]: what the rest of a billing period is expected to cost
//! - [`shift`]: when a load that can wait should run
//! - [`planner`]: all of it, one call a step

pub mod site;

pub mod history;

pub mod scenarios;

pub mod peaks;

pub mod value;

pub mod decide;

pub mod peak;

pub mod demand;

pub mod shift;

pub mod planner;
