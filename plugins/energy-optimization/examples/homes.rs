//! Plans the batteries of CityLearn's homes for a year and prints what was saved of what hindsight could have saved.
//!
//! `DINRAIL_DATA=… cargo run --release -p energy-optimization --example homes [-- VARIANT [HOME…]]`
//!
//! VARIANT is one of `as-is`, `half`, `double`, `shifted` (a year from May on), `shuffled` (whole days in another
//! order),
//! `missing` (one reading in fifty), `terms` (demand charge, wear, paid exports with a limit) and `shiftable` (5 kWh
//! a day).

#[path = "../tests/bench/mod.rs"]
mod bench;

#[path = "homes/read.rs"]
mod read;

use anyhow::{Context, Result, bail};
use bench::{Course, run, share};
use dinrail_sim::home::{HomeSeries, HomeSettings};
use dinrail_sim::judge::storage::Window;

/// Days before each month's first, in a year that begins with August.
const MONTHS: [usize; 12] = [0, 31, 61, 92, 122, 153, 184, 212, 243, 273, 304, 334];

fn main() -> Result<()> {
    let root = std::env::var("DINRAIL_DATA").context("DINRAIL_DATA names the data's directory")?;
    let root = std::path::Path::new(&root).join("citylearn");
    let mut arguments = std::env::args().skip(1);
    let variant = arguments.next().unwrap_or_else(|| "as-is".to_owned());
    let chosen: Vec<usize> = arguments.map(|home| home.parse()).collect::<Result<_, _>>()?;
    let homes = if chosen.is_empty() { (1..=5).collect() } else { chosen };
    println!("{variant}\nhome     base      LP  present  share     past  share  violation s  ms a call");
    let mut sums = [0.0; 4];
    for home in homes {
        let (series, settings) = variant_of(&variant, read::home(&root, home)?, home as u64)?;
        let missing = if variant == "missing" { 50 } else { 0 };
        let (now, call) = run(series.clone(), settings.clone(), Course { missing, ..Course::PRESENT });
        let (past, _) = run(series, settings, Course { missing, ..Course::PAST });
        println!(
            "{home:>4} {:>8.2} {:>7.2} {:>8.2} {:>6.4} {:>8.2} {:>6.4} {:>12.0} {:>10.2}",
            now.baseline,
            now.optimum,
            now.cost,
            share(&now),
            past.cost,
            share(&past),
            now.violation_s + past.violation_s,
            call.as_secs_f64() * 1e3,
        );
        sums.iter_mut().zip([now.baseline, now.optimum, now.cost, past.cost]).for_each(|(sum, value)| *sum += value);
    }
    let pooled = |cost: f64| (sums[0] - cost) / (sums[0] - sums[1]);
    println!("pooled share: {:.4} present, {:.4} past", pooled(sums[2]), pooled(sums[3]));
    println!("cost beside the LP's: {:.4} present, {:.4} past", sums[2] / sums[1], sums[3] / sums[1]);
    Ok(())
}

fn variant_of(variant: &str, mut series: HomeSeries, seed: u64) -> Result<(HomeSeries, HomeSettings)> {
    let mut settings = HomeSettings::default();
    match variant {
        "as-is" | "missing" => {}
        "half" => series.load_kwh.iter_mut().for_each(|load| *load *= 0.5),
        "double" => series.load_kwh.iter_mut().for_each(|load| *load *= 2.0),
        "shifted" => {
            let all = [&mut series.load_kwh, &mut series.pv_kwh, &mut series.price];
            all.into_iter().for_each(|values| values.rotate_left(273 * 24));
        }
        "shuffled" => {
            let order = shuffled(series.price.len() / 24, seed);
            let all = [&mut series.load_kwh, &mut series.pv_kwh, &mut series.price];
            for values in all {
                *values = order.iter().flat_map(|day| values[day * 24..(day + 1) * 24].to_vec()).collect();
            }
        }
        "terms" => {
            settings.terms.demand_charge = 10.0;
            settings.terms.period_starts = MONTHS.iter().map(|day| day * 24).collect();
            settings.terms.wear = 0.03;
            settings.terms.export_price = 0.05;
            settings.terms.export_limit_kw = Some(2.0);
        }
        "shiftable" => {
            let days = series.price.len() / 24;
            let window = |day: usize| Window { from: 24 * day + 8, to: 24 * day + 22, energy_kwh: 5.0, power_kw: 2.0 };
            settings.terms.shiftable = (0..days).map(window).collect();
        }
        other => bail!("no variant `{other}`"),
    }
    Ok((series, settings))
}

/// Fisher and Yates' shuffle, by a linear congruential generator (Knuth, MMIX).
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = seed;
    for last in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (state >> 33) as usize % (last + 1));
    }
    order
}
