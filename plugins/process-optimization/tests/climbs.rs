//! Both methods against the simulated reactor, and the response surface against plants with a known optimum.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod bench;

use bench::{Bench, SCAN_S, SETPOINTS, limited, reaction, surface};
use process_optimization::climb::{Climber, Method, Observation, Reason, Setpoint, State};
use process_optimization::surface::{Settings, Surface};

#[test]
fn with_the_reactions_known_an_hour_is_enough() {
    for seed in 0..8 {
        let ratio = bench::ratio(reaction(), seed, 1.0);
        assert!(ratio > 0.985, "seed {seed}: {ratio}");
    }
}

#[test]
fn an_outflow_meter_helps_and_is_not_needed() {
    for seed in 0..4 {
        let (mut bench, mut climber) = (Bench::new(seed), reaction());
        for _ in 0..600 {
            let seen = Observation { outflow: None, ..bench.read() };
            let wishes = climber.step(seen, &bench.states());
            bench.apply(&wishes);
        }
        let ratio = bench.ratio.ratio().unwrap();
        assert!(ratio > 0.975, "seed {seed}: {ratio}");
    }
}

#[test]
fn with_the_reactions_known_it_stays_at_the_optimum() {
    for seed in 20..23 {
        let ratio = bench::ratio(reaction(), seed, 8.0);
        assert!(ratio > 0.995, "seed {seed}: {ratio}");
    }
}

#[test]
fn the_objective_alone_leads_there_within_hours() {
    for seed in 0..4 {
        // The start is at 0.919.
        let (hour, day) = (bench::ratio(surface(0), seed, 1.0), bench::ratio(surface(0), seed, 8.0));
        assert!(hour > 0.95, "seed {seed}: {hour}");
        assert!(day > 0.98, "seed {seed}: {day}");
        let flows = bench::ratio(surface(3), seed, 8.0);
        assert!(flows > 0.985, "seed {seed}: {flows}");
    }
}

/// A hill with its top at `top` (shares of the ranges), behind a lag of two minutes; noise from a fixed sequence.
fn hill(top: &[f64], noise: f64, minutes: u32) -> Vec<f64> {
    let setpoints: Vec<Setpoint> = top.iter().map(|_| Setpoint { lower: -1.0, upper: 3.0 }).collect();
    let settings = Settings { step: 0.1, settling_s: 600.0 };
    let mut climber = Climber::new(Method::Surface(Surface::new(setpoints.clone(), 0, settings)));
    let mut applied: Vec<f64> = setpoints.iter().map(|s| s.at(0.3)).collect();
    let mut lagged = applied.clone();
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
        let state = |a: &f64| State { applied: Some(*a), ..State::default() };
        let states: Vec<State> = applied.iter().map(state).collect();
        for wish in climber.step(seen, &states) {
            applied[wish.setpoint] = wish.value.clamp(-1.0, 3.0);
        }
    }
    applied.iter().zip(&setpoints).map(|(a, s)| s.share(*a)).collect()
}

#[test]
fn any_hill_is_climbed_by_one_to_four_setpoints_with_little_noise_and_with_much() {
    for top in [&[0.8][..], &[0.75, 0.2], &[0.6, 0.1, 0.7], &[0.5, 0.4, 0.2, 0.7]] {
        for noise in [0.0, 0.1, 3.0] {
            let reached = hill(top, noise, 1200);
            let far = reached.iter().zip(top).map(|(r, t)| (r - t).abs()).fold(0.0, f64::max);
            assert!(far < 0.12, "noise {noise}: {reached:?} instead of {top:?}");
        }
    }
}

#[test]
fn a_top_beyond_the_range_is_sought_at_its_edge() {
    let reached = hill(&[1.3, 0.5], 0.5, 1200);
    assert!(reached[0] > 0.9 && (reached[1] - 0.5).abs() < 0.12, "{reached:?}");
}

