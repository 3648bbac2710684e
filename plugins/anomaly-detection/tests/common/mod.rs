//! What the native tests share: the shipped model in tract, and rows in, judgements out.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anomaly_detection::detector::{Detector, Judgement};
use anomaly_detection::novelty::{Reconstruct, WINDOW};
use anomaly_detection::plugin::is_vibration;
use anomaly_detection::waveform::{FEATURES, features};
use dinrail_sim::{Kind, Plant, Signal, Value};
use tract_onnx::prelude::*;

/// The shipped model, planned for one number of channels at a time.
pub(crate) struct Native {
    path: PathBuf,
    plan: Option<(usize, Arc<TypedSimplePlan>)>,
    /// Inferences so far.
    pub(crate) runs: usize,
}

impl Native {
    pub(crate) fn new() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/channel-autoencoder/model.onnx");
        Native { path, plan: None, runs: 0 }
    }
}

impl Reconstruct for Native {
    type Error = anyhow::Error;

    fn reconstruct(&mut self, windows: &[f32]) -> anyhow::Result<Vec<f32>> {
        let channels = windows.len() / WINDOW;
        let plan = match &self.plan {
            Some((planned, plan)) if *planned == channels => plan.clone(),
            _ => {
                let fact = f32::fact([channels, WINDOW]).into();
                let model = tract_onnx::onnx().with_ignore_value_info(true).model_for_path(&self.path)?;
                let plan = model.with_input_fact(0, fact)?.into_optimized()?.into_runnable()?;
                self.plan.insert((channels, plan)).1.clone()
            }
        };
        self.runs += 1;
        let out = plan.run(tvec!(Tensor::from_shape(&[channels, WINDOW], windows)?.into()))?;
        Ok(out[0].to_plain_array_view::<f32>()?.iter().copied().collect())
    }
}

/// Redraws everything perfectly: the detector without its model.
pub(crate) struct Perfect;

impl Reconstruct for Perfect {
    type Error = std::convert::Infallible;

    fn reconstruct(&mut self, windows: &[f32]) -> Result<Vec<f32>, Self::Error> {
        Ok(windows.to_vec())
    }
}

/// Runs all rows through a new detector.
pub(crate) fn judge<M: Reconstruct>(
    rows: &[Vec<Option<f64>>],
    vibration: &[bool],
    warmup: usize,
    model: &mut M,
) -> Vec<Judgement>
where
    M::Error: std::fmt::Debug,
{
    let mut detector = Detector::new(rows.first().map_or(0, Vec::len));
    let each = rows.iter().map(|row| {
        let (judgement, ran) = detector.row(row, vibration, warmup, model);
        ran.expect("the model runs");
        judgement
    });
    each.collect()
}

/// A simulated plant's signals as the plugin sees them: the values, then a waveform's features.
pub(crate) struct Rig {
    values: usize,
    pub(crate) channels: usize,
    /// Which channels speak of the machine's shaking.
    pub(crate) vibration: Vec<bool>,
}

impl Rig {
    pub(crate) fn of(signals: &[Signal]) -> Rig {
        let values = signals.iter().filter(|signal| signal.kind == Kind::Value).count();
        let channels = values + FEATURES * (signals.len() - values);
        let shakes = |channel: usize| signals.get(channel).is_none_or(|signal| is_vibration(signal.unit));
        Rig { values, channels, vibration: (0..channels).map(shakes).collect() }
    }

    /// What the plant measures now.
    pub(crate) fn row(&self, plant: &mut dyn Plant) -> Vec<Option<f64>> {
        let (mut readings, mut row) = (Vec::new(), vec![None; self.channels]);
        plant.read(&mut readings);
        for reading in readings {
            match reading.value {
                Value::Number(x) => row[reading.signal] = Some(x),
                Value::Block { samples, .. } => {
                    let features = features(&samples).into_iter().flatten().map(Some);
                    row[self.values..].iter_mut().zip(features).for_each(|(cell, x)| *cell = x);
                }
            }
        }
        row
    }
}

/// The folder of public data, if there is one on this machine; says so where not.
pub(crate) fn data(test: &str) -> Option<PathBuf> {
    let found = std::env::var_os("DINRAIL_DATA").map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: {test} needs DINRAIL_DATA");
    }
    found
}

/// A table of numbers: `skip` leading columns are not numbers.
pub(crate) fn table(path: &Path, delimiter: char, skip: usize) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(path).expect("the file is there");
    let lines = text.lines().skip(1).filter(|line| !line.is_empty());
    let cells = |line: &str| line.split(delimiter).skip(skip).map(|x| x.trim().parse().unwrap_or(f64::NAN)).collect();
    lines.map(cells).collect()
}
