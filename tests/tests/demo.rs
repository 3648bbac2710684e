//! The demonstration's plant and plugins through the built controller: in virtual time, so that an hour
//! takes seconds and every run is the same; live for a few seconds; and stopped by a signal.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{DEMO, Site, demo_hour, summary};
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;

/// An hour of run time in virtual time.
fn virtual_demo(seed: u64) -> Site {
    Site::new(&demo_hour(seed))
}

fn run_hour(site: &Site) -> Value {
    let output = site.output("run", &["--json", "--quiet", "--run-time", "1h"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    summary(&output)
}

#[test]
fn an_hour_shows_every_fault_and_a_rising_profit() {
    for seed in 1..=3 {
        let site = virtual_demo(seed);
        let summary = run_hour(&site);
        let detections = summary["detections"].as_array().unwrap();
        assert_eq!(detections.len(), 4, "seed {seed}: {summary}");
        for detection in detections {
            assert!(detection["delay_s"].is_number(), "seed {seed}: {detection}");
        }
        assert_eq!(summary["false_episodes"], 0, "seed {seed}: {summary}");
        let reactor = &summary["reactor"];
        let (start, end) =
            (reactor["profit_ratio_at_start"].as_f64().unwrap(), reactor["profit_ratio"].as_f64().unwrap());
        assert!(start < 0.93 && end > 0.97, "seed {seed}: profit from {start} to {end}");
        for plugin in summary["plugins"].as_array().unwrap() {
            let (faults, missed) = (&plugin["faults"], &plugin["missed"]);
            assert!(*faults == 0 && *missed == 0 && plugin["state"] == "running", "seed {seed}: {plugin}");
            assert_eq!(plugin["calls"], summary["scans"], "seed {seed}: one call a scan");
        }
        assert!(summary["inferences"].as_u64().unwrap() > 100, "seed {seed}: {summary}");
    }
}

#[test]
fn virtual_time_repeats_to_the_byte() {
    let results = [1, 2].map(|_| {
        let site = virtual_demo(7);
        run_hour(&site);
        std::fs::read(site.path("results.jsonl")).unwrap()
    });
    assert!(results[0].len() > 100_000);
    assert!(results[0] == results[1], "two runs of one seed give the same results");
}

#[test]
fn every_proposal_has_its_verdict_and_reason() {
    let site = virtual_demo(2);
    let summary = run_hour(&site);
    let judged: u64 = ["accepted", "clamped", "held", "rejected"]
        .iter()
        .map(|verdict| summary["proposals"][verdict].as_u64().unwrap())
        .sum();
    let is_proposal = |line: &Value| line["kind"] == "proposal" || line["kind"] == "order";
    let proposals: Vec<Value> = site.lines("results.jsonl").into_iter().filter(is_proposal).collect();
    assert_eq!(judged, proposals.len() as u64);
    assert!(judged > 0 && summary["commands"].as_u64().unwrap() > 0, "{summary}");
    let mut last: Option<(f64, f64)> = None;
    for proposal in proposals.iter().filter(|proposal| proposal["output"] == "reactor.temp_sp") {
        assert!(!proposal["reason"].as_str().unwrap().is_empty(), "{proposal}");
        let Some(applied) = proposal["applied"].as_f64() else { continue };
        let scan = proposal["scan"].as_f64().unwrap();
        assert!((70.0..=100.0).contains(&applied), "{proposal}");
        if let Some((last_scan, last_applied)) = last {
            // 2 Cel/min, six seconds a scan.
            let allowed = 0.2 * (scan - last_scan) + 1e-6;
            assert!((applied - last_applied).abs() <= allowed, "from {last_applied} to {proposal}");
        }
        last = Some((scan, applied));
    }
    assert!(last.is_some());
}

#[test]
fn live_for_a_few_seconds_with_its_own_broker() {
    let site = Site::new(DEMO);
    let output = site.output("demo", &["--for", "8s", "--json", "--quiet"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = summary(&output);
    assert!(summary["scans"].as_u64().unwrap() > 0, "{summary}\n{said}");
    assert!(summary["samples_in"].as_u64().unwrap() > 0, "{summary}\n{said}");
    let mqtt = &summary["mqtt"];
    assert!(mqtt["published"].as_u64().unwrap() > 0, "{summary}\n{said}");
    assert_eq!(mqtt["published"], mqtt["acked"], "{summary}\n{said}");
    for plugin in summary["plugins"].as_array().unwrap() {
        assert_eq!(plugin["faults"], 0, "{plugin}\n{said}");
    }
}

#[test]
fn a_signal_stops_it_and_every_output_does_its_on_stop() {
    let site = Site::new(DEMO);
    let mut child =
        site.command("demo").args(["--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Its first status line says that it scans.
    let mut said = String::new();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    for line in lines.by_ref() {
        let line = line.unwrap();
        said.push_str(&line);
        said.push('\n');
        if line.contains("in force") {
            break;
        }
    }
    std::thread::sleep(Duration::from_millis(300));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    said.extend(lines.map(|line| line.unwrap() + "\n"));
    let output = child.wait_with_output().unwrap();
    let summary = summary(&output);
    assert!(summary["scans"].as_u64().unwrap() > 0, "{summary}\n{said}");
    assert!(said.contains("reactor.temp_sp stops at 80.0000 Cel"), "{said}");
}
