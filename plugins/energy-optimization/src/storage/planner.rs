//! All of it, one call a step: what was measured goes in, orders and what they are expected to cost come out.

use serde::{Deserialize, Serialize};

use super::history::History;
use super::peak::lowest_limit;
use super::scenarios::{Likeness, Scenario, scenarios};
use super::shift::{self, Due};
use super::site::{Battery, Costs, Orders, settle};
use super::value::{self, Ahead};

/// Hours that are planned; those beyond a day are there so that the day's end has its worth.
const HORIZON_H: f64 = 36.0;
/// Hours of the schedule that is told.
const TOLD_H: f64 = 24.0;
/// How much of the mean value goes into each scenario's.
const BLEND: f64 = 0.2;
/// Share of a demand charge that a kWh above the limit is charged with in the plan: the first of several steps of
/// excess
/// pays for all of them.
const EXCESS_SHARE: f64 = 0.25;
/// Share of the limit that hindsight could have kept to which is aimed at: what is bought to be stored fills a limit
/// up,
/// needed or not, and one that proves too low rises to what was exceeded.
const LIMIT_SHARE: f64 = 0.8;

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
    /// Whether the newest observation is of the step that is planned first.
    pub present: bool,
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
}

/// What is kept from step to step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    history: History,
    /// Prices of the last day, for those that are not known ahead.
    prices: Vec<f64>,
    /// The highest import of the present billing period, in kWh a step.
    peak: f64,
    /// Steps observed.
    steps: u64,
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
        Self { settings, memory: Memory { history, prices: Vec::new(), peak: 0.0, steps: 0 } }
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
        self.memory.steps = self.memory.steps.saturating_add(1);
    }

    /// Takes in what was imported in a step, in kWh, for the billing period's highest.
    pub fn imported(&mut self, energy: f64) {
        if energy.is_finite() {
            self.memory.peak = self.memory.peak.max(energy);
        }
    }

    /// A billing period begins.
    pub fn new_period(&mut self) {
        self.memory.peak = 0.0;
    }

    /// Plans from the charge `held`, in kWh.
    pub fn plan(&mut self, held: f64, known: &Known<'_>) -> Plan {
        let battery = self.settings.battery;
        let steps = |hours: f64| (hours / self.settings.step_h).round().max(1.0) as usize;
        let (horizon, told) = (steps(HORIZON_H), steps(TOLD_H));
        let held = if held.is_finite() { held.clamp(0.0, battery.capacity) } else { 0.0 };
        let price = self.prices(known.price, horizon);
        let history = &self.memory.history;
        let from = history.len() - usize::from(known.present && !history.is_empty());
        let scenarios = scenarios(history, from, horizon, &self.settings.likeness);
        let (true, Some(price)) = (!scenarios.is_empty(), price) else { return self.without_plan(known, told) };
        let import_limit = self.import_limit();
        let costs = Costs {
            wear: self.settings.wear,
            export_price: known.export_price,
            excess: EXCESS_SHARE * self.settings.demand_charge / self.settings.step_h,
            export_limit: self.settings.export_limit,
        };
        let lowest = price.iter().copied().fold(f64::INFINITY, f64::min);
        let end_worth = (lowest - costs.wear).max(0.0) * battery.efficiency;
        let ahead = Ahead { price: &price, import_limit, end_worth, blend: BLEND };
        let (orders, after) = decide(&battery, &costs, &scenarios, &ahead);
        let Some(due) = known.due.filter(|due| due.energy > 0.0 && due.steps > 0) else {
            let expected_cost = expected(&battery, &costs, &scenarios, &price, &orders, held, told);
            return self.told(orders, Vec::new(), expected_cost, scenarios.len(), told);
        };
        let plan = shift::Plan { battery: &battery, costs: &costs, price: &price, orders: &orders, after: &after };
        let shifted = shift::place(&plan, &scenarios, held, &due);
        // The levels are chosen again for the load as it was placed.
        let scenarios = with_load(scenarios, &shifted);
        let (orders, _) = decide(&battery, &costs, &scenarios, &ahead);
        let expected_cost = expected(&battery, &costs, &scenarios, &price, &orders, held, told);
        self.told(orders, shifted, expected_cost, scenarios.len(), told)
    }

    fn told(&self, mut orders: Vec<Orders>, shifted: Vec<f64>, expected_cost: f64, days: usize, told: usize) -> Plan {
        orders.truncate(told);
        Plan { orders, shifted, expected_cost, days }
    }

    /// Before a day is known, or without a price: surplus is stored and used, nothing is bought, and what is due
    /// runs at once.
    fn without_plan(&self, known: &Known<'_>, told: usize) -> Plan {
        let orders = Orders::self_consumption(&self.settings.battery);
        let shifted = known.due.map_or_else(Vec::new, |due| vec![due.energy.clamp(0.0, due.flow)]);
        Plan { orders: vec![orders; told], shifted, expected_cost: 0.0, days: 0 }
    }

    /// Prices over the horizon: beyond those that are known ahead, a day earlier. None where not even one is known.
    fn prices(&mut self, known: &[f64], horizon: usize) -> Option<Vec<f64>> {
        let per_day = self.settings.per_day();
        let past = std::mem::take(&mut self.memory.prices);
        let mut all: Vec<f64> = past.iter().copied().chain(known.iter().copied().filter(|p| p.is_finite())).collect();
        let now = past.len();
        if let Some(price) = all.get(now) {
            self.memory.prices = past;
            self.memory.prices.push(*price);
            let beyond = self.memory.prices.len().saturating_sub(per_day);
            self.memory.prices.drain(..beyond);
        } else {
            self.memory.prices = past;
        }
        let last = *all.last()?;
        while all.len() < now + horizon {
            let earlier = all.len().checked_sub(per_day).and_then(|index| all.get(index)).copied();
            all.push(earlier.unwrap_or(last));
        }
        Some(all.drain(now..now + horizon).collect())
    }

    /// The import to be kept to, in kWh a step: what could have been kept to, or what has been exceeded already.
    pub fn import_limit(&self) -> f64 {
        if self.settings.demand_charge <= 0.0 {
            return f64::INFINITY;
        }
        let lowest = lowest_limit(&self.memory.history, &self.settings.battery);
        lowest.map_or(f64::INFINITY, |lowest| (LIMIT_SHARE * lowest).max(self.memory.peak))
    }
}

