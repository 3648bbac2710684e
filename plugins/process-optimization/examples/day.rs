//! Prints how near the optimum a simulated day comes: `cargo run --release -p process-optimization --example day -- 1 20`.
//!
//! For the Van de Vusse reactor and for three units that share a demand, each method over so many seeds (20 unless the second
//! argument says otherwise) from the first argument on (1): the worst and the mean ratio to the optimum. The seeds that
//! something was chosen on are 1 to 20; others were not looked at before.

#[path = "../tests/bench/plants.rs"]
mod plants;

use dinrail_sim::sharing::{UNITS, dispatch};
use plants::{SCAN_S, Site};
use process_optimization::climb::{Climber, Reason, Wish};

const HOURS: f64 = 24.0;
/// A climber; none where nothing is moved.
type Maker = fn() -> Option<Climber>;

fn worst_and_mean(values: &[f64], worst: fn(f64, f64) -> f64) -> (f64, f64) {
    let extreme = values.iter().copied().reduce(worst).unwrap_or(f64::NAN);
    (extreme, values.iter().sum::<f64>() / values.len() as f64)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let first = arguments.next().and_then(Result::ok).unwrap_or(1);
    let seeds = arguments.next().and_then(Result::ok).unwrap_or(20);
    let seeds = first..first + seeds;
    println!("Van de Vusse: product over the optimum, {HOURS} h, seeds {seeds:?}");
    println!(
        "{:<24} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "method", "10h worst", "10h mean", "0h worst", "0h mean", "travel/h"
    );
    let stay: Maker = || None;
    let methods: [(&str, Maker); 3] =
        [("as it starts", stay), ("surface", || Some(plants::surface())), ("seek", || Some(plants::seek()))];
    for (name, climber) in methods {
        let run = |seed| {
            let mut site = Site::vusse(seed);
            match climber() {
                Some(mut climber) => site.run(&mut climber, HOURS),
                None => (0..(HOURS * 3600.0 / SCAN_S) as u64).for_each(|_| drop(site.read())),
            }
            (site.ratio(10.0), site.ratio(0.0), site.travel / HOURS)
        };
        let all: Vec<(f64, f64, f64)> = seeds.clone().map(run).collect();
        let settled = worst_and_mean(&all.iter().map(|r| r.0).collect::<Vec<_>>(), f64::min);
        let whole = worst_and_mean(&all.iter().map(|r| r.1).collect::<Vec<_>>(), f64::min);
        let travel = all.iter().map(|r| r.2).sum::<f64>() / all.len() as f64;
        println!("{name:<24} {:>9.5} {:>9.5} {:>9.5} {:>9.5} {travel:>9.3}", settled.0, settled.1, whole.0, whole.1);
    }
    println!("\nLoad sharing: cost over the optimum, {HOURS} h, seeds {seeds:?}");
    println!(
        "{:<24} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "method", "0h worst", "0h mean", "1h worst", "1h mean", "violated", "MW/h"
    );
    for (name, method) in [("in proportion", 0), ("by the book's curves", 1), ("share", 2)] {
        let all: Vec<[f64; 4]> = seeds.clone().map(|seed| share(seed, method)).collect();
        let column = |i: usize| worst_and_mean(&all.iter().map(|r| r[i]).collect::<Vec<_>>(), f64::max);
        let (whole, later, violated, travel) = (column(0), column(1), column(2), column(3));
        println!(
            "{name:<24} {:>9.5} {:>9.5} {:>9.5} {:>9.5} {:>9.4} {:>9.1}",
            whole.0, whole.1, later.0, later.1, violated.0, travel.1
        );
    }
}

/// A day of the three units: in proportion to their ranges (0), by the book's curves (1), learnt (2).
fn share(seed: u64, method: u8) -> [f64; 4] {
    let (mut site, mut climber) = (Site::sharing(seed), plants::share());
    for _ in 0..(HOURS * 3600.0 / SCAN_S) as u64 {
        let seen = site.read();
        let demand = seen.demand.unwrap_or(0.0);
        let share = (demand - 300.0) / 900.0;
        let values = match method {
            0 => UNITS.map(|unit| unit.limits.0 + share * (unit.limits.1 - unit.limits.0)),
            1 => dispatch(&UNITS, demand),
            _ => {
                let wishes = climber.step(seen, &site.states());
                site.apply(&wishes);
                continue;
            }
        };
        let wish = |(setpoint, value)| Wish { setpoint, value, confidence: 1.0, reason: Reason::Climb };
        let wishes: Vec<Wish> = values.into_iter().enumerate().map(wish).collect();
        site.apply(&wishes);
    }
    [site.ratio(0.0), site.ratio(1.0), site.violated(), site.travel / HOURS]
}
