//! The plugin natively: when it tells, what it saves, what it refuses.

use dinrail_sdk::{Bindings, Frame, Outlook, Parameters, SupplyChain, Value};

use super::*;

fn plugin(columns: u32, parameters: &[(&str, i64)]) -> SupplyPlanner {
    let defaults = Parameters::with_defaults(&SupplyPlanner::describe());
    let told = parameters.iter().fold(defaults, |all, (name, value)| all.with(name, Value::Integer(*value)));
    SupplyPlanner::configure(Bindings::group("demand", columns), told).expect("it is configured")
}

/// The `at`-th hour.
fn hour(at: i64, values: &[f64]) -> Frame {
    let mut frame = Frame::of_rows(values.len(), values);
    frame.time_ns = at * 3_600_000_000_000;
    frame.times_ns = vec![frame.time_ns];
    frame
}

fn ahead() -> Outlook {
    Outlook { series: Vec::new() }
}

fn run(plugin: &mut SupplyPlanner, hours: std::ops::Range<i64>) -> Vec<usize> {
    let value = |at: i64| 10.0 + (at % 24) as f64;
    let told = hours.map(|at| plugin.forecast(&hour(at, &[value(at), 2.0 * value(at)]), &ahead()));
    told.map(|told| told.expect("a forecast").len()).collect()
}

#[test]
fn each_column_is_forecast_every_so_many_rows() {
    let mut every = plugin(2, &[("horizon", 5), ("every", 3)]);
    assert_eq!(run(&mut every, 0..7), [0, 0, 10, 0, 0, 10, 0]);
    let told = plugin(2, &[("horizon", 5)]).forecast(&hour(0, &[1.0, 2.0]), &ahead());
    assert!(told.expect("an answer").is_empty(), "one row has no distance to the next");
    let told = {
        let mut plugin = plugin(2, &[("horizon", 5)]);
        run(&mut plugin, 0..100);
        plugin.forecast(&hour(100, &[14.0, f64::NAN]), &ahead()).expect("a forecast")
    };
    let of_second: Vec<_> = told.iter().filter(|one| one.column == 1).collect();
    assert_eq!(of_second.iter().map(|one| one.step).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(of_second.iter().all(|one| one.quality == 1) && told[0].quality == 0);
    assert!(told.iter().all(|one| one.quantiles.len() == LEVELS.len()));
}

#[test]
fn a_column_can_say_when_it_is_wanted() {
    let mut bindings = Bindings::group("demand", 2);
    let mut wanted = bindings.inputs[0].clone();
    wanted.input = "wanted".into();
    wanted.columns = bindings.inputs[0].columns.split_off(1);
    bindings.inputs.push(wanted);
    let parameters = Parameters::with_defaults(&SupplyPlanner::describe());
    let mut plugin = SupplyPlanner::configure(bindings, parameters).expect("it is configured");
    let mut told = |at: i64, wanted: f64| {
        let value = 10.0 + (at % 24) as f64;
        plugin.forecast(&hour(at, &[value, wanted]), &ahead()).expect("an answer").len()
    };
    assert_eq!((0..50).map(|at| told(at, 0.0)).sum::<usize>(), 0);
    assert_eq!((told(50, 1.0), told(51, f64::NAN), told(52, 1.0)), (48, 0, 48));
}

#[test]
fn what_is_saved_goes_on_the_same() {
    let mut one = plugin(2, &[("every", 7)]);
    run(&mut one, 0..200);
    let mut other = plugin(2, &[("every", 7)]);
    other.restore(STATE_VERSION, &one.save().expect("a state")).expect("it fits");
    for at in 200..220 {
        let frame = hour(at, &[3.0, 4.0]);
        assert_eq!(one.forecast(&frame, &ahead()), other.forecast(&frame, &ahead()));
    }
    let refused = plugin(3, &[]).restore(STATE_VERSION, &one.save().expect("a state"));
    assert!(matches!(refused, Err(Fault::Configuration(_))), "{refused:?}");
    assert!(plugin(2, &[]).restore(STATE_VERSION, &[1, 2, 3]).is_err());
}

#[test]
fn nothing_is_ordered_without_outputs() {
    let orders = plugin(1, &[]).replenish(&hour(0, &[1.0]), &[], &ahead());
    assert_eq!(orders, Ok(Vec::new()));
}

#[test]
fn rows_within_a_period_are_learnt_once() {
    let period = |seconds: f64| {
        let told = Parameters::with_defaults(&SupplyPlanner::describe()).with("horizon", Value::Integer(5));
        SupplyPlanner::configure(Bindings::group("demand", 2), told.with("period", Value::Number(seconds)))
            .expect("it is configured")
    };
    let (mut each, mut daily) = (period(0.0), period(86_400.0));
    for day in 0..60 {
        let values = [10.0 + (day % 7) as f64, 5.0];
        let told = each.forecast(&hour(24 * day, &values), &ahead()).expect("a forecast");
        assert_eq!(daily.forecast(&hour(24 * day, &values), &ahead()), Ok(told), "day {day}");
        for within in 1..24 {
            assert_eq!(daily.forecast(&hour(24 * day + within, &values), &ahead()), Ok(Vec::new()));
        }
    }
}
