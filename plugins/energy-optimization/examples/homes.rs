//! Plans the batteries of CityLearn's homes for a year and prints what was saved of what hindsight could have saved.
//!
//! `DINRAIL_DATA=… cargo run --release -p energy-optimization --example homes [-- VARIANT…]`

fn main() {}
