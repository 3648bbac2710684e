//! `dinrail score` as a user runs it: its table, its line, its page, its exit codes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{dinrail, summary};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

const CONFIGURATION: &str = r#"
[scan]
period = "1s"
speed = "max"

[sources.rows]
kind = "csv"
path = "{file}"
time = { period = "1s" }

[tags."*"]
source = "rows"

[plugins.watch]
component = "anomaly-detection.wasm"
inputs = { signals = ["a", "b"] }
parameters = { warmup = 200 }
models = { channel = "channel-autoencoder" }
"#;

/// A scenario of generated files, with this bar on F1.
fn scenario(folder: &Path, at_least: f64) {
    let place = folder.join("scenarios/made-up");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("dinrail.toml"), CONFIGURATION).unwrap();
    let text = format!(
        "summary = \"Two signals, one of which jumps\"\nworld = \"anomaly-detection\"\nplugin = \"watch\"\n\
         configuration = \"dinrail.toml\"\n\n[data]\nfolder = \"made-up\"\nfiles = [\"*.csv\"]\n\n\
         [judge]\nkind = \"detection\"\nlabel = \"wrong\"\nskip_rows = 200\n\n\
         [[bars]]\nmetric = \"f1\"\nat_least = {at_least}\nreference = 0.5\n"
    );
    std::fs::write(place.join("scenario.toml"), text).unwrap();
}

/// Six hundred rows of two noisy signals; both jump by ten of their widths from row 400 to 500.
fn data(folder: &Path, files: usize) {
    let place = folder.join("data/made-up");
    std::fs::create_dir_all(&place).unwrap();
    let mut state = 7_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    for file in 0..files {
        let mut text = String::from("a,b,wrong\n");
        for row in 0..600 {
            let wrong = (400..500).contains(&row);
            let jump = if wrong { 3.0 } else { 0.0 };
            text.push_str(&format!("{},{},{}\n", noise() + jump, 20.0 + noise() - jump, u8::from(wrong)));
        }
        std::fs::write(place.join(format!("{file}.csv")), text).unwrap();
    }
}

fn score(arguments: &[&str]) -> Output {
    dinrail("score").args(arguments).env_remove("DINRAIL_DATA").output().unwrap()
}

fn row<'a>(line: &'a Value, metric: &str) -> &'a Value {
    let rows = line["scenarios"].as_array().unwrap();
    rows.iter().find(|row| row["metric"] == metric).unwrap_or_else(|| panic!("no {metric} in {line}"))
}

#[test]
fn files_are_judged_together_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), 0.8);
    data(folder.path(), 2);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (scenarios, data, page) = (path("scenarios"), path("data"), path("page.html"));
    let output = score(&["made", "--scenarios", &scenarios, "--data", &data, "--json", "--report", &page]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let line = summary(&output);
    let f1 = row(&line, "f1");
    assert_eq!((&f1["name"], &f1["world"]), (&"made-up".into(), &"anomaly-detection".into()), "{f1}");
    assert_eq!((&f1["verdict"], &f1["bar"]), (&"met".into(), &0.8.into()), "{f1}");
    let (result, ratio) = (f1["result"].as_f64().unwrap(), f1["ratio"].as_f64().unwrap());
    assert!((0.8..1.0).contains(&result) && (ratio - result / 0.5).abs() < 1e-9, "{f1}");
    // One event in each of two files, and not a row without its answer.
    assert_eq!(row(&line, "event_recall")["result"], 1.0);
    assert_eq!(row(&line, "rows_unanswered")["result"], 0.0);
    let page = std::fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("<svg").count(), 2);
    assert!(page.contains("made-up") && page.contains("0.csv"));
}

/// Changes a file of the scenario.
fn alter(folder: &Path, name: &str, from: &str, to: &str) {
    let path = folder.join("scenarios/made-up").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_label_that_the_plugin_sees_judges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), 0.8);
    data(folder.path(), 1);
    alter(folder.path(), "dinrail.toml", r#"["a", "b"]"#, r#"["*"]"#);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let output = score(&["--scenarios", &path("scenarios"), "--data", &path("data"), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`wrong`, by which it is judged"));
    assert!(row(&summary(&output), "f1")["result"].is_null());
}

#[test]
fn assets_of_a_table_are_judged_each_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), 0.8);
    data(folder.path(), 1);
    alter(folder.path(), "dinrail.toml", "time = { period", "key = \"unit\"\ntime = { period");
    alter(folder.path(), "dinrail.toml", "component =", "assets = { key = \"unit\" }\ncomponent =");
    // The same rows for two assets in turn, one label of one of them unreadable.
    let place = folder.path().join("data/made-up/0.csv");
    let rows = std::fs::read_to_string(&place).unwrap();
    let mut both = String::from("unit,a,b,wrong\n");
    for (number, line) in rows.lines().skip(1).enumerate() {
        let values = line.rsplit_once(',').unwrap().0;
        let label = if number == 300 { format!("{values},?") } else { line.to_owned() };
        both.push_str(&format!("1,{line}\n2,{label}\n"));
    }
    std::fs::write(place, both).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let output = score(&["--scenarios", &path("scenarios"), "--data", &path("data"), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let line = summary(&output);
    assert_eq!(row(&line, "rows_without_label")["result"], 1.0);
    assert_eq!(row(&line, "rows_unanswered")["result"], 0.0);
    assert_eq!(row(&line, "event_recall")["result"], 1.0);
    // Windows are of one series.
    let windows = r#"{"0.csv": [["1970-01-01 00:06:40", "1970-01-01 00:08:20"]]}"#;
    std::fs::write(folder.path().join("data/made-up/windows.json"), windows).unwrap();
    let judge = "kind = \"detection\"\nlabel = \"wrong\"\nskip_rows = 200";
    alter(folder.path(), "scenario.toml", judge, "kind = \"nab\"\nwindows = \"windows.json\"");
    let output = score(&["--scenarios", &path("scenarios"), "--data", &path("data")]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("the table has 2 assets"), "{said}");
}

#[test]
fn a_bar_that_is_missed_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), 0.9999);
    data(folder.path(), 1);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let output = score(&["--scenarios", &path("scenarios"), "--data", &path("data")]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("MISSED"));
}

#[test]
fn data_that_are_absent_are_skipped_or_refused() {
    let output = score(&["skab", "nab", "cmapss", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let line = summary(&output);
    let rows = line["scenarios"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["verdict"] == "skipped" && row["result"].is_null()), "{line}");
    let named = |name: &str| rows.iter().any(|row| row["name"] == name);
    for name in ["skab", "nab", "cmapss-fd001", "cmapss-fd002", "cmapss-fd003", "cmapss-fd004"] {
        assert!(named(name), "{name} is not in {line}");
    }
    assert_eq!(score(&["skab", "--require-data"]).status.code(), Some(2));
}

#[test]
fn what_is_not_there_is_a_mistake_of_the_command_line() {
    let unknown = score(&["skap"]);
    assert_eq!(unknown.status.code(), Some(64));
    let text = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(text.contains("`skap`") && text.contains("skab"), "{text}");
    assert_eq!(score(&["--plugin", "nothing"]).status.code(), Some(64));
    assert_eq!(score(&["--no-such-option"]).status.code(), Some(64));
    // 2^63: no configuration can hold it.
    let seed = score(&["rig", "--seed", "9223372036854775808"]);
    assert_eq!(seed.status.code(), Some(64), "{}", String::from_utf8_lossy(&seed.stderr));
}

#[test]
fn a_component_of_another_world_judges_nothing() {
    let output = score(&["skab", "--plugin", "process-optimization"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("world"));
}
