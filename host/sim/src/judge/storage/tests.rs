#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;
use crate::noise;

const BATTERY: Battery = Battery { capacity_kwh: 2.0, power_kw: 1.0, efficiency: 1.0, initial_kwh: 0.0 };

fn solve(price: &[f64], load: &[f64], pv: &[f64], battery: Battery, terms: &Terms) -> Course {
    let series = Series { step_h: 1.0, price, load_kwh: load, pv_kwh: pv };
    let course = best_course(&series, &battery, terms).unwrap();
    assert!(feasible(&series, &battery, terms, &course), "{course:?}");
    assert!((course.cost - course.bound).abs() < 1e-5 * (1.0 + course.cost.abs()), "{course:?}");
    course
}

/// Goes through a course step by step: charge and power within their limits, windows served, the bill as it says.
fn feasible(series: &Series<'_>, battery: &Battery, terms: &Terms, course: &Course) -> bool {
    let small = 1e-5 * (1.0 + battery.capacity_kwh);
    let mut held = battery.initial_kwh;
    let mut bill = Bill::new(series.step_h, terms);
    for t in 0..series.price.len() {
        let (charge, discharge) = (course.charge[t], course.discharge[t]);
        held += charge * battery.efficiency - discharge / battery.efficiency;
        let within = -small <= held && held <= battery.capacity_kwh + small;
        if !within || charge.max(discharge) > battery.power_kw * series.step_h + small {
            return false;
        }
        let meter = series.load_kwh[t] - series.pv_kwh[t] + charge - discharge + course.shifted[t];
        bill.add(series.price[t], meter, charge + discharge);
    }
    let served = |window: &Window| {
        let used: f64 = course.shifted[window.from..window.to].iter().sum();
        used > window.energy_kwh - small
    };
    terms.shiftable.iter().all(served) && (bill.cost() - course.cost).abs() < small
}

fn near(course: &Course, cost: f64) {
    assert!((course.cost - cost).abs() < 1e-5, "{} is not {cost}: {course:?}", course.cost);
}

#[test]
fn small_cases_by_hand() {
    let none = Terms::default();
    // Two dear hours; the battery takes one kWh in each of two cheap ones.
    near(&solve(&[1.0, 1.0, 3.0, 3.0], &[1.0; 4], &[0.0; 4], BATTERY, &none), 4.0);
    // With losses of a fifth each way a kWh held gives 0.64: 1 / 0.64 still beats 3.
    let lossy = Battery { efficiency: 0.8, ..BATTERY };
    near(&solve(&[1.0, 3.0], &[0.0, 1.0], &[0.0; 2], lossy, &none), 1.0 + 3.0 * 0.36);
    // Free surplus is stored, the rest of it is nobody's.
    near(&solve(&[1.0, 1.0], &[0.0, 2.0], &[3.0, 0.0], BATTERY, &none), 1.0);
    // Wear of 0.6 on each of two flows: a spread of 1 does not pay, one of 2 does.
    let wear = Terms { wear: 0.6, ..Terms::default() };
    near(&solve(&[1.0, 2.0], &[0.0, 1.0], &[0.0; 2], BATTERY, &wear), 2.0);
    near(&solve(&[1.0, 3.0], &[0.0, 1.0], &[0.0; 2], BATTERY, &wear), 2.2);
    // A demand charge spreads an import of 3 kWh over three steps, in each period by itself.
    let demand = Terms { demand_charge: 10.0, ..Terms::default() };
    let wide = Battery { capacity_kwh: 9.0, power_kw: 9.0, ..BATTERY };
    near(&solve(&[1.0; 3], &[0.0, 0.0, 3.0], &[0.0; 3], wide, &demand), 3.0 + 10.0);
    let two = Terms { period_starts: vec![0, 2], ..demand };
    near(&solve(&[1.0; 3], &[0.0, 0.0, 3.0], &[0.0; 3], BATTERY, &two), 3.0 + 10.0 * 2.0 + 10.0 * 0.5);
    // Exports earn half; the limit keeps one of three kWh from being sold, the battery sells it later.
    let sell = Terms { export_price: 0.5, export_limit_kw: Some(2.0), ..Terms::default() };
    near(&solve(&[1.0, 1.0], &[0.0, 0.0], &[3.0, 0.0], BATTERY, &sell), -1.5);
    // A load of 2 kWh at 1 kW finds the two cheapest of its window's hours.
    let window = Window { from: 1, to: 4, energy_kwh: 2.0, power_kw: 1.0 };
    let shift = Terms { shiftable: vec![window], ..Terms::default() };
    let empty = Battery { capacity_kwh: 0.0, ..BATTERY };
    near(&solve(&[0.0, 5.0, 1.0, 2.0], &[0.0; 4], &[0.0; 4], empty, &shift), 3.0);
}

