//! A site with a battery under a demand charge: what counts is the highest quarter hour of each billing period.
//!
//! The battery's own controller keeps the import at a cap, and charges below it; caps and refills are what is commanded.
//! [`Site::account`] knows what each period cost, would have cost without the battery, and had to cost.
//!
//! - [`load`]: what the site draws
//! - [`battery`]: what the battery does, and the lowest peak

pub mod load;

pub mod battery;

mod options;

use crate::plant::{Account, Actuator, Kind, Plant, Reading, Signal, Truth, Value};
use battery::Battery;
use load::Quarter;

const QUARTER_S: f64 = 900.0;
/// A cap that no site reaches.
const UNLIMITED_KW: f64 = 1e5;
/// Days of a load that nobody gave: three billing periods.
const MADE_UP_DAYS: usize = 90;

/// What is paid for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tariff {
    /// Money for each kW of a billing period's highest quarter hour.
    pub demand_charge: f64,
    /// Money for each kWh imported.
    pub energy_price: f64,
}

impl Default for Tariff {
    fn default() -> Self {
        Self { demand_charge: 10.0, energy_price: 0.0 }
    }
}

/// The site.
#[derive(Debug, Clone)]
pub struct Site {
    quarters: Vec<Quarter>,
    battery: Battery,
    tariff: Tariff,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    /// Cap in kW and refill in kWh, in the order of `actuators`.
    setpoints: [f64; 2],
    time_s: f64,
    charge_kwh: f64,
    /// Energy imported in the present quarter hour, and in all.
    quarter_kwh: f64,
    total_kwh: f64,
    /// The highest import of the period, and the sum of those of the periods before it.
    peak_kw: f64,
    peaks_kw: f64,
}

impl Site {
    /// With those quarter hours ahead of it. The battery is full at first, and holds until a cap is commanded.
    pub fn new(quarters: Vec<Quarter>, battery: Battery, tariff: Tariff) -> Self {
        let finite = |quarter: Quarter| Quarter {
            load_kw: if quarter.load_kw.is_finite() { quarter.load_kw } else { 0.0 },
            ..quarter
        };
        let quarters: Vec<Quarter> = quarters.into_iter().map(finite).collect();
        let highest = quarters.iter().map(|q| q.load_kw).fold(1.0, f64::max);
        let most_kw = highest + battery.power_kw;
        let value = |name, unit, hi| Signal { name, unit, kind: Kind::Value, range: (0.0, hi) };
        let signals = vec![
            value("site.load_last", "kW", most_kw),
            value("site.load", "kW", most_kw),
            value("site.charge", "kW.h", battery.capacity_kwh),
            value("site.peak", "kW", most_kw),
            value("site.hour", "h", 24.0),
            value("site.weekday", "1", 7.0),
            value("site.period_left", "h", 24.0 * 366.0),
            value("site.cap_readback", "kW", UNLIMITED_KW),
            value("site.refill_to_readback", "kW.h", battery.capacity_kwh),
        ];
        let capacity = battery.capacity_kwh;
        let actuators = vec![
            Actuator { name: "site.cap", unit: "kW", range: (0.0, UNLIMITED_KW), initial: most_kw },
            Actuator { name: "site.refill_to", unit: "kW.h", range: (0.0, capacity), initial: 0.0 },
        ];
        Self {
            quarters,
            battery,
            tariff,
            signals,
            actuators,
            setpoints: [most_kw, 0.0],
            time_s: 0.0,
            charge_kwh: capacity,
            quarter_kwh: 0.0,
            total_kwh: 0.0,
            peak_kw: 0.0,
            peaks_kw: 0.0,
        }
    }

    /// A made-up works with a battery of an hour of its mean load, emptied in half an hour.
    pub fn made_up(seed: u64) -> Self {
        let quarters = load::made_up(seed, MADE_UP_DAYS);
        let mean = quarters.iter().map(|q| q.load_kw).sum::<f64>() / quarters.len().max(1) as f64;
        let battery = Battery { capacity_kwh: mean, power_kw: 2.0 * mean, efficiency: 0.95 };
        Self::new(quarters, battery, Tariff::default())
    }

    /// The present quarter hour's place; beyond the last after the end.
    fn at(&self) -> usize {
        // A thousandth of a second forgives the rounding of slices.
        ((self.time_s + 1e-3) / QUARTER_S) as usize
    }

    fn part(&mut self, seconds: f64) {
        let Some(quarter) = self.quarters.get(self.at()).copied() else { return };
        let hours = seconds / 3600.0;
        let [cap, refill] = self.setpoints;
        let power = self.battery.power_kw(quarter.load_kw, self.charge_kwh, cap, refill, hours);
        self.charge_kwh = self.battery.after(self.charge_kwh, power, hours);
        self.quarter_kwh += (quarter.load_kw + power) * hours;
    }

