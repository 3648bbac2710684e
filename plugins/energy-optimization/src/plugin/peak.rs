//! The task `peak`: a battery against a demand charge, and the load that it reckons with.

use std::time::Duration;

use dinrail_sdk::{
    Bindings, Description, EnergyPlan, Expectation, Fault, Frame, Input, Output, OutputBinding, OutputState, Parameter,
    Parameters, Proposal, Row, Step,
};
use serde::{Deserialize, Serialize};

use super::nothing;
use crate::forecast::Forecaster;
use crate::forecast::profile::{Local, SLOTS};
use crate::peak::battery::Battery;
use crate::peak::plan::{Plan, Prices, plan};
use crate::peak::policy::{Decision, Now, Policy};

/// The billed interval, in nanoseconds.
const QUARTER_NS: i64 = 900_000_000_000;
/// Hours of the planned day.
const PLANNED: Duration = Duration::from_secs(24 * 3600);

/// Adds what the task reads and writes.
pub(super) fn describe(description: Description) -> Description {
    description
        .input(Input::one("peak").optional().unit("kW").about("peak: highest import of the billing period until now"))
        .input(
            Input::one("period_left").optional().unit("h").about("peak, storage: time until the billing period ends"),
        )
        .input(Input::one("hour").optional().unit("h").about("peak: hours since local midnight"))
        .input(Input::one("weekday").optional().about("peak: 1 Monday to 7 Sunday"))
        .output(
            Output::one("cap").optional().unit("kW").about("peak: the import that the battery keeps the site below"),
        )
        .output(Output::one("refill_to").optional().unit("kW.h").about("peak: it charges up to here below the cap"))
        .parameter(Parameter::number("energy_price", 0.0).range(0.0, 1e6).about("peak: money for each kWh"))
}

struct Columns {
    load: usize,
    charge: usize,
    peak: usize,
    period_left: usize,
    hour: usize,
    weekday: usize,
}

/// What is kept between frames and saved.
#[derive(Serialize, Deserialize)]
struct Memory {
    forecaster: Forecaster,
    policy: Policy,
    /// The quarter hour of the last row, counted from 1970.
    quarter: Option<i64>,
    period: i64,
    period_left_h: f64,
}

/// The task.
pub struct PeakTask {
    columns: Columns,
    cap: OutputBinding,
    refill_to: OutputBinding,
    battery: Battery,
    prices: Prices,
    memory: Memory,
}

impl PeakTask {
    pub(super) fn new(bindings: &Bindings, parameters: &Parameters) -> Result<Self, Fault> {
        let battery = Battery {
            capacity_kwh: parameters.number("capacity")?,
            power_kw: parameters.number("power")?,
            efficiency: parameters.number("efficiency")?,
        };
        let columns = Columns {
            load: bindings.require("load")?,
            charge: bindings.require("charge")?,
            peak: bindings.require("peak")?,
            period_left: bindings.require("period_left")?,
            hour: bindings.require("hour")?,
            weekday: bindings.require("weekday")?,
        };
        Ok(Self {
            columns,
            cap: bindings.require_output("cap")?.clone(),
            refill_to: bindings.require_output("refill_to")?.clone(),
            prices: Prices {
                demand_charge: parameters.number("demand_charge")?,
                energy: parameters.number("energy_price")?,
            },
            memory: Memory {
                forecaster: Forecaster::new(),
                policy: Policy::new(battery),
                quarter: None,
                period: 0,
                period_left_h: 0.0,
            },
            battery,
        })
    }

    pub(super) fn plan(&mut self, frame: &Frame, outputs: &[OutputState]) -> Result<EnergyPlan, Fault> {
        let Some(row) = frame.last_new() else { return Ok(nothing()) };
        let missing = |what: &str| Fault::Input(format!("no usable value of `{what}`"));
        let value = |column: usize, what: &str| row.get(column).ok_or_else(|| missing(what));
        let local = Local::at(value(self.columns.hour, "hour")?, weekday(value(self.columns.weekday, "weekday")?)?)
            .ok_or_else(|| Fault::Input("`hour` is not within a day".to_owned()))?;
        let left_h = value(self.columns.period_left, "period_left")?;
        let charge_kwh = value(self.columns.charge, "charge")?;
        let (load_kw, ended) = self.learn(&row, local, left_h);
        let now = Now {
            period: self.memory.period,
            left: (4.0 * left_h).round().max(0.0) as usize,
            load_kw: load_kw.filter(|_| !ended),
            peak_kw: row.get(self.columns.peak),
            charge_kwh,
        };
        let decision = self.memory.policy.decide(&now, self.memory.forecaster.history());
        let ahead = self.memory.forecaster.ahead();
        let day = plan(&self.battery, decision.order, &ahead, charge_kwh, now.peak_kw.unwrap_or(0.0), self.prices);
        Ok(self.told(row.time_ns, &decision, ahead, day, outputs))
    }

