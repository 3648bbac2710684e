//! The kernel natively: `native-zscore [NEW_ROWS] [COLUMNS] [WINDOW] [CALLS]` prints the least nanoseconds of a call, frame to
//! results. `cargo xtask bench` builds it for the baseline processor and for AVX2.

use std::hint::black_box;
use std::time::Instant;

use dinrail_sdk::Frame;
use guest_zscore::{ZScore, detect};

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [new_rows, columns, window, calls] =
        std::array::from_fn(|index| arguments.get(index).copied().unwrap_or([16, 64, 32, 2000][index]));
    let rows = new_rows + window - 1;
    // Any numbers do; a short cycle that no column shares keeps every z small.
    let values: Vec<f64> = (0..rows * columns).map(|cell| ((cell * 7919) % 1009) as f64).collect();
    let mut frame = Frame::of_rows(columns, &values);
    frame.first_new = (window - 1) as u32;
    let mut kernel = ZScore::new(columns, window);
    let mut least = u128::MAX;
    for _ in 0..calls {
        let start = Instant::now();
        black_box(detect::<true>(&mut kernel, 6.0, black_box(&frame)));
        least = least.min(start.elapsed().as_nanos());
    }
    println!("{least}");
}
