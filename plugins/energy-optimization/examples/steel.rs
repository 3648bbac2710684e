//! Forecasts of a steel plant's load, and what a battery with them takes off its monthly peaks.
//!
//! `DINRAIL_DATA=… cargo run --release --example steel -- [hours of mean load] [hours to empty]`; the battery holds 1 h of
//! the mean load and is emptied in 2 h unless told otherwise. Figures are of the file's rows from 60 % on, on which nothing
//! was chosen, and of the rows from the fifth week to there.

use anyhow::{Context, Result, ensure};
use dinrail_sim::Plant;
use dinrail_sim::judge::cost::savings_share;
use dinrail_sim::peak::{Site, Tariff, battery::Battery as SimBattery, load::Quarter};
use energy_optimization::forecast::Forecaster;
use energy_optimization::forecast::history::{History, Row};
use energy_optimization::forecast::profile::{Local, SLOTS};
use energy_optimization::peak::battery::Battery;
use energy_optimization::peak::policy::{Now, Policy};
use std::time::{Duration, Instant};

/// Energy of each quarter hour, in kWh, and its month. A row is stamped with its end, the last of a day with that day.
fn rows() -> Result<Vec<(f64, i64)>> {
    let folder = std::env::var("DINRAIL_DATA").context("DINRAIL_DATA names no folder")?;
    let path = std::path::Path::new(&folder).join("steel/steel_2018_first75pct.csv");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let row = |line: &str| {
        let (date, rest) = line.split_once(',')?;
        let month = date.split('/').nth(1)?.parse().ok()?;
        Some((rest.split(',').next()?.parse().ok()?, month))
    };
    text.lines().skip(1).map(|line| row(line).with_context(|| line.to_owned())).collect()
}

/// The first row is a Monday's first quarter hour.
fn local(at: usize) -> Local {
    Local { slot: (at % SLOTS) as u8, weekday: (at / SLOTS % 7) as u8 }
}

/// Squared errors before and after the cut.
#[derive(Default)]
struct Errors([(f64, f64); 2]);

impl Errors {
    fn add(&mut self, late: bool, forecast: Option<f64>, truth: f64) {
        if let (Some(forecast), Some((sum, n))) = (forecast, self.0.get_mut(usize::from(late))) {
            *sum += (forecast - truth).powi(2);
            *n += 1.0;
        }
    }

    fn print(&self, name: &str) {
        let [early, late] = self.0.map(|(sum, n)| (sum / n).sqrt());
        println!("{name:<34} {early:>8.2} {late:>8.2}");
    }
}

fn forecasts(rows: &[(f64, i64)]) {
    let (start, cut) = (28 * SLOTS, rows.len() * 6 / 10 / SLOTS * SLOTS);
    let [mut stay, mut week, mut next, mut day, mut rolling] = [(); 5].map(|()| Errors::default());
    let mut forecaster = Forecaster::new();
    let mut of_day: Vec<f64> = Vec::new();
    let mut last_steps: Vec<Option<f64>> = Vec::with_capacity(rows.len());
    let (mut spent, mut longest) = (Duration::ZERO, Duration::ZERO);
    for (at, &(load, _)) in rows.iter().enumerate() {
        if start <= at {
            let late = cut <= at;
            stay.add(late, rows.get(at - 1).map(|row| row.0), load);
            week.add(late, rows.get(at - 7 * SLOTS).map(|row| row.0), load);
            next.add(late, forecaster.next(), load);
            day.add(late, of_day.get(at % SLOTS).copied(), load);
            rolling.add(late, last_steps.get(at - SLOTS).copied().flatten(), load);
        }
        let begun = Instant::now();
        forecaster.push(at as i64, local(at), Some(load));
        let ahead = forecaster.ahead();
        spent += begun.elapsed();
        longest = longest.max(begun.elapsed());
        last_steps.push(ahead.last().copied());
        if at % SLOTS == SLOTS - 1 {
            of_day = ahead;
        }
    }
    println!("RMSE, kWh per quarter hour          10–60 %  60–100 %");
    stay.print("as the last quarter hour");
    week.print("as a week ago");
    next.print("next quarter hour");
    day.print("next day, told at midnight");
    rolling.print("96 quarter hours ahead, rolling");
    println!("a call: mean {:.1?}, longest {longest:.1?}", spent / rows.len().max(1) as u32);
}

