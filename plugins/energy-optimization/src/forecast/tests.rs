#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use super::*;

/// A works that runs from 8 to 17 on six days, and idles otherwise.
fn works(local: Local, scale: f64) -> f64 {
    let on = local.weekday < 6 && (32..68).contains(&local.slot);
    let ripple = f64::from(local.slot % 7) / 8.0;
    scale * if on { 80.0 + 4.0 * ripple } else { 4.0 + ripple }
}

fn local(quarter: usize) -> Local {
    Local { slot: (quarter % SLOTS) as u8, weekday: (quarter / SLOTS % 7) as u8 }
}

fn taught(days: usize, scale: f64) -> Forecaster {
    let mut forecaster = Forecaster::new();
    for quarter in 0..days * SLOTS {
        assert!(forecaster.push(quarter as i64, local(quarter), Some(works(local(quarter), scale))));
    }
    forecaster
}

#[test]
fn nothing_known_is_no_forecast_and_one_value_stays() {
    let mut forecaster = Forecaster::new();
    assert_eq!((forecaster.next(), forecaster.ahead()), (None, Vec::new()));
    forecaster.push(10, local(10), None);
    assert_eq!(forecaster.next(), None);
    forecaster.push(11, local(11), Some(7.0));
    assert_eq!(forecaster.next(), Some(7.0));
    assert!(forecaster.ahead().iter().all(|&load| load == 7.0));
    assert!(!forecaster.push(11, local(11), Some(9.0)), "the same quarter hour twice");
}

#[test]
fn a_pattern_is_learnt_and_its_unit_does_not_matter() {
    let (one, other) = (taught(9, 1.0), taught(9, 1024.0));
    let (near, far) = (one.ahead(), other.ahead());
    assert_eq!(near.len(), HORIZON);
    for (h, (a, b)) in near.iter().zip(&far).enumerate() {
        let truth = works(local(9 * SLOTS + h), 1.0);
        // Two days of regressions are few; the step is 76.
        assert!((a - truth).abs() < 12.0, "{h}: {a} for {truth}");
        assert!((a * 1024.0 - b).abs() < 1e-3 * b.abs(), "{h}: {a} {b}");
    }
}

#[test]
fn what_was_learnt_survives_as_bytes() {
    let one = taught(9, 1.0);
    let bytes = postcard::to_allocvec(&one).unwrap();
    let mut other: Forecaster = postcard::from_bytes(&bytes).unwrap();
    assert_eq!((one.next(), one.ahead()), (other.next(), other.ahead()));
    assert!(other.push(9 * SLOTS as i64, local(0), Some(4.0)) && other.next().is_some_and(f64::is_finite));
}

#[test]
fn holes_nonsense_and_lone_spikes_do_not_break_it() {
    let mut forecaster = taught(8, 1.0);
    let before = forecaster.range();
    let mut quarter = 8 * SLOTS;
    for bad in [None, Some(f64::NAN), Some(f64::INFINITY), Some(1e30), Some(1e6)] {
        // The spikes are apart: two in a row would be believed.
        for load in [bad, Some(4.0)] {
            forecaster.push(quarter as i64, local(quarter), load);
            quarter += 1;
            assert!(forecaster.next().is_some_and(f64::is_finite), "{bad:?}");
        }
    }
    assert_eq!(forecaster.range().1, before.1, "no spike was believed");
    // A hole of a day and a half keeps the clock; one of two months starts anew.
    quarter += 150;
    forecaster.push(quarter as i64, local(quarter), Some(works(local(quarter), 1.0)));
    let rows = forecaster.history().len();
    assert_eq!(rows, quarter + 1);
    assert!(forecaster.history().rows().enumerate().all(|(at, row)| row.local == local(at)));
    quarter += 60 * SLOTS;
    forecaster.push(quarter as i64, local(quarter), Some(5.0));
    assert_eq!(forecaster.history().len(), 1);
    assert!(forecaster.ahead().iter().all(|load| load.is_finite()));
}

#[test]
fn a_level_that_doubles_five_times_over_is_believed_when_it_stays() {
    let mut forecaster = taught(3, 1.0);
    for step in 0..3 {
        let quarter = 3 * SLOTS + step;
        forecaster.push(quarter as i64, local(quarter), Some(1000.0));
    }
    assert_eq!(forecaster.history().last_load(), Some(1000.0));
}

#[test]
fn days_of_23_and_25_hours_keep_the_morning_where_it_is() {
    for (lost, twice) in [(true, false), (false, true)] {
        let mut forecaster = taught(6, 1.0);
        // A Sunday that lacks two o'clock, or has it twice, and the Monday's first hours.
        let hours = (0..24).flat_map(|hour| {
            std::iter::repeat_n(hour, if hour != 2 { 1 } else { 1 + usize::from(twice) - usize::from(lost) })
        });
        let sunday = hours.flat_map(|hour| hour * 4..hour * 4 + 4).map(|slot| Local { slot: slot as u8, weekday: 6 });
        for (quarter, local) in (6 * SLOTS as i64..).zip(sunday) {
            assert!(forecaster.push(quarter, local, Some(works(local, 1.0))));
        }
        let ahead = forecaster.ahead();
        let rise = ahead.windows(2).position(|pair| pair[1] > pair[0] + 30.0);
        // The forecast's first value is that of midnight, so that the 33rd is eight o'clock's.
        assert_eq!(rise, Some(31), "lost {lost}, twice {twice}");
    }
}
