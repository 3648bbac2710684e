//! Public data sets through the built controller: an irregular series, a hundred engines in one file, and what
//! `dinrail score` says of two sets. They are not part of the project; `DINRAIL_DATA` says where they are.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{Site, dinrail, summary};
use dinrail_tests::environment;
use serde_json::Value;
use std::collections::BTreeMap;

/// Has `dinrail score` judge the scenarios whose names begin so; every bar must be met, and no plugin may fault.
fn score_is_met(name: &str, bars: &[&str]) {
    let Some(data) = environment::data() else { return };
    let output = dinrail("score").args([&format!("={name}"), "--json", "--data"]).arg(data).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("faulted"), "{said}");
    let line = summary(&output);
    let rows = line["scenarios"].as_array().unwrap();
    for bar in bars {
        let is_met = |row: &Value| row["name"] == name && row["metric"] == *bar && row["verdict"] == "met";
        assert!(rows.iter().any(|row| is_met(row) && row["bar"].is_f64() && row["result"].is_f64()), "{bar}: {line}");
    }
    assert!(rows.iter().all(|row| row["verdict"] == "met"), "{line}");
}

#[test]
fn skab_is_found() {
    score_is_met("skab", &["f1", "false_alarm_rate"]);
}

#[test]
fn cmapss_lives_are_predicted() {
    score_is_met("cmapss-fd001", &["rmse_clipped", "assets_without_life"]);
}

#[test]
fn nab_irregular_series() {
    let Some(data) = environment::data() else { return };
    let file = data.join("nab/data/realKnownCause/ambient_temperature_system_failure.csv");
    let rows = std::fs::read_to_string(&file).unwrap().lines().count() - 1;
    let site = Site::new(&format!(
        r#"
[scan]
period = "5min"
speed = "max"

[sources.series]
kind = "csv"
path = {path:?}
time = {{ column = "timestamp", format = "%Y-%m-%d %H:%M:%S" }}

[tags.value]
source = "series"
unit = "[degF]"

[plugins.watch]
component = "anomaly-detection.wasm"
inputs = {{ signals = ["value"] }}
parameters = {{ warmup = 700 }}
models = {{ channel = "channel-autoencoder" }}

[sinks.results]
kind = "jsonl"
path = "results.jsonl"
"#,
        path = file.display().to_string(),
    ));
    let summary = site.run();
    assert_eq!(summary["plugins"][0]["faults"], 0, "{summary}");
    let results = site.lines("results.jsonl");
    let same_again = summary["samples"]["duplicates"].as_u64().unwrap();
    assert_eq!(results.len() as u64 + same_again, rows as u64, "{summary}");
    let alarms = results.iter().filter(|result| result["alarm"] == true).count();
    assert!(alarms < rows / 4, "{alarms} alarms in {rows} rows");
    let times: Vec<&str> = results.iter().map(|result| result["time"].as_str().unwrap()).collect();
    assert!(times.windows(2).all(|pair| pair[0] <= pair[1]), "times never fall");
}

#[test]
fn cmapss_engines_are_assets() {
    let Some(data) = environment::data() else { return };
    let columns: Vec<String> = ["unit", "cycle", "setting1", "setting2", "setting3"]
        .map(str::to_owned)
        .into_iter()
        .chain((1..=21).map(|sensor| format!("s{sensor}")))
        .collect();
    let site = Site::new(&format!(
        r#"
[scan]
period = "1h"
speed = "max"

[sources.engines]
kind = "csv"
path = {path:?}
whitespace = true
columns = {columns:?}
time = {{ column = "cycle", period = "1h" }}
key = "unit"

[tags."s*"]
source = "engines"

[plugins.watch]
component = "anomaly-detection.wasm"
assets = {{ key = "unit" }}
inputs = {{ signals = ["s2", "s3", "s4", "s7", "s11", "s12", "s15"] }}
parameters = {{ warmup = 100 }}
models = {{ channel = "channel-autoencoder" }}

[sinks.results]
kind = "jsonl"
path = "results.jsonl"
"#,
        path = data.join("cmapss/train_FD001.txt.gz").display().to_string(),
    ));
    let summary = site.run();
    assert_eq!(summary["plugins"][0]["instances"], 100, "{summary}");
    assert_eq!(summary["plugins"][0]["faults"], 0, "{summary}");
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let mut count = 0;
    for result in site.lines("results.jsonl") {
        count += 1;
        last.insert(result["asset"].as_str().unwrap().to_owned(), result);
    }
    assert_eq!(count, 20_631, "one result for each cycle of each engine");
    assert_eq!(last.len(), 100);
    // Every engine of this set runs to failure; a detector that knows no engine finds a good part of them.
    let alarmed = last.values().filter(|result| result["alarm"] == true).count();
    println!("C-MAPSS FD001: {alarmed} of 100 engines alarm at the end of their life");
    assert!(alarmed >= 25, "{alarmed} of 100 engines alarm at the end of their life");
}
