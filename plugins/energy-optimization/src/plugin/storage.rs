//! The task `storage`: frames to observations, plans to proposals.
//!
//! With readings of the past, the step that is decided on is not observed yet. Where the input `load_next` is bound, it is
//! planned as if it had been, with the load that somebody expects of it. Until a day is known that load is all there is: it
//! is expected to stay so and the sun not to shine.

mod description;
pub(super) use description::describe;

use std::time::Duration;

use dinrail_sdk::{
    Bindings, EnergyPlan, Fault, Frame, Outlook, OutputBinding, OutputState, Parameters, Proposal, Quality, Row,
    Series, Step, log,
};
use serde::{Deserialize, Serialize};

use super::nothing;
use crate::storage::history::DAYS;
use crate::storage::planner::{Known, Memory, Plan, Planner, Settings};
use crate::storage::scenarios::Likeness;
use crate::storage::shift::Due;
use crate::storage::site::Battery;

/// Where an observation's parts stand in a row.
struct Columns {
    load: Option<usize>,
    pv: Option<usize>,
    charge: usize,
    grid: Option<usize>,
    price: Option<usize>,
    period: Option<usize>,
    due: Option<usize>,
    due_time: Option<usize>,
    period_left: Option<usize>,
    load_next: Option<usize>,
}

/// Sums over the rows of one step.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count = self.count.saturating_add(1);
        }
    }

    fn take(&mut self) -> Option<f64> {
        let mean = (self.count > 0).then(|| self.sum / f64::from(self.count));
        *self = Mean::default();
        mean
    }
}

/// What is kept between frames and saved.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Gathered {
    /// The step that is gathered, counted from 1970.
    step: Option<i64>,
    load: Mean,
    pv: Mean,
    grid: Mean,
    held: f64,
    price: Option<f64>,
    period: Option<f64>,
    due: f64,
    due_h: f64,
    period_left_h: Option<f64>,
}

/// The indexes of the bound outputs.
struct Outputs {
    charge_to: Option<u32>,
    discharge_to: Option<u32>,
    surplus_to: Option<u32>,
    import_limit: Option<(u32, f64)>,
    shiftable_power: Option<u32>,
}

/// The task.
pub struct StorageTask {
    columns: Columns,
    outputs: Outputs,
    planner: Planner,
    gathered: Gathered,
    /// The step that began last, and what the row that began it expects of its load, in kW.
    forecast: Option<(i64, Option<f64>)>,
    step_ns: i64,
    present: bool,
    export_price: f64,
    shiftable_kw: f64,
    /// Whether no price was known when it planned last.
    unpriced: bool,
    /// The plan in force and the step that it begins with.
    plan: Option<(i64, Plan)>,
}

impl StorageTask {
    pub(super) fn new(bindings: &Bindings, parameters: &Parameters) -> Result<Self, Fault> {
        let step_s = parameters.number("step")?;
        let per_day = 86_400.0 / step_s;
        if (per_day - per_day.round()).abs() > 1e-9 {
            return Err(Fault::Configuration(format!(
                "`step` = {step_s} s: a day is not a whole number of such steps"
            )));
        }
        let step_h = step_s / 3600.0;
        let export_limit = Some(parameters.number("export_limit")? * step_h).filter(|limit| *limit > 0.0);
        let battery = Battery {
            capacity: parameters.number("capacity")?,
            flow: parameters.number("power")? * step_h,
            efficiency: parameters.number("efficiency")?,
        };
        let settings = Settings {
            step_h,
            battery,
            wear: parameters.number("wear")?,
            export_limit,
            demand_charge: parameters.number("demand_charge")?,
            likeness: Likeness::default(),
        };
        let output = |name| bindings.outputs_of(name).next();
        let index = |name| output(name).map(|output: &OutputBinding| output.index);
        let outputs = Outputs {
            charge_to: Some(bindings.require_output("charge_to")?.index),
            discharge_to: Some(bindings.require_output("discharge_to")?.index),
            surplus_to: index("surplus_to"),
            import_limit: output("import_limit").map(|output| (output.index, output.maximum)),
            shiftable_power: index("shiftable_power"),
        };
        if !bindings.is_told("price") && bindings.column("price").is_none() {
            return Err(Fault::Configuration(
                "no price is bound, and without one nothing can be planned: name a context in `outlook = { price = \"…\" }`, \
                 or bind the input `price`"
                    .to_owned(),
            ));
        }
        let column = |name| bindings.column(name);
        let present = parameters.text("readings")? == "present";
        if present && column("load_next").is_some() {
            return Err(Fault::Configuration(
                "`load_next` is bound and `readings` = \"present\": the load of the step that begins is read already; leave \
                 `load_next` out, or set `readings` to \"past\""
                    .to_owned(),
            ));
        }
        let columns = Columns {
            load: Some(bindings.require("load")?),
            pv: column("pv"),
            charge: bindings.require("charge")?,
            grid: column("grid"),
            price: column("price"),
            period: column("period"),
            due: column("due"),
            due_time: column("due_time"),
            period_left: column("period_left"),
            load_next: column("load_next"),
        };
        Ok(Self {
            columns,
            outputs,
            planner: Planner::new(settings),
            gathered: Gathered::default(),
            forecast: None,
            step_ns: (step_s * 1e9).round() as i64,
            present,
            export_price: parameters.number("export_price")?,
            shiftable_kw: parameters.number("shiftable_limit")?,
            unpriced: false,
            plan: None,
        })
    }

