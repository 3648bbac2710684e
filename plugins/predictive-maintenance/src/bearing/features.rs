//! What one waveform block says of a bearing.
//!
//! The envelope is the squared magnitude of the analytic signal above a high-pass (Randall, Antoni, "Rolling element
//! bearing diagnostics: a tutorial", 2011): a spall rings the structure at each pass of a ball, so that its frequency stands in
//! the envelope's spectrum, far from the shaft's own harmonics in the raw one.

use serde::{Deserialize, Serialize};

use super::fourier::{Complex, amplitudes};

/// Blocks shorter than this resolve no ball pass.
pub const SAMPLES_MIN: usize = 512;
/// Samples of a block that are looked at, at most, so that a block's work is bounded.
pub const SAMPLES_MAX: usize = 16_384;
/// The high-pass, as a share of the sampling rate: above the shaft's and the blades' harmonics, below usual resonances.
const HIGH_PASS: f64 = 0.1;
/// Harmonics of a defect that are added up.
pub const HARMONICS: usize = 3;
/// A defect's line lies within this share of where it is looked for: balls slip by a per cent or two.
const SLIP: f64 = 0.015;
/// One sample with this share of a block's energy is an electrical spike, and so many equal extremes a clipped signal.
const SPIKE: f64 = 0.3;
const CLIPPED: f64 = 0.02;
/// Less than this of a block's RMS is nothing, of which no logarithm is taken.
const NOTHING: f64 = 1e-6;
/// The orders of the averaged envelope spectrum: so many a revolution, up to so many revolutions.
pub const GRID_PER_ORDER: usize = 25;
/// See [`GRID_PER_ORDER`].
pub const GRID_ORDERS: usize = 40;

/// Why a block says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Too short, not finite, or of no known rate.
    Format,
    /// Flat, clipped or with a spike: the sensor or its cable.
    Sensor,
    /// No shaft speed is known, or the machine stands.
    Speed,
}

/// One defect's lines in the envelope's spectrum, in the signal's unit to the fourth power.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Family {
    /// Power of its harmonics beyond the noise beside them; falls below zero by chance.
    pub excess: f64,
    /// Of the first harmonic alone, beyond the noise.
    pub first: f64,
    /// Of the lines one shaft order beside the first harmonic, beyond the noise: a defect that turns with the shaft has them.
    pub sidebands: f64,
}

impl Family {
    /// The mean square of the defect's ringing, in the signal's unit squared.
    ///
    /// A train of short rings with mean squared envelope μ has harmonics of nearly 2·μ, damped a little from one to the
    /// next; three of them add up to about 2.6·μ as powers do, and the mean square of the signal is μ/2.
    /// A defect that turns with the shaft has a share of it beside its lines.
    pub fn mean_square(&self, turns: bool) -> f64 {
        let beside = if turns { self.sidebands.max(0.0) } else { 0.0 };
        (self.excess + beside).max(0.0).sqrt() / 5.2
    }
}

/// A block's numbers, in the signal's unit where they have one.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Root mean square about the mean.
    pub rms: f64,
    /// 3 for noise, 1.5 for a sine; impacts raise it.
    pub kurtosis: f64,
    /// The largest magnitude over the RMS.
    pub crest: f64,
    /// Root mean square above the high-pass.
    pub band_rms: f64,
    /// Amplitude at the shaft's speed.
    pub turn: f64,
    /// The shaft's speed that was used.
    pub shaft_hz: f64,
    /// One for each order that was asked for.
    pub families: Vec<Family>,
    /// Mean power of the noise lines of the envelope's spectrum.
    pub noise: f64,
    /// The envelope's spectrum over its noise, by order ([`GRID_PER_ORDER`]); empty unless asked for.
    pub orders: Vec<f64>,
}

/// A block of equally spaced samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block<'a> {
    /// In the signal's unit, acceleration by preference.
    pub samples: &'a [f32],
    /// Samples a second.
    pub rate_hz: f64,
}

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Defect frequencies over the shaft's.
    pub orders: &'a [f64],
    /// The shaft's speed; none: the strongest line between 5 and 100 Hz.
    pub shaft_hz: Option<f64>,
    /// Whether [`Features::orders`] is wanted.
    pub grid: bool,
}

