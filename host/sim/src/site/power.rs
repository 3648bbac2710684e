//! The works' meter: a battery, solar panels and a tariff of quarter hours, under the power that its parts use.

use crate::home::{Home, HomeSettings, synthetic};
use crate::judge::storage::{Battery, Terms};
use crate::plant::{Account, Actuator, Kind, Plant, Reading, Schedule, Signal, Truth, Value};

/// A quarter of an hour, in seconds.
pub const STEP_S: f64 = 900.0;
/// How long its series are.
const DAYS: usize = 366;
/// Panels of a works against those of a home.
const PANELS: f64 = 45.0;
/// 400 kWh, a third of it there in the beginning, and 150 kW.
const BATTERY: Battery = Battery { capacity_kwh: 400.0, power_kw: 150.0, efficiency: 0.95, initial_kwh: 140.0 };
/// The highest power that its meter tells, in kW.
const MOST_KW: f64 = 500.0;

/// The home's names, and what they are called here.
const SIGNALS: [(&str, &str); 9] = [
    ("home.pv", "power.pv"),
    ("home.load_last", LOAD_LAST),
    ("home.pv_last", PV_LAST),
    ("home.charge", "power.charge"),
    ("home.price", "power.price"),
    ("home.grid", GRID),
    ("home.charge_to_readback", "power.charge_to_readback"),
    ("home.discharge_to_readback", "power.discharge_to_readback"),
    ("home.surplus_to_readback", "power.surplus_to_readback"),
];
const LOAD_LAST: &str = "power.load_last";
const PV_LAST: &str = "power.pv_last";
const GRID: &str = "power.grid";
const ACTUATORS: [&str; 3] = ["power.charge_to", "power.discharge_to", "power.surplus_to"];

/// The meter and what stands behind it.
#[derive(Debug, Clone)]
pub struct Power {
    home: Home,
    /// Of the home's signals, those that are told, in the order of [`SIGNALS`].
    sources: Vec<usize>,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    schedules: [Schedule; 1],
    /// Present power of all parts, in kW.
    drawn_kw: f64,
    asked_s: f64,
}

impl Power {
    /// At [`BEGINS_H`](super::BEGINS_H).
    pub fn new(seed: u64) -> Power {
        let mut series = synthetic::series(seed, DAYS, STEP_S);
        let begun = (super::BEGINS_H * 3600.0 / STEP_S).round() as usize;
        for values in [&mut series.load_kwh, &mut series.pv_kwh, &mut series.price] {
            values.drain(..begun.min(values.len()));
        }
        series.load_kwh.iter_mut().for_each(|load| *load = 0.0);
        series.pv_kwh.iter_mut().for_each(|pv| *pv *= PANELS);
        let settings = HomeSettings { battery: BATTERY, terms: Terms::default() };
        let home =
            Home::new(series, settings).expect("the series are as long as each other and the battery is a constant");
        let of_home = |name: &str| home.signals().iter().position(|own| own.name == name);
        let sources: Vec<usize> = SIGNALS.iter().filter_map(|(own, _)| of_home(own)).collect();
        let named = |(index, (_, name)): (&usize, (&str, &'static str))| {
            let own = home.signals().get(*index)?;
            // The home does not know what the parts will use.
            let more = if [LOAD_LAST, GRID].contains(&name) { MOST_KW } else { 0.0 };
            Some(Signal { name, range: (own.range.0, own.range.1 + more), ..own.clone() })
        };
        let mut signals: Vec<Signal> = sources.iter().zip(SIGNALS).filter_map(named).collect();
        signals.push(Signal { name: "power.load", unit: "kW", kind: Kind::Value, range: (0.0, MOST_KW) });
        let actuators =
            home.actuators().iter().zip(ACTUATORS).map(|(own, name)| Actuator { name, ..own.clone() }).collect();
        let schedules = [Schedule { name: "power.price", unit: "{money}/kW/h", step_s: STEP_S }];
        Power { home, sources, signals, actuators, schedules, drawn_kw: 0.0, asked_s: 0.0 }
    }

    /// All parts together use so much for so long from now.
    pub fn draw(&mut self, kw: f64, dt_s: f64) {
        self.drawn_kw = kw;
        self.asked_s += dt_s;
        self.home.add_load(kw * dt_s / 3600.0);
    }
}

impl Plant for Power {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        self.home.advance(dt_s);
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let mut own = Vec::new();
        self.home.read(&mut own);
        // What a quarter used nobody knows before one has passed.
        let is_unknown = |index: usize| {
            let name = SIGNALS.get(index).map_or("", |(_, name)| *name);
            self.asked_s < STEP_S - 1e-3 && [LOAD_LAST, PV_LAST, GRID].contains(&name)
        };
        let told = self.sources.iter().filter_map(|index| own.get(*index)).map(|reading| reading.value.clone());
        let told =
            told.enumerate().map(|(index, value)| if is_unknown(index) { Value::Number(f64::NAN) } else { value });
        let values = told.chain([Value::Number(self.drawn_kw)]).enumerate();
        out.extend(values.map(|(signal, value)| Reading { signal, value }));
    }

    fn write(&mut self, actuator: usize, value: f64) {
        if actuator < ACTUATORS.len() {
            self.home.write(actuator, value);
        }
    }

    fn truth(&self) -> Truth {
        self.home.truth()
    }

    fn account(&self) -> Option<Account> {
        self.home.account()
    }

    fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    fn ahead(&mut self, schedule: usize, steps: usize) -> Vec<f64> {
        self.home.ahead(schedule, steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_what_the_last_step_used() {
        let mut power = Power::new(1);
        for second in 0..900 {
            power.draw(if second < 450 { 100.0 } else { 200.0 }, 1.0);
            power.advance(1.0);
        }
        let mut out = Vec::new();
        power.read(&mut out);
        let number = |name: &str| {
            let at = power.signals().iter().position(|signal| signal.name == name);
            match out.iter().find(|reading| Some(reading.signal) == at).map(|reading| &reading.value) {
                Some(Value::Number(number)) => *number,
                _ => f64::NAN,
            }
        };
        assert!((number("power.load_last") - 150.0).abs() < 1e-6, "{out:?}");
        assert_eq!(number("power.load"), 200.0);
        let (grid, pv) = (number("power.grid"), number("power.pv_last"));
        assert!((grid - (150.0 - pv).max(0.0)).abs() < 1e-6, "a battery that gives nothing unasked: {grid}, {pv}");
        assert_eq!(power.actuators().len(), 3);
        assert!(
            power.actuators().iter().zip(["charge_to", "discharge_to", "surplus_to"]).all(|(a, n)| a.name.ends_with(n))
        );
        assert_eq!(
            power.signals().iter().find(|signal| signal.name == "power.price").map(|signal| signal.unit),
            Some("{money}/kW/h")
        );
        assert_eq!(power.ahead(0, 8).len(), 8);
        assert!(power.account().is_some());
    }
}
