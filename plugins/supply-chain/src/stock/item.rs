//! One item from period to period: what was seen of it, its position, its order.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

use super::law::Law;
use super::learn::{Learner, Seen};
use super::policy::{Policy, Terms};
use super::rolling::Period;

/// A policy is made anew for each of the first observations, and then when their number has grown by this part of itself.
const REFIT_EACH: f64 = 48.0;
const REFIT_SHARE: f64 = 1.0 / 24.0;
/// A change of the mean that is told, as a share, that is not worth a new policy.
const REFIT_MEAN: f64 = 2e-3;
/// Orders on their way that are remembered; more periods of lead time than anybody waits.
const MAX_ON_WAY: usize = 1_024;

/// What is known of demand before anything is seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Demand {
    /// Its law, for good.
    Known(Law),
    /// Nothing but, perhaps, a guess of a period's mean that counts as one observation.
    Learnt {
        /// A period's mean.
        guess: Option<f64>,
    },
    /// What a forecast says of the periods ahead; while it says nothing, as learnt.
    Forecast,
}

/// What a period's end shows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Observation {
    /// What was demanded or, where demand is lost, sold; none where nobody knows.
    pub demand: Option<f64>,
    /// On hand, less what is owed to customers.
    pub stock: Option<f64>,
    /// What a period's demand will be on average, where somebody knows.
    pub mean: Option<f64>,
    /// What is expected to come in during a period without being ordered; none: nothing.
    pub incoming: Option<f64>,
    /// On order; none where only the orders themselves are known.
    pub on_order: Option<f64>,
    /// All that was ever ordered by this plugin, as the host counts it; it may begin anew.
    pub ordered: f64,
}

/// What is remembered and saved.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Memory {
    learner: Learner,
    /// Periods seen.
    period: u64,
    /// The mean that was last told.
    mean: Option<f64>,
    /// As the host counted at the last period's end.
    ordered: Option<f64>,
    /// On their way: the period at whose end each was placed, and its quantity.
    on_way: VecDeque<(u64, f64)>,
}

/// An order that should be placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// In the item's unit, above 0.
    pub quantity: f64,
    /// At which position.
    pub position: f64,
    /// At or below this an order is due.
    pub lower: f64,
    /// Up to this.
    pub upper: f64,
    /// Expected demand of a period.
    pub mean: f64,
    /// What it is expected to save, in money.
    pub worth: f64,
}

/// An item.
#[derive(Debug, Clone)]
pub struct Item {
    terms: Terms,
    demand: Demand,
    memory: Memory,
    /// The policy, the mean it is for, and how many observations it rests on.
    fitted: Option<(Policy, f64, f64)>,
}

impl Item {
    /// `terms` are checked.
    #[must_use]
    pub fn new(terms: Terms, demand: Demand) -> Item {
        let mut memory = Memory::default();
        if let Demand::Learnt { guess: Some(guess) } = demand {
            memory.learner.see(Seen::Demand(guess.round()));
        }
        Item { terms, demand, memory, fitted: None }
    }

    /// Its terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What is saved.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Goes on with what was saved.
    pub fn restore(&mut self, memory: Memory) {
        self.memory = memory;
        self.fitted = None;
    }

    /// Whether it asks for the periods ahead at this period's end.
    #[must_use]
    pub fn wants_ahead(&self) -> bool {
        self.demand == Demand::Forecast && self.memory.period.is_multiple_of(u64::from(self.terms.review))
    }