    /// Learns the quarter hour that has ended: its load, and whether it ended a billing period.
    fn learn(&mut self, row: &Row<'_>, local: Local, left_h: f64) -> (Option<f64>, bool) {
        let quarter = row.time_ns.div_euclid(QUARTER_NS);
        // A meter tells the quarter hour before; the first row has none.
        let passed = self.memory.quarter.is_some_and(|last| last < quarter);
        let load = row.get(self.columns.load).filter(|_| passed);
        if passed {
            self.memory.forecaster.push(quarter - 1, before(local), load);
        }
        self.memory.quarter = Some(self.memory.quarter.map_or(quarter, |last| last.max(quarter)));
        // The time that is left falls, until it begins anew.
        let ended = left_h > self.memory.period_left_h + 0.01 && passed;
        self.memory.period += i64::from(ended);
        self.memory.period_left_h = left_h;
        (load, ended)
    }

    fn told(
        &self,
        time_ns: i64,
        decision: &Decision,
        load: Vec<f64>,
        day: Plan,
        outputs: &[OutputState],
    ) -> EnergyPlan {
        let start_ns = time_ns.div_euclid(QUARTER_NS) * QUARTER_NS;
        let series = |name: &str, values: Vec<f64>| Expectation {
            name: name.to_owned(),
            unit: "kW".to_owned(),
            start_ns,
            step_ns: QUARTER_NS.unsigned_abs(),
            values,
        };
        let order = decision.order;
        let reason = format!("defends {:.0} kW; a peak of {:.0} kW is expected", decision.target_kw, decision.peak_kw);
        let valid_for = Duration::from_nanos(2 * QUARTER_NS.unsigned_abs());
        let mut answer = nothing();
        for (output, wanted) in [(&self.cap, order.cap_kw), (&self.refill_to, order.refill_to_kwh)] {
            let state = outputs.get(output.index as usize);
            // After a hand-over the value in force comes first.
            let applied = state.filter(|state| state.initialise).and_then(|state| state.applied);
            let setpoint = applied.unwrap_or(wanted).clamp(output.minimum, output.maximum);
            answer.proposals.push(Proposal::new(output.index, setpoint, valid_for, &reason));
            answer.schedule.push(Step { output: output.index, time_ns: start_ns, setpoint: wanted });
        }
        answer.expected_cost = day.cost;
        answer.horizon_ns = u64::try_from(PLANNED.as_nanos()).unwrap_or(u64::MAX);
        answer.expected = vec![series("load", load), series("import", day.imports_kw)];
        answer
    }

    /// In postcard's format: some half a megabyte after a year.
    pub(super) fn save(&self) -> Result<Vec<u8>, Fault> {
        postcard::to_allocvec(&self.memory).map_err(|error| Fault::Internal(format!("state: {error}")))
    }

    pub(super) fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        self.memory = postcard::from_bytes(state)
            .map_err(|error| Fault::Configuration(format!("state of version {version}: {error}")))?;
        Ok(())
    }
}

/// 0 Monday to 6 Sunday, from 1 to 7.
fn weekday(number: f64) -> Result<u8, Fault> {
    match number.round() {
        whole if (1.0..=7.0).contains(&whole) => Ok(whole as u8 - 1),
        _ => Err(Fault::Input("`weekday` is not 1 to 7".to_owned())),
    }
}

/// The quarter hour before.
fn before(local: Local) -> Local {
    match local.slot {
        0 => Local { slot: (SLOTS - 1) as u8, weekday: (local.weekday + 6) % 7 },
        slot => Local { slot: slot - 1, ..local },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quarter_hour_before_midnight_is_yesterdays() {
        assert_eq!(before(Local { slot: 0, weekday: 0 }), Local { slot: 95, weekday: 6 });
        assert_eq!(before(Local { slot: 40, weekday: 3 }), Local { slot: 39, weekday: 3 });
    }
}
