//! A battery that keeps an import at or below a cap, as its own controller does it within a quarter hour.

use serde::{Deserialize, Serialize};

/// A battery, as its terminals on the site's bus see it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Battery {
    /// What it holds, in kWh.
    pub capacity_kwh: f64,
    /// What it takes or gives at its terminals at most, in kW.
    pub power_kw: f64,
    /// Share of the energy that arrives, in each of the two directions.
    pub efficiency: f64,
}

/// What the battery's controller is told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The import that is not to be exceeded, in kW.
    pub cap_kw: f64,
    /// Up to here it charges, where the cap leaves room, in kWh.
    pub refill_to_kwh: f64,
}

impl Battery {
    /// Import in kW and charge in kWh after `hours` of a load, from a charge: above the cap it gives what it can, below the
    /// cap it takes what fits. It never exports.
    pub fn follow(&self, order: Order, load_kw: f64, charge_kwh: f64, hours: f64) -> (f64, f64) {
        let above = load_kw - order.cap_kw;
        if above > 0.0 {
            let held = charge_kwh.max(0.0) * self.efficiency / hours;
            let power = above.min(self.power_kw).min(held).min(load_kw.max(0.0));
            (load_kw - power, (charge_kwh - power * hours / self.efficiency).max(0.0))
        } else {
            let full = order.refill_to_kwh.min(self.capacity_kwh);
            let room = (full - charge_kwh).max(0.0) / (self.efficiency * hours);
            let power = (-above).min(self.power_kw).min(room);
            (load_kw + power, (charge_kwh + power * hours * self.efficiency).min(full.max(charge_kwh)))
        }
    }

    /// The highest import of a course of quarter hours under one order, or `peak_kw` where that is higher: what
    /// [`Battery::follow`] comes to, with the divisions taken out of the loop.
    pub fn peak(&self, order: Order, loads_kw: impl Iterator<Item = f32>, charge_kwh: f64, peak_kw: f64) -> f64 {
        let (give, take) = (0.25 / self.efficiency, 0.25 * self.efficiency);
        let (kw_held, kw_room) = (1.0 / give, 1.0 / take);
        let full = order.refill_to_kwh.min(self.capacity_kwh);
        let (mut charge, mut peak) = (charge_kwh, peak_kw);
        for load in loads_kw.map(f64::from) {
            let above = load - order.cap_kw;
            let power = if above > 0.0 {
                let power = above.min(self.power_kw).min(charge * kw_held).min(load.max(0.0));
                charge = (charge - power * give).max(0.0);
                -power
            } else if charge < full {
                let power = (-above).min(self.power_kw).min((full - charge) * kw_room);
                charge += power * take;
                power
            } else {
                0.0
            };
            peak = peak.max(load + power);
        }
        peak
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    const BATTERY: Battery = Battery { capacity_kwh: 100.0, power_kw: 50.0, efficiency: 0.8 };

    #[test]
    fn by_hand() {
        let order = Order { cap_kw: 200.0, refill_to_kwh: 90.0 };
        for (load, charge, import, after) in [
            // Above the cap by less than the power, by more, and with little left: 8 kWh give 6.4 at the terminals.
            (220.0, 80.0, 200.0, 73.75),
            (300.0, 80.0, 250.0, 64.375),
            (300.0, 8.0, 274.4, 0.0),
            (300.0, 0.0, 300.0, 0.0),
            // Below it: by the room under the cap, the power, what is missing.
            (180.0, 50.0, 200.0, 54.0),
            (100.0, 50.0, 150.0, 60.0),
            (100.0, 88.0, 110.0, 90.0),
            (100.0, 95.0, 100.0, 95.0),
        ] {
            let (i, c) = BATTERY.follow(order, load, charge, 0.25);
            assert!((i - import).abs() < 1e-9 && (c - after).abs() < 1e-9, "{load} {charge}: {i} {c}");
        }
    }

    #[test]
    fn the_loop_says_what_the_steps_say() {
        let loads: Vec<f32> = (0..500_u32).map(|k| (k * 7919 % 400) as f32).collect();
        for cap_kw in [0.0, 120.0, 250.0, 390.0, 500.0] {
            let order = Order { cap_kw, refill_to_kwh: 100.0 };
            let (mut charge, mut peak) = (30.0, 0.0_f64);
            for &load in &loads {
                let (import, after) = BATTERY.follow(order, f64::from(load), charge, 0.25);
                assert!((0.0..=100.0).contains(&after) && (import - f64::from(load)).abs() <= 50.0 + 1e-9);
                (charge, peak) = (after, peak.max(import));
            }
            let at_once = BATTERY.peak(order, loads.iter().copied(), 30.0, 0.0);
            assert!((at_once - peak).abs() < 1e-6, "{cap_kw}: {at_once} {peak}");
        }
    }
}
