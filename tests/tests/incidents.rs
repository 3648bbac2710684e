//! The flight recorder through the built controller: a trap writes an incident, and what was recorded comes out the same in
//! another process, to the byte; another component differs where it differs.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{Site, crash_loop, demo_hour, dinrail_alone, models, summary};
use dinrail_tests::environment;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;

fn replay(file: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = replay_output(file, &[arguments, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{output:?}"));
    (output.status.code(), report)
}

fn replay_output(file: &Path, arguments: &[&str]) -> Output {
    dinrail_alone().arg("replay").arg(file).args(arguments).output().unwrap()
}

fn incidents(site: &Site) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(site.path("store/incidents")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// A configuration with a store in its own folder.
fn with_store(configuration: &str, recorder: &str) -> String {
    format!("[site]\nname = \"flown\"\nstore = \"store\"\n\n[recorder]\n{recorder}\n\n{configuration}")
}

/// One asset's plugin that traps, and one that counts.
fn crashing(recorder: &str, rows: usize) -> Site {
    let site = Site::new(&with_store(&crash_loop(), recorder));
    for name in ["trap", "counter"] {
        std::fs::copy(environment::guest(name), site.path(&format!("{name}.wasm"))).unwrap();
    }
    std::fs::write(site.path("rows.csv"), dinrail_tests::controller::asset_rows(1, rows)).unwrap();
    site
}

fn plugin<'r>(report: &'r Value, name: &str) -> &'r Value {
    report["plugins"].as_array().unwrap().iter().find(|plugin| plugin["plugin"] == name).unwrap()
}

#[test]
fn a_trap_writes_an_incident_that_traps_again_in_replay() {
    let site = crashing("keep = \"10min\"", 30);
    let output = site.output("run", &["--json"]);
    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    let files = incidents(&site);
    assert!(files.len() >= 2 && summary["recorder"]["incidents"] == files.len(), "{files:?} {summary}");
    let of_kind = |kind: &str| files.iter().filter(|file| file.to_string_lossy().ends_with(kind)).count();
    // The plugin that is given up is an alarm of high priority as well.
    assert_eq!((of_kind("-trap.tar.gz"), of_kind("-alarm.tar.gz")), (files.len() - 1, 1), "{files:?}");
    for file in &files {
        let (code, report) = replay(file, &[]);
        assert_eq!(code, Some(0), "{report}");
        let (trap, counter) = (plugin(&report, "trap"), plugin(&report, "counter"));
        assert!(trap["calls"].as_u64() > Some(0) && trap["calls"] == trap["equal"], "{trap}");
        assert!(counter["calls"] == counter["equal"] && counter["unreachable"] == 0, "{counter}");
    }
    let (_, last) = replay(files.last().unwrap(), &[]);
    assert!(plugin(&last, "counter")["states"].as_u64() > Some(0), "states were saved: {last}");
    let listed =
        dinrail_alone().args(["incidents", "--json", "--config"]).arg(site.path("dinrail.toml")).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), files.len(), "{listed}");
    assert!(listed[0]["why"].as_str().unwrap().contains("trapped"), "{listed}");
}

