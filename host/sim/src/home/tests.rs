#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;

fn home(load: &[f64], pv: &[f64], price: &[f64], settings: HomeSettings) -> Home {
    let series = HomeSeries { step_s: 3600.0, load_kwh: load.to_vec(), pv_kwh: pv.to_vec(), price: price.to_vec() };
    Home::new(series, settings).unwrap()
}

fn read(home: &mut Home, name: &str) -> f64 {
    let mut out = Vec::new();
    let at = home.signals.iter().position(|signal| signal.name == name).unwrap();
    home.read(&mut out);
    match out[at].value {
        Value::Number(value) => value,
        Value::Block { .. } => panic!("{name} is a waveform"),
    }
}

fn lossless(capacity_kwh: f64, power_kw: f64) -> HomeSettings {
    let battery = Battery { capacity_kwh, power_kw, efficiency: 1.0, initial_kwh: 0.0 };
    HomeSettings { battery, terms: Terms::default() }
}

#[test]
fn nothing_commanded_costs_the_baseline() {
    let series = synthetic::series(1, 10, 3600.0);
    let mut home = Home::new(series, HomeSettings::default()).unwrap();
    assert_eq!(home.account(), None);
    home.advance(8.0 * 86_400.0);
    let account = home.account().unwrap();
    assert!((account.cost - account.baseline).abs() < 1e-9, "{account:?}");
    assert!(account.optimum < 0.95 * account.baseline, "{account:?}");
    assert_eq!((account.time_s, account.violation_s), (8.0 * 86_400.0, 0.0));
}

#[test]
fn the_inverter_follows_its_levels() {
    let mut home = home(&[0.0, 1.0, 3.0, 1.0], &[2.0, 0.0, 0.0, 0.0], &[1.0, 1.0, 5.0, 5.0], lossless(4.0, 2.0));
    // Surplus of 2 kWh is stored; then 1 kWh is bought up to a level of 3, and the load imported.
    home.advance(3600.0);
    assert_eq!((read(&mut home, "home.charge"), read(&mut home, "home.grid")), (2.0, 0.0));
    home.write(CHARGE_TO, 3.0);
    home.advance(3600.0);
    assert_eq!((read(&mut home, "home.charge"), read(&mut home, "home.grid")), (3.0, 2.0));
    // Of 3 kWh the battery gives its 2 kW, and then what is left above the lower level.
    home.write(CHARGE_TO, 0.0);
    home.write(DISCHARGE_TO, 0.5);
    home.advance(3600.0);
    assert_eq!((read(&mut home, "home.charge"), read(&mut home, "home.grid")), (1.0, 1.0));
    home.advance(3600.0);
    assert_eq!((read(&mut home, "home.charge"), read(&mut home, "home.grid")), (0.5, 0.5));
    assert_eq!(home.bill.cost(), 2.0 + 5.0 + 2.5);
    // The series has ended: nothing happens any more.
    home.advance(36_000.0);
    assert_eq!(home.bill.steps(), 4);
}

#[test]
fn the_import_limit_is_kept_with_what_is_held() {
    let mut settings = lossless(4.0, 2.0);
    settings.battery.initial_kwh = 1.5;
    let mut home = home(&[3.0, 3.0, 0.0], &[0.0; 3], &[1.0; 3], settings);
    home.write(IMPORT_LIMIT, 2.0);
    home.write(CHARGE_TO, 4.0);
    home.write(DISCHARGE_TO, 4.0);
    home.advance(3600.0);
    assert_eq!((read(&mut home, "home.charge"), read(&mut home, "home.grid")), (0.5, 2.0));
    home.advance(3600.0);
    assert_eq!((read(&mut home, "home.charge"), read(&mut home, "home.grid")), (0.0, 2.5));
    home.advance(3600.0);
    assert_eq!((read(&mut home, "home.charge"), read(&mut home, "home.grid")), (2.0, 2.0));
}