/// The features of a block.
///
/// # Errors
/// [`Unusable`] where it says nothing.
pub fn features(block: Block<'_>, search: Search<'_>) -> Result<Features, Unusable> {
    let rate_hz = block.rate_hz;
    let n = block.samples.len().min(SAMPLES_MAX);
    if n < SAMPLES_MIN || !rate_hz.is_finite() || rate_hz <= 0.0 {
        return Err(Unusable::Format);
    }
    let n = if n.is_power_of_two() { n } else { n.next_power_of_two() / 2 };
    let mut samples: Vec<f64> = block.samples.iter().take(n).map(|&x| f64::from(x)).collect();
    if samples.iter().any(|x| !x.is_finite()) {
        return Err(Unusable::Format);
    }
    let mean = samples.iter().sum::<f64>() / n as f64;
    samples.iter_mut().for_each(|x| *x -= mean);
    let (rms, kurtosis, crest) = shape(&samples)?;
    let lines = amplitudes(&samples);
    let bin_hz = rate_hz / n as f64;
    let shaft_hz = match search.shaft_hz {
        Some(hz) => hz,
        None => strongest(&lines, bin_hz, 5.0, 100.0).ok_or(Unusable::Speed)?,
    };
    if !(shaft_hz > 2.0 * bin_hz && shaft_hz < 0.05 * rate_hz) {
        return Err(Unusable::Speed);
    }
    let (band_rms, envelope) = envelope(samples);
    if band_rms < NOTHING * rms {
        return Err(Unusable::Sensor);
    }
    let lines_of = Lines { amplitudes: &envelope, bin_hz };
    let noise = lines_of.noise(shaft_hz);
    let family = |&order: &f64| lines_of.family(order * shaft_hz, shaft_hz, noise);
    Ok(Features {
        rms,
        kurtosis,
        crest,
        band_rms,
        turn: Lines { amplitudes: &lines, bin_hz }.peak(shaft_hz).0.sqrt().max(NOTHING * rms),
        shaft_hz,
        families: search.orders.iter().map(family).collect(),
        noise,
        orders: if search.grid { lines_of.grid(shaft_hz, noise) } else { Vec::new() },
    })
}

/// RMS, kurtosis and crest factor of samples about zero.
fn shape(samples: &[f64]) -> Result<(f64, f64, f64), Unusable> {
    let n = samples.len() as f64;
    let (mut second, mut fourth, mut most) = (0.0, 0.0, 0.0_f64);
    for x in samples {
        let square = x * x;
        second += square;
        fourth += square * square;
        most = most.max(square);
    }
    let top = samples.iter().copied().fold(f64::MIN, f64::max);
    let bottom = samples.iter().copied().fold(f64::MAX, f64::min);
    let (at_top, at_bottom) =
        samples.iter().fold((0.0, 0.0), |(t, b), x| (t + f64::from(*x == top), b + f64::from(*x == bottom)));
    let (at_top, at_bottom): (f64, f64) = (at_top, at_bottom);
    let flat = !(second > 0.0 && fourth.is_finite());
    if flat || most > SPIKE * second || at_top.max(at_bottom) > CLIPPED * n {
        return Err(Unusable::Sensor);
    }
    let variance = second / n;
    Ok((variance.sqrt(), fourth / n / (variance * variance), (most / variance).sqrt()))
}

/// RMS above the high-pass, and the amplitudes of the squared envelope's spectrum.
fn envelope(samples: Vec<f64>) -> (f64, Vec<f64>) {
    let n = samples.len();
    let mut spectrum = Complex::real(samples);
    spectrum.transform(false);
    let first = (HIGH_PASS * n as f64) as usize;
    for (k, (re, im)) in spectrum.re.iter_mut().zip(&mut spectrum.im).enumerate() {
        let factor = if first <= k && k < n / 2 { 2.0 } else { 0.0 };
        *re *= factor;
        *im *= factor;
    }
    spectrum.transform(true);
    let mut envelope = spectrum.power();
    let mean = envelope.iter().sum::<f64>() / n as f64;
    envelope.iter_mut().for_each(|x| *x -= mean);
    ((0.5 * mean).sqrt(), amplitudes(&envelope))
}

