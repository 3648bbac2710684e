//! The first rows: what they hold, and what is learnt from them of each channel by itself.

use serde::{Deserialize, Serialize};

use crate::chart::{self, Ewma, Median3, SERIES_MIN};
use crate::factor::clipped;
use crate::novelty::{Natural, WINDOW, Window};
use crate::stuck::Repeats;

/// Numbers that the first rows may be, `warmup` × channels: 640 KB as the state keeps them, which leaves room for the
/// channels themselves below the 1 MiB that a state may have.
pub const CELLS_MAX: usize = 160_000;
/// Channels, at most: what they learn takes less than 600 bytes each.
pub const CHANNELS_MAX: usize = 512;
/// The thresholds hold for a calibration of so many rows. A shorter one widens them by what it lacks: fewer rows have
/// seen less of what is normal.
const RIPE_ROWS: f64 = 400.0;
/// …and of so many channels. More of them widen the thresholds: one of many strays sooner.
const RIPE_CHANNELS: f64 = 8.0;
/// Rows without a sample after which a channel is no longer judged by what it said before, at least…
const GAP_MIN: u32 = 5;
/// …and so many times the longest gap of the calibration: a slow instrument has gaps by nature.
const GAP_FACTOR: u32 = 2;
/// Samples after a longer gap before a channel is judged again: its averages must catch up.
const SETTLING: u32 = 20;
/// What a chart may stray on the other half of the calibration before its gain is cut.
const STRAY_MAX: f64 = 2.5;

/// The first rows, as they come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FirstRows {
    channels: usize,
    /// First usable value of each channel: the cells are distances from it, so that f32 holds them.
    base: Vec<Option<f64>>,
    /// rows × channels; NaN where there was no usable sample.
    cells: Vec<f32>,
}

impl FirstRows {
    /// For so many channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        FirstRows { channels, base: vec![None; channels], cells: Vec::new() }
    }

    /// Takes the memory for so many rows at once: growing by doubling would need it three times.
    pub fn reserve(&mut self, rows: usize) {
        let cells = rows.saturating_mul(self.channels).min(CELLS_MAX);
        self.cells.reserve_exact(cells.saturating_sub(self.cells.len()));
    }

    /// Takes a row, one value a channel. A row where less than half of the channels are usable is left out: a plant that is
    /// starting says nothing of what is normal.
    pub fn push(&mut self, row: &[Option<f64>]) {
        if 2 * row.iter().flatten().count() < self.channels.max(1) {
            return;
        }
        for (x, base) in row.iter().zip(&mut self.base) {
            let cell = x.map_or(f32::NAN, |x| (x - *base.get_or_insert(x)) as f32);
            self.cells.push(cell);
        }
    }

    /// Channels a row.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows taken.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.cells.len().checked_div(self.channels).unwrap_or(0)
    }

    /// A channel's values, NaN where there was none.
    #[must_use]
    pub fn column(&self, channel: usize) -> Vec<f64> {
        let base = self.base.get(channel).copied().flatten().unwrap_or(f64::NAN);
        let cells = self.cells.iter().skip(channel).step_by(self.channels.max(1));
        cells.map(|&cell| base + f64::from(cell)).collect()
    }

    /// Whether what a saved state holds fits together.
    #[must_use]
    pub fn is_sound(&self, channels: usize) -> bool {
        let whole = self.cells.len().checked_rem(channels).unwrap_or(self.cells.len()) == 0;
        self.channels == channels && self.base.len() == channels && whole && self.cells.len() <= CELLS_MAX
    }
}

/// How much wider the limits are for a calibration of `rows` rows of so many channels.
#[must_use]
pub fn width(rows: usize, channels: usize) -> f64 {
    let short = RIPE_ROWS / rows.max(1) as f64;
    // The largest of many normal numbers grows as the square root of the logarithm of how many they are.
    let crowd = (channels.max(2) as f64).ln() / RIPE_CHANNELS.ln();
    short.max(1.0) * crowd.max(1.0).sqrt()
}

