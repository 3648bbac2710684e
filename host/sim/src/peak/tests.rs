#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use super::*;

const BATTERY: Battery = Battery { capacity_kwh: 50.0, power_kw: 100.0, efficiency: 1.0 };

fn site(loads: &[f64]) -> Site {
    let quarter = |(at, &load_kw): (usize, &f64)| Quarter {
        load_kw,
        hour: (at % 96) as f64 / 4.0,
        weekday: 0,
        period: (at / 4) as i64,
    };
    Site::new(loads.iter().enumerate().map(quarter).collect(), BATTERY, Tariff::default())
}

fn number(plant: &mut Site, name: &str) -> f64 {
    let mut out = Vec::new();
    plant.read(&mut out);
    let at = plant.signals.iter().position(|s| s.name == name).unwrap();
    let reading = out.into_iter().find(|r| r.signal == at).unwrap();
    match reading.value {
        Value::Number(x) => x,
        Value::Block { .. } => panic!("{name} is a waveform"),
    }
}

#[test]
fn periods_are_billed_by_hand() {
    // 100 kW above the cap for half an hour empties the battery; the last quarter hour of the period has nothing left.
    let mut site = site(&[300.0, 300.0, 260.0, 100.0, 250.0, 0.0, 0.0, 0.0]);
    site.write(0, 200.0);
    site.write(1, 50.0);
    site.advance(2.0 * 900.0);
    assert_eq!((number(&mut site, "site.charge"), number(&mut site, "site.peak")), (0.0, 200.0));
    site.advance(900.0);
    assert_eq!((number(&mut site, "site.peak"), number(&mut site, "site.load_last")), (260.0, 260.0));
    assert_eq!(number(&mut site, "site.period_left"), 0.25);
    site.advance(900.0);
    // The second period begins without a peak, and with the 25 kWh that the cap left room for.
    assert_eq!((number(&mut site, "site.charge"), number(&mut site, "site.peak")), (25.0, 0.0));
    site.advance(1e6);
    let account = site.account().unwrap();
    assert_eq!((account.cost, account.baseline), (10.0 * 460.0, 10.0 * 550.0));
    // 50 kWh over the three quarter hours: (300 + 300 + 260 − 200) / 3; then 250 − 100.
    assert!((account.optimum - 10.0 * (220.0 + 150.0)).abs() < 0.1, "{account:?}");
    assert_eq!(account.time_s, 8.0 * 900.0);
}

#[test]
fn readings_do_not_depend_on_how_time_is_sliced() {
    let run = |slice_s: f64| {
        let mut site = Site::made_up(5);
        site.write(0, 150.0);
        site.write(1, 1e9);
        (0..(5.0 * 86_400.0 / slice_s).round() as usize).for_each(|_| site.advance(slice_s));
        (number(&mut site, "site.charge"), number(&mut site, "site.peak"), site.account().unwrap().cost)
    };
    let whole = run(5.0 * 86_400.0);
    for slice_s in [900.0, 60.0, 700.0] {
        let parts = run(slice_s * if slice_s == 700.0 { 5.0 * 86_400.0 / 700.0 / 617.0 } else { 1.0 });
        assert!((whole.0 - parts.0).abs() < 1e-6 && (whole.1 - parts.1).abs() < 1e-6, "{slice_s}: {whole:?} {parts:?}");
        assert!((whole.2 - parts.2).abs() < 1e-4, "{slice_s}: {whole:?} {parts:?}");
    }
}

#[test]
fn left_alone_it_costs_what_no_battery_does_and_no_order_beats_the_optimum() {
    let seed = 3;
    let mut alone = Site::made_up(seed);
    alone.advance(40.0 * 86_400.0);
    let account = alone.account().unwrap();
    assert!((account.cost - account.baseline).abs() < 1e-6, "seed {seed}: {account:?}");
    for cap in [100.0, 200.0, 300.0, 400.0, 500.0] {
        let mut site = Site::made_up(seed);
        site.write(0, cap);
        site.write(1, 1e9);
        site.advance(40.0 * 86_400.0);
        let account = site.account().unwrap();
        assert!(account.cost >= account.optimum - 1e-3, "seed {seed}, cap {cap}: {account:?}");
        assert!(site.truth().violation == Some(0.0), "seed {seed}");
    }
}

#[test]
fn writes_are_cut_and_nonsense_is_ignored() {
    let mut site = site(&[300.0; 4]);
    site.write(1, 1e9);
    site.write(0, f64::NAN);
    site.write(7, 1.0);
    site.advance(f64::NAN);
    site.advance(-1.0);
    assert_eq!((site.setpoints, site.time_s), ([400.0, 50.0], 0.0));
}
