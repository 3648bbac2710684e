//! Quality control: charts of what should stay as it is, faults of a whole process, verdicts on what a machine makes.
//!
//! - [`charts`]: Shewhart, CUSUM, EWMA, T² and Q, capability
//! - [`process`]: what goes wrong in many tags that move together
//! - [`mod@line`]: parts on a line, measured and seen
//! - [`tabular`]: what a machine's settings say of the part that it makes
//! - [`plugin`]: frames in, results out
//!
//! Only [`plugin`] knows the host; the rest is arithmetic on plain numbers.

pub mod charts;

pub mod process;

pub mod line;

pub mod tabular;

pub mod plugin;

dinrail_sdk::export!(plugin::Plugin: QualityControl);
