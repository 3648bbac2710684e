//! Croston, SBA and TSB on simulated spare parts, and the choice between them: `parts [FIRST_SEED [SEEDS]]`.

use anyhow::Result;
use dinrail_sim::judge::forecast::pinball;
use dinrail_sim::parts::{PARTS, Part, demand};
use supply_chain::forecast::LEVELS;
use supply_chain::forecast::intermittent::{Intermittent, Method};

const DAYS: usize = 730;
const LEARNT: usize = 146;
const NAMES: [&str; 6] = ["croston", "sba", "tsb", "chosen", "mean of the past", "zero"];

/// Sums over parts, of parts that stay in use and of those that go out of it.
#[derive(Default, Clone, Copy)]
struct Sums {
    parts: f64,
    /// Of the estimate of the mean against the true one, over the mean size times probability in use: bias, absolute.
    mean_error: [f64; NAMES.len()],
    absolute: [f64; NAMES.len()],
    /// Against what came, over the naive error: MASE.
    mase: [f64; NAMES.len()],
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let first: u64 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let seeds: u64 = arguments.next().map_or(Ok(4), |text| text.parse())?;
    let mut sums = [Sums::default(); 2];
    let (mut loss, mut usual, mut judged) = (0.0, 0.0, 0.0);
    let mut below = [[0.0_f64; 2]; LEVELS.len()];
    for seed in first..first + seeds {
        for number in 0..PARTS {
            let part = Part::of_seed(seed, number);
            let demands = demand(seed, number, DAYS);
            let sums = &mut sums[usize::from(part.ends.is_some())];
            let mut series = Intermittent::default();
            let days = (DAYS - 1 - LEARNT) as f64;
            let in_use = part.probability * part.mean_size();
            let naive = demands.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f64>() / (DAYS - 1) as f64;
            let scale = demands.iter().sum::<f64>() / DAYS as f64;
            let (mut total, mut past) = (0.0, Vec::new());
            sums.parts += 1.0;
            for day in 0..DAYS - 1 {
                series.push(Some(demands[day]));
                total += demands[day];
                past.push(demands[day]);
                if day < LEARNT {
                    continue;
                }
                let mean = total / (day + 1) as f64;
                let told = [
                    series.mean(Method::Croston),
                    series.mean(Method::Sba),
                    series.mean(Method::Tsb),
                    series.mean(series.method()),
                    mean,
                    0.0,
                ];
                let truth = part.probability_on((day + 1) as f64) * part.mean_size();
                let came = demands[day + 1];
                for (place, told) in told.iter().enumerate() {
                    sums.mean_error[place] += (told - truth) / in_use / days;
                    sums.absolute[place] += (told - truth).abs() / in_use / days;
                    sums.mase[place] += (told - came).abs() / naive / days;
                }
                past.sort_by(f64::total_cmp);
                for (place, (level, quantile)) in LEVELS.iter().zip(series.quantiles()).enumerate() {
                    loss += pinball(&[came], &[quantile], *level)? / scale;
                    let at = ((level * past.len() as f64).ceil() as usize).saturating_sub(1);
                    usual += pinball(&[came], &[past[at]], *level)? / scale;
                    below[place][0] += f64::from(u8::from(came < quantile));
                    below[place][1] += f64::from(u8::from(came <= quantile));
                }
                judged += 1.0;
            }
        }
    }
    for (sums, name) in sums.iter().zip(["stay in use", "go out of use"]) {
        println!("{} parts that {name}: mean error, absolute error of the mean (over it), MASE", sums.parts);
        for (place, method) in NAMES.iter().enumerate() {
            let [bias, absolute, mase] = [sums.mean_error, sums.absolute, sums.mase].map(|all| all[place] / sums.parts);
            println!("  {method:18} {bias:+.4}  {absolute:.4}  {mase:.4}");
        }
    }
    println!("quantile loss over that of the past's own quantiles: {:.4}", loss / usual);
    for (level, [strictly, all]) in LEVELS.iter().zip(below) {
        println!("  {level:.3}: {:.3} below, {:.3} at or below", strictly / judged, all / judged);
    }
    Ok(())
}
