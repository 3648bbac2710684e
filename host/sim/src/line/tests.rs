//! The line as its reader sees it, and what becomes of its parts.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

/// What was told: number, encoder counts at the trigger, time.
fn triggers(events: &[Event]) -> Vec<(u64, f64, f64)> {
    let number = |event: &Event, signal: usize| {
        event.readings.iter().find(|reading| reading.signal == signal).map(|reading| match reading.value {
            Value::Number(value) => value,
            ref other => panic!("{other:?}"),
        })
    };
    let told = events
        .iter()
        .filter_map(|event| Some((number(event, PART)? as u64, number(event, PART_ENCODER)?, event.time_s)));
    told.collect()
}

fn run(line: &mut Line, seconds: f64, slice_s: f64) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..(seconds / slice_s).round() as usize {
        line.advance(slice_s);
        line.events(&mut events);
    }
    events
}

#[test]
fn how_time_is_sliced_changes_nothing() {
    let (mut fine, mut coarse) = (Line::new(3, Mishaps::default()), Line::new(3, Mishaps::default()));
    let (few, many) = (run(&mut coarse, 600.0, 1.0), run(&mut fine, 600.0, 0.1));
    assert_eq!(few, many);
    assert_eq!(coarse.fates(), fine.fates());
    assert!(coarse.fates().len() > 400, "{}", coarse.fates().len());
    assert_ne!(run(&mut Line::new(4, Mishaps::default()), 600.0, 1.0), few);
}

#[test]
fn every_part_is_numbered_once_in_order_and_the_wheel_wraps() {
    let mut line = Line::new(1, Mishaps::default());
    let told = triggers(&run(&mut line, 600.0, 0.1));
    assert!(told.iter().map(|told| told.0).eq(1..=told.len() as u64));
    assert!(told.windows(2).any(|pair| pair[1].1 < pair[0].1), "the wheel wraps");
    let pitches = told.windows(2).map(|pair| (pair[1].1 - pair[0].1).rem_euclid(COUNTER));
    assert!(pitches.into_iter().all(|counts| (339.0..=701.0).contains(&counts)));
    let numbered: Vec<u64> = line.fates().iter().flat_map(|fate| fate.ids.clone()).collect();
    assert!(numbered.iter().copied().eq(1..=numbered.len() as u64));
    assert!(line.fates().iter().all(|fate| !fate.ejected && !fate.torn), "nobody moved the gate");
    let bad = line.fates().iter().filter(|fate| !fate.defect.is_empty()).count() as f64 / line.fates().len() as f64;
    assert!((0.02..0.12).contains(&bad), "{bad}");
}

#[test]
fn the_belt_stops_and_changes_its_speed() {
    let mut line = Line::new(2, Mishaps::default());
    let mut speeds = Vec::new();
    for _ in 0..6_000 {
        line.advance(0.1);
        speeds.push(line.belt.speed());
    }
    assert!(speeds.iter().filter(|speed| **speed == 0.0).count() > 50);
    assert!(speeds.iter().any(|speed| *speed > 0.5));
    assert!(speeds.iter().all(|speed| (0.0..=0.6).contains(speed)));
}

#[test]
fn the_gate_takes_out_what_is_over_it() {
    let mut line = Line::new(1, Mishaps::default());
    run(&mut line, 60.0, 0.1);
    let before = line.fates().len();
    line.write(0, 1.0);
    run(&mut line, 30.0, 0.1);
    let ejected = line.fates()[before + 1..].iter().filter(|fate| fate.ejected).count();
    assert!(ejected > 5 && ejected == line.fates().len() - before - 1);
    // One that stops the line.
    line.write(0, 2.0);
    run(&mut line, 1.0, 0.1);
    assert_eq!(line.belt.speed(), 0.0);
    line.write(0, f64::NAN);
    line.write(7, 0.0);
    run(&mut line, 5.0, 0.1);
    assert_eq!(line.belt.speed(), 0.0);
}

#[test]
fn a_gate_that_moves_under_a_part_tears_it() {
    let mut line = Line::new(1, Mishaps::default());
    for _ in 0..600 {
        line.advance(0.1);
        let is_over = line.riding.iter().any(|riding| {
            let at_m = line.belt.way_m() - riding.origin_m;
            (at_m - GATE_M).abs() < 0.01
        });
        line.write(0, f64::from(u8::from(is_over)));
    }
    assert!(line.fates().iter().any(|fate| fate.torn));
}

#[test]
fn mishaps_are_as_frequent_as_they_are_told() {
    let mishaps = Mishaps { missed_triggers: 0.1, double_triggers: 0.2, missed_pictures: 0.3 };
    let mut line = Line::new(1, mishaps);
    let events = run(&mut line, 1_200.0, 0.1);
    let parts = line.fates().len() as f64;
    let share = |ids: usize| line.fates().iter().filter(|fate| fate.ids.len() == ids).count() as f64 / parts;
    assert!((share(0) - 0.1).abs() < 0.04 && (share(2) - 0.18).abs() < 0.05, "{} {}", share(0), share(2));
    let pictures = events.iter().filter(|event| event.readings[0].signal == CAMERA_PART).count() as f64;
    assert!((pictures / parts - 0.63).abs() < 0.06, "{}", pictures / parts);
    let mut options = Options::new(1, crate::Script::none());
    options.settings.insert("missed_triggers".into(), 1.5);
    assert!(Mishaps::from_options(&options).is_err());
    options.settings = [("missed".to_owned(), 0.5)].into();
    assert!(Mishaps::from_options(&options).is_err());
}
