//! The orders' side of the host: stock in, orders out.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use dinrail_sdk::{
    Bindings, Description, Fault, Frame, Input, Mode, Order, Output, OutputState, Parameter, Parameters, Row,
};

use super::demand::period_ns;
use super::periods::Periods;
use crate::stock::budget::{Wish, share};
use crate::stock::item::{Demand, Item, Memory, Observation, Wanted};
use crate::stock::law::Law;
use crate::stock::policy::Terms;
use crate::stock::rolling::Period;

/// An order may wait for as long as the site's own lease lets it.
const VALID_FOR: Duration = Duration::from_secs(90 * 86_400);

/// What is known of demand, as the parameter `law` says it.
const LAWS: [&str; 5] = ["learnt", "forecast", "poisson", "counts", "normal"];

/// Numbers that `items` may give for each item in place of the parameter of that name.
const NUMBERS: [&str; 10] =
    ["holding", "shortage", "fixed", "lead", "review", "pack", "minimum", "price", "mean", "sd"];

/// Adds what orders are made from.
pub(super) fn describe(description: Description) -> Description {
    let number = |name: &str, usual: f64, about: &str| Parameter::number(name, usual).range(0.0, 1e12).about(about);
    description
        .input(Input::group("stock").optional().about(
            "What is on hand less what is owed to customers, at the end of a period; one for each of `demand`, in its order",
        ))
        .input(Input::group("on_order").optional().about(
            "What was ordered and has not arrived; unbound: what was ordered here, until it is `lead` periods old",
        ))
        .input(Input::group("mean").optional().about(
            "What demand will be a period on average, where somebody knows better than what was seen tells",
        ))
        .input(Input::group("planned").optional().about(
            "What comes in a period without being ordered, such as the own production; one for each of `demand`, in its order",
        ))
        .input(Input::group("scrap").optional().about(
            "Share of `planned` that is lost before it comes in, such as rejects, from 0 to 1; one for each, or one for all. It may be of single parts: what counts is its mean over all rows of some eight periods",
        ))
        .output(Output::group("orders").optional().about("Quantities to order, one for each of `demand`, in its order"))
        .parameter(number("holding", 1.0, "Cost of a unit on hand at the end of a period"))
        .parameter(number("shortage", 9.0, "Cost of a unit short at the end of a period"))
        .parameter(number("fixed", 0.0, "Cost of an order"))
        .parameter(number("lead", 0.0, "Periods from an order to its arrival; 0: before the next demand"))
        .parameter(number("review", 1.0, "Periods from one look at the stock to the next"))
        .parameter(number("pack", 0.0, "Orders are multiples of it; 0: any quantity"))
        .parameter(number("minimum", 0.0, "The smallest order; the largest is the output's range"))
        .parameter(number("price", 1.0, "Of a unit, for `budget`"))
        .parameter(number("budget", 0.0, "Money that all orders of one period may come to; 0: no limit"))
        .parameter(Parameter::boolean("lost", false).about("Demand that meets no stock is lost and not owed"))
        .parameter(Parameter::choice("law", "learnt", &LAWS).about(
            "What is known of demand: nothing, and it stays as it is; nothing, and it changes as forecast; or its mean and, but for Poisson, its standard deviation in a period",
        ))
        .parameter(number("mean", 0.0, "Of a period's demand; where it is learnt, a first guess, 0 for none"))
        .parameter(number("sd", 0.0, "Standard deviation of a period's demand"))
        .parameter(Parameter::text("items", "").about(
            "What differs between items, in the order of `demand`: `lead 2, pack 12; fixed 40, mean 20; …`",
        ))
}

struct Bound {
    demand: usize,
    stock: usize,
    on_order: Option<usize>,
    mean: Option<usize>,
    planned: Option<usize>,
    scrap: Option<usize>,
    /// Index of its output.
    output: u32,
    price: f64,
}

/// How much a period's share counts beside those before.
const SCRAP_SHARE: f64 = 1.0 / 8.0;

/// The share of the own production that is lost, of late.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Scrap {
    /// Of the present period's rows.
    sum: f64,
    rows: u32,
    /// Of the periods before.
    share: Option<f64>,
}

