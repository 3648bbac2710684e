//! Average run lengths over 100,000 runs each, natively: `cargo run --release -p quality-control --example run_lengths`.

use quality_control::charts::variable::{Settings, Variable};
use quality_control::charts::{Baseline, Chart};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

const RUNS: u32 = 100_000;
const SHIFTS: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 3.0];
const THEORY: [(Chart, [f64; 5]); 3] = [
    (Chart::Shewhart, [370.4, 155.2, 43.9, 6.30, 2.00]),
    (Chart::Cusum, [465.4, 38.0, 10.38, 4.01, 2.57]),
    (Chart::Ewma, [499.7, 41.8, 10.54, 3.74, 2.38]),
];

/// Mean run length of one chart under a shift, each run from a new beginning.
fn run_length(settings: &Settings, shift: f64, seed: u64) -> f64 {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut variable = Variable::new(Baseline::new(0.0, 1.0), settings);
    let (mut taken, mut signals, mut points) = (0_u64, 0, Vec::new());
    while signals < RUNS {
        let noise: f64 = StandardNormal.sample(&mut rng);
        points.clear();
        variable.observe(noise + shift, settings, &mut points);
        taken += 1;
        signals += u32::from(points.iter().any(|point| point.said.rule.is_some()));
    }
    taken as f64 / f64::from(RUNS)
}

fn main() {
    let mut worst = 0.0_f64;
    for (chart, theory) in THEORY {
        let settings = Settings { charts: vec![chart], ..Settings::default() };
        for (seed, (shift, theory)) in (1..).zip(SHIFTS.into_iter().zip(theory)) {
            let seen = run_length(&settings, shift, seed);
            let error = seen / theory - 1.0;
            worst = worst.max(error.abs());
            println!("{:<9} shift {shift}: {seen:8.3}, theory {theory:7.2}: {:+.2} %", chart.name(), 100.0 * error);
        }
    }
    println!("largest relative error {worst:.4}");
}
