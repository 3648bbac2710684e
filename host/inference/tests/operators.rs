//! Our own operators against onnxruntime, over the models that `operators/generate.py` writes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_core::inference::{Model, Tensor};
use dinrail_inference::Catalog;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Largest difference, of the output's largest value or 1.
const TOLERANCE: f32 = 1e-5;

fn models() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operators/models");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "onnx"));
    paths.sort();
    paths
}

/// Tensors by name, as they are written; `null` is a NaN.
fn tensors(value: &Value) -> BTreeMap<String, Tensor> {
    let tensor = |value: &Value| {
        let number = |value: &Value| value.as_f64().map_or(f32::NAN, |value| value as f32);
        let values: Vec<f32> = value["values"].as_array().unwrap().iter().map(number).collect();
        let shape = value["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as u32).collect();
        Tensor::new(shape, values.into()).unwrap()
    };
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), tensor(value))).collect()
}

/// Where an output differs.
fn differences(path: &Path) -> Result<usize, Vec<String>> {
    let expected: Value = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
    let model = Catalog::new().load(path).map_err(|error| vec![error.to_string()])?;
    let (given, expected) = (tensors(&expected["inputs"]), tensors(&expected["outputs"]));
    let inputs: Vec<Tensor> = model.inputs().iter().map(|input| given[&input.name].clone()).collect();
    let outputs = model.session().run(&inputs, None).map_err(|error| vec![error.to_string()])?;
    let mut differences = Vec::new();
    for (spec, output) in model.outputs().iter().zip(&outputs) {
        // A ZipMap's output has its own name, and so has what onnxruntime gave.
        let expected = &expected[&spec.name];
        if output.shape() != expected.shape() {
            differences.push(format!("{}: {:?}, expected {:?}", spec.name, output.shape(), expected.shape()));
            continue;
        }
        let scale = expected.values().iter().fold(1.0_f32, |scale, value| scale.max(value.abs()));
        // Winitzki's formula loses half of f32's digits around 0; onnxruntime's loses others.
        let tolerance = if spec.name.contains("PROBIT") { 10.0 * TOLERANCE } else { TOLERANCE };
        let pairs = output.values().iter().zip(expected.values()).enumerate();
        for (index, (given, expected)) in pairs {
            // So that a NaN differs.
            let within = (given - expected).abs() <= tolerance * scale;
            if !within {
                differences.push(format!("{}[{index}]: {given}, expected {expected}", spec.name));
            }
        }
    }
    if differences.is_empty() { Ok(outputs.iter().map(|output| output.values().len()).sum()) } else { Err(differences) }
}

#[test]
fn every_model_gives_what_onnxruntime_gives() {
    let (mut values, mut failed) = (0, Vec::new());
    let models = models();
    for path in &models {
        match differences(path) {
            Ok(count) => values += count,
            Err(lines) => failed.push(format!("{}:\n  {}", path.display(), lines[..lines.len().min(12)].join("\n  "))),
        }
    }
    println!("{} models, {values} values within {TOLERANCE} of their output's largest", models.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(models.len() > 30, "only {} models", models.len());
}
