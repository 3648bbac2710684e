//! What charge is worth: dynamic programming backwards over scenarios, on a grid of charges.
//!
//! Every scenario has its own value of charge, blended in each step with the mean over all of them: with its own
//! alone it
//! would know its future, with the mean alone it would have forgotten in which of them it is. Values are convex, so
//! that
//! the best decision is a pair of levels: the highest at which another kWh is worth what it costs to import, and the
//! highest at which it is worth more than what it saves when it is used now.

use super::scenarios::Scenario;
use super::site::{Battery, Costs, Orders, settle};

/// Steps of the grid of charges.
pub const LEVELS: usize = 64;

/// Expected cost from a step on at each level of charge, from empty to full.
pub type Values = [f64; LEVELS + 1];

/// What is known of the steps ahead, one value a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ahead<'a> {
    /// Price of imported energy, in money a kWh.
    pub price: &'a [f64],
    /// Import to be kept to, in kWh a step.
    pub import_limit: f64,
    /// What a kWh is worth that is held at the end.
    pub end_worth: f64,
    /// How much of the mean value goes into each scenario's, in [0, 1].
    pub blend: f64,
}

/// The mean value after each step, from the first step on.
pub fn values(battery: &Battery, costs: &Costs, scenarios: &[Scenario], ahead: &Ahead<'_>) -> Vec<Values> {
    let steps = ahead.price.len();
    let delta = battery.capacity / LEVELS as f64;
    let end: Values = std::array::from_fn(|level| -ahead.end_worth * level as f64 * delta);
    let mut own: Vec<Values> = vec![end; scenarios.len()];
    let mut mean = end;
    let mut after = vec![end; steps];
    for step in (0..steps).rev() {
        if let Some(values) = after.get_mut(step) {
            *values = mean;
        }
        let price = ahead.price.get(step).copied().unwrap_or(0.0);
        let mut next_mean = [0.0; LEVELS + 1];
        for (scenario, values) in scenarios.iter().zip(&mut own) {
            let blended: Values =
                std::array::from_fn(|level| (1.0 - ahead.blend) * values[level] + ahead.blend * mean[level]);
            let orders = orders(battery, costs, &blended, price, ahead.import_limit);
            let net = scenario.net.get(step).copied().unwrap_or(0.0);
            *values = std::array::from_fn(|level| {
                let flow = settle(battery, &orders, level as f64 * delta, net);
                costs.of(price, &flow, ahead.import_limit) + at(&blended, delta, flow.held)
            });
            for (sum, value) in next_mean.iter_mut().zip(values.iter()) {
                *sum += scenario.weight * value;
            }
        }
        mean = next_mean;
    }
    after
}

/// The best orders in a step of that price, where `after` is the value of charge at its end.
pub fn orders(battery: &Battery, costs: &Costs, after: &Values, price: f64, import_limit: f64) -> Orders {
    let delta = battery.capacity / LEVELS as f64;
    // A kWh is stored at a loss and given at a loss.
    let buy = (price + costs.wear) / battery.efficiency;
    let keep = (costs.export_price + costs.wear) / battery.efficiency;
    let serve = (price - costs.wear) * battery.efficiency;
    // A hair's breadth, so that rounding does not trade energy at no gain.
    let hair = 1e-9 * price.abs();
    let level = |worth: f64| {
        let above = after.windows(2).take_while(|pair| pair[0] - pair[1] > (worth + hair) * delta).count();
        above as f64 * delta
    };
    let charge_to = level(buy);
    let discharge_to = level(serve).max(charge_to);
    // Surplus that nobody pays for is always stored where that costs nothing.
    let surplus_to = if keep > 0.0 { level(keep).max(charge_to) } else { battery.capacity };
    Orders { charge_to, discharge_to, surplus_to, import_limit }
}

/// The value at a charge, between the grid's points.
#[inline]
pub fn at(values: &Values, delta: f64, held: f64) -> f64 {
    if delta <= 0.0 {
        return values[0];
    }
    let place = (held / delta).clamp(0.0, LEVELS as f64);
    let level = (place as usize).min(LEVELS - 1);
    let share = place - level as f64;
    values[level] + share * (values[level + 1] - values[level])
}

/// What another kWh of charge is worth at that charge.
pub fn worth(values: &Values, delta: f64, held: f64) -> f64 {
    if delta <= 0.0 {
        return 0.0;
    }
    let level = ((held / delta).max(0.0) as usize).min(LEVELS - 1);
    (values[level] - values[level + 1]) / delta
}
