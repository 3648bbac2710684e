//! Good configurations, bad ones with the place and words of every complaint, and mutants.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
