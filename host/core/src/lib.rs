//! dinrail's core: what a tag, a sample, a frame, a result and a verdict are, and the guard.
//!
//! Reads no clock, no file, no network and no environment: time is an argument. Data goes one way,
//! and the modules stand in its order:
//!
//! - [`time`]: nanoseconds of source time and run time
//! - [`mod@unit`]: UCUM units and conversions between them
//! - [`tag`]: what is known of a tag; how a raw value gets its quality
//! - [`reading`]: what a source hands in
//! - [`image`]: the process image, the last value of every tag
//! - [`description`]: what a plugin says of itself, and what it is told
//! - [`frame`]: the frozen rows that one plugin instance gets
//! - [`item`]: items that pass a camera or a gauge
//! - [`outlook`]: what is known of the time ahead
//! - [`inference`]: tensors and the seam to the model runtime
//! - [`outcome`]: what came of a call; how a guest's answer is checked
//! - [`derived`]: results of one plugin as tags for others
//! - [`guard`]: from proposals to verdicts and commands
//! - [`swap`]: when a new version may take over, and when it must give back
//! - [`alarm`]: what an operator has to know and to answer
//! - [`record`]: everything that happened in one scan
//! - [`flight`]: the last minutes of an instance's calls, and why an incident is written

pub mod alarm;
pub mod derived;
pub mod description;
pub mod flight;
pub mod frame;
pub mod guard;
pub mod image;
pub mod inference;
pub mod item;
pub mod outcome;
pub mod outlook;
pub mod reading;
pub mod record;
pub mod swap;
pub mod tag;
pub mod time;
pub mod unit;