    /// Bills the quarter hour at `ended`.
    fn bill(&mut self, ended: usize) {
        self.peak_kw = self.peak_kw.max(self.quarter_kwh / 0.25);
        self.total_kwh += self.quarter_kwh;
        self.quarter_kwh = 0.0;
        let period = |at: usize| self.quarters.get(at).map(|q| q.period);
        if period(ended).is_some() && period(ended + 1) != period(ended) {
            self.peaks_kw += self.peak_kw;
            self.peak_kw = 0.0;
        }
    }

    /// Quarter hours left in the period, the present one among them.
    fn left(&self) -> usize {
        let rest = self.quarters.get(self.at()..).unwrap_or(&[]);
        rest.iter().take_while(|q| rest.first().is_some_and(|first| first.period == q.period)).count()
    }

    fn cost(&self, peaks_kw: f64, energy_kwh: f64) -> f64 {
        self.tariff.demand_charge * peaks_kw + self.tariff.energy_price * energy_kwh
    }
}

impl Plant for Site {
    fn end_s(&self) -> Option<f64> {
        Some(self.quarters.len() as f64 * QUARTER_S)
    }

    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        let mut left_s = if dt_s.is_finite() { dt_s.max(0.0) } else { 0.0 };
        while left_s > 0.0 && self.at() < self.quarters.len() {
            let (at, end_s) = (self.at(), (self.at() + 1) as f64 * QUARTER_S);
            // The load is constant within a quarter hour, so that a part of it is one step.
            let part_s = left_s.min(end_s - self.time_s);
            self.part(part_s);
            self.time_s = if part_s < left_s { end_s } else { self.time_s + part_s };
            left_s -= part_s;
            if self.at() > at {
                self.time_s = end_s;
                self.bill(at);
            }
        }
        self.time_s += left_s;
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let at = self.at();
        let quarter = |at: usize| self.quarters.get(at).or(self.quarters.last());
        // Before the first quarter hour is over its meter stands at zero.
        let last = at.checked_sub(1).and_then(quarter).map(|q| q.load_kw).or(Some(0.0));
        let now = quarter(at);
        let values = [
            last,
            now.map(|q| q.load_kw),
            Some(self.charge_kwh),
            Some(self.peak_kw),
            now.map(|q| q.hour),
            now.map(|q| f64::from(q.weekday) + 1.0),
            Some(self.left() as f64 * 0.25),
            Some(self.setpoints[0]),
            Some(self.setpoints[1]),
        ];
        let known = values.into_iter().enumerate().filter_map(|(signal, value)| value.map(|value| (signal, value)));
        out.extend(known.map(|(signal, value)| Reading { signal, value: Value::Number(value) }));
    }

    fn write(&mut self, actuator: usize, value: f64) {
        if let (Some(setpoint), Some(a)) = (self.setpoints.get_mut(actuator), self.actuators.get(actuator))
            && value.is_finite()
        {
            *setpoint = value.clamp(a.range.0, a.range.1);
        }
    }

    fn truth(&self) -> Truth {
        // The battery's limits hold by its own controller; what is looked at is the charge.
        let beyond = (-self.charge_kwh).max(self.charge_kwh - self.battery.capacity_kwh).max(0.0);
        Truth { time_s: self.time_s, violation: Some(beyond), ..Truth::default() }
    }

    /// Over all whole quarter hours until now. The optimum gives each period a full battery at its beginning and asks
    /// for none at its end, and it loses nothing: with a price of energy it is a bound below the least cost.
    fn account(&self) -> Option<Account> {
        let done = self.quarters.get(..self.at().min(self.quarters.len()))?;
        let (mut base_kw, mut optimum_kw, mut given_kwh) = (0.0, 0.0, 0.0);
        for period in done.chunk_by(|a, b| a.period == b.period) {
            let loads: Vec<f64> = period.iter().map(|q| q.load_kw).collect();
            base_kw += loads.iter().copied().fold(0.0, f64::max);
            optimum_kw += self.battery.lowest_peak_kw(&loads, self.battery.capacity_kwh);
            given_kwh += self.battery.capacity_kwh * self.battery.efficiency;
        }
        let load_kwh: f64 = done.iter().map(|q| q.load_kw * 0.25).sum();
        Some(Account {
            time_s: done.len() as f64 * QUARTER_S,
            cost: self.cost(self.peaks_kw + self.peak_kw, self.total_kwh),
            baseline: self.cost(base_kw, load_kwh),
            optimum: self.cost(optimum_kw, (load_kwh - given_kwh).max(0.0)),
            violation_s: 0.0,
        })
    }
}

#[cfg(test)]
mod tests;
