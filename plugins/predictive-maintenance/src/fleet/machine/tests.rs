#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::fleet::life::{Interval, Node};
use crate::fleet::regime::Regimes;
use crate::fleet::tables::{Feature, Settings};

/// A life that the first feature tells: 100 at 0, 25 less for each unit.
struct Straight;

impl Predict for Straight {
    type Error = ();

    fn predict(&mut self, features: &[f32]) -> Result<f64, ()> {
        Ok(100.0 - 25.0 * f64::from(features[0]))
    }
}

fn tables() -> Tables {
    Tables {
        settings: vec!["speed".into()],
        sensors: vec!["a".into(), "b".into()],
        regimes: Regimes { tolerances: vec![1.0], centres: vec![vec![0.0], vec![10.0]] },
        means: vec![vec![5.0, 50.0], vec![7.0, 70.0]],
        deviations: vec![vec![1.0, 2.0], vec![1.0, 2.0]],
        weights: vec![vec![1.0; 2], vec![0.5, 1.0]],
        limits: [vec![-4.0; 2], vec![4.5; 2]],
        features: vec![Feature::Average { rate: 0.5 }],
        modes: vec![("a".into(), vec![1.0, 0.0], 0.0), ("b".into(), vec![0.0, 1.0], 0.0)],
        interval: Interval::new(vec![Node { prediction: 50.0, low: 40.0, high: Some(70.0) }]).unwrap(),
        life: Settings { cap: 100.0, least_cycles: 3, clip: 8.0, spike: 4.0, spike_after: 10 },
    }
}

/// The last assessment of rows of speed, a, b.
fn after(rows: &[[Option<f64>; 3]]) -> Assessment {
    let tables = tables();
    let mut machine = Machine::new(&tables);
    let assess = |row: &[Option<f64>; 3]| machine.row(0, &row[..1], &row[1..], &tables, &mut Straight).unwrap();
    rows.iter().map(assess).last().unwrap()
}

#[test]
fn regimes_are_taken_out() {
    let fresh = after(&[[Some(0.0), Some(5.0), Some(50.0)], [Some(10.0), Some(7.0), Some(70.0)]]);
    assert_eq!((fresh.index, fresh.mode.as_str()), (1.0, ""));
    let worn = after(&[[Some(10.0), Some(9.0), Some(70.0)]; 5]);
    assert_eq!(worn.life, Some((50.0, 40.0, Some(70.0))));
    assert_eq!((worn.index, worn.mode.as_str(), worn.trust), (0.5, "a", Trust::Good));
    assert_eq!(after(&[[Some(0.0), Some(7.0), Some(56.0)]; 5]).mode, "b");
}

#[test]
fn trust_falls_with_what_is_missing() {
    let good = [Some(0.0), Some(6.0), Some(50.0)];
    let check = |rows: &[[Option<f64>; 3]], expected: Trust| {
        assert_eq!(after(rows).trust, expected, "{rows:?}");
    };
    check(&[good; 2], Trust::Uncertain);
    check(&[good; 3], Trust::Good);
    check(&[&[good; 9][..], &[[Some(0.0), None, Some(50.0)]; 3]].concat(), Trust::Good);
    check(&[&[good; 9][..], &[[Some(0.0), None, Some(50.0)]; 9]].concat(), Trust::Uncertain);
    check(&[&[good; 9][..], &[[Some(0.0), None, None]; 20]].concat(), Trust::None);
    check(&[&[good; 9][..], &[[Some(4.0), Some(6.0), Some(50.0)]; 4]].concat(), Trust::Uncertain);
    check(&[[None; 3]], Trust::None);
    // Beyond anything that the fleet showed.
    check(&[[Some(0.0), Some(10.0), Some(50.0)]; 5], Trust::Uncertain);
}

#[test]
fn without_readings_the_last_health_stands_without_a_life() {
    let gone = after(&[&[[Some(0.0), Some(7.0), Some(50.0)]; 5][..], &[[Some(0.0), None, None]; 30]].concat());
    assert_eq!((gone.trust, gone.index, gone.life), (Trust::None, 0.5, None));
}

#[test]
fn a_machine_of_one_regime_keeps_it() {
    let tables = tables();
    let run = |first: &[f64], settled: bool| {
        let mut machine = Machine::new(&tables);
        for speed in first {
            machine.row(0, &[Some(*speed)], &[Some(5.0), Some(50.0)], &tables, &mut Straight).unwrap();
        }
        let before = machine.features(&tables);
        machine.row(0, &[Some(4.0)], &[Some(6.0), Some(50.0)], &tables, &mut Straight).unwrap();
        assert_eq!(machine.features(&tables)[0] != before[0], settled, "{first:?}");
        machine.features(&tables)[2..].to_vec()
    };
    assert_eq!(run(&[0.0; 10], true), [0.0, 11.0]);
    assert_eq!(run(&[0.0; 9], false), [0.0, 10.0]);
    assert_eq!(run(&[&[10.0][..], &[0.0; 10]].concat(), false), [1.0, 12.0]);
}

#[test]
fn rows_that_are_missing_are_cycles_all_the_same() {
    let tables = tables();
    let mut machine = Machine::new(&tables);
    for hour in [1, 2, 3, 7] {
        machine.row(hour * 3_600, &[Some(0.0)], &[Some(5.0), Some(50.0)], &tables, &mut Straight).unwrap();
    }
    assert_eq!(machine.features(&tables)[3], 7.0);
    assert!(machine.missing > 0.0);
}
