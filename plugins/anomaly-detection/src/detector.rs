//! One row after another: from samples to a judgement.
//!
//! The first rows calibrate. From then on, a row is judged by three kinds of evidence, each a ratio to its own threshold:
//! the chart of each channel that the others do not predict ([`crate::chart`]); the departure of each channel that they do
//! predict from that prediction ([`crate::factor`]); and what the model cannot redraw ([`crate::novelty`]). Where one
//! predicted channel departs and the rest, two at least, agree among themselves without it, the sensor is in doubt and not
//! the machine.

use serde::{Deserialize, Serialize};

use crate::calibration::{Channel, FirstRows, width};
use crate::episode::Episode;
use crate::factor::{self, Factors, Fit};
use crate::novelty::{POSITIONS, Reconstruct, WINDOW, log_errors};

/// The chart's threshold, in its unit.
const THRESHOLD: f64 = 1.842;
/// Sensors that may be meant by one departure, at most.
const SUSPECTS_MAX: usize = 3;
/// A sensor is suspected that departs at least by this share of what the worst one does.
const SUSPECT_SHARE: f64 = 0.5;
/// Departures from the others' prediction speak of the machine from so many times their limit: the fault of a machine is
/// seen by several charts, and a lone doubt about a sensor is not to become an alarm by noise.
const MACHINE_FACTOR: f64 = 1.5;
/// References follow quickly, in rows, until so many rows have been seen…
const YOUNG_ROWS: u64 = 400;
const FOLLOW_YOUNG_ROWS: f64 = 100.0;
/// …and then slowly, as seasons go.
const FOLLOW_ROWS: f64 = 5_000.0;
/// A channel is followed while it departs by less than this ratio.
const FOLLOW_BELOW: f64 = 0.7;
/// Channels that a judgement names, at most.
pub const NAMED_MAX: usize = 5;
/// A Q of so many times the largest one of the calibration makes an alarm a grave one: many channels disagree.
const Q_GRAVE: f64 = 25.0;

/// How far a judgement can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It speaks of the machine.
    Good,
    /// A sensor is in doubt, and not the machine.
    Uncertain,
    /// Still calibrating, or too few channels are there.
    None,
}

/// How grave an alarm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// No alarm.
    None,
    /// Beyond the threshold.
    Slight,
    /// Beyond twice the threshold.
    Clear,
    /// Beyond four times the threshold.
    Grave,
}

/// What one row says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// How far to trust it.
    pub trust: Trust,
    /// In [0, 1), 0.5 at the threshold.
    pub score: f64,
    /// Whether an alarm stands.
    pub alarm: bool,
    /// How grave.
    pub gravity: Gravity,
    /// Channels and their shares of the score, largest first, at most [`NAMED_MAX`].
    pub named: Vec<(usize, f64)>,
    /// Largest Q and T² of the groups of channels, over the largest ones of the calibration.
    pub q: f64,
    /// See [`Fit::t2`].
    pub t2: f64,
}

impl Judgement {
    /// That nothing can be said, while an alarm stands or not.
    #[must_use]
    pub fn none(alarm: bool) -> Self {
        let gravity = if alarm { Gravity::Slight } else { Gravity::None };
        Judgement { trust: Trust::None, score: 0.0, alarm, gravity, named: Vec::new(), q: 0.0, t2: 0.0 }
    }
}

/// Everything that goes on from row to row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    first: Option<FirstRows>,
    channels: Vec<Channel>,
    /// Of each group of channels; none where a group gave no model.
    groups: Vec<Option<Factors>>,
    /// Windows of the calibration that the model has seen.
    positions: usize,
    width: f64,
    seen: u64,
    episode: Episode,
    /// Sensors in doubt.
    doubted: Vec<u32>,
}

/// What speaks for what, in one row.
struct Evidence {
    /// Ratio of each channel, by itself or against the others' prediction.
    ratios: Vec<f64>,
    /// The largest ratio that speaks of the machine.
    machine: f64,
    /// Sensors in doubt, and by what ratio.
    doubts: Vec<(usize, f64)>,
    q: f64,
    t2: f64,
}

