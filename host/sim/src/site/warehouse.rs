//! Finished parts: what the line makes comes in, customers take out, and what is bought in from elsewhere fills the gap.
//!
//! A period is a quarter of an hour. Its customers are Poisson's, more by day than by night; what they can't have is owed to
//! them. An order comes two periods after it was placed. Lifts and cooling use power.

use crate::noise;
use crate::plant::{Actuator, Kind, Plant, Reading, Signal, Stepper, Truth, Value};
use crate::stock::demand::Demand;
use crate::stock::shelf::{Shelf, Terms};

/// A period, in seconds.
pub const PERIOD_S: f64 = 900.0;
/// What customers want in a period, on average over a day.
const MEAN: f64 = 36.0;
/// How much more at three in the afternoon, and less at three at night, as a share.
const BY_DAY: f64 = 0.25;
/// What the line is planned to make in a period, good or not: its mean speed and pitch, stops included.
pub const PLANNED: f64 = 26.0;
/// In the beginning.
const INITIAL: f64 = 70.0;
/// A unit held, a unit owed at the end of a period, and an order, in money.
const TERMS: Terms = Terms { holding: 0.02, shortage: 0.5, fixed: 0.0, lead: 2, lost: false };
/// What lifts and cooling use, in kW: a base, a wave over the day, and for each unit that is moved in a minute.
const BASE_KW: f64 = 22.0;
const COOLING_KW: f64 = 12.0;
const MOVED_KW: f64 = 2.5;
const MAX_ORDER: f64 = 10_000.0;
/// A noise stream, which no other plant uses.
const STREAM: u64 = 195;

/// The warehouse.
#[derive(Debug, Clone)]
pub struct Warehouse {
    seed: u64,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    shelf: Shelf,
    stepper: Stepper,
    periods: u64,
    /// Stored from the line in this period, and in the last.
    stored: (f64, f64),
}

impl Warehouse {
    /// With some parts on its shelves, nothing on order.
    pub fn new(seed: u64) -> Warehouse {
        let value = |name, unit, lo, hi| Signal { name, unit, kind: Kind::Value, range: (lo, hi) };
        Warehouse {
            seed,
            signals: vec![
                value("warehouse.demand", "1", 0.0, 1e6),
                value("warehouse.stock", "1", -1e6, 1e6),
                value("warehouse.on_order", "1", 0.0, 1e6),
                value("warehouse.planned", "1", 0.0, 1e6),
                value("warehouse.made", "1", 0.0, 1e6),
                value("warehouse.power", "kW", 0.0, 500.0),
            ],
            actuators: vec![Actuator { name: "warehouse.order", unit: "1", range: (0.0, MAX_ORDER), initial: 0.0 }],
            shelf: Shelf::new(TERMS, INITIAL),
            stepper: Stepper::of(PERIOD_S),
            periods: 0,
            stored: (0.0, f64::NAN),
        }
    }

    /// So many good parts come from the line.
    pub fn store(&mut self, parts: usize) {
        self.stored.0 += parts as f64;
        self.shelf.stock += parts as f64;
    }

    /// What it uses, in kW.
    pub fn used_kw(&self) -> f64 {
        let moved = self.shelf.sold + self.stored.1.max(0.0);
        let hour = hour_at(self.stepper.asked_s());
        let warmth = 0.5 * (1.0 - ((hour - 3.0) / 24.0 * std::f64::consts::TAU).cos());
        BASE_KW + COOLING_KW * warmth + MOVED_KW * moved / (PERIOD_S / 60.0)
    }

    /// On hand less owed.
    pub fn stock(&self) -> f64 {
        self.shelf.stock
    }

    fn pass(&mut self) {
        let hour = hour_at(self.periods as f64 * PERIOD_S);
        let factor = 1.0 - BY_DAY * ((hour - 3.0) / 24.0 * std::f64::consts::TAU).cos();
        let demand = Demand::poisson(MEAN).draw(self.seed, STREAM, self.periods, factor);
        self.shelf.pass(self.periods, demand);
        self.periods += 1;
        self.stored = (0.0, self.stored.0);
    }
}

/// Of the day, so long after the beginning.
fn hour_at(time_s: f64) -> f64 {
    (super::BEGINS_H + time_s / 3600.0) % 24.0
}

impl Plant for Warehouse {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        (0..self.stepper.due(dt_s)).for_each(|_| self.pass());
    }

    /// What the last period's customers wanted and what the line brought in it, which nobody knows before one has passed.
    fn read(&mut self, out: &mut Vec<Reading>) {
        let demand = if self.periods > 0 { self.shelf.sold } else { f64::NAN };
        let mut rng = noise::stream(self.seed, STREAM + 1, (self.stepper.asked_s() * 10.0).round() as u64);
        let power = self.used_kw() * (1.0 + 0.005 * noise::normal(&mut rng));
        let values = [demand, self.shelf.stock, self.shelf.on_order(), PLANNED, self.stored.1, power];
        out.extend(
            values.into_iter().enumerate().map(|(signal, value)| Reading { signal, value: Value::Number(value) }),
        );
    }

    /// Each write is an order.
    fn write(&mut self, actuator: usize, value: f64) {
        if actuator == 0 && value.is_finite() && value > 0.0 {
            self.shelf.order(self.periods, value.min(MAX_ORDER));
        }
    }

    fn truth(&self) -> Truth {
        Truth {
            time_s: self.periods as f64 * PERIOD_S,
            cost: Some(self.shelf.period_cost / PERIOD_S),
            violation: Some((-self.shelf.stock).max(0.0)),
            ..Truth::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_and_go_out() {
        let mut warehouse = Warehouse::new(1);
        warehouse.store(10);
        assert_eq!(warehouse.stock(), INITIAL + 10.0);
        warehouse.advance(PERIOD_S);
        let after = warehouse.stock();
        assert!(after < INITIAL, "customers came: {after}");
        warehouse.write(0, 50.0);
        // Ordered before the second period, it is there for the fourth.
        warehouse.advance(2.0 * PERIOD_S);
        let before = warehouse.stock();
        let mut without = Warehouse::new(1);
        without.store(10);
        without.advance(4.0 * PERIOD_S);
        warehouse.advance(PERIOD_S);
        assert_eq!(warehouse.stock() - without.stock(), 50.0, "{before}");
        assert!(warehouse.used_kw() > BASE_KW);
    }
}
