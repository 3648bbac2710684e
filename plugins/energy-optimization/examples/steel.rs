//! Forecasts of a steel plant's load, and what a battery with them takes off its peaks.
fn main() {}
