//! Extremum seeking against the Van de Vusse reactor, whose top wanders, and against hills with a known top.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[path = "bench/plants.rs"]
mod plants;

use plants::{SCAN_S, Site, seek};
use process_optimization::climb::{Climber, Method, Observation, Reason, Setpoint, State};
use process_optimization::seek::Seek;
use process_optimization::surface::Settings;

#[test]
fn from_either_side_it_finds_the_top_and_follows_it() {
    for seed in 1..7 {
        let (mut site, mut climber) = (Site::vusse(seed), seek());
        site.run(&mut climber, 16.0);
        assert!(site.ratio(10.0) > 0.998, "seed {seed}: {}", site.ratio(10.0));
        assert!(site.ratio(0.0) > 0.99, "seed {seed}: {}", site.ratio(0.0));
    }
}

/// A hill with its top at `top` (shares of the ranges), behind a lag of two minutes; noise from a fixed sequence. The answer
/// is the mean of the last hours' setpoints, so that the swing is not counted.
fn hill(top: &[f64], noise: f64, minutes: u32) -> Vec<f64> {
    let setpoints: Vec<Setpoint> = top.iter().map(|_| Setpoint { lower: -1.0, upper: 3.0 }).collect();
    let settings = Settings { step: 0.15, settling_s: 600.0 };
    let mut climber = Climber::new(Method::Seek(Seek::new(setpoints.clone(), settings, 0.01)));
    let mut applied: Vec<f64> = setpoints.iter().map(|s| s.at(0.3)).collect();
    let mut lagged = applied.clone();
    let mut means = vec![0.0; top.len()];
    let mut random = 1_u64;
    for scan in 0..minutes * 10 {
        let mut objective = 500.0;
        for ((lag, applied), (top, setpoint)) in lagged.iter_mut().zip(&applied).zip(top.iter().zip(&setpoints)) {
            *lag += (applied - *lag) * 0.05;
            objective -= 40.0 * (setpoint.share(*lag) - top).powi(2);
        }
        // Knuth's linear congruential generator: evenly spread over ±noise.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        objective += noise * ((random >> 11) as f64 / (1_u64 << 52) as f64 - 1.0);
        let seen = Observation {
            time_s: SCAN_S * f64::from(scan),
            objective: Some(objective),
            permit: true,
            ..Observation::default()
        };
        let state = |a: &f64| State {
            applied: Some(*a),
            blocked: false,
            initialise: false,
            limited_low: false,
            limited_high: false,
        };
        let states: Vec<State> = applied.iter().map(state).collect();
        for wish in climber.step(seen, &states) {
            applied[wish.setpoint] = wish.value.clamp(-1.0, 3.0);
        }
        if scan >= (minutes - 240) * 10 {
            let shares = applied.iter().zip(&setpoints).map(|(a, s)| s.share(*a) / 2400.0);
            means.iter_mut().zip(shares).for_each(|(mean, share)| *mean += share);
        }
    }
    means
}

#[test]
fn any_hill_is_climbed_by_one_to_four_setpoints_with_little_noise_and_with_much() {
    for top in [&[0.8][..], &[0.75, 0.2], &[0.6, 0.1, 0.7], &[0.5, 0.4, 0.2, 0.7]] {
        for noise in [0.0, 0.1, 3.0] {
            let reached = hill(top, noise, 1500);
            let far = reached.iter().zip(top).map(|(r, t)| (r - t).abs()).fold(0.0, f64::max);
            assert!(far < 0.1, "noise {noise}: {reached:?} instead of {top:?}");
        }
    }
}

#[test]
fn a_top_beyond_the_range_is_sought_at_its_edge() {
    let reached = hill(&[1.3, 0.5], 0.5, 1200);
    assert!(reached[0] > 0.9 && (reached[1] - 0.5).abs() < 0.1, "{reached:?}");
}

#[test]
fn it_is_quiet_without_permit_objective_or_applied_value_and_goes_on_afterwards() {
    let (mut site, mut climber) = (Site::vusse(1), seek());
    site.run(&mut climber, 2.0);
    let before = climber.clone();
    // An hour without permit, then a minute of bad readings, then a minute without readback.
    for scan in 0..620 {
        let mut seen = site.read();
        let mut states = site.states();
        match scan {
            0..600 => seen.permit = false,
            600..610 => seen.objective = None,
            _ => states[0].applied = None,
        }
        assert_eq!(climber.step(seen, &states), [], "{scan}");
    }
    assert_eq!(climber, before);
    let held = site.applied[0];
    let wish = site.scan(&mut climber).remove(0);
    assert!((wish.value - held).abs() < 0.02, "{} {held}", wish.value);
    site.truths.clear();
    site.run(&mut climber, 2.0);
    assert!(site.ratio(0.0) > 0.99, "{}", site.ratio(0.0));
}

