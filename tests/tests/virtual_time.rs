//! Virtual time leaves scans out in which nothing happens, and only those.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{Site, summary};
use dinrail_tests::environment;

const GAP: &str = r#"
[scan]
period = "1s"
speed = "max"

[sources.rows]
kind = "csv"
path = "rows.csv"
time = { column = "second", period = "1s" }

[tags.x]
source = "rows"
stale_after = "30s"

[plugins.count]
component = "counter.wasm"
inputs = { signals = ["x"] }
"#;

#[test]
fn a_silence_in_a_gap_is_said_when_it_begins() {
    let site = Site::new(GAP);
    std::fs::copy(environment::guest("counter"), site.path("counter.wasm")).unwrap();
    std::fs::write(site.path("rows.csv"), "second,x\n0,1\n1,2\n2,3\n1000,4\n1001,5\n").unwrap();
    let output = site.output("run", &["--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    // More than 30 s after the row of second 2, and back with that of second 1000.
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(" dinrail: x: ")).collect();
    let [silent, speaks] = lines[..] else { panic!("two lines about x: {said}") };
    assert!(silent.contains("00:00:33") && silent.contains("silent"), "{silent}");
    assert!(speaks.contains("00:16:40") && speaks.contains("speaks again"), "{speaks}");
    let summary = summary(&output);
    assert!(summary["scans"].as_u64().unwrap() < 20, "the rest of the gap is left out: {summary}");
    assert_eq!(summary["plugins"][0]["calls"], 5, "{summary}");
}
