//! Plans what a site buys, stores and shifts.

pub mod compressors;
