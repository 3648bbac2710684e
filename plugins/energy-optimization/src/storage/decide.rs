//! Orders for every step that is told: at first which import may be reached, then the levels of charge that go with it.

use super::peaks::Peaks;
use super::scenarios::Scenario;
use super::site::{Battery, Costs, Orders, settle};
use super::value::{self, Ahead, LEVELS, Table, Values, at};

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Orders of each step.
    pub orders: Vec<Orders>,
    /// The mean value after each of them, at the import that may be reached.
    pub after: Vec<Values>,
    /// What the steps that are told are expected to cost, the demand charge aside.
    pub cost: f64,
}

/// Decides for every step, from the charge `held`; the cost is that of the first `told`.
pub fn decide(
    battery: &Battery,
    costs: &Costs,
    scenarios: &[Scenario],
    ahead: &Ahead<'_>,
    held: f64,
    told: usize,
) -> Decision {
    let tables = value::values(battery, costs, scenarios, ahead);
    let reached = ahead.peaks.levels.first().copied().unwrap_or(0.0);
    let mut courses: Vec<Standing> = scenarios.iter().map(|_| Standing { held, peak: reached }).collect();
    let mut decision = Decision { orders: Vec::new(), after: Vec::new(), cost: 0.0 };
    for (step, (table, price)) in tables.iter().zip(ahead.price).enumerate() {
        if step.checked_sub(1).is_some_and(|last| ahead.closes(last)) {
            let least = ahead.peaks(step).levels.first().copied().unwrap_or(0.0);
            courses.iter_mut().for_each(|course| course.peak = least);
        }
        let chance = Chance { battery, costs, peaks: ahead.peaks(step), table, price: *price, step, scenarios };
        let (orders, values) = chance.choose(&courses);
        for (scenario, course) in scenarios.iter().zip(&mut courses) {
            let net = scenario.net.get(step).copied().unwrap_or(0.0);
            let flow = settle(battery, &orders, course.held, net);
            let cost = scenario.weight * costs.of(*price, &flow);
            decision.cost += if step < told { cost } else { 0.0 };
            *course = Standing { held: flow.held, peak: course.peak.max(flow.meter) };
        }
        decision.orders.push(orders);
        decision.after.push(values);
    }
    decision
}

/// Where a scenario stands when a step begins.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Standing {
    held: f64,
    peak: f64,
}

/// A step to be decided on.
struct Chance<'a> {
    battery: &'a Battery,
    costs: &'a Costs,
    peaks: &'a Peaks,
    table: &'a Table,
    price: f64,
    step: usize,
    scenarios: &'a [Scenario],
}