#[test]
fn another_component_differs_first_where_its_state_does() {
    let site = crashing("keep = \"10min\"", 8);
    let counter = std::fs::read(site.path("counter.wasm")).unwrap();
    let _summary = site.run();
    let file = incidents(&site).pop().unwrap();
    // The 1.0 of the counter's score, wherever the compiler put it, becomes 0.75.
    let one = [&[0x44_u8], 1.0_f64.to_le_bytes().as_slice()].concat();
    let mut doctored = counter.clone();
    let places: Vec<usize> =
        doctored.windows(9).enumerate().filter(|(_, bytes)| *bytes == one).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the counter has a constant 1.0");
    for at in places {
        doctored[at + 1..at + 9].copy_from_slice(&0.75_f64.to_le_bytes());
    }
    let path = site.path("doctored.wasm");
    std::fs::write(&path, doctored).unwrap();
    let arguments = ["--plugin", "counter", "--component", path.to_str().unwrap()];
    let (code, report) = replay(&file, &arguments);
    assert_eq!(code, Some(1), "{report}");
    let first = &plugin(&report, "counter")["first"];
    assert!(first["field"].as_str().unwrap().starts_with("answered.anomalies[0]."), "{first}");
    // A bundle is another way to name it; whoever signed it.
    let bundle = site.path("other.rail");
    let packed = dinrail_alone().args(["bundle", "pack"]).arg(&path).arg("--output").arg(&bundle).output().unwrap();
    assert!(packed.status.success(), "{packed:?}");
    let (bundled, of_bundle) = replay(&file, &["--plugin", "counter", "--bundle", bundle.to_str().unwrap()]);
    assert_eq!(
        (bundled, plugin(&of_bundle, "counter")["first"].clone()),
        (code, plugin(&report, "counter")["first"].clone())
    );
    // The same component under another name is the same component.
    std::fs::write(&path, counter).unwrap();
    let (code, report) = replay(&file, &arguments);
    assert_eq!((code, plugin(&report, "counter")["different"].as_u64()), (Some(0), Some(0)), "{report}");
}

#[test]
fn what_is_redacted_is_said_and_not_replayed() {
    let site = crashing("redact = [\"x\"]\ncomponents = false", 4);
    let _summary = site.run();
    let file = incidents(&site).pop().unwrap();
    let refused = replay_output(&file, &[]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("is not in the incident") && said.contains("--component"), "{said}");
    let counter = site.path("counter.wasm");
    let (_, report) = replay(&file, &["--plugin", "counter", "--component", counter.to_str().unwrap()]);
    let counter = plugin(&report, "counter");
    assert_eq!((counter["redacted"][0].as_str(), counter["calls"].as_u64()), (Some("x"), Some(0)), "{counter}");
    assert!(counter["unreachable"].as_u64() > Some(0), "{counter}");
}

#[test]
fn a_file_that_is_no_incident_is_refused() {
    let site = crashing("", 1);
    for (name, bytes) in [("text.tar.gz", b"no archive".as_slice()), ("empty.tar.gz", b"")] {
        std::fs::write(site.path(name), bytes).unwrap();
        for command in ["replay", "show"] {
            let mut dinrail = dinrail_alone();
            let told = if command == "show" { dinrail.args(["incidents", "show"]) } else { dinrail.arg(command) };
            let output = told.arg(site.path(name)).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{output:?}");
        }
    }
}

#[test]
fn the_whole_demonstration_replays_to_the_byte() {
    let site = Site::new(&demo_hour(3));
    let file = site.path("run.tar.gz");
    let arguments = ["--json", "--quiet", "--run-time", "20min", "--record", file.to_str().unwrap()];
    let output = site.output("run", &arguments);
    assert!(output.status.success(), "{output:?}");
    let figures = summary(&output);
    let (code, report) = replay(&file, &[]);
    assert_eq!(code, Some(0), "{report}");
    let plugins = report["plugins"].as_array().unwrap();
    assert_eq!(plugins.len(), 9);
    for (plugin, ran) in plugins.iter().zip(figures["plugins"].as_array().unwrap()) {
        assert_eq!(plugin["plugin"], ran["name"]);
        assert_eq!(plugin["calls"], ran["calls"], "every call is in it: {plugin}");
        assert_eq!(plugin["calls"], plugin["equal"], "{plugin}");
        assert!(plugin["unreachable"] == 0 && plugin["strayed"] == 0, "{plugin}");
        assert!(plugin["states"].as_u64() > Some(0), "a state was saved on the way: {plugin}");
    }
    let models = models();
    let (code, report) = replay(&file, &["--recompute", "--models", models.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{report}");
    let watch = plugin(&report, "pump-watch");
    assert!(watch["recomputed"]["numbers"].as_u64() > Some(0), "{watch}");
}
