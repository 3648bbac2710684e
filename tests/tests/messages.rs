//! What somebody who is new to `dinrail` meets when something is missing, misspelt or of another kind than it should be.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{Site, dinrail};
use dinrail_tests::environment;
use std::process::{Command, Output, Stdio};

const FLEET: &str = r#"
[scan]
period = "1h"
speed = "max"

[sources.engines]
kind = "csv"
path = "engines.csv"
time = { column = "cycle", period = "1h" }
key = "unit"

[tags."s*"]
source = "engines"

[plugins.life]
component = "predictive-maintenance.wasm"
assets = { key = "unit" }
inputs = { sensors = ["s*"], settings = ["setting?"] }
models = { life = "turbofan-life" }
tables = "turbofan-life/tables"
"#;

fn fleet(configuration: &str) -> Site {
    let site = Site::new(configuration);
    let names: Vec<String> = (1..=21).map(|sensor| format!("s{sensor}")).collect();
    let row = |cycle: u32| format!("1,{cycle}{}\n", ",0.5".repeat(24));
    let text = format!("unit,cycle,setting1,setting2,setting3,{}\n{}{}", names.join(","), row(1), row(2));
    std::fs::write(site.path("engines.csv"), text).unwrap();
    site
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Refused, with a line that has `place` (the beginning of the text it points to) and all of `parts`.
fn check_refused(site: &Site, configuration: &str, place: &str, parts: &[&str]) {
    let output = site.output("check", &[]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let at = configuration.find(place).unwrap();
    let line = configuration[..at].matches('\n').count() + 1;
    let column = at - configuration[..at].rfind('\n').map_or(0, |before| before + 1) + 1;
    assert!(said.contains(&format!("dinrail.toml:{line}:{column}: ")), "not at {line}:{column}:\n{said}");
    for part in parts {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    assert_eq!(said.matches("help: ").count(), 1, "{said}");
}

#[test]
fn a_wrong_folder_of_tables_says_what_was_looked_for_and_where() {
    let text = FLEET.replace("\"turbofan-life/tables\"", "\"mine\"");
    let site = fleet(&text);
    let there = site.path("mine");
    let shown = there.display().to_string();
    check_refused(&site, &text, "\"mine\"", &["no folder `mine`", "[plugins.life]", &shown]);
    std::fs::create_dir(&there).unwrap();
    std::fs::write(there.join("notes.csv"), "a\n1\n").unwrap();
    check_refused(
        &site,
        &text,
        "\"mine\"",
        &["the plugin `life`", "no table `regimes.csv`", &shown, "the folder has notes.csv"],
    );
    let output = self::said(&site.output("check", &[]));
    assert_eq!(output.matches("there is no table `regimes.csv`").count(), 1, "said once:\n{output}");
    assert!(!output.contains("no table `there is"), "{output}");
}

#[test]
fn a_fleet_without_tables_or_model_is_told_which_line_to_add() {
    let text = FLEET.replace("tables = \"turbofan-life/tables\"\n", "");
    let add = "add `tables = \"FOLDER\"` to [plugins.life]";
    check_refused(&fleet(&text), &text, "life]", &["asks for the table `regimes`", add]);
    let text = FLEET.replace("models = { life = \"turbofan-life\" }\n", "");
    let add = "add `models = { life = \"FOLDER\" }` to [plugins.life]";
    check_refused(&fleet(&text), &text, "life]", &["no model is bound to `life`", add]);
    let text = FLEET.replace("\"turbofan-life\"", "\"turbofan-live\"");
    check_refused(&fleet(&text), &text, "\"turbofan-live\"", &["[plugins.life]", "did you mean `turbofan-life`?"]);
}

#[test]
fn a_fleets_life_is_in_cycles_and_a_bearings_in_hours() {
    let sink = "\n[sinks.results]\nkind = \"jsonl\"\npath = \"results.jsonl\"\n";
    let site = fleet(&format!("{FLEET}{sink}"));
    let units = |site: &Site| {
        let text = std::fs::read_to_string(site.path("results.jsonl")).unwrap();
        assert!(text.contains("\"kind\":\"health\""), "{text}");
        (text.matches("\"unit\":\"{cycle}\"").count(), text.matches("\"unit\":\"h\"").count())
    };
    let _ = site.run();
    assert_eq!(units(&site), (2, 0));
    let site = Site::new(&format!("{BEARING}{sink}"));
    let output = site.output("run", &["--run-time", "5min"]);
    assert!(output.status.success(), "{}", said(&output));
    let (cycles, hours) = units(&site);
    assert!(cycles == 0 && hours >= 5, "{cycles} {hours}");
}

const BEARING: &str = r#"
[scan]
period = "1min"
speed = "max"

[sources.plant]
kind = "sim"
plant = "rig"
faults = "demo"

[tags."rig.vibration_wave"]
source = "plant"

[tags."rig.speed"]
source = "plant"

[plugins.bearing]
component = "predictive-maintenance.wasm"
inputs = { waveform = "rig.vibration_wave", speed = "rig.speed" }
"#;

/// It gives no alarms, and so overlooks no fault.
#[test]
fn a_fault_script_judges_only_what_raises_alarms() {
    let site = Site::new(BEARING);
    let output = site.output("run", &["--run-time", "30min"]);
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", said(&output));
    assert!(!summary.contains("NOT seen") && !summary.contains("false alarm"), "{summary}");
    let watched = BEARING
        .replace("predictive-maintenance", "anomaly-detection")
        .replace("waveform = \"rig.vibration_wave\", speed = \"rig.speed\"", "signals = [\"rig.speed\"]")
        + "models = { channel = \"channel-autoencoder\" }\n";
    let output = Site::new(&watched).output("run", &["--run-time", "30min"]);
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(summary.contains("fault bearing-wear"), "{summary}{}", said(&output));
}

const TABLE: &str = r#"
[scan]
period = "1s"
speed = "max"

[sources.rows]
kind = "csv"
path = "rows.csv"
time = { period = "1s" }

[tags."*"]
source = "rows"

[plugins.watch]
component = "anomaly-detection.wasm"
inputs = { signals = ["a", "b"] }
models = { channel = "channel-autoencoder" }
"#;

fn table(configuration: &str, b: impl Fn(usize) -> String) -> Site {
    let site = Site::new(configuration);
    let rows = (0..300).map(|row| format!("{},{},note\n", row % 7, b(row)));
    std::fs::write(site.path("rows.csv"), format!("a,b,remark\n{}", rows.collect::<String>())).unwrap();
    site
}

#[test]
fn a_column_of_texts_is_refused_and_a_text_among_numbers_is_told() {
    let states = |row: usize| if row.is_multiple_of(2) { "on".to_owned() } else { "off".to_owned() };
    let parts = ["column `b`", "rows.csv", "`on` in line 2", "map = { \"on\" = 1 }"];
    check_refused(&table(TABLE, states), TABLE, "\"*\"", &parts);
    check_refused(&table(TABLE, |_| "\"1,5\"".to_owned()), TABLE, "\"*\"", &["column `b`", "decimal point"]);
    let mapped = TABLE.replace("[plugins", "[tags.b]\nsource = \"rows\"\nmap = { on = 1, off = 0 }\n\n[plugins");
    assert!(table(&mapped, states).output("check", &[]).status.success());
    // A number among the first hundred is enough; the first text is told once, with its line.
    let late = |row: usize| if row == 50 { "1.5".to_owned() } else { "n/a".to_owned() };
    let output = table(TABLE, late).output("run", &["--quiet"]);
    assert!(output.status.success(), "{}", said(&output));
    let lines: Vec<String> = said(&output)
        .lines()
        .filter(|line| line.contains("WARN") && line.contains("tag=\"b\""))
        .map(str::to_owned)
        .collect();
    assert_eq!(lines.len(), 1, "{}", said(&output));
    assert!(lines[0].contains("rows.csv:2") && lines[0].contains("n/a"), "{}", lines[0]);
    // Nobody reads `remark`, and its pattern finds it: told, not refused.
    assert!(said(&output).contains("tag=\"remark\""), "{}", said(&output));
}

/// A missing bracket made dozens of complaints.
#[test]
fn a_missing_bracket_is_one_mistake() {
    let text = TABLE.replace("signals = [\"a\", \"b\"]", "signals = [\"a\", \"b\"");
    let output = table(&text, |row| row.to_string()).output("check", &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert_eq!(said.matches("help: ").count(), 1, "{said}");
    assert!(said.contains("is its `]` missing?"), "{said}");
}

#[test]
fn libraries_are_not_logged_unless_they_are_named() {
    let run = |told: &str| {
        let site = table(TABLE, |row| row.to_string());
        said(&site.command("run").arg("--quiet").env("DINRAIL_LOG", told).output().unwrap())
    };
    let quiet = run("debug");
    assert!(!quiet.contains("cranelift") && quiet.lines().count() < 100, "{quiet}");
    let named = run("debug,cranelift_codegen=debug,wasmtime=trace");
    assert!(named.lines().count() > quiet.lines().count(), "{named}");
    assert!(run("dinrail_field=loud").contains("DINRAIL_LOG"));
}

/// A reader that went away ends nothing: the run goes on to its end, and says so.
#[test]
fn a_closed_stderr_ends_no_run() {
    let site = table(&format!("{TABLE}\n[sinks.results]\nkind = \"jsonl\"\npath = \"results.jsonl\"\n"), |row| {
        if row < 50 { row.to_string() } else { "n/a".to_owned() }
    });
    let mut command = site.command("run");
    command.env("DINRAIL_LOG", "trace").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stderr.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    assert!(String::from_utf8_lossy(&output.stdout).contains("samples: "));
    assert_eq!(std::fs::read_to_string(site.path("results.jsonl")).unwrap().lines().count(), 300);
}

#[test]
fn describe_lists_what_there_is() {
    let plugins = environment::plugin("anomaly-detection");
    let describe = |what: &str| {
        let mut command = Command::new(environment::dinrail());
        command.args(["describe", what, "--plugins"]).arg(plugins.parent().unwrap()).output().unwrap()
    };
    let unknown = describe("anomaly-detektion");
    assert_eq!(unknown.status.code(), Some(1));
    let text = said(&unknown);
    for part in ["did you mean `anomaly-detection`?", "predictive-maintenance", "process-optimization", "rig-shifts"] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    let known = String::from_utf8_lossy(&describe("predictive-maintenance").stdout).into_owned();
    for part in ["Tables", "tables = \"FOLDER\"", "{cycle}", "rul-waveform"] {
        assert!(known.contains(part), "no `{part}` in\n{known}");
    }
    assert!(!String::from_utf8_lossy(&describe("anomaly-detection").stdout).contains("\nTables\n"));
}

#[test]
fn a_page_that_cannot_be_written_is_said_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("absent/page.html").display().to_string();
    let output = dinrail("score").args(["rig", "--report", &page]).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{}", said(&output));
    assert!(said(&output).contains("nothing was run") && said(&output).contains(&page), "{}", said(&output));
}

#[test]
fn scenarios_are_chosen_by_name_and_looked_for_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display().to_string();
    let empty = dinrail("score").args(["--scenarios", &shown]).output().unwrap();
    assert_eq!(empty.status.code(), Some(64));
    assert!(said(&empty).contains(&shown) && said(&empty).contains("scenario.toml"), "{}", said(&empty));
    let unknown = dinrail("score").arg("rig-baering").output().unwrap();
    assert!(said(&unknown).contains("did you mean `rig-bearing`?"), "{}", said(&unknown));
    // `skab` is also the beginning of `skab-anomaly-free`.
    let exact = dinrail("score").args(["=skab", "--json"]).env_remove("DINRAIL_DATA").output().unwrap();
    let text = String::from_utf8_lossy(&exact.stdout).into_owned();
    assert!(text.contains("\"skab\"") && !text.contains("skab-anomaly-free"), "{text}");
    assert!(said(&exact).contains("skab: skipped: no data"), "{}", said(&exact));
}
