//! All of it, one call a step: what was measured goes in, orders and what they are expected to cost come out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::decide::{Decision, decide};
use super::demand::Demand;
use super::history::History;
use super::peaks::Peaks;
use super::scenarios::{Likeness, Scenario, scenarios};
use super::shift::{self, Due};
use super::site::{Battery, Costs, Orders};
use super::value::Ahead;

/// Hours that are planned; those beyond a day are there so that the day's end has its worth.
const HORIZON_H: f64 = 36.0;
/// Hours of the schedule that is told.
const TOLD_H: f64 = 24.0;
/// How much of the mean value goes into each scenario's.
const BLEND: f64 = 0.2;
/// Share of a demand charge that a kWh of a load that can wait is charged with above the import that may be reached: the
/// first of several steps of excess pays for all of them.
const EXCESS_SHARE: f64 = 0.25;
/// Hours of a billing period whose length nobody knows yet: a mean month.
const PERIOD_H: f64 = 730.0;

/// What the planner is told once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Length of a step, in hours.
    pub step_h: f64,
    /// The battery.
    pub battery: Battery,
    /// Money for each kWh through the battery's terminals.
    pub wear: f64,
    /// The highest export, in kWh a step.
    pub export_limit: Option<f64>,
    /// Money for each kW of the highest import within a billing period.
    pub demand_charge: f64,
    /// How earlier days are weighed.
    pub likeness: Likeness,
}

impl Settings {
    /// Steps of a day.
    pub fn per_day(&self) -> usize {
        (24.0 / self.step_h).round().max(1.0) as usize
    }
}

/// What is known ahead, from the step that is planned first.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Known<'a> {
    /// Prices of imported energy, in money a kWh, as far as they are known.
    pub price: &'a [f64],
    /// What an exported kWh earns.
    pub export_price: f64,
    /// A load that can wait.
    pub due: Option<Due>,
    /// Hours until the billing period ends; none: it will be as long as the one before.
    pub period_left_h: Option<f64>,
    /// Whether the newest observation is of the step that is planned first.
    pub present: bool,
    /// What the site will use in the step that is planned first, in kWh, where a forecast says so and it is not observed.
    pub load_next: Option<f64>,
}

impl Known<'_> {
    fn forecast(&self) -> Option<f64> {
        self.load_next.filter(|load| !self.present && load.is_finite() && *load >= 0.0)
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Orders for each step of the next day; the first are for now.
    pub orders: Vec<Orders>,
    /// What the load that can wait should use in each of its steps, in kWh.
    pub shifted: Vec<f64>,
    /// What the schedule's steps are expected to cost, the demand charge aside.
    pub expected_cost: f64,
    /// Days that it was planned from; 0: none yet, the inverter only stores surplus.
    pub days: usize,
    /// No day is known yet, and it was planned for the forecast's load alone.
    pub forecast_alone: bool,
}

/// What is kept from step to step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    history: History,
    /// Prices of the last day, for those that are not known ahead.
    prices: Vec<f64>,
    /// The highest import of the present billing period, in kWh a step.
    peak: f64,
    /// Steps of the present billing period until now, and whether its beginning was seen.
    elapsed: u64,
    begun: bool,
    /// Steps of the last whole billing period.
    period: Option<u64>,
    /// What is expected of a billing period, and the steps until it is thought over.
    demand: Option<Demand>,
    stands: usize,
}

/// The planner.
#[derive(Debug, Clone, PartialEq)]
pub struct Planner {
    settings: Settings,
    memory: Memory,
}

impl Planner {
    /// Before the first observation.
    pub fn new(settings: Settings) -> Self {
        let history = History::new(settings.per_day());
        Self {
            settings,
            memory: Memory {
                history,
                prices: Vec::new(),
                peak: 0.0,
                elapsed: 0,
                begun: false,
                period: None,
                demand: None,
                stands: 0,
            },
        }
    }

