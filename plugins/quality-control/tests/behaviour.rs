//! The plugin without a host: bindings and frames in, points and verdicts out.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use anyhow::Result;
use dinrail_sdk::{
    Bindings, ChartSignal, Decision, Description, Fault, Frame, InputBinding, Inspection, Item, Parameters,
    QualityControl, Table, Value,
};
use quality_control::plugin::{Classify, NoTables, Plugin, Tables, Watch};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

fn description() -> Description {
    Plugin::describe()
}

fn parameters(given: &[(&str, Value)]) -> Parameters {
    let defaults = Parameters::with_defaults(&description());
    given.iter().fold(defaults, |all, (name, value)| all.with(name, value.clone()))
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// Two groups side by side: `signals` and one column `change`.
fn with_change(signals: u32) -> Bindings {
    let mut bindings = Bindings::group("signals", signals);
    let mut change = Bindings::group("change", 1).inputs.remove(0).columns;
    change[0].index = signals;
    bindings.inputs.push(InputBinding { input: "change".into(), columns: change });
    bindings.columns = signals + 1;
    bindings
}

fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    move || StandardNormal.sample(&mut rng)
}

fn fired(signals: &[ChartSignal]) -> Vec<(u32, u32, &str)> {
    let of = |signal: &'_ ChartSignal| !signal.rule.is_empty();
    signals.iter().filter(|signal| of(signal)).map(|signal| (signal.row, signal.column, signal.rule.as_str())).collect()
}

