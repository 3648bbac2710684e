#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use dinrail_sdk::{InputBinding, Mode, OutputBinding, Quality, Value};

use super::*;

const NETWORK: &str = "a + b -> 2 c; b + 2 c -> p + 2 e; c + 0.5 p -> 1.5 g";
/// Columns of a row: profit, permit, six fractions, two feeds, temperature.
const WIDTH: usize = 11;

fn column(index: u32, tag: &str) -> Column {
    Column { index, tag: tag.to_owned(), unit: String::new(), minimum: None, maximum: None }
}

fn bindings() -> Bindings {
    let input = |input: &str, first: u32, tags: &[&str]| InputBinding {
        input: input.to_owned(),
        columns: (first..).zip(tags).map(|(index, tag)| column(index, tag)).collect(),
    };
    let output = |index: u32, tag: &str, unit: &str, minimum: f64, maximum: f64| OutputBinding {
        output: "setpoints".to_owned(),
        index,
        tag: tag.to_owned(),
        unit: unit.to_owned(),
        minimum,
        maximum,
        slew_per_s: Some(0.01),
    };
    Bindings {
        asset: None,
        inputs: vec![
            input("objective", 0, &["reactor.profit"]),
            input("permit", 1, &["reactor.permit"]),
            input("fractions", 2, &["r.x_a", "r.x_b", "r.x_c", "r.x_e", "r.x_g", "r.x_p"]),
            input("feeds", 8, &["r.f_a", "r.f_b"]),
            input("temperature", 10, &["r.temp"]),
        ],
        outputs: vec![output(0, "fb_sp", "kg/s", 3.0, 6.0), output(1, "temp_sp", "Cel", 70.0, 100.0)],
        outlook: Vec::new(),
        columns: WIDTH as u32,
        window: 1,
    }
}

fn parameters(reactions: &str, sets: &str) -> Parameters {
    let text = |text: &str| Value::Text(text.to_owned());
    Parameters::with_defaults(&ProcessOptimizer::describe())
        .with("reactions", text(reactions))
        .with("sets", text(sets))
        .with("tank_mass", Value::Number(2105.0))
}

fn states(initialise: bool) -> Vec<OutputState> {
    let state = |applied| OutputState {
        applied: Some(applied),
        readback: None,
        mode: Mode::Auto,
        limited_low: false,
        limited_high: false,
        blocked: false,
        initialise,
    };
    vec![state(4.0), state(80.0)]
}

/// The reactor at rest, to four digits.
const ROW: [f64; WIDTH] = [175.6, 1.0, 0.1246, 0.4069, 0.0203, 0.2744, 0.0628, 0.1110, 1.8275, 4.0, 80.0];

