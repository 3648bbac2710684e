//! What one plugin, sink or file does wrong costs nobody else: through the built controller.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{Site, reactor, summary};
use dinrail_tests::environment;

/// The plant, and an optimizer that answers every scan.
fn stepping(period: &str) -> String {
    let scan = format!("[scan]\nperiod = \"{period}\"\n");
    let plugin = r#"
[plugins.step]
component = "stepper.wasm"
inputs = { signals = ["reactor.temp"] }
outputs = { setpoint = "sp" }
parameters = { start = 80.0, step = 0.1 }
mode = "auto"
"#;
    format!("{scan}{}{plugin}", reactor("0.5 Cel/s"))
}

fn with_guests(site: &Site, subcommand: &str, arguments: &[&str]) -> std::process::Output {
    let guests = environment::guest("loop");
    let mut command = site.command(subcommand);
    for name in ["loop", "stepper", "counter"] {
        let from = guests.with_file_name(format!("{name}.wasm"));
        std::fs::copy(from, site.path(&format!("{name}.wasm"))).unwrap();
    }
    command.args(arguments).output().unwrap()
}

#[test]
fn a_loop_beside_the_scan_holds_no_cyclic_plugin_up() {
    let looping = r#"
[plugins.looping]
component = "loop.wasm"
inputs = { signals = ["reactor.temp"] }
background = true
period = "6s"
deadline = "5s"
"#;
    let site = Site::new(&format!("{}{looping}", stepping("50ms")));
    let summary = summary(&with_guests(&site, "run", &["--for", "3s", "--json", "--quiet"]));
    let (scans, calls) = (summary["scans"].as_u64().unwrap(), summary["plugins"][0]["calls"].as_u64().unwrap());
    // Sharing a thread with the loop it would get one or two.
    assert!(calls * 2 > scans, "{calls} calls in {scans} scans: {summary}");
    assert_eq!(summary["plugins"][0]["faults"], 0, "{summary}");
}

#[test]
fn an_asset_plugin_that_loops_in_configure_is_refused_by_check() {
    let per_asset = r#"
[sources.engines]
kind = "csv"
path = "engines.csv"
key = "unit"
time = { period = "1s" }

[tags."engine"]
source = "engines"
column = "v"

[plugins.looping]
component = "loop.wasm"
assets = { key = "unit" }
inputs = { signals = ["engine"] }
parameters = { call = "configure" }
"#;
    let site = Site::new(&format!("{}{per_asset}", stepping("50ms")));
    std::fs::write(site.path("engines.csv"), "unit,v\na,1\nb,2\n").unwrap();
    let output = with_guests(&site, "check", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("was stopped after"), "{said}");
}

#[test]
fn a_sink_that_would_write_over_a_source_is_refused() {
    let over = r#"
[sources.table]
kind = "csv"
path = "table.csv"
time = { period = "1s" }

[tags."v"]
source = "table"

[sinks.over]
kind = "jsonl"
path = "./table.csv"
"#;
    let site = Site::new(&format!("{}{over}", stepping("50ms")));
    std::fs::write(site.path("table.csv"), "v\n1\n").unwrap();
    let output = with_guests(&site, "check", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("would write over"), "{said}");
    assert_eq!(std::fs::read_to_string(site.path("table.csv")).unwrap(), "v\n1\n");
}

/// A reader that never reads: the run still ends, says that results are missing, and is no success.
#[cfg(unix)]
#[test]
fn a_sink_that_takes_nothing_does_not_hold_the_end_up() {
    let stdout = "[sinks.out]\nkind = \"jsonl\"\npath = \"-\"\n";
    let site = Site::new(&format!("{}{stdout}", stepping("1ms")));
    with_guests(&site, "check", &[]);
    let mut child = site
        .command("run")
        .args(["--quiet", "--for", "3s"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Nobody takes what it writes: its pipe is full soon.
    let status = child.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut said).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("results are missing"), "{said}");
}

#[test]
fn a_crash_loop_backs_off_and_is_quarantined() {
    let (assets, rows) = (3, 12);
    let site = Site::new(&dinrail_tests::controller::crash_loop());
    for name in ["trap", "counter"] {
        std::fs::copy(environment::guest(name), site.path(&format!("{name}.wasm"))).unwrap();
    }
    std::fs::write(site.path("rows.csv"), dinrail_tests::controller::asset_rows(assets, rows)).unwrap();
    let summary = site.run();
    let (trap, counter) = (&summary["plugins"][0], &summary["plugins"][1]);
    // Six traps each: the first, and one after each of five restarts. Every other frame is skipped, none is lost.
    assert_eq!(trap["faults"], 6 * assets, "{summary}");
    assert_eq!(trap["skipped"], (rows - 6) * assets, "{summary}");
    assert_eq!(trap["state"], "quarantined", "{summary}");
    assert_eq!(counter["calls"], rows * assets, "{summary}");
    assert_eq!(counter["faults"], 0, "{summary}");
}
