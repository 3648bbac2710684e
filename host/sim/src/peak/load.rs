//! What a site draws, quarter hour by quarter hour: given by the caller, or a plant's made-up one.

use crate::noise::{self, Wander};

/// Quarter hours of an ordinary day.
pub const QUARTERS: usize = 96;
/// Days of a made-up month.
pub const MONTH_DAYS: usize = 30;
/// Mean load of a made-up batch, in kW.
const BATCH_KW: f64 = 300.0;
/// Noise stream of the made-up load; the rig and the reactor use others.
const LOAD_STREAM: u64 = 200;

/// One quarter hour of a site. Local times need not follow each other: a day may have 23 or 25 hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quarter {
    /// Mean load, in kW. One that is not finite counts as zero.
    pub load_kw: f64,
    /// Local hour at its beginning, in [0, 24).
    pub hour: f64,
    /// 0 is Monday, 6 Sunday.
    pub weekday: u8,
    /// The billing period's number; equal for neighbouring quarter hours of one period.
    pub period: i64,
}

/// So many days of a works that melts in batches on most working days, on some Saturdays, and not at noon.
///
/// Run time 0 is midnight before a Monday; a billing period has [`MONTH_DAYS`] days.
pub fn made_up(seed: u64, days: usize) -> Vec<Quarter> {
    let mut quarters = Vec::with_capacity(days * QUARTERS);
    let mut orders = Wander::new(20.0, 0.25, 1.0);
    for day in 0..days {
        let mut rng = noise::stream(seed, LOAD_STREAM, day as u64);
        orders.step(&mut rng);
        let weekday = day % 7;
        let runs = noise::uniform(&mut rng, 0.0, 1.0) < [0.95, 0.95, 0.95, 0.95, 0.9, 0.5, 0.1][weekday];
        let late = weekday < 5 && noise::uniform(&mut rng, 0.0, 1.0) < 0.7;
        let level = (1.0 + orders.at).max(0.3) * if weekday < 5 { 1.0 } else { 0.7 };
        let mut batch = 1.0;
        for quarter in 0..QUARTERS {
            let hour = quarter as f64 / 4.0;
            // A batch takes some hours; the next is another product.
            if noise::uniform(&mut rng, 0.0, 1.0) < 0.1 {
                batch = noise::uniform(&mut rng, 0.6, 1.5);
            }
            let on = runs && (8.0..if late { 21.0 } else { 17.0 }).contains(&hour) && !(12.0..13.0).contains(&hour);
            let made = if on { BATCH_KW * level * batch * (1.0 + 0.1 * noise::normal(&mut rng)) } else { 0.0 };
            let load_kw = 12.0 + made.max(0.0) + noise::uniform(&mut rng, 0.0, 2.0);
            quarters.push(Quarter { load_kw, hour, weekday: weekday as u8, period: (day / MONTH_DAYS) as i64 });
        }
    }
    quarters
}
