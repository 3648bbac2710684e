//! Prints how near the optimum each method comes: `cargo run --release -p process-optimization --example profit -- 40`.
//!
//! For each method and run length, the worst and the mean over so many seeds (20 unless said) of the mean true profit of the
//! run's last tenth over the optimum. A ratio above 1 is a transient's: while a temperature rises, stocks turn into product.

#[path = "../tests/bench/mod.rs"]
mod bench;

fn main() {
    let seeds: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20);
    println!("{:<28} {:>5} {:>8} {:>8}", "method", "hours", "worst", "mean");
    let methods: [(&str, fn() -> _); 3] = [
        ("reactions known", bench::reaction),
        ("objective alone", || bench::surface(0)),
        ("objective and three flows", || bench::surface(3)),
    ];
    for (name, climber) in methods {
        for hours in [1.0, 2.0, 4.0, 8.0] {
            let ratios: Vec<f64> = (0..seeds).map(|seed| bench::ratio(climber(), seed, hours)).collect();
            let worst = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
            println!("{name:<28} {hours:>5} {worst:>8.4} {mean:>8.4}");
        }
    }
}
