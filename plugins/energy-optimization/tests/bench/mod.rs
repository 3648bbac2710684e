//! A home under the plugin, as a host would run it: a row a step, orders until the next.
#![allow(dead_code, clippy::unwrap_used, reason = "each user needs a part; a test may fail by panicking")]

use std::time::{Duration, Instant};

use dinrail_sdk::{
    Bindings, Column, EnergyOptimization, EnergyPlan, Frame, InputBinding, Outlook, OutputBinding, Parameters, Series,
    SeriesBinding, Value,
};
use dinrail_sim::home::{Home, HomeSeries, HomeSettings, UNLIMITED_KW};
use dinrail_sim::{Account, Plant};
use energy_optimization::plugin::EnergyOptimizer;

/// Each input, and the signals that it may be bound to: for readings of the past and of the present.
const INPUTS: [(&str, [&str; 2]); 9] = [
    ("load", ["home.load_last", "home.load"]),
    ("pv", ["home.pv_last", "home.pv"]),
    ("charge", ["home.charge"; 2]),
    ("grid", ["home.grid"; 2]),
    ("price", ["home.price"; 2]),
    ("period", ["home.period"; 2]),
    ("due", ["home.due"; 2]),
    ("due_time", ["home.due_time"; 2]),
    ("period_left", ["home.period_left"; 2]),
];
const OUTPUTS: [&str; 5] = ["charge_to", "discharge_to", "surplus_to", "import_limit", "shiftable_power"];
/// Monday, 1 January 2024, 0 h UTC.
const START_NS: i64 = 1_704_067_200_000_000_000;

/// How the plugin is bound and what goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Course {
    /// Bound to readings of the step that begins, not of the one that ended.
    pub(crate) present: bool,
    /// Hours of the tariff that are known ahead.
    pub(crate) known_h: usize,
    /// One reading of load and one of generation in so many is missing; 0: none.
    pub(crate) missing: u64,
}

impl Course {
    pub(crate) const PRESENT: Course = Course { present: true, known_h: 24, missing: 0 };
    pub(crate) const PAST: Course = Course { present: false, ..Course::PRESENT };
}

fn bindings(present: bool) -> Bindings {
    let input = |(index, (input, signals)): (u32, &(&str, [&str; 2]))| InputBinding {
        input: (*input).to_owned(),
        columns: vec![Column {
            index,
            tag: signals[usize::from(present)].to_owned(),
            unit: String::new(),
            minimum: None,
            maximum: None,
        }],
    };
    let output = |(index, output): (u32, &&str)| OutputBinding {
        output: (*output).to_owned(),
        index,
        tag: format!("home.{output}"),
        unit: String::new(),
        minimum: 0.0,
        maximum: UNLIMITED_KW,
        slew_per_s: None,
    };
    Bindings {
        asset: None,
        inputs: (0..).zip(&INPUTS).map(input).collect(),
        outputs: (0..).zip(&OUTPUTS).map(output).collect(),
        outlook: vec![SeriesBinding { series: "price".to_owned(), unit: "{money}/kW/h".to_owned() }],
        columns: INPUTS.len() as u32,
        window: 1,
    }
}

/// The plugin for a home of these settings.
pub(crate) fn plugin(series: &HomeSeries, settings: &HomeSettings, present: bool) -> EnergyOptimizer {
    let (battery, terms) = (&settings.battery, &settings.terms);
    let number = Value::Number;
    let parameters = Parameters::with_defaults(&EnergyOptimizer::describe())
        .with("capacity", number(battery.capacity_kwh))
        .with("power", number(battery.power_kw))
        .with("efficiency", number(battery.efficiency))
        .with("step", number(series.step_s))
        .with("readings", Value::Text(if present { "present" } else { "past" }.to_owned()))
        .with("wear", number(terms.wear))
        .with("demand_charge", number(terms.demand_charge))
        .with("export_price", number(terms.export_price))
        .with("export_limit", number(terms.export_limit_kw.unwrap_or(0.0)))
        .with("shiftable_limit", number(terms.shiftable.first().map_or(0.0, |window| window.power_kw)));
    EnergyOptimizer::configure(bindings(present), parameters).unwrap()
}

/// The row of this moment.
pub(crate) fn frame(home: &mut Home, course: Course, step: usize) -> Frame {
    let mut out = Vec::new();
    home.read(&mut out);
    let value = |name: &str| {
        let at = home.signals().iter().position(|signal| signal.name == name).unwrap();
        match out[at].value {
            dinrail_sim::Value::Number(value) => value,
            dinrail_sim::Value::Block { .. } => panic!("{name} is a waveform"),
        }
    };
    let row: Vec<f64> = INPUTS.iter().map(|(_, signals)| value(signals[usize::from(course.present)])).collect();
    let mut frame = Frame::of_rows(row.len(), &row);
    for column in 0..2 {
        // Scattered without a pattern of days: a multiplicative hash of step and column.
        let draw = ((2 * step as u64 + column as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 33;
        if course.missing > 0 && draw.is_multiple_of(course.missing) {
            frame.quality[column] = 3;
        }
    }
    let time_ns = START_NS + (step as f64 * home.series().step_s * 1e9).round() as i64;
    frame.time_ns = time_ns;
    frame.times_ns = vec![time_ns];
    frame
}

/// What is known ahead at that step.
pub(crate) fn outlook(series: &HomeSeries, course: Course, step: usize, time_ns: i64) -> Outlook {
    let steps = (course.known_h as f64 * 3600.0 / series.step_s).round() as usize;
    let values: Vec<f64> = series.price.iter().skip(step).take(steps).copied().collect();
    let price = Series {
        name: "price".to_owned(),
        unit: String::new(),
        start_ns: time_ns,
        step_ns: (series.step_s * 1e9) as u64,
        values,
        known_at_ns: time_ns,
    };
    Outlook { series: if steps > 0 { vec![price] } else { Vec::new() } }
}

/// Writes a plan's orders to the home.
pub(crate) fn obey(home: &mut Home, plan: &EnergyPlan) {
    plan.proposals.iter().for_each(|proposal| home.write(proposal.output as usize, proposal.setpoint));
}

/// Runs the home to its series' end; also the mean time of a call.
pub(crate) fn run(series: HomeSeries, settings: HomeSettings, course: Course) -> (Account, Duration) {
    let mut plugin = plugin(&series, &settings, course.present);
    let steps = series.price.len();
    let step_s = series.step_s;
    let mut home = Home::new(series, settings).unwrap();
    let mut calls = Duration::ZERO;
    for step in 0..steps {
        let frame = frame(&mut home, course, step);
        let outlook = outlook(home.series(), course, step, frame.time_ns);
        let begun = Instant::now();
        let plan = plugin.plan(&frame, &[], &outlook).unwrap();
        calls += begun.elapsed();
        obey(&mut home, &plan);
        home.advance(step_s);
    }
    (home.account().unwrap(), calls / steps as u32)
}

/// The share of hindsight's saving.
pub(crate) fn share(account: &Account) -> f64 {
    (account.baseline - account.cost) / (account.baseline - account.optimum)
}
