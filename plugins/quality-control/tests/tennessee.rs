//! Tennessee Eastman, natively; skipped where the data are not there.
//!
//! `DINRAIL_DATA=FOLDER cargo test --release -p quality-control --test tennessee -- --nocapture` shows the figures.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use anyhow::Result;
use flate2::read::GzDecoder;
use quality_control::process::{Model, Monitor};
use std::io::Read;
use std::path::{Path, PathBuf};

const TAGS: usize = 52;
const FAULTY_FROM: usize = 160;

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("DINRAIL_DATA")?).join("tep");
    folder.is_dir().then_some(folder)
}

/// Rows of a file, one after the other; `d00` is stored by columns.
fn read(folder: &Path, name: &str) -> Result<Vec<f64>> {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(folder.join(format!("{name}.dat.gz")))?).read_to_string(&mut text)?;
    let rows: Vec<Vec<f64>> = text
        .lines()
        .map(|line| line.split_whitespace().map(|cell| Ok(cell.parse()?)).collect::<Result<Vec<f64>>>())
        .filter(|row| row.as_ref().is_ok_and(|row| !row.is_empty()))
        .collect::<Result<_>>()?;
    if rows.len() == TAGS && rows[0].len() != TAGS {
        return Ok((0..rows[0].len()).flat_map(|at| rows.iter().map(move |row| row[at])).collect());
    }
    Ok(rows.concat())
}

struct Seen {
    false_alarms: f64,
    detected: Vec<(String, f64, Vec<usize>)>,
}

impl Seen {
    fn mean(&self) -> f64 {
        self.detected.iter().map(|(_, share, _)| share).sum::<f64>() / self.detected.len() as f64
    }
}

/// Learns from d00 and the first half of d00_te, judges the second, and every other dNN_te after it.
fn run(folder: &Path, disturb: &mut dyn FnMut(&mut [f64])) -> Result<Seen> {
    let mut normal = read(folder, "d00")?;
    let mut rest = read(folder, "d00_te")?;
    disturb(&mut normal);
    disturb(&mut rest);
    normal.extend(rest.drain(..480 * TAGS));
    let model = Model::learn(&normal, TAGS)?;
    let mut monitor = Monitor::new(&model);
    let mut alarms = 0;
    for row in normal[normal.len() - 3 * TAGS..].chunks_exact(TAGS) {
        monitor.row(row, &model);
    }
    for row in rest.chunks_exact(TAGS) {
        alarms += usize::from(monitor.row(row, &model).is_some_and(|said| said.is_alarm()));
    }
    let mut detected = Vec::new();
    for fault in 1..=21 {
        let name = format!("d{fault:02}_te");
        let Ok(mut rows) = read(folder, &name) else { continue };
        disturb(&mut rows);
        let mut monitor = monitor.clone();
        let (mut seen, mut votes) = (0, vec![0; TAGS]);
        for (at, row) in rows.chunks_exact(TAGS).enumerate() {
            let said = monitor.row(row, &model);
            if let Some(said) = said.filter(|said| at >= FAULTY_FROM && said.is_alarm()) {
                seen += 1;
                said.named.first().into_iter().for_each(|(tag, _)| votes[*tag] += 1);
            }
        }
        let mut order: Vec<usize> = (0..TAGS).collect();
        order.sort_by_key(|tag| std::cmp::Reverse(votes[*tag]));
        detected.push((name, f64::from(seen) / 800.0, order[..3].iter().map(|tag| tag + 1).collect()));
    }
    Ok(Seen { false_alarms: f64::from(u32::try_from(alarms)?) / 480.0, detected })
}

#[test]
fn faults_are_seen_and_normal_rows_are_not() -> Result<()> {
    let Some(folder) = folder() else { return Ok(()) };
    let mut none = |_: &mut [f64]| {};
    let seen = run(&folder, &mut none)?;
    println!("false {:.4}, detected {:.4} {:?}", seen.false_alarms, seen.mean(), seen.detected);
    assert!(seen.false_alarms <= 0.01 && seen.mean() >= 0.98);
    Ok(())
}

#[test]
fn units_do_not_matter_and_noise_and_gaps_little() -> Result<()> {
    use rand::{RngExt, SeedableRng};
    let Some(folder) = folder() else { return Ok(()) };
    let mut rescale = |rows: &mut [f64]| {
        rows.chunks_exact_mut(TAGS).for_each(|row| {
            row.iter_mut()
                .zip(0..)
                .for_each(|(value, tag)| *value = *value * 10_f64.powi(tag % 7 - 3) + f64::from(tag) * 20.0);
            row.reverse();
        });
    };
    let seen = run(&folder, &mut rescale)?;
    println!("rescaled: false {:.4}, detected {:.4}", seen.false_alarms, seen.mean());
    assert!(seen.false_alarms <= 0.01 && seen.mean() >= 0.98);
    for share in [0.01, 0.05] {
        let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(1);
        let mut gaps = |rows: &mut [f64]| {
            rows.iter_mut().filter(|_| rng.random_bool(share)).for_each(|value| *value = f64::NAN);
        };
        let seen = run(&folder, &mut gaps)?;
        println!("gaps {share}: false {:.4}, detected {:.4}", seen.false_alarms, seen.mean());
        assert!(seen.false_alarms <= 0.02 && seen.mean() >= 0.98);
    }
    Ok(())
}