fn decide(
    battery: &Battery,
    costs: &Costs,
    scenarios: &[Scenario],
    ahead: &Ahead<'_>,
) -> (Vec<Orders>, Vec<value::Values>) {
    let after = value::values(battery, costs, scenarios, ahead);
    let orders = after
        .iter()
        .zip(ahead.price)
        .map(|(values, price)| value::orders(battery, costs, values, *price, ahead.import_limit))
        .collect();
    (orders, after)
}

fn with_load(mut scenarios: Vec<Scenario>, shifted: &[f64]) -> Vec<Scenario> {
    for scenario in &mut scenarios {
        scenario.net.iter_mut().zip(shifted).for_each(|(net, used)| *net += used);
    }
    scenarios
}

/// What the orders are expected to cost over the first `told` steps.
fn expected(
    battery: &Battery,
    costs: &Costs,
    scenarios: &[Scenario],
    price: &[f64],
    orders: &[Orders],
    held: f64,
    told: usize,
) -> f64 {
    let billed = Costs { excess: 0.0, ..*costs };
    let course = |scenario: &Scenario| {
        let mut now = held;
        let steps = scenario.net.iter().zip(price).zip(orders).take(told);
        let cost = steps.map(|((net, price), orders)| {
            let flow = settle(battery, orders, now, *net);
            now = flow.held;
            billed.of(*price, &flow, orders.import_limit)
        });
        scenario.weight * cost.sum::<f64>()
    };
    scenarios.iter().map(course).sum()
}
