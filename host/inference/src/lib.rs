//! Runs ONNX models in tract.
//!
//! Nothing is loaded but the files a configuration names, nothing is fetched, and no model reads another file. In the
//! order in which a model goes through them:
//!
//! - [`manifest`]: `model.toml`, what a model directory says of its model
//! - [`inspect`]: what is checked of an ONNX file before tract sees it
//! - [`operators`]: operators of our own: scikit-learn's trees, linear models and support vectors
//! - [`model`]: a loaded model: its tensors, its slot, its plans
//! - [`mod@reference`]: the vectors that a model must reproduce on this machine
//! - [`catalog`]: from a path to a loaded, checked model
//! - [`planner`]: planning in a process of its own, the first time a model is seen
//! - [`session`]: a model as one plugin instance runs it
//!
//! A foreign model is a program. What stands between it and the host: [`inspect`], before tract sees it; a child process
//! with limits, where a [`planner`] is set; and in the host's own process a panic is caught and turned into an error.
//! Without a planner, time and memory of planning are bounded only by the caps on the file.

pub mod catalog;
#[cfg(test)]
mod fixtures;
pub mod inspect;
pub mod manifest;
pub mod model;
pub mod operators;
mod plan;
pub mod planner;
pub mod reference;
pub mod session;

pub use catalog::{Catalog, LoadError};
pub use model::{OnnxModel, SlotError};
pub use plan::{MAX_PLANS, MAX_WORKING_VALUES};
pub use planner::{Planner, PlannerError};
pub use session::Session;
