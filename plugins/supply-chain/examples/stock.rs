//! Runs items against the simulated stock, and prints what they cost beside the optimal policy with the same customers.
//!
//! `cargo run --release -p supply-chain --example stock -- [PERIODS] [SEEDS] [CASE]`

use dinrail_sim::stock::demand::Demand as Customers;
use dinrail_sim::stock::shelf::Terms as Costs;
use dinrail_sim::stock::{Item as Kind, MEANS, PERIOD_S, Stock};
use dinrail_sim::{Plant, Value};
use supply_chain::forecast::{Forecaster, Settings};
use supply_chain::plugin::periods;
use supply_chain::stock::item::{Demand, Item, Observation};
use supply_chain::stock::law::Law;
use supply_chain::stock::policy::Terms;

fn terms(kind: &Kind) -> Terms {
    Terms {
        holding: kind.terms.holding,
        shortage: kind.terms.shortage,
        fixed: kind.terms.fixed,
        lead: kind.terms.lead as u32,
        review: kind.review as u32,
        pack: if kind.demand.sd > 0.0 { 0.0 } else { kind.pack },
        minimum: kind.minimum,
        maximum: kind.maximum,
        lost: kind.terms.lost,
    }
}

fn known(kind: &Kind) -> Law {
    let Customers { mean, dispersion, sd, idle } = kind.demand;
    match (sd > 0.0, idle > 0.0) {
        (true, _) => Law::Normal { mean, sd },
        (false, true) => Law::Seen { step: 1.0, weights: kind.demand.weights(1.0) },
        (false, false) => Law::counts(mean, mean * dispersion),
    }
}

/// Cost over the optimum's after each of these periods.
fn ratios(kind: Kind, demand: Demand, is_told: bool, seed: u64, marks: &[u64]) -> Vec<f64> {
    let mut plant = Stock::new(seed, kind);
    let mut item = Item::new(terms(&kind), demand);
    let season = if kind.season > 0.0 { kind.season_periods as usize } else { 1 };
    let settings = Settings { season: Some(season), horizon: Some(if season > 1 { 2 * season } else { 12 }) };
    let mut forecaster = Forecaster::new(settings);
    let (mut readings, mut ordered, mut found) = (Vec::new(), 0.0, Vec::new());
    for period in 0..=marks.last().copied().unwrap_or(0) {
        readings.clear();
        plant.read(&mut readings);
        let number = |index: usize| match readings.get(index).map(|reading| &reading.value) {
            Some(Value::Number(number)) if number.is_finite() => Some(*number),
            _ => None,
        };
        let seen = Observation {
            incoming: None,
            demand: number(0),
            stock: number(1),
            on_order: number(2),
            ordered,
            mean: number(3).filter(|_| is_told),
        };
        forecaster.push(period as i64 * 3_600_000_000_000, number(0));
        let ahead = if item.wants_ahead() { periods(&forecaster.forecast()) } else { Vec::new() };
        if let Some(wanted) = item.step(seen, &ahead) {
            ordered += wanted.quantity;
            plant.write(0, wanted.quantity);
        }
        if marks.contains(&period) {
            found.push(plant.optimal().map_or(f64::NAN, |best| plant.shelf().cost / best.cost));
        }
        plant.advance(PERIOD_S);
    }
    found
}

fn main() {
    let only = std::env::args().nth(3).unwrap_or_default();
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let (periods, seeds) = (arguments.next().unwrap_or(20_000), arguments.next().unwrap_or(3));
    let marks = [200, 1_000, periods];
    let poisson = |mean| Kind::published(mean);
    let late = |mean, lead| Kind { terms: Costs { lead, ..poisson(mean).terms }, ..poisson(mean) };
    let lost = |mean, lead| Kind { terms: Costs { lead, lost: true, ..poisson(mean).terms }, ..poisson(mean) };
    let newsvendor = Costs { holding: 0.18, shortage: 0.70, fixed: 0.0, lead: 0, lost: false };
    let mut cases: Vec<(String, Kind)> = MEANS.map(|mean| (format!("poisson {mean}"), poisson(mean))).into();
    cases.extend([
        ("lead 2, mean 12".into(), late(12.0, 2)),
        ("lead 5, mean 30".into(), late(30.0, 5)),
        (
            "newsvendor".into(),
            Kind { demand: Customers { sd: 8.0, ..Customers::poisson(50.0) }, terms: newsvendor, ..poisson(50.0) },
        ),
        ("normal, K 64".into(), Kind { demand: Customers { sd: 8.0, ..Customers::poisson(50.0) }, ..poisson(50.0) }),
        (
            "scattered 12 × 4".into(),
            Kind { demand: Customers { dispersion: 4.0, ..Customers::poisson(12.0) }, ..poisson(12.0) },
        ),
        ("idle .8, mean 2".into(), Kind { demand: Customers { idle: 0.8, ..Customers::poisson(2.0) }, ..poisson(2.0) }),
        ("review 3, lead 1".into(), Kind { review: 3, ..late(18.0, 1) }),
        ("pack 24".into(), Kind { pack: 24.0, ..late(18.0, 1) }),
        ("minimum 70".into(), Kind { minimum: 70.0, ..late(18.0, 1) }),
        ("pack 10, 20 to 40".into(), Kind { pack: 10.0, minimum: 20.0, maximum: 40.0, ..late(18.0, 1) }),
        ("lost".into(), lost(12.0, 0)),
        ("lost, lead 1".into(), lost(12.0, 1)),
        ("season .3 over 7".into(), Kind { season: 0.3, ..late(18.0, 1) }),
        ("season .8 over 12".into(), Kind { season: 0.8, season_periods: 12, ..late(18.0, 1) }),
        ("trend to 2".into(), Kind { trend: 1.0, trend_periods: 1_000, ..late(18.0, 1) }),
        ("K 0, lead 3".into(), Kind { terms: Costs { fixed: 0.0, lead: 3, ..poisson(12.0).terms }, ..poisson(12.0) }),
    ]);
    for (name, kind) in cases.into_iter().filter(|(name, _)| name.contains(&only)) {
        for way in ["known", "learnt", "forecast"] {
            let is_known = way == "known";
            let mut all = Vec::new();
            for seed in 1..=seeds {
                let demand = match way {
                    "known" => Demand::Known(known(&kind)),
                    "learnt" => Demand::Learnt { guess: None },
                    _ => Demand::Forecast,
                };
                let is_told = is_known && (kind.season > 0.0 || kind.trend != 0.0);
                all.push(ratios(kind, demand, is_told, seed, &marks));
            }
            let column = |at: usize| {
                let values: Vec<f64> = all.iter().filter_map(|row| row.get(at).copied()).collect();
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                format!("{mean:.4} (worst {:.4})", values.iter().copied().fold(0.0, f64::max))
            };
            println!("{name:20} {way:8} 200: {}  1000: {}  {periods}: {}", column(0), column(1), column(2));
        }
    }
}
