//! Control charts: is a process still the one that its limits were taken from?
//!
//! - [`rules`]: the runs rules of Western Electric and of Nelson
//! - [`shewhart`], [`cusum`], [`ewma`]: charts of one quantity, on standardised values
//! - [`subgroup`]: rational subgroups, their ranges and deviations
//! - [`phase`]: limits from a stretch of in-control data (phase I)
//! - [`variable`]: the charts of one tag, from phase I into phase II
//! - [`multivariate`]: Hotelling's T² and Q of many tags together
//! - [`capability`]: Cp, Cpk, Pp, Ppk with their intervals
//!
//! General source: D. C. Montgomery, *Introduction to Statistical Quality Control*.

pub mod rules;

pub mod shewhart;

pub mod cusum;

pub mod ewma;

pub mod subgroup;

pub mod phase;

pub mod variable;

pub mod multivariate;

pub mod capability;

use serde::{Deserialize, Serialize};

/// What an in-control process is: where it stands, and how far single values scatter within a subgroup.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Mean, in the tag's unit.
    pub centre: f64,
    /// Standard deviation of a single value, in the tag's unit; above zero.
    pub sigma: f64,
}

impl Baseline {
    /// None where a number is not finite or the deviation is not above zero.
    #[must_use]
    pub fn new(centre: f64, sigma: f64) -> Option<Baseline> {
        (centre.is_finite() && sigma.is_finite() && sigma > 0.0).then_some(Baseline { centre, sigma })
    }
}

/// A point on a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// What is plotted.
    pub statistic: f64,
    /// Its lower limit.
    pub lower: f64,
    /// Its upper limit.
    pub upper: f64,
    /// The chart and, where one fired, the rule.
    pub said: Said,
}

/// Which chart a point stands on, and whether it signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The chart.
    pub chart: Chart,
    /// The rule that fired.
    pub rule: Option<&'static str>,
}

/// The charts of a single tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Chart {
    /// Of single values or of subgroup means.
    Shewhart,
    /// Of what happens within subgroups: range or deviation; of moving ranges where there are single values.
    Spread,
    /// Cumulative sums, two-sided.
    Cusum,
    /// Exponentially weighted moving average.
    Ewma,
}

impl Chart {
    /// As parameters and results call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Chart::Shewhart => "shewhart",
            Chart::Spread => "spread",
            Chart::Cusum => "cusum",
            Chart::Ewma => "ewma",
        }
    }

    /// By that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Chart> {
        [Chart::Shewhart, Chart::Spread, Chart::Cusum, Chart::Ewma].into_iter().find(|chart| chart.name() == name)
    }
}
