//! The cap whose expected peak is least, chosen anew each quarter hour.
//!
//! The charge is on the highest import of the billing period, so that nothing below the highest one so far is worth
//! defending, and a cap too low empties the battery before the worst is over. Each quarter hour the policy therefore runs a
//! grid of caps through every course that the load may take until the period ends ([`super::scenario`]), from the battery's
//! present charge, and takes the one whose peak is least on average: rolling-horizon control with scenarios.
//!
//! It never makes a month dearer than no battery would: it charges only while the import stays at or below the highest load
//! of the month, which the site would have paid for anyway.

use serde::{Deserialize, Serialize};

use super::battery::{Battery, Order};
use super::scenario::{CAPS, Days, Scenarios};
use crate::forecast::history::History;
use crate::forecast::profile::SLOTS;

/// Of the grid's caps every so many are tried, and then those about the best.
const STRIDE: usize = 4;
/// What the peak until tomorrow counts beside the period's: the days after may be quieter than all that were seen, and what
/// is shaved in between costs nothing where the battery fills again.
const NEAR: f64 = 0.1;
/// Quarter hours looked ahead at most: the longest month.
const MAX_AHEAD: usize = 31 * SLOTS;

/// What is known at the end of a quarter hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// Number of the billing period; any other number begins a new one.
    pub period: i64,
    /// Quarter hours until it ends.
    pub left: usize,
    /// The quarter hour's mean load, in kW; none where it was not measured.
    pub load_kw: Option<f64>,
    /// The period's highest import until now, in kW; none where it was not measured.
    pub peak_kw: Option<f64>,
    /// The battery's charge, in kWh.
    pub charge_kwh: f64,
}

/// What is proposed, and what is expected of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// For the battery's controller.
    pub order: Order,
    /// The import that is defended, in kW; the order's cap is lower while charging has to stay below a lower mark.
    pub target_kw: f64,
    /// The period's peak that is expected, in kW.
    pub peak_kw: f64,
}

/// The policy and what it remembers of the billing period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    battery: Battery,
    period: Option<i64>,
    /// Highest load and highest import of the period, in kW.
    load_kw: f64,
    import_kw: f64,
    days: Days,
}

impl Policy {
    /// For that battery.
    pub fn new(battery: Battery) -> Self {
        Self { battery, period: None, load_kw: 0.0, import_kw: 0.0, days: Days::default() }
    }

    /// The order for the next quarter hour. `history` is the load in kW and holds the quarter hour that has just ended.
    pub fn decide(&mut self, now: &Now, history: &History) -> Decision {
        if self.period != Some(now.period) {
            (self.period, self.load_kw, self.import_kw) = (Some(now.period), 0.0, 0.0);
        }
        self.load_kw = self.load_kw.max(now.load_kw.filter(|x| x.is_finite()).unwrap_or(0.0));
        self.import_kw = self.import_kw.max(now.peak_kw.filter(|x| x.is_finite()).unwrap_or(0.0));
        let charge = now.charge_kwh.clamp(0.0, self.battery.capacity_kwh);
        let midnight = history.rows().next_back().is_some_and(|row| usize::from(row.local.slot) == SLOTS - 1);
        if midnight || self.days.is_empty() {
            self.days = Days::new(history, &self.battery);
        }
        let (target_kw, peak_kw) = self.target(history, now.left.clamp(1, MAX_AHEAD), charge);
        Decision { order: self.order(target_kw, charge, history), target_kw, peak_kw }
    }

    /// The cap with the least expected peak, and that peak.
    fn target(&self, history: &History, left: usize, charge: f64) -> (f64, f64) {
        let scenarios = Scenarios::new(&self.days, history, left);
        if scenarios.is_empty() {
            // Nothing known: what has been paid for is defended.
            return (self.import_kw, self.import_kw);
        }
        let later = scenarios.later(self.import_kw);
        let cost = |at: usize| {
            // Nothing below what has been paid for is worth defending.
            let cap = self.days.cap(at).max(self.import_kw);
            let (peak, near) = scenarios.expected(&self.battery, cap, later, charge, self.import_kw);
            (at, cap, peak + NEAR * near)
        };
        let better = |a: (usize, f64, f64), b: (usize, f64, f64)| if b.2 < a.2 { b } else { a };
        let coarse = (0..CAPS).step_by(STRIDE).map(cost).reduce(better).map_or(0, |(at, ..)| at);
        let near = coarse.saturating_sub(STRIDE - 1)..=(coarse + STRIDE - 1).min(CAPS - 1);
        let cap = near.map(cost).reduce(better).map_or(self.import_kw, |(_, cap, _)| cap);
        (cap, scenarios.expected(&self.battery, cap, later, charge, self.import_kw).0)
    }

    /// Charges where that costs nothing: up to the highest load so far.
    fn order(&self, target_kw: f64, charge: f64, history: &History) -> Order {
        let full = self.battery.capacity_kwh;
        if target_kw <= self.load_kw {
            return Order { cap_kw: target_kw, refill_to_kwh: full };
        }
        // Below the target but above every load of the period, charging could make a peak of its own. Either it charges
        // under the lower mark, or it holds and defends the target.
        let calm = history.last_load().is_some_and(|load| load + self.battery.power_kw <= self.load_kw);
        if charge < full && calm {
            Order { cap_kw: self.load_kw, refill_to_kwh: full }
        } else {
            Order { cap_kw: target_kw, refill_to_kwh: 0.0 }
        }
    }
}

#[cfg(test)]
mod tests;