impl Scrap {
    fn see(&mut self, share: Option<f64>) {
        if let Some(share) = share {
            self.sum += share.clamp(0.0, 1.0);
            self.rows = self.rows.saturating_add(1);
        }
    }

    /// The share as of a period's end; what nobody tells of is not lost.
    fn end_period(&mut self) -> f64 {
        if self.rows > 0 {
            let mean = self.sum / f64::from(self.rows);
            self.share = Some(self.share.map_or(mean, |before| before + SCRAP_SHARE * (mean - before)));
            (self.sum, self.rows) = (0.0, 0);
        }
        self.share.unwrap_or(0.0)
    }
}

/// What is saved.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    items: Vec<Memory>,
    periods: Periods,
    scraps: Vec<Scrap>,
}

/// The items that are ordered.
pub struct ReplenishTask {
    bound: Vec<Bound>,
    items: Vec<Item>,
    /// An order was proposed, and is not withdrawn.
    asked: Vec<bool>,
    budget: Option<f64>,
    /// 0: every row is one.
    period_ns: i64,
    periods: Periods,
    /// One for each item.
    scraps: Vec<Scrap>,
}

impl ReplenishTask {
    /// Binds it; without outputs it orders nothing.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where inputs and outputs do not pair, or terms make no sense.
    pub fn new(bindings: &Bindings, parameters: &Parameters) -> Result<Self, Fault> {
        let outputs: Vec<_> = bindings.outputs_of("orders").collect();
        let count = outputs.len();
        let [demand, stock] = ["demand", "stock"].map(|input| paired(bindings, input, count, true));
        let [on_order, mean, planned] =
            ["on_order", "mean", "planned"].map(|input| paired(bindings, input, count, false));
        let (demand, stock, on_order, mean, planned) = (demand?, stock?, on_order?, mean?, planned?);
        let scrap = match bindings.columns_of("scrap") {
            [one] => vec![one.index as usize; count],
            _ => paired(bindings, "scrap", count, false)?,
        };
        if planned.is_empty() && !scrap.is_empty() {
            let why = "`scrap` is the share of `planned` that is lost, and `planned` is not bound";
            return Err(Fault::Configuration(why.to_owned()));
        }
        let said = Said::new(parameters, count)?;
        let (mut bound, mut items) = (Vec::new(), Vec::new());
        for (index, output) in outputs.iter().enumerate() {
            let refused =
                |error: String| Fault::Configuration(format!("item {} (`{}`): {error}", index + 1, output.tag));
            let terms = said.terms(index, output.maximum)?;
            terms.check().map_err(|error| refused(error.to_string()))?;
            let is_told = mean.get(index).is_some();
            let demand_known = said.demand(index, parameters.text("law")?, is_told).map_err(refused)?;
            items.push(Item::new(terms, demand_known));
            bound.push(Bound {
                demand: demand[index],
                stock: stock[index],
                on_order: on_order.get(index).copied(),
                mean: mean.get(index).copied(),
                planned: planned.get(index).copied(),
                scrap: scrap.get(index).copied(),
                output: output.index,
                price: said.number(index, "price")?,
            });
        }
        let budget = Some(parameters.number("budget")?).filter(|money| *money > 0.0);
        let (asked, period_ns) = (vec![false; items.len()], period_ns(parameters)?);
        let scraps = vec![Scrap::default(); items.len()];
        Ok(Self { bound, items, asked, budget, period_ns, periods: Periods::default(), scraps })
    }