fn strongest(lines: &[f64], bin_hz: f64, lo_hz: f64, hi_hz: f64) -> Option<f64> {
    let (lo, hi) = ((lo_hz / bin_hz).ceil() as usize, ((hi_hz / bin_hz) as usize).min(lines.len().saturating_sub(2)));
    let (at, middle) = lines
        .iter()
        .enumerate()
        .take(hi + 1)
        .skip(lo.max(1))
        .max_by(|a, b| a.1.total_cmp(b.1))
        .filter(|x| *x.1 > 0.0)?;
    let (before, after) = (*lines.get(at - 1)?, *lines.get(at + 1)?);
    // A Hann window's main lobe: the centre lies between the bins as their amplitudes weigh.
    let centre = (after - before) / (before + middle + after);
    Some((at as f64 + 1.5 * centre) * bin_hz)
}

/// A spectrum to look for lines in.
struct Lines<'a> {
    amplitudes: &'a [f64],
    bin_hz: f64,
}

impl Lines<'_> {
    /// The mean power of noise lines between one and forty shaft orders, from their median: lines of defects are few.
    fn noise(&self, shaft_hz: f64) -> f64 {
        let bin = |hz: f64| (hz / self.bin_hz) as usize;
        let mut powers: Vec<f64> =
            self.amplitudes.iter().take(bin(40.0 * shaft_hz)).skip(bin(shaft_hz).max(3)).map(|a| a * a).collect();
        if powers.is_empty() {
            return 0.0;
        }
        let middle = powers.len() / 2;
        let (_, median, _) = powers.select_nth_unstable_by(middle, f64::total_cmp);
        // The power of a noise line is exponentially distributed: its median is ln 2 of its mean.
        *median / std::f64::consts::LN_2
    }

    /// The largest power near a frequency, and how many bins were looked at.
    fn peak(&self, hz: f64) -> (f64, usize) {
        let at = hz / self.bin_hz;
        let reach = (SLIP * at).max(1.0);
        let (lo, hi) = ((at - reach).round().max(1.0) as usize, (at + reach).round() as usize);
        let near = self.amplitudes.iter().skip(lo).take((hi + 1).saturating_sub(lo));
        let looked = near.clone().count();
        (near.fold(0.0_f64, |most, a| most.max(a * a)), looked)
    }

    /// The power near a frequency beyond what the largest of as many noise lines would have.
    fn beyond(&self, hz: f64, noise: f64) -> f64 {
        let (power, looked) = self.peak(hz);
        // The mean of the largest of m exponential numbers is the m-th harmonic number; neighbours under a Hann window
        // count for about half.
        let expected: f64 = (1..=looked.div_ceil(2)).map(|m| 1.0 / m as f64).sum();
        power - expected * noise
    }

    fn family(&self, hz: f64, shaft_hz: f64, noise: f64) -> Family {
        let first = self.beyond(hz, noise);
        let rest: f64 = (2..=HARMONICS).map(|h| self.beyond(h as f64 * hz, noise)).sum();
        let sidebands = self.beyond(hz - shaft_hz, noise) + self.beyond(hz + shaft_hz, noise);
        Family { excess: first + rest, first, sidebands }
    }

    /// Power over noise by order, each the largest near it.
    fn grid(&self, shaft_hz: f64, noise: f64) -> Vec<f64> {
        let at = |i: usize| i as f64 / GRID_PER_ORDER as f64 * shaft_hz / self.bin_hz;
        let power = |i: usize| {
            let (low, share) = (at(i).floor() as usize, at(i).fract());
            let of = |k: usize| self.amplitudes.get(k).map_or(0.0, |a| a * a);
            ((1.0 - share) * of(low) + share * of(low + 1)) / noise.max(f64::MIN_POSITIVE)
        };
        (0..GRID_PER_ORDER * GRID_ORDERS).map(power).collect()
    }
}
