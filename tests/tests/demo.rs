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
            let (calls, scans) = (plugin["calls"].as_u64().unwrap(), summary["scans"].as_u64().unwrap());
            // The one that plans beside the scan is called every half minute.
            let wanted = if plugin["name"] == "air" { scans / 5 } else { scans };
            assert_eq!(calls, wanted, "seed {seed}: {plugin}");
        }
        let items = &summary["items"];
        assert!(items["verdicts"].as_u64() > Some(60) && items["rejected"].as_u64() > Some(0), "seed {seed}: {items}");
        assert_eq!((items["without_verdict"].as_u64(), items["not_done"].as_u64()), (Some(0), Some(0)), "{items}");
        assert!(summary["inferences"].as_u64().unwrap() > 100, "seed {seed}: {summary}");
    }
}

/// What one plugin finds, others use: a worn bearing lowers the pump's limit, a forecast goes into the battery's plan, rejects
/// into orders.
#[test]
fn results_of_plugins_reach_each_other() {
    let site = virtual_demo(1);
    run_hour(&site);
    let lines = site.lines("results.jsonl");
    let of = |kind: &str, output: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["kind"] == kind && line["output"] == output).collect()
    };
    let index_at = |scan: u64| {
        let healths = lines.iter().filter(|line| line["kind"] == "health" && line["scan"].as_u64() == Some(scan));
        healths.filter_map(|line| line["index"].as_f64()).next_back()
    };
    let pump = of("command", "pumps.sp_1");
    let lowest = pump.iter().filter_map(|line| Some((line["value"].as_f64()?, line["scan"].as_u64()?)));
    let reduced: Vec<_> = lowest.clone().filter(|(value, _)| (*value - 120.0).abs() < 1e-9).collect();
    assert!(!reduced.is_empty(), "the pump's limit was never lowered");
    assert!(reduced.iter().any(|(_, scan)| index_at(*scan).is_some_and(|index| index < 0.8)), "{reduced:?}");
    assert!(lowest.clone().any(|(value, scan)| value > 150.0 && scan > reduced[0].1), "nor raised again");
    let plans: Vec<_> = lines.iter().filter(|line| line["kind"] == "proposal" && line["plugin"] == "battery").collect();
    let rationale = |line: &&&Value| line["rationale"].as_str().is_some_and(|text| text.contains("forecast"));
    assert!(plans.iter().any(|line| rationale(&line)), "{:?}", plans.last());
    let orders: Vec<_> = lines.iter().filter(|line| line["kind"] == "order").collect();
    assert!(!orders.is_empty() && orders.iter().all(|line| line["item"] == "warehouse.order"), "{orders:?}");
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
    // Also where other tests leave it little of a processor: how long a plan takes is not what this shows.
    let patient = DEMO.replace("budget = \"50ms\"", "budget = \"90ms\"");
    let patient = patient.replace("period = \"30s\"\ndeadline = \"400ms\"", "period = \"5min\"\ndeadline = \"5s\"");
    let site = Site::new(&patient.replace("lease = \"2min\"", "lease = \"10min\""));
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
