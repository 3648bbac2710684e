//! A shelf of spare parts: each is asked for now and then, some pieces at a time; some go out of use.
//!
//! The model is that of the literature on intermittent demand (Syntetos, Boylan & Croston 2005; Teunter, Syntetos & Babai
//! 2011): each day a part is asked for with its probability; the size is a shifted geometric or a negative binomial one.
//! Probabilities and sizes are the seed's. A fifth of the parts goes out of use: from some day on the probability falls, to
//! nothing in the end.

use rand_distr::{Distribution, Gamma, Geometric, Poisson};
use rand_pcg::Pcg64Mcg;

use crate::noise;
use crate::plant::{Actuator, Kind, Plant, Reading, Signal, Truth, Value};

/// How many parts the shelf has.
pub const PARTS: usize = 32;
/// The day, in seconds.
const DAY_S: f64 = 86_400.0;
/// Probabilities of a day with demand, from the rarest to the most asked for; evenly by their logarithm.
const PROBABILITY: (f64, f64) = (0.06, 0.7);
/// Mean pieces of a demand, evenly by their logarithm.
const MEAN_SIZE: (f64, f64) = (1.2, 25.0);
/// Share of the parts that go out of use, over how many days each, and when the earliest and the last begin.
const ENDING_SHARE: f64 = 0.2;
const ENDING_DAYS: f64 = 60.0;
const ENDING_FROM: (f64, f64) = (250.0, 550.0);
/// The largest demand that is told.
const MAX_DEMAND: f64 = 10_000.0;
/// Noise streams, which no other plant uses.
const PART_STREAM: u64 = 170;
const DEMAND_STREAM: u64 = 171;

/// How large a demand is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// 1 + geometric, of this mean in all.
    Geometric {
        /// Pieces, above 1.
        mean: f64,
    },
    /// 1 + negative binomial, of this mean in all.
    NegativeBinomial {
        /// Pieces, above 1.
        mean: f64,
        /// The variance of what is above 1 is its mean times 1 + its mean / shape.
        shape: f64,
    },
}

/// A spare part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// That it is asked for on a day, while it is in use.
    pub probability: f64,
    /// How many pieces then.
    pub size: Size,
    /// The day from which on it goes out of use.
    pub ends: Option<f64>,
}

impl Part {
    /// The seed's part of that number.
    pub fn of_seed(seed: u64, number: usize) -> Part {
        let mut rng = noise::stream(seed, PART_STREAM, number as u64);
        let mut between = |(lo, hi): (f64, f64)| noise::uniform(&mut rng, lo, hi);
        let (low, high) = PROBABILITY;
        let probability = between((low.ln(), high.ln())).exp();
        let (low, high) = MEAN_SIZE;
        let mean = between((low.ln(), high.ln())).exp();
        let shape = between((0.5, 3.0));
        let size =
            if between((0.0, 1.0)) < 0.5 { Size::Geometric { mean } } else { Size::NegativeBinomial { mean, shape } };
        let ends = between((0.0, 1.0)) < ENDING_SHARE;
        Part { probability, size, ends: ends.then(|| between(ENDING_FROM)) }
    }

    /// The probability of a demand on a day.
    pub fn probability_on(&self, day: f64) -> f64 {
        let left = self.ends.map_or(1.0, |from| (1.0 - (day - from) / ENDING_DAYS).clamp(0.0, 1.0));
        self.probability * left
    }

    /// The mean of a demand's pieces.
    pub fn mean_size(&self) -> f64 {
        match self.size {
            Size::Geometric { mean } | Size::NegativeBinomial { mean, .. } => mean,
        }
    }

    /// A day's demand, in whole pieces.
    fn draw(&self, day: f64, rng: &mut Pcg64Mcg) -> f64 {
        if noise::uniform(rng, 0.0, 1.0) >= self.probability_on(day) {
            return 0.0;
        }
        let above = match self.size {
            Size::Geometric { mean } => {
                Geometric::new(1.0 / mean).expect("a mean above 1 gives a probability").sample(rng) as f64
            }
            Size::NegativeBinomial { mean, shape } => {
                // A Poisson variable whose mean is gamma-distributed.
                let rate = Gamma::new(shape, (mean - 1.0) / shape).expect("shape and mean are positive").sample(rng);
                Poisson::new(rate.max(1e-12)).expect("the rate is positive").sample(rng)
            }
        };
        (1.0 + above).min(MAX_DEMAND)
    }
}

