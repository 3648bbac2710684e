//! Prices that are not bound, end in the middle of a run, or count from another moment.

use dinrail_sdk::{Column, InputBinding, Quality, SeriesBinding, Value};

use super::*;
use crate::plugin::EnergyOptimizer;
use dinrail_sdk::EnergyOptimization as _;

const HOUR_NS: i64 = 3_600_000_000_000;

fn bindings(outlook: &[&str], inputs: &[&str]) -> Bindings {
    let column = |index| Column { index, tag: String::new(), unit: String::new(), minimum: None, maximum: None };
    let input = |(index, name): (u32, &&str)| InputBinding { input: (*name).to_owned(), columns: vec![column(index)] };
    let output = |(index, name): (u32, &str)| OutputBinding {
        output: name.to_owned(),
        index,
        tag: String::new(),
        unit: "kW.h".to_owned(),
        minimum: 0.0,
        maximum: 10.0,
        slew_per_s: None,
    };
    let series = |name: &&str| SeriesBinding { series: (*name).to_owned(), unit: String::new() };
    let bound: Vec<&str> = ["load", "charge"].iter().chain(inputs).copied().collect();
    Bindings {
        asset: None,
        inputs: (0..).zip(&bound).map(input).collect(),
        outputs: (0..).zip(["charge_to", "discharge_to"]).map(output).collect(),
        outlook: outlook.iter().map(series).collect(),
        columns: bound.len() as u32,
        window: 1,
    }
}

fn task(bindings: &Bindings) -> Result<StorageTask, Fault> {
    StorageTask::new(bindings, &Parameters::with_defaults(&EnergyOptimizer::describe()))
}

fn prices(start_ns: i64, values: &[f64]) -> Outlook {
    let series = Series {
        name: "price".to_owned(),
        unit: String::new(),
        start_ns,
        step_ns: HOUR_NS.unsigned_abs(),
        values: values.to_vec(),
        known_at_ns: 0,
    };
    Outlook { series: if values.is_empty() { Vec::new() } else { vec![series] } }
}

/// A plan at an hour, of a site that uses 1 kW and holds 5 kWh.
fn at(task: &mut StorageTask, time_ns: i64, outlook: &Outlook) -> EnergyPlan {
    let frame = Frame { time_ns, times_ns: vec![time_ns], ..Frame::of_rows(2, &[1.0, 5.0]) };
    task.plan(&frame, &[], outlook).expect("a plan")
}

#[test]
fn a_battery_without_a_price_is_refused() {
    let refused = task(&bindings(&[], &[])).err();
    assert!(matches!(&refused, Some(Fault::Configuration(why)) if why.contains("no price is bound")), "{refused:?}");
    assert!(task(&bindings(&["price"], &[])).is_ok());
    assert!(task(&bindings(&[], &["price"])).is_ok());
    assert!(task(&bindings(&["export_price"], &[])).is_err());
}

#[test]
fn prices_that_end_are_said_and_make_the_plan_uncertain() {
    let mut task = task(&bindings(&["price"], &[])).expect("a price is bound");
    let day: Vec<f64> = (0..24).map(|hour| if hour < 6 { 10.0 } else { 40.0 }).collect();
    for hour in 0..48 {
        let left: Vec<f64> = (hour..48).map(|hour| day[hour as usize % 24]).collect();
        let plan = at(&mut task, hour * HOUR_NS, &prices(hour * HOUR_NS, &left));
        assert_eq!(plan.quality, Quality::Good.code(), "{hour}");
    }
    let ended = at(&mut task, 48 * HOUR_NS, &prices(0, &[]));
    assert_eq!(ended.quality, Quality::Uncertain.code());
    assert!(ended.proposals.iter().all(|p| p.reason.contains("no price is known") && p.confidence <= 0.1));
    let again = at(&mut task, 49 * HOUR_NS, &prices(49 * HOUR_NS, &day));
    assert_eq!(again.quality, Quality::Good.code());
}

/// The last day's prices were read from their first hour on at every call, and so slipped against the clock.
#[test]
fn prices_of_the_last_day_keep_their_hours() {
    let day: Vec<f64> = (0..24).map(|hour| if hour < 6 { 10.0 } else { 40.0 }).collect();
    let mut tasks = [0, 1].map(|_| task(&bindings(&["price"], &[])).expect("a price is bound"));
    for hour in 0..60 {
        let known: Vec<f64> = (hour..hour + 24).map(|hour| day[hour as usize % 24]).collect();
        let told = prices(hour * HOUR_NS, &known);
        let ended = if hour < 48 { told.clone() } else { prices(0, &[]) };
        let plans = [at(&mut tasks[0], hour * HOUR_NS, &told), at(&mut tasks[1], hour * HOUR_NS, &ended)];
        let [one, other] = plans.map(|plan| plan.schedule.iter().map(|step| step.setpoint).collect::<Vec<_>>());
        assert_eq!(one, other, "hour {hour}");
    }
}