fn shaving(rows: &[(f64, i64)], hours: f64, empty_h: f64) -> Result<()> {
    let mean = 4.0 * rows.iter().map(|row| row.0).sum::<f64>() / rows.len().max(1) as f64;
    let battery = Battery { capacity_kwh: hours * mean, power_kw: hours * mean / empty_h, efficiency: 0.95 };
    let Battery { capacity_kwh, power_kw, efficiency } = battery;
    let quarter = |(at, &(kwh, period)): (usize, &(f64, i64))| Quarter {
        load_kw: 4.0 * kwh,
        hour: (at % SLOTS) as f64 / 4.0,
        weekday: local(at).weekday,
        period,
    };
    let quarters = rows.iter().enumerate().map(quarter).collect();
    let tariff = Tariff { demand_charge: 1.0, energy_price: 0.0 };
    let mut site = Site::new(quarters, SimBattery { capacity_kwh, power_kw, efficiency }, tariff);
    let (mut policy, mut history) = (Policy::new(battery), History::default());
    println!("\nbattery {capacity_kwh:.0} kWh, {power_kw:.0} kW\nmonth  base kW  cost kW  best kW  share");
    let (mut before, mut cut, mut spent) = ((0.0, 0.0, 0.0), None, Duration::ZERO);
    for (at, &(kwh, month)) in rows.iter().enumerate() {
        site.advance(900.0);
        history.push(Row { load: 4.0 * kwh as f32, usual: f32::NAN, local: local(at) });
        let ended = rows.get(at + 1).is_none_or(|row| row.1 != month);
        if ended {
            let account = site.account().context("the site keeps an account")?;
            let now = (account.baseline, account.cost, account.optimum);
            let (base, cost, best) = (now.0 - before.0, now.1 - before.1, now.2 - before.2);
            let share = savings_share(base, cost, best).unwrap_or(f64::NAN);
            println!("{month:>5} {base:>8.1} {cost:>8.1} {best:>8.1} {share:>6.3}");
            ensure!(cost <= base + 1e-6, "month {month} is dearer than without a battery");
            before = now;
            if month == 5 {
                cut = Some(now);
            }
        }
        let mut readings = Vec::new();
        site.read(&mut readings);
        let number = |signal: usize| {
            readings.iter().find(|r| r.signal == signal).and_then(|r| match r.value {
                dinrail_sim::Value::Number(x) => Some(x),
                dinrail_sim::Value::Block { .. } => None,
            })
        };
        let now = Now {
            period: rows.get(at + 1).map_or(month, |row| row.1),
            left: number(6).map_or(0, |hours| (4.0 * hours).round() as usize),
            load_kw: number(0).filter(|_| !ended),
            peak_kw: number(3),
            charge_kwh: number(2).unwrap_or(0.0),
        };
        let begun = Instant::now();
        let order = policy.decide(&now, &history).order;
        spent += begun.elapsed();
        site.write(0, order.cap_kw);
        site.write(1, order.refill_to_kwh);
    }
    let share = |(base, cost, best): (f64, f64, f64)| savings_share(base, cost, best).unwrap_or(f64::NAN);
    println!("  all {:>33.3}", share(before));
    if let Some(cut) = cut {
        let later = (before.0 - cut.0, before.1 - cut.1, before.2 - cut.2);
        println!("to 5 {:>34.3}\nfrom 6 {:>32.3}", share(cut), share(later));
    }
    println!("a decision: mean {:.2?}", spent / rows.len().max(1) as u32);
    Ok(())
}

fn main() -> Result<()> {
    let rows = rows()?;
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<f64>());
    let hours = arguments.next().transpose()?;
    let empty_h = arguments.next().transpose()?.unwrap_or(2.0);
    if hours.is_none() {
        forecasts(&rows);
    }
    shaving(&rows, hours.unwrap_or(1.0), empty_h)
}
