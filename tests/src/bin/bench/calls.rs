//! Single calls of one instance.

use anyhow::{Context, Result, anyhow, ensure};
use dinrail_core::description::{Bindings, Column, InputBinding, ParameterValue};
use dinrail_core::frame::Frame;
use dinrail_core::outcome::Outcome;
use dinrail_core::outlook::Outlook;
use dinrail_engine::{Call, Engine, EngineSettings, Grants, Instance, Limits};
use dinrail_tests::environment;
use serde_json::{Map, Value, json};
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

/// Tags of the measured frames.
pub(crate) const COLUMNS: usize = 64;
/// Rows of the window, the new one included.
pub(crate) const WINDOW: usize = 32;
/// Rounds in which the rivals take turns.
pub(crate) const ROUNDS: usize = 15;
/// Calls of one side in a round.
pub(crate) const CALLS: usize = 200;

/// Plugins that take turns in the cold measurement.
const PLUGINS: usize = 20;
/// What else a controller's scan touches before a plugin's turn comes again: more than a core's own caches hold.
const OTHER_BYTES: usize = 8 * 1024 * 1024;
/// Turns of each plugin.
const TURNS: usize = 50;

/// Measures everything that one call can show.
pub(crate) fn measure(figures: &mut Map<String, Value>) -> Result<()> {
    let engine = Engine::new(EngineSettings::default())?;
    let mut empty = zscore(&engine, true)?;
    figures.insert("empty_call_us".into(), json!(micros(empty_call_ns(&mut empty)?)));
    figures.insert("cold_call_us".into(), json!(micros(cold_call_ns(&engine)?)));
    for new_rows in [16, 64] {
        let values = new_rows * COLUMNS;
        let mut guest = zscore(&engine, true)?;
        let frame = frame(new_rows);
        let (mut wasm, mut native, mut avx2) = (f64::MAX, f64::MAX, None);
        for _ in 0..ROUNDS {
            wasm = wasm.min(least_call_ns(&mut guest, &frame)?);
            native = native.min(
                native_ns("DINRAIL_NATIVE_KERNEL", new_rows)?
                    .context("DINRAIL_NATIVE_KERNEL names no program; run `cargo xtask bench`, which builds it")?,
            );
            if let Some(ns) = native_ns("DINRAIL_NATIVE_KERNEL_AVX2", new_rows)? {
                avx2 = Some(avx2.map_or(ns, |least: f64| least.min(ns)));
            }
        }
        figures.insert(format!("frame{values}_us"), json!(micros(wasm)));
        figures.insert(format!("native{values}_us"), json!(micros(native)));
        figures.insert(format!("frame{values}_ratio"), json!(wasm / native));
        if let Some(avx2) = avx2 {
            figures.insert(format!("frame{values}_ratio_avx2"), json!(wasm / avx2));
        }
    }
    super::models::measure(&engine, figures)
}

/// The z-score guest, bound to 64 tags; `quality` says whether it looks at the quality column.
pub(crate) fn zscore(engine: &Engine, quality: bool) -> Result<Instance> {
    let component = engine.compile(&std::fs::read(environment::guest("zscore"))?)?;
    let mut instance = component.instantiate(Grants::default(), &Limits::default())?;
    let parameters =
        [("limit".into(), ParameterValue::Number(6.0)), ("quality".into(), ParameterValue::Boolean(quality))];
    instance.configure(&bindings(COLUMNS), &parameters)?;
    Ok(instance)
}

/// The least mean time of a call that takes nothing and gives an empty list: `save` of a plugin
/// without state, with every limit on. No function of the worlds takes and gives nothing at all; this one also has
/// its `result<list<u8>, fault>` read back and the call after it that frees it (`post-return`).
pub(crate) fn empty_call_ns(instance: &mut Instance) -> Result<f64> {
    ensure!(instance.save()?.is_empty(), "the guest has no state");
    let mut least = f64::MAX;
    for _ in 0..ROUNDS * 10 {
        let started = Instant::now();
        for _ in 0..CALLS {
            black_box(instance.save())?;
        }
        least = least.min(started.elapsed().as_nanos() as f64 / CALLS as f64);
    }
    Ok(least)
}

/// The median time of a call with one new row of 64 samples whose plugin, one of 20 that take turns, has not run since
/// the others did. Each has code and memory of its own, and other memory is gone through between two rounds.
fn cold_call_ns(engine: &Engine) -> Result<f64> {
    let mut plugins = (0..PLUGINS).map(|_| zscore(engine, true)).collect::<Result<Vec<_>>>()?;
    let frame = frame(1);
    let outlook = Outlook::default();
    let call = Call { frame: &frame, outputs: &[], outlook: &outlook, items: &[], deadline: Duration::from_secs(1) };
    let mut other = vec![1_u8; OTHER_BYTES];
    let mut times = Vec::with_capacity(PLUGINS * TURNS);
    for turn in 0..TURNS {
        for plugin in &mut plugins {
            let started = Instant::now();
            let report = black_box(plugin.call(black_box(&call)));
            times.push(started.elapsed().as_nanos() as f64);
            ensure!(matches!(report.outcome, Outcome::Answered(_)), "the guest did not answer: {:?}", report.outcome);
        }
        // One byte of each cache line.
        other.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(turn as u8));
        black_box(&other);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// The least time of one call with a frame.
pub(crate) fn least_call_ns(instance: &mut Instance, frame: &Frame) -> Result<f64> {
    let outlook = Outlook::default();
    let call = Call { frame, outputs: &[], outlook: &outlook, items: &[], deadline: Duration::from_secs(1) };
    let mut least = f64::MAX;
    for _ in 0..CALLS {
        let started = Instant::now();
        let report = black_box(instance.call(black_box(&call)));
        least = least.min(started.elapsed().as_nanos() as f64);
        let Outcome::Answered(results) = &report.outcome else {
            return Err(anyhow!("the guest did not answer: {:?}", report.outcome));
        };
        ensure!(results.len() == frame.new_rows(), "one result a new row");
    }
    Ok(least)
}

/// The same kernel in a native program; nothing where the variable is unset.
fn native_ns(variable: &str, new_rows: usize) -> Result<Option<f64>> {
    let Some(program) = std::env::var_os(variable) else { return Ok(None) };
    let output = Command::new(&program)
        .args([new_rows, COLUMNS, WINDOW, CALLS].map(|number| number.to_string()))
        .output()
        .with_context(|| format!("running {}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(Some(text.trim().parse().with_context(|| format!("the native kernel printed {text}"))?))
}

/// The same frame that the native program makes.
pub(crate) fn frame(new_rows: usize) -> Frame {
    let rows = new_rows + WINDOW - 1;
    Frame {
        times_ns: (0..rows as i64).collect(),
        first_new: WINDOW - 1,
        columns: COLUMNS,
        values: (0..rows * COLUMNS).map(|cell| ((cell * 7919) % 1009) as f64).collect(),
        quality: vec![0; rows * COLUMNS],
        ..Frame::default()
    }
}

pub(crate) fn bindings(columns: usize) -> Bindings {
    let column = |index: usize| Column {
        index: index as u32,
        tag: format!("t{index}"),
        unit: String::new(),
        minimum: None,
        maximum: None,
    };
    Bindings {
        inputs: vec![InputBinding { input: "signals".into(), columns: (0..columns).map(column).collect() }],
        columns: columns as u32,
        window: WINDOW as u32,
        ..Bindings::default()
    }
}

/// Microseconds, to the nanosecond.
pub(crate) fn micros(ns: f64) -> f64 {
    (ns * 10.0).round() / 1e4
}