fn refusal(bindings: Bindings, parameters: Parameters) -> String {
    match ProcessOptimizer::configure(bindings, parameters) {
        Err(Fault::Configuration(reason)) => reason,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn it_stays_at_first_then_climbs_and_obeys_the_permit() {
    for (reactions, sets) in [("", ""), (NETWORK, "b, temperature")] {
        let mut plugin = ProcessOptimizer::configure(bindings(), parameters(reactions, sets)).unwrap();
        let mut last = Vec::new();
        for scan in 0..40_i64 {
            let mut frame = Frame::of_rows(WIDTH, &ROW);
            frame.time_ns = scan * 6_000_000_000;
            last = plugin.optimize(&frame, &states(false)).unwrap();
            assert_eq!(last.len(), 2);
            if scan < 15 {
                assert_eq!((last[0].setpoint, last[1].setpoint), (4.0, 80.0));
            }
        }
        assert!(last[0].setpoint != 4.0 || last[1].setpoint != 80.0, "{last:?}");
        let within = |p: &Proposal| (3.0..=6.0).contains(&p.setpoint) || (70.0..=100.0).contains(&p.setpoint);
        assert!(last.iter().all(|p| within(p) && (0.0..=1.0).contains(&p.confidence)), "{last:?}");

        let mut frame = Frame::of_rows(WIDTH, &ROW);
        let handed_over = plugin.optimize(&frame, &states(true)).unwrap();
        assert_eq!(handed_over.iter().map(|p| p.setpoint).collect::<Vec<_>>(), [4.0, 80.0]);
        frame.values[1] = 0.0;
        assert_eq!(plugin.optimize(&frame, &states(false)).unwrap(), []);
        frame.values[1] = 1.0;
        for bad in [0, 1] {
            let mut frame = frame.clone();
            frame.quality[bad] = Quality::Bad.code();
            assert_eq!(plugin.optimize(&frame, &states(false)).unwrap(), [], "column {bad}");
        }
    }
}

#[test]
fn what_was_saved_is_restored_by_the_same_configuration_only() {
    let configure = |reactions, sets| ProcessOptimizer::configure(bindings(), parameters(reactions, sets)).unwrap();
    let (mut plugin, mut other) = (configure(NETWORK, "b, temperature"), configure("", ""));
    for _ in 0..30 {
        plugin.optimize(&Frame::of_rows(WIDTH, &ROW), &states(false)).unwrap();
    }
    let state = plugin.save().unwrap();
    assert!(configure(NETWORK, "b, temperature").restore(1, &state).is_ok());
    assert!(matches!(other.restore(1, &state), Err(Fault::Configuration(_))));
}

#[test]
fn what_cannot_work_is_refused_at_configuration_with_the_reason() {
    for (reactions, sets, reason) in [
        ("a + b -> c", "b, temperature", "does not keep the mass"),
        (NETWORK, "b", "names 1 things for 2 setpoints"),
        (NETWORK, "b, c", "neither a bound feed's species"),
        (NETWORK, "temperature, b", "unit is `kg/s`, not `Cel`"),
        ("a + b -> 2 z", "b, temperature", "species `z`"),
    ] {
        let given = refusal(bindings(), parameters(reactions, sets));
        assert!(given.contains(reason), "{given}");
    }
    let limits = |reactions, text: &str| {
        refusal(bindings(), parameters(reactions, "b, temperature").with("limits", Value::Text(text.to_owned())))
    };
    assert!(limits(NETWORK, "z <= 0.1").contains("no reaction knows a species `z`"));
    assert!(limits(NETWORK, "a < 0.1").contains("is not a limit"));
    assert!(limits("", "a <= 0.1").contains("needs `reactions`"));
    let mut none = bindings();
    none.outputs.clear();
    assert!(refusal(none, parameters("", "")).contains("0 setpoints"));
    let mut endless = bindings();
    endless.outputs[0].maximum = f64::INFINITY;
    assert!(refusal(endless, parameters("", "")).contains("needs a range"));
    let mut blind = bindings();
    blind.inputs.retain(|input| input.input != "temperature");
    assert!(refusal(blind, parameters(NETWORK, "b, temperature")).contains("needs the input `temperature`"));
}

/// Three units: demand, three powers, three costs, permit.
fn sharing() -> Bindings {
    let input = |input: &str, first: u32, tags: &[&str]| InputBinding {
        input: input.to_owned(),
        columns: (first..).zip(tags).map(|(index, tag)| column(index, tag)).collect(),
    };
    let output = |index: u32, tag: &str, minimum: f64, maximum: f64| OutputBinding {
        output: "setpoints".to_owned(),
        index,
        tag: tag.to_owned(),
        unit: "MW".to_owned(),
        minimum,
        maximum,
        slew_per_s: Some(1.0),
    };
    Bindings {
        asset: None,
        inputs: vec![
            input("demand", 0, &["demand"]),
            input("powers", 1, &["p_1", "p_2", "p_3"]),
            input("costs", 4, &["c_1", "c_2", "c_3"]),
            input("permit", 7, &["permit"]),
        ],
        outputs: vec![output(0, "sp_1", 150.0, 600.0), output(1, "sp_2", 100.0, 400.0), output(2, "sp_3", 50.0, 200.0)],
        outlook: Vec::new(),
        columns: 8,
        window: 1,
    }
}

fn method(name: &str) -> Parameters {
    Parameters::with_defaults(&ProcessOptimizer::describe()).with("method", Value::Text(name.to_owned()))
}

#[test]
fn a_demand_is_shared_and_nothing_is_said_without_it() {
    let mut plugin = ProcessOptimizer::configure(sharing(), method("share")).unwrap();
    let states: Vec<OutputState> = [400.0, 300.0, 120.0]
        .iter()
        .zip(states(false).into_iter().cycle())
        .map(|(applied, state)| OutputState { applied: Some(*applied), ..state })
        .collect();
    // The demand is 30 MW more than the setpoints: within a minute's slew.
    let row = [850.0, 400.0, 300.0, 120.0, 3979.0, 2840.0, 1104.0, 1.0];
    let mut frame = Frame::of_rows(8, &row);
    plugin.optimize(&frame, &states).unwrap();
    frame.time_ns = 60_000_000_000;
    let proposals = plugin.optimize(&frame, &states).unwrap();
    let sum: f64 = proposals.iter().map(|proposal| proposal.setpoint).sum();
    assert!(proposals.len() == 3 && (sum - 850.0).abs() < 1e-6, "{proposals:?}");
    for (bad, said) in [(0, 0), (7, 0), (1, 3), (4, 3)] {
        let mut frame = frame.clone();
        frame.quality[bad] = Quality::Bad.code();
        assert_eq!(plugin.optimize(&frame, &states).unwrap().len(), said, "column {bad}");
    }
}

#[test]
fn the_seeker_rests_then_swings() {
    let mut bindings = bindings();
    bindings.inputs.truncate(2);
    let mut plugin = ProcessOptimizer::configure(bindings, method("seek")).unwrap();
    let mut last = Vec::new();
    for scan in 0..60_i64 {
        let mut frame = Frame::of_rows(WIDTH, &ROW);
        frame.time_ns = scan * 60_000_000_000;
        last = plugin.optimize(&frame, &states(false)).unwrap();
        assert!(scan >= 15 || (last[0].setpoint, last[1].setpoint) == (4.0, 80.0), "{last:?}");
    }
    assert!(last[0].setpoint != 4.0 && last[1].setpoint != 80.0, "{last:?}");
}

#[test]
fn methods_without_what_they_need_are_refused() {
    let without = |input: &str| {
        let mut bindings = sharing();
        bindings.inputs.retain(|binding| binding.input != input);
        bindings
    };
    assert!(refusal(without("demand"), method("share")).contains("`share` needs the input `demand`"));
    assert!(refusal(without("costs"), method("share")).contains("3 setpoints, 3 powers and 0 costs"));
    assert!(refusal(sharing(), method("seek")).contains("`objective`"));
    assert!(refusal(sharing(), method("guess")).contains("no method `guess`"));
    let mut lone = sharing();
    lone.outputs.truncate(1);
    assert!(refusal(lone, method("share")).contains("2 to 8 can share"));
    let mut blind = bindings();
    blind.inputs.retain(|binding| binding.input != "fractions");
    assert!(refusal(blind, method("reactions")).len() > 10);
}
