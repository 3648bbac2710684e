//! What charge is worth: dynamic programming backwards over scenarios, on a grid of charges and of import peaks.
//!
//! Every scenario has its own value of charge, blended in each step with the mean over all of them: with its own alone it
//! would know its future, with the mean alone it would have forgotten in which of them it is. At a peak that may be reached,
//! the best decision is a pair of levels: the charge at which another kWh is worth what it costs to import, and the one at
//! which it is worth what it saves when it is used now. Which peak may be reached is chosen in every step too.

use super::peaks::Peaks;
use super::scenarios::Scenario;
use super::site::{Battery, Costs, Orders, Spill, settle};

/// Steps of the grid of charges.
pub const LEVELS: usize = 32;

/// Expected cost from a step on at each level of charge, from empty to full.
pub type Values = [f64; LEVELS + 1];

/// The values at each of the peaks that are told apart.
pub type Table = Vec<Values>;

/// What is known of the steps ahead, one value a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ahead<'a> {
    /// Price of imported energy, in money a kWh.
    pub price: &'a [f64],
    /// What a kWh is worth that is held at the end.
    pub end_worth: f64,
    /// How much of the mean value goes into each scenario's, in [0, 1].
    pub blend: f64,
    /// The peaks of the present billing period; their costs are what each comes to when it, or what is planned, ends.
    pub peaks: &'a Peaks,
    /// Steps until the next billing period begins, and its peaks; none where that is not within what is planned.
    pub next: Option<(usize, &'a Peaks)>,
}

impl<'a> Ahead<'a> {
    /// The peaks of the billing period that a step is in.
    pub fn peaks(&self, step: usize) -> &'a Peaks {
        self.next.filter(|(begins, _)| *begins <= step).map_or(self.peaks, |(_, peaks)| peaks)
    }

    /// The step is the last of a billing period.
    pub fn closes(&self, step: usize) -> bool {
        self.next.is_some_and(|(begins, _)| step + 1 == begins)
    }
}

/// The mean values after each step, from the first step on.
pub fn values(battery: &Battery, costs: &Costs, scenarios: &[Scenario], ahead: &Ahead<'_>) -> Vec<Table> {
    let steps = ahead.price.len();
    let delta = battery.capacity / LEVELS as f64;
    let end: Values = std::array::from_fn(|level| -ahead.end_worth * level as f64 * delta);
    let mut mean = ahead.peaks(steps).add_costs(&end);
    let mut own: Vec<Table> = vec![mean.clone(); scenarios.len()];
    let mut blended = Table::new();
    let mut after = Vec::with_capacity(steps);
    for step in (0..steps).rev() {
        let peaks = ahead.peaks(step);
        if ahead.closes(step) {
            // What comes then does not depend on the peak that ends.
            own.iter_mut().chain([&mut mean]).for_each(|table| {
                *table = table.first().map_or_else(Table::new, |values| peaks.add_costs(values));
            });
        }
        after.push(mean.clone());
        let price = ahead.price.get(step).copied().unwrap_or(0.0);
        let mut next_mean = vec![[0.0; LEVELS + 1]; peaks.levels.len()];
        for (scenario, table) in scenarios.iter().zip(&mut own) {
            let blend = |(own, mean): (&Values, &Values)| -> Values {
                std::array::from_fn(|level| (1.0 - ahead.blend) * own[level] + ahead.blend * mean[level])
            };
            blended.clear();
            blended.extend(table.iter().zip(&mean).map(blend));
            let net = scenario.net.get(step).copied().unwrap_or(0.0);
            before(battery, costs, peaks, &blended, (price, net), table);
            for (sums, values) in next_mean.iter_mut().zip(table.iter()) {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += scenario.weight * value);
            }
        }
        mean = next_mean;
    }
    after.reverse();
    after
}

/// The values before a step of that price and net load, from those after it.
pub(super) fn before(
    battery: &Battery,
    costs: &Costs,
    peaks: &Peaks,
    after: &Table,
    (price, net): (f64, f64),
    table: &mut Table,
) {
    let delta = battery.capacity / LEVELS as f64;
    // From the highest: whoever has a lower peak may also rise to a higher one.
    let mut higher = [f64::INFINITY; LEVELS + 1];
    for ((values, limit), table) in after.iter().zip(&peaks.levels).zip(table.iter_mut()).rev() {
        let orders = orders(battery, costs, values, price, *limit);
        let at_limit = |level: usize| {
            let flow = settle(battery, &orders, level as f64 * delta, net);
            let kept = if flow.meter <= limit * (1.0 + 1e-9) {
                at(values, delta, flow.held)
            } else {
                peaks.at(after, flow.meter, |values| at(values, delta, flow.held))
            };
            costs.of(price, &flow) + kept
        };
        *table = std::array::from_fn(|level| at_limit(level).min(higher[level]));
        higher = *table;
    }
}

/// The best orders in a step of that price, where `after` is the value of charge at its end.
pub fn orders(battery: &Battery, costs: &Costs, after: &Values, price: f64, import_limit: f64) -> Orders {
    let delta = battery.capacity / LEVELS as f64;
    // A kWh is stored at a loss and given at a loss.
    let buy = (price + costs.wear) / battery.efficiency;
    let serve = (price - costs.wear) * battery.efficiency;
    let keep = (costs.export_price + costs.wear) / battery.efficiency;
    // A hair's breadth, so that rounding does not trade energy at no gain.
    let hair = 1e-9 * price.abs();
    let [charge_to, discharge_to, sold_to, spilt_to] =
        cheapest(after, delta, [buy + hair, serve + hair, keep + hair, costs.wear / battery.efficiency + hair]);
    // Surplus that nobody pays for is always stored where that costs nothing.
    let free = |worth: f64, level: f64| if worth > 0.0 { level.max(charge_to) } else { battery.capacity };
    let spill = costs.export_limit.map(|above| Spill { above, to: free(costs.wear, spilt_to) });
    Orders {
        charge_to,
        discharge_to: discharge_to.max(charge_to),
        surplus_to: free(keep, sold_to),
        import_limit,
        spill,
    }
}

/// The charges at which each of the worths of a kWh is best paid.
fn cheapest(after: &Values, delta: f64, worths: [f64; 4]) -> [f64; 4] {
    let mut best = [(f64::INFINITY, 0.0); 4];
    for (level, value) in after.iter().enumerate() {
        let held = level as f64 * delta;
        for (best, worth) in best.iter_mut().zip(worths) {
            let sum = value + worth * held;
            if sum < best.0 {
                *best = (sum, held);
            }
        }
    }
    best.map(|(_, held)| held)
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
