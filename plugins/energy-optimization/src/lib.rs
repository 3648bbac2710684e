<<<<<<< HEAD
<<<<<<< HEAD
//! Plans what a site buys, stores and shifts.
//!
//! - [`storage`]: a battery behind one meter, under a tariff and with generation of its own
//! - [`plugin`]: what the host sees, one file a task
//!
//! Only [`plugin`] knows the host; the rest is arithmetic on plain numbers.

pub mod storage;

pub mod plugin;

dinrail_sdk::export!(plugin::EnergyOptimizer: EnergyOptimization);
=======
//! Energy of a site: what it will draw, and how a battery keeps its peaks down.
//!
//! - [`forecast`]: the load of the next quarter hours
//! - [`peak`]: a battery's cap under a demand charge

pub mod forecast;

pub mod peak;
>>>>>>> e-steel
=======
//! Plans what a site buys, stores and shifts.

pub mod compressors;
>>>>>>> e-compressors