impl Detector {
    /// For so many channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Detector {
            first: Some(FirstRows::new(channels)),
            channels: Vec::new(),
            groups: Vec::new(),
            positions: 0,
            width: 1.0,
            seen: 0,
            episode: Episode::default(),
            doubted: Vec::new(),
        }
    }

    /// Whether what a saved state holds fits together, and these channels.
    #[must_use]
    pub fn is_sound(&self, channels: usize) -> bool {
        let first = self.first.as_ref().map_or(!self.channels.is_empty(), |first| first.is_sound(channels));
        let sizes = group_sizes(channels).zip(&self.groups);
        let groups = sizes.fold(true, |sound, (size, group)| sound && group.as_ref().is_none_or(|g| g.is_sound(size)));
        first
            && groups
            && (self.channels.is_empty() || self.channels.len() == channels)
            && self.groups.len() <= group_sizes(channels).count()
            && self.positions <= POSITIONS
            && self.doubted.iter().all(|&c| (c as usize) < channels)
    }

    /// About how many bytes its state takes.
    #[must_use]
    pub fn size_hint(&self) -> usize {
        let first = self.first.as_ref().map_or(0, |first| 4 * first.rows() * first.channels() + 9 * first.channels());
        first + 600 * self.channels.len() + 256
    }

    /// Judges a row: one usable sample a channel, or none. `vibration` says which channels speak of the machine's shaking,
    /// where a lone departure is a machine's and not a sensor's.
    ///
    /// # Errors
    /// The model's, beside a judgement that was made without it.
    pub fn row<M: Reconstruct>(
        &mut self,
        samples: &[Option<f64>],
        vibration: &[bool],
        warmup: usize,
        model: &mut M,
    ) -> (Judgement, Result<(), M::Error>) {
        if self.channels.is_empty() {
            self.calibrate(samples, warmup);
            return (Judgement::none(false), Ok(()));
        }
        self.channels.iter_mut().zip(samples).for_each(|(channel, &x)| channel.push(x));
        let mut novelty = vec![0.0; self.channels.len()];
        let ran = match self.first {
            Some(_) => self.ripen(model),
            None => self.novelty(model).map(|found| novelty = found),
        };
        let known = self.channels.iter().filter(|channel| channel.is_known()).count();
        let present = self.channels.iter().filter(|channel| channel.is_present()).count();
        if present == 0 || 2 * present < known {
            return (Judgement::none(self.episode.is_standing()), ran);
        }
        let evidence = self.weigh(&novelty, vibration);
        (self.conclude(evidence), ran)
    }

    fn calibrate(&mut self, samples: &[Option<f64>], warmup: usize) {
        let Some(first) = &mut self.first else { return };
        first.reserve(warmup);
        first.push(samples);
        if first.rows() >= warmup {
            self.width = width(first.rows(), samples.len());
            self.seen = first.rows() as u64;
            self.channels = (0..samples.len()).map(|c| Channel::learn(&first.column(c), self.width)).collect();
        }
    }

    /// One more piece of what is learnt from the first rows, so that no row takes long: a group's factors, or a window of the
    /// model's natural errors. Then the first rows are let go.
    fn ripen<M: Reconstruct>(&mut self, model: &mut M) -> Result<(), M::Error> {
        let Some(first) = &self.first else { return Ok(()) };
        let channels = self.channels.len();
        if let Some(size) = group_sizes(channels).nth(self.groups.len()) {
            let start = group_sizes(channels).take(self.groups.len()).sum::<usize>();
            let columns: Vec<Vec<f64>> = (start..start + size).map(|c| first.column(c)).collect();
            self.groups.push(Factors::fit(&columns));
            return Ok(());
        }
        let last = first.rows().saturating_sub(WINDOW);
        let start = last * self.positions / (POSITIONS - 1);
        let of_channel = |(c, channel): (usize, &Channel)| channel.window_of(&first.column(c), start);
        let windows: Vec<_> = self.channels.iter().enumerate().map(of_channel).collect();
        let mut batch = Vec::with_capacity(channels * WINDOW);
        windows.iter().for_each(|window| window.append_to(&mut batch));
        self.positions += 1;
        if self.positions == POSITIONS {
            self.first = None;
        }
        if let Some(errors) = log_errors(&batch, &model.reconstruct(&batch)?) {
            let full = self.channels.iter_mut().zip(windows).zip(errors).filter(|((_, window), _)| window.is_full());
            full.for_each(|((channel, _), error)| channel.natural.learn(error));
        }
        Ok(())
    }

    /// How far the model's error of each channel is beyond what is natural.
    fn novelty<M: Reconstruct>(&self, model: &mut M) -> Result<Vec<f64>, M::Error> {
        let mut batch = Vec::with_capacity(self.channels.len() * WINDOW);
        self.channels.iter().for_each(|channel| channel.window.append_to(&mut batch));
        let errors = log_errors(&batch, &model.reconstruct(&batch)?);
        let errors = errors.unwrap_or_else(|| vec![f64::NAN; self.channels.len()]);
        let of_channel = |(channel, error): (&Channel, f64)| match channel.is_present() && channel.window.is_full() {
            true => channel.natural.departure(error) / self.width,
            false => 0.0,
        };
        Ok(self.channels.iter().zip(errors).map(of_channel).collect())
    }

    fn weigh(&self, novelty: &[f64], vibration: &[bool]) -> Evidence {
        let mut evidence = Evidence { ratios: novelty.to_vec(), machine: 0.0, doubts: Vec::new(), q: 0.0, t2: 0.0 };
        let limit = self.episode.limit();
        let mut start = 0;
        for (index, size) in group_sizes(self.channels.len()).enumerate() {
            let group = self.groups.get(index).and_then(Option::as_ref);
            for at in start..start + size {
                let channel = &self.channels[at];
                if channel.is_present() && group.is_none_or(|group| group.is_pair() || !group.explains(at - start)) {
                    evidence.ratios[at] = evidence.ratios[at].max(channel.departure() / THRESHOLD);
                }
            }
            let own = evidence.ratios[start..start + size].iter().copied().fold(0.0, f64::max);
            evidence.machine = evidence.machine.max(own);
            if let Some(group) = group {
                let members = Members { group, start, channels: &self.channels[start..start + size] };
                members.weigh(&mut evidence, limit, vibration, &self.doubted);
            }
            start += size;
        }
        for (at, channel) in self.channels.iter().enumerate() {
            if channel.is_known() && channel.repeats.stuck() {
                evidence.doubts.push((at, 1.0));
            }
        }
        evidence
    }

    fn conclude(&mut self, evidence: Evidence) -> Judgement {
        let alarm = self.episode.push(evidence.machine);
        let doubt = evidence.doubts.iter().map(|(_, ratio)| *ratio).fold(0.0, f64::max);
        let ratio = evidence.machine.max(doubt);
        self.doubted = evidence.doubts.iter().map(|(at, _)| *at as u32).collect();
        if !alarm && self.doubted.is_empty() {
            self.follow(&evidence.ratios);
        }
        let gravity = match evidence.machine {
            _ if !alarm => Gravity::None,
            machine if machine >= 4.0 || evidence.q >= Q_GRAVE => Gravity::Grave,
            machine if machine >= 2.0 => Gravity::Clear,
            _ => Gravity::Slight,
        };
        let trust = if alarm || self.doubted.is_empty() { Trust::Good } else { Trust::Uncertain };
        Judgement {
            trust,
            score: ratio / (1.0 + ratio),
            alarm,
            gravity,
            named: named(&evidence, trust == Trust::Uncertain),
            q: evidence.q,
            t2: evidence.t2,
        }
    }

    fn follow(&mut self, ratios: &[f64]) {
        self.seen = self.seen.saturating_add(1);
        let rows = if self.seen < YOUNG_ROWS { FOLLOW_YOUNG_ROWS } else { FOLLOW_ROWS };
        for (channel, ratio) in self.channels.iter_mut().zip(ratios) {
            if channel.is_fresh() && *ratio < FOLLOW_BELOW {
                channel.follow(rows);
            }
        }
    }
}

