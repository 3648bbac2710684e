//! The plugin closes the loop around a simulated home.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bench;

use bench::{Course, run, share};
use dinrail_sdk::EnergyOptimization;
use dinrail_sim::Plant;
use dinrail_sim::home::{Home, HomeSettings, synthetic};
use dinrail_sim::judge::storage::Window;

const DAYS: usize = 40;

#[test]
fn it_saves_most_of_what_hindsight_could() {
    for seed in 1..4 {
        for (course, bar) in [(Course::PRESENT, 0.93), (Course::PAST, 0.92)] {
            let series = synthetic::series(seed, DAYS, 3600.0);
            let (account, _) = run(series, HomeSettings::default(), course);
            assert!(share(&account) > bar, "seed {seed}, {course:?}: {} of {account:?}", share(&account));
            assert_eq!(account.violation_s, 0.0);
        }
    }
}

#[test]
fn quarter_hours_are_as_good() {
    let series = synthetic::series(1, 20, 900.0);
    let (account, _) = run(series, HomeSettings::default(), Course::PAST);
    assert!(share(&account) > 0.9, "{} of {account:?}", share(&account));
}

#[test]
fn it_is_the_same_at_another_scale() {
    // Load, generation and battery ten times as large: the share does not know of it.
    let small = synthetic::series(2, 30, 3600.0);
    let mut large = small.clone();
    large.load_kwh.iter_mut().chain(&mut large.pv_kwh).for_each(|value| *value *= 10.0);
    let mut settings = HomeSettings::default();
    let (of_small, _) = run(small, settings.clone(), Course::PAST);
    settings.battery.capacity_kwh *= 10.0;
    settings.battery.power_kw *= 10.0;
    let (of_large, _) = run(large, settings, Course::PAST);
    assert!((share(&of_small) - share(&of_large)).abs() < 1e-3, "{} {}", share(&of_small), share(&of_large));
}

#[test]
fn missing_readings_and_an_unknown_tariff_cost_little() {
    let series = synthetic::series(3, DAYS, 3600.0);
    let (all, _) = run(series.clone(), HomeSettings::default(), Course::PAST);
    for course in [Course { missing: 50, ..Course::PAST }, Course { known_h: 0, ..Course::PAST }] {
        let (some, _) = run(series.clone(), HomeSettings::default(), course);
        assert!(share(&some) > share(&all) - 0.05, "{course:?}: {} after {}", share(&some), share(&all));
    }
}

#[test]
fn a_demand_charge_wear_and_an_export_limit_are_counted_with() {
    let mut settings = HomeSettings::default();
    settings.terms.demand_charge = 8.0;
    settings.terms.period_starts = vec![0, 30 * 24];
    settings.terms.wear = 0.03;
    settings.terms.export_price = 0.06;
    settings.terms.export_limit_kw = Some(1.5);
    for seed in 1..4 {
        let (account, _) = run(synthetic::series(seed, DAYS, 3600.0), settings.clone(), Course::PAST);
        assert!(share(&account) > 0.7, "seed {seed}: {} of {account:?}", share(&account));
        assert_eq!(account.violation_s, 0.0);
    }
}

#[test]
fn a_load_that_can_wait_is_done_in_its_window_and_cheaply() {
    let mut settings = HomeSettings::default();
    // Ten hours for 4 kWh at 2 kW, every day from 8 to 22 h.
    let window = |day: usize| Window { from: 24 * day + 8, to: 24 * day + 22, energy_kwh: 4.0, power_kw: 2.0 };
    settings.terms.shiftable = (0..DAYS).map(window).collect();
    for seed in 1..3 {
        let (account, _) = run(synthetic::series(seed, DAYS, 3600.0), settings.clone(), Course::PAST);
        assert_eq!(account.violation_s, 0.0, "seed {seed}");
        assert!(share(&account) > 0.8, "seed {seed}: {} of {account:?}", share(&account));
    }
}

#[test]
fn before_a_day_is_known_nothing_is_bought_and_a_plan_reaches_a_day_ahead() {
    let (series, settings) = (synthetic::series(1, 3, 3600.0), HomeSettings::default());
    let mut plugin = bench::plugin(&series, &settings, false);
    let mut home = Home::new(series, settings).unwrap();
    for step in 0..60 {
        let frame = bench::frame(&mut home, Course::PAST, step);
        let outlook = bench::outlook(home.series(), Course::PAST, step, frame.time_ns);
        let plan = plugin.plan(&frame, &[], &outlook).unwrap();
        assert_eq!(plan.proposals.len(), 5);
        assert_eq!((plan.schedule.len(), plan.horizon_ns), (5 * 24, 86_400_000_000_000));
        if step < 23 {
            assert_eq!((plan.proposals[0].setpoint, plan.proposals[1].setpoint), (0.0, 0.0));
        } else {
            assert!(plan.expected_cost > 0.0, "step {step}");
        }
        bench::obey(&mut home, &plan);
        home.advance(3600.0);
    }
}

#[test]
fn a_saved_state_goes_on_as_if_nothing_had_happened() {
    let (series, settings) = (synthetic::series(4, 5, 3600.0), HomeSettings::default());
    let mut first = bench::plugin(&series, &settings, false);
    let mut second = bench::plugin(&series, &settings, false);
    let mut home = Home::new(series, settings).unwrap();
    for step in 0..120 {
        let frame = bench::frame(&mut home, Course::PAST, step);
        let outlook = bench::outlook(home.series(), Course::PAST, step, frame.time_ns);
        let plan = first.plan(&frame, &[], &outlook).unwrap();
        if step == 80 {
            second.restore(1, &first.save().unwrap()).unwrap();
        } else if step > 80 {
            assert_eq!(second.plan(&frame, &[], &outlook).unwrap(), plan, "step {step}");
        }
        bench::obey(&mut home, &plan);
        home.advance(3600.0);
    }
    assert!(first.save().unwrap().len() < 20_000);
    assert!(second.restore(1, &[1, 2, 3]).is_err());
}
