//! The guard: the only code that makes a command.
//!
//! - [`mode`]: who may write an output

pub mod mode;

pub use mode::Mode;
