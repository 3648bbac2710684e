//! M4's hourly series, where `DINRAIL_DATA` says that they are: each learnt value by value, the next two days told.

mod bench;

use std::path::Path;

#[test]
fn hourly_series_are_forecast_better_than_the_competition_did() {
    let Some(data) = std::env::var_os("DINRAIL_DATA") else {
        eprintln!("skipped hourly_series_are_forecast_better_than_the_competition_did: DINRAIL_DATA is not set");
        return;
    };
    let report = bench::run(&Path::new(&data).join("m4")).expect("the series are read");
    let [all, halves @ ..] = &report.parts;
    println!("OWA {:.4}, calibration error {:.4}, loss {:.5}", all.owa(), all.calibration_error(), all.loss());
    assert!(all.owa() <= 0.395 && all.calibration_error() <= 0.03, "{all:?}");
    for half in halves {
        assert!(half.owa() <= 0.405 && half.calibration_error() <= 0.035, "{half:?}");
    }
    assert!(all.loss() < 0.21, "{}", all.loss());
    // No member alone is as good as their mixture.
    assert!(all.members().iter().all(|[owa, _]| *owa > all.owa()));
}
