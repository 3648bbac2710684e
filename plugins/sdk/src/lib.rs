//! What a plugin's author depends on: a plugin is one trait implementation and one macro.
//!
//! Each of the six worlds has its trait, named after it: [`AnomalyDetection`], [`PredictiveMaintenance`],
//! [`QualityControl`], [`ProcessOptimization`], [`EnergyOptimization`], [`SupplyChain`]. [`export!`] makes a
//! component of the type that implements one. A plugin has no clock, no randomness, no file and no network: what it
//! answers follows from its parameters, its frames, its state and its models' answers.
//!
//! ```
//! use dinrail_sdk::{
//!     Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters, Severity,
//! };
//!
//! /// Raises an alarm while any of its signals stands above a limit.
//! struct HighLimit {
//!     limit: f64,
//! }
//!
//! impl AnomalyDetection for HighLimit {
//!     fn describe() -> Description {
//!         Description::new("high-limit", "0.1.0", "An alarm above a limit")
//!             .input(Input::group("signals").about("Watched, one alarm for all").unit("A"))
//!             .parameter(Parameter::number("limit", 40.0).about("Alarm above").unit("A").range(0.0, 1000.0))
//!     }
//!
//!     fn configure(_bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
//!         Ok(HighLimit { limit: parameters.number("limit")? })
//!     }
//!
//!     fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
//!         let judge = |row: dinrail_sdk::Row<'_>| {
//!             let highest = row.usable().map(|(_, value)| value).fold(f64::NEG_INFINITY, f64::max);
//!             match highest > self.limit {
//!                 true => Anomaly::alarm(row.index, 1.0, Severity::Warning),
//!                 false => Anomaly::none(row.index),
//!             }
//!         };
//!         Ok(frame.new_rows().map(judge).collect())
//!     }
//! }
//!
//! dinrail_sdk::export!(HighLimit: AnomalyDetection);
//! # fn main() {
//! # let parameters = Parameters::with_defaults(&HighLimit::describe());
//! # let mut plugin = HighLimit::configure(Bindings::group("signals", 2), parameters).unwrap();
//! # let found = plugin.detect(&Frame::of_rows(2, &[1.0, 2.0, 3.0, 41.0])).unwrap();
//! # assert_eq!(found.iter().map(|anomaly| anomaly.alarm).collect::<Vec<_>>(), [false, true]);
//! # }
//! ```
//!
//! The crate is built as `crate-type = ["cdylib", "rlib"]`: the first becomes the component (`cargo xtask plugins`),
//! the second lets the same code be tested natively. Natively [`log`] writes to stderr, metrics go nowhere, and models,
//! pictures and tables do not exist: calling one panics. Keep the logic apart from them, in functions of plain numbers.
//!
//! Modules, in reading order: `worlds` (the traits), `describe` (what a plugin says of itself), `setup` (what it is
//! told), `frame` (what it gets), `results` (what it answers), `host` (what it may ask for), `glue` (the macro).

mod describe;
mod frame;
mod glue;
mod host;
mod results;
mod setup;
mod worlds;

#[doc(hidden)]
#[allow(unsafe_code, missing_docs, unreachable_pub, reason = "generated code; its documentation is in wit/")]
pub mod bindings;

#[doc(hidden)]
pub use glue::{Slot, report_panics};

pub use frame::{Quality, Row};
pub use host::{inference, load_table, log, metrics};
pub use setup::Parameters;
pub use worlds::{
    AnomalyDetection, EnergyOptimization, PredictiveMaintenance, ProcessOptimization, QualityControl, SupplyChain,
};

pub use bindings::anomaly_detection::exports::dinrail::plugin::anomaly::{Anomaly, Contribution, Severity};
pub use bindings::energy_optimization::exports::dinrail::plugin::energy::{EnergyPlan, Expectation, Step};
pub use bindings::lifecycle::dinrail::plugin::assets::{self, Table};
pub use bindings::lifecycle::dinrail::plugin::types::{
    Bindings, Block, Column, Description, Fault, Frame, Input, InputBinding, InputKind, Mode, ModelSlot, Outlook,
    Output, OutputBinding, OutputState, Parameter, ParameterValue, Proposal, ResultField, Series, SeriesBinding,
    SeriesSlot, TensorSpec, Value,
};
pub use bindings::predictive_maintenance::exports::dinrail::plugin::health::{Health, Life};
pub use bindings::quality_control::exports::dinrail::plugin::quality::{
    ChartSignal, Decision, Inspection, Item, Verdict,
};
pub use bindings::supply_chain::exports::dinrail::plugin::supply::{DemandForecast, Order};
