//! Croston's arithmetic, the choice of a method, quantiles.

use super::*;

fn of(demands: &[f64]) -> Intermittent {
    let mut series = Intermittent::default();
    demands.iter().for_each(|demand| series.push(Some(*demand)));
    series
}

#[test]
fn a_steady_rhythm_is_found_exactly() {
    let demands: Vec<f64> = (1..=200).map(|period| if period % 4 == 0 { 6.0 } else { 0.0 }).collect();
    let series = of(&demands);
    assert_eq!((series.adi(), series.cv2()), (Some(4.0), Some(0.0)));
    assert!(series.is_intermittent() && !series.is_ending());
    assert!((series.mean(Method::Croston) - 1.5).abs() < 1e-9);
    assert!((series.mean(Method::Sba) - 1.5 * (1.0 - RATE / 2.0)).abs() < 1e-9);
    assert!((series.mean(Method::Tsb) - 1.5).abs() < 0.15, "{}", series.mean(Method::Tsb));
    assert_eq!(series.method(), Method::Sba);
    let quantiles = series.quantiles();
    assert_eq!(quantiles, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 6.0, 6.0, 6.0]);
}

#[test]
fn demand_that_ends_is_seen_by_tsb() {
    let mut demands: Vec<f64> = (1..=100).map(|period| if period % 3 == 0 { 5.0 } else { 0.0 }).collect();
    demands.extend([0.0; 60]);
    let series = of(&demands);
    assert!(series.is_ending());
    assert_eq!(series.method(), Method::Tsb);
    assert!(series.mean(Method::Tsb) < 0.1 && series.mean(Method::Croston) > 1.5);
    assert!(series.quantiles().iter().all(|quantile| *quantile == 0.0));
}

#[test]
fn what_always_comes_is_not_intermittent() {
    let series = of(&[3.0, 4.0, 3.0, 0.0, 5.0, 4.0, 3.0, 4.0, 4.0]);
    assert!(!series.is_intermittent());
    assert_eq!(series.method(), Method::Croston);
    assert!(!of(&[0.0, 2.0, 0.0, -1.0, 0.0, 0.0, 3.0, 0.0, 1.0]).is_intermittent(), "returns are no demand");
}

#[test]
fn nothing_is_known_of_nothing() {
    for series in [of(&[]), of(&[0.0; 9]), Intermittent::default()] {
        assert!(!series.is_intermittent() && !series.is_ending());
        assert_eq!(series.mean(series.method()), 0.0);
        assert_eq!(series.quantiles(), [0.0; LEVELS.len()]);
    }
    let mut series = of(&[0.0, 4.0, 0.0, 2.0, 0.0, 3.0]);
    let before = series.quantiles();
    series.push(None);
    assert_eq!(series.quantiles(), before);
}

#[test]
fn quantiles_rise_and_keep_whole_pieces() {
    let demands: Vec<f64> = (0..300).map(|i| if i % 3 == 0 { f64::from(1 + i * 7 % 11) } else { 0.0 }).collect();
    let quantiles = of(&demands).quantiles();
    assert!(quantiles.windows(2).all(|pair| pair[0] <= pair[1]), "{quantiles:?}");
    assert!(quantiles.iter().all(|quantile| quantile.fract() == 0.0));
    assert!((8.0..=11.0).contains(&quantiles[7]), "{quantiles:?}");
    let fractions: Vec<f64> = demands.iter().map(|demand| demand * 0.3).collect();
    assert!(of(&fractions).quantiles().iter().any(|quantile| quantile.fract() != 0.0));
}