    /// Takes in the new rows that end a period; orders as of the last of them. `ahead` tells what is forecast of a column.
    pub fn replenish(
        &mut self,
        frame: &Frame,
        states: &[OutputState],
        ahead: impl Fn(usize) -> Vec<Period>,
    ) -> Vec<Order> {
        let mut wanted: Vec<Option<Wanted>> = vec![None; self.items.len()];
        let ended = self.ended(frame);
        for (at, (row, scraps)) in ended.iter().enumerate() {
            for (index, item) in self.items.iter_mut().enumerate() {
                let bound = &self.bound[index];
                // A forecast is from the last row.
                let is_last = at + 1 == ended.len();
                let periods = if is_last && item.wants_ahead() { ahead(bound.demand) } else { Vec::new() };
                wanted[index] = item.step(observation(bound, row, scraps[index], states), &periods);
            }
        }
        if ended.is_empty() {
            return Vec::new();
        }
        let quantities = self.within_budget(&wanted);
        let mut orders = Vec::new();
        for (index, bound) in self.bound.iter().enumerate() {
            let asked = std::mem::replace(&mut self.asked[index], quantities[index] > 0.0);
            match &wanted[index] {
                Some(wanted) if quantities[index] > 0.0 => {
                    orders.push(Order::new(
                        bound.output,
                        quantities[index],
                        VALID_FOR,
                        &reason(wanted, quantities[index]),
                    ));
                }
                _ if asked && states.get(bound.output as usize).is_some_and(|state| state.mode == Mode::Advise) => {
                    orders.push(Order::new(bound.output, 0.0, VALID_FOR, "what was asked for is not needed any more"));
                }
                _ => {}
            }
        }
        orders
    }

    /// The new rows that end a period, and for each what share of each item's own production is lost by then.
    fn ended<'f>(&mut self, frame: &'f Frame) -> Vec<(Row<'f>, Vec<f64>)> {
        let Self { bound, periods, period_ns, scraps, .. } = self;
        let mut ended = Vec::new();
        for row in frame.new_rows() {
            let value = |column: Option<usize>| column.and_then(|column| row.get(column));
            scraps.iter_mut().zip(&*bound).for_each(|(scrap, bound)| scrap.see(value(bound.scrap)));
            let is_known = bound.iter().any(|bound| row.get(bound.demand).is_some());
            if periods.end_with(row.time_ns, *period_ns, is_known) {
                let shares = scraps.iter_mut().map(Scrap::end_period).collect();
                ended.push((row, shares));
            }
        }
        ended
    }

    fn within_budget(&self, wanted: &[Option<Wanted>]) -> Vec<f64> {
        let quantity = |wanted: &Option<Wanted>| wanted.map_or(0.0, |wanted| wanted.quantity);
        let Some(money) = self.budget else { return wanted.iter().map(quantity).collect() };
        let wish = |((wanted, item), bound): ((&Option<Wanted>, &Item), &Bound)| Wish {
            quantity: quantity(wanted),
            minimum: item.terms().minimum,
            pack: item.terms().pack,
            price: bound.price,
            worth: wanted.map_or(0.0, |wanted| wanted.worth),
        };
        let wishes: Vec<Wish> = wanted.iter().zip(&self.items).zip(&self.bound).map(wish).collect();
        share(&wishes, money)
    }

    /// What is saved.
    pub fn memory(&self) -> Kept {
        let items = self.items.iter().map(|item| item.memory().clone()).collect();
        Kept { items, periods: self.periods, scraps: self.scraps.clone() }
    }

    /// Goes on with what was saved.
    ///
    /// # Errors
    /// Where it is of another number of items.
    pub fn restore(&mut self, kept: Kept) -> Result<(), String> {
        if [kept.items.len(), kept.scraps.len()] != [self.items.len(); 2] {
            return Err(format!("it is of {} items, and {} are bound", kept.items.len(), self.items.len()));
        }
        (self.periods, self.scraps) = (kept.periods, kept.scraps);
        self.items.iter_mut().zip(kept.items).for_each(|(item, memory)| item.restore(memory));
        Ok(())
    }
}

/// The columns of an input, one for each output or, where it may be left out, none.
fn paired(bindings: &Bindings, input: &str, count: usize, is_needed: bool) -> Result<Vec<usize>, Fault> {
    let columns: Vec<usize> = bindings.columns_of(input).iter().map(|column| column.index as usize).collect();
    let fits = columns.len() == count || (columns.is_empty() && !is_needed);
    if count == 0 || fits {
        return Ok(columns);
    }
    let found = columns.len();
    Err(Fault::Configuration(format!("{found} `{input}` are bound for {count} `orders`; they go in pairs")))
}

fn observation(bound: &Bound, row: &Row<'_>, scrap: f64, states: &[OutputState]) -> Observation {
    Observation {
        demand: row.get(bound.demand),
        stock: row.get(bound.stock),
        on_order: bound.on_order.and_then(|column| row.get(column)),
        mean: bound.mean.and_then(|column| row.get(column)),
        incoming: bound.planned.and_then(|column| row.get(column)).map(|planned| planned * (1.0 - scrap)),
        // Of an order the host tells all that was placed.
        ordered: states.get(bound.output as usize).and_then(|state| state.applied).unwrap_or(0.0),
    }
}

