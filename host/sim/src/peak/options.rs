//! A site with a battery from options: a recorded load or a made-up one, and settings.

use super::battery::Battery;
use super::load::{self, Quarter};
use super::{MADE_UP_DAYS, QUARTER_S, Site, Tariff};
use crate::options::Options;
use crate::{PlantError, check_settings};

const NAME: &str = "peak-site";

/// Settings that the site has.
const SETTINGS: [&str; 7] = ["capacity", "power", "efficiency", "demand_charge", "energy_price", "year", "month"];

impl Site {
    /// With a recorded `load` (kW, a quarter hour each, from a local midnight that begins a month), or one that the seed makes
    /// up. Settings: the battery's `capacity` in kWh and `power` in kW (unsaid: an hour of the mean load, emptied in half an
    /// hour), its one-way `efficiency`, `demand_charge` a kW and month, `energy_price` a kWh, and the first `year` and
    /// `month`, from which the billing periods and the weekdays follow.
    ///
    /// # Errors
    /// Another step than a quarter hour, a missing series, settings that it does not have or that can't be.
    pub fn from_options(options: &Options) -> Result<Site, PlantError> {
        check_settings(NAME, options, &SETTINGS)?;
        let quarters = match &options.recorded {
            Some(recorded) => {
                if recorded.step_s != QUARTER_S {
                    return Err(PlantError::Unfit(format!(
                        "a {NAME} replays quarter hours, not {} s",
                        recorded.step_s
                    )));
                }
                let missing = || PlantError::SeriesMissing { plant: NAME.to_owned(), needed: "load" };
                let first = (options.setting("year", 2018.0) as i64, options.setting("month", 1.0) as i64);
                dated(recorded.get("load").ok_or_else(missing)?, first)
            }
            None => load::made_up(options.seed, MADE_UP_DAYS),
        };
        let mean = quarters.iter().map(|quarter| quarter.load_kw).sum::<f64>() / quarters.len().max(1) as f64;
        let (capacity_kwh, power_kw) = (options.setting("capacity", mean), options.setting("power", 2.0 * mean));
        let efficiency = options.setting("efficiency", 0.95);
        let fits = [capacity_kwh, power_kw].iter().all(|number| number.is_finite() && *number > 0.0);
        if !(fits && 0.0 < efficiency && efficiency <= 1.0) {
            return Err(PlantError::Unfit(format!(
                "a {NAME} needs a battery of a `capacity` and `power` above 0 and an `efficiency` up to 1"
            )));
        }
        let battery = Battery { capacity_kwh, power_kw, efficiency };
        let usual = Tariff::default();
        let tariff = Tariff {
            demand_charge: options.setting("demand_charge", usual.demand_charge),
            energy_price: options.setting("energy_price", usual.energy_price),
        };
        Ok(Site::new(quarters, battery, tariff))
    }
}

/// Quarter hours with their local time and month; the first is that of a month's first midnight.
fn dated(loads_kw: &[f64], (mut year, mut month): (i64, i64)) -> Vec<Quarter> {
    let first_weekday = weekday(year, month);
    let mut left = 96 * days_of(year, month);
    let mut period = 0;
    let mut quarters = Vec::with_capacity(loads_kw.len());
    for (at, load_kw) in loads_kw.iter().enumerate() {
        if left == 0 {
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            left = 96 * days_of(year, month);
            period += 1;
        }
        left -= 1;
        let weekday = (first_weekday + (at / 96) as i64) % 7;
        quarters.push(Quarter { load_kw: *load_kw, hour: (at % 96) as f64 / 4.0, weekday: weekday as u8, period });
    }
    quarters
}

fn days_of(year: i64, month: i64) -> usize {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Of the first of a month, 0 Monday: Sakamoto's table of month offsets (1992), shifted from Sunday.
fn weekday(year: i64, month: i64) -> i64 {
    const OFFSETS: [i64; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let offset = usize::try_from(month - 1).ok().and_then(|at| OFFSETS.get(at)).copied().unwrap_or(0);
    let year = if month < 3 { year - 1 } else { year };
    (year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + offset + 1 + 6).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_weekdays_are_the_calendars() {
        for (year, month, day) in [(2018, 1, 0), (2018, 2, 3), (2024, 2, 3), (2024, 3, 4), (2026, 11, 6), (2000, 1, 5)]
        {
            assert_eq!(weekday(year, month), day, "{year}-{month}");
        }
        let quarters = dated(&vec![1.0; 96 * 60], (2024, 1));
        assert_eq!((quarters[96 * 31 - 1].period, quarters[96 * 31].period, quarters[96 * 60 - 1].period), (0, 1, 1));
        assert_eq!((quarters[96 * 31].weekday, quarters[97].hour), (3, 0.25));
    }
}
