//! What the accelerometer at the drive-end bearing hears.
//!
//! Shaft harmonics, the blade pass, impulses of the outer race at the ball-pass frequency that ring a structural resonance,
//! and broadband noise that cavitation raises.

use std::f64::consts::TAU;

use rand_pcg::Pcg64Mcg;

use super::machine::Machine;
use crate::fault::Race;
use crate::noise;

/// Samples a second.
pub(super) const RATE_HZ: f64 = 5120.0;
/// Samples a block: 0.4 s.
pub(super) const SAMPLES: usize = 2048;
/// Impacts of the outer race a revolution, of a nine-ball bearing.
pub(super) const BALL_PASS_PER_REV: f64 = 3.58;
/// Impacts of the inner race a revolution: the two add up to the number of balls.
pub(super) const INNER_PASS_PER_REV: f64 = 9.0 - BALL_PASS_PER_REV;
/// Vanes of the impeller.
const VANES: f64 = 6.0;
/// The housing's resonance and how fast it dies away.
const RESONANCE_HZ: f64 = 1800.0;
const RING_S: f64 = 0.0015;

/// A block of acceleration, m/s², with the machine in its present state.
pub(super) fn block(machine: &Machine, rng: &mut Pcg64Mcg) -> Vec<f32> {
    let shaft_hz = machine.speed_rpm / 60.0;
    let tones = [(1.0, 0.9), (2.0, 0.45), (3.0, 0.2), (VANES, 0.5)];
    let phases = tones.map(|_| noise::uniform(rng, 0.0, TAU));
    // A spall that spreads runs rough as well as it hammers.
    let hiss = (0.5 + 2.0 * machine.cavitation + 1.5 * machine.spread) * machine.roughness;
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|i| {
            let turns = shaft_hz * i as f64 / RATE_HZ;
            let hum: f64 = tones
                .iter()
                .zip(&phases)
                .map(|((order, size), phase)| size * (TAU * order * turns + phase).sin())
                .sum();
            hum * machine.roughness + hiss * noise::normal(rng)
        })
        .collect();
    let per_rev = match machine.race {
        Race::Outer => BALL_PASS_PER_REV,
        Race::Inner => INNER_PASS_PER_REV,
    };
    let every_s = 1.0 / (per_rev * shaft_hz);
    let mut hit_s = noise::uniform(rng, 0.0, every_s);
    while hit_s < SAMPLES as f64 / RATE_HZ {
        let size =
            (0.3 + 12.0 * machine.wear) * (1.0 + 0.2 * noise::normal(rng)) * machine.race.load_at(shaft_hz * hit_s);
        ring(&mut samples, hit_s, size);
        // Balls slip: the impacts are not quite periodic.
        hit_s += every_s * (1.0 + 0.01 * noise::normal(rng));
    }
    samples.into_iter().map(|x| x as f32).collect()
}

impl Race {
    /// The share of its hardest that an impact is after so many turns: a spall on the turning ring passes the loaded zone
    /// once a revolution.
    fn load_at(self, turns: f64) -> f64 {
        match self {
            Self::Outer => 1.0,
            Self::Inner => (0.55 + 0.45 * (TAU * turns).cos()) * 1.3,
        }
    }
}

/// Adds one impact's decaying resonance.
fn ring(samples: &mut [f64], hit_s: f64, size: f64) {
    let first = (hit_s * RATE_HZ).ceil() as usize;
    for (i, sample) in samples.iter_mut().enumerate().skip(first).take(64) {
        let since_s = i as f64 / RATE_HZ - hit_s;
        *sample += size * (-since_s / RING_S).exp() * (TAU * RESONANCE_HZ * since_s).sin();
    }
}
