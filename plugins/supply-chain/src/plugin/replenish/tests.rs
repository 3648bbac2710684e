//! Orders natively: asked for and withdrawn, items and budgets, what is refused, what is saved.

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
            task.replenish(&Frame::of_rows(4, &[10.0, 20.0, 0.0, 0.0]), &[state(Mode::Auto, 0.0); 2], |_| Vec::new());
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
        let quantiles = crate::forecast::LEVELS.map(|level| mean + 3.0 * crate::stock::levels::normal_quantile(level));
        let ahead = crate::plugin::periods(&vec![quantiles.to_vec(); 6]);
        assert!((ahead[0].mean - mean).abs() < 1e-6 && (ahead[0].variance - 9.0).abs() < 1e-6, "{ahead:?}");
        let orders = task.replenish(&Frame::of_rows(2, &[10.0, 5.0]), &[state(Mode::Auto, 0.0)], |_| ahead.clone());
        orders.first().map(|order| order.quantity)
    };
    assert!(order(30.0) > order(10.0), "{:?} {:?}", order(30.0), order(10.0));
    // Without a forecast it goes by what it has seen.
    let mut task = ReplenishTask::new(&bindings(1), &said).unwrap();
    assert!(!task.replenish(&Frame::of_rows(2, &[10.0, 0.0]), &[state(Mode::Auto, 0.0)], |_| Vec::new()).is_empty());
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

#[test]
fn rejects_raise_what_is_ordered() {
    let mut bound = bindings(1);
    for (input, index) in [("planned", 2), ("scrap", 3)] {
        let mut more = Bindings::group(input, 1).inputs.remove(0);
        more.columns.iter_mut().for_each(|column| column.index = index);
        bound.inputs.push(more);
    }
    bound.columns = 4;
    let order = |scrap: f64| {
        let mut task = ReplenishTask::new(&bound, &parameters().with("fixed", Value::Number(0.0))).unwrap();
        let frame = Frame::of_rows(4, &[10.0, 2.0, 5.0, scrap]);
        task.replenish(&frame, &[state(Mode::Auto, 0.0)], |_| Vec::new()).first().map_or(0.0, |order| order.quantity)
    };
    // Review 1, no lead time: what is lost of one period's five.
    assert_eq!(order(0.4) - order(0.0), 2.0);
    assert_eq!(order(f64::NAN), order(0.0), "nobody knows of a loss");
    assert_eq!(order(7.0) - order(0.0), 5.0);
}

#[test]
fn rows_within_a_period_are_not_periods() {
    let said = parameters().with("period", Value::Number(86_400.0));
    let mut task = ReplenishTask::new(&bindings(1), &said).unwrap();
    let mut ask = |hour: i64, stock: f64| {
        let mut frame = Frame::of_rows(2, &[10.0, stock]);
        frame.times_ns = vec![hour * 3_600_000_000_000];
        task.replenish(&frame, &[state(Mode::Auto, 0.0)], |_| Vec::new()).len()
    };
    let asked: Vec<usize> = (0..49).map(|hour| ask(hour, 3.0)).collect();
    assert_eq!(asked.iter().sum::<usize>(), 3, "{asked:?}");
    assert_eq!((asked[0], asked[24], asked[48]), (1, 1, 1));
}

#[test]
fn a_reject_now_and_then_is_a_share() {
    let mut scrap = Scrap::default();
    assert_eq!(scrap.end_period(), 0.0, "nobody tells of one");
    (0..100).for_each(|part| scrap.see(Some(f64::from(u8::from(part % 10 == 0)))));
    assert!((scrap.end_period() - 0.1).abs() < 1e-12);
    (0..10).for_each(|_| scrap.see(Some(0.9)));
    assert!((scrap.end_period() - 0.2).abs() < 1e-12, "an eighth of the way");
    assert!((scrap.end_period() - 0.2).abs() < 1e-12, "a silence says nothing");
}
