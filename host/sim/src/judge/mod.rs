//! What a controller or a plugin achieved, measured against the truth.
//!
//! All judges are pure: slices in, figures out, no clock and no file. Each figure names its formula's source. What
//! cannot be judged (lengths that differ, nothing at all, NaN) is an [`InputError`]; a ratio without a denominator is
//! `None`, never a made-up zero. Counts add up: judge each file alone, then [`PointCounts::add`] and its like pool
//! them.
//!
//! | Question | Judge |
//! |---|---|
//! | Did the plugins see the scripted faults of a live run, and how soon? | [`Detections`] |
//! | How near to the optimum did a live run end? | [`ProfitRatio`] |
//! | Row by row, is the alarm right? (F1, false alarm rate, missed alarm rate: SKAB) | [`PointCounts`] |
//! | Was each event found, how late, and how many false episodes a day are there? | [`Events`] |
//! | Are anomalies found early, with the false ones charged? (the NAB score) | [`nab`] |
//! | How long does an unharmed process run until a false alarm? | [`run_length`] |
//! | How far off is a number, a remaining life? (RMSE, MAE, bias, PHM'08) | [`regression`] |
//! | Do the intervals hold what they promise, and are they narrow? | [`regression::Coverage`], [`regression::interval_score`] |
//! | May this share of hits be chance? | [`regression::binomial_two_sided`] |
//! | Are the classes right, the rare ones too? | [`classification`] |
//! | What did a plan cost beside the optimum and beside doing nothing? | [`cost`] |
//! | What is the least that a site with a battery could have paid? | [`storage`] |
//! | What is the least that a stock item could cost? | [`inventory`] |
//! | Does a forecast beat the seasonal naive one? (sMAPE, MASE, OWA: M4) | [`forecast`] |
//! | Do a forecast's quantiles mean what they say? | [`forecast::pinball`], [`forecast::calibration`] |
//! | Did a line's gate do with each part what the verdicts on it say, and were they right? | [`mod@line`] |
//! | Does a health index only fall? | [`ranks`] |
//!
//! Two things to know before comparing with published figures. Point counts and [`nab`] answer different questions: the
//! first rewards an alarm that stands through a whole event, the second the first sign of it. And a plugin's alarm
//! stands over many rows, so [`nab`] is to be given [`nab::rising_edges`], or each row of a false alarm is charged.

mod input;
pub use input::InputError;

mod run;
pub use run::{Detection, Detections, Finding, ProfitRatio};

pub mod detection;
pub use detection::{EventRules, Events, PointCounts};

pub mod nab;

pub mod run_length;

pub mod regression;

pub mod classification;

pub mod cost;

pub mod storage;

pub mod inventory;

pub mod forecast;

pub mod line;

pub mod ranks;