    pub(super) fn plan(
        &mut self,
        frame: &Frame,
        _outputs: &[OutputState],
        outlook: &Outlook,
    ) -> Result<EnergyPlan, Fault> {
        for row in frame.new_rows() {
            self.take(row);
        }
        let Some(last) = frame.last_new() else { return Ok(nothing()) };
        let now = last.time_ns.div_euclid(self.step_ns);
        if self.plan.as_ref().is_none_or(|(step, _)| *step != now) {
            let plan = self.decide(now, last.time_ns, outlook);
            self.plan = Some((now, plan));
        }
        let Some((_, plan)) = &self.plan else { return Ok(nothing()) };
        Ok(self.told(now, plan))
    }

    /// Takes a row in; where it begins a step, those before it are complete.
    fn take(&mut self, row: Row<'_>) {
        let begun = row.time_ns.div_euclid(self.step_ns);
        if self.forecast.is_none_or(|(step, _)| step < begun) {
            self.forecast = Some((begun, self.columns.load_next.and_then(|column| row.get(column))));
        }
        // A reading of the time before it belongs to the step that ends with it.
        let of_ns = if self.present { row.time_ns } else { row.time_ns.saturating_sub(1) };
        let step = of_ns.div_euclid(self.step_ns);
        if let Some(before) = self.gathered.step
            && before < step
        {
            if !self.present {
                self.complete(before, step);
            } else {
                // The present step was observed when it began; what was skipped since is not known.
                let skipped = (step - before - 1).clamp(0, (DAYS * self.planner.settings().per_day()) as i64);
                (0..skipped).for_each(|_| self.planner.observe(None, None));
            }
        }
        let begins = self.gathered.step != Some(step);
        self.gathered.step = Some(self.gathered.step.map_or(step, |before| before.max(step)));
        let value = |column: Option<usize>| column.and_then(|column| row.get(column));
        let (load, pv) = (value(self.columns.load), value(self.columns.pv));
        let pv = if self.columns.pv.is_none() { Some(0.0) } else { pv };
        let step_h = self.planner.settings().step_h;
        if self.present && begins {
            self.planner.observe(load.map(|load| load * step_h), pv.map(|pv| pv * step_h));
        }
        self.gathered.load.add(load);
        self.gathered.pv.add(pv);
        self.gathered.grid.add(value(self.columns.grid));
        if self.present && begins {
            self.import_is_known();
        }
        self.gathered.held = row.get(self.columns.charge).unwrap_or(self.gathered.held);
        self.gathered.price = value(self.columns.price).or(self.gathered.price);
        self.gathered.due = value(self.columns.due).unwrap_or(0.0);
        self.gathered.due_h = value(self.columns.due_time).unwrap_or(0.0);
        self.gathered.period_left_h = value(self.columns.period_left);
        // A row at the very end of its step completes it, so that the next one is planned with it.
        if !self.present && row.time_ns == (step + 1).saturating_mul(self.step_ns) {
            self.complete(step, step + 1);
            self.gathered.step = Some(step + 1);
        }
        // What was imported until now is of the period before.
        let period = value(self.columns.period);
        if period.is_some() && self.gathered.period.is_some() && period != self.gathered.period {
            self.planner.new_period(u64::from(self.present));
        }
        self.gathered.period = period.or(self.gathered.period);
    }

    /// The steps from `from` on are over, up to `to`, of which the first was gathered.
    fn complete(&mut self, from: i64, to: i64) {
        let step_h = self.planner.settings().step_h;
        let (load, pv) = (self.gathered.load.take(), self.gathered.pv.take());
        self.import_is_known();
        self.planner.observe(load.map(|load| load * step_h), pv.map(|pv| pv * step_h));
        let most = (DAYS * self.planner.settings().per_day()) as i64;
        (1..(to - from).min(most)).for_each(|_| self.planner.observe(None, None));
    }

    fn import_is_known(&mut self) {
        let step_h = self.planner.settings().step_h;
        if let Some(grid) = self.gathered.grid.take() {
            self.planner.imported(grid * step_h);
        }
    }