    /// Takes in a period's end, and what is expected of the periods ahead; what should be ordered now, if anything.
    pub fn step(&mut self, seen: Observation, ahead: &[Period]) -> Option<Wanted> {
        self.learn(seen);
        self.memory.mean = seen.mean.filter(|mean| mean.is_finite() && *mean >= 0.0).or(self.memory.mean);
        self.follow_orders(seen.ordered);
        self.memory.period += 1;
        if !(self.memory.period - 1).is_multiple_of(u64::from(self.terms.review)) {
            return None;
        }
        let position = self.position(seen)?;
        let planned = Policy::ahead(&self.terms, ahead, self.memory.learner.is_whole());
        let (policy, mean) = match (&planned, ahead.first()) {
            (Some(planned), Some(next)) => (planned, next.mean),
            _ => self.policy()?,
        };
        let quantity = policy.order(position);
        let (lower, upper) = policy.levels();
        (quantity > 0.0).then(|| Wanted {
            quantity,
            position,
            lower,
            upper,
            mean,
            worth: policy.worth(position, quantity),
        })
    }

    fn learn(&mut self, seen: Observation) {
        let (Demand::Learnt { .. } | Demand::Forecast, Some(demand)) = (&self.demand, seen.demand) else { return };
        let ran_out = self.terms.lost && seen.stock.is_some_and(|stock| stock <= 1e-9);
        self.memory.learner.see(if ran_out { Seen::AtLeast(demand) } else { Seen::Demand(demand) });
    }

    /// What the host placed since the last period's end is on its way.
    fn follow_orders(&mut self, ordered: f64) {
        let memory = &mut self.memory;
        // What was ordered before this plugin knew of it is not known to be on its way; a host that starts again counts from 0.
        let before = memory.ordered.replace(ordered).unwrap_or(ordered);
        let new = if ordered < before { ordered } else { ordered - before };
        if new > 0.0 && memory.on_way.len() < MAX_ON_WAY {
            memory.on_way.push_back((memory.period, new));
        }
        // Placed at the end of period k, it is on its way at the ends of k + 1 … k + lead.
        let lead = u64::from(self.terms.lead);
        memory.on_way.retain(|(placed, _)| memory.period + 1 - placed.min(&memory.period) <= lead);
    }

    fn position(&self, seen: Observation) -> Option<f64> {
        let on_way = || self.memory.on_way.iter().map(|(_, quantity)| quantity).sum();
        // What comes in by itself until what could be ordered next has come counts as on order.
        let covered = self.terms.lead.saturating_add(self.terms.review);
        let incoming = seen.incoming.filter(|quantity| quantity.is_finite()).unwrap_or(0.0) * f64::from(covered);
        Some(seen.stock? + seen.on_order.unwrap_or_else(on_way) + incoming.max(0.0))
    }

    /// The present policy and a period's mean; none before demand was seen.
    pub fn policy(&mut self) -> Option<(&Policy, f64)> {
        let count = self.memory.learner.count();
        let is_fresh = self.fitted.as_ref().is_some_and(|(_, fitted_mean, fitted)| {
            let is_told = self.memory.mean.is_none_or(|mean| (mean - fitted_mean).abs() <= REFIT_MEAN * mean);
            is_told
                && match self.demand {
                    Demand::Known(_) => true,
                    Demand::Learnt { .. } | Demand::Forecast => *fitted <= count && count < next_fit(*fitted),
                }
        });
        if !is_fresh {
            let (law, doubt) = self.law()?;
            self.fitted = Some((Policy::new(&self.terms, &law, doubt), law.mean(), count));
        }
        self.fitted.as_ref().map(|(policy, mean, _)| (policy, *mean))
    }
}

impl Item {
    /// The law that orders are made for, and the variance of its mean: none where the mean is told.
    fn law(&self) -> Option<(Law, f64)> {
        let (law, doubt) = match &self.demand {
            Demand::Known(law) => (law.clone(), 0.0),
            Demand::Learnt { .. } | Demand::Forecast => self.memory.learner.law()?,
        };
        let told = self.memory.mean.filter(|_| law.mean() > 0.0);
        Some(told.map_or((law.clone(), doubt), |mean| (law.scaled(mean / law.mean()), 0.0)))
    }
}

