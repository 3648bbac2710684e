//! The single-item instances of a textbook whose demand is random and stationary, against their published optima.
//! Only with DINRAIL_DATA set to the folder that holds `inventory`.
//!
//! They are those of Snyder and Shen, *Fundamentals of Supply Chain Theory*, 2nd edition (2019), chapters 4 and 5. The others
//! of the file are of deterministic or changing demand (EOQ, EPQ, Wagner–Whitin, joint replenishment, discounts), of a finite
//! horizon, of several stages, of disrupted supply or uncertain yield, or of continuous review with normal demand.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;
use std::path::PathBuf;
use supply_chain::stock::expected::{Costs, Expected};
use supply_chain::stock::lattice::Lattice;
use supply_chain::stock::law::Law;
use supply_chain::stock::levels;
use supply_chain::stock::policy::{Policy, Terms};

fn instances(test: &str) -> Option<Vec<Value>> {
    let Some(data) = std::env::var_os("DINRAIL_DATA") else {
        eprintln!("skipped: {test} needs DINRAIL_DATA");
        return None;
    };
    let text = std::fs::read_to_string(PathBuf::from(data).join("inventory/stockpyl_instances.json")).unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    Some(whole["instances"].as_array().unwrap().clone())
}

/// The terms and the law of an instance, in its own names; `periods` of it to a unit of its time.
fn read(instance: &Value, periods: f64) -> (Terms, Law) {
    let data = &instance["data"];
    let number = |name: &str| data[name].as_f64();
    // The explicit newsvendor: what is left over loses its price less its salvage, what is short its margin.
    let explicit = |gain: &str, loss: &str| Some(number(gain)? - number(loss)?);
    let holding = number("holding_cost").or_else(|| explicit("purchase_cost", "salvage_value")).unwrap();
    let shortage = number("stockout_cost").or_else(|| explicit("revenue", "purchase_cost")).unwrap();
    let terms = Terms {
        holding: holding / periods,
        shortage: shortage / periods,
        fixed: number("fixed_cost").unwrap_or(0.0),
        lead: (number("lead_time").unwrap_or(0.0) * periods).round() as u32,
        review: 1,
        pack: 0.0,
        minimum: 0.0,
        maximum: 1e12,
        lost: false,
    };
    terms.check().unwrap();
    let mean = number("demand_mean").map(|mean| mean / periods);
    let law = match (mean, number("demand_sd"), number("sigma")) {
        (Some(mean), Some(sd), _) => Law::Normal { mean, sd: sd / periods.sqrt() },
        (Some(mean), None, _) => Law::Poisson { mean },
        (None, _, Some(sigma)) => lognormal(number("mu").unwrap(), sigma),
        _ => seen(&data["demand_pmf"]),
    };
    (terms, law)
}

fn lognormal(mu: f64, sigma: f64) -> Law {
    let below = |x: f64| 0.5 * libm::erfc((mu - x.max(1e-9).ln()) / (sigma * std::f64::consts::SQRT_2));
    Law::Seen { step: 1.0, weights: Lattice::from_cdf(1.0, 4_000, below).weights().to_vec() }
}

fn seen(weights: &Value) -> Law {
    let mut all = vec![0.0; 9];
    for (units, share) in weights.as_object().unwrap() {
        all[units.parse::<usize>().unwrap()] = share.as_f64().unwrap();
    }
    Law::Seen { step: 1.0, weights: all }
}

/// Name, periods to a unit of time, s or none, S, cost a unit of time, how far the levels may be off.
type Published = (&'static str, f64, Option<f64>, f64, f64, f64);

#[test]
fn the_published_optima_are_met() {
    let Some(instances) = instances("the_published_optima_are_met") else { return };
    // Continuous levels, and those of continuous review, are on a grid here.
    let published: [Published; 13] = [
        ("example_4_1", 1.0, None, 56.603956, 1.997605, 1e-3),
        ("example_4_2", 1.0, None, 56.603956, 0.7 * 50.0 - 33.002395, 1e-3),
        ("example_4_3", 1.0, None, 56.603956, 1.997605, 1e-3),
        ("example_4_4", 1.0, None, 264.766894, 4.466781, 1e-3),
        ("problem_4_1", 1.0, None, 922.721404, 2_718.196782, 1e-3),
        ("problem_4_3b", 1.0, None, 59.084579, 4.5 * 50.0 - 210.476808, 1e-3),
        ("problem_4_7b", 1.0, None, 5.0, 1_225_000.0, 1e-9),
        ("problem_4_8a", 1.0, None, 19.0, 786.088441, 1e-9),
        ("problem_4_8b", 1.0, None, 295.626645, 29.442544, 1.0),
        ("example_4_7", 1.0, Some(4.0), 10.0, 8.034112, 1e-9),
        ("problem_4_31", 1.0, Some(2.0), 7.0, 223.574830, 1e-9),
        ("example_5_8", 400.0, Some(3.0), 8.0, 107.923581, 1e-9),
        ("problem_5_2", 2_000.0, Some(6.0), 13.0, 28.241313, 1e-9),
    ];
    for (name, periods, lower, upper, cost, slack) in published {
        let instance = instances.iter().find(|instance| instance["name"] == name).unwrap();
        let (terms, law) = read(instance, periods);
        let policy = Policy::new(&terms, &law, 0.0);
        let (own_lower, own_upper) = policy.levels();
        let own_cost = policy.cost() * periods;
        println!(
            "{name:14} s {own_lower:8.2} S {own_upper:8.2} cost {own_cost:12.4}; published S {upper:8.2} cost {cost:12.4}: ratio {:.6}",
            own_cost / cost
        );
        assert!((own_upper - upper).abs() <= slack, "{name}: {own_upper} for {upper}");
        assert!(lower.is_none_or(|lower| own_lower == lower), "{name}: {own_lower} for {lower:?}");
        // A grid, and short periods in the place of continuous review, cost a little.
        assert!((own_cost / cost - 1.0).abs() < 4e-3, "{name}: {own_cost} for {cost}");
    }
}

/// Two are published with an approximation's levels: the optimum must not be dearer than they are.
#[test]
fn published_approximations_are_not_better() {
    let Some(instances) = instances("published_approximations_are_not_better") else { return };
    for (name, lower, upper) in [("example_4_8", 40.194617, 74.290170), ("problem_4_32", 226.613793, 324.379787)] {
        let instance = instances.iter().find(|instance| instance["name"] == name).unwrap();
        let (terms, law) = read(instance, 1.0);
        let policy = Policy::new(&terms, &law, 0.0);
        let step = law.grain();
        let costs = Costs { holding: terms.holding, shortage: terms.shortage, fixed: terms.fixed };
        let demand = law.sum(1, step, 0.0);
        let expected = Expected::new(&costs, std::slice::from_ref(&demand));
        let steps = |level: f64| (level / step).round() as i64;
        let theirs = levels::cost(&demand, &expected, terms.fixed, steps(lower), steps(upper));
        let (own_lower, own_upper) = policy.levels();
        println!(
            "{name:14} s {own_lower:.2} S {own_upper:.2} cost {:.4}; published s {lower:.2} S {upper:.2}: cost {theirs:.4}",
            policy.cost()
        );
        assert!(policy.cost() <= theirs * (1.0 + 1e-4), "{name}: {} for {theirs}", policy.cost());
    }
}
