//! Plans what a site buys, stores and shifts.
//!
//! - [`storage`]: a battery behind one meter, under a tariff and with generation of its own
//! - [`forecast`]: the load of the next quarter hours
//! - [`peak`]: a battery's cap under a demand charge
//! - [`compressors`]: which air compressors run
//! - [`plugin`]: what the host sees, one file a task
//!
//! Only [`plugin`] knows the host; the rest is arithmetic on plain numbers.

pub mod storage;

pub mod forecast;

pub mod peak;

pub mod compressors;

pub mod plugin;

dinrail_sdk::export!(plugin::EnergyOptimizer: EnergyOptimization);
