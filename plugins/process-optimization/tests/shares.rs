//! Load sharing against three units that a seed makes, and against machines of other sizes and numbers.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[path = "bench/plants.rs"]
mod plants;

use plants::{SCAN_S, Site, share};
use process_optimization::climb::{Climber, Method, Observation, Reason, Setpoint, State};
use process_optimization::share::{Line, Share, equal_increments};
use process_optimization::surface::Settings;

#[test]
fn the_published_dispatch_is_found_with_limits_and_without_reach() {
    let lines = [(7.92, 0.001_562), (7.85, 0.001_94), (7.97, 0.004_82)];
    let lines = lines.map(|(linear, quadratic)| Line { at_zero: linear, bend: 2.0 * quadratic });
    let limits = [(150.0, 600.0), (100.0, 400.0), (50.0, 200.0)];
    for (demand, powers) in [
        (850.0, [393.2, 334.6, 122.2]),
        (300.0, [150.0, 100.0, 50.0]),
        (1200.0, [600.0, 400.0, 200.0]),
        // Beyond what they can: all they can.
        (5000.0, [600.0, 400.0, 200.0]),
        (0.0, [150.0, 100.0, 50.0]),
    ] {
        let found = equal_increments(&lines, &limits, demand);
        assert!(found.iter().zip(powers).all(|(a, b)| (a - b).abs() < 0.05), "{demand}: {found:?}");
    }
}

#[test]
fn a_day_costs_hardly_more_than_the_optimum_and_meets_the_demand() {
    for seed in 1..5 {
        let (mut site, mut climber) = (Site::sharing(seed), share());
        site.run(&mut climber, 24.0);
        assert!(site.ratio(0.0) < 1.0005, "seed {seed}: {}", site.ratio(0.0));
        assert!(site.violated() < 0.01, "seed {seed}: {}", site.violated());
    }
}

#[test]
fn the_setpoints_sum_up_to_the_demand_within_limits() {
    let (mut site, mut climber) = (Site::sharing(3), share());
    let mut short = 0;
    for _ in 0..14_400 {
        let seen = site.read();
        let demand = seen.demand.unwrap();
        let wishes = climber.step(seen, &site.states());
        let sum: f64 = wishes.iter().map(|wish| wish.value).sum();
        short += u32::from((sum - demand).abs() > 1e-6 * demand);
        for (wish, range) in wishes.iter().zip(&site.range) {
            assert!((range.lower..=range.upper).contains(&wish.value), "{wish:?}");
        }
        site.apply(&wishes);
    }
    // Only where the slew does not let them follow a step at once.
    assert!(short < 60, "{short} scans");
}

/// Two, five and eight machines that a fixed sequence makes, at a demand that stands still: only the swing can teach.
#[test]
fn two_to_eight_machines_find_their_split_at_a_standing_demand() {
    for count in [2_usize, 5, 8] {
        let mut random = count as u64;
        let mut between = |lo: f64, hi: f64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            lo + (hi - lo) * (random >> 11) as f64 / (1_u64 << 53) as f64
        };
        // Pumps of 20 to 60 l/s: kW over l/s.
        let machines: Vec<(Setpoint, f64, Line)> = (0..count)
            .map(|_| {
                let most = between(20.0, 60.0);
                let line = Line { at_zero: between(0.8, 1.0), bend: between(0.3, 0.8) / most };
                (Setpoint { lower: 0.2 * most, upper: most }, 0.2 * most, line)
            })
            .collect();
        let cost = |i: usize, flow: f64| {
            let (_, constant, line) = machines[i];
            constant + line.at_zero * flow + 0.5 * line.bend * flow * flow
        };
        let lines: Vec<Line> = machines.iter().map(|m| m.2).collect();
        let limits: Vec<(f64, f64)> = machines.iter().map(|m| (m.0.lower, m.0.upper)).collect();
        let demand = 0.6 * limits.iter().map(|l| l.1).sum::<f64>();
        let best: f64 = equal_increments(&lines, &limits, demand).iter().enumerate().map(|(i, p)| cost(i, *p)).sum();
        let settings = Settings { step: 0.15, settling_s: 60.0 };
        let units = machines.iter().map(|m| (m.0, None)).collect();
        let mut climber = Climber::new(Method::Share(Share::new(units, settings, 0.01)));
        let mut applied: Vec<f64> = limits.iter().map(|l| 0.6 * l.1).collect();
        let (mut flows, mut paid) = (applied.clone(), Vec::new());
        for scan in 0..14_400_u32 {
            flows.iter_mut().zip(&applied).for_each(|(flow, to)| *flow += (to - *flow) * 0.4);
            let seen = Observation {
                time_s: SCAN_S * f64::from(scan),
                permit: true,
                demand: Some(demand),
                powers: flows.iter().map(|flow| Some(flow * between(0.98, 1.02))).collect(),
                costs: flows.iter().enumerate().map(|(i, f)| Some(cost(i, *f) * between(0.98, 1.02))).collect(),
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
                applied[wish.setpoint] = wish.value;
            }
            paid.push(flows.iter().enumerate().map(|(i, f)| cost(i, *f)).sum::<f64>());
        }
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64 / best;
        let (begin, end) = (mean(&paid[..20]), mean(&paid[7200..]));
        eprintln!("{count} machines: {begin} {end}");
        assert!(end < 1.002 && end < begin, "{count} machines: from {begin} to {end}");
    }
}

