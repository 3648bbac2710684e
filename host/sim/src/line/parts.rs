//! What the seed puts on the belt, and what is wrong with each part.

use crate::noise;
use crate::surface::Class;

/// Nominal length, width and height, in millimetres.
pub const NOMINAL_MM: [f64; 3] = [60.0, 40.0, 12.0];
/// A part whose size is farther off than this is bad.
pub const TOLERANCE_MM: f64 = 0.2;
/// How good parts vary; four of these are within the tolerance, with room for the gauge.
const SD_MM: f64 = 0.04;
/// From one part to the next, in metres.
const PITCH_M: (f64, f64) = (0.17, 0.35);
/// Shares of parts of a wrong size, and with a flaw of the surface.
const WRONG_SIZES: f64 = 0.02;
const FLAWS: f64 = 0.04;
/// How far a wrong size is off, in millimetres: a gauge can tell it.
const OFF_MM: (f64, f64) = (0.28, 0.8);
const STREAM: u64 = 303;

/// A part.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// From 0, in the order of the belt.
    pub number: u64,
    /// To the part before.
    pub pitch_m: f64,
    /// Length, width and height.
    pub size_mm: [f64; 3],
    /// What its surface is like.
    pub surface: Class,
}

impl Part {
    /// What is wrong with it; empty: nothing.
    pub fn defect(&self) -> &'static str {
        let is_off = |(size, nominal): (&f64, f64)| (size - nominal).abs() > TOLERANCE_MM;
        if self.size_mm.iter().zip(NOMINAL_MM).any(is_off) {
            "size"
        } else if self.surface == Class::Good {
            ""
        } else {
            self.surface.name()
        }
    }
}

/// The part of this number.
pub(super) fn feed(seed: u64, number: u64) -> Part {
    let mut rng = noise::stream(seed, STREAM, number);
    let pitch_m = noise::uniform(&mut rng, PITCH_M.0, PITCH_M.1);
    // Within the tolerance by more than the gauge's noise, so that good and bad are what they are.
    let mut size_mm = NOMINAL_MM.map(|nominal| nominal + (SD_MM * noise::normal(&mut rng)).clamp(-0.12, 0.12));
    let kind = noise::uniform(&mut rng, 0.0, 1.0);
    if kind < WRONG_SIZES {
        let which = noise::uniform(&mut rng, 0.0, 3.0) as usize;
        let off = noise::uniform(&mut rng, OFF_MM.0, OFF_MM.1);
        let sign = if noise::uniform(&mut rng, 0.0, 1.0) < 0.5 { -1.0 } else { 1.0 };
        size_mm[which.min(2)] = NOMINAL_MM[which.min(2)] + sign * off;
    }
    let flaws: Vec<Class> = Class::ALL.into_iter().filter(|class| *class != Class::Good).collect();
    // Each as often as the others.
    let place = ((kind - WRONG_SIZES) / FLAWS * flaws.len() as f64).floor();
    let flaw = if 0.0 <= place { flaws.get(place as usize) } else { None };
    Part { number, pitch_m, size_mm, surface: flaw.copied().unwrap_or(Class::Good) }
}
