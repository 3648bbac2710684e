//! The forecasts of a folder with M4's hourly series against their test: `m4 FOLDER`.

#[path = "../tests/bench/mod.rs"]
mod bench;

use std::path::Path;

use anyhow::{Context as _, Result};

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("a folder")?;
    let report = bench::run(Path::new(&folder))?;
    for (figures, name) in report.parts.iter().zip(["all", "one half", "the other half"]) {
        let ([smape, mase, ..], owa) = (figures.means(), figures.owa());
        let (error, loss) = (figures.calibration_error(), figures.loss());
        println!("{name}: {} series, OWA {owa:.4}, sMAPE {smape:.3}, MASE {mase:.4}", figures.series);
        println!("  calibration error {error:.4}, quantile loss {loss:.5}, shares {:.3?}", figures.shares());
    }
    for (member, [owa, weight]) in report.parts[0].members().iter().enumerate() {
        println!("  member {member:2}: OWA {owa:.4}, weight {weight:.3}");
    }
    let each = report.spent.as_secs_f64() * 1e3 / report.parts[0].series;
    println!("{each:.1} ms a series, {:.2} ms its slowest value", report.slowest.as_secs_f64() * 1e3);
    Ok(())
}
