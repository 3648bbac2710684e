//! When a load that can wait should run: in the steps where another kWh is expected to cost least.

use super::decide::Decision;
use super::scenarios::Scenario;
use super::site::{Battery, Costs, settle};
use super::value::{LEVELS, worth};

/// Parts in which the energy is placed: each sees what the ones before it did to the surplus.
const PARTS: usize = 12;

/// A load whose energy is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Due {
    /// What is still to be used, in kWh.
    pub energy: f64,
    /// Steps until it has to be done, the present one included.
    pub steps: usize,
    /// What it takes in a step at most, in kWh.
    pub flow: f64,
}

/// What a plan gives to place a load in.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The battery.
    pub battery: &'a Battery,
    /// What costs.
    pub costs: &'a Costs,
    /// Price of each step.
    pub price: &'a [f64],
    /// Orders of each step, and what charge is worth after it.
    pub decision: &'a Decision,
    /// Money for each kWh that is imported above the orders' limits.
    pub excess: f64,
}

/// What the load should use in each of its steps, in kWh.
pub fn place(plan: &Plan<'_>, scenarios: &[Scenario], held: f64, due: &Due) -> Vec<f64> {
    let steps = due.steps.min(plan.price.len());
    let mut placed = vec![0.0; steps];
    // What does not fit into the steps that are planned for is left to those after them.
    let energy = due.energy.min(steps as f64 * due.flow);
    let mut left = energy;
    while left > 1e-9 * energy {
        let cost = marginal(plan, scenarios, held, &placed);
        let open = placed.iter().enumerate().filter(|(_, used)| **used < due.flow * (1.0 - 1e-9));
        // Of equal costs the later: what is learnt until then may be of use.
        let cheapest = open.map(|(step, _)| step).min_by(|a, b| cost[*a].total_cmp(&cost[*b]).then(b.cmp(a)));
        let Some(step) = cheapest else { break };
        let part = (energy / PARTS as f64).min(left).min(due.flow - placed[step]);
        placed[step] += part;
        left -= part;
    }
    placed
}

/// What another kWh of load is expected to cost in each step.
fn marginal(plan: &Plan<'_>, scenarios: &[Scenario], held: f64, placed: &[f64]) -> Vec<f64> {
    let delta = plan.battery.capacity / LEVELS as f64;
    let efficiency = plan.battery.efficiency;
    let mut cost = vec![0.0; placed.len()];
    for scenario in scenarios {
        let mut now = held;
        for (step, used) in placed.iter().enumerate() {
            let (Some(orders), Some(after)) = (plan.decision.orders.get(step), plan.decision.after.get(step)) else {
                break;
            };
            let price = plan.price.get(step).copied().unwrap_or(0.0);
            let net = scenario.net.get(step).copied().unwrap_or(0.0) + used;
            let flow = settle(plan.battery, orders, now, net);
            let kept = worth(after, delta, flow.held);
            let another = if flow.meter > 0.0 {
                let over = if flow.meter >= orders.import_limit { plan.excess } else { 0.0 };
                price + over
            } else if flow.meter < 0.0 {
                plan.costs.export_price
            } else if net > 0.0 {
                // The battery serves: a kWh more is taken out of it, or imported where that is cheaper.
                (kept / efficiency + plan.costs.wear).min(price)
            } else {
                (kept * efficiency - plan.costs.wear).max(plan.costs.export_price)
            };
            if let Some(sum) = cost.get_mut(step) {
                *sum += scenario.weight * another;
            }
            now = flow.held;
        }
    }
    cost
}
