//! What the rest of a billing period is expected to cost for the peak that has been reached.
//!
//! The remembered days are served again under each of a grid of import limits, by nothing but what charge is usually worth at
//! that hour: with hindsight every peak could be shaved, which nobody can who does not know when it comes. What a day costs so
//! and the peak it comes to is then drawn on: a period's remaining days are taken to be like remembered ones in any order, and
//! each is given the limit that is expected to be cheapest. That is dynamic programming over the peak, backwards from the
//! period's end, where the demand charge is due.

use serde::{Deserialize, Serialize};

use super::history::History;
use super::peak::lowest_limit;
use super::peaks::Peaks;
use super::site::{Battery, Costs, settle};
use super::value::{LEVELS, Table, Values, before, orders};

/// Limits that are told apart.
const LIMITS: usize = 14;
/// The lowest of them, as a share of the one that all remembered days could have been served with.
const LOWEST: f64 = 0.7;
/// Shares of the demand charge that each step above a limit is taken to cost when the charge's worth is reckoned: the more,
/// the more is kept for peaks that may come.
const EFFORTS: [f64; 3] = [0.0, 0.1, 0.3];
/// Days of the longest billing period.
const DAYS: usize = 31;

/// What is expected of a billing period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Demand {
    /// The limits, rising, in kWh a step.
    limits: Vec<f64>,
    /// Money for each kWh a step.
    rate: f64,
    /// What the rest of a period costs for each peak reached, by the days that are left, from none on.
    to_go: Vec<Vec<f64>>,
}

/// A remembered day under a limit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Day {
    cost: f64,
    peak: f64,
}

impl Demand {
    /// From what is remembered. `price` is that of each step of a day, from the one after the newest remembered one on, and
    /// `rate` the money for each kWh a step of a period's peak. None before a whole day is known, and where nothing is
    /// imported.
    pub fn expect(history: &History, battery: &Battery, costs: &Costs, price: &[f64], rate: f64) -> Option<Self> {
        let lowest = lowest_limit(history, battery)?;
        let highest = history.iter().map(|step| step.net()).fold(0.0, f64::max).max(1.001 * lowest);
        if lowest <= 0.0 || price.is_empty() {
            return None;
        }
        let (from, factor) = (LOWEST * lowest, (highest / (LOWEST * lowest)).powf(1.0 / (LIMITS - 1) as f64));
        let limits: Vec<f64> = (0..LIMITS).map(|index| from * factor.powi(index as i32)).collect();
        let past = Past { history, battery, costs, price };
        let under = |(at, limit): (usize, &f64)| EFFORTS.map(|effort| (at, past.serve(*limit, effort * rate)));
        let served: Vec<(usize, Vec<Day>)> = limits.iter().enumerate().flat_map(under).collect();
        let peaks = Peaks { costs: limits.iter().map(|limit| rate * limit).collect(), levels: limits, rate };
        let mut to_go = vec![peaks.costs.clone()];
        for _ in 0..DAYS {
            let later = to_go.last().map_or(&[][..], Vec::as_slice);
            let expected = |days: &[Day], reached: f64| {
                let sum: f64 = days.iter().map(|day| day.cost + peaks.between(later, day.peak.max(reached))).sum();
                sum / days.len().max(1) as f64
            };
            let best = |(at, reached): (usize, &f64)| {
                let open = served.iter().filter(|(limit, _)| at <= *limit);
                open.map(|(_, days)| expected(days, *reached)).fold(f64::INFINITY, f64::min)
            };
            let before = peaks.levels.iter().enumerate().map(best).collect();
            to_go.push(before);
        }
        Some(Self { limits: peaks.levels, rate, to_go })
    }

    /// The limits that are told apart, rising, in kWh a step.
    pub fn limits(&self) -> &[f64] {
        &self.limits
    }

    /// What the rest of a period costs that has so many days left, for the peak that has been reached.
    pub fn to_go(&self, reached: f64, days: f64) -> f64 {
        let days = days.clamp(0.0, DAYS as f64);
        let levels = Peaks { levels: self.limits.clone(), costs: Vec::new(), rate: self.rate };
        let of = |days: usize| self.to_go.get(days).map_or(0.0, |costs| levels.between(costs, reached));
        let whole = days.floor();
        let share = days - whole;
        // A period without days left is charged for what was reached, also below the lowest limit.
        let lower = if whole == 0.0 { self.rate * reached } else { of(whole as usize) };
        if share > 0.0 { (1.0 - share) * lower + share * of(whole as usize + 1) } else { lower }
    }
}

/// The remembered days, and what they cost now.
struct Past<'a> {
    history: &'a History,
    battery: &'a Battery,
    costs: &'a Costs,
    price: &'a [f64],
}

impl Past<'_> {
    fn price(&self, slot: usize) -> f64 {
        self.price.get(slot).or(self.price.last()).copied().unwrap_or(0.0)
    }

    /// The days served under a limit by what charge is usually worth, where a kWh above the limit costs `excess`.
    fn serve(&self, limit: f64, excess: f64) -> Vec<Day> {
        let worths = self.worths(&Peaks { levels: vec![limit], costs: vec![0.0], rate: excess });
        let per_day = self.history.per_day();
        let whole = self.history.len() / per_day * per_day;
        let first = self.history.len() - whole;
        let mut held = 0.0;
        let mut days = Vec::new();
        // Twice: the second time from the charge that the days end with.
        for _ in 0..2 {
            days = vec![Day::default(); whole / per_day];
            for at in 0..whole {
                let (Some(step), Some(values)) = (self.history.get(first + at), worths.get(at % per_day)) else {
                    continue;
                };
                let price = self.price(at % per_day);
                let flow =
                    settle(self.battery, &orders(self.battery, self.costs, values, price, limit), held, step.net());
                held = flow.held;
                if let Some(day) = days.get_mut(at / per_day) {
                    day.cost += self.costs.of(price, &flow);
                    day.peak = day.peak.max(flow.meter);
                }
            }
        }
        days
    }

    /// What charge is worth after each step of a day, where a step may be like it was on any remembered day and says nothing
    /// of the next.
    fn worths(&self, peaks: &Peaks) -> Vec<Values> {
        let per_day = self.history.per_day();
        let days = self.history.len() / per_day;
        let (first, share) = (self.history.len() - days * per_day, 1.0 / days.max(1) as f64);
        let mut values: Table = vec![[0.0; LEVELS + 1]];
        let mut one = values.clone();
        let mut after = vec![[0.0; LEVELS + 1]; per_day];
        // What the end is worth is forgotten within days.
        for _ in 0..3 {
            for slot in (0..per_day).rev() {
                after[slot] = values[0];
                let mut sums = [0.0; LEVELS + 1];
                for day in 0..days {
                    let Some(step) = self.history.get(first + day * per_day + slot) else { continue };
                    before(self.battery, self.costs, peaks, &values, (self.price(slot), step.net()), &mut one);
                    sums.iter_mut().zip(&one[0]).for_each(|(sum, value)| *sum += share * value);
                }
                values[0] = sums;
            }
        }
        after
    }
}

#[cfg(test)]
mod tests;
