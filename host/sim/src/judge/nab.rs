//! The score of the Numenta Anomaly Benchmark: anomalies found early count most, false ones and missed ones cost.
//!
//! Lavin & Ahmad, *Evaluating Real-time Anomaly Detection Algorithms – the Numenta Anomaly Benchmark*, ICMLA 2015
//! (arXiv:1510.03336), section II; where the paper leaves a choice (rows or time, where a window's edge is), this
//! follows what the benchmark's published scorer and its tests do:
//!
//! - positions are counted in rows. In a window of w rows with its last at r, row i is at −(r − i + 1) / w: −1 on the
//!   first row, −1/w on the last; there only the first detection counts, as A_TP · σ(position) / σ(−1), with σ(y) = 2 /
//!   (1 + e^5y) − 1 and σ(−1) = 0.98661
//! - after a window, row i is at (i − r) / (w − 1) of the most recent one, and every detection there adds A_FP ·
//!   σ(position), at position 3 and beyond −A_FP; so does every detection before the first window
//! - a window without a detection adds −A_FN
//! - the rows of the probation are not judged: neither their detections, nor windows that lie in it altogether
//! - over a corpus, 100 · (raw − null) / (perfect − null), null being silence and perfect a detection on the first row
//!   of every window and none elsewhere.

use super::input::{self, InputError};

/// What a detection, a false one and a miss weigh: one of the benchmark's application profiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// A_TP, for the earliest detection in a window.
    pub tp_weight: f64,
    /// A_FP, for a false detection far from every window, as a positive number.
    pub fp_weight: f64,
    /// A_FN, for a window without a detection, as a positive number.
    pub fn_weight: f64,
}

/// The profile with which the benchmark's leaderboard begins.
pub const STANDARD: Profile = Profile { tp_weight: 1.0, fp_weight: 0.11, fn_weight: 1.0 };
/// False detections weigh twice.
pub const REWARD_LOW_FP: Profile = Profile { fp_weight: 0.22, ..STANDARD };
/// Misses weigh twice.
pub const REWARD_LOW_FN: Profile = Profile { fn_weight: 2.0, ..STANDARD };
/// The benchmark's three profiles, by the names that it gives them.
pub const PROFILES: [(&str, Profile); 3] =
    [("standard", STANDARD), ("reward_low_FP_rate", REWARD_LOW_FP), ("reward_low_FN_rate", REWARD_LOW_FN)];

/// Rows at the beginning of a file of `rows` in which a detector may learn and is not judged: 15 %, 750 at most.
pub fn probation_rows(rows: usize) -> usize {
    // The cap first, so that no length overflows.
    rows.min(5000) * 15 / 100
}

/// The rows on which an alarm begins. A plugin's alarm stands over many rows; the benchmark counts each row above the
/// threshold, so a standing false alarm would be charged again on each. An alarm
/// that stood before a window began finds nothing in it. Applying this twice changes nothing.
pub fn rising_edges(alarms: &[bool]) -> Vec<bool> {
    let before = std::iter::once(false).chain(alarms.iter().copied());
    alarms.iter().zip(before).map(|(&now, before)| now && !before).collect()
}

/// σ(y) = 2 / (1 + e^5y) − 1, and −1 from 3 on (equation 1 of the paper, shorn of its weights).
pub fn scaled_sigmoid(position: f64) -> f64 {
    if position >= 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

/// Raw scores of one file or, added up, of a corpus.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Raw {
    /// What the detections scored.
    pub score: f64,
    /// What silence would have scored.
    pub null: f64,
    /// What a detection on the first row of every window and none elsewhere would have scored.
    pub perfect: f64,
    /// Windows that were judged.
    pub windows: u64,
    /// Windows with a detection.
    pub found: u64,
    /// Detections outside every window.
    pub false_detections: u64,
}

impl Raw {
    /// Adds another file's scores to these.
    pub fn add(&mut self, other: &Self) {
        self.score += other.score;
        self.null += other.null;
        self.perfect += other.perfect;
        self.windows += other.windows;
        self.found += other.found;
        self.false_detections += other.false_detections;
    }

    /// 100 · (score − null) / (perfect − null): 0 for silence, 100 for perfection, below 0 where false detections cost
    /// more than the true ones bring. None where no window was judged, since then silence is perfect.
    pub fn normalised(&self) -> Option<f64> {
        let span = self.perfect - self.null;
        (span > 0.0).then(|| 100.0 * (self.score - self.null) / span)
    }
}