impl Chance<'_> {
    /// The orders that are expected to cost least, and the value of charge after them.
    fn choose(&self, courses: &[Standing]) -> (Orders, Values) {
        let with = |(values, limit): (&Values, &f64)| {
            let orders = value::orders(self.battery, self.costs, values, self.price, *limit);
            (orders, *values)
        };
        let mut choices = self.table.iter().zip(&self.peaks.levels).map(with);
        let Some(first) = choices.next() else {
            return (Orders::self_consumption(self.battery), [0.0; LEVELS + 1]);
        };
        let mut best = first;
        if self.peaks.levels.len() > 1 {
            let mut least = self.expected(courses, &best.0);
            for choice in choices {
                let cost = self.expected(courses, &choice.0);
                if cost < least - 1e-9 * cost.abs() {
                    (least, best) = (cost, choice);
                }
            }
        }
        (self.carried(courses, best.0), best.1)
    }

    /// Surplus that can't be exported is stored above `surplus_to` too; the inverter knows only that one level.
    fn carried(&self, courses: &[Standing], orders: Orders) -> Orders {
        let plain = Orders { spill: None, ..orders };
        if orders.spill.is_none_or(|spill| spill.to <= orders.surplus_to) {
            return plain;
        }
        let reach = |(scenario, course): (&Scenario, &Standing)| {
            let net = scenario.net.get(self.step).copied().unwrap_or(0.0);
            (net < 0.0).then(|| settle(self.battery, &orders, course.held, net).held.max(orders.surplus_to))
        };
        let levels = self.scenarios.iter().zip(courses).filter_map(reach);
        let cost = |level: f64| self.expected(courses, &Orders { surplus_to: level, ..plain });
        let mut best = (cost(orders.surplus_to), orders.surplus_to);
        let mut tried = orders.surplus_to;
        for level in levels {
            if level != tried {
                tried = level;
                let now = cost(level);
                if now < best.0 {
                    best = (now, level);
                }
            }
        }
        Orders { surplus_to: best.1, ..plain }
    }

    /// What the step and those after it are expected to cost under these orders.
    fn expected(&self, courses: &[Standing], orders: &Orders) -> f64 {
        let delta = self.battery.capacity / LEVELS as f64;
        let of = |(scenario, course): (&Scenario, &Standing)| {
            let net = scenario.net.get(self.step).copied().unwrap_or(0.0);
            let flow = settle(self.battery, orders, course.held, net);
            let peak = course.peak.max(flow.meter);
            let kept = self.peaks.at(self.table, peak, |values| at(values, delta, flow.held));
            scenario.weight * (self.costs.of(self.price, &flow) + kept)
        };
        self.scenarios.iter().zip(courses).map(of).sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    const BATTERY: Battery = Battery { capacity: 8.0, flow: 4.0, efficiency: 1.0 };

    fn first(net: &[f64], costs: &Costs, peaks: &Peaks, price: &[f64], held: f64) -> (Orders, f64) {
        let scenarios = [Scenario { weight: 1.0, net: net.to_vec() }];
        let ahead = Ahead { price, end_worth: 0.0, blend: 0.2, peaks, next: None };
        let decision = decide(&BATTERY, costs, &scenarios, &ahead, held, net.len());
        (decision.orders[0], settle(&BATTERY, &decision.orders[0], held, net[0]).meter)
    }

    #[test]
    fn a_peak_is_allowed_where_keeping_below_it_costs_more() {
        // 4 kWh now and 6 later, at a price that is worth 2 a kWh later; a kW of peak costs much or little.
        let (net, price) = ([4.0, 6.0, 6.0], [0.5, 2.5, 2.5]);
        for (rate, import) in [(50.0, 1.0), (0.01, 4.0)] {
            let peaks = Peaks::from(1.0, &[2.0, 3.0, 4.0, 5.0, 6.0], rate, |peak| rate * peak);
            let (_, meter) = first(&net, &Costs::default(), &peaks, &price, 8.0);
            // Dear: the three steps' 16 kWh less the battery's 8 are spread evenly, as far as 4 kWh a step allow it.
            let expected = if rate > 1.0 { (2.0, 3.0) } else { (import, 4.0) };
            assert!(expected.0 - 1e-6 <= meter && meter <= expected.1 + 1e-6, "{rate}: {meter}");
        }
    }

    #[test]
    fn what_cannot_be_exported_is_stored_though_selling_would_pay_more() {
        // A kWh that is stored saves less than it earns, but of 5 kWh only 2 can be sold.
        let costs = Costs { export_price: 0.3, export_limit: Some(2.0), wear: 0.0 };
        let (orders, meter) = first(&[-5.0, 3.0, 3.0], &costs, &Peaks::free(), &[0.25; 3], 0.0);
        assert!((meter + 2.0).abs() < 1e-6, "{meter} {orders:?}");
        assert_eq!(orders.spill, None);
        let unlimited = Costs { export_limit: None, ..costs };
        let (_, meter) = first(&[-5.0, 3.0, 3.0], &unlimited, &Peaks::free(), &[0.25; 3], 0.0);
        assert!((meter + 5.0).abs() < 1e-6, "{meter}");
    }

    #[test]
    fn wear_is_counted_on_both_ways() {
        // 0.2 a kWh are gained between the hours; wear of 0.09 each way leaves something, 0.11 does not.
        for (wear, buys) in [(0.09, true), (0.11, false)] {
            let costs = Costs { wear, ..Costs::default() };
            let (orders, _) = first(&[0.0, 4.0], &costs, &Peaks::free(), &[0.2, 0.4], 0.0);
            assert_eq!(orders.charge_to > 0.0, buys, "{wear}: {orders:?}");
        }
    }
}