/// The channels of one group.
struct Members<'a> {
    group: &'a Factors,
    start: usize,
    channels: &'a [Channel],
}

impl Members<'_> {
    /// How the group fits without those that have nothing to say and without `but`.
    fn fit(&self, but: Option<usize>) -> Option<Fit> {
        let averages: Vec<_> = self.channels.iter().map(|channel| channel.average).collect();
        self.group.judge(&averages, |c| self.speaks(c) && but != Some(c))
    }

    /// Whether a channel of the group has something to say now.
    fn speaks(&self, channel: usize) -> bool {
        self.channels.get(channel).is_some_and(|channel| channel.is_present() && !channel.repeats.doubted())
    }

    /// Whether it says something of others, as they do of it.
    fn judges(&self, channel: usize) -> bool {
        self.speaks(channel) && self.group.explains(channel)
    }

    fn weigh(&self, evidence: &mut Evidence, limit: f64, vibration: &[bool], doubted: &[u32]) {
        let Some(fit) = self.fit(None) else { return };
        evidence.q = evidence.q.max(fit.q);
        evidence.t2 = evidence.t2.max(fit.t2);
        let departures = &fit.departures;
        for (ratio, departure) in evidence.ratios[self.start..].iter_mut().zip(departures) {
            *ratio = ratio.max(*departure);
        }
        let worst = departures.iter().copied().fold(0.0, f64::max);
        // A doubt goes on a little below the limit, as an alarm does.
        let begun =
            doubted.iter().any(|&c| departures.get((c as usize).wrapping_sub(self.start)).is_some_and(|d| *d > 0.0));
        if worst < if begun { limit.min(0.9) } else { limit } {
            return;
        }
        let mut suspects: Vec<usize> =
            (0..departures.len()).filter(|&c| departures[c] >= SUSPECT_SHARE * worst).collect();
        suspects.sort_by(|&a, &b| departures[b].total_cmp(&departures[a]));
        let without = |&suspect: &usize| {
            let rest =
                self.fit(Some(suspect)).map_or(f64::INFINITY, |fit| fit.departures.into_iter().fold(0.0, f64::max));
            (rest, suspect)
        };
        let best = suspects.iter().take(SUSPECTS_MAX).map(without).min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((rest, suspect)) = best else { return };
        let at = self.start + suspect;
        let bar = limit * MACHINE_FACTOR;
        let shakes = vibration.get(at).copied().unwrap_or(false);
        // A single other one has nobody to agree with: of two that disagree, nothing tells the sensor from the machine.
        let alone = (0..departures.len()).filter(|&c| c != suspect && self.judges(c)).count() < 2;
        if rest >= bar {
            evidence.machine = evidence.machine.max(rest / MACHINE_FACTOR);
        } else if (shakes || alone) && departures[suspect] >= bar {
            evidence.machine = evidence.machine.max(departures[suspect] / MACHINE_FACTOR);
        } else {
            evidence.doubts.push((at, departures[suspect]));
        }
    }
}

/// Channels by their share of the squared ratios; with a doubt, the doubted sensors stand first.
fn named(evidence: &Evidence, doubt: bool) -> Vec<(usize, f64)> {
    let mut weights: Vec<(usize, f64)> = evidence.ratios.iter().map(|r| r * r).enumerate().collect();
    if doubt {
        let top = weights.iter().map(|(_, w)| *w).fold(1e-3, f64::max);
        evidence.doubts.iter().for_each(|&(at, _)| weights[at].1 = 1.01 * top);
    }
    let total: f64 = weights.iter().map(|(_, w)| w).sum();
    weights.retain(|(_, weight)| *weight > 0.0);
    weights.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    weights.truncate(NAMED_MAX);
    weights.into_iter().map(|(at, weight)| (at, (weight / total).clamp(0.0, 1.0))).collect()
}

/// Sizes of the groups that predict each other: equal ones, none larger than a factor model may be.
fn group_sizes(channels: usize) -> impl Iterator<Item = usize> {
    let groups = channels.div_ceil(factor::CHANNELS_MAX).max(1);
    (0..groups).map(move |group| (group + 1) * channels / groups - group * channels / groups)
}