/// Files of one benchmark under one profile. The final score is that of the sum, not the mean of the files' scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corpus {
    profile: Profile,
    sum: Raw,
}

impl Corpus {
    /// No file yet.
    pub fn new(profile: Profile) -> Self {
        Self { profile, sum: Raw::default() }
    }

    /// Judges one file with the benchmark's probation ([`probation_rows`]), adds it and returns its own scores.
    pub fn add(&mut self, times_ns: &[i64], detections: &[bool], windows: &[(i64, i64)]) -> Result<Raw, InputError> {
        let raw = raw_score(times_ns, detections, windows, probation_rows(times_ns.len()), self.profile)?;
        self.sum.add(&raw);
        Ok(raw)
    }

    /// The sum so far.
    pub fn sum(&self) -> &Raw {
        &self.sum
    }

    /// The score of the corpus; none before its first window.
    pub fn score(&self) -> Option<f64> {
        self.sum.normalised()
    }
}

/// Judges one file: the time of each row, not falling; the rows with a detection (of a plugin's alarm,
/// [`rising_edges`]); the labelled windows as times of first and last row, in order and apart; the number of rows of
/// probation; the profile.
///
/// Where a window's edge is not the time of a row, the nearest row inside counts as its edge. A window that holds no
/// row is an error. A window of a single row has no width to measure with and counts as two rows wide for what comes
/// after.
pub fn raw_score(
    times_ns: &[i64],
    detections: &[bool],
    windows: &[(i64, i64)],
    probation: usize,
    profile: Profile,
) -> Result<Raw, InputError> {
    input::same_length("times and detections", times_ns.len(), detections.len())?;
    input::rising(times_ns)?;
    let Profile { tp_weight, fp_weight, fn_weight } = profile;
    for (what, weight) in [("tp_weight", tp_weight), ("fp_weight", fp_weight), ("fn_weight", fn_weight)] {
        input::in_range(what, weight, weight.is_finite() && weight >= 0.0)?;
    }
    let spans = spans(times_ns, windows)?;

    let mut raw = Raw::default();
    for span in spans.iter().filter(|span| span.last >= probation) {
        raw.windows += 1;
        raw.null -= fn_weight;
        raw.perfect += tp_weight;
        let from = span.first.max(probation);
        let rows = detections.iter().enumerate().take(span.last + 1).skip(from);
        match rows.filter(|(_, detected)| **detected).map(|(row, _)| row).next() {
            Some(row) => {
                raw.found += 1;
                raw.score += tp_weight * scaled_sigmoid(span.position_within(row)) / scaled_sigmoid(-1.0);
            }
            None => raw.score -= fn_weight,
        }
    }
    for (row, _) in detections.iter().enumerate().skip(probation).filter(|(_, detected)| **detected) {
        let passed = spans.partition_point(|span| span.first <= row);
        let position = match passed.checked_sub(1).and_then(|at| spans.get(at)) {
            Some(span) if row <= span.last => continue,
            Some(span) => span.position_after(row),
            None => f64::INFINITY,
        };
        raw.false_detections += 1;
        raw.score += fp_weight * scaled_sigmoid(position);
    }
    Ok(raw)
}

/// A window as rows, both ends included.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: usize,
    last: usize,
}

impl Span {
    fn position_within(&self, row: usize) -> f64 {
        -((self.last - row + 1) as f64) / (self.last - self.first + 1) as f64
    }

    fn position_after(&self, row: usize) -> f64 {
        (row - self.last) as f64 / (self.last - self.first).max(1) as f64
    }
}

fn spans(times_ns: &[i64], windows: &[(i64, i64)]) -> Result<Vec<Span>, InputError> {
    let mut spans: Vec<Span> = Vec::with_capacity(windows.len());
    for (at, &(from_ns, to_ns)) in windows.iter().enumerate() {
        let first = times_ns.partition_point(|t| *t < from_ns);
        // Of rows with the same time the benchmark takes the first for the edge.
        let reached = times_ns.partition_point(|t| *t < to_ns);
        let on_row = times_ns.get(reached) == Some(&to_ns);
        let end = if on_row { reached + 1 } else { reached };
        let apart = spans.last().is_none_or(|before| before.last < first);
        if from_ns > to_ns || end <= first || !apart {
            return Err(InputError::Window(at));
        }
        spans.push(Span { first, last: end - 1 });
    }
    Ok(spans)
}

#[cfg(test)]
mod tests;
