//! A stock item: customers come, stock runs down, orders arrive a lead time later, and both too much and too little cost.
//!
//! - [`demand`]: what customers want in a period
//! - [`shelf`]: what is there, owed, on its way, and what it cost
//!
//! A period is an hour of run time, which stands for a day or a week. An order that is written before a period's demand is
//! charged to it. Beside the shelf that is ordered for stands a twin with the same customers, which the optimal policy of
//! [`judge::inventory`](crate::judge::inventory) orders for: the truth tells what both cost.

pub mod demand;

pub mod shelf;

mod optimal;

use crate::options::Options;
use crate::plant::{Actuator, Kind, Plant, Reading, Signal, Stepper, Truth, Value};
use crate::{PlantError, check_settings};
use demand::Demand;
use optimal::Twin;
use shelf::{Shelf, Terms};

/// A period, in seconds.
pub const PERIOD_S: f64 = 3600.0;
/// Means of demand by seed: the first six are those of a published table, the others lie between them.
pub const MEANS: [f64; 10] = [10.0, 15.0, 20.0, 25.0, 35.0, 50.0, 12.0, 18.0, 30.0, 42.0];
/// The largest order that is taken.
const MAX_ORDER: f64 = 1e6;
/// Noise stream, which no other plant uses.
const DEMAND_STREAM: u64 = 190;

const NAME: &str = "stock";
const SETTINGS: [&str; 18] = [
    "mean",
    "dispersion",
    "sd",
    "idle",
    "season",
    "season_periods",
    "trend",
    "trend_periods",
    "holding",
    "shortage",
    "fixed",
    "lead",
    "review",
    "pack",
    "minimum",
    "maximum",
    "lost",
    "initial",
];

/// Everything that makes up an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// What customers want.
    pub demand: Demand,
    /// The season's amplitude as a share of the mean, a sine; 0 for none.
    pub season: f64,
    /// Its length in periods.
    pub season_periods: u64,
    /// How much larger the mean is after the trend, as a share.
    pub trend: f64,
    /// How long the trend lasts from the start; then the mean stays.
    pub trend_periods: u64,
    /// Costs and lead time.
    pub terms: Terms,
    /// The optimal policy may order every so many periods.
    pub review: u64,
    /// Its orders are multiples of it.
    pub pack: f64,
    /// Its smallest order.
    pub minimum: f64,
    /// Its largest order.
    pub maximum: f64,
    /// On hand at the start.
    pub initial: f64,
}

impl Item {
    /// The published case of that mean: an order costs 64, a unit held 1 and one owed 9 a period, without lead time.
    #[must_use]
    pub fn published(mean: f64) -> Item {
        Item {
            demand: Demand::poisson(mean),
            season: 0.0,
            season_periods: 7,
            trend: 0.0,
            trend_periods: 0,
            terms: Terms { holding: 1.0, shortage: 9.0, fixed: 64.0, lead: 0, lost: false },
            review: 1,
            pack: 1.0,
            minimum: 0.0,
            maximum: MAX_ORDER,
            initial: 2.0 * mean,
        }
    }

    /// The mean's factor in a period.
    fn factor(&self, period: u64) -> f64 {
        let share = (period as f64 / self.trend_periods.max(1) as f64).min(1.0);
        let phase = period as f64 / self.season_periods.max(1) as f64 * std::f64::consts::TAU;
        (1.0 + self.season * phase.sin()).max(0.0) * (1.0 + self.trend * share).max(0.0)
    }
}

/// Its signals.
pub fn signals() -> Vec<Signal> {
    let value = |name, lo| Signal { name, unit: "1", kind: Kind::Value, range: (lo, 1e9) };
    vec![value("stock.demand", 0.0), value("stock.stock", -1e9), value("stock.on_order", 0.0), value("stock.mean", 0.0)]
}

/// The plant.
#[derive(Debug, Clone)]
pub struct Stock {
    seed: u64,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    item: Item,
    shelf: Shelf,
    twin: Twin,
    stepper: Stepper,
    /// Periods that have passed.
    periods: u64,
}

impl Stock {
    /// An item whose customers the seed draws.
    #[must_use]
    pub fn new(seed: u64, item: Item) -> Stock {
        let order = Actuator { name: "stock.order", unit: "1", range: (0.0, MAX_ORDER), initial: 0.0 };
        let shelf = Shelf::new(item.terms, item.initial);
        let twin = Twin::new(item, shelf.clone());
        Stock {
            seed,
            signals: signals(),
            actuators: vec![order],
            item,
            shelf,
            twin,
            stepper: Stepper::of(PERIOD_S),
            periods: 0,
        }
    }

