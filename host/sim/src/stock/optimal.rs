//! The twin that the optimal policy orders for.

use super::Item;
use super::shelf::Shelf;
use crate::judge::inventory::{Case, Optimum, Phase, optimum};

/// Phases that a policy is computed for: a season's, or those from one review to the next.
const MAX_PHASES: u64 = 60;
/// While a trend lasts, the policy is that of its present mean, renewed at every such share of it.
const TREND_SHARE: f64 = 0.02;

/// A shelf with its policy; computed when it is first needed, since it takes a while.
#[derive(Debug, Clone)]
pub(super) struct Twin {
    item: Item,
    shelf: Shelf,
    policy: Policy,
}

#[derive(Debug, Clone)]
enum Policy {
    NotYet,
    /// None is computed for such an item.
    None,
    /// Any quantity, up to that level.
    Level(f64),
    /// Whole units; with the trend's factor that it is for.
    Table(Optimum, f64),
}

impl Twin {
    pub(super) fn new(item: Item, shelf: Shelf) -> Twin {
        Twin { item, shelf, policy: Policy::NotYet }
    }

    /// What it came to; none where no policy is computed.
    pub(super) fn shelf(&self) -> Option<&Shelf> {
        (!matches!(self.policy, Policy::None)).then_some(&self.shelf)
    }

    pub(super) fn pass(&mut self, period: u64, demand: f64) {
        let trend = self.trend(period);
        let is_past =
            |known: f64| (trend / known - 1.0).abs() > TREND_SHARE || (trend != known && self.trend_is_over(period));
        if matches!(self.policy, Policy::NotYet) || matches!(&self.policy, Policy::Table(_, known) if is_past(*known)) {
            self.policy = self.policy_at(trend);
        }
        let position = if self.item.terms.lost && self.item.terms.lead == 1 {
            // What arrives now is on hand when the policy looks.
            self.shelf.stock + self.shelf.on_order()
        } else {
            self.shelf.position()
        };
        let order = match &self.policy {
            Policy::Level(level) => (level - position).max(0.0),
            Policy::Table(table, _) => table.order((period % self.phases()) as usize, position.round() as i64) as f64,
            Policy::NotYet | Policy::None => 0.0,
        };
        if order > 0.0 {
            self.shelf.order(period, order);
        }
        self.shelf.pass(period, demand);
    }

    fn trend(&self, period: u64) -> f64 {
        let share = (period as f64 / self.item.trend_periods.max(1) as f64).min(1.0);
        (1.0 + self.item.trend * share).max(1e-6)
    }

    fn trend_is_over(&self, period: u64) -> bool {
        self.item.trend_periods <= period
    }

    fn phases(&self) -> u64 {
        let season = if self.item.season > 0.0 { self.item.season_periods.max(1) } else { 1 };
        let (mut a, mut b) = (season, self.item.review);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        season / a.max(1) * self.item.review
    }

    fn policy_at(&self, trend: f64) -> Policy {
        let item = &self.item;
        let phases = self.phases();
        let is_free =
            item.terms.fixed == 0.0 && item.pack <= 1.0 && item.minimum == 0.0 && phases == 1 && !item.terms.lost;
        if item.demand.sd > 0.0 && is_free && item.trend == 0.0 {
            let n = (item.terms.lead + 1) as f64;
            let z = quantile(item.terms.shortage / (item.terms.holding + item.terms.shortage));
            return Policy::Level(n * item.demand.mean + z * item.demand.sd * n.sqrt());
        }
        if phases > MAX_PHASES {
            return Policy::None;
        }
        let without_trend = Item { trend: 0.0, ..*item };
        let phase = |at: u64| Phase {
            demand: item.demand.weights((without_trend.factor(at) * trend).max(1e-6)),
            may_order: at.is_multiple_of(item.review),
        };
        let case = Case {
            holding: item.terms.holding,
            shortage: item.terms.shortage,
            fixed: item.terms.fixed,
            lead: item.terms.lead as usize,
            lost: item.terms.lost,
            pack: item.pack as usize,
            minimum: item.minimum as usize,
            maximum: item.maximum as usize,
            phases: (0..phases).map(phase).collect(),
        };
        optimum(&case).map_or(Policy::None, |table| Policy::Table(table, trend))
    }
}

/// Of the standard normal distribution, by bisection. `share` in (0, 1).
fn quantile(share: f64) -> f64 {
    let (mut lo, mut hi) = (-40.0, 40.0);
    for _ in 0..200 {
        let mid = 0.5 * (lo + hi);
        let below = 0.5 * libm::erfc(-mid / std::f64::consts::SQRT_2);
        if below < share { lo = mid } else { hi = mid }
    }
    0.5 * (lo + hi)
}
