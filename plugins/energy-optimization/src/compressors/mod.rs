//! Sequences compressors on one receiver: which runs, which is loaded, how fast the variable one turns.
//!
//! - [`plate`]: what a site knows of its machines, and how it is written
//! - [`model`]: what is learnt of them: powers, flows, the pressure behind the noise
//! - [`demand`]: how much air will be drawn, from the site's own past
//! - [`steps`]: how far demand has risen before anybody could answer
//! - [`plan`]: dynamic programming over the next two hours
//! - [`sequencer`]: observations in, wishes out

pub mod plate;

pub mod model;

pub mod demand;

pub mod steps;

pub mod plan;

pub mod sequencer;
