//! An inverter that is told levels of charge and follows the load by itself.

use crate::judge::storage::Battery;

/// What the inverter is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orders {
    /// Imports are stored up to this charge.
    pub charge_to_kwh: f64,
    /// The site is served down to this charge.
    pub discharge_to_kwh: f64,
    /// Surplus is stored up to this charge.
    pub surplus_to_kwh: f64,
    /// Above this import of a step the battery serves whatever it holds, and nothing is bought to be stored.
    pub import_limit_kwh: f64,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    /// Charge at its end.
    pub held_kwh: f64,
    /// Energy at the meter; below zero: surplus.
    pub meter_kwh: f64,
    /// Energy through the battery's terminals.
    pub through_kwh: f64,
}

/// A step of the net load `net_kwh` (load less generation), with at most `flow_kwh` through the battery's terminals.
///
/// Surplus is stored first. With no surplus left, the battery serves the load down to one level, or is filled from
/// the
/// grid up to the other; it never does both in a step.
pub fn settle(battery: &Battery, flow_kwh: f64, orders: &Orders, held_kwh: f64, net_kwh: f64) -> Flow {
    let room_to = |level: f64| (level.min(battery.capacity_kwh) - held_kwh).max(0.0) / battery.efficiency;
    let above = |level: f64| (held_kwh - level.max(0.0)).max(0.0) * battery.efficiency;
    let from_surplus = (-net_kwh).max(0.0).min(flow_kwh).min(room_to(orders.surplus_to_kwh));
    let served = net_kwh.max(0.0).min(flow_kwh).min(above(orders.discharge_to_kwh));
    let over_limit = (net_kwh - served - orders.import_limit_kwh).max(0.0);
    let discharge = (served + over_limit).min(flow_kwh).min(above(0.0)).max(served);
    let mut charge = from_surplus;
    if discharge == 0.0 {
        let wanted = (room_to(orders.charge_to_kwh) - charge).max(0.0);
        let allowed = (orders.import_limit_kwh - (net_kwh + charge)).max(0.0);
        charge += wanted.min(flow_kwh - charge).min(allowed);
    }
    let held = held_kwh + charge * battery.efficiency - discharge / battery.efficiency;
    Flow {
        // Rounding only: both flows were cut to what the battery has and takes.
        held_kwh: if held.abs() < 1e-12 { 0.0 } else { held.min(battery.capacity_kwh.max(held - 1e-12)) },
        meter_kwh: net_kwh + charge - discharge,
        through_kwh: charge + discharge,
    }
}