/// The demand of `days` days of the seed's part of that number.
pub fn demand(seed: u64, number: usize, days: usize) -> Vec<f64> {
    let part = Part::of_seed(seed, number);
    (0..days).map(|day| demand_on(seed, &part, number, day)).collect()
}

fn demand_on(seed: u64, part: &Part, number: usize, day: usize) -> f64 {
    let mut rng = noise::stream(seed, DEMAND_STREAM, (day * PARTS + number) as u64);
    part.draw(day as f64, &mut rng)
}

/// Its signals: what was asked for on the last whole day, in pieces, of each part.
pub fn signals() -> Vec<Signal> {
    let signal = |name| Signal { name, unit: "1", kind: Kind::Value, range: (0.0, MAX_DEMAND) };
    NAMES.map(signal).to_vec()
}

const NAMES: [&str; PARTS] = [
    "parts.01", "parts.02", "parts.03", "parts.04", "parts.05", "parts.06", "parts.07", "parts.08", "parts.09",
    "parts.10", "parts.11", "parts.12", "parts.13", "parts.14", "parts.15", "parts.16", "parts.17", "parts.18",
    "parts.19", "parts.20", "parts.21", "parts.22", "parts.23", "parts.24", "parts.25", "parts.26", "parts.27",
    "parts.28", "parts.29", "parts.30", "parts.31", "parts.32",
];

/// The shelf.
#[derive(Debug, Clone)]
pub struct Shelf {
    seed: u64,
    signals: Vec<Signal>,
    parts: Vec<Part>,
    time_s: f64,
}

impl Shelf {
    /// The seed's parts, on the first morning.
    pub fn new(seed: u64) -> Self {
        let parts = (0..PARTS).map(|number| Part::of_seed(seed, number)).collect();
        Self { seed, signals: signals(), parts, time_s: 0.0 }
    }

    /// Whole days that have passed. A millisecond forgives the rounding of slices.
    fn days(&self) -> usize {
        ((self.time_s + 1e-3) / DAY_S).floor() as usize
    }
}

impl Plant for Shelf {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &[]
    }

    fn advance(&mut self, dt_s: f64) {
        if dt_s.is_finite() && dt_s > 0.0 {
            self.time_s += dt_s;
        }
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        // Before the first night nothing is known.
        let Some(day) = self.days().checked_sub(1) else { return };
        for (number, part) in self.parts.iter().enumerate() {
            let pieces = demand_on(self.seed, part, number, day);
            out.push(Reading { signal: number, value: Value::Number(pieces) });
        }
    }

    fn write(&mut self, _actuator: usize, _value: f64) {}

    fn truth(&self) -> Truth {
        Truth { time_s: self.time_s, ..Truth::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demand_has_the_parts_mean() {
        let (seed, days) = (3, 4_000);
        let usual: Vec<usize> = (0..PARTS).filter(|number| Part::of_seed(seed, *number).ends.is_none()).collect();
        assert!((16..32).contains(&usual.len()), "seed {seed}: {} parts stay in use", usual.len());
        let (mut seen, mut expected) = (0.0, 0.0);
        for number in usual {
            let part = Part::of_seed(seed, number);
            let demands = demand(seed, number, days);
            assert!(demands.iter().all(|pieces| pieces.fract() == 0.0 && *pieces >= 0.0));
            let share = demands.iter().filter(|pieces| **pieces > 0.0).count() as f64 / days as f64;
            assert!((share - part.probability).abs() < 0.03, "seed {seed}, part {number}: {share}");
            let mean = demands.iter().sum::<f64>() / days as f64;
            seen += mean / (part.probability * part.mean_size());
            expected += 1.0;
        }
        assert!((seen / expected - 1.0).abs() < 0.03, "seed {seed}: {seen} of {expected}");
    }

    #[test]
    fn some_parts_go_out_of_use() {
        let seed = 3;
        let ending = (0..PARTS).find(|number| Part::of_seed(seed, *number).ends.is_some()).expect("a fifth does");
        let demands = demand(seed, ending, 1_000);
        assert!(demands[..250].iter().any(|pieces| *pieces > 0.0));
        assert!(demands[620..].iter().all(|pieces| *pieces == 0.0), "seed {seed}, part {ending}");
    }

    #[test]
    fn each_morning_tells_the_day_before() {
        let mut shelf = Shelf::new(5);
        let mut out = Vec::new();
        shelf.read(&mut out);
        assert!(out.is_empty());
        (0..72).for_each(|_| shelf.advance(3_600.0));
        shelf.read(&mut out);
        let first = demand(5, 0, 3)[2];
        assert_eq!((out.len(), &out[0].value), (PARTS, &Value::Number(first)));
    }
}
