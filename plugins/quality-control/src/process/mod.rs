//! Faults of a whole process: is the way in which its tags move together still the usual one?
//!
//! The last few rows are taken as one vector, so that it holds how tags follow each other (dynamic T²: W. Ku, R. H. Storer,
//! C. Georgakis, "Disturbance detection and isolation by dynamic principal component analysis", Chemometrics 30, 1995), at
//! full rank, since faults hide in the directions of little variance. Its distance goes into moving averages,
//! fast and slow ones, each with a limit that comes from rows which the fit did not see.
//!
//! - [`missing`]: scaling, and values that are not there
//! - [`factor`]: the covariance of lagged rows, factorised
//! - [`limits`]: thresholds by a bootstrap over blocks
//! - [`calibration`]: from normal rows to a model
//! - [`monitor`]: one row after another

pub mod missing;

pub mod factor;

pub mod limits;

pub mod calibration;

pub mod monitor;

pub use calibration::{AVERAGES, CalibrationError, Model};
pub use monitor::{Judgement, Monitor};

/// The most tags of one process.
pub const TAGS_MAX: usize = 64;
/// The most values of a lagged row: its factor is half a square of them (256 KiB, well within what a state may have).
pub const VALUES_MAX: usize = 256;
/// The most cells of the rows that are learnt from: 480 KB, which a plugin's memory holds beside the fit and a saved state
/// beside nothing.
pub const CELLS_MAX: usize = 60_000;
