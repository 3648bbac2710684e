//! Every shipped model at batch 1: through a guest, through tract directly, and by onnxruntime.

use crate::calls::{CALLS, ROUNDS, bindings, least_call_ns, micros};
use anyhow::{Context, Result, anyhow};
use dinrail_core::description::ParameterValue;
use dinrail_core::frame::Frame;
use dinrail_engine::{Engine, Grants, Instance, Limits};
use dinrail_inference::Catalog;
use dinrail_tests::{controller::models, environment};
use serde_json::{Map, Value, json};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tract_onnx::prelude::*;

/// The model whose figures have targets.
const TARGETED: &str = "channel-autoencoder";

/// Times onnxruntime: a model's path and its input's shape in, microseconds out.
const ONNXRUNTIME: &str = include_str!("onnxruntime_times.py");

/// Measures all of them.
pub(crate) fn measure(engine: &Engine, figures: &mut Map<String, Value>) -> Result<()> {
    let mut names: Vec<_> = std::fs::read_dir(models())?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    names.retain(|path: &std::path::PathBuf| path.join("model.toml").is_file());
    names.sort();
    for path in names {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let times = times(engine, &path).with_context(|| format!("the model `{name}`"))?;
        if name == TARGETED {
            figures.insert("inference_guest_us".into(), json!(micros(times.guest_ns)));
            figures.insert("inference_tract_us".into(), json!(micros(times.tract_ns)));
            figures.insert("inference_ratio".into(), json!(times.guest_ns / times.tract_ns));
            figures.insert("inference_extra_us".into(), json!(micros(times.guest_ns - 1.1 * times.tract_ns)));
        }
        figures.insert(format!("{name}_guest_us"), json!(micros(times.guest_ns)));
        figures.insert(format!("{name}_tract_us"), json!(micros(times.tract_ns)));
        // Null where there is no onnxruntime.
        figures.insert(format!("{name}_onnxruntime_us"), json!(times.onnxruntime_us));
        figures.insert(
            format!("{name}_tract_over_onnxruntime"),
            json!(times.onnxruntime_us.map(|us| times.tract_ns / 1e3 / us)),
        );
    }
    Ok(())
}

struct Times {
    guest_ns: f64,
    tract_ns: f64,
    onnxruntime_us: Option<f64>,
}

fn times(engine: &Engine, path: &Path) -> Result<Times> {
    let model = Catalog::new().load(path)?;
    let [input] = model.inputs() else { return Err(anyhow!("it has not one input")) };
    let shape: Vec<usize> = input.shape.iter().map(|size| size.unwrap_or(1) as usize).collect();
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|cell| (cell as f64 * 0.7).sin()).collect();
    let mut guest = guest(engine, &model, count)?;
    let frame = Frame {
        times_ns: vec![0],
        columns: count,
        quality: vec![0; count],
        values: values.clone(),
        ..Frame::default()
    };
    let fact = InferenceFact::dt_shape(f32::datum_type(), shape.clone());
    let mut direct = tract_onnx::onnx()
        .with_ignore_value_info(true)
        .model_for_path(path.join("model.onnx"))?
        .with_input_fact(0, fact)?
        .into_optimized()?
        .into_runnable()?
        .spawn()?;
    let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    let mut times = Times { guest_ns: f64::MAX, tract_ns: f64::MAX, onnxruntime_us: None };
    for round in 0..ROUNDS * 4 {
        times.guest_ns = times.guest_ns.min(least_call_ns(&mut guest, &frame)?);
        for _ in 0..CALLS {
            let started = Instant::now();
            let given = tract_onnx::prelude::Tensor::from_shape(&shape, black_box(&values))?;
            let outputs = direct.run(tvec![given.into()])?;
            black_box(outputs[0].try_as_plain_ram()?.as_slice::<f32>()?[0]);
            times.tract_ns = times.tract_ns.min(started.elapsed().as_nanos() as f64);
        }
        if round % ROUNDS == 0 {
            let us = onnxruntime_us(&path.join("model.onnx"), &shape)?;
            times.onnxruntime_us = us.map(|us| times.onnxruntime_us.map_or(us, |least: f64| least.min(us)));
        }
    }
    Ok(times)
}

fn guest(engine: &Engine, model: &std::sync::Arc<dinrail_inference::OnnxModel>, count: usize) -> Result<Instance> {
    let component = engine.compile(&std::fs::read(environment::guest("inference"))?)?;
    let grants = Grants { models: vec![("model".into(), Box::new(model.session()))], ..Grants::default() };
    let mut guest = component.instantiate(grants, &Limits::default())?;
    guest.configure(&bindings(count), &[("way".into(), ParameterValue::Text("run-one".into()))])?;
    Ok(guest)
}

/// By the Python that `DINRAIL_ONNXRUNTIME` names; nothing where it names none.
fn onnxruntime_us(model: &Path, shape: &[usize]) -> Result<Option<f64>> {
    let Some(python) = std::env::var_os("DINRAIL_ONNXRUNTIME") else { return Ok(None) };
    let output = Command::new(python)
        .args(["-c", ONNXRUNTIME])
        .arg(model)
        .args(shape.iter().map(usize::to_string))
        .output()
        .context("running onnxruntime")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let us = text.trim().parse();
    Ok(Some(us.with_context(|| format!("onnxruntime: {text} {}", String::from_utf8_lossy(&output.stderr)))?))
}
