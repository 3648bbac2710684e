#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;

fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{got} where {expected} was expected");
}

#[test]
fn errors_by_hand() {
    let (predicted, actual) = ([3.0, 1.0, 7.0, 6.0], [1.0, 2.0, 7.0, 2.0]);
    // Errors 2, −1, 0, 4.
    close(rmse(&predicted, &actual).unwrap(), (21.0_f64 / 4.0).sqrt());
    close(mae(&predicted, &actual).unwrap(), 7.0 / 4.0);
    close(bias(&predicted, &actual).unwrap(), 5.0 / 4.0);
}

#[test]
fn late_costs_more_than_early() {
    let one = |d: f64| phm_score(&[100.0 + d], &[100.0]).unwrap();
    assert_eq!(one(0.0), 0.0);
    close(one(-13.0), std::f64::consts::E - 1.0);
    close(one(10.0), std::f64::consts::E - 1.0);
    close(one(10.0 * 2.0_f64.ln()), 1.0);
    assert!(one(20.0) > one(-20.0));
    close(phm_score(&[87.0, 110.0, 5.0], &[100.0, 100.0, 5.0]).unwrap(), 2.0 * std::f64::consts::E - 2.0);
    assert_eq!(one(1e6), f64::INFINITY);
}

#[test]
fn clipping_caps_and_keeps_nan() {
    assert_eq!(clipped(&[130.0, 125.0, 3.0, f64::INFINITY], 125.0), [125.0, 125.0, 3.0, 125.0]);
    assert!(rmse(&clipped(&[f64::NAN], 125.0), &[1.0]).is_err());
}

fn interval(lo: f64, hi: impl Into<Option<f64>>) -> Interval {
    Interval { lo, hi: hi.into() }
}

#[test]
fn coverage_counts_ends_as_covered() {
    let intervals = [interval(1.0, 2.0), interval(1.0, 2.0), interval(1.0, 2.0), interval(5.0, None)];
    let mut coverage = Coverage::count(&intervals, &[1.0, 2.0, 2.5, 1e9]).unwrap();
    assert_eq!(coverage, Coverage { covered: 3, judged: 4, one_sided: 1 });
    coverage.add(&Coverage::count(&[interval(5.0, None)], &[4.9]).unwrap());
    assert_eq!(coverage.share(), Some(0.6));
    assert_eq!(mean_width(&intervals), Some(1.0));
    assert_eq!(mean_width(&intervals[3..]), None);
    assert_eq!(Coverage::default().share(), None);
    assert_eq!(Coverage::default().p_value(0.8), Err(InputError::Empty("trials")));
}

#[test]
fn the_interval_score_is_width_and_misses() {
    let score = |interval, actual, cap| interval_score(&[interval], &[actual], 0.2, cap).unwrap();
    // Inside, half a unit below, half a unit above: 2/α is 10.
    close(score(interval(1.0, 3.0), 2.0, None), 2.0);
    close(score(interval(1.0, 3.0), 0.5, None), 7.0);
    close(score(interval(1.0, 3.0), 3.5, None), 7.0);
    // "More than 100" under a cap of 125: 25 wide; truths beyond the cap are inside; 90 is 10 below.
    close(score(interval(100.0, None), 300.0, Some(125.0)), 25.0);
    close(score(interval(100.0, None), 90.0, Some(125.0)), 125.0);
    // "More than 130" says that the cap is reached, and is wrong by 5 about 120.
    close(score(interval(130.0, None), 140.0, Some(125.0)), 0.0);
    close(score(interval(130.0, None), 120.0, Some(125.0)), 50.0);
    // Under a cap all are clipped.
    close(score(interval(100.0, 140.0), 150.0, Some(125.0)), 25.0);
    let two = [interval(0.0, 1.0), interval(0.0, 3.0)];
    close(interval_score(&two, &[0.5, 0.5], 0.1, None).unwrap(), 2.0);
    assert!(interval_score(&[interval(1.0, None)], &[2.0], 0.2, None).is_err());
    assert!(interval_score(&two, &[0.5, 0.5], 0.0, None).is_err());
    assert!(interval_score(&[interval(2.0, 1.0)], &[1.5], 0.2, None).is_err());
}