/// One channel at work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    mean: f64,
    scale: f64,
    /// Of its chart; 0: it is not charted.
    gain: f64,
    /// How far the reference has followed the channel since the calibration, in standard deviations.
    offset: f64,
    median: Median3,
    /// The last sample through the median, from the reference.
    at: f64,
    chart: Ewma,
    /// In standard deviations, for what the channels say of each other.
    pub average: Ewma,
    /// For the model.
    pub window: Window,
    /// What the model's errors usually are.
    pub natural: Natural,
    /// Whether the sensor repeats itself.
    pub repeats: Repeats,
    /// Rows since the last sample that was used, and how many are natural.
    gap: u32,
    gap_max: u32,
    /// Samples until it is judged again.
    settling: u32,
}

impl Channel {
    /// Learns from a column of the first rows, with limits that are [`width`] times as wide, and goes through it once so that its averages stand where they would.
    ///
    /// A channel that never moved, or was hardly ever there, gets a gain of 0 and is not judged: its natural scatter is not
    /// known.
    #[must_use]
    pub fn learn(column: &[f64], width: f64) -> Channel {
        let series: Vec<f64> = column.iter().copied().filter(|x| x.is_finite()).collect();
        let (mean, scale) = chart::moments(&series);
        let enough = series.len() >= SERIES_MIN.max(column.len() / 4);
        // A scatter at the resolution of f32 is rounding.
        let known = enough && scale > 1e-7 * mean.abs() && scale.is_finite();
        let standard: Vec<f64> = series.iter().map(|x| (x - mean) / scale).collect();
        let gain = if known { chart::gain(&standard) } else { 0.0 };
        let gain = gain / (chart::strays(&series) / STRAY_MAX).max(1.0) / width;
        let mut channel = Channel {
            mean: if mean.is_finite() { mean } else { 0.0 },
            scale: if known { scale } else { f64::INFINITY },
            gain: if known { gain } else { 0.0 },
            offset: 0.0,
            median: Median3::default(),
            at: 0.0,
            chart: Ewma::default(),
            average: Ewma::default(),
            window: Window::default(),
            natural: Natural::default(),
            repeats: Repeats::learn(&series),
            gap: 0,
            gap_max: GAP_MIN.max(longest_gap(column).saturating_mul(GAP_FACTOR)),
            settling: 0,
        };
        series.iter().for_each(|&x| channel.take(x));
        channel
    }

    /// Whether anything is known of its natural scatter.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.scale.is_finite()
    }

    /// Whether it has something to say now: its scatter is known, and it has been there for a while.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.is_known() && self.gap <= self.gap_max && self.settling == 0
    }

    /// Whether this row brought a sample that was used.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.gap == 0 && self.is_present()
    }

    /// Takes a row's sample, if it has a usable one. A repetition that a lively sensor would not make is not used.
    pub fn push(&mut self, x: Option<f64>) {
        if let Some(x) = x {
            self.repeats.push(x);
        }
        let Some(x) = x.filter(|_| !self.repeats.doubted()) else {
            self.gap = self.gap.saturating_add(1);
            return;
        };
        let was_away = self.gap > self.gap_max;
        self.settling = if was_away { SETTLING } else { self.settling.saturating_sub(1) };
        self.gap = 0;
        self.take(x);
    }

    fn take(&mut self, x: f64) {
        let z = (x - self.mean) / self.scale;
        self.at = self.median.push(z) - self.offset;
        self.chart.push(chart::scaled(self.at, self.gain));
        self.average.push(clipped(self.at));
        self.window.push(for_window(z - self.offset, self.at));
    }

    /// The channel's window that begins at row `start` of its calibration column; not full where samples are missing.
    #[must_use]
    pub fn window_of(&self, column: &[f64], start: usize) -> Window {
        let (mut median, mut window) = (Median3::default(), Window::default());
        // Two rows earlier, so that the median has its three samples.
        let first = start.saturating_sub(2);
        for (row, x) in column.iter().enumerate().skip(first).take(start - first + WINDOW) {
            let z = (x - self.mean) / self.scale;
            let at = median.push(z);
            if row >= start && z.is_finite() && at.is_finite() {
                window.push(for_window(z, at));
            }
        }
        window
    }

    /// Departure of the chart, in its unit.
    #[must_use]
    pub fn departure(&self) -> f64 {
        self.chart.departure()
    }

    /// Lets the reference follow the channel, with a time constant of `rows` rows.
    pub fn follow(&mut self, rows: f64) {
        let by = self.at.clamp(-3.0, 3.0) / rows;
        self.offset += by;
        self.chart.shift(by * self.gain);
        self.average.shift(by);
    }
}

