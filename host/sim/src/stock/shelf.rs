//! One item on its shelf: what is there, owed, on its way; and what it cost.

use std::collections::VecDeque;

/// What an item costs and when it comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// For a unit on hand at a period's end, in money.
    pub holding: f64,
    /// For a unit owed, or lost, at a period's end, in money.
    pub shortage: f64,
    /// For an order, in money.
    pub fixed: f64,
    /// Periods from an order to its arrival; 0: before the next demand.
    pub lead: u64,
    /// Unmet demand is lost, and not owed.
    pub lost: bool,
}

/// The shelf.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelf {
    terms: Terms,
    /// On hand less owed.
    pub stock: f64,
    /// On their way: the period before whose demand each arrives, and its quantity.
    on_way: VecDeque<(u64, f64)>,
    /// What the last period's customers got or were promised; where demand is lost, what they got.
    pub sold: f64,
    /// Of the last period, in money, with the orders before it.
    pub period_cost: f64,
    /// Since the start, in money.
    pub cost: f64,
    /// Of orders that the next period is charged with.
    ordered_cost: f64,
}

impl Shelf {
    pub(crate) fn new(terms: Terms, stock: f64) -> Shelf {
        Shelf { terms, stock, on_way: VecDeque::new(), sold: 0.0, period_cost: 0.0, cost: 0.0, ordered_cost: 0.0 }
    }

    /// On order.
    pub fn on_order(&self) -> f64 {
        self.on_way.iter().map(|(_, quantity)| quantity).sum()
    }

    /// On hand and on order, less owed.
    pub fn position(&self) -> f64 {
        self.stock + self.on_order()
    }

    /// Places an order before the demand of period `now`.
    pub(crate) fn order(&mut self, now: u64, quantity: f64) {
        self.on_way.push_back((now + self.terms.lead, quantity));
        self.ordered_cost += self.terms.fixed;
    }

    /// Lets a period pass: what arrives, what is demanded, what it costs.
    pub(crate) fn pass(&mut self, now: u64, demand: f64) {
        while let Some((_, quantity)) = self.on_way.pop_front_if(|(due, _)| *due <= now) {
            self.stock += quantity;
        }
        let left = self.stock - demand;
        self.sold = if self.terms.lost { demand.min(self.stock) } else { demand };
        self.stock = if self.terms.lost { left.max(0.0) } else { left };
        let kept = if left > 0.0 { self.terms.holding * left } else { -self.terms.shortage * left };
        self.period_cost = kept + std::mem::take(&mut self.ordered_cost);
        self.cost += self.period_cost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { holding: 1.0, shortage: 9.0, fixed: 64.0, lead: 1, lost: false };

    #[test]
    fn a_period_by_hand() {
        let mut shelf = Shelf::new(TERMS, 10.0);
        shelf.order(0, 20.0);
        shelf.pass(0, 12.0);
        assert_eq!((shelf.stock, shelf.on_order(), shelf.period_cost), (-2.0, 20.0, 64.0 + 18.0));
        shelf.pass(1, 5.0);
        assert_eq!((shelf.stock, shelf.on_order(), shelf.period_cost, shelf.cost), (13.0, 0.0, 13.0, 95.0));
        let mut lost = Shelf::new(Terms { lost: true, ..TERMS }, 10.0);
        lost.pass(0, 12.0);
        assert_eq!((lost.stock, lost.sold, lost.period_cost), (0.0, 10.0, 18.0));
    }
}