/// The number of observations at which a policy for so many is made anew.
fn next_fit(fitted: f64) -> f64 {
    fitted + ((fitted - REFIT_EACH) * REFIT_SHARE).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        holding: 1.0,
        shortage: 9.0,
        fixed: 64.0,
        lead: 2,
        review: 1,
        pack: 0.0,
        minimum: 0.0,
        maximum: 1e9,
        lost: false,
    };

    fn known() -> Item {
        Item::new(TERMS, Demand::Known(Law::Poisson { mean: 10.0 }))
    }

    #[test]
    fn its_own_orders_count_until_they_arrive() {
        let mut item = known();
        let at =
            |stock, ordered| Observation { demand: Some(10.0), stock: Some(stock), ordered, ..Observation::default() };
        let first = item.step(at(0.0, 0.0), &[]).expect("nothing is there");
        assert!(item.step(at(-10.0, first.quantity), &[]).is_none(), "it is on its way");
        assert!(item.step(at(-20.0, first.quantity), &[]).is_none(), "still");
        let again = item.step(at(-30.0, first.quantity), &[]).expect("it should have come by now");
        assert_eq!(again.position, -30.0);
    }

    #[test]
    fn a_host_that_starts_again_orders_nothing_by_it() {
        let mut item = known();
        let at =
            |stock, ordered| Observation { demand: Some(10.0), stock: Some(stock), ordered, ..Observation::default() };
        let mut on_way = |ordered| {
            item.step(at(100.0, ordered), &[]);
            item.memory().on_way.iter().map(|(_, quantity)| *quantity).sum::<f64>()
        };
        assert_eq!(on_way(500.0), 0.0);
        assert_eq!(on_way(540.0), 40.0);
        assert_eq!(on_way(0.0), 40.0);
        assert_eq!(on_way(30.0), 30.0);
    }

    #[test]
    fn what_comes_in_by_itself_need_not_be_ordered() {
        let order = |incoming| {
            let seen = Observation { stock: Some(-30.0), incoming, ..Observation::default() };
            known().step(seen, &[]).map_or(0.0, |wanted| wanted.quantity)
        };
        // Lead time 2 and review 1: three periods' worth.
        assert_eq!(order(None) - order(Some(5.0)), 15.0);
        assert_eq!(order(Some(f64::NAN)), order(None));
    }

    #[test]
    fn without_stock_or_demand_nothing_is_ordered() {
        let mut item = known();
        assert!(item.step(Observation::default(), &[]).is_none());
        let mut learning = Item::new(TERMS, Demand::Learnt { guess: None });
        let blind = Observation { stock: Some(-5.0), on_order: Some(0.0), ..Observation::default() };
        assert!(learning.step(blind, &[]).is_none(), "nobody knows how much is sold");
        let seen = Observation { demand: Some(12.0), ..blind };
        assert!(learning.step(seen, &[]).is_some());
    }

    #[test]
    fn a_mean_that_is_told_counts_until_another_is() {
        let mut item = Item::new(Terms { lead: 0, ..TERMS }, Demand::Known(Law::Poisson { mean: 1.0 }));
        let at = |mean| Observation { stock: Some(0.0), on_order: Some(0.0), mean, ..Observation::default() };
        let mut order = |mean| item.step(at(mean), &[]).map(|wanted| wanted.quantity);
        assert_eq!(order(Some(10.0)), Some(40.0));
        assert_eq!(order(None), Some(40.0));
        assert_eq!(order(Some(20.0)), Some(62.0));
    }

    #[test]
    fn it_is_looked_at_every_review() {
        let mut item = Item::new(Terms { review: 3, ..TERMS }, Demand::Known(Law::Poisson { mean: 10.0 }));
        let blank =
            Observation { demand: Some(10.0), stock: Some(-50.0), on_order: Some(0.0), ..Observation::default() };
        let looked: Vec<bool> = (0..7).map(|_| item.step(blank, &[]).is_some()).collect();
        assert_eq!(looked, [true, false, false, true, false, false, true]);
    }
}