#[test]
fn it_takes_over_without_a_bump() {
    for change in [|s: &mut State| s.initialise = true, |s: &mut State| s.blocked = true] {
        let (mut site, mut climber) = (Site::vusse(2), seek());
        site.run(&mut climber, 1.0);
        // An operator's value, far from where it was.
        site.applied[0] = 0.9;
        site.plant.write(0, 0.9);
        for _ in 0..5 {
            let seen = site.read();
            let mut states = site.states();
            change(&mut states[0]);
            let wishes = climber.step(seen, &states);
            assert_eq!((wishes[0].value, wishes[0].reason), (0.9, Reason::Follow));
        }
        let wish = site.scan(&mut climber).remove(0);
        assert!((wish.value - 0.9).abs() < 0.03, "{}", wish.value);
    }
}

/// The guard stops at 0.9 for three hours, below the top, and then lets go.
#[test]
fn nothing_winds_up_against_a_clamp() {
    for seed in [1, 3, 5] {
        let (mut site, mut climber) = (Site::vusse(seed), seek());
        site.range[0].upper = 0.9;
        site.run(&mut climber, 3.0);
        assert!(site.applied[0] > 0.6, "seed {seed}: {}", site.applied[0]);
        site.range[0].upper = 3.0;
        let wish = site.scan(&mut climber)[0].value;
        // No more than a step and a swing beyond what is applied: 0.15 and 0.045 of a range of 2.7.
        assert!(wish < 0.9 + 0.5, "seed {seed}: {wish}");
        site.run(&mut climber, 1.0);
        site.truths.clear();
        site.run(&mut climber, 3.0);
        assert!(site.ratio(0.0) > 0.995, "seed {seed}: {}", site.ratio(0.0));
    }
}

#[test]
fn spikes_do_not_lead_it_astray() {
    for seed in 1..4 {
        let (mut site, mut climber) = (Site::vusse(seed), seek());
        for scan in 0..9000 {
            let mut seen = site.read();
            if scan % 50 == 30 {
                seen.objective = Some(if scan % 100 == 30 { 4.9 } else { 0.0 });
            }
            let wishes = climber.step(seen, &site.states());
            site.apply(&wishes);
        }
        assert!(site.ratio(5.0) > 0.99, "seed {seed}: {}", site.ratio(5.0));
    }
}

#[test]
fn a_restored_climber_goes_on_as_if_nothing_had_happened() {
    let mut climber = seek();
    for hours in [0.01, 0.3] {
        let mut site = Site::vusse(3);
        site.run(&mut climber, hours);
        let state = climber.save().unwrap();
        assert!(state.len() < 8 * 1024, "{}", state.len());
        let mut restored = seek();
        restored.restore(&state).unwrap();
        for _ in 0..100 {
            let seen = site.read();
            let wishes = climber.step(seen.clone(), &site.states());
            assert_eq!(wishes, restored.step(seen, &site.states()));
            site.apply(&wishes);
        }
        for cut in [0, 8, state.len() - 1] {
            assert!(restored.restore(&state[..cut]).is_err(), "{cut}");
        }
    }
    assert!(plants::surface().restore(&climber.save().unwrap()).is_err());
    assert!(plants::share().restore(&climber.save().unwrap()).is_err());
}

#[test]
fn numbers_beyond_all_measure_do_no_lasting_harm() {
    for seed in 1..3 {
        let (mut site, mut climber) = (Site::vusse(seed), seek());
        for scan in 0..6000 {
            let mut seen = site.read();
            if [3, 40, 200, 201, 2000].contains(&scan) {
                seen.objective = Some(if scan % 2 == 0 { 1e300 } else { -1e300 });
            }
            let wishes = climber.step(seen, &site.states());
            assert!(wishes.iter().all(|wish| wish.value.is_finite()), "seed {seed}, scan {scan}: {wishes:?}");
            site.apply(&wishes);
        }
        assert!(site.ratio(5.0) > 0.99, "seed {seed}: {}", site.ratio(5.0));
    }
}