    /// What it was told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it remembers, to be saved.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Takes over what was saved. False, and nothing taken, where it is of another step length.
    pub fn restore(&mut self, memory: Memory) -> bool {
        let fits = memory.history.per_day() == self.settings.per_day();
        if fits {
            self.memory = memory;
        }
        fits
    }

    /// Takes in what the site used and generated in a step, in kWh; none where it is not known.
    pub fn observe(&mut self, load: Option<f64>, pv: Option<f64>) {
        self.memory.history.push(load, pv);
        self.memory.elapsed = self.memory.elapsed.saturating_add(1);
        self.memory.stands = self.memory.stands.saturating_sub(1);
    }

    /// Takes in what was imported in a step, in kWh, for the billing period's highest.
    pub fn imported(&mut self, energy: f64) {
        if energy.is_finite() {
            self.memory.peak = self.memory.peak.max(energy);
        }
    }

    /// A billing period begins; `observed` of its steps have been taken in already.
    pub fn new_period(&mut self, observed: u64) {
        let memory = &mut self.memory;
        memory.peak = 0.0;
        if memory.begun {
            memory.period = Some(memory.elapsed.saturating_sub(observed)).filter(|steps| *steps > 0);
        }
        (memory.begun, memory.elapsed) = (true, observed);
    }

    /// Plans from the charge `held`, in kWh.
    pub fn plan(&mut self, held: f64, known: &Known<'_>) -> Plan {
        let battery = self.settings.battery;
        let steps = |hours: f64| (hours / self.settings.step_h).round().max(1.0) as usize;
        let (horizon, told) = (steps(HORIZON_H), steps(TOLD_H));
        let held = if held.is_finite() { held.clamp(0.0, battery.capacity) } else { 0.0 };
        let price = self.prices(known.price, horizon);
        let (scenarios, days) = self.expected(known, horizon);
        let (true, Some(price)) = (!scenarios.is_empty(), price) else { return self.without_plan(known, told) };
        let costs = self.costs(known);
        let (peaks, next) = self.peaks(&costs, &price, known);
        let lowest = price.iter().copied().fold(f64::INFINITY, f64::min);
        let end_worth = (lowest - costs.wear).max(0.0) * battery.efficiency;
        let next = next.as_ref().map(|(begins, peaks)| (*begins, peaks));
        let ahead = Ahead { price: &price, end_worth, blend: BLEND, peaks: &peaks, next };
        let decision = decide(&battery, &costs, &scenarios, &ahead, held, told);
        let Some(due) = known.due.filter(|due| due.energy > 0.0 && due.steps > 0) else {
            return Plan::of(decision, Vec::new(), days, told);
        };
        let excess = EXCESS_SHARE * self.settings.demand_charge / self.settings.step_h;
        let plan = shift::Plan { battery: &battery, costs: &costs, price: &price, decision: &decision, excess };
        let shifted = shift::place(&plan, &scenarios, held, &due);
        // The levels are chosen again for the load as it was placed.
        let scenarios = with_load(scenarios, &shifted);
        let decision = decide(&battery, &costs, &scenarios, &ahead, held, told);
        Plan::of(decision, shifted, days, told)
    }

    /// What the coming steps may be like, and the days that this is known from. A forecast counts as if the present step had
    /// been observed, and is not remembered: what was used is known when the step is over.
    fn expected(&self, known: &Known<'_>, horizon: usize) -> (Vec<Scenario>, usize) {
        let forecast = known.forecast();
        let mut history = Cow::Borrowed(&self.memory.history);
        if let Some(load) = forecast {
            history.to_mut().push(Some(load), None);
        }
        let is_known = (known.present || forecast.is_some()) && !history.is_empty();
        let from = history.len() - usize::from(is_known);
        let scenarios = scenarios(&history, from, horizon, &self.settings.likeness);
        match forecast {
            Some(load) if scenarios.is_empty() => (vec![Scenario::steady(load, horizon)], 0),
            _ => {
                let days = scenarios.len();
                (scenarios, days)
            }
        }
    }

