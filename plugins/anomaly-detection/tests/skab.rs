//! The public SKAB test rig: 8 signals at 1 Hz, a valve that is closed or another disturbance in each file.
//! Only with DINRAIL_DATA set to the folder that holds `skab`.

mod common;

use common::{Native, Perfect, data, judge, table};
use std::path::{Path, PathBuf};

const WARMUP: usize = 400;

#[derive(Clone, Copy, Default, Debug)]
struct Counts {
    hit: usize,
    miss: usize,
    false_alarm: usize,
    quiet: usize,
    doubted: usize,
}

impl Counts {
    fn f1(self) -> f64 {
        2.0 * self.hit as f64 / (2 * self.hit + self.miss + self.false_alarm) as f64
    }

    fn false_alarm_rate(self) -> f64 {
        self.false_alarm as f64 / (self.false_alarm + self.quiet) as f64
    }

    fn add(self, other: Counts) -> Counts {
        Counts {
            hit: self.hit + other.hit,
            miss: self.miss + other.miss,
            false_alarm: self.false_alarm + other.false_alarm,
            quiet: self.quiet + other.quiet,
            doubted: self.doubted + other.doubted,
        }
    }
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["valve1", "valve2", "other"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join("skab").join(folder)).expect("skab is there"))
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "csv"))
        .collect();
    files.sort();
    files
}

fn score(path: &Path, with_model: bool) -> Counts {
    let cells = table(path, ';', 1);
    let rows: Vec<Vec<Option<f64>>> = cells.iter().map(|row| row[..8].iter().map(|&x| Some(x)).collect()).collect();
    let judgements = match with_model {
        true => judge(&rows, &[], WARMUP, &mut Native::new()),
        false => judge(&rows, &[], WARMUP, &mut Perfect),
    };
    let mut counts = Counts::default();
    for (row, judgement) in cells.iter().zip(&judgements).skip(WARMUP) {
        match (row[8] == 1.0, judgement.alarm) {
            (true, true) => counts.hit += 1,
            (true, false) => counts.miss += 1,
            (false, true) => counts.false_alarm += 1,
            (false, false) => counts.quiet += 1,
        }
        counts.doubted += usize::from(judgement.trust == anomaly_detection::detector::Trust::Uncertain);
    }
    counts
}

#[test]
fn skab_pooled() {
    let Some(root) = data("skab_pooled") else { return };
    let files = files(&root);
    assert!(!files.is_empty(), "no file under {root:?}");
    for with_model in [false, true] {
        let each: Vec<Counts> = files.iter().map(|file| score(file, with_model)).collect();
        for (file, counts) in files.iter().zip(&each) {
            let short = file.strip_prefix(&root).unwrap_or(file);
            println!("{short:?} F1 {:.3} FAR {:.3} {counts:?}", counts.f1(), counts.false_alarm_rate());
        }
        let all = each.into_iter().fold(Counts::default(), Counts::add);
        println!("model {with_model}: pooled F1 {:.4} FAR {:.4} {all:?}", all.f1(), all.false_alarm_rate());
        assert!(all.f1() > 0.845 && all.false_alarm_rate() < 0.09, "{all:?}");
    }
}
