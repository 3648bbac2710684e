//! What the next day's import will be if the forecast comes true.

use super::battery::{Battery, Order};

/// A planned day.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Import of each quarter hour, in kW.
    pub imports_kw: Vec<f64>,
    /// Their highest, or the billing period's until now where that is higher, in kW.
    pub peak_kw: f64,
    /// Energy imported, in kWh.
    pub energy_kwh: f64,
    /// What it adds to the bill: the energy, and the peak's rise above the present one.
    pub cost: f64,
}

/// Prices that a plan is valued at, in money a kW of the period's peak and a kWh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// Of the highest quarter hour.
    pub demand_charge: f64,
    /// Of energy.
    pub energy: f64,
}

/// Plays the forecast's quarter hours, in kW, under one order, from a charge and from the period's peak until now.
pub fn plan(
    battery: &Battery,
    order: Order,
    forecast_kw: &[f64],
    charge_kwh: f64,
    peak_kw: f64,
    prices: Prices,
) -> Plan {
    let mut charge = charge_kwh.clamp(0.0, battery.capacity_kwh);
    let follow = |&load: &f64| {
        let (import, after) = battery.follow(order, load, charge, 0.25);
        charge = after;
        import
    };
    let imports_kw: Vec<f64> = forecast_kw.iter().map(follow).collect();
    let highest = imports_kw.iter().copied().fold(peak_kw, f64::max);
    let energy_kwh = 0.25 * imports_kw.iter().sum::<f64>();
    let cost = prices.demand_charge * (highest - peak_kw) + prices.energy * energy_kwh;
    Plan { imports_kw, peak_kw: highest, energy_kwh, cost }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let battery = Battery { capacity_kwh: 25.0, power_kw: 100.0, efficiency: 1.0 };
        let order = Order { cap_kw: 200.0, refill_to_kwh: 25.0 };
        let prices = Prices { demand_charge: 10.0, energy: 0.1 };
        let plan = plan(&battery, order, &[300.0, 300.0, 120.0], 25.0, 150.0, prices);
        assert_eq!(plan.imports_kw, [200.0, 300.0, 200.0]);
        assert_eq!((plan.peak_kw, plan.energy_kwh), (300.0, 175.0));
        assert!((plan.cost - (1500.0 + 17.5)).abs() < 1e-9, "{}", plan.cost);
    }
}