fn reason(wanted: &Wanted, quantity: f64) -> String {
    let Wanted { position, lower, upper, mean, .. } = wanted;
    let cut = if quantity < wanted.quantity { ", as much as the budget gives" } else { "" };
    format!("position {position:.1}, order at {lower:.1} up to {upper:.1}; {mean:.2} a period is expected{cut}")
}

/// The parameters, and what `items` gives in their place.
struct Said<'p> {
    parameters: &'p Parameters,
    /// By item: name and number.
    items: Vec<Vec<(&'p str, f64)>>,
}

impl<'p> Said<'p> {
    fn new(parameters: &'p Parameters, count: usize) -> Result<Self, Fault> {
        let text = parameters.text("items")?;
        let refused = |why: String| Fault::Configuration(format!("`items`: {why}"));
        let items: Vec<_> = match text.trim().is_empty() {
            true => Vec::new(),
            false => text.split(';').map(numbers).collect::<Result<_, _>>().map_err(refused)?,
        };
        if !items.is_empty() && items.len() != count {
            return Err(refused(format!("{} are described, and {count} `orders` are bound", items.len())));
        }
        Ok(Said { parameters, items })
    }

    fn number(&self, item: usize, name: &str) -> Result<f64, Fault> {
        let own = self.items.get(item).and_then(|numbers| numbers.iter().rev().find(|(known, _)| *known == name));
        own.map_or_else(|| self.parameters.number(name), |(_, number)| Ok(*number))
    }

    fn terms(&self, item: usize, maximum: f64) -> Result<Terms, Fault> {
        let periods = |name: &str| self.number(item, name).map(|number| number.round().clamp(0.0, 1e4) as u32);
        Ok(Terms {
            holding: self.number(item, "holding")?,
            shortage: self.number(item, "shortage")?,
            fixed: self.number(item, "fixed")?,
            lead: periods("lead")?,
            review: periods("review")?,
            pack: self.number(item, "pack")?,
            minimum: self.number(item, "minimum")?,
            maximum,
            lost: self.parameters.boolean("lost")?,
        })
    }

    fn demand(&self, item: usize, law: &str, is_told: bool) -> Result<Demand, String> {
        let number = |name: &str| self.number(item, name).map_err(|error| format!("{error:?}"));
        let (mut mean, sd) = (number("mean")?, number("sd")?);
        if law == "forecast" {
            return Ok(Demand::Forecast);
        }
        if law == "learnt" {
            return Ok(Demand::Learnt { guess: Some(mean).filter(|mean| *mean > 0.0) });
        }
        if is_told && law == "poisson" && mean <= 0.0 {
            // Whatever is told stands in its place.
            mean = 1.0;
        }
        if mean <= 0.0 || (law != "poisson" && sd <= 0.0) {
            return Err(format!("`law = \"{law}\"` needs `mean` and, but for Poisson, `sd` above 0"));
        }
        Ok(Demand::Known(match law {
            "poisson" => Law::Poisson { mean },
            "counts" => Law::counts(mean, sd * sd),
            _ => Law::Normal { mean, sd },
        }))
    }
}

/// `lead 2, pack 12`: names and numbers of one item.
fn numbers(text: &str) -> Result<Vec<(&str, f64)>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let pair = |part| -> Result<(&str, f64), String> {
        let part: &str = part;
        let (name, number) =
            part.split_once(char::is_whitespace).ok_or_else(|| format!("`{part}` is no name and number"))?;
        if !NUMBERS.contains(&name) {
            return Err(format!("an item has no `{name}`; it has {}", NUMBERS.join(", ")));
        }
        let number: f64 = number.trim().parse().map_err(|error| format!("`{part}`: {error}"))?;
        if number.is_finite() && number >= 0.0 { Ok((name, number)) } else { Err(format!("`{part}` is below 0")) }
    };
    parts.map(pair).collect()
}

#[cfg(test)]
mod tests;
