//! Prints how near the dynamic-programming optimum the sequencer comes:
//! `cargo run --release -p energy-optimization --example compressors -- 3 100 10 known`.
//!
//! Days, first seed, number of seeds, and `known` or `forecast`. `of optimum` is cost over the optimum of the whole run,
//! `later` the same without the first day, `cascade` that of the machines' own switches.

#[path = "../tests/bench/compressors.rs"]
mod bench;

fn main() {
    let argument = |at: usize| std::env::args().nth(at);
    let number = |at: usize, usual: u64| argument(at).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (days, first, seeds) = (number(1, 3), number(2, 100), number(3, 10));
    let known = argument(4).is_none_or(|word| word == "known");
    println!("seed  of optimum   later  cascade  outside s  least bar  most bar  mean ms  worst ms");
    let (mut ratios, mut laters) = (Vec::new(), Vec::new());
    for seed in first..first + seeds {
        let mut bench = bench::Bench::new(seed, known);
        bench.run(24.0);
        let day = bench.account();
        bench.run(24.0 * (days.saturating_sub(1)) as f64);
        let all = bench.account();
        let ratio = all.cost / all.optimum;
        let later = if days > 1 { (all.cost - day.cost) / (all.optimum - day.optimum) } else { ratio };
        let mean_ms = bench.spent.as_secs_f64() * 1e3 / f64::from(bench.calls);
        println!(
            "{seed:>4}  {ratio:>10.4}  {later:>6.4}  {:>7.4}  {:>9.1}  {:>9.3}  {:>8.3}  {mean_ms:>7.3}  {:>8.2}",
            all.baseline / all.optimum,
            all.violation_s,
            bench.reached.0,
            bench.reached.1,
            bench.longest.as_secs_f64() * 1e3,
        );
        ratios.push(ratio);
        laters.push(later);
    }
    for (name, values) in [("of optimum", ratios), ("later", laters)] {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        println!("{name}: mean {mean:.4}, worst {:.4}", values.iter().copied().fold(0.0, f64::max));
    }
}
