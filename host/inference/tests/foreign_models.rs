//! Models that others published, against what onnxruntime gives for them: `$DINRAIL_DATA/onnx/NAME.onnx` with
//! `NAME.npz`, arrays `in__INPUT` and `out__OUTPUT`. Without `DINRAIL_DATA` there is nothing to do; the arrays are read
//! by `python3`, without numpy.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_core::inference::{Model, Tensor};
use dinrail_inference::Catalog;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Largest difference, of the output's largest value.
const TOLERANCE: f32 = 1e-4;
/// Prints the arrays of a file as JSON. A `.npz` is an archive of `.npy`: six bytes of magic, two of version, the length
/// of the header, a header that is a Python literal, the values.
const READ: &str = "
import array, ast, json, sys, zipfile
arrays = {}
with zipfile.ZipFile(sys.argv[1]) as archive:
    for name in archive.namelist():
        data = archive.read(name)
        start = 10 + int.from_bytes(data[8:10], 'little')
        header = ast.literal_eval(data[10:start].decode())
        assert data[6] == 1 and not header['fortran_order'], header
        values = array.array({'<f4': 'f', '<i8': 'q'}[header['descr']], data[start:])
        arrays[name.removesuffix('.npy')] = {'shape': header['shape'], 'values': values.tolist()}
print(json.dumps(arrays))
";

/// Models that are refused, and a part of the message.
const REFUSED: [(&str, &str); 1] = [
    // It disagrees with itself: coefficients of four features, an input of two. onnxruntime reads half of them.
    ("ort_logreg_iris", "its input has the shape [3, 2], [rows, 4] is needed"),
];

fn arrays(path: &Path) -> Value {
    let output = Command::new("python3").args(["-c", READ]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn tensor(value: &Value) -> Tensor {
    let values: Vec<f32> =
        value["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect();
    let shape = value["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as u32).collect();
    Tensor::new(shape, values.into()).unwrap()
}

/// What an array is called: a slash can't stand in an archive's names.
fn named(side: &str, tensor: &str) -> String {
    format!("{side}__{}", tensor.replace('/', "_"))
}

/// The largest difference, of the output's largest value; or why there is none.
fn deviation(path: &Path) -> Result<f32, String> {
    let model = Catalog::new().load(path).map_err(|error| error.to_string())?;
    let arrays = arrays(&path.with_extension("npz"));
    let inputs: Vec<Tensor> = model.inputs().iter().map(|input| tensor(&arrays[named("in", &input.name)])).collect();
    let outputs = model.session().run(&inputs, None).map_err(|error| error.to_string())?;
    let mut largest = 0.0_f32;
    for (spec, output) in model.outputs().iter().zip(&outputs) {
        // What is no tensor was not recorded.
        let Some(expected) = arrays.get(named("out", &spec.name)).map(tensor) else { continue };
        if output.shape() != expected.shape() {
            return Err(format!("`{}` in the shape {:?}, expected {:?}", spec.name, output.shape(), expected.shape()));
        }
        let scale = expected.values().iter().fold(f32::MIN_POSITIVE, |scale, value| scale.max(value.abs()));
        for (given, expected) in output.values().iter().zip(expected.values()) {
            largest = largest.max((given - expected).abs() / scale);
        }
    }
    Ok(largest)
}

#[test]
fn foreign_models_give_what_onnxruntime_gives_or_are_refused_by_name() {
    let Some(data) = std::env::var_os("DINRAIL_DATA") else { return };
    let mut models: Vec<PathBuf> = std::fs::read_dir(Path::new(&data).join("onnx"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "onnx"))
        .collect();
    models.sort();
    let mut failed = Vec::new();
    for path in &models {
        let name = path.file_stem().unwrap().to_string_lossy();
        let refused = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, why)| *why);
        let (line, held) = match (deviation(path), refused) {
            (Ok(deviation), None) => (format!("{deviation:.1e}"), deviation <= TOLERANCE),
            (Ok(deviation), Some(_)) => (format!("{deviation:.1e}, and should be refused"), false),
            (Err(why), refused) => (format!("refused: {why}"), refused.is_some_and(|part| why.contains(part))),
        };
        println!("{name:32} {line}");
        if !held {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
    assert!(models.len() >= 14, "only {} models", models.len());
}
