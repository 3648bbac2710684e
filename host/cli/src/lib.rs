//! The `dinrail` command: configuration, wiring, the scan loop, and what an operator sees.
//!
//! - [`config`]: the configuration file, parsed and resolved
//! - [`controller`]: the running controller
//! - [`control`]: an operator's words to it
//! - [`audit`]: what operators did, from the store's files
//! - [`statistics`]: figures of a run
//! - [`view`]: what the operator sees while it runs
//! - [`plan_child`]: the process that tries models out
//! - `logging`: what is logged, and where it goes
//! - `tell`: words that nobody may be reading
//! - [`run`]: from a configuration to a finished run
//! - [`faults`]: fault scripts of simulated plants, as they are written
//! - [`sim`]: one simulated plant alone
//! - [`describe`]: what a component or a plant has
//! - [`bundle`]: making, signing and looking at bundles
//! - [`score`]: scenarios and their judges
//! - [`incidents`]: what was recorded when something happened: listed, taken, shown
//! - [`replay`]: an incident's calls once more
//! - [`demo`]: the demonstration, with a broker of its own (feature `demo`)

#[macro_use]
mod tell;

pub mod audit;
pub mod bundle;
pub mod config;
pub mod control;
pub mod controller;
#[cfg(feature = "demo")]
pub mod demo;
pub mod describe;
pub mod faults;
pub mod incidents;
mod logging;
pub mod plan_child;
pub mod replay;
pub mod run;
pub mod score;
pub mod sim;
pub mod statistics;
pub mod view;