/// A sample as the model sees it: as it is, but a single wild one no further than this from the median.
fn for_window(z: f64, median: f64) -> f64 {
    const WILD: f64 = 3.0;
    z.clamp(median - WILD, median + WILD)
}

/// The longest stretch of rows without a sample.
fn longest_gap(column: &[f64]) -> u32 {
    let (mut longest, mut gap) = (0, 0);
    for x in column {
        gap = if x.is_finite() { 0 } else { gap + 1 };
        longest = longest.max(gap);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    #[test]
    fn rows_keep_small_changes_of_large_numbers() {
        let mut rows = FirstRows::new(2);
        rows.push(&[Some(1e9), None]);
        rows.push(&[Some(1e9 + 0.25), Some(3.0)]);
        rows.push(&[None, None]);
        assert_eq!(rows.rows(), 2, "the last one says nothing");
        assert_eq!(rows.column(0), [1e9, 1e9 + 0.25]);
        assert!(rows.column(1)[0].is_nan() && (rows.column(1)[1] - 3.0).abs() < f64::EPSILON);
        assert!(rows.is_sound(2) && !rows.is_sound(3));
    }

    #[test]
    fn a_short_calibration_and_a_crowd_have_wider_limits() {
        assert_eq!(width(400, 8), 1.0);
        assert_eq!(width(4000, 1), 1.0);
        assert_eq!(width(100, 8), 4.0);
        assert!(width(400, 64) > 1.4 && width(400, 64) < 1.5);
    }

    #[test]
    fn a_channel_departs_when_it_moves_and_only_then() {
        let mut noise = Noise::new(5);
        let column: Vec<f64> = (0..400).map(|_| 50.0 + 2.0 * noise.normal()).collect();
        let mut channel = Channel::learn(&column, 1.0);
        (0..200).for_each(|_| channel.push(Some(50.0 + 2.0 * noise.normal())));
        assert!(channel.departure() < 1.8, "{}", channel.departure());
        (0..40).for_each(|_| channel.push(Some(58.0 + 2.0 * noise.normal())));
        assert!(channel.departure() > 3.0, "{}", channel.departure());
        let before = channel.clone();
        channel.push(None);
        assert!(!channel.is_fresh() && channel.is_present());
        assert_eq!(channel.departure(), before.departure(), "a missing sample changes nothing");
    }

    #[test]
    fn what_never_moved_is_not_judged() {
        for column in [vec![7.0; 400], vec![f64::NAN; 400], vec![1e8 + 1.0; 400], Vec::new()] {
            let mut channel = Channel::learn(&column, 1.0);
            (0..100).for_each(|i| channel.push(Some(f64::from(i) * 1e6)));
            assert!(!channel.is_known() && !channel.is_present() && channel.departure() == 0.0, "{channel:?}");
        }
    }

    #[test]
    fn a_channel_that_was_away_must_settle() {
        let mut noise = Noise::new(7);
        let column: Vec<f64> = (0..400).map(|_| noise.normal()).collect();
        let mut channel = Channel::learn(&column, 1.0);
        let mut present = |x: Option<f64>, n: usize| {
            (0..n).for_each(|_| channel.push(x.map(|x| x + noise.normal())));
            channel.is_present()
        };
        assert!(present(None, 5));
        assert!(present(Some(0.0), 1), "a short gap is nothing");
        assert!(!present(None, 6));
        assert!(!present(Some(0.0), 20));
        assert!(present(Some(0.0), 1));
        let sparse: Vec<f64> = (0..400).map(|i| if i % 10 == 0 { noise.normal() } else { f64::NAN }).collect();
        let mut channel = Channel::learn(&[sparse, column].concat(), 1.0);
        (0..18).for_each(|_| channel.push(None));
        assert!(channel.is_present(), "gaps of nine are natural here");
    }

    #[test]
    fn a_reference_follows() {
        let mut noise = Noise::new(6);
        let column: Vec<f64> = (0..400).map(|_| noise.normal()).collect();
        let mut channel = Channel::learn(&column, 1.0);
        for _ in 0..600 {
            channel.push(Some(1.0 + noise.normal()));
            channel.follow(100.0);
        }
        assert!((channel.offset - 1.0).abs() < 0.4, "{}", channel.offset);
    }
}
