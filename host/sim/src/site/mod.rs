//! A whole works: what one part makes, draws or uses, another has to provide.
//!
//! ```text
//!  rig ─ the motor and bearing of pump 1          customers ◄── warehouse ◄── orders
//!  pumps ──► cooling water ──► reactor                              ▲
//!  compressors ──► air                            line ─► gate ─────┘ good parts
//!
//!  pumps, compressors, reactor, line, warehouse ──► one meter, with a battery, solar panels and a tariff
//! ```
//!
//! - [`slow_line`]: the packaging line at a pace of its own
//! - [`pumps`]: three pumps that share the water that is drawn
//! - [`warehouse`]: finished parts: what the line makes comes in, customers take out, orders fill the gap
//! - [`power`]: battery, panels, tariff, and the power that all parts use together
//!
//! Rig, reactor, line and compressors are the plants of those names. The line runs at a sixtieth of its own pace: a part in
//! half a minute, so that a controller that looks every six seconds can work its gate.

pub mod power;
pub mod pumps;
pub mod slow_line;
pub mod warehouse;

use crate::compressors::Compressors;
use crate::fault::{Script, ScriptError};
use crate::plant::{Account, Actuator, Event, PartFate, Plant, Reading, Schedule, Signal, Stepper, Truth};
use crate::reactor::Reactor;
use crate::rig::Rig;
use power::Power;
use pumps::Pumps;
use slow_line::SlowLine;
use std::ops::Range;
use warehouse::Warehouse;

/// How much slower the line runs than by itself.
pub const LINE_PACE: f64 = 60.0;
/// Hour of the first day at which it begins: an afternoon's shift, before the dear hours.
pub const BEGINS_H: f64 = 15.25;
/// The parts hear of each other so often, in seconds.
const COUPLING_S: f64 = 1.0;
/// What the reactor's stirrer and heating use, in kW: a base, and for each degree above the feed's temperature.
const STIRRER_KW: f64 = 12.0;
const HEATING_KW_PER_K: f64 = 0.9;
const FEED_CEL: f64 = 25.0;
/// What the line uses, standing and running, in kW.
const LINE_KW: (f64, f64) = (4.0, 14.0);

/// The works. Its parts' signals and actuators follow each other in the order rig, reactor, pumps, compressors, warehouse,
/// power, line.
#[derive(Debug, Clone)]
pub struct Site {
    rig: Rig,
    reactor: Reactor,
    pumps: Pumps,
    compressors: Compressors,
    warehouse: Warehouse,
    power: Power,
    line: SlowLine,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    schedules: Vec<Schedule>,
    stepper: Stepper,
    /// Of the line's fates, how many the warehouse has seen.
    stored: usize,
}

/// The line is the last of them: its events have the last signals.
const PARTS: usize = 7;

impl Site {
    /// At [`BEGINS_H`], everything in its usual place, the compressors by their own switches; `script` is the rig's. All parts draw from the same seed.
    pub fn new(seed: u64, script: Script) -> Result<Site, ScriptError> {
        let mut compressors = Compressors::new(seed);
        compressors.advance(BEGINS_H * 3600.0);
        let mut site = Site {
            rig: Rig::new(seed, script)?,
            reactor: Reactor::new(seed),
            pumps: Pumps::new(seed),
            compressors,
            warehouse: Warehouse::new(seed),
            power: Power::new(seed),
            line: SlowLine::new(seed, LINE_PACE),
            signals: Vec::new(),
            actuators: Vec::new(),
            schedules: Vec::new(),
            stepper: Stepper::of(COUPLING_S),
            stored: 0,
        };
        site.signals = site.parts().iter().flat_map(|part| part.signals().to_vec()).collect();
        site.actuators = site.parts().iter().flat_map(|part| part.actuators().to_vec()).collect();
        site.schedules = site.parts().iter().flat_map(|part| part.schedules().to_vec()).collect();
        Ok(site)
    }

    fn parts(&self) -> [&dyn Plant; PARTS] {
        [&self.rig, &self.reactor, &self.pumps, &self.compressors, &self.warehouse, &self.power, &self.line]
    }