#[test]
fn a_battery_whose_price_never_came_says_so() {
    let mut task = task(&bindings(&["price"], &[])).expect("a price is bound");
    let plan = at(&mut task, 0, &prices(0, &[]));
    assert_eq!(plan.quality, Quality::Uncertain.code());
    assert!(plan.proposals[0].reason.contains("buys nothing"), "{plan:?}");
}

/// A simulated plant's schedule that began at 10:23 told nothing of the hour from 10:00 on, and so nothing at all.
#[test]
fn a_series_that_began_within_the_present_step_counts() {
    let Some(series) = prices(HOUR_NS * 23 / 60, &[1.0, 2.0, 3.0]).series.pop() else { panic!("a series") };
    let read = |minutes: i64| resample(&series, (minutes / 60, minutes * HOUR_NS / 60), HOUR_NS, 5);
    assert_eq!(read(30), [1.0, 1.0, 2.0, 3.0]);
    assert_eq!(read(50), [1.0, 1.0, 2.0, 3.0]);
    assert_eq!(read(85), [2.0, 2.0, 3.0]);
    assert!(read(5).is_empty(), "before it begins nothing is known of now");
}

/// Plans hour by hour at a site that uses 1 kW and holds 5 kWh: what is proposed first for `charge_to` and
/// `discharge_to`. The forecast of each hour is the last column, if it is bound.
fn hourly(task: &mut StorageTask, hours: std::ops::Range<i64>, forecast: impl Fn(i64) -> Option<f64>) -> EnergyPlan {
    let mut plan = nothing();
    for hour in hours {
        let prices = prices(hour * HOUR_NS, &(hour..hour + 30).map(dear_evening).collect::<Vec<_>>());
        let mut row = vec![1.0, 5.0];
        row.extend(forecast(hour));
        let time_ns = hour * HOUR_NS;
        let frame = Frame { time_ns, times_ns: vec![time_ns], ..Frame::of_rows(row.len(), &row) };
        plan = task.plan(&frame, &[], &prices).expect("a plan");
    }
    plan
}

fn dear_evening(hour: i64) -> f64 {
    match hour.rem_euclid(24) {
        0..6 => 10.0,
        17..21 => 60.0,
        _ => 30.0,
    }
}

fn forecasting() -> StorageTask {
    task(&bindings(&["price"], &["load_next"])).expect("a price is bound")
}

fn plain() -> StorageTask {
    task(&bindings(&["price"], &[])).expect("a price is bound")
}

#[test]
fn a_forecast_peak_changes_the_first_orders_and_is_not_remembered() {
    let (mut without, mut with) = (plain(), forecasting());
    let usual = hourly(&mut without, 0..88, |_| None);
    let warned = hourly(&mut with, 0..88, |hour| Some(if hour == 87 { 4.0 } else { 1.0 }));
    let discharge_to = |plan: &EnergyPlan| plan.proposals[1].setpoint;
    // At 15 h: what the evening takes is kept, and more of it where more is expected.
    assert!(discharge_to(&usual) + 0.5 < discharge_to(&warned), "{usual:?} {warned:?}");
    assert_eq!(with.save(), without.save(), "what was used is remembered, not what was expected");
}

#[test]
fn nothing_changes_without_a_forecast() {
    let (mut without, mut with) = (plain(), forecasting());
    for hours in [0..1, 1..7, 7..60] {
        let usual = hourly(&mut without, hours.clone(), |_| None);
        assert_eq!(hourly(&mut with, hours, |_| Some(f64::NAN)), usual);
    }
}

/// In the first days it only stored surplus, of which a site without a roof has none.
#[test]
fn until_a_day_is_known_the_forecast_is_what_it_plans_from() {
    let (mut without, mut with) = (plain(), forecasting());
    let waits = hourly(&mut without, 0..6, |_| None);
    assert_eq!(waits.proposals[0].setpoint, 0.0);
    let plans = hourly(&mut with, 0..6, |_| Some(1.0));
    let reason = |plan: &EnergyPlan| plan.proposals[0].reason.clone();
    assert_eq!(reason(&waits), "stores surplus until a day is known");
    assert_eq!(reason(&plans), "the forecast's load alone, until a day is known");
    assert!(plans.proposals.iter().all(|proposal| proposal.confidence == 0.1));
    assert!(plans.proposals[0].setpoint > 4.0, "it buys in the last cheap hour: {plans:?}");
    let evening = hourly(&mut with, 6..18, |_| Some(1.0));
    assert_eq!(reason(&evening), reason(&plans));
    assert!(evening.proposals[1].setpoint < 3.0, "it serves when it is dear: {evening:?}");
    let known = hourly(&mut with, 18..30, |_| Some(1.0));
    assert_eq!(reason(&known), "the levels that are expected to cost least");
}

#[test]
fn a_forecast_of_what_is_read_already_is_refused() {
    let parameters = Parameters::with_defaults(&EnergyOptimizer::describe());
    let parameters = parameters.with("readings", Value::Text("present".to_owned()));
    let refused = StorageTask::new(&bindings(&["price"], &["load_next"]), &parameters).err();
    assert!(matches!(&refused, Some(Fault::Configuration(why)) if why.contains("is read already")), "{refused:?}");
}
