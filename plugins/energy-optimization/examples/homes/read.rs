//! Reads a CityLearn home's year.

use std::path::Path;

use anyhow::{Context, Result};
use dinrail_sim::home::HomeSeries;

fn column(path: &Path, name: &str) -> Result<Vec<f64>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
    let at = reader.headers()?.iter().position(|header| header == name).with_context(|| name.to_owned())?;
    reader.records().map(|record| Ok(record?.get(at).context("a short row")?.parse()?)).collect()
}

/// A home's year; homes 4, 10 and later have 5 kW of panels, the others 4, as the data set's schema says.
pub(crate) fn home(root: &Path, home: usize) -> Result<HomeSeries> {
    let path = root.join(format!("Building_{home}.csv"));
    let panels_kw = if home == 4 || home >= 10 { 5.0 } else { 4.0 };
    Ok(HomeSeries {
        step_s: 3600.0,
        load_kwh: column(&path, "non_shiftable_load")?,
        pv_kwh: column(&path, "solar_generation")?.iter().map(|watts| watts / 1000.0 * panels_kw).collect(),
        price: column(&root.join("pricing.csv"), "electricity_pricing")?,
    })
}
