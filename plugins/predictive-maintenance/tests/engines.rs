//! Engines made up by the training script: features, life and interval as the script computed them, through the plugin's
//! own rows with the shipped model in tract.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dinrail_sdk::{Bindings, Column, Fault, Frame, InputBinding};
use predictive_maintenance::fleet::machine::Predict;
use predictive_maintenance::fleet::tables::{Table, TableError, Tables};
use predictive_maintenance::plugin::Fleet;
use serde::Deserialize;
use tract_onnx::prelude::*;

#[derive(Deserialize)]
struct Generated {
    settings: Vec<String>,
    sensors: Vec<String>,
    engines: Vec<Engine>,
}

#[derive(Deserialize)]
struct Engine {
    settings: Vec<Vec<f64>>,
    sensors: Vec<Vec<Option<f64>>>,
    /// By row.
    features: BTreeMap<usize, Vec<f32>>,
    life: Vec<f64>,
    low: Vec<f64>,
    high: Vec<Option<f64>>,
}

/// The shipped model in tract, for one row at a time.
struct Native(Arc<TypedSimplePlan>);

impl Native {
    fn new(width: usize) -> Self {
        let model = tract_onnx::onnx().with_ignore_value_info(true).model_for_path(model("model.onnx")).unwrap();
        let fixed = model.with_input_fact(0, f32::fact([1, width]).into()).unwrap();
        Native(fixed.into_optimized().unwrap().into_runnable().unwrap())
    }
}

impl Predict for Native {
    type Error = anyhow::Error;

    fn predict(&mut self, features: &[f32]) -> anyhow::Result<f64> {
        let out = self.0.run(tvec!(Tensor::from_shape(&[1, features.len()], features)?.into()))?;
        Ok(f64::from(out[0].to_plain_array_view::<f32>()?[[0, 0]]))
    }
}

fn model(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/turbofan-life").join(file)
}

fn tables() -> Tables {
    let load = |name: &str| -> Result<Table, TableError> {
        let mut reader = csv::Reader::from_path(model(&format!("tables/{name}.csv"))).unwrap();
        let columns = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let cell = |cell: &str| if cell.is_empty() { f64::NAN } else { cell.parse().unwrap() };
        let values = reader.records().flat_map(|row| row.unwrap().iter().map(cell).collect::<Vec<f64>>()).collect();
        Ok(Table { columns, values })
    };
    Tables::read(load).unwrap()
}

fn generated() -> Generated {
    serde_json::from_slice(&std::fs::read(model("engines.json")).unwrap()).unwrap()
}

/// Sensors and settings as columns, in the order of the description; one tag more than is needed.
fn bindings(sensors: &[String], settings: &[String]) -> Bindings {
    let column = |(index, tag): (usize, &String)| Column {
        index: index as u32,
        tag: tag.clone(),
        unit: String::new(),
        minimum: None,
        maximum: None,
    };
    let all: Vec<Column> = sensors.iter().chain(settings).enumerate().map(column).collect();
    let (sensors, settings) = all.split_at(sensors.len());
    let bind = |input: &str, columns: &[Column]| InputBinding { input: input.into(), columns: columns.to_vec() };
    let inputs = vec![bind("sensors", sensors), bind("settings", settings)];
    Bindings { asset: None, inputs, outputs: Vec::new(), outlook: Vec::new(), columns: all.len() as u32, window: 1 }
}

fn frame(engine: &Engine, row: usize) -> Frame {
    let sensors = engine.sensors[row].iter().map(|value| value.unwrap_or(f64::NAN));
    let values: Vec<f64> = sensors.chain(engine.settings[row].iter().copied()).collect();
    let mut frame = Frame::of_rows(values.len(), &values);
    for (value, quality) in values.iter().zip(&mut frame.quality) {
        *quality = if value.is_finite() { 0 } else { 2 };
    }
    frame
}

fn near(given: f64, expected: f64, what: &str) {
    assert!((given - expected).abs() < 0.02, "{what}: {given}, expected {expected}");
}

#[test]
fn a_generated_engine_lives_as_the_training_script_says() {
    let generated = generated();
    for (number, engine) in generated.engines.iter().enumerate() {
        let mut fleet = Fleet::new(&bindings(&generated.sensors, &generated.settings), tables()).unwrap();
        let mut native = Native::new(fleet.features().len());
        for row in 0..engine.life.len() {
            let results = fleet.assess(&frame(engine, row), &mut native).unwrap();
            let [health] = results.as_slice() else { panic!("one result a row") };
            let (life, what) = (health.life.as_ref().unwrap(), format!("engine {number}, row {row}"));
            near(life.rul, engine.life[row], &what);
            near(life.rul_lo, engine.low[row], &what);
            near(life.rul_hi.unwrap_or(-1.0), engine.high[row].unwrap_or(-1.0), &what);
            near(health.index, engine.life[row] / 125.0, &what);
            if let Some(expected) = engine.features.get(&row) {
                let given = fleet.features();
                assert_eq!(given.len(), expected.len());
                let same = given.iter().zip(expected).all(|(given, expected)| (given - expected).abs() < 1e-4);
                assert!(same, "{what}: {given:?}, expected {expected:?}");
            }
        }
    }
}

#[test]
fn a_restored_instance_goes_on_as_if_nothing_had_happened() {
    let generated = generated();
    let engine = &generated.engines[1];
    let bindings = bindings(&generated.sensors, &generated.settings);
    let mut whole = Fleet::new(&bindings, tables()).unwrap();
    let mut native = Native::new(whole.features().len());
    let mut resumed = Fleet::new(&bindings, tables()).unwrap();
    for row in 0..engine.life.len() {
        if row == 30 {
            let state = whole.save().unwrap();
            assert!(matches!(resumed.restore(2, &state), Err(Fault::Configuration(_))));
            assert!(matches!(resumed.restore(1, &state[..state.len() / 2]), Err(Fault::Configuration(_))));
            resumed.restore(1, &state).unwrap();
        }
        let expected = whole.assess(&frame(engine, row), &mut native).unwrap();
        if row >= 30 {
            assert_eq!(resumed.assess(&frame(engine, row), &mut native).unwrap(), expected, "row {row}");
        }
    }
}

#[test]
fn a_tag_that_is_missing_is_named() {
    let generated = generated();
    let refused = |sensors: &[String], settings: &[String]| match Fleet::new(&bindings(sensors, settings), tables()) {
        Err(Fault::Configuration(message)) => message,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("not refused"),
    };
    assert!(refused(&generated.sensors[1..], &generated.settings).contains("the tables need `s2`"));
    assert!(refused(&generated.sensors, &generated.settings[..2]).contains("need `setting3`"));
    let mut renamed = generated.sensors.clone();
    renamed.iter_mut().for_each(|tag| *tag = format!("engine.{tag}"));
    renamed.push("s99".into());
    assert!(Fleet::new(&bindings(&renamed, &generated.settings), tables()).is_ok());
}
