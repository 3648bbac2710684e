#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use super::*;

const BATTERY: Battery = Battery { capacity: 4.0, flow: 4.0, efficiency: 1.0 };

/// Days of 1 kWh an hour but for one hour a day, at 12 h, of which `peaks` says the load.
fn days(peaks: &[f64]) -> History {
    let mut history = History::new(24);
    for peak in peaks {
        (0..24).for_each(|hour| history.push(Some(if hour == 12 { *peak } else { 1.0 }), Some(0.0)));
    }
    history
}

fn expect(peaks: &[f64], rate: f64) -> Demand {
    Demand::expect(&days(peaks), &BATTERY, &Costs::default(), &[0.2; 24], rate).unwrap()
}

#[test]
fn a_period_that_is_over_is_charged_for_its_peak() {
    let demand = expect(&[3.0; 6], 10.0);
    for peak in [0.0, 0.3, 2.5, 9.0] {
        assert!((demand.to_go(peak, 0.0) - 10.0 * peak).abs() < 1e-9, "{peak}: {}", demand.to_go(peak, 0.0));
    }
}

#[test]
fn what_is_bound_to_come_costs_nothing_more() {
    // Every day comes to a peak that the battery can shave to the mean load, and not below.
    let demand = expect(&[3.0; 6], 10.0);
    let low = demand.limits()[0];
    let (nothing, some) = (demand.to_go(0.0, 20.0), demand.to_go(low, 20.0));
    assert!((nothing - some).abs() < 1e-6, "{nothing} {some}");
    // A peak beyond all that may come is charged in full for each kW.
    let (high, higher) = (demand.to_go(4.0, 20.0), demand.to_go(5.0, 20.0));
    assert!((higher - high - 10.0).abs() < 1e-6, "{high} {higher}");
}

#[test]
fn the_longer_a_period_the_less_a_low_peak_is_worth() {
    // One day in ten comes to what the battery can't shave: a low peak lasts until then.
    let demand = expect(&[2.0, 2.0, 2.0, 9.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0], 10.0);
    let gain = |days: f64| demand.to_go(5.0, days) - demand.to_go(2.0, days);
    assert!(gain(1.0) > 0.0 && gain(30.0) >= 0.0);
    assert!(gain(30.0) < 0.5 * gain(1.0), "{} {}", gain(30.0), gain(1.0));
    // Days that are left in part lie between.
    let (one, two, between) = (demand.to_go(3.0, 1.0), demand.to_go(3.0, 2.0), demand.to_go(3.0, 1.5));
    assert!((between - 0.5 * (one + two)).abs() < 1e-9);
}

#[test]
fn nothing_is_expected_before_a_day_is_known() {
    let mut history = History::new(24);
    (0..23).for_each(|_| history.push(Some(1.0), Some(0.0)));
    assert_eq!(Demand::expect(&history, &BATTERY, &Costs::default(), &[0.2; 24], 10.0), None);
    // Nor of a site that never imports.
    let mut history = History::new(24);
    (0..48).for_each(|_| history.push(Some(0.0), Some(1.0)));
    assert_eq!(Demand::expect(&history, &BATTERY, &Costs::default(), &[0.2; 24], 10.0), None);
}
