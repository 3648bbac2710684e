//! Forecasts demand and proposes orders.
//!
//! - [`forecast`]: the values of the next periods, with quantiles
//! - [`stock`]: when to order how much
//! - [`plugin`]: what the host sees, one file a task
//!
//! Only [`plugin`] knows the host; the rest is arithmetic on plain numbers.

pub mod forecast;

pub mod stock;

pub mod plugin;

dinrail_sdk::export!(plugin::SupplyPlanner: SupplyChain);