    /// The published case whose mean the seed chooses from [`MEANS`], or as the settings have it: `mean`, `dispersion`
    /// (variance over mean), `sd` (then normal), `idle` (share of periods without customers), `season` (amplitude) and
    /// `season_periods`, `trend` (share) and `trend_periods`; `holding`, `shortage`, `fixed`, `lead`, `lost` (0 or 1),
    /// `initial`; and for the optimum `review`, `pack`, `minimum`, `maximum`.
    ///
    /// # Errors
    /// Settings that it does not have or that make no sense.
    pub fn from_options(options: &Options) -> Result<Stock, PlantError> {
        check_settings(NAME, options, &SETTINGS)?;
        if options.recorded.is_some() {
            return Err(PlantError::NoSeries(NAME.to_owned()));
        }
        let usual = MEANS[(options.seed.saturating_sub(1) % MEANS.len() as u64) as usize];
        let mean = options.setting("mean", usual);
        let base = Item::published(mean);
        let of = |name: &str, default: f64| options.setting(name, default);
        let whole = |name: &str, default: u64| of(name, default as f64).round().clamp(0.0, 1e9) as u64;
        let terms = Terms {
            holding: of("holding", base.terms.holding),
            shortage: of("shortage", base.terms.shortage),
            fixed: of("fixed", base.terms.fixed),
            lead: whole("lead", 0),
            lost: of("lost", 0.0) != 0.0,
        };
        let demand = Demand { mean, dispersion: of("dispersion", 1.0), sd: of("sd", 0.0), idle: of("idle", 0.0) };
        let item = Item {
            demand,
            season: of("season", 0.0),
            season_periods: whole("season_periods", 7),
            trend: of("trend", 0.0),
            trend_periods: whole("trend_periods", 0),
            terms,
            review: whole("review", 1).max(1),
            pack: of("pack", 1.0).max(1.0),
            minimum: of("minimum", 0.0),
            maximum: of("maximum", MAX_ORDER),
            initial: of("initial", 2.0 * mean),
        };
        check(&item)?;
        Ok(Stock::new(options.seed, item))
    }

    /// What the shelf that is ordered for came to.
    #[must_use]
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// What the optimal policy came to with the same customers; none where it is not computed.
    pub fn optimal(&self) -> Option<&Shelf> {
        self.twin.shelf()
    }

    fn pass(&mut self) {
        let factor = self.item.factor(self.periods);
        let demand = self.item.demand.draw(self.seed, DEMAND_STREAM, self.periods, factor);
        self.shelf.pass(self.periods, demand);
        self.twin.pass(self.periods, demand);
        self.periods += 1;
    }
}

fn check(item: &Item) -> Result<(), PlantError> {
    let demand = &item.demand;
    let terms = &item.terms;
    let refuse = |what: &str| Err(PlantError::Unfit(format!("the plant `{NAME}`: {what}")));
    let within = |value: f64, lo: f64, hi: f64| value.is_finite() && lo <= value && value <= hi;
    if !within(demand.mean, 1e-3, 1e4) || !within(demand.dispersion, 1.0, 1e3) || !within(demand.sd, 0.0, 1e4) {
        return refuse("`mean` is from 0.001 to 10000, `dispersion` from 1 to 1000, `sd` from 0 to 10000");
    }
    if !within(demand.idle, 0.0, 0.99) || !within(item.season, 0.0, 1.0) || !within(item.trend, -1.0, 10.0) {
        return refuse("`idle` is from 0 to 0.99, `season` from 0 to 1, `trend` from −1 to 10");
    }
    if ![terms.holding, terms.shortage].iter().all(|cost| within(*cost, 1e-9, 1e9)) || !within(terms.fixed, 0.0, 1e9) {
        return refuse("`holding` and `shortage` are above 0, `fixed` is not below 0");
    }
    if terms.lead > 1_000 || item.review > 1_000 || !within(item.initial, -1e6, 1e6) {
        return refuse("`lead` and `review` are at most 1000 periods, `initial` at most a million units");
    }
    Ok(())
}

impl Plant for Stock {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        (0..self.stepper.due(dt_s)).for_each(|_| self.pass());
    }

    /// What the last period sold, which is not known before one has passed; what is there and on order; what the next period
    /// will want on average, as somebody might know it.
    fn read(&mut self, out: &mut Vec<Reading>) {
        let sold = if self.periods > 0 { self.shelf.sold } else { f64::NAN };
        let mean = self.item.demand.mean * self.item.factor(self.periods);
        let values = [sold, self.shelf.stock, self.shelf.on_order(), mean].into_iter().enumerate();
        out.extend(values.map(|(signal, value)| Reading { signal, value: Value::Number(value) }));
    }

    /// Each write is an order, two equal ones are two.
    fn write(&mut self, actuator: usize, value: f64) {
        if actuator == 0 && value.is_finite() && value > 0.0 {
            self.shelf.order(self.periods, value.min(MAX_ORDER));
        }
    }

    /// Costs of the last period, as they flowed in it.
    fn truth(&self) -> Truth {
        let passed = self.periods > 0;
        Truth {
            time_s: self.stepper.asked_s(),
            cost: passed.then_some(self.shelf.period_cost / PERIOD_S),
            optimum_cost: self.twin.shelf().filter(|_| passed).map(|shelf| shelf.period_cost / PERIOD_S),
            ..Truth::default()
        }
    }
}

#[cfg(test)]
mod tests;