#[test]
fn a_baseline_runs_shiftable_loads_at_once() {
    let terms = Terms {
        demand_charge: 1.0,
        shiftable: vec![Window { from: 1, to: 3, energy_kwh: 1.5, power_kw: 1.0 }],
        ..Terms::default()
    };
    let series = Series { step_h: 1.0, price: &[1.0, 2.0, 4.0], load_kwh: &[1.0; 3], pv_kwh: &[0.0, 0.5, 3.0] };
    // Imports of 1, 1.5 and 0 kWh, the highest of 1.5 kW.
    assert_eq!(without_battery(&series, &terms), 1.0 + 3.0 + 1.5);
}

/// Least cost by dynamic programming over a grid of charges that every lossless flow of the instance stays on.
fn by_states(price: &[f64], net: &[i64], capacity: usize, power: i64) -> f64 {
    let mut value = vec![0.0; capacity + 1];
    for (price, net) in price.iter().zip(net).rev() {
        let best = |held: usize| {
            let next = (0..=capacity as i64).filter(|next| (next - held as i64).abs() <= power);
            let cost = |next: i64| price * (net + next - held as i64).max(0) as f64 + value[next as usize];
            next.map(cost).fold(f64::INFINITY, f64::min)
        };
        value = (0..=capacity).map(best).collect();
    }
    value[0]
}

#[test]
fn random_instances_agree_with_dynamic_programming() {
    for seed in 0..20 {
        let mut rng = noise::stream(seed, 900, 0);
        let steps = 40;
        let mut whole = |lo: f64, hi: f64| noise::uniform(&mut rng, lo, hi).floor();
        let price: Vec<f64> = (0..steps).map(|_| whole(1.0, 9.0)).collect();
        let load: Vec<f64> = (0..steps).map(|_| whole(0.0, 4.0)).collect();
        let pv: Vec<f64> = (0..steps).map(|_| whole(-4.0, 5.0).max(0.0)).collect();
        let battery = Battery { capacity_kwh: 5.0, power_kw: 2.0, efficiency: 1.0, initial_kwh: 0.0 };
        let net: Vec<i64> = load.iter().zip(&pv).map(|(load, pv)| (load - pv) as i64).collect();
        let course = solve(&price, &load, &pv, battery, &Terms::default());
        let expected = by_states(&price, &net, 5, 2);
        assert!((course.cost - expected).abs() < 1e-4, "seed {seed}: {} is not {expected}", course.cost);
    }
}

#[test]
fn no_time_costs_nothing() {
    let series = Series { step_h: 1.0, price: &[], load_kwh: &[], pv_kwh: &[] };
    assert_eq!(best_course(&series, &BATTERY, &Terms::default()), Ok(Course::default()));
}

#[test]
fn nonsense_is_refused() {
    let series = Series { step_h: 1.0, price: &[1.0, 2.0], load_kwh: &[1.0, 1.0], pv_kwh: &[0.0, 0.0] };
    let short = Series { load_kwh: &[1.0], ..series };
    let nan = Series { pv_kwh: &[0.0, f64::NAN], ..series };
    for broken in [short, nan, Series { step_h: 0.0, ..series }] {
        assert!(matches!(best_course(&broken, &BATTERY, &Terms::default()), Err(StorageError::Numbers(_))));
    }
    let over = Battery { initial_kwh: 3.0, ..BATTERY };
    assert!(matches!(best_course(&series, &over, &Terms::default()), Err(StorageError::Numbers(_))));
    let tight = Window { from: 0, to: 1, energy_kwh: 2.0, power_kw: 1.0 };
    let terms = Terms { shiftable: vec![tight], ..Terms::default() };
    assert!(matches!(best_course(&series, &BATTERY, &terms), Err(StorageError::Unsolved(_))));
}
