//! How the belt runs: changes of speed, stops and starts, all from the seed.

use super::STEP_S;
use crate::noise;

/// Speeds that the line is set to, in m/s.
const SPEED_M_S: (f64, f64) = (0.3, 0.6);
/// A ramp, in m/s².
const RAMP: f64 = 0.5;
/// A stop that somebody pulled.
const SUDDEN: f64 = 2.0;
/// How long a speed is held, and how long it stands, in seconds.
const HELD_S: (f64, f64) = (15.0, 90.0);
const STANDS_S: (f64, f64) = (2.0, 15.0);
/// Shares of changes that are stops, and of stops that are sudden.
const STOPS: f64 = 0.3;
const SUDDEN_STOPS: f64 = 0.3;
const STREAM: u64 = 302;

/// A belt in motion.
#[derive(Debug, Clone)]
pub struct Belt {
    seed: u64,
    /// Orders so far.
    orders: u64,
    /// What it is to run at, how fast it gets there, and until when that holds.
    target: f64,
    ramp: f64,
    until_s: f64,
    time_s: f64,
    speed: f64,
    way_m: f64,
}

impl Belt {
    /// Standing, about to start.
    pub(super) fn new(seed: u64) -> Belt {
        Belt { seed, orders: 0, target: 0.0, ramp: RAMP, until_s: 1.0, time_s: 0.0, speed: 0.0, way_m: 0.0 }
    }

    /// One step of the line; `held` keeps it from running.
    pub(super) fn step(&mut self, held: bool) {
        self.time_s += STEP_S;
        if self.until_s <= self.time_s {
            self.order();
        }
        let (target, ramp) = if held { (0.0, SUDDEN) } else { (self.target, self.ramp) };
        let before = self.speed;
        let change = (target - before).clamp(-ramp * STEP_S, ramp * STEP_S);
        self.speed = before + change;
        self.way_m += 0.5 * (before + self.speed) * STEP_S;
    }

    fn order(&mut self) {
        self.orders += 1;
        let mut rng = noise::stream(self.seed, STREAM, self.orders);
        let mut between = |(lo, hi): (f64, f64)| noise::uniform(&mut rng, lo, hi);
        let (kind, suddenness) = (between((0.0, 1.0)), between((0.0, 1.0)));
        let stops = self.target > 0.0 && kind < STOPS;
        self.target = if stops { 0.0 } else { between(SPEED_M_S) };
        self.ramp = if stops && suddenness < SUDDEN_STOPS { SUDDEN } else { RAMP };
        self.until_s = self.time_s + between(if stops { STANDS_S } else { HELD_S });
    }

    /// How far it went, in metres.
    pub fn way_m(&self) -> f64 {
        self.way_m
    }

    /// How fast it runs, in m/s.
    pub fn speed(&self) -> f64 {
        self.speed
    }
}
