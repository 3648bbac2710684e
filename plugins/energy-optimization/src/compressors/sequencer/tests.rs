#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use super::super::plate::Plate;
use super::*;

fn site() -> Site {
    Site {
        fixed: Plate::parse_fixed("flow 12, power 75; flow 6, power 39").unwrap(),
        variable: Plate::parse("flow 10, power 68, least 0.3").unwrap(),
        volume_m3: 20.0,
        band_bar: (6.5, 7.5),
    }
}

const FREE: State = State { applied: Some(-1.0), blocked: false, initialise: false, lowest: -1.0 };

fn seen(time_s: f64, bar: f64, flow: f64, states: &[Option<f64>]) -> Observation<'_> {
    let (pressure_bar, flow) = (Some(bar), Some(flow));
    Observation { time_s, pressure_bar, flow, powers_kw: &[], states, permit: true, ahead: None }
}

const C_RUNS: [Option<f64>; 3] = [Some(0.0), Some(0.0), Some(2.0)];

#[test]
fn means_of_a_known_demand_by_hand() {
    let ahead = Ahead { start_s: 60.0, step_s: 60.0, values: &[3.0, 6.0, 9.0] };
    for (from_s, to_s, mean) in [
        (60.0, 120.0, Some(3.0)),
        (90.0, 150.0, Some(4.5)),
        (60.0, 240.0, Some(6.0)),
        (180.0, 240.0, Some(9.0)),
        (180.0, 241.0, None),
        (0.0, 60.0, None),
        (120.0, 120.0, None),
    ] {
        assert_eq!(ahead.mean(from_s, to_s), mean, "{from_s} {to_s}");
    }
    let bad = Ahead { values: &[f64::NAN], ..ahead };
    assert_eq!(bad.mean(60.0, 120.0), None);
}

#[test]
fn a_small_demand_is_the_variable_machines() {
    let mut sequencer = Sequencer::new(site());
    let wishes = sequencer.step(seen(0.0, 6.7, 7.0, &C_RUNS), &[FREE; 3]);
    let values: Vec<f64> = wishes.iter().map(|wish| wish.value).collect();
    assert_eq!(values[..2], [0.0, 0.0], "{wishes:?}");
    assert!((0.3..=0.9).contains(&values[2]), "{wishes:?}");
}

#[test]
fn at_the_lower_edge_something_starts_at_once_and_at_the_upper_it_unloads() {
    let mut sequencer = Sequencer::new(site());
    let low = sequencer.step(seen(0.0, 6.51, 16.0, &C_RUNS), &[FREE; 3]);
    assert_eq!(low[2].value, 1.0, "{low:?}");
    assert!(low[0].value == 2.0 || low[1].value == 2.0, "{low:?}");
    let all = [Some(2.0), Some(2.0), Some(2.0)];
    let high = Sequencer::new(site()).step(seen(0.0, 7.49, 3.0, &all), &[FREE; 3]);
    assert!(high[0].value < 2.0 && high[1].value < 2.0, "{high:?}");
}

#[test]
fn outputs_that_are_blocked_or_handed_over_are_left_as_they_are() {
    let mut sequencer = Sequencer::new(site());
    let blocked = State { blocked: true, ..FREE };
    let new = State { applied: Some(0.55), initialise: true, ..FREE };
    let wishes = sequencer.step(seen(0.0, 6.7, 7.0, &C_RUNS), &[FREE, blocked, new]);
    assert!(wishes.iter().all(|wish| wish.machine != 1), "{wishes:?}");
    let third = wishes.iter().find(|wish| wish.machine == 2).unwrap();
    assert_eq!((third.value, third.reason), (0.55, Reason::Follow));
}

#[test]
fn without_any_pressure_machines_go_back_to_their_switches_or_stay() {
    let mut sequencer = Sequencer::new(site());
    let blind = Observation { pressure_bar: None, ..seen(0.0, 7.0, 7.0, &C_RUNS) };
    let wishes = sequencer.step(blind, &[FREE; 3]);
    assert!(wishes.len() == 3 && wishes.iter().all(|w| w.value == -1.0 && w.reason == Reason::Blind), "{wishes:?}");
    let without = State { lowest: 0.0, ..FREE };
    assert_eq!(sequencer.step(Observation { time_s: 10.0, ..blind }, &[without; 3]), []);
}

#[test]
fn foreign_shapes_are_answered_with_silence() {
    let mut sequencer = Sequencer::new(site());
    assert_eq!(sequencer.step(seen(0.0, 6.7, 7.0, &C_RUNS), &[FREE; 2]), []);
    assert_eq!(sequencer.step(seen(f64::NAN, 6.7, 7.0, &C_RUNS), &[FREE; 3]), []);
    assert_eq!(sequencer.step(seen(0.0, 6.7, 7.0, &[]), &[FREE; 3]).len(), 3);
}

#[test]
fn a_choice_is_outgrown_by_what_all_its_machines_cannot_give() {
    let model = Model::new(&site());
    let choice = Choice { on: 0b110, loaded: 0b10, modulated: Some(2), target_bar: 6.62, until_s: 60.0 };
    let standing = Standing { made_s: 0.0, from_bar: 6.62, choice, reckoned: Reckoned::default() };
    // 16 m³/min at most: 18 take 2 m³ of 20 in a minute.
    for (now_s, bar, drawn, short) in
        [(0.0, 6.62, 16.0, 0.0), (0.0, 6.62, 18.0, 0.1), (30.0, 6.6, 18.0, 0.07), (0.0, 6.62, 10.0, -0.3)]
    {
        let found = standing.short(&model, now_s, bar, drawn);
        assert!((found - short).abs() < 1e-9, "{now_s} {bar} {drawn}: {found}, not {short}");
    }
    let idle = Choice { on: 0b11, modulated: Some(0), ..choice };
    let turns = Standing { choice: idle, ..standing };
    assert!(turns.short(&model, 0.0, 6.62, 18.0).abs() < 1e-9);
}