#[test]
fn it_is_quiet_without_permit_demand_or_applied_value() {
    let (mut site, mut climber) = (Site::sharing(1), share());
    site.run(&mut climber, 1.0);
    let before = climber.clone();
    let seen = site.read();
    assert_eq!(climber.step(Observation { permit: false, ..seen.clone() }, &site.states()), []);
    assert_eq!(climber.step(Observation { demand: None, ..seen.clone() }, &site.states()), []);
    let mut unknown = site.states();
    unknown[1].applied = None;
    assert_eq!(climber.step(seen.clone(), &unknown), []);
    assert_eq!(climber, before);
    assert_eq!(climber.step(seen, &site.states()).len(), 3);
}

/// A meter that fails teaches nothing, and the demand is met all the same; a spike teaches little.
#[test]
fn meters_that_fail_do_not_lead_it_astray() {
    for seed in 1..4 {
        let (mut site, mut climber) = (Site::sharing(seed), share());
        for scan in 0..14_400 {
            let mut seen = site.read();
            if scan % 50 == 30 {
                (seen.costs[0], seen.powers[1]) = (Some(9999.0), Some(0.0));
            }
            if (2000..4000).contains(&scan) {
                (seen.costs[1], seen.powers[1], seen.costs[2]) = (None, None, None);
            }
            let wishes = climber.step(seen, &site.states());
            assert_eq!(wishes.len(), 3);
            site.apply(&wishes);
        }
        assert!(site.ratio(0.0) < 1.001, "seed {seed}: {}", site.ratio(0.0));
        assert!(site.violated() < 0.012, "seed {seed}: {}", site.violated());
    }
}

#[test]
fn a_blocked_unit_follows_and_the_others_meet_the_demand() {
    for change in [|s: &mut State| s.initialise = true, |s: &mut State| s.blocked = true] {
        let (mut site, mut climber) = (Site::sharing(2), share());
        site.run(&mut climber, 3.0);
        let stands = site.applied[1];
        for _ in 0..600 {
            let seen = site.read();
            let mut states = site.states();
            change(&mut states[1]);
            let wishes = climber.step(seen, &states);
            assert_eq!((wishes[1].value, wishes[1].reason), (stands, Reason::Follow));
            site.apply(&wishes);
        }
        let demand = site.read().demand.unwrap();
        let sum: f64 = site.applied.iter().sum();
        assert!((sum - demand).abs() < 0.01 * demand, "{sum} {demand}");
        // Handed back, it leaves its place slowly.
        let wish = site.scan(&mut climber)[1].value;
        assert!((wish - stands).abs() < 5.0, "{wish} {stands}");
    }
}

/// The guard holds the first unit below 250 MW for four hours: the others make up for it, and nothing winds up.
#[test]
fn nothing_winds_up_against_a_clamp() {
    for seed in 1..4 {
        let (mut site, mut climber) = (Site::sharing(seed), share());
        site.run(&mut climber, 2.0);
        site.range[0].upper = 250.0;
        site.run(&mut climber, 0.5);
        let off: Vec<f64> = (0..2100)
            .filter_map(|_| {
                let demand = site.read().demand.unwrap();
                let off = (site.applied.iter().sum::<f64>() - demand).abs() / demand;
                site.scan(&mut climber);
                (demand < 840.0).then_some(off)
            })
            .collect();
        let mean = off.iter().sum::<f64>() / off.len().max(1) as f64;
        assert!(mean < 0.005, "seed {seed}: {mean} over {} scans", off.len());
        eprintln!("seed {seed}: {mean} over {} scans", off.len());
        site.range[0].upper = 600.0;
        let wish = site.scan(&mut climber)[0].value;
        assert!((wish - site.applied[0]).abs() < 12.0, "seed {seed}: {wish} {}", site.applied[0]);
        site.run(&mut climber, 1.0);
        site.truths.clear();
        site.run(&mut climber, 4.0);
        assert!(site.ratio(0.0) < 1.001, "seed {seed}: {}", site.ratio(0.0));
    }
}

#[test]
fn a_restored_climber_goes_on_as_if_nothing_had_happened() {
    let mut climber = share();
    for hours in [0.01, 0.3] {
        let mut site = Site::sharing(3);
        site.run(&mut climber, hours);
        let state = climber.save().unwrap();
        assert!(state.len() < 4 * 1024, "{}", state.len());
        let mut restored = share();
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
    assert!(plants::seek().restore(&climber.save().unwrap()).is_err());
}

#[test]
fn numbers_beyond_all_measure_do_no_lasting_harm() {
    let (mut site, mut climber) = (Site::sharing(1), share());
    for scan in 0..14_400 {
        let mut seen = site.read();
        if [3, 40, 200, 201, 2000].contains(&scan) {
            (seen.costs[0], seen.costs[1], seen.powers[2]) = (Some(1e300), Some(-1e300), Some(1e300));
        }
        let wishes = climber.step(seen, &site.states());
        assert!(wishes.iter().all(|wish| wish.value.is_finite()), "scan {scan}: {wishes:?}");
        site.apply(&wishes);
    }
    assert!(site.ratio(12.0) < 1.001, "{}", site.ratio(12.0));
}
