//! Says what a home's planner loses to what: the same decisions, a year long, with and without knowing what comes.
//!
//! `DINRAIL_DATA=… cargo run --release -p energy-optimization --example ceiling [-- HOME…]`
//!
//! Demand charge, wear and paid exports with a limit, as in the scenario `citylearn-terms`. Of each home: the linear
//! programme, then the planner knowing the coming hours and the programme's monthly peaks, only one of both, and neither.
//! Costs are parted into energy less exports, wear and demand charge. Some minutes a home.

#[path = "homes/read.rs"]
mod read;

use anyhow::{Context, Result};
use dinrail_sim::home::HomeSeries;
use dinrail_sim::judge::storage::{Battery as Site, Series, Terms, best_course, without_battery};
use energy_optimization::storage::decide::decide;
use energy_optimization::storage::demand::Demand;
use energy_optimization::storage::history::History;
use energy_optimization::storage::peaks::Peaks;
use energy_optimization::storage::scenarios::{Likeness, Scenario, scenarios};
use energy_optimization::storage::site::{Battery, Costs, Flow, Orders, settle};
use energy_optimization::storage::value::Ahead;

/// Hours of a billing period, and of what is planned.
const PERIOD: usize = 730;
const HORIZON: usize = 36;
/// Money a kW, and what else costs.
const DEMAND_CHARGE: f64 = 10.0;
const COSTS: Costs = Costs { wear: 0.03, export_price: 0.05, export_limit: Some(2.0) };

/// What is known that nobody can know.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Foresight {
    hours: bool,
    peaks: bool,
}

/// What is compared with the programme.
const RUNS: [(&str, Foresight); 4] = [
    ("hours and peaks", Foresight { hours: true, peaks: true }),
    ("hours", Foresight { hours: true, peaks: false }),
    ("peaks", Foresight { hours: false, peaks: true }),
    ("neither", Foresight { hours: false, peaks: false }),
];

/// Parts of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Parts {
    energy: f64,
    wear: f64,
    demand: f64,
}

impl Parts {
    fn sum(&self) -> f64 {
        self.energy + self.wear + self.demand
    }

    fn add(&mut self, other: &Parts) {
        self.energy += other.energy;
        self.wear += other.wear;
        self.demand += other.demand;
    }

    fn print(&self, name: &str, base: f64, least: f64) {
        let Parts { energy, wear, demand } = *self;
        let (sum, share, ratio) = (self.sum(), (base - self.sum()) / (base - least), self.sum() / least);
        println!("{name:<16} {energy:>9.2} {wear:>8.2} {demand:>8.2} {sum:>9.2} {share:>7.4} {ratio:>7.4}");
    }
}

fn main() -> Result<()> {
    let root = std::env::var("DINRAIL_DATA").context("DINRAIL_DATA names the data's directory")?;
    let root = std::path::Path::new(&root).join("citylearn");
    let chosen: Vec<usize> = std::env::args().skip(1).map(|home| home.parse()).collect::<Result<_, _>>()?;
    let homes = if chosen.is_empty() { (1..=5).collect() } else { chosen };
    let mut all: Vec<(&str, Parts)> = Vec::new();
    let mut base_all = 0.0;
    println!("{:<16} {:>9} {:>8} {:>8} {:>9} {:>7} {:>7}", "", "energy", "wear", "demand", "sum", "share", "ratio");
    for home in homes {
        let series = read::home(&root, home)?;
        let (base, least, peaks) = programme(&series)?;
        base_all += base;
        println!("home {home}, without a battery {base:.2}");
        let runs = RUNS.iter().map(|(name, foresight)| (*name, year(&series, &peaks, *foresight)));
        let rows = std::iter::once(("programme", least)).chain(runs);
        for (at, (name, parts)) in rows.enumerate() {
            parts.print(name, base, least.sum());
            match all.get_mut(at) {
                Some((_, sum)) => sum.add(&parts),
                None => all.push((name, parts)),
            }
        }
    }
    println!("all, without a battery {base_all:.2}");
    let least = all.first().map_or(0.0, |(_, parts)| parts.sum());
    all.iter().for_each(|(name, parts)| parts.print(name, base_all, least));
    Ok(())
}

/// Cost without a battery, the programme's, and the programme's peaks.
fn programme(series: &HomeSeries) -> Result<(f64, Parts, Vec<f64>)> {
    let judged = Series { step_h: 1.0, price: &series.price, load_kwh: &series.load_kwh, pv_kwh: &series.pv_kwh };
    let Battery { capacity, flow, efficiency } = battery();
    let site = Site { capacity_kwh: capacity, power_kw: flow, efficiency, initial_kwh: 0.0 };
    let terms = Terms {
        demand_charge: DEMAND_CHARGE,
        period_starts: (0..series.price.len()).step_by(PERIOD).collect(),
        wear: COSTS.wear,
        export_price: COSTS.export_price,
        export_limit_kw: COSTS.export_limit,
        shiftable: Vec::new(),
    };
    let best = best_course(&judged, &site, &terms)?;
    let peaks: Vec<f64> = best.import.chunks(PERIOD).map(|part| part.iter().copied().fold(0.0, f64::max)).collect();
    let wear = COSTS.wear * best.charge.iter().chain(&best.discharge).sum::<f64>();
    let demand = DEMAND_CHARGE * peaks.iter().sum::<f64>();
    Ok((without_battery(&judged, &terms), Parts { energy: best.cost - wear - demand, wear, demand }, peaks))
}

