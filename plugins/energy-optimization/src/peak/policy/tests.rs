#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use super::*;
use crate::forecast::history::Row;
use crate::forecast::profile::Local;

const BATTERY: Battery = Battery { capacity_kwh: 100.0, power_kw: 80.0, efficiency: 0.95 };
const PERIOD: usize = 5 * SLOTS;

/// A works of batches whose size changes from hour to hour by a fixed scramble.
fn load(quarter: usize) -> f64 {
    let hour = quarter % SLOTS / 4;
    let scramble = (quarter / 4 * 7919 + 13) % 101;
    if (8..17).contains(&hour) && hour != 12 { 150.0 + 1.5 * scramble as f64 } else { 12.0 }
}

/// Highest load and highest import of each period.
fn run(loads: &[f64], measured: impl Fn(usize) -> bool) -> Vec<(f64, f64)> {
    let (mut policy, mut history) = (Policy::new(BATTERY), History::default());
    let mut order = Order { cap_kw: 1e9, refill_to_kwh: 0.0 };
    let (mut charge, mut periods) = (BATTERY.capacity_kwh, vec![(0.0_f64, 0.0_f64)]);
    for (at, &load) in loads.iter().enumerate() {
        let (import, after) = BATTERY.follow(order, load, charge, 0.25);
        assert!((0.0..=BATTERY.capacity_kwh + 1e-9).contains(&after), "{at}: {after}");
        assert!((import - load).abs() <= BATTERY.power_kw + 1e-9 && import >= 0.0, "{at}: {import}");
        charge = after;
        let last = periods.last_mut().unwrap();
        *last = (last.0.max(load), last.1.max(import));
        let ended = (at + 1) % PERIOD == 0;
        let peak = last.1;
        let load_kw = measured(at).then_some(load);
        let local = Local { slot: (at % SLOTS) as u8, weekday: (at / SLOTS % 7) as u8 };
        history.push(Row { load: load_kw.map_or(f32::NAN, |load| load as f32), usual: f32::NAN, local });
        if ended {
            periods.push((0.0, 0.0));
        }
        let now = Now {
            period: ((at + 1) / PERIOD) as i64,
            left: PERIOD - (at + 1) % PERIOD,
            load_kw: load_kw.filter(|_| !ended),
            peak_kw: Some(if ended { 0.0 } else { peak }),
            charge_kwh: charge,
        };
        order = policy.decide(&now, &history).order;
    }
    periods.retain(|&(load, _)| load > 0.0);
    periods
}

#[test]
fn peaks_fall_once_days_are_known_and_never_rise() {
    let loads: Vec<f64> = (0..3 * PERIOD).map(load).collect();
    let periods = run(&loads, |_| true);
    assert_eq!(periods.len(), 3);
    for (load, import) in &periods {
        assert!(import <= load, "{periods:?}");
    }
    let (load, import) = periods[2];
    assert!(import < load - 0.3 * BATTERY.power_kw, "{periods:?}");
}

#[test]
fn a_quiet_period_after_a_loud_one_is_not_made_dearer_by_charging() {
    let loads: Vec<f64> = (0..2 * PERIOD).map(|at| if at < PERIOD { load(at) } else { 0.2 * load(at) }).collect();
    for (load, import) in run(&loads, |_| true) {
        assert!(import <= load + 1e-9, "{import} {load}");
    }
}

#[test]
fn missing_loads_are_survived() {
    let loads: Vec<f64> = (0..2 * PERIOD).map(load).collect();
    for (load, import) in run(&loads, |at| at % 7 != 3 && !(300..340).contains(&at)) {
        assert!(import <= load + 1e-9, "{import} {load}");
    }
}
