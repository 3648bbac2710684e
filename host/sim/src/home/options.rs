//! A home from options: recorded series or a made-up year, and settings.

use super::{Home, HomeSeries, HomeSettings, synthetic};
use crate::judge::storage::{Battery, Terms, Window};
use crate::options::{Options, Recorded};
use crate::{PlantError, check_settings};

const NAME: &str = "home";

/// Settings that a home has.
const SETTINGS: [&str; 10] = [
    "capacity",
    "power",
    "efficiency",
    "demand_charge",
    "billing_steps",
    "wear",
    "export_price",
    "export_limit",
    "shiftable",
    "shiftable_power",
];

/// Local hours between which a load that can wait may run.
const WINDOW_H: (f64, f64) = (8.0, 22.0);

impl Home {
    /// With recorded `load` and `pv` (kWh a step) and `price`, or a year that the seed makes up. Settings: `capacity` in
    /// kWh, `power` in kW, one-way `efficiency`; `demand_charge` a kW of each `billing_steps`; `wear` a kWh;
    /// `export_price` a kWh up to `export_limit` in kW; `shiftable` in kWh a day at `shiftable_power` in kW.
    ///
    /// # Errors
    /// Series that are missing or make no sense, and settings that it does not have.
    pub fn from_options(options: &Options) -> Result<Home, PlantError> {
        check_settings(NAME, options, &SETTINGS)?;
        let series = match &options.recorded {
            Some(recorded) => recorded_series(recorded)?,
            None => synthetic::series(options.seed, 365, 3600.0),
        };
        let usual = HomeSettings::default().battery;
        let battery = Battery {
            capacity_kwh: options.setting("capacity", usual.capacity_kwh),
            power_kw: options.setting("power", usual.power_kw),
            efficiency: options.setting("efficiency", usual.efficiency),
            initial_kwh: usual.initial_kwh,
        };
        let steps = series.price.len();
        let billing = whole(options.setting("billing_steps", steps as f64)).max(1);
        let terms = Terms {
            demand_charge: options.setting("demand_charge", 0.0),
            period_starts: (0..steps).step_by(billing).collect(),
            wear: options.setting("wear", 0.0),
            export_price: options.setting("export_price", 0.0),
            export_limit_kw: options.settings.get("export_limit").copied(),
            shiftable: windows(options, &series),
        };
        Ok(Home::new(series, HomeSettings { battery, terms })?)
    }
}

fn recorded_series(recorded: &Recorded) -> Result<HomeSeries, PlantError> {
    let missing = || PlantError::SeriesMissing { plant: NAME.to_owned(), needed: "load, pv and price" };
    let get = |name: &str| recorded.get(name).map(<[f64]>::to_vec).ok_or_else(missing);
    Ok(HomeSeries { step_s: recorded.step_s, load_kwh: get("load")?, pv_kwh: get("pv")?, price: get("price")? })
}

/// One window a day.
fn windows(options: &Options, series: &HomeSeries) -> Vec<Window> {
    let energy_kwh = options.setting("shiftable", 0.0);
    if energy_kwh <= 0.0 || series.step_s.is_nan() || series.step_s <= 0.0 {
        return Vec::new();
    }
    let per_hour = 3600.0 / series.step_s;
    let day = whole(24.0 * per_hour).max(1);
    let (from, to) = (whole(WINDOW_H.0 * per_hour), whole(WINDOW_H.1 * per_hour));
    let power_kw = options.setting("shiftable_power", 2.0);
    let days = series.price.len() / day;
    (0..days).map(|at| Window { from: day * at + from, to: day * at + to, energy_kwh, power_kw }).collect()
}

fn whole(number: f64) -> usize {
    number.round().max(0.0) as usize
}
