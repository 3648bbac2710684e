//! `dinrail sim`: a plant alone into a table, its truth beside it, and the table read by a controller.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::Site;
use dinrail_tests::environment;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const REFERENCE: &str = include_str!("../../host/cli/CONFIGURATION.md");

fn sim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(environment::dinrail()).arg("sim").args(arguments).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The example of the reference that has this line.
fn example(line: &str) -> &'static str {
    let blocks = REFERENCE.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.into_iter().find(|block| block.contains(line)).unwrap_or_else(|| panic!("no example with `{line}`"))
}

/// The reference's own command and configuration, five minutes long.
#[test]
fn a_table_of_a_plant_is_read_as_the_reference_says() {
    let site = Site::new(example("path = \"plant.csv\""));
    let faults = "stuck rig.flow from 1min for 30s; dropout rig.speed from 2min for 30s";
    let output = sim(
        site.path("").as_path(),
        &[
            "rig",
            "--seed",
            "7",
            "--faults",
            faults,
            "--run-time",
            "5min",
            "--csv",
            "plant.csv",
            "--truth",
            "truth.jsonl",
        ],
    );
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("300 rows of 14 signals in plant.csv"), "{}", said(&output));
    let table = std::fs::read_to_string(site.path("plant.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|known| *known == name).unwrap();
    let (flow, speed) = (column("rig.flow"), column("rig.speed"));
    assert_eq!((rows.len(), rows[0].len(), rows[1][0]), (301, 15, "2026-01-01T00:00:00.000Z"));
    assert!(rows[61..91].iter().all(|row| row[flow] == rows[61][flow]), "stuck from the 60th second on");
    assert_ne!(rows[91][flow], rows[61][flow]);
    let silent: Vec<usize> = (1..301).filter(|row| rows[*row][speed].is_empty()).collect();
    assert_eq!(silent, (121..151).collect::<Vec<_>>());
    // The truth names what no column says.
    let truth = site.lines("truth.jsonl");
    assert_eq!(truth.len(), 300);
    assert_eq!(truth[75]["faults"][0], "stuck-sensor(rig.flow)");
    assert_eq!(truth[130]["faults"][0], "sensor-dropout(rig.speed)");
    assert!(truth[0]["faults"].as_array().unwrap().is_empty() && truth[0]["machine"]["health"] == 1.0, "{}", truth[0]);
    assert!(!table.contains("stuck") && !table.contains("health"));
    let summary = site.run();
    assert_eq!(summary["plugins"][0]["calls"], 300, "{summary}");
    assert_eq!(site.lines("results.jsonl").iter().filter(|line| line["kind"] == "anomaly").count(), 300);
}

#[test]
fn equal_seeds_give_equal_tables_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let table = |seed: &str, more: &[&str]| {
        let fixed = ["reactor", "--run-time", "20s", "--csv", "-", "--seed", seed];
        let output = sim(folder.path(), &[&fixed[..], more].concat());
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let first = table("1", &[]);
    assert_eq!(first.lines().count(), 21);
    assert_eq!(first, table("1", &[]));
    assert_ne!(first, table("2", &[]));
    let rare = table("1", &["--every", "10s"]);
    let lines: Vec<&str> = first.lines().collect();
    assert_eq!(rare.lines().collect::<Vec<_>>(), [lines[0], lines[1], lines[11]], "the same moments, fewer of them");
    assert_ne!(first, table("1", &["--set", "reactor.temp_sp=95"]));
    assert_ne!(first, table("1", &["--faults", "step reactor.temp by 3 from 5s for 5s"]));
}

/// `dinrail sim … --csv - | head` is no mistake.
#[test]
fn a_reader_that_went_away_ends_it_quietly() {
    let mut plant = Command::new(environment::dinrail());
    plant.args(["sim", "reactor", "--run-time", "1000h", "--csv", "-"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut plant = plant.spawn().unwrap();
    drop(plant.stdout.take());
    let output = plant.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", said(&output));
}

#[test]
fn a_run_ends_with_what_is_replayed_and_its_account() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.jsonl");
    let arguments = ["home", "--every", "1h", "--run-time", "2d", "--csv", "home.csv", "--truth", "truth.jsonl"];
    let output = sim(folder.path(), &arguments);
    assert!(output.status.success(), "{}", said(&output));
    let text = std::fs::read_to_string(truth).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert!(last["account"]["cost"].is_number() && text.lines().count() == 49, "{last}");
}

#[test]
fn what_can_not_be_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["rigg", "--csv", "-", "--run-time", "1s"][..], "did you mean `rig`?"),
        (&["rig", "--run-time", "1s"][..], "add `--csv FILE`, `--csv -` or `--mqtt URL`"),
        (&["rig", "--csv", "-"][..], "add `--run-time 1h`"),
        (&["rig", "--mqtt", "mqtt://127.0.0.1", "--speed", "max"][..], "leave `--speed max` out"),
        (&["rig", "--csv", "-", "--run-time", "1s", "--every", "0s"][..], "--every"),
        (
            &["reactor", "--csv", "-", "--run-time", "1s", "--set", "reactor.temp=3"][..],
            "did you mean `reactor.temp_sp`?",
        ),
        (
            &["reactor", "--csv", "-", "--run-time", "1s", "--faults", "stuck rig.flow from 1s for 1s"][..],
            "no value signal `rig.flow`",
        ),
        (&["reactor", "--csv", "-", "--run-time", "1s", "--faults", "stuck"][..], "found the end"),
        (&["reactor", "--csv", "-", "--run-time", "1s", "--faults", "@none.txt"][..], "none.txt"),
    ] {
        let output = sim(folder.path(), arguments);
        let said = said(&output);
        assert!(output.status.code() == Some(2) && said.contains(expected), "{arguments:?}: {said}");
    }
}
