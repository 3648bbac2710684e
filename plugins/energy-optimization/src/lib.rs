//! Energy of a site: what it will draw, and how a battery keeps its peaks down.
//!
//! - [`forecast`]: the load of the next quarter hours
//! - [`peak`]: a battery's cap under a demand charge

pub mod forecast;

pub mod peak;