    fn costs(&self, known: &Known<'_>) -> Costs {
        let Settings { wear, export_limit, .. } = self.settings;
        Costs { wear, export_price: known.export_price, export_limit }
    }

    /// The peaks of the present billing period, and of the next where that begins within what is planned.
    fn peaks(&mut self, costs: &Costs, price: &[f64], known: &Known<'_>) -> (Peaks, Option<(usize, Peaks)>) {
        let Settings { step_h, battery, demand_charge, .. } = self.settings;
        let rate = demand_charge / step_h;
        if rate <= 0.0 {
            return (Peaks::free(), None);
        }
        if self.memory.stands == 0 || self.memory.demand.is_none() {
            self.memory.demand = Demand::expect(&self.memory.history, &battery, costs, price, rate);
            self.memory.stands = self.settings.per_day();
        }
        let length = self.memory.period.map_or(PERIOD_H / step_h, |steps| steps as f64);
        let elapsed = self.memory.elapsed.saturating_sub(u64::from(known.present)) as f64;
        let left = known.period_left_h.map_or(length - elapsed, |hours| hours / step_h).round().max(1.0);
        let per_day = self.settings.per_day() as f64;
        let steps = price.len() as f64;
        // Before a day is known, an import of the load that is expected is the one that is told apart from none.
        let forecast = known.forecast();
        let grid = self.memory.demand.as_ref().map_or(forecast.as_slice(), Demand::limits);
        let reached = self.memory.peak;
        let to_go = |peak: f64, left: f64| match &self.memory.demand {
            Some(demand) => demand.to_go(peak, left / per_day),
            None => rate * peak,
        };
        if left >= steps {
            return (Peaks::from(reached, grid, rate, |peak| to_go(peak, left - steps)), None);
        }
        let now = Peaks::from(reached, grid, rate, |peak| rate * peak);
        let next = Peaks::from(0.0, grid, rate, |peak| to_go(peak, (length - steps + left).max(0.0)));
        (now, Some((left as usize, next)))
    }

    /// Before a day is known and without a forecast, or without a price: surplus is stored and used, nothing is bought, and what is due
    /// runs at once.
    fn without_plan(&self, known: &Known<'_>, told: usize) -> Plan {
        let orders = Orders::self_consumption(&self.settings.battery);
        let shifted = known.due.map_or_else(Vec::new, |due| vec![due.energy.clamp(0.0, due.flow)]);
        Plan { orders: vec![orders; told], shifted, expected_cost: 0.0, days: 0, forecast_alone: false }
    }

    /// Prices over the horizon: beyond those that are known ahead, a day earlier. None where not even one is known.
    fn prices(&mut self, known: &[f64], horizon: usize) -> Option<Vec<f64>> {
        let per_day = self.settings.per_day();
        let past = &mut self.memory.prices;
        let now = past.len();
        let mut all: Vec<f64> = past.iter().copied().chain(known.iter().copied().filter(|p| p.is_finite())).collect();
        let last = *all.last()?;
        while all.len() < now + horizon {
            let earlier = all.len().checked_sub(per_day).and_then(|index| all.get(index)).copied();
            all.push(earlier.unwrap_or(last));
        }
        // Also where the present one is that of a day earlier: the hours stay in their places.
        past.push(all[now]);
        past.drain(..past.len().saturating_sub(per_day));
        Some(all.drain(now..now + horizon).collect())
    }
}

impl Plan {
    fn of(decision: Decision, shifted: Vec<f64>, days: usize, told: usize) -> Self {
        let orders = decision.orders.into_iter().take(told).collect();
        Plan { orders, shifted, expected_cost: decision.cost, days, forecast_alone: days == 0 }
    }
}

fn with_load(mut scenarios: Vec<Scenario>, shifted: &[f64]) -> Vec<Scenario> {
    for scenario in &mut scenarios {
        scenario.net.iter_mut().zip(shifted).for_each(|(net, used)| *net += used);
    }
    scenarios
}
