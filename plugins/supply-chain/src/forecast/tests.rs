//! Odd series: short ones, gaps, zeros, steps, constants, unknown calendars.

use super::*;

const HOUR_NS: i64 = 3_600_000_000_000;
const DAY_NS: i64 = 24 * HOUR_NS;

/// A cheap noise in −1 … 1.
fn noise(at: usize) -> f64 {
    let mixed = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// A day's and a week's wave, with a little noise.
fn hourly(at: usize) -> f64 {
    let day = std::f64::consts::TAU * (at % 24) as f64 / 24.0;
    let weekend = if at / 24 % 7 >= 5 { 0.7 } else { 1.0 };
    weekend * (100.0 + 40.0 * day.sin() + 10.0 * (2.0 * day).cos()) + 2.0 * noise(at)
}

fn learnt(step_ns: i64, settings: Settings, values: impl IntoIterator<Item = Option<f64>>) -> Forecaster {
    let mut forecaster = Forecaster::new(settings);
    for (at, value) in values.into_iter().enumerate() {
        forecaster.push(at as i64 * step_ns, value);
    }
    forecaster
}

fn check(name: &str, quantiles: &[Vec<f64>], horizon: usize) {
    assert_eq!(quantiles.len(), horizon, "{name}");
    for (step, quantiles) in quantiles.iter().enumerate() {
        assert_eq!(quantiles.len(), LEVELS.len(), "{name}, step {step}");
        assert!(quantiles.iter().all(|value| value.is_finite()), "{name}, step {step}: {quantiles:?}");
        assert!(quantiles.windows(2).all(|pair| pair[0] <= pair[1]), "{name}, step {step}: {quantiles:?}");
    }
}

/// The mean distance of the medians from what comes.
fn off(quantiles: &[Vec<f64>], truth: impl Fn(usize) -> f64) -> f64 {
    let each = quantiles.iter().enumerate().map(|(step, quantiles)| (quantiles[MEDIAN] - truth(step)).abs());
    each.sum::<f64>() / quantiles.len() as f64
}

#[test]
fn a_clean_season_is_learnt_within_its_noise() {
    let n = 600;
    let quantiles = learnt(HOUR_NS, Settings::default(), (0..n).map(|at| Some(hourly(at)))).forecast();
    check("hourly", &quantiles, 48);
    let off = off(&quantiles, |step| hourly(n + step));
    assert!(off < 2.0, "{off}");
    let inside = (0..48).filter(|step| {
        let (came, quantiles) = (hourly(n + step), &quantiles[*step]);
        quantiles[2] <= came && came <= quantiles[6]
    });
    assert!(inside.count() >= 30);
}

#[test]
fn scale_and_shift_change_nothing_else() {
    let told =
        |scale: f64| learnt(HOUR_NS, Settings::default(), (0..500).map(|at| Some(scale * hourly(at)))).forecast();
    let (plain, small) = (told(1.0), told(1e-4));
    for (plain, small) in plain.iter().flatten().zip(small.iter().flatten()) {
        assert!((plain - small * 1e4).abs() < 1e-3 * plain.abs(), "{plain} {small}");
    }
    // Below zero the logarithms are gone, and the forecast is as good.
    let n = 600;
    let shifted = learnt(HOUR_NS, Settings::default(), (0..n).map(|at| Some(hourly(at) - 90.0))).forecast();
    check("shifted", &shifted, 48);
    assert!(off(&shifted, |step| hourly(n + step) - 90.0) < 2.0);
    assert!(shifted.iter().any(|quantiles| quantiles[0] < 0.0));
}

#[test]
fn gaps_are_borne() {
    let n = 600;
    let values = (0..n).map(|at| (noise(at + 9_000) > -0.6 && !(400..420).contains(&at)).then(|| hourly(at)));
    let quantiles = learnt(HOUR_NS, Settings::default(), values).forecast();
    check("gaps", &quantiles, 48);
    let off = off(&quantiles, |step| hourly(n + step));
    assert!(off < 3.5, "{off}");
    // Rows that are left out are gaps as well.
    let mut forecaster = Forecaster::new(Settings::default());
    for at in (0..n).filter(|at| at % 11 != 3) {
        forecaster.push(at as i64 * HOUR_NS, Some(hourly(at)));
        forecaster.push(at as i64 * HOUR_NS, Some(-1e9));
    }
    assert_eq!(forecaster.course().map(|course| course.history().count()), Some(n));
    let quantiles = forecaster.forecast();
    check("rows left out", &quantiles, 48);
}

#[test]
fn short_series_are_forecast_from_the_second_row_on() {
    for n in [2, 3, 5, 8, 20, 30, 60, 100, 170, 200] {
        let quantiles = learnt(HOUR_NS, Settings::default(), (0..n).map(|at| Some(hourly(at)))).forecast();
        check(&format!("{n} rows"), &quantiles, 48);
        let wild = quantiles.iter().flatten().any(|value| !(-200.0..=500.0).contains(value));
        assert!(!wild, "{n} rows: {quantiles:?}");
    }
    assert!(learnt(HOUR_NS, Settings::default(), [Some(1.0)]).forecast().is_empty());
    assert!(learnt(HOUR_NS, Settings::default(), [None, None, None]).forecast().is_empty());
    let one = learnt(HOUR_NS, Settings::default(), [None, Some(7.0)]).forecast();
    assert!(one.iter().flatten().all(|value| *value == 7.0), "{one:?}");
}

#[test]
fn a_constant_stays_one() {
    for value in [5.0, -3.0] {
        let quantiles = learnt(HOUR_NS, Settings::default(), vec![Some(value); 500]).forecast();
        check("constant", &quantiles, 48);
        assert!(quantiles.iter().flatten().all(|told| (told - value).abs() < 1e-6), "{quantiles:?}");
    }
    let nothing = learnt(DAY_NS, Settings::default(), vec![Some(0.0); 100]).forecast();
    assert!(nothing.iter().flatten().all(|told| *told == 0.0));
}

#[test]
fn strays_hardly_matter() {
    let n = 600;
    let stray = |at: usize| if noise(at + 70_000) > 0.96 { 6.0 } else { 1.0 };
    let values = (0..n).map(|at| Some(hourly(at) * if at + 48 < n { stray(at) } else { 1.0 }));
    let quantiles = learnt(HOUR_NS, Settings::default(), values).forecast();
    check("strays", &quantiles, 48);
    let off = off(&quantiles, |step| hourly(n + step));
    assert!(off < 8.0, "{off}");
}

#[test]
fn a_new_level_is_followed() {
    let n = 760;
    let level = |at: usize| if at < 560 { hourly(at) } else { hourly(at) + 60.0 };
    let quantiles = learnt(HOUR_NS, Settings::default(), (0..n).map(|at| Some(level(at)))).forecast();
    check("level", &quantiles, 48);
    let off = off(&quantiles, |step| level(n + step));
    assert!(off < 8.0, "{off}");
}

#[test]
fn days_and_weeks_have_their_own_seasons_and_horizons() {
    let weekly = |at: usize| 50.0 + [0.0, 4.0, 3.0, 1.0, 8.0, -20.0, -25.0][at % 7] + noise(at);
    let quantiles = learnt(DAY_NS, Settings::default(), (0..200).map(|at| Some(weekly(at)))).forecast();
    check("daily", &quantiles, 14);
    assert!(off(&quantiles, |step| weekly(200 + step)) < 1.2);
    let yearly = |at: usize| 50.0 + 20.0 * (std::f64::consts::TAU * at as f64 / 52.0).sin() + noise(at);
    let quantiles = learnt(7 * DAY_NS, Settings::default(), (0..200).map(|at| Some(yearly(at)))).forecast();
    check("weekly", &quantiles, 13);
    assert!(off(&quantiles, |step| yearly(200 + step)) < 2.5);
    let settings = Settings { season: Some(1), horizon: Some(3) };
    check("told", &learnt(DAY_NS, settings, (0..50).map(|at| Some(weekly(at)))).forecast(), 3);
}

#[test]
fn a_season_is_found_where_the_calendar_has_none() {
    let beat = |at: usize| 10.0 + 5.0 * (std::f64::consts::TAU * at as f64 / 17.0).sin() + 0.5 * noise(at);
    let forecaster = learnt(1_000_000_000, Settings::default(), (0..400).map(|at| Some(beat(at))));
    assert_eq!(forecaster.course().map(|course| course.seasons().short), Some(17));
    let quantiles = forecaster.forecast();
    check("found", &quantiles, 34);
    assert!(off(&quantiles, |step| beat(400 + step)) < 0.6);
}

#[test]
fn rare_demand_is_seen_as_such_and_nights_are_not() {
    let rare = |at: usize| if noise(at) > 0.4 { (3.0 + 2.0 * noise(at + 500)).round() } else { 0.0 };
    let forecaster = learnt(DAY_NS, Settings::default(), (0..300).map(|at| Some(rare(at))));
    let quantiles = forecaster.forecast();
    check("rare", &quantiles, 14);
    assert!(quantiles.iter().all(|quantiles| quantiles[MEDIAN] == 0.0 && quantiles[7] >= 3.0), "{quantiles:?}");
    let shop = |at: usize| if (8..18).contains(&(at % 24)) { hourly(at) } else { 0.0 };
    let quantiles = learnt(HOUR_NS, Settings::default(), (0..600).map(|at| Some(shop(at)))).forecast();
    check("shop", &quantiles, 48);
    assert!(quantiles[12][MEDIAN] > 40.0 && quantiles[2][MEDIAN] < 10.0, "{quantiles:?}");
}

#[test]
fn what_is_kept_goes_on_the_same() {
    let mut one = learnt(HOUR_NS, Settings::default(), (0..400).map(|at| (at % 50 != 7).then(|| hourly(at))));
    let bytes = postcard::to_allocvec(&one.kept(5_000)).expect("it is written");
    assert!(bytes.len() < 4_000, "{} bytes", bytes.len());
    let mut other = Forecaster::relearnt(Settings::default(), postcard::from_bytes(&bytes).expect("and read"));
    for at in 400..500 {
        one.push(at * HOUR_NS, Some(hourly(at as usize)));
        other.push(at * HOUR_NS, Some(hourly(at as usize)));
    }
    assert_eq!(one.forecast(), other.forecast());
    let few = Forecaster::relearnt(Settings::default(), one.kept(200)).forecast();
    check("kept in part", &few, 48);
    let fresh = Forecaster::new(Settings::default());
    assert!(Forecaster::relearnt(Settings::default(), fresh.kept(9)).forecast().is_empty());
}
