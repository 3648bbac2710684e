//! A battery behind the meter, and the lowest peak that it could have kept.

/// A battery, as its terminals on the site's bus see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Battery {
    /// What it holds, in kWh.
    pub capacity_kwh: f64,
    /// What it takes or gives at its terminals at most, in kW.
    pub power_kw: f64,
    /// Share of the energy that arrives, in each of the two directions.
    pub efficiency: f64,
}

impl Battery {
    /// Power at the terminals in kW, charging above zero, that keeps the mean import of `hours` at the cap as far as it
    /// goes. Charging ends at `refill_to_kwh`; nothing is exported.
    pub(super) fn power_kw(&self, load_kw: f64, charge_kwh: f64, cap_kw: f64, refill_to_kwh: f64, hours: f64) -> f64 {
        if load_kw > cap_kw {
            let held_kw = charge_kwh * self.efficiency / hours;
            -(load_kw - cap_kw).min(self.power_kw).min(held_kw).min(load_kw.max(0.0))
        } else {
            let room_kw = (refill_to_kwh.min(self.capacity_kwh) - charge_kwh).max(0.0) / (self.efficiency * hours);
            (cap_kw - load_kw).min(self.power_kw).min(room_kw)
        }
    }

    /// What it holds after `hours` at that power.
    pub(super) fn after(&self, charge_kwh: f64, power_kw: f64, hours: f64) -> f64 {
        let arrives = if power_kw > 0.0 { power_kw * self.efficiency } else { power_kw / self.efficiency };
        (charge_kwh + arrives * hours).clamp(0.0, self.capacity_kwh)
    }

    /// Whether a cap holds over quarter hours of these loads, from that charge.
    ///
    /// Giving as little and taking as much as a cap allows keeps the charge at every moment as high as any plan under this
    /// cap can have it, so that a cap that fails here holds for no plan.
    pub fn holds(&self, loads_kw: &[f64], charge_kwh: f64, cap_kw: f64) -> bool {
        let mut charge = charge_kwh;
        loads_kw.iter().all(|&load| {
            let power = self.power_kw(load, charge, cap_kw, self.capacity_kwh, 0.25);
            charge = self.after(charge, power, 0.25);
            load + power <= cap_kw * (1.0 + 1e-9) + 1e-9
        })
    }

    /// The lowest import peak of these quarter hours, in kW, with all of them known ahead, by bisection to a millionth.
    pub fn lowest_peak_kw(&self, loads_kw: &[f64], charge_kwh: f64) -> f64 {
        let (mut lo, mut hi) = (0.0, loads_kw.iter().copied().fold(0.0, f64::max));
        if self.holds(loads_kw, charge_kwh, lo) {
            return lo;
        }
        while hi - lo > 1e-6 * hi {
            let middle = 0.5 * (lo + hi);
            if self.holds(loads_kw, charge_kwh, middle) {
                hi = middle;
            } else {
                lo = middle;
            }
        }
        hi
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_peaks_by_hand() {
        let battery = Battery { capacity_kwh: 100.0, power_kw: 100.0, efficiency: 1.0 };
        let within = |loads: &[f64], charge, peak: f64| {
            let found = battery.lowest_peak_kw(loads, charge);
            assert!((found - peak).abs() < 1e-3, "{loads:?}: {found}, not {peak}");
        };
        // Held by the power, by the energy, by what can be charged between two peaks, and by nothing.
        within(&[10.0, 500.0, 10.0], 100.0, 400.0);
        within(&[200.0; 8], 100.0, 150.0);
        within(&[0.0, 200.0, 0.0, 200.0], 0.0, 100.0);
        within(&[50.0], 100.0, 0.0);
        within(&[], 100.0, 0.0);
        let lossy = Battery { efficiency: 0.5, ..battery };
        let found = lossy.lowest_peak_kw(&[0.0, 100.0], 0.0);
        // x taken is x / 4 given: 100 − x / 4 = x.
        assert!((found - 80.0).abs() < 1e-3, "{found}");
    }
}
