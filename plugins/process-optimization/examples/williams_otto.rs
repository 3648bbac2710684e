//! Prints what a day comes to with each method: `cargo run --release -p process-optimization --example day -- 1 20 2`.
//!
//! The arguments are the first seed, the number of seeds and the scan in seconds. Each row gives, over the seeds, the worst and
//! the mean of the settled (hours 10 to 24) and the integrated profit over the plant's own optimum, the largest share of time
//! with a violation, its mean and the worst violation, and the mean travel of each setpoint as so many times its range.

#[path = "../tests/bench/mod.rs"]
mod bench;

use bench::day::{Score, day};
use process_optimization::climb::Climber;

/// Makes a climber.
type Maker = fn() -> Climber;

fn main() {
    let argument =
        |at: usize, otherwise: u64| std::env::args().nth(at).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (first, count, scan_s) = (argument(1, 1), argument(2, 20), argument(3, 2) as f64);
    println!(
        "{:<22} {:<18} {:>15} {:>15} {:>25} {:>23}",
        "plant", "method", "settled", "integrated", "violated share, by", "travel"
    );
    let methods: [(&str, &str, Maker); 4] = [
        ("williams-otto-limits", "reactions", bench::limited),
        ("williams-otto", "reactions", bench::reaction),
        ("williams-otto", "objective, flows", || bench::surface(3)),
        ("williams-otto-limits", "objective, flows", || bench::surface(3)),
    ];
    for (plant, name, climber) in methods {
        let scores: Vec<Score> = (first..first + count).map(|seed| day(plant, seed, scan_s, climber())).collect();
        if std::env::args().nth(4).is_some() {
            scores.iter().zip(first..).for_each(|(score, seed)| println!("{seed} {score:.5?}"));
        }
        let mean = |part: fn(&Score) -> f64| scores.iter().map(part).sum::<f64>() / scores.len() as f64;
        let least = |part: fn(&Score) -> f64| scores.iter().map(part).fold(f64::INFINITY, f64::min);
        let most = |part: fn(&Score) -> f64| scores.iter().map(part).fold(0.0, f64::max);
        println!(
            "{plant:<22} {name:<18} {:.5} {:.5} {:.5} {:.5} {:.4} {:.4} by {:.5} {:>6.2} {:>6.2}",
            least(|s| s.settled),
            mean(|s| s.settled),
            least(|s| s.integrated),
            mean(|s| s.integrated),
            most(|s| s.violation_share),
            mean(|s| s.violation_share),
            most(|s| s.worst),
            mean(|s| s.travel[0] / 3.0),
            mean(|s| s.travel[1] / 30.0),
        );
    }
}
