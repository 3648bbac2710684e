//! The texture of a rolled surface: grain, streaks along the rolling direction (rows), and uneven light.

use super::SIDE;
use crate::noise::{normal, uniform};
use rand_pcg::Pcg64Mcg;

/// Pixels beyond which a row's streak is another one, about.
const STREAK_LENGTH: usize = 12;
/// Largest difference of the light across the picture, in standard deviations of the texture.
const LIGHT: f64 = 1.2;

/// One texture: mean about 0; standard deviation 1, light apart.
pub(super) fn draw(rng: &mut Pcg64Mcg) -> Vec<f64> {
    let coarse_share = uniform(rng, 0.02, 0.1);
    let streak_share = uniform(rng, 0.0, 0.04);
    let fine: Vec<f64> = white(rng);
    let coarse = standardised(smooth(&white(rng), 1));
    let streaks = standardised(smooth_rows(&white(rng), STREAK_LENGTH));
    let (right, down) = (uniform(rng, -LIGHT, LIGHT) / 2.0, uniform(rng, -LIGHT, LIGHT) / 2.0);
    let weights = [1.0 - coarse_share - streak_share, coarse_share, streak_share].map(f64::sqrt);
    (0..SIDE * SIDE)
        .map(|at| {
            let (x, y) = ((at % SIDE) as f64 / SIDE as f64 - 0.5, (at / SIDE) as f64 / SIDE as f64 - 0.5);
            weights[0] * fine[at] + weights[1] * coarse[at] + weights[2] * streaks[at] + right * x + down * y
        })
        .collect()
}

/// Independent normal pixels.
pub(super) fn white(rng: &mut Pcg64Mcg) -> Vec<f64> {
    (0..SIDE * SIDE).map(|_| normal(rng)).collect()
}

/// The mean over a square of 2 `reach` + 1 pixels a side, twice, which is close to a Gaussian.
pub(super) fn smooth(field: &[f64], reach: usize) -> Vec<f64> {
    let mut field = field.to_vec();
    for _ in 0..2 {
        field = transposed(&smooth_rows(&transposed(&smooth_rows(&field, reach)), reach));
    }
    field
}

/// The mean along rows over 2 `reach` + 1 pixels; at the border, over those that there are.
fn smooth_rows(field: &[f64], reach: usize) -> Vec<f64> {
    let row = |row: &[f64]| -> Vec<f64> {
        let part = |x: usize| &row[x.saturating_sub(reach)..(x + reach + 1).min(SIDE)];
        (0..SIDE).map(|x| part(x).iter().sum::<f64>() / part(x).len() as f64).collect()
    };
    field.chunks(SIDE).flat_map(row).collect()
}

fn transposed(field: &[f64]) -> Vec<f64> {
    (0..SIDE * SIDE).map(|at| field[at % SIDE * SIDE + at / SIDE]).collect()
}

/// Mean 0, standard deviation 1.
pub(super) fn standardised(mut field: Vec<f64>) -> Vec<f64> {
    let count = field.len() as f64;
    let mean = field.iter().sum::<f64>() / count;
    let sd = (field.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    field.iter_mut().for_each(|value| *value = (*value - mean) / sd);
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise;

    #[test]
    fn its_deviation_is_about_one() {
        for number in 0..20 {
            let texture = draw(&mut noise::stream(5, 1, number));
            let squares: f64 = texture.iter().map(|value| value * value).sum();
            let sd = (squares / texture.len() as f64).sqrt();
            assert!((0.9..1.25).contains(&sd), "{number}: {sd}");
        }
    }

    #[test]
    fn smoothing_keeps_a_constant_and_spreads_a_point() {
        assert!(smooth(&vec![2.0; SIDE * SIDE], 3).iter().all(|value| (value - 2.0).abs() < 1e-12));
        let mut point = vec![0.0; SIDE * SIDE];
        point[50 * SIDE + 40] = 1.0;
        let spread = smooth(&point, 1);
        assert!((spread.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((spread[50 * SIDE + 40] - 1.0 / 9.0).abs() < 1e-12, "3/9 a direction, twice");
    }
}