    fn parts_mut(&mut self) -> [&mut dyn Plant; PARTS] {
        [
            &mut self.rig,
            &mut self.reactor,
            &mut self.pumps,
            &mut self.compressors,
            &mut self.warehouse,
            &mut self.power,
            &mut self.line,
        ]
    }

    /// The part whose `count` reaches over `index`, and the index within it.
    fn find(&self, index: usize, count: fn(&dyn Plant) -> usize) -> Option<(usize, usize)> {
        let mut before = 0;
        for (at, part) in self.parts().into_iter().enumerate() {
            let own = count(part);
            if index < before + own {
                return Some((at, index - before));
            }
            before += own;
        }
        None
    }

    fn couple(&mut self) {
        for part in [&mut self.rig as &mut dyn Plant, &mut self.reactor, &mut self.pumps, &mut self.compressors] {
            part.advance(COUPLING_S);
        }
        self.line.advance(COUPLING_S);
        let fates = self.line.fates();
        let good = fates.get(self.stored..).unwrap_or_default().iter().filter(|fate| !fate.ejected).count();
        self.stored = fates.len();
        self.warehouse.store(good);
        self.warehouse.advance(COUPLING_S);
        let line_kw = if self.line.runs() { LINE_KW.1 } else { LINE_KW.0 };
        let reactor_kw = STIRRER_KW + HEATING_KW_PER_K * (self.reactor.temp_cel() - FEED_CEL).max(0.0);
        let used_kw =
            self.pumps.used_kw() + self.compressors.used_kw() + reactor_kw + line_kw + self.warehouse.used_kw();
        self.power.draw(used_kw, COUPLING_S);
        self.power.advance(COUPLING_S);
    }
}

