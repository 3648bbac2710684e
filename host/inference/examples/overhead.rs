//! What a session costs beyond the tract plan that it runs.
//!
//! `cargo run --release -p dinrail-inference --example overhead [MODEL.onnx [BATCH [CALLS]]]`
//!
//! Runs a model through a [`Session`](dinrail_inference::Session) and through tract directly, by turns in rounds, and
//! prints the smallest mean of a round for each, in microseconds a call. Directly: a tensor is made of a slice, the plan
//! runs, the outputs are looked at.

use dinrail_core::inference::{Model, Tensor};
use dinrail_inference::Catalog;
use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tract_onnx::prelude::*;

const ROUNDS: usize = 60;
/// Of one side in a round, where nothing else is said.
const CALLS: u32 = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/channel-autoencoder/model.onnx");
    let path = arguments.next().map_or_else(|| PathBuf::from(models), PathBuf::from);
    let batch: u32 = arguments.next().map_or(Ok(8), |text| text.parse())?;
    let calls: u32 = arguments.next().map_or(Ok(CALLS), |text| text.parse())?;

    let model = Catalog::new().load(&path)?;
    let [input] = model.inputs() else { return Err("only models of one input are measured".into()) };
    let shape: Vec<u32> = input.shape.iter().map(|size| size.unwrap_or(batch)).collect();
    let count: u32 = shape.iter().product();
    let values: Arc<[f32]> = (0..count).map(|index| ((index * 37 % 61) as f32 - 30.0) / 15.0).collect();
    let inputs = [Tensor::new(shape.clone(), values.clone())?];

    let begin = Instant::now();
    model.prepare(batch)?;
    let planning = begin.elapsed();
    let mut session = model.session();
    let mut direct = directly(&path, &shape)?;
    let sizes: Vec<usize> = shape.iter().map(|size| *size as usize).collect();

    let (mut with, mut with_deadline, mut without) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        with = with.min(mean_us(calls, || {
            black_box(session.run(black_box(&inputs), None)?);
            Ok(())
        })?);
        let deadline = Some(Instant::now() + Duration::from_secs(60));
        with_deadline = with_deadline.min(mean_us(calls, || {
            black_box(session.run(black_box(&inputs), deadline)?);
            Ok(())
        })?);
        without = without.min(mean_us(calls, || {
            let given = tract_onnx::prelude::Tensor::from_shape(&sizes, black_box(&*values))?;
            let outputs = direct.run(tvec![given.into()])?;
            black_box(outputs[0].try_as_plain_ram()?.as_slice::<f32>()?[0]);
            Ok(())
        })?);
    }
    println!("{} at batch {batch}, planned in {:.2} ms", model.name(), planning.as_secs_f64() * 1e3);
    println!("tract directly            {without:8.3} µs");
    println!("session                   {with:8.3} µs  {:+.3}", with - without);
    println!("session with a deadline   {with_deadline:8.3} µs  {:+.3}", with_deadline - without);
    Ok(())
}

fn directly(path: &PathBuf, shape: &[u32]) -> Result<TypedSimpleState, Box<dyn Error>> {
    let sizes: Vec<usize> = shape.iter().map(|size| *size as usize).collect();
    let fact = InferenceFact::dt_shape(f32::datum_type(), sizes);
    let model = tract_onnx::onnx().with_ignore_value_info(true).model_for_path(path)?;
    Ok(model.with_input_fact(0, fact)?.into_optimized()?.into_runnable()?.spawn()?)
}

fn mean_us(calls: u32, mut call: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let begin = Instant::now();
    for _ in 0..calls {
        call()?;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e6 / f64::from(calls))
}
