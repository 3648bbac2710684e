//! Three pumps on one header that share the water that is drawn.
//!
//! They are the units of [`sharing`](crate::sharing) under other names: what they give is a flow, what they cost is their
//! motors' power. A megawatt there is half a cubic metre an hour here, and a unit of money an hour a hundredth of a kilowatt.

use crate::plant::{Actuator, Plant, Reading, Signal, Truth, Value};
use crate::sharing::Sharing;

/// m³/h for each MW of the units.
const FLOW: f64 = 0.5;
/// kW for each unit of money an hour.
const POWER: f64 = 0.01;
/// What a kWh costs where the pumps are judged, in money.
const KWH: f64 = 0.2;

/// Name, unit, factor and upper end of the range of each signal, in the order of the units' own.
const SIGNALS: [(&str, &str, f64, f64); 11] = [
    ("pumps.drawn", "m3/h", FLOW, 750.0),
    ("pumps.flow_1", "m3/h", FLOW, 400.0),
    ("pumps.flow_2", "m3/h", FLOW, 400.0),
    ("pumps.flow_3", "m3/h", FLOW, 400.0),
    ("pumps.power_1", "kW", POWER, 100.0),
    ("pumps.power_2", "kW", POWER, 100.0),
    ("pumps.power_3", "kW", POWER, 100.0),
    ("pumps.permit", "1", 1.0, 1.0),
    ("pumps.sp_1_readback", "m3/h", FLOW, 400.0),
    ("pumps.sp_2_readback", "m3/h", FLOW, 400.0),
    ("pumps.sp_3_readback", "m3/h", FLOW, 400.0),
];
const SETPOINTS: [&str; 3] = ["pumps.sp_1", "pumps.sp_2", "pumps.sp_3"];

/// The pumps.
#[derive(Debug, Clone)]
pub struct Pumps {
    units: Sharing,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
}

impl Pumps {
    /// At rest, the water shared in proportion to what each can give.
    pub fn new(seed: u64) -> Pumps {
        let units = Sharing::new(seed);
        let signal = |(own, (name, unit, _, high)): (&Signal, (&'static str, &'static str, f64, f64))| Signal {
            name,
            unit,
            kind: own.kind,
            range: (0.0, high),
        };
        let actuator = |(own, name): (&Actuator, &'static str)| Actuator {
            name,
            unit: "m3/h",
            range: (FLOW * own.range.0, FLOW * own.range.1),
            initial: FLOW * own.initial,
        };
        Pumps {
            signals: units.signals().iter().zip(SIGNALS).map(signal).collect(),
            actuators: units.actuators().iter().zip(SETPOINTS).map(actuator).collect(),
            units,
        }
    }

    /// What their motors use, in kW.
    pub fn used_kw(&self) -> f64 {
        self.units.truth().cost.unwrap_or(0.0) * 3600.0 * POWER
    }
}

impl Plant for Pumps {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        self.units.advance(dt_s);
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let before = out.len();
        self.units.read(out);
        for reading in out.get_mut(before..).unwrap_or_default() {
            if let (Value::Number(number), Some((_, _, factor, _))) = (&mut reading.value, SIGNALS.get(reading.signal))
            {
                *number *= factor;
            }
        }
    }

    fn write(&mut self, actuator: usize, value: f64) {
        self.units.write(actuator, value / FLOW);
    }

    /// In money a second for the motors' energy; the violation in m³/h.
    fn truth(&self) -> Truth {
        let truth = self.units.truth();
        let money = |cost: f64| cost * POWER * KWH;
        Truth {
            cost: truth.cost.map(money),
            optimum_cost: truth.optimum_cost.map(money),
            violation: truth.violation.map(|off| off * FLOW),
            ..truth
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_give_what_is_drawn_and_use_what_they_say() {
        let mut pumps = Pumps::new(3);
        pumps.advance(600.0);
        let mut out = Vec::new();
        pumps.read(&mut out);
        let number = |name: &str| {
            let at = pumps.signals().iter().position(|signal| signal.name == name);
            out.iter().find(|reading| Some(reading.signal) == at).map_or(f64::NAN, |reading| match reading.value {
                Value::Number(number) => number,
                Value::Block { .. } => f64::NAN,
            })
        };
        let sum = |names: [&str; 3]| names.map(number).iter().sum::<f64>();
        let (flow, power) = (
            sum(["pumps.flow_1", "pumps.flow_2", "pumps.flow_3"]),
            sum(["pumps.power_1", "pumps.power_2", "pumps.power_3"]),
        );
        assert!((200.0..=550.0).contains(&number("pumps.drawn")));
        assert!((flow / number("pumps.drawn") - 1.0).abs() < 0.1, "{flow}");
        assert!((power / pumps.used_kw() - 1.0).abs() < 0.05 && (20.0..150.0).contains(&power), "{power}");
        let (cost, least) = (pumps.truth().cost, pumps.truth().optimum_cost);
        assert!(cost >= least && cost.is_some());
    }
}
