//! How the climber behaves under a guard as the host's, on plants with a feed that wanders and limits.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod bench;

use bench::day::{Day, day};
use bench::{SETPOINTS, limited, reaction};
use process_optimization::climb::{Observation, Reason};

const SCAN_S: f64 = 6.0;
const PLANT: &str = "williams-otto-limits";

#[test]
fn a_day_without_limits_is_nearly_as_good_as_can_be() {
    for seed in [201, 202, 203] {
        let score = day("williams-otto", seed, SCAN_S, reaction());
        assert!(score.settled >= 0.998 && score.integrated >= 0.98, "seed {seed}: {score:?}");
    }
}

#[test]
fn a_day_with_limits_keeps_them_and_costs_little() {
    for seed in [201, 202, 203] {
        let score = day(PLANT, seed, SCAN_S, limited());
        // The bar at the scenario's faster scan is 0.998: with fewer samples, a little more stays in doubt.
        assert!(score.settled >= 0.997 && score.integrated >= 0.98, "seed {seed}: {score:?}");
        assert!(score.violation_share < 0.01 && score.worst < 0.002, "seed {seed}: {score:?}");
    }
}

#[test]
fn without_being_told_of_limits_it_would_exceed_them() {
    let mut day = Day::new(PLANT, 201, SCAN_S);
    day.run(&mut reaction(), 3.0);
    assert!(day.score().violation_share > 0.5 && day.worst > 0.005, "{:?}", day.score());
}

/// The guard holds the temperature 1.5 Cel below where it is best, for an hour, and then lets go.
#[test]
fn a_clamp_of_an_hour_winds_nothing_up() {
    for seed in [211, 212] {
        let (mut day, mut climber) = (Day::new(PLANT, seed, SCAN_S), limited());
        day.run(&mut climber, 3.0);
        let clamp = day.outputs[1].applied - 1.5;
        day.outputs[1].range.upper = clamp;
        for _ in 0..600 {
            let wish = day.scan(&mut climber)[1].value;
            assert!(wish < clamp + 0.05 * 30.0 + 0.1, "seed {seed}: {wish} against {clamp}");
        }
        assert_eq!(day.outputs[1].applied, clamp, "seed {seed}");
        // At the end it leans on the clamp so little that it is not far beyond it when it opens.
        let wish = day.scan(&mut climber)[1].value;
        assert!(clamp < wish && wish < clamp + 0.02 * 30.0, "seed {seed}: {wish} against {clamp}");
        day.outputs[1].range = SETPOINTS[1];
        day.worst = 0.0;
        day.run(&mut climber, 1.0);
        assert!(day.outputs[1].applied > clamp + 0.5, "seed {seed}: {:?}", day.outputs);
        assert!(day.worst < 0.001, "seed {seed}: {}", day.worst);
        let truth = day.plant.truth();
        let ratio = truth.profit.unwrap() / truth.optimum_profit.unwrap();
        assert!(ratio > 0.985, "seed {seed}: {ratio}");
    }
}

/// A meter that is needed fails for ten minutes: no proposals, the lease ends, the guard goes to the fail-safe value; then the
/// climber takes over from there.
#[test]
fn while_a_measurement_is_bad_it_is_quiet_and_then_it_takes_over() {
    type Fail = fn(&mut Observation);
    let fails: [Fail; 4] = [
        |seen| seen.fractions[5] = None,
        |seen| seen.feeds[0] = None,
        |seen| seen.temperature_cel = None,
        |seen| seen.objective = None,
    ];
    for (fail, seed) in fails.iter().zip(221..) {
        let (mut day, mut climber) = (Day::new(PLANT, seed, SCAN_S), limited());
        day.run(&mut climber, 2.0);
        for _ in 0..100 {
            let mut seen = day.read();
            fail(&mut seen);
            let wishes = climber.step(seen, &day.states());
            assert_eq!(wishes, [], "seed {seed}");
            day.apply(&wishes);
        }
        assert!(day.outputs[1].initialise, "seed {seed}: the lease ended");
        let wishes = day.scan(&mut climber);
        let took = wishes.iter().zip(&day.outputs).all(|(w, o)| w.value == o.applied && w.reason == Reason::Follow);
        assert!(took, "seed {seed}: {wishes:?}");
        day.worst = 0.0;
        day.run(&mut climber, 1.5);
        assert!(day.worst < 0.001, "seed {seed}: {}", day.worst);
        let truth = day.plant.truth();
        assert!(truth.profit.unwrap() / truth.optimum_profit.unwrap() > 0.985, "seed {seed}");
    }
}

#[test]
fn after_a_hand_over_it_moves_at_a_bounded_rate_from_what_is_applied() {
    for seed in [231, 232] {
        let (mut day, mut climber) = (Day::new("williams-otto", seed, SCAN_S), reaction());
        day.run(&mut climber, 1.0);
        // An operator has moved both by hand meanwhile.
        (day.outputs[0].applied, day.outputs[1].applied) = (4.2, 80.0);
        day.outputs.iter_mut().for_each(|output| output.initialise = true);
        let wishes = day.scan(&mut climber);
        assert_eq!(wishes.iter().map(|wish| wish.value).collect::<Vec<_>>(), [4.2, 80.0], "seed {seed}");
        let mut before = [4.2, 80.0];
        for _ in 0..50 {
            let wishes = day.scan(&mut climber);
            for (i, wish) in wishes.iter().enumerate() {
                // A twentieth of the range a minute.
                let most = (SETPOINTS[i].upper - SETPOINTS[i].lower) * 0.05 * SCAN_S / 60.0 + 1e-9;
                assert!((wish.value - before[i]).abs() <= most, "seed {seed}: {wish:?} after {before:?}");
                before[i] = wish.value;
            }
        }
        assert!(day.outputs[1].applied > 84.0, "seed {seed}: {:?}", day.outputs);
    }
}

#[test]
fn with_the_permit_off_it_is_quiet_and_goes_on_watching() {
    let seed = 241;
    let (mut day, mut climber) = (Day::new(PLANT, seed, SCAN_S), limited());
    day.run(&mut climber, 2.0);
    let held = day.outputs.map(|output| output.applied);
    for _ in 0..300 {
        let seen = Observation { permit: false, ..day.read() };
        assert_eq!(climber.step(seen, &day.states()), []);
    }
    let wishes = day.scan(&mut climber);
    for (i, wish) in wishes.iter().enumerate() {
        let range = SETPOINTS[i].upper - SETPOINTS[i].lower;
        assert!((wish.value - held[i]).abs() < 0.01 * range, "{wish:?} after {held:?}");
    }
    day.worst = 0.0;
    day.run(&mut climber, 1.0);
    assert!(day.worst < 0.0005, "{}", day.worst);
}
