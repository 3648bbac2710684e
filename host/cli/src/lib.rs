//! The `dinrail` command: configuration, wiring, the scan loop, and what an operator sees.
//!
//! - [`config`]: the configuration file, parsed and resolved
//! - [`controller`]: the running controller
//! - [`control`]: an operator's words to it
//! - [`statistics`]: figures of a run
//! - [`view`]: what the operator sees while it runs
//! - [`plan_child`]: the process that tries models out
//! - [`run`]: from a configuration to a finished run
//! - [`describe`]: what a component or a plant has
//! - [`score`]: scenarios and their judges
//! - [`demo`]: the demonstration, with a broker of its own (feature `demo`)

pub mod config;
pub mod control;
pub mod controller;
#[cfg(feature = "demo")]
pub mod demo;
pub mod describe;
pub mod plan_child;
pub mod run;
pub mod score;
pub mod statistics;
pub mod view;