/// Tables by name.
struct Given(Vec<(&'static str, Table)>);

impl Tables for Given {
    fn load(&mut self, name: &str) -> Result<Option<Table>, Fault> {
        Ok(self.0.iter().find(|(known, _)| *known == name).map(|(_, table)| table.clone()))
    }
}

fn table(columns: &[&str], values: &[f64]) -> Table {
    let rows = (values.len() / columns.len()) as u32;
    Table { columns: columns.iter().map(|&name| name.to_owned()).collect(), rows, values: values.to_vec() }
}

#[test]
fn charts_learn_then_signal_and_every_point_is_told() -> Result<()> {
    let settings = parameters(&[("learn", Value::Integer(200)), ("charts", text("shewhart, cusum, t2"))]);
    let mut watch = Watch::new(&Bindings::group("signals", 2), &settings, &mut NoTables).unwrap();
    let mut draw = noise(1);
    let learning: Vec<f64> = (0..200).flat_map(|_| [50.0 + draw(), 3.0 + 0.1 * draw()]).collect();
    assert!(watch.signals(&Frame::of_rows(2, &learning)).is_empty());
    // Two charts of two tags, T² and Q (two tags that go their own ways: both components are needed, and nothing is left).
    let usual = watch.signals(&Frame::of_rows(2, &[50.0, 3.0]));
    assert_eq!(usual.len(), 5);
    let beyond = watch.signals(&Frame::of_rows(2, &[50.0, 3.0, 50.0, 3.8]));
    assert!(fired(&beyond).contains(&(1, 1, "beyond")) && fired(&beyond).contains(&(1, 1, "t2")), "{beyond:?}");
    Ok(())
}

#[test]
fn known_limits_come_from_the_table_and_a_change_restarts() {
    let limits = table(&["signals.0", "1"], &[100.0, 10.0, 2.0, 1.0]);
    let mut tables = Given(vec![("limits", limits)]);
    let settings = parameters(&[("charts", text("cusum")), ("points", text("signals"))]);
    let mut watch = Watch::new(&with_change(2), &settings, &mut tables).unwrap();
    // Both drift by one σ: 0.5 a row is summed up, and exceeds 5 with the eleventh.
    let drift: Vec<f64> = (0..11).flat_map(|_| [102.0, 11.0, 7.0]).collect();
    assert_eq!(fired(&watch.signals(&Frame::of_rows(3, &drift))), [(10, 0, "cusum-high"), (10, 1, "cusum-high")]);
    let almost: Vec<f64> = (0..10).flat_map(|_| [102.0, 11.0, 7.0]).collect();
    assert!(watch.signals(&Frame::of_rows(3, &almost)).is_empty());
    // Another recipe: the sums begin anew.
    let other: Vec<f64> = (0..10).flat_map(|_| [102.0, 11.0, 8.0]).collect();
    assert!(watch.signals(&Frame::of_rows(3, &other)).is_empty());
    assert_eq!(watch.signals(&Frame::of_rows(3, &[102.0, 11.0, 8.0])).len(), 2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |bindings: &Bindings, given: &[(&str, Value)], tables: &mut dyn Tables, word: &str| {
        let Err(Fault::Configuration(why)) = Watch::new(bindings, &parameters(given), tables).map(drop) else {
            panic!("{word} was taken");
        };
        assert!(why.contains(word), "{why}");
    };
    let signals = Bindings::group("signals", 2);
    refused(&Bindings::group("other", 1), &[], &mut NoTables, "bind");
    refused(&signals, &[("charts", text("shewhart, xbar"))], &mut NoTables, "xbar");
    refused(&signals, &[("rules", text("nelsen"))], &mut NoTables, "nelsen");
    refused(&Bindings::group("signals", 500), &[], &mut NoTables, "phase I");
    refused(&Bindings::group("process", 70), &[], &mut NoTables, "70 tags");
    refused(&Bindings::group("speed", 1), &[], &mut NoTables, "air_temperature");
    let limits = table(&["signals.0"], &[1.0, 0.0]);
    refused(&signals, &[], &mut Given(vec![("limits", limits)]), "limits");
    let few = table(&["process.0", "process.1"], &[1.0, 2.0, 2.0, 1.0, 3.0, 2.0]);
    refused(&Bindings::group("process", 2), &[], &mut Given(vec![("normal", few)]), "too few");
}

/// Three tags that follow each other.
fn process_rows(count: usize, seed: u64, broken: bool) -> Vec<f64> {
    let mut draw = noise(seed);
    let (mut level, mut rows) = (0.0, Vec::new());
    for _ in 0..count {
        level = 0.9 * level + draw();
        let third = if broken { 0.0 } else { level };
        rows.extend([10.0 + level, 5.0 - 2.0 * level + 0.2 * draw(), third + 0.2 * draw()]);
    }
    rows
}

#[test]
fn a_process_is_learnt_and_a_broken_relation_is_named() {
    let settings = parameters(&[("normal_rows", Value::Integer(400))]);
    let mut watch = Watch::new(&Bindings::group("process", 3), &settings, &mut NoTables).unwrap();
    assert!(watch.signals(&Frame::of_rows(3, &process_rows(400, 1, false))).is_empty());
    let normal = watch.signals(&Frame::of_rows(3, &process_rows(300, 2, false)));
    assert!(fired(&normal).len() <= 3 && normal.len() >= 3 * 297, "{}", fired(&normal).len());
    let broken = watch.signals(&Frame::of_rows(3, &process_rows(60, 3, true)));
    let named = fired(&broken);
    let fast = named.iter().filter(|(_, _, rule)| *rule == "fault-fast").count();
    assert!(fast > 40, "{fast}");
    let first = named.iter().rev().find(|(_, _, rule)| *rule == "contributes");
    assert!(first.is_some());
    let leading = broken.iter().filter(|signal| signal.rule == "fault-fast" && signal.column == 2).count();
    assert!(leading * 2 > fast, "{leading} of {fast}");
}

#[test]
fn what_comes_after_a_gap_in_time_does_not_follow_what_came_before() {
    let settings = parameters(&[("normal_rows", Value::Integer(400))]);
    let mut watch = Watch::new(&Bindings::group("process", 3), &settings, &mut NoTables).unwrap();
    watch.signals(&Frame::of_rows(3, &process_rows(400, 1, false)));
    let mut frame = Frame::of_rows(3, &process_rows(40, 2, false));
    let later = |at: usize| if at < 20 { 0 } else { 86_400_000_000_000 };
    frame.times_ns = (0..40).map(|at| 1_000_000_000_000 + at as i64 * 1_000_000_000 + later(at)).collect();
    let told = watch.signals(&frame);
    // The lags are filled anew: after the beginning, after the step from the rows that it learnt from, and after the gap.
    let rows: std::collections::BTreeSet<u32> = told.iter().map(|signal| signal.row).collect();
    let silent: Vec<u32> = (0..40).filter(|row| !rows.contains(row)).collect();
    assert_eq!(silent, [0, 1, 2, 20, 21, 22]);
}

#[test]
fn normal_rows_may_come_from_a_table_in_another_order() {
    let mut rows = process_rows(400, 1, false);
    rows.chunks_exact_mut(3).for_each(<[f64]>::reverse);
    let normal = table(&["2", "1", "0"], &rows);
    let mut watch =
        Watch::new(&Bindings::group("process", 3), &parameters(&[]), &mut Given(vec![("normal", normal)])).unwrap();
    let signals = watch.signals(&Frame::of_rows(3, &process_rows(100, 2, false)));
    assert!(!signals.is_empty() && fired(&signals).is_empty(), "{:?}", fired(&signals));
}

#[test]
fn a_restored_state_goes_on_as_if_nothing_had_happened() {
    let settings = parameters(&[("charts", text("shewhart, cusum, ewma, t2")), ("learn", Value::Integer(60))]);
    let bindings = Bindings::group("signals", 3);
    let new = || Watch::new(&bindings, &settings, &mut NoTables).unwrap();
    let rows = process_rows(150, 5, false);
    for cut in [0, 20, 60, 61, 140] {
        let (mut whole, mut first, mut second) = (new(), new(), new());
        whole.signals(&Frame::of_rows(3, &rows[..cut * 3]));
        first.signals(&Frame::of_rows(3, &rows[..cut * 3]));
        second.restore(1, &first.save().unwrap()).unwrap();
        let rest = Frame::of_rows(3, &rows[cut * 3..]);
        let (a, b) = (whole.signals(&rest), second.signals(&rest));
        let told = |signals: &[ChartSignal]| signals.iter().map(|s| (s.row, s.column, s.statistic)).collect::<Vec<_>>();
        assert_eq!(told(&a), told(&b));
        assert!(second.restore(2, &first.save().unwrap()).is_err());
        let mut other = Watch::new(&Bindings::group("signals", 2), &settings, &mut NoTables).unwrap();
        assert!(other.restore(1, &first.save().unwrap()).is_err());
        assert!(other.restore(1, &[1, 2, 3]).is_err());
    }
}

#[test]
fn a_state_of_the_largest_process_fits_what_the_host_takes() {
    let tags = 60;
    let settings = parameters(&[("normal_rows", Value::Integer(1_000))]);
    let mut watch = Watch::new(&Bindings::group("process", tags), &settings, &mut NoTables).unwrap();
    let mut draw = noise(9);
    let rows: Vec<f64> = (0..999 * tags).map(|_| draw()).collect();
    watch.signals(&Frame::of_rows(tags as usize, &rows));
    assert!(watch.save().unwrap().len() < 1 << 20);
    let last: Vec<f64> = (0..tags).map(|_| draw()).collect();
    watch.signals(&Frame::of_rows(tags as usize, &last));
    assert!(watch.save().unwrap().len() < 1 << 20);
}

/// Fails a part whose wear feature is above 200, of power.
struct Twin;

impl Classify for Twin {
    fn classify(&mut self, features: &[f32]) -> Result<Vec<f32>, Fault> {
        let part =
            |features: &[f32]| if features[1] > 200.0 { [0.1, 0.0, 0.2, 0.7, 0.0] } else { [0.9, 0.1, 0.0, 0.0, 0.0] };
        Ok(features.chunks_exact(5).flat_map(part).collect())
    }
}

fn machine() -> Bindings {
    let names = ["air_temperature", "process_temperature", "speed", "torque", "wear", "variant"];
    let mut bindings = Bindings::group("none", 0);
    bindings.inputs.clear();
    for (index, name) in (0..).zip(names) {
        let mut input = Bindings::group(name, 1).inputs.remove(0);
        input.columns[0].index = index;
        bindings.inputs.push(input);
    }
    bindings.columns = 6;
    bindings
}

#[test]
fn parts_get_a_point_and_items_a_verdict() {
    let mut watch = Watch::new(&machine(), &parameters(&[]), &mut NoTables).unwrap();
    let good = [298.0, 308.0, 1500.0, 40.0, 100.0, 1.0];
    let mut rows = [good, good, good].concat();
    rows[6 + 4] = 210.0;
    rows[12 + 5] = 7.0;
    let frame = Frame::of_rows(6, &rows);
    let item = |id: u64, row: usize| Item {
        id,
        trigger_ns: frame.times_ns[row],
        encoder: 0,
        measures: Vec::new(),
        images: Vec::new(),
    };
    let items = [item(70, 0), item(71, 1), item(72, 2)];
    let mut inspection = Inspection { verdicts: Vec::new(), signals: Vec::new() };
    watch.parts(&frame, &items, &mut Twin, &mut inspection);
    // A variant that nobody knows has no opinion, and its item is taken out.
    assert_eq!(inspection.signals.len(), 2);
    assert_eq!(fired(&inspection.signals), [(1, 4, "PWF")]);
    let said: Vec<_> = inspection.verdicts.iter().map(|v| (v.item, v.decision, v.defect.as_str(), v.quality)).collect();
    let expected = [(70, Decision::Pass, "", 0), (71, Decision::Reject, "PWF", 0), (72, Decision::Reject, "", 2)];
    assert_eq!(said, expected);
    assert!((inspection.verdicts[1].confidence - 0.9).abs() < 1e-6);
}