    fn decide(&mut self, now: i64, now_ns: i64, outlook: &Outlook) -> Plan {
        let settings = *self.planner.settings();
        let ahead = |name: &str| {
            let series = outlook.series.iter().find(|series| series.name == name);
            series.map_or_else(Vec::new, |series| resample(series, (now, now_ns), self.step_ns, 2 * settings.per_day()))
        };
        let mut price = ahead("price");
        if price.is_empty() {
            price.extend(self.gathered.price);
        }
        let export_price = ahead("export_price").first().copied().unwrap_or(self.export_price);
        let due = (self.shiftable_kw > 0.0).then(|| Due {
            energy: self.gathered.due,
            steps: (self.gathered.due_h / settings.step_h).floor() as usize,
            flow: self.shiftable_kw * settings.step_h,
        });
        let load_next = self.forecast.filter(|(step, _)| *step == now).and_then(|(_, load)| load);
        let known = Known {
            price: &price,
            export_price,
            due,
            period_left_h: self.gathered.period_left_h,
            present: self.present,
            load_next: load_next.map(|load| load * settings.step_h),
        };
        let plan = self.planner.plan(self.gathered.held, &known);
        match (std::mem::replace(&mut self.unpriced, price.is_empty()), self.unpriced) {
            (false, true) => log::warn(unpriced(&plan)),
            (true, false) => log::info("the price is known again"),
            (true, true) | (false, false) => {}
        }
        plan
    }

    /// The plan as the host takes it.
    fn told(&self, now: i64, plan: &Plan) -> EnergyPlan {
        let settings = self.planner.settings();
        let valid_for = Duration::from_nanos(self.step_ns.unsigned_abs().saturating_mul(2));
        let reason = match plan.days {
            _ if self.unpriced => unpriced(plan),
            0 if plan.forecast_alone => "the forecast's load alone, until a day is known",
            0 => "stores surplus until a day is known",
            _ => "the levels that are expected to cost least",
        };
        // A plan from one day is a guess, one from a fortnight is as good as it gets.
        let certain = (plan.days as f32 / 14.0).clamp(0.1, 1.0);
        let confidence = if self.unpriced { 0.1 } else { certain };
        let mut answer = nothing();
        if self.unpriced {
            answer.quality = Quality::Uncertain.code();
        }
        for (ahead, orders) in plan.orders.iter().enumerate() {
            let limit = |(output, most): (u32, f64)| (output, (orders.import_limit / settings.step_h).min(most));
            let shifted = plan.shifted.get(ahead).copied().unwrap_or(0.0) / settings.step_h;
            let wishes = [
                self.outputs.charge_to.map(|output| (output, orders.charge_to)),
                self.outputs.discharge_to.map(|output| (output, orders.discharge_to)),
                self.outputs.surplus_to.map(|output| (output, orders.surplus_to)),
                self.outputs.import_limit.map(limit),
                self.outputs.shiftable_power.map(|output| (output, shifted)),
            ];
            let time_ns = now.saturating_add(ahead as i64).saturating_mul(self.step_ns);
            for (output, setpoint) in wishes.into_iter().flatten() {
                if ahead == 0 {
                    answer.proposals.push(Proposal::new(output, setpoint, valid_for, reason).confidence(confidence));
                }
                answer.schedule.push(Step { output, time_ns, setpoint });
            }
        }
        answer.expected_cost = plan.expected_cost;
        answer.horizon_ns = self.step_ns.unsigned_abs().saturating_mul(plan.orders.len() as u64);
        answer
    }

    /// In postcard's format: 16 bytes a step of the last 30 days.
    pub(super) fn save(&self) -> Result<Vec<u8>, Fault> {
        postcard::to_allocvec(&(self.planner.memory(), &self.gathered))
            .map_err(|error| Fault::Internal(format!("state: {error}")))
    }

    pub(super) fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        if state.is_empty() {
            return Ok(());
        }
        let (memory, gathered): (Memory, Gathered) = postcard::from_bytes(state)
            .map_err(|error| Fault::Configuration(format!("state of version {version}: {error}")))?;
        if !self.planner.restore(memory) {
            return Err(Fault::Configuration("state: of another length of step".to_owned()));
        }
        self.gathered = gathered;
        Ok(())
    }
}

/// What is done without a price.
fn unpriced(plan: &Plan) -> &'static str {
    match plan.days {
        0 if !plan.forecast_alone => "no price is known: stores surplus and buys nothing to store",
        _ => "no price is known: the levels for the prices of the last known day",
    }
}

/// A series' values from the step `now` on, at most `most`, to the first that is not known. The present step's is the one
/// of this moment: the series' own step may have begun within it.
fn resample(series: &Series, (now, now_ns): (i64, i64), step_ns: i64, most: usize) -> Vec<f64> {
    let own = i64::try_from(series.step_ns).unwrap_or(i64::MAX).max(1);
    let value = |ahead: usize| {
        let begin_ns = now.saturating_add(ahead as i64).saturating_mul(step_ns);
        let time_ns = if ahead == 0 { begin_ns.max(now_ns) } else { begin_ns };
        let index = usize::try_from(time_ns.saturating_sub(series.start_ns).div_euclid(own)).ok()?;
        series.values.get(index).copied().filter(|value| value.is_finite())
    };
    (0..most).map_while(value).collect()
}

#[cfg(test)]
mod tests;
