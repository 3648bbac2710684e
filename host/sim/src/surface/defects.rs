//! Six defects as fields of height: 1 or −1 at their full height, 0 where there is none.

use super::SIDE;
use super::texture::{smooth, standardised, white};
use crate::noise::uniform;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::f64::consts::{PI, TAU};

/// Heights of one picture's pixels.
pub(super) struct Field {
    heights: Vec<f64>,
}

impl Field {
    /// Without any.
    pub(super) fn new() -> Field {
        Field { heights: vec![0.0; SIDE * SIDE] }
    }

    /// Row-major.
    pub(super) fn heights(&self) -> &[f64] {
        &self.heights
    }

    fn of(height: impl Fn(f64, f64) -> f64) -> Field {
        let mut field = Field::new();
        field.raise(height);
        field
    }

    /// Takes the larger of what is there and what `height` gives at each pixel.
    fn raise(&mut self, height: impl Fn(f64, f64) -> f64) {
        for (at, value) in self.heights.iter_mut().enumerate() {
            *value = value.max(height((at % SIDE) as f64, (at / SIDE) as f64));
        }
    }

    /// Dark instead of bright.
    fn negative(mut self) -> Field {
        self.heights.iter_mut().for_each(|height| *height = -*height);
        self
    }
}

/// 1 well inside, 0 well outside, over `width` pixels around a border at 0; `depth` is the distance inwards.
fn edge(depth: f64, width: f64) -> f64 {
    (0.5 + depth / width).clamp(0.0, 1.0)
}

fn count(rng: &mut Pcg64Mcg, least: usize, most: usize) -> usize {
    rng.random_range(least..=most)
}

/// Two to four lines of any direction, slightly bent.
pub(super) fn scratches(rng: &mut Pcg64Mcg) -> Field {
    let side = SIDE as f64;
    let mut field = Field::new();
    for _ in 0..count(rng, 2, 4) {
        let (x, y) = (uniform(rng, 0.25, 0.75) * side, uniform(rng, 0.25, 0.75) * side);
        let (angle, half_length) = (uniform(rng, 0.0, PI), uniform(rng, 30.0, 48.0));
        let (half_width, bend) = (uniform(rng, 1.8, 2.8), uniform(rng, -0.003, 0.003));
        let (sin, cos) = angle.sin_cos();
        field.raise(|px, py| {
            let (along, across) = ((px - x) * cos + (py - y) * sin, (py - y) * cos - (px - x) * sin);
            let aside = (across - bend * along * along).abs();
            edge(half_width - aside, 1.0) * edge(half_length - along.abs(), 4.0)
        });
    }
    field
}

/// Many small holes.
pub(super) fn pits(rng: &mut Pcg64Mcg) -> Field {
    let side = SIDE as f64;
    let mut field = Field::new();
    for _ in 0..count(rng, 26, 46) {
        let (x, y) = (uniform(rng, 0.0, side), uniform(rng, 0.0, side));
        let radius = uniform(rng, 3.2, 5.4);
        field.raise(|px, py| edge(radius - (px - x).hypot(py - y), 1.0));
    }
    field.negative()
}

/// Two to four drawn-out spots, lying about along the rows.
pub(super) fn inclusion(rng: &mut Pcg64Mcg) -> Field {
    let side = SIDE as f64;
    let mut field = Field::new();
    for _ in 0..count(rng, 2, 4) {
        let (x, y) = (uniform(rng, 0.2, 0.8) * side, uniform(rng, 0.15, 0.85) * side);
        let (half_length, half_width) = (uniform(rng, 14.0, 24.0), uniform(rng, 4.0, 6.5));
        let (sin, cos) = uniform(rng, -0.25, 0.25).sin_cos();
        field.raise(|px, py| {
            let (along, across) = ((px - x) * cos + (py - y) * sin, (py - y) * cos - (px - x) * sin);
            edge((1.0 - (along / half_length).hypot(across / half_width)) * half_width, 1.0)
        });
    }
    field.negative()
}

/// One or two large areas with a wavy, soft border.
pub(super) fn patches(rng: &mut Pcg64Mcg) -> Field {
    let side = SIDE as f64;
    let mut field = Field::new();
    for _ in 0..count(rng, 1, 2) {
        let (x, y) = (uniform(rng, 0.25, 0.75) * side, uniform(rng, 0.25, 0.75) * side);
        let radius = uniform(rng, 14.0, 24.0);
        let waves: Vec<(f64, f64, f64)> =
            (2..=5).map(|k| (f64::from(k), uniform(rng, 0.0, 0.3) / f64::from(k), uniform(rng, 0.0, TAU))).collect();
        field.raise(|px, py| {
            let (distance, angle) = ((px - x).hypot(py - y), (py - y).atan2(px - x));
            let wavy: f64 = waves.iter().map(|(k, size, phase)| size * (k * angle + phase).cos()).sum();
            edge(radius * (1.0 + wavy) - distance, 4.0)
        });
    }
    field
}

/// A wavy band of flakes along the rows.
pub(super) fn scale(rng: &mut Pcg64Mcg) -> Field {
    let side = SIDE as f64;
    let (fine, coarse) = (white(rng), uniform(rng, 0.0, 0.4));
    let near = smooth(&fine, 2);
    let far = smooth(&fine, 5);
    // What is between the two scales: flakes of some seven pixels.
    let flakes = standardised(near.iter().zip(&far).map(|(near, far)| near - far).collect());
    let (middle, half_width) = (uniform(rng, 0.3, 0.7) * side, uniform(rng, 16.0, 30.0));
    let (sway, phase, length) = (uniform(rng, 2.0, 8.0), uniform(rng, 0.0, TAU), uniform(rng, 50.0, 120.0));
    Field::of(|px, py| {
        let centre = middle + sway * (TAU * px / length + phase).sin();
        let band = edge(half_width - (py - centre).abs(), 4.0);
        band * edge(flakes[py as usize * SIDE + px as usize] - coarse, 0.6)
    })
    .negative()
}

/// The borders of cells around scattered points.
pub(super) fn crazing(rng: &mut Pcg64Mcg) -> Field {
    let side = SIDE as f64;
    let points: Vec<(f64, f64)> =
        (0..count(rng, 10, 18)).map(|_| (uniform(rng, -0.1, 1.1) * side, uniform(rng, -0.1, 1.1) * side)).collect();
    let half_width = uniform(rng, 1.6, 2.2);
    Field::of(|px, py| {
        let (mut nearest, mut second) = ((f64::MAX, (0.0, 0.0)), (f64::MAX, (0.0, 0.0)));
        for (x, y) in &points {
            let squared = (px - x).powi(2) + (py - y).powi(2);
            if squared < nearest.0 {
                second = nearest;
                nearest = (squared, (*x, *y));
            } else if squared < second.0 {
                second = (squared, (*x, *y));
            }
        }
        // The distance to the border between two cells: half the difference of the squares over the points' distance.
        let apart = (nearest.1.0 - second.1.0).hypot(nearest.1.1 - second.1.1).max(1e-9);
        edge(half_width - (second.0 - nearest.0) / (2.0 * apart), 1.0)
    })
    .negative()
}