fn battery() -> Battery {
    Battery { capacity: 6.4, flow: 5.0, efficiency: 0.9_f64.sqrt() }
}

/// A year in the planner's hands.
struct Year<'a> {
    series: &'a HomeSeries,
    best_peaks: &'a [f64],
    foresight: Foresight,
    history: History,
    demand: Option<Demand>,
    held: f64,
    peak: f64,
}

fn year(series: &HomeSeries, best_peaks: &[f64], foresight: Foresight) -> Parts {
    let history = History::new(24);
    let mut year = Year { series, best_peaks, foresight, history, demand: None, held: 0.0, peak: 0.0 };
    let mut parts = Parts::default();
    for (t, price) in series.price.iter().enumerate() {
        if t % PERIOD == 0 {
            parts.demand += DEMAND_CHARGE * std::mem::take(&mut year.peak);
        }
        let flow = year.step(t);
        (year.held, year.peak) = (flow.held, year.peak.max(flow.meter));
        let export = (-flow.meter).clamp(0.0, COSTS.export_limit.unwrap_or(f64::INFINITY));
        parts.energy += price * flow.meter.max(0.0) - COSTS.export_price * export;
        parts.wear += COSTS.wear * flow.through;
    }
    parts.demand += DEMAND_CHARGE * year.peak;
    parts
}

impl Year<'_> {
    fn net(&self, t: usize) -> f64 {
        let at = t % self.series.price.len();
        self.series.load_kwh[at] - self.series.pv_kwh[at]
    }

    fn step(&mut self, t: usize) -> Flow {
        self.history.push(Some(self.series.load_kwh[t]), Some(self.series.pv_kwh[t]));
        let last = self.series.price.len() - 1;
        let at = |ahead: usize| if ahead < 24 { t + ahead } else { t + ahead - 24 };
        let price: Vec<f64> = (0..HORIZON).map(|ahead| self.series.price[at(ahead).min(last)]).collect();
        let courses = match self.foresight.hours {
            true => vec![Scenario { weight: 1.0, net: (t..t + HORIZON).map(|at| self.net(at)).collect() }],
            false => scenarios(&self.history, self.history.len() - 1, HORIZON, &Likeness::default()),
        };
        if t.is_multiple_of(24) || self.demand.is_none() {
            self.demand = Demand::expect(&self.history, &battery(), &COSTS, &price, DEMAND_CHARGE);
        }
        let orders = match (courses.is_empty(), self.peaks(t)) {
            (false, Some((peaks, next))) => {
                let lowest = price.iter().copied().fold(f64::INFINITY, f64::min);
                let end_worth = (lowest - COSTS.wear).max(0.0) * battery().efficiency;
                let next = next.as_ref().map(|(begins, peaks)| (*begins, peaks));
                let ahead = Ahead { price: &price, end_worth, blend: 0.2, peaks: &peaks, next };
                let decision = decide(&battery(), &COSTS, &courses, &ahead, self.held, 1);
                decision.orders.first().copied()
            }
            _ => None,
        };
        let orders = orders.unwrap_or(Orders::self_consumption(&battery()));
        settle(&battery(), &orders, self.held, self.net(t))
    }

    /// The peaks of the present period, and of the next where that is within what is planned.
    fn peaks(&self, t: usize) -> Option<(Peaks, Option<(usize, Peaks)>)> {
        let left = PERIOD - t % PERIOD;
        let within = left < HORIZON;
        let rate = DEMAND_CHARGE;
        if self.foresight.peaks {
            let best = |period: usize| self.best_peaks.get(period).copied().unwrap_or(0.0);
            let from = |least: f64| {
                let grid: Vec<f64> = (1..6).map(|step| least * 1.2_f64.powi(step)).collect();
                Peaks::from(least, &grid, rate, |peak| rate * peak)
            };
            let now = from(best(t / PERIOD).max(self.peak));
            return Some((now, within.then(|| (left, from(best(t / PERIOD + 1))))));
        }
        let demand = self.demand.as_ref()?;
        let from = |reached: f64, left: usize| {
            Peaks::from(reached, demand.limits(), rate, |peak| demand.to_go(peak, left as f64 / 24.0))
        };
        Some(match within {
            true => (from(self.peak, 0), Some((left, from(0.0, PERIOD + left - HORIZON)))),
            false => (from(self.peak, left - HORIZON), None),
        })
    }
}