#[test]
fn what_may_not_be_exported_is_curtailed() {
    let mut settings = lossless(1.0, 2.0);
    settings.terms.export_limit_kw = Some(2.0);
    settings.terms.export_price = 0.5;
    let mut home = home(&[0.0; 2], &[4.0, 1.5], &[1.0; 2], settings);
    // Of 4 kWh the battery takes one, two are sold.
    home.advance(3600.0);
    assert_eq!((read(&mut home, "home.charge"), read(&mut home, "home.grid")), (1.0, -2.0));
    home.advance(3600.0);
    assert_eq!(read(&mut home, "home.grid"), -1.5);
    assert_eq!(home.bill.cost(), -0.5 * 3.5);
}

#[test]
fn it_says_how_long_a_billing_period_lasts() {
    let mut settings = lossless(0.0, 1.0);
    settings.terms.period_starts = vec![0, 3];
    let mut home = home(&[1.0; 5], &[0.0; 5], &[1.0; 5], settings);
    for (period, left_h) in [(1.0, 3.0), (1.0, 2.0), (1.0, 1.0), (2.0, 2.0), (2.0, 1.0)] {
        assert_eq!((read(&mut home, "home.period"), read(&mut home, "home.period_left")), (period, left_h));
        home.advance(3600.0);
    }
}

#[test]
fn orders_count_from_the_next_step_and_slicing_changes_nothing() {
    let run = |slices: usize| {
        let series = synthetic::series(3, 2, 900.0);
        let mut home = Home::new(series, HomeSettings::default()).unwrap();
        for step in 0..192 {
            home.write(CHARGE_TO, (step % 7) as f64);
            home.write(DISCHARGE_TO, (step % 5) as f64);
            for slice in 0..slices {
                home.advance(900.0 / slices as f64);
                if slice + 1 < slices {
                    home.write(CHARGE_TO, 6.4);
                    home.write(DISCHARGE_TO, 6.4);
                }
            }
        }
        home.bill.cost()
    };
    assert!((run(1) - run(3)).abs() < 1e-9);
}

#[test]
fn what_can_wait_is_done_in_time() {
    let mut settings = lossless(0.0, 1.0);
    settings.terms.shiftable = vec![Window { from: 1, to: 5, energy_kwh: 2.5, power_kw: 1.0 }];
    let mut waits = home(&[0.0; 6], &[0.0; 6], &[1.0, 9.0, 9.0, 1.0, 1.0, 1.0], settings.clone());
    waits.write(SHIFTABLE_POWER, 0.0);
    waits.advance(3600.0);
    assert_eq!((read(&mut waits, "home.due"), read(&mut waits, "home.due_time")), (2.5, 4.0));
    waits.advance(5.0 * 3600.0);
    let account = waits.account().unwrap();
    // Nobody asked for it, so it runs as late as it may: half a kWh in the second hour.
    assert_eq!((account.cost, account.violation_s), (4.5 + 2.0, 0.0));
    assert!((account.optimum - 6.5).abs() < 1e-4, "{account:?}");
    assert_eq!(account.baseline, 9.0 + 9.0 + 0.5);
}

#[test]
fn series_that_make_no_sense_are_refused() {
    let series = synthetic::series(1, 1, 3600.0);
    let short = HomeSeries { price: vec![1.0], ..series.clone() };
    let still = HomeSeries { step_s: 0.0, ..series };
    for broken in [short, still] {
        assert!(Home::new(broken, HomeSettings::default()).is_err());
    }
}

#[test]
fn readings_stay_within_their_ranges() {
    for seed in 0..5 {
        let mut home = Home::new(synthetic::series(seed, 30, 3600.0), HomeSettings::default()).unwrap();
        home.write(CHARGE_TO, 6.4);
        for hour in 0..720 {
            home.write(DISCHARGE_TO, (hour % 7) as f64);
            home.advance(3600.0);
            let mut out = Vec::new();
            home.read(&mut out);
            assert_eq!(out.len(), home.signals.len());
            for reading in &out {
                let signal = &home.signals[reading.signal];
                let Value::Number(value) = reading.value else { panic!("a waveform") };
                assert!(signal.range.0 <= value && value <= signal.range.1, "seed {seed}: {} {value}", signal.name);
            }
        }
    }
}
