#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use super::*;

const SETTINGS: Settings = Settings { trees: 120, leaves: 12, leaf_rows: 5, rate: 0.1, sample: 0.8 };

/// A step in the first feature, a slope in the second, nothing in the third.
fn table(rows: usize) -> (Vec<f32>, Vec<f32>) {
    let mut features = Vec::new();
    let mut targets = Vec::new();
    for row in 0..rows {
        let a = (row * 7919 % 1000) as f32 / 1000.0;
        let b = (row * 104_729 % 997) as f32 / 997.0;
        features.extend([if row % 11 == 3 { f32::NAN } else { a }, b, (row % 13) as f32]);
        let step = if row % 11 == 3 {
            5.0
        } else if a > 0.4 {
            10.0
        } else {
            0.0
        };
        targets.push(step + 3.0 * b);
    }
    (features, targets)
}

fn fitted(features: &[f32], targets: &[f32]) -> Trees {
    let mut fit = Fit::new(features, 3, targets, SETTINGS);
    while !fit.step(7) {}
    fit.finish()
}

#[test]
fn it_finds_steps_slopes_and_the_meaning_of_a_missing_value() {
    let (features, targets) = table(2000);
    let model = fitted(&features, &targets);
    assert_eq!(model.len(), SETTINGS.trees);
    for (a, b, truth) in [(0.2, 0.5, 1.5), (0.9, 0.5, 11.5), (f32::NAN, 0.1, 5.3), (0.9, 0.9, 12.7)] {
        let answer = model.predict(&[a, b, 4.0]);
        assert!((answer - truth).abs() < 0.4, "{a} {b}: {answer} for {truth}");
    }
}

#[test]
fn units_do_not_matter() {
    let (features, targets) = table(1000);
    let scaled: Vec<f32> = features.iter().map(|x| x * 1024.0).collect();
    let (one, other) = (fitted(&features, &targets), fitted(&scaled, &targets));
    assert_eq!(one.predict(&[0.3, 0.7, 1.0]), other.predict(&[0.3 * 1024.0, 0.7 * 1024.0, 1024.0]));
}

#[test]
fn nothing_to_learn_from_is_no_trap() {
    assert_eq!(fitted(&[], &[]).predict(&[1.0, 2.0, 3.0]), 0.0);
    let bad = fitted(&[1.0, 2.0, 3.0, f32::NAN, f32::INFINITY, 0.0], &[4.0, f32::NAN]);
    assert_eq!(bad.predict(&[]), 4.0);
    let damaged =
        Trees { mean: 1.0, trees: vec![vec![Node { left: 1, right: 9, ..Node::leaf(0.0) }, Node::leaf(2.0)]] };
    assert_eq!(damaged.predict(&[f32::INFINITY]), 1.0);
}
