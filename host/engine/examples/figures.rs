//! What a call costs: `cargo run --release -p dinrail-engine --example figures -- GUESTS_DIRECTORY`.
//! Minima of interleaved runs over the tests' guests, in microseconds.

use dinrail_core::description::{Bindings, Column, InputBinding, ParameterValue};
use dinrail_core::frame::Frame;
use dinrail_core::outcome::Outcome;
use dinrail_core::outlook::Outlook;
use dinrail_engine::{Call, Engine, EngineSettings, Grants, Instance, Limits};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("give the directory with the guests' components")?;
    let variants = [
        ("default", EngineSettings::default()),
        ("4 MiB reservation", EngineSettings { memory_reservation: 4 << 20, ..EngineSettings::default() }),
        ("no epochs", EngineSettings { epochs: false, ..EngineSettings::default() }),
        ("any NaN", EngineSettings { canonical_nan: false, ..EngineSettings::default() }),
    ];
    for (name, settings) in variants {
        measure(Path::new(&directory), name, settings)?;
    }
    Ok(())
}

fn measure(directory: &Path, name: &str, settings: EngineSettings) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(settings)?;
    let component = engine.compile(&std::fs::read(directory.join("zscore.wasm"))?)?;
    let started = Instant::now();
    for _ in 0..100 {
        black_box(component.instantiate(Grants::default(), &Limits::default())?);
    }
    println!("{name}: instantiate {:.1} µs", micros(started.elapsed()) / 100.0);
    let mut instance = component.instantiate(Grants::default(), &Limits::default())?;
    configure(&mut instance, 64)?;
    let saving = (0..200).map(|_| {
        let started = Instant::now();
        for _ in 0..100 {
            let _ = black_box(instance.save());
        }
        micros(started.elapsed()) / 100.0
    });
    println!("{name}: `save` of nothing {:.3} µs", saving.fold(f64::INFINITY, f64::min));
    for (columns, rows) in [(64, 0), (64, 1), (64, 16), (64, 64)] {
        let mut instance = component.instantiate(Grants::default(), &Limits::default())?;
        configure(&mut instance, columns)?;
        let frame = frame(columns as usize, rows);
        println!("{name}: {} values: {:.3} µs", columns as usize * rows, least(&mut instance, &frame));
    }
    Ok(())
}

fn configure(instance: &mut Instance, columns: u32) -> Result<(), Box<dyn std::error::Error>> {
    let limit = ("limit".to_owned(), ParameterValue::Number(6.0));
    let quality = ("quality".to_owned(), ParameterValue::Boolean(true));
    Ok(instance.configure(&bindings(columns), &[limit, quality])?)
}

fn least(instance: &mut Instance, frame: &Frame) -> f64 {
    let outlook = Outlook::default();
    let call = Call { frame, outputs: &[], outlook: &outlook, items: &[], deadline: Duration::from_secs(10) };
    let runs = (0..200).map(|_| {
        let started = Instant::now();
        for _ in 0..100 {
            let report = black_box(instance.call(&call));
            assert!(matches!(report.outcome, Outcome::Answered(_)), "{:?}", report.outcome);
        }
        micros(started.elapsed()) / 100.0
    });
    runs.fold(f64::INFINITY, f64::min)
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn bindings(columns: u32) -> Bindings {
    let column = |index| Column { index, tag: format!("t{index}"), unit: String::new(), minimum: None, maximum: None };
    Bindings {
        inputs: vec![InputBinding { input: "signals".into(), columns: (0..columns).map(column).collect() }],
        columns,
        window: 32,
        ..Bindings::default()
    }
}

fn frame(columns: usize, rows: usize) -> Frame {
    let values = (0..columns * rows).map(|i| (i as f64 * 0.7).sin()).collect();
    Frame {
        times_ns: (0..rows as i64).collect(),
        columns,
        values,
        quality: vec![0; columns * rows],
        ..Frame::default()
    }
}
