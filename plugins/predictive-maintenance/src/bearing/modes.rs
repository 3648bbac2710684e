//! What a point says of each failure mode, against what is usual.

use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Usual, signal};
use super::features::Family;
use super::point::Point;

/// A defect's lines stand out from this on: standard deviations of the usual, and in units of the noise at least.
const FAMILY_SD: f64 = 5.0;
const FAMILY_MIN: f64 = 3.0;
/// Where no orders are given, of many families one is the strongest by chance.
const STRONGEST_SD: f64 = 6.0;
const STRONGEST_MIN: f64 = 8.0;
/// The amplitude at the shaft's speed over the usual one.
const UNBALANCE: f64 = 2.0;
/// The RMS above the high-pass over the usual one; load alone changes it by half.
const BROADBAND: f64 = 2.0;
/// A broadband rise of which periodic impacts hold more than this share is the bearing's.
const PERIODIC: f64 = 0.2;
/// A defect's lines have drowned where the band's mean square is beyond so many times theirs.
const DROWNED: f64 = 4.0;
/// Growth of the amplitude at the shaft's speed at which an unbalanced machine is stopped: from the middle of zone A to
/// the limit of zone C of ISO 20816 it is about a factor of six.
const UNBALANCE_FAILURE: f64 = 6.0;

/// How a machine fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Mode {
    /// Nothing is seen.
    #[default]
    None,
    /// The bearing's standing ring.
    OuterRace,
    /// The bearing's turning ring.
    InnerRace,
    /// A ball or roller.
    RollingElement,
    /// The cage.
    Cage,
    /// More vibration at the shaft's speed.
    Unbalance,
    /// More noise at high frequencies, without a period: cavitation, or a rub.
    Cavitation,
}

impl Mode {
    /// As results name it; empty for none.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::None => "",
            Mode::OuterRace => "bearing outer race",
            Mode::InnerRace => "bearing inner race",
            Mode::RollingElement => "bearing rolling element",
            Mode::Cage => "bearing cage",
            Mode::Unbalance => "unbalance",
            Mode::Cavitation => "cavitation",
        }
    }

    /// Whether it is the bearing that wears, which only ever goes one way.
    #[must_use]
    pub fn is_bearing(self) -> bool {
        match self {
            Mode::OuterRace | Mode::InnerRace | Mode::RollingElement | Mode::Cage => true,
            Mode::None | Mode::Unbalance | Mode::Cavitation => false,
        }
    }

    /// Whether the defect turns with the shaft, or rolls through the loaded zone: its lines then have neighbours.
    fn turns(self) -> bool {
        matches!(self, Mode::InnerRace | Mode::RollingElement)
    }
}

/// What a point says.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Evidence {
    pub(crate) time_s: f64,
    pub(crate) mode: Mode,
    /// Where the orders are not known: the one that stands out.
    pub(crate) order: Option<f64>,
    /// The bearing's indicator over the quietest healthy RMS above the high-pass.
    pub(crate) bearing: f64,
    /// Variance of its logarithm.
    pub(crate) variance: f64,
    /// Share of the way to failure, by the mode that is furthest: 0 as new, 1 failed.
    pub(crate) gone: f64,
}

impl Evidence {
    pub(crate) fn is_sound(&self) -> bool {
        let numbers = [self.time_s, self.order.unwrap_or(0.0), self.bearing, self.variance, self.gone];
        numbers.iter().all(|x| x.is_finite())
    }
}

/// Judges points for one machine.
pub(crate) struct Judge<'a> {
    pub(crate) baseline: &'a Baseline,
    /// The modes of the families, in their order.
    pub(crate) modes: &'a [Mode],
    /// The bearing's indicator at its failure, over the quietest healthy RMS above the high-pass.
    pub(crate) failure: f64,
    /// Scatter of the logarithm of one point's indicator, however clear the defect.
    pub(crate) scatter: f64,
}

impl Judge<'_> {
    pub(crate) fn weigh(&self, point: &Point) -> Evidence {
        let band = point.band_rms / self.baseline.band.mean.exp();
        let turn = point.turn / self.baseline.turn.mean.exp();
        let families = point.families.iter().zip(&self.baseline.families).zip(self.modes);
        let strongest = families
            .map(|((family, usual), mode)| {
                let limit = usual.mean + (FAMILY_SD * usual.sd()).max(FAMILY_MIN);
                (signal(family, point.noise) / limit, family, *usual, *mode)
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let (clear, family, usual, mode) = strongest.unwrap_or((0.0, &NO_FAMILY, Usual::default(), Mode::None));
        let (bearing, variance) = self.indicator(point, family, usual, mode, band);
        let hiss = (band * band - 1.0).max(0.0).sqrt();
        let mut evidence = Evidence {
            time_s: point.time_s,
            mode: Mode::None,
            order: self.unknown(point),
            bearing,
            variance,
            gone: bearing / self.failure,
        };
        let aperiodic = clear < 1.0 || bearing * bearing < PERIODIC * hiss * hiss;
        if band >= BROADBAND && aperiodic && evidence.order.is_none() {
            evidence.mode = Mode::Cavitation;
            evidence.gone = hiss / self.failure;
        } else if clear >= 1.0 {
            evidence.mode = mode;
        } else if turn >= UNBALANCE {
            evidence.mode = Mode::Unbalance;
            evidence.gone = (turn - 1.0) / (UNBALANCE_FAILURE - 1.0);
        }
        evidence
    }

    /// The RMS of the defect's ringing beyond the usual one, over the quietest healthy RMS above the high-pass, and the
    /// variance of its logarithm.
    ///
    /// Balls always ring a little as they pass: a spall's impacts come on top of that at the same moments, so that their
    /// sizes add. Where a defect's lines drown in what it roughened, the rise of the whole band joins.
    fn indicator(&self, point: &Point, family: &Family, usual: Usual, mode: Mode, band: f64) -> (f64, f64) {
        let scale = self.baseline.quiet_rms();
        let ringing = family.mean_square(mode.turns()).sqrt() / scale;
        // The defect itself raises the noise lines: those of a healthy machine count.
        let healthy_noise = point.noise.min(self.baseline.noise);
        let before = Family { excess: usual.mean * healthy_noise, ..NO_FAMILY }.mean_square(false).sqrt() / scale;
        let periodic = (ringing - before).max(0.0);
        let drowned = (band * band - DROWNED * (periodic * periodic + 1.0)).clamp(0.0, DROWNED * periodic * periodic);
        let indicator = (periodic * periodic + drowned).sqrt();
        // The ringing goes as the fourth root of the lines' power, and what is left of it scatters the more.
        let noise = point.noise.max(healthy_noise * usual.sd());
        let strength = (family.excess + family.sidebands.max(0.0)).max(noise);
        let relative =
            (self.scatter + 0.25 * noise / strength) * ringing / periodic.max(1e-3 * ringing + f64::MIN_POSITIVE);
        (indicator, self.scatter * self.scatter + relative * relative)
    }

    /// The order of a family that stands out where none is known.
    fn unknown(&self, point: &Point) -> Option<f64> {
        let usual = &self.baseline.strongest;
        let limit = usual.mean + (STRONGEST_SD * usual.sd()).max(STRONGEST_MIN);
        point.strongest.filter(|s| self.modes.is_empty() && s.score >= limit).map(|s| s.order)
    }
}

const NO_FAMILY: Family = Family { excess: 0.0, first: 0.0, sidebands: 0.0 };
