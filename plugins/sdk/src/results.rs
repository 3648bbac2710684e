//! What a plugin answers, built step by step.

use std::time::Duration;

use crate::describe::nanos;
use crate::{Anomaly, Contribution, DemandForecast, Health, Life, Order, Proposal, Quality, Severity};

impl Anomaly {
    /// Nothing unusual: score 0.
    #[must_use]
    pub fn none(row: u32) -> Self {
        Anomaly {
            row,
            quality: Quality::Good.code(),
            score: 0.0,
            alarm: false,
            severity: Severity::Info,
            contributions: Vec::new(),
        }
    }

    /// A score in [0, 1] without an alarm.
    #[must_use]
    pub fn score(row: u32, score: f64) -> Self {
        Anomaly { score, ..Anomaly::none(row) }
    }

    /// A score in [0, 1] with an alarm.
    #[must_use]
    pub fn alarm(row: u32, score: f64, severity: Severity) -> Self {
        Anomaly { score, alarm: true, severity, ..Anomaly::none(row) }
    }

    /// With another quality: uncertain where a sensor is in doubt and not the machine.
    #[must_use]
    pub fn with_quality(self, quality: Quality) -> Self {
        Anomaly { quality: quality.code(), ..self }
    }

    /// With the columns that the score comes from and their shares in [0, 1]; they are sorted, largest first.
    #[must_use]
    pub fn because_of(self, shares: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let mut contributions: Vec<Contribution> =
            shares.into_iter().map(|(column, share)| Contribution { column, share }).collect();
        contributions.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.column.cmp(&b.column)));
        Anomaly { contributions, ..self }
    }
}

impl Health {
    /// An index of 1 as new, 0 failed; no failure mode, no remaining life.
    #[must_use]
    pub fn new(row: u32, index: f64) -> Self {
        Health { row, quality: Quality::Good.code(), index, mode: String::new(), life: None }
    }

    /// With the failure mode that is likeliest.
    #[must_use]
    pub fn mode(self, mode: &str) -> Self {
        Health { mode: mode.into(), ..self }
    }

    /// With the remaining life and its interval; an upper end of `None` means "more than `low`".
    #[must_use]
    pub fn life(self, rul: f64, low: f64, high: Option<f64>) -> Self {
        Health { life: Some(Life { rul, rul_lo: low, rul_hi: high }), ..self }
    }

    /// With another quality.
    #[must_use]
    pub fn with_quality(self, quality: Quality) -> Self {
        Health { quality: quality.code(), ..self }
    }
}

impl Proposal {
    /// A wish for an output, with full confidence. `output` is the index in its binding; `valid_for` is run time.
    #[must_use]
    pub fn new(output: u32, setpoint: f64, valid_for: Duration, reason: &str) -> Self {
        Proposal { output, setpoint, confidence: 1.0, valid_for_ns: nanos(valid_for), reason: reason.into() }
    }

    /// With another confidence, in [0, 1].
    #[must_use]
    pub fn confidence(self, confidence: f32) -> Self {
        Proposal { confidence, ..self }
    }
}

impl Order {
    /// A quantity for an output, with full confidence.
    #[must_use]
    pub fn new(output: u32, quantity: f64, valid_for: Duration, reason: &str) -> Self {
        Order { output, quantity, confidence: 1.0, valid_for_ns: nanos(valid_for), reason: reason.into() }
    }
}

impl DemandForecast {
    /// One column, `step` periods ahead (1: the next), with one value for each of the description's quantiles.
    #[must_use]
    pub fn new(row: u32, column: u32, step: u32, quantiles: Vec<f64>) -> Self {
        DemandForecast { row, quality: Quality::Good.code(), column, step, quantiles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributions_stand_largest_first() {
        let anomaly = Anomaly::score(0, 0.5).because_of([(0, 0.1), (1, 0.6), (2, 0.1), (3, 0.2)]);
        let columns: Vec<u32> = anomaly.contributions.iter().map(|contribution| contribution.column).collect();
        assert_eq!(columns, [1, 3, 0, 2]);
    }
}