/// For truths spread evenly over 0..1, no other central interval at 80 % scores better than 0.1 to 0.9.
#[test]
fn the_interval_score_is_proper() {
    let truths: Vec<f64> = (0..1000).map(|i| (f64::from(i) + 0.5) / 1000.0).collect();
    let score = |lo, hi| interval_score(&vec![interval(lo, hi); 1000], &truths, 0.2, None).unwrap();
    for (lo, hi) in [(0.05, 0.9), (0.15, 0.9), (0.1, 0.85), (0.1, 0.95), (0.05, 0.95), (0.2, 1.0)] {
        assert!(score(0.1, 0.9) < score(lo, hi), "{lo} {hi}");
    }
}

#[test]
fn ln_gamma_knows_factorials_and_halves() {
    let mut ln_factorial = 0.0;
    for n in 1..=170 {
        close(ln_gamma(f64::from(n)), ln_factorial);
        ln_factorial += f64::from(n).ln();
    }
    // Γ(1/2) = √π, Γ(1/4) = 3.625609908221908.
    close(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln());
    close(ln_gamma(0.25), 3.625_609_908_221_908_f64.ln());
    // Stirling's series, good to 1e-15 here.
    let x: f64 = 1e6;
    close(ln_gamma(x), (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + 1.0 / (12.0 * x));
    assert!(ln_gamma(0.0).is_nan() && ln_gamma(-1.5).is_nan() && ln_gamma(f64::NAN).is_nan());
}

#[test]
fn binomial_tests_by_hand_and_as_published() {
    let p = |hits, trials, p| binomial_two_sided(hits, trials, p).unwrap();
    // A fair coin: ten of ten is 2/1024, nine of ten 22/1024, five of ten anything.
    close(p(10, 10, 0.5), 2.0 / 1024.0);
    close(p(9, 10, 0.5), 22.0 / 1024.0);
    close(p(5, 10, 0.5), 1.0);
    // A die: three of four sixes, 20/1296 + 1/1296; what is as likely on the other side does not exist.
    close(p(3, 4, 1.0 / 6.0), 21.0 / 1296.0);
    // Mendel's peas (Conover 1971, p. 97f.), which R's manual of binom.test works out as 0.3825.
    assert!((p(682, 925, 0.75) - 0.3825).abs() < 5e-5, "{}", p(682, 925, 0.75));
    assert_eq!((p(0, 3, 0.0), p(1, 3, 0.0), p(3, 3, 1.0), p(2, 3, 1.0)), (1.0, 0.0, 1.0, 0.0));
    close(p(500_000, 1_000_000, 0.5), 1.0);
    let coverage = Coverage { covered: 9, judged: 10, one_sided: 0 };
    close(coverage.p_value(0.5).unwrap(), 22.0 / 1024.0);
}

#[test]
fn bad_input_is_an_error() {
    assert!(matches!(rmse(&[1.0], &[]), Err(InputError::Lengths { .. })));
    assert_eq!(mae(&[], &[]), Err(InputError::Empty("predicted and actual")));
    assert!(matches!(bias(&[1.0, 1.0], &[1.0, f64::NAN]), Err(InputError::NotFinite { row: 1, .. })));
    assert!(matches!(phm_score(&[f64::INFINITY], &[1.0]), Err(InputError::NotFinite { row: 0, .. })));
    assert!(Coverage::count(&[interval(f64::NAN, None)], &[1.0]).is_err());
    assert!(Coverage::count(&[interval(1.0, f64::NAN)], &[1.0]).is_err());
    for (hits, trials, p) in [(2, 1, 0.5), (0, 0, 0.5), (1, 2, f64::NAN), (1, 2, 1.1), (0, MAX_TRIALS + 1, 0.5)] {
        assert!(binomial_two_sided(hits, trials, p).is_err(), "{hits} {trials} {p}");
    }
}
