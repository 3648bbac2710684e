//! Runs plugin components: one wasmtime engine a process, one store an instance, every limit on.
//!
//! - [`settings`]: the engine's settings and an instance's limits, each with its reason
//! - `ticker`: the epochs by which an endless loop ends
//! - [`engine`]: compiles components
//! - [`component`]: a component's world, its imports, and why it is refused
//! - [`grants`]: what an instance is given by name, and what it wrote for the operator
//! - `limiter`, `host`, `inference`: the host's side of an instance
//! - `wire`, `convert`: the types of `wit/`, and those of the core
//! - [`instance`]: the calls
//! - [`workers`]: the threads they run on

pub mod component;
pub mod engine;
pub mod grants;
pub mod instance;
pub mod settings;
pub mod workers;

mod convert;
mod host;
mod inference;
mod limiter;
mod ticker;
mod wire;

pub use component::{LoadError, PluginComponent};
pub use engine::{Engine, EngineError, EngineFailure};
pub use grants::{AssetError, AssetTable, Assets, Grants, LogLevel, LogLine, Metric, NoteBudget, Notes};
pub use instance::{Call, DescribeError, Instance};
pub use settings::{EngineSettings, Limits, Pace, Profile};
pub use workers::{Aside, AsideCame, AsideDone, AsideWork, Asked, Done, Job, Until, WorkerPool};
