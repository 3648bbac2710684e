//! What is known ahead and not sensed: tariffs, schedules, forecasts of weather. Never a future
//! measurement.

use crate::time::{DurationNs, TimeNs};

/// Everything an instance is told of the time ahead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// In the order of the configuration.
    pub series: Vec<Series>,
}

/// One equally spaced series, in the version that was known when the frame was frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The configuration's name for it.
    pub name: String,
    /// UCUM.
    pub unit: String,
    /// Start of the first value.
    pub start_ns: TimeNs,
    /// From one value to the next.
    pub step_ns: DurationNs,
    /// The values.
    pub values: Vec<f64>,
    /// When this version became known.
    pub known_at_ns: TimeNs,
}