#[test]
fn it_is_quiet_without_permit_objective_or_applied_value() {
    for (mut climber, reactions) in [(reaction(), true), (surface(3), false)] {
        let mut bench = Bench::new(1);
        bench.run(&mut climber, 0.5);
        let before = climber.clone();
        let seen = bench.read();
        assert_eq!(climber.step(Observation { permit: false, ..seen.clone() }, &bench.states()), []);
        assert_eq!(climber.step(Observation { objective: None, ..seen.clone() }, &bench.states()), []);
        let mut unknown = bench.states();
        unknown[1].applied = None;
        assert_eq!(climber.step(seen.clone(), &unknown), []);
        // The reactions are watched meanwhile; the surface learns from nothing that it did not cause.
        assert_eq!(climber != before, reactions);
        assert_eq!(climber.step(seen, &bench.states()).len(), 2);
    }
}

#[test]
fn on_hand_over_and_while_blocked_it_proposes_what_is_applied() {
    for mut climber in [reaction(), surface(0)] {
        let mut bench = Bench::new(2);
        bench.run(&mut climber, 0.4);
        for change in [|s: &mut State| s.initialise = true, |s: &mut State| s.blocked = true] {
            let seen = bench.read();
            let mut states = bench.states();
            change(&mut states[1]);
            let wishes = climber.step(seen, &states);
            assert_eq!((wishes[1].value, wishes[1].reason), (bench.applied[1], Reason::Follow));
            assert_ne!(wishes[0].reason, Reason::Follow);
        }
    }
}

/// The guard holds the temperature at 84 Cel for two hours and then lets go.
#[test]
fn nothing_winds_up_against_a_clamp() {
    for seed in 0..3 {
        let (mut bench, mut climber) = (Bench::new(seed), reaction());
        bench.range[1].upper = 84.0;
        bench.run(&mut climber, 2.0);
        assert_eq!(bench.applied[1], 84.0, "seed {seed}");
        bench.range = SETPOINTS;
        let wish = bench.scan(&mut climber)[1].value;
        assert!((85.0..95.0).contains(&wish), "seed {seed}: {wish}");
        bench.run(&mut climber, 2.0);
        assert!(bench.plant.truth().profit.unwrap() > 0.985 * 190.98, "seed {seed}: {:?}", bench.applied);
    }
}

#[test]
fn sensors_that_fail_do_not_lead_it_astray() {
    for seed in 0..3 {
        let (mut bench, mut climber) = (Bench::new(seed), reaction());
        for scan in 0..900 {
            let mut seen = bench.read();
            if scan % 50 == 30 {
                seen.fractions[5] = Some(0.9);
                seen.temperature_cel = Some(140.0);
            }
            if (200..260).contains(&scan) {
                seen.fractions[0] = None;
                seen.feeds[0] = None;
            }
            let wishes = climber.step(seen, &bench.states());
            bench.apply(&wishes);
        }
        let ratio = bench.ratio.ratio().unwrap();
        assert!(ratio > 0.97, "seed {seed}: {ratio} {:?}", bench.applied);
    }
}

#[test]
fn a_restored_climber_goes_on_as_if_nothing_had_happened() {
    for (mut climber, fresh) in [(reaction(), reaction()), (limited(), limited()), (surface(3), surface(3))] {
        for hours in [0.01, 0.3] {
            let mut bench = Bench::new(3);
            bench.run(&mut climber, hours);
            let state = climber.save().unwrap();
            assert!(state.len() < 16 * 1024, "{}", state.len());
            let mut restored = fresh.clone();
            restored.restore(&state).unwrap();
            for _ in 0..100 {
                let seen = bench.read();
                let wishes = climber.step(seen.clone(), &bench.states());
                assert_eq!(wishes, restored.step(seen, &bench.states()));
                bench.apply(&wishes);
            }
            for cut in [0, 8, state.len() - 1] {
                assert!(restored.restore(&state[..cut]).is_err(), "{cut}");
            }
        }
    }
    assert!(reaction().restore(&surface(3).save().unwrap()).is_err());
    assert!(reaction().restore(&limited().save().unwrap()).is_err());
}