impl Plant for Site {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        (0..self.stepper.due(dt_s)).for_each(|_| self.couple());
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let mut offset = 0;
        for part in self.parts_mut() {
            let before = out.len();
            part.read(out);
            let own = out.get_mut(before..).unwrap_or_default();
            own.iter_mut().for_each(|reading| reading.signal += offset);
            offset += part.signals().len();
        }
    }

    fn event_signals(&self) -> Range<usize> {
        let offset = self.signals.len() - self.line.signals().len();
        let own = self.line.event_signals();
        own.start + offset..own.end + offset
    }

    fn events(&mut self, out: &mut Vec<Event>) {
        let (before, offset) = (out.len(), self.signals.len() - self.line.signals().len());
        self.line.events(out);
        for event in out.get_mut(before..).unwrap_or_default() {
            event.readings.iter_mut().for_each(|reading| reading.signal += offset);
            event.pictures.iter_mut().for_each(|picture| picture.signal += offset);
        }
    }

    fn fates(&self) -> &[PartFate] {
        self.line.fates()
    }

    fn write(&mut self, actuator: usize, value: f64) {
        let Some((part, own)) = self.find(actuator, |part| part.actuators().len()) else { return };
        if let Some(part) = self.parts_mut().into_iter().nth(part) {
            part.write(own, value);
        }
    }

    /// The reactor's profit, the pumps' cost, the rig's condition, and the air pressure outside its band.
    fn truth(&self) -> Truth {
        let (rig, reactor, pumps) = (self.rig.truth(), self.reactor.truth(), self.pumps.truth());
        Truth {
            time_s: self.stepper.time_s(),
            profit: reactor.profit,
            optimum_profit: reactor.optimum_profit,
            cost: pumps.cost,
            optimum_cost: pumps.optimum_cost,
            violation: self.compressors.truth().violation,
            active: rig.active,
            condition: rig.condition,
        }
    }

    /// The energy bill's: battery and panels against what hindsight would have done with them.
    fn account(&self) -> Option<Account> {
        self.power.account()
    }

    fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    fn ahead(&mut self, schedule: usize, steps: usize) -> Vec<f64> {
        let Some((part, own)) = self.find(schedule, |part| part.schedules().len()) else { return Vec::new() };
        self.parts_mut().into_iter().nth(part).map_or_else(Vec::new, |part| part.ahead(own, steps))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;
    use crate::plant::Value;

    fn site() -> Site {
        Site::new(3, Script::none()).unwrap()
    }

    fn number(site: &mut Site, name: &str) -> f64 {
        let at = site.signals().iter().position(|signal| signal.name == name).unwrap();
        let mut out = Vec::new();
        site.read(&mut out);
        match out.iter().find(|reading| reading.signal == at).map(|reading| &reading.value) {
            Some(Value::Number(number)) => *number,
            _ => panic!("{name} tells no number"),
        }
    }

    fn write(site: &mut Site, name: &str, value: f64) {
        let at = site.actuators().iter().position(|actuator| actuator.name == name).unwrap();
        site.write(at, value);
    }

    #[test]
    fn each_part_is_reached_by_its_own_names() {
        let mut site = site();
        for (output, readback, value) in [
            ("reactor.temp_sp", "reactor.temp_sp_readback", 85.0),
            ("pumps.sp_2", "pumps.sp_2_readback", 120.0),
            ("compressors.b", "compressors.b_readback", 2.0),
            ("power.charge_to", "power.charge_to_readback", 222.0),
        ] {
            write(&mut site, output, value);
            site.advance(1.0);
            assert_eq!(number(&mut site, readback), value, "{output}");
        }
        write(&mut site, "warehouse.order", 40.0);
        assert_eq!(number(&mut site, "warehouse.on_order"), 40.0);
        write(&mut site, "line.gate", 1.0);
        site.advance(2.0 * LINE_PACE);
        assert_eq!(number(&mut site, "line.gate_readback"), 1.0);
        assert_eq!(
            site.schedules().iter().map(|one| one.name).collect::<Vec<_>>(),
            ["compressors.demand", "power.price"]
        );
        let price = site.ahead(1, 8);
        assert_eq!(price.len(), 8);
        assert!(price[0] < price[3], "the dear hours begin at four: {price:?}");
        assert!(site.ahead(0, 5).iter().all(|flow| *flow > 0.0));
    }

    #[test]
    fn one_meter_tells_what_all_parts_use() {
        let mut site = site();
        site.advance(60.0);
        let before = number(&mut site, "power.load");
        write(&mut site, "compressors.a", 2.0);
        site.advance(30.0);
        let more = number(&mut site, "power.load") - before;
        assert!((40.0..120.0).contains(&more), "a compressor of 75 kW: {more}");
    }

    #[test]
    fn good_parts_come_to_the_warehouse_and_ejected_ones_do_not() {
        let run = |gate: f64| {
            let mut site = site();
            write(&mut site, "line.gate", gate);
            site.advance(3600.0);
            (site.fates().len(), site.warehouse.stock(), site.event_signals())
        };
        let ((parts, stock, range), (ejected, without, _)) = (run(0.0), run(1.0));
        assert!((50..140).contains(&parts) && ejected == parts, "{parts} parts in an hour");
        assert!((stock - without - parts as f64).abs() <= 1.0, "{stock} against {without}");
        assert_eq!(range.len(), 7);
    }

    #[test]
    fn the_line_is_as_slow_as_it_says() {
        let mut site = site();
        site.advance(300.0);
        let (mut events, speed) = (Vec::new(), number(&mut site, "line.speed"));
        assert!(speed < 0.6 / LINE_PACE + 1e-9, "{speed}");
        site.advance(600.0);
        site.events(&mut events);
        assert!(!events.is_empty());
        assert!(events.iter().all(|event| event.time_s <= 900.0) && events.iter().any(|event| event.time_s > 300.0));
        let range = site.event_signals();
        assert!(events.iter().flat_map(|event| &event.readings).all(|reading| range.contains(&reading.signal)));
    }

    #[test]
    fn time_in_slices_is_the_same_time() {
        let run = |slice_s: f64| {
            let mut site = site();
            (0..(1800.0 / slice_s) as usize).for_each(|_| site.advance(slice_s));
            let mut out = Vec::new();
            site.read(&mut out);
            out
        };
        assert_eq!(run(6.0), run(0.5));
    }
}
