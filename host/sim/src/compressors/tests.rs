#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use super::*;

fn number(plant: &mut Compressors, name: &str) -> f64 {
    let mut out = Vec::new();
    let at = plant.signals.iter().position(|s| s.name == name).unwrap();
    plant.read(&mut out);
    match out[at].value {
        Value::Number(x) => x,
        Value::Block { .. } => panic!("{name} is a waveform"),
    }
}

#[test]
fn left_alone_it_keeps_its_band_and_costs_the_baseline() {
    for seed in 0..3 {
        let mut plant = Compressors::new(seed);
        plant.advance(86_400.0);
        let account = plant.account().unwrap();
        assert_eq!(account.violation_s, 0.0, "seed {seed}");
        assert!((account.cost - account.baseline).abs() < 1e-9, "seed {seed}: {account:?}");
        assert!(account.optimum < 0.97 * account.baseline, "seed {seed}: {account:?}");
        assert_eq!(account.time_s, 86_400.0);
    }
}

#[test]
fn the_truth_adds_up_to_the_account() {
    let mut plant = Compressors::new(1);
    let mut sum = 0.0;
    for _ in 0..36_000 {
        plant.advance(0.1);
        sum += 0.1 * plant.truth().cost.unwrap();
    }
    let account = plant.account().unwrap();
    assert!((sum - account.cost).abs() < 1e-6, "{sum} {account:?}");
}

#[test]
fn air_that_goes_in_raises_the_pressure_and_leaving_the_band_is_counted() {
    let mut plant = Compressors::new(2);
    let volume = plant.station.machines.volume_m3;
    for which in 0..3 {
        plant.write(which, 0.0);
    }
    let drawn: f64 = plant.ahead(2).iter().sum();
    plant.advance(120.0);
    assert!((START_BAR - plant.bar() - drawn / volume).abs() < 1e-6, "{}", plant.bar());
    assert_eq!(number(&mut plant, "compressors.c_state"), 0.0);
    plant.advance(1800.0);
    assert!(plant.truth().violation.unwrap() > 0.5);
    plant.write(0, 2.0);
    plant.advance(1200.0);
    assert_eq!(number(&mut plant, "compressors.a_state"), 2.0);
    assert!((plant.bar() - RELIEF_BAR).abs() < 0.2);
    assert!(plant.account().unwrap().violation_s > 1500.0);
}

#[test]
fn a_stop_too_soon_runs_on_unloaded() {
    let mut plant = Compressors::new(2);
    plant.write(1, 2.0);
    plant.advance(5.0);
    assert_eq!(number(&mut plant, "compressors.b_state"), 1.0);
    plant.advance(15.0);
    assert_eq!(number(&mut plant, "compressors.b_state"), 2.0);
    plant.write(1, 0.0);
    plant.advance(60.0);
    assert_eq!(number(&mut plant, "compressors.b_state"), 1.0);
    plant.advance(180.0);
    assert_eq!(number(&mut plant, "compressors.b_state"), 0.0);
    plant.write(1, 2.0);
    plant.advance(60.0);
    assert_eq!(number(&mut plant, "compressors.b_state"), 0.0);
}

#[test]
fn readings_do_not_depend_on_how_time_is_sliced() {
    let run = |slice_s: f64| {
        let mut plant = Compressors::new(5);
        plant.write(0, 2.0);
        plant.write(2, 0.4);
        (0..(600.0 / slice_s).round() as usize).for_each(|_| plant.advance(slice_s));
        let mut out = Vec::new();
        plant.read(&mut out);
        out
    };
    assert_eq!(run(10.0), run(1.0));
    assert_eq!(run(10.0), run(0.1));
}

#[test]
fn writes_are_cut_to_the_range_and_nonsense_is_ignored() {
    let mut plant = Compressors::new(1);
    plant.write(2, 1e9);
    assert_eq!(number(&mut plant, "compressors.c_readback"), 1.0);
    plant.write(2, f64::NAN);
    plant.write(9, 0.0);
    assert_eq!(number(&mut plant, "compressors.c_readback"), 1.0);
}
