//! The orders' side of the host: stock in, orders out.

use std::time::Duration;

use dinrail_sdk::{
    Bindings, Description, Fault, Frame, Input, Mode, Order, Output, OutputState, Parameter, Parameters, Row,
};

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
    /// Index of its output.
    output: u32,
    price: f64,
}

/// The items that are ordered.
pub struct ReplenishTask {
    bound: Vec<Bound>,
    items: Vec<Item>,
    /// An order was proposed, and is not withdrawn.
    asked: Vec<bool>,
    budget: Option<f64>,
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
        let [on_order, mean] = ["on_order", "mean"].map(|input| paired(bindings, input, count, false));
        let (demand, stock, on_order, mean) = (demand?, stock?, on_order?, mean?);
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
                output: output.index,
                price: said.number(index, "price")?,
            });
        }
        let budget = Some(parameters.number("budget")?).filter(|money| *money > 0.0);
        Ok(Self { asked: vec![false; items.len()], bound, items, budget })
    }

    /// Takes in the new rows, a period each; orders as of the last. `ahead` tells what is forecast of a column.
    pub fn replenish(
        &mut self,
        frame: &Frame,
        states: &[OutputState],
        ahead: impl Fn(usize) -> Vec<Period>,
    ) -> Vec<Order> {
        let mut wanted: Vec<Option<Wanted>> = vec![None; self.items.len()];
        for row in frame.new_rows() {
            for (index, item) in self.items.iter_mut().enumerate() {
                let bound = &self.bound[index];
                // A forecast is from the last row.
                let is_last = row.index as usize + 1 == frame.row_count();
                let periods = if is_last && item.wants_ahead() { ahead(bound.demand) } else { Vec::new() };
                wanted[index] = item.step(observation(bound, &row, states), &periods);
            }
        }
        if frame.last_new().is_none() {
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
    pub fn memory(&self) -> Vec<Memory> {
        self.items.iter().map(|item| item.memory().clone()).collect()
    }

    /// Goes on with what was saved.
    ///
    /// # Errors
    /// Where it is of another number of items.
    pub fn restore(&mut self, memory: Vec<Memory>) -> Result<(), String> {
        if memory.len() != self.items.len() {
            return Err(format!("it is of {} items, and {} are bound", memory.len(), self.items.len()));
        }
        self.items.iter_mut().zip(memory).for_each(|(item, memory)| item.restore(memory));
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

fn observation(bound: &Bound, row: &Row<'_>, states: &[OutputState]) -> Observation {
    Observation {
        demand: row.get(bound.demand),
        stock: row.get(bound.stock),
        on_order: bound.on_order.and_then(|column| row.get(column)),
        mean: bound.mean.and_then(|column| row.get(column)),
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
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::plugin::SupplyPlanner;
    use dinrail_sdk::{OutputBinding, SupplyChain, Value};

    fn bindings(items: u32) -> Bindings {
        let mut bound = Bindings::group("demand", items);
        let mut stock = Bindings::group("stock", items).inputs.remove(0);
        stock.columns.iter_mut().for_each(|column| column.index += items);
        bound.inputs.push(stock);
        bound.columns = 2 * items;
        bound.outputs = (0..items)
            .map(|index| OutputBinding {
                output: "orders".into(),
                index,
                tag: format!("order.{index}"),
                unit: String::new(),
                minimum: 0.0,
                maximum: 500.0,
                slew_per_s: None,
            })
            .collect();
        bound
    }

    fn parameters() -> Parameters {
        Parameters::with_defaults(&SupplyPlanner::describe())
            .with("fixed", Value::Number(64.0))
            .with("law", Value::Text("poisson".into()))
            .with("mean", Value::Number(10.0))
    }

    fn state(mode: Mode, ordered: f64) -> OutputState {
        OutputState {
            applied: Some(ordered),
            readback: None,
            mode,
            limited_low: false,
            limited_high: false,
            blocked: false,
            initialise: false,
        }
    }

    #[test]
    fn an_order_is_asked_for_and_withdrawn() {
        let mut task = ReplenishTask::new(&bindings(1), &parameters()).unwrap();
        let mut ask = |stock: f64, mode| {
            let orders = task.replenish(&Frame::of_rows(2, &[10.0, stock]), &[state(mode, 0.0)], |_| Vec::new());
            orders.first().map(|order| (order.output, order.quantity))
        };
        assert_eq!(ask(6.0, Mode::Advise), Some((0, 34.0)));
        assert_eq!(ask(5.0, Mode::Advise), Some((0, 35.0)), "it is asked again while nobody has answered");
        assert_eq!(ask(60.0, Mode::Advise), Some((0, 0.0)), "withdrawn");
        assert_eq!(ask(60.0, Mode::Advise), None);
    }

    #[test]
    fn items_differ_and_a_budget_is_shared() {
        let said = parameters().with("items", Value::Text("shortage 90; fixed 0, mean 20".into()));
        let order = |said: &Parameters| {
            let mut task = ReplenishTask::new(&bindings(2), said).unwrap();
            let orders =
                task.replenish(&Frame::of_rows(4, &[10.0, 20.0, 0.0, 0.0]), &[state(Mode::Auto, 0.0); 2], |_| {
                    Vec::new()
                });
            orders.iter().map(|order| order.quantity).collect::<Vec<f64>>()
        };
        let free = order(&said);
        assert!(free[0] > 40.0 && (24.0..28.0).contains(&free[1]), "{free:?}");
        let tight = order(&said.clone().with("budget", Value::Number(30.0)));
        assert_eq!(tight.iter().sum::<f64>(), 30.0);
    }

    #[test]
    fn a_forecast_of_more_orders_more() {
        let said = parameters().with("law", Value::Text("forecast".into()));
        let order = |mean: f64| {
            let mut task = ReplenishTask::new(&bindings(1), &said).unwrap();
            let quantiles =
                crate::forecast::LEVELS.map(|level| mean + 3.0 * crate::stock::levels::normal_quantile(level));
            let ahead = crate::plugin::periods(&vec![quantiles.to_vec(); 6]);
            assert!((ahead[0].mean - mean).abs() < 1e-6 && (ahead[0].variance - 9.0).abs() < 1e-6, "{ahead:?}");
            let orders = task.replenish(&Frame::of_rows(2, &[10.0, 5.0]), &[state(Mode::Auto, 0.0)], |_| ahead.clone());
            orders.first().map(|order| order.quantity)
        };
        assert!(order(30.0) > order(10.0), "{:?} {:?}", order(30.0), order(10.0));
        // Without a forecast it goes by what it has seen.
        let mut task = ReplenishTask::new(&bindings(1), &said).unwrap();
        assert!(
            !task.replenish(&Frame::of_rows(2, &[10.0, 0.0]), &[state(Mode::Auto, 0.0)], |_| Vec::new()).is_empty()
        );
    }

    #[test]
    fn what_does_not_pair_or_makes_no_sense_is_refused() {
        let refused = |bound: &Bindings, said: Parameters| ReplenishTask::new(bound, &said).is_err();
        let mut unpaired = bindings(2);
        unpaired.outputs.pop();
        assert!(refused(&unpaired, parameters()));
        for (name, value) in [
            ("items", Value::Text("colour 3".into())),
            ("items", Value::Text("lead 1; lead 2".into())),
            ("items", Value::Text("lead".into())),
            ("minimum", Value::Number(600.0)),
            ("mean", Value::Number(0.0)),
            ("holding", Value::Number(0.0)),
        ] {
            assert!(refused(&bindings(1), parameters().with(name, value)), "{name}");
        }
        let mut none = bindings(1);
        none.outputs.clear();
        let mut task = ReplenishTask::new(&none, &parameters()).unwrap();
        assert!(task.replenish(&Frame::of_rows(2, &[1.0, 0.0]), &[], |_| Vec::new()).is_empty());
    }

    #[test]
    fn what_is_saved_goes_on() {
        let learnt = || Parameters::with_defaults(&SupplyPlanner::describe()).with("fixed", Value::Number(64.0));
        let mut one = SupplyPlanner::configure(bindings(1), learnt()).unwrap();
        let rows: Vec<f64> = (0..40).flat_map(|at| [f64::from(8 + at % 5), 500.0]).collect();
        let nothing = dinrail_sdk::Outlook { series: vec![] };
        one.replenish(&Frame::of_rows(2, &rows), &[state(Mode::Auto, 0.0)], &nothing).unwrap();
        let saved = one.save().unwrap();
        let mut other = SupplyPlanner::configure(bindings(1), learnt()).unwrap();
        other.restore(1, &saved).unwrap();
        let now = Frame::of_rows(2, &[10.0, -3.0]);
        let [first, second] = [&mut one, &mut other].map(|plugin| {
            plugin.replenish(&now, &[state(Mode::Auto, 0.0)], &nothing).unwrap().first().map(|order| order.quantity)
        });
        assert!(first.is_some() && first == second, "{first:?} {second:?}");
    }
}
