#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use super::*;
use crate::fault::Script;

fn run(stock: &mut Stock, periods: u64) {
    for _ in 0..periods {
        stock.advance(PERIOD_S);
    }
}

/// The twin's cost a period.
fn optimal_cost(item: Item, periods: u64) -> f64 {
    let mut stock = Stock::new(3, item);
    run(&mut stock, periods);
    stock.optimal().unwrap().cost / periods as f64
}

#[test]
fn the_twin_costs_what_the_table_says() {
    for (mean, cost) in [(10.0, 35.022), (25.0, 54.262), (50.0, 70.975)] {
        let seen = optimal_cost(Item::published(mean), 60_000);
        assert!((seen / cost - 1.0).abs() < 0.01, "{mean}: {seen} for {cost}");
    }
    let newsvendor = Item {
        demand: Demand { sd: 8.0, ..Demand::poisson(50.0) },
        terms: Terms { holding: 0.18, shortage: 0.70, fixed: 0.0, lead: 0, lost: false },
        ..Item::published(50.0)
    };
    let seen = optimal_cost(newsvendor, 60_000);
    assert!((seen / 1.9976 - 1.0).abs() < 0.01, "{seen}");
}

#[test]
fn what_is_written_is_ordered_once_and_arrives_in_its_time() {
    let item =
        Item { initial: 100.0, terms: Terms { lead: 2, ..Item::published(10.0).terms }, ..Item::published(10.0) };
    let mut stock = Stock::new(1, item);
    stock.write(0, 40.0);
    stock.write(0, f64::NAN);
    stock.write(0, -5.0);
    stock.write(1, 7.0);
    let mut courses = Vec::new();
    for _ in 0..3 {
        stock.advance(PERIOD_S);
        courses.push(stock.shelf().on_order());
    }
    assert_eq!(courses, [40.0, 40.0, 0.0]);
    stock.write(0, 5.0);
    stock.write(0, 5.0);
    assert_eq!(stock.shelf().on_order(), 10.0);
}

#[test]
fn slices_do_not_matter_and_nothing_is_sold_before_the_first_period() {
    let mut whole = Stock::new(7, Item::published(10.0));
    let mut sliced = whole.clone();
    let mut readings = Vec::new();
    whole.read(&mut readings);
    assert!(matches!(readings[0].value, Value::Number(sold) if sold.is_nan()));
    whole.advance(50.0 * PERIOD_S);
    (0..50 * 36_000).for_each(|_| sliced.advance(0.1));
    assert_eq!(whole.shelf(), sliced.shelf());
    assert_eq!(whole.truth().cost, sliced.truth().cost);
}

#[test]
fn settings_make_other_items_and_nonsense_is_refused() {
    let build = |name: &str, value: f64| {
        let mut options = Options::new(1, Script::none());
        options.settings.insert(name.to_owned(), value);
        Stock::from_options(&options)
    };
    assert_eq!(build("mean", 30.0).unwrap().item.demand.mean, 30.0);
    assert!(build("lost", 1.0).unwrap().item.terms.lost);
    for (name, value) in [("mean", 0.0), ("idle", 1.0), ("holding", 0.0), ("fixed", f64::NAN), ("colour", 1.0)] {
        assert!(build(name, value).is_err(), "{name}");
    }
    let seventh = Stock::from_options(&Options::new(7, Script::none())).unwrap();
    assert_eq!(seventh.item.demand.mean, 12.0);
}

#[test]
fn seasons_reviews_and_trends_have_a_twin() {
    let base = Item::published(10.0);
    let flat = optimal_cost(base, 20_000);
    let seasonal = optimal_cost(Item { season: 0.5, season_periods: 4, ..base }, 20_000);
    assert!((0.7..1.3).contains(&(seasonal / flat)), "{seasonal} for {flat}");
    assert!(optimal_cost(Item { review: 3, ..base }, 20_000) > flat);
    let grown = optimal_cost(Item { trend: 1.5, trend_periods: 500, ..base }, 20_000);
    assert!((grown / 54.262 - 1.0).abs() < 0.05, "{grown}: a mean of 25 in the end");
}
