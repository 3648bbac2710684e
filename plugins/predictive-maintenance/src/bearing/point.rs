//! A few blocks together: what is judged at once.

use serde::{Deserialize, Serialize};

use super::features::{Family, Features, GRID_ORDERS, GRID_PER_ORDER};

/// Blocks a point.
pub(crate) const BLOCKS: usize = 5;
/// Defects are looked for from this order on: a cage passes less often, and its lines are buried by the shaft's.
const ORDER_MIN: f64 = 2.1;
/// …and up to this one.
const ORDER_MAX: f64 = 12.5;
/// Lines so near to a whole order are the shaft's own and the blades'.
const WHOLE: f64 = 0.13;
/// A line has at least this power over the noise to count as a harmonic; more than the other bound counts no further, so
/// that one strong line is no family.
const LINE_MAX: f64 = 50.0;

/// The strongest family of lines where no orders are given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Strongest {
    /// Defect frequency over the shaft's.
    pub(crate) order: f64,
    /// Power of its first three harmonics over the noise, each bounded.
    pub(crate) score: f64,
}

/// Averages over [`BLOCKS`] blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) time_s: f64,
    pub(crate) rms: f64,
    pub(crate) band_rms: f64,
    pub(crate) turn: f64,
    pub(crate) kurtosis: f64,
    pub(crate) crest: f64,
    pub(crate) noise: f64,
    pub(crate) families: Vec<Family>,
    pub(crate) strongest: Option<Strongest>,
    /// The envelope's spectrum over its noise, by order; empty where it was not asked for.
    pub(crate) orders: Vec<f32>,
}

/// Collects blocks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Collector {
    times_s: Vec<f64>,
    /// RMS, RMS above the high-pass, amplitude at the shaft's speed, kurtosis, crest factor.
    levels: [Vec<f64>; 5],
    noise: f64,
    families: Vec<Family>,
    orders: Vec<f32>,
}

impl Collector {
    /// Blocks so far.
    pub(crate) fn len(&self) -> usize {
        self.times_s.len()
    }

    /// Takes a block; gives the point that it completes.
    pub(crate) fn take(&mut self, time_s: f64, block: &Features) -> Option<Point> {
        self.times_s.push(time_s);
        let levels = [block.rms, block.band_rms, block.turn, block.kurtosis, block.crest];
        self.levels.iter_mut().zip(levels).for_each(|(all, x)| all.push(x));
        self.noise += block.noise / BLOCKS as f64;
        self.families.resize(block.families.len(), Family::default());
        for (sum, family) in self.families.iter_mut().zip(&block.families) {
            sum.excess += family.excess / BLOCKS as f64;
            sum.first += family.first / BLOCKS as f64;
            sum.sidebands += family.sidebands / BLOCKS as f64;
        }
        self.orders.resize(block.orders.len(), 0.0);
        self.orders.iter_mut().zip(&block.orders).for_each(|(sum, x)| *sum += *x as f32 / BLOCKS as f32);
        (self.len() >= BLOCKS).then(|| std::mem::take(self).finish())
    }

    fn finish(self) -> Point {
        let [rms, band_rms, turn, kurtosis, crest] = self.levels.map(median);
        Point {
            time_s: self.times_s.iter().sum::<f64>() / self.times_s.len().max(1) as f64,
            rms,
            band_rms,
            turn,
            kurtosis,
            crest,
            noise: self.noise,
            families: self.families,
            strongest: strongest(&self.orders),
            orders: self.orders,
        }
    }

    pub(crate) fn is_sound(&self, families: usize) -> bool {
        let blocks = self.len();
        blocks < BLOCKS
            && self.levels.iter().all(|all| all.len() == blocks)
            && self.noise.is_finite()
            && (self.families.len() == families || blocks == 0)
            && self.orders.len() <= GRID_ORDERS * GRID_PER_ORDER
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    let middle = all.len() / 2;
    if all.is_empty() { f64::NAN } else { *all.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

/// The power at an order of a spectrum by order.
pub(crate) fn line(orders: &[f32], order: f64) -> f64 {
    let middle = (order * GRID_PER_ORDER as f64).round() as usize;
    orders.iter().skip(middle.saturating_sub(1)).take(3).fold(0.0_f64, |most, x| most.max(f64::from(*x)))
}

/// The order whose first three harmonics stand out most from an averaged envelope spectrum.
fn strongest(orders: &[f32]) -> Option<Strongest> {
    let at = |order: f64| line(orders, order).min(LINE_MAX);
    let (from, until) = ((ORDER_MIN * GRID_PER_ORDER as f64) as usize, (ORDER_MAX * GRID_PER_ORDER as f64) as usize);
    let candidates = (from..until).map(|i| i as f64 / GRID_PER_ORDER as f64);
    let apart = candidates.filter(|order| (order - order.round()).abs() > WHOLE);
    // The first harmonic is a defect's strongest: half as strong as the second, the order is only a part of another.
    let scored = apart.filter_map(|order| {
        let lines = [at(order), at(2.0 * order), at(3.0 * order)];
        let own = *orders.get((order * GRID_PER_ORDER as f64).round() as usize)?;
        (lines[0] >= 0.8 * lines[1]).then(|| (order, lines.iter().sum::<f64>() + 1e-3 * f64::from(own)))
    });
    let (order, score) = scored.max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Strongest { order, score })
}
