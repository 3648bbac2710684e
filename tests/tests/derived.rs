//! Results of one plugin as tags for others and for the guard, through wasm and the built controller.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{Site, reactor};
use dinrail_tests::environment;
use serde_json::Value;

/// A row a second; the score of `count` is 1 − 1/(rows it has seen).
const ROWS: &str = r#"
[scan]
period = "1s"
speed = "max"

[sources.rows]
kind = "csv"
path = "rows.csv"
time = { column = "second", period = "1s" }

[tags.x]
source = "rows"

[sinks.lines]
kind = "jsonl"
path = "lines.jsonl"
"#;

fn site(configuration: &str, rows: usize) -> Site {
    let site = Site::new(configuration);
    for guest in ["counter", "echo", "trap", "stepper", "planner"] {
        std::fs::copy(environment::guest(guest), site.path(&format!("{guest}.wasm"))).unwrap();
    }
    let rows: String = (0..rows).map(|second| format!("{second},0.5\n")).collect();
    std::fs::write(site.path("rows.csv"), format!("second,x\n{rows}")).unwrap();
    site
}

/// By row of the echo `seen`: what it was given on a column, if it could be used.
fn given(site: &Site, tag: &str) -> Vec<Option<f64>> {
    let lines = site.lines("lines.jsonl");
    let echoed = lines.iter().filter(|line| line["plugin"] == "seen" && line["kind"] == "anomaly");
    echoed.map(|line| line["contributions"][tag].as_f64()).collect()
}

fn check(configuration: &str) -> String {
    let output = site(configuration, 3).output("check", &[]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_result_arrives_in_the_scan_after_it() {
    let site = site(
        &format!(
            "{ROWS}
[plugins.seen]
component = \"echo.wasm\"
inputs = {{ signals = [\"x\", \"count.score\", \"twice\"] }}

[plugins.count]
component = \"counter.wasm\"
inputs = {{ signals = [\"x\"] }}

[tags.twice]
plugin = \"count\"
result = \"score\"
unit = \"%\"
range = [0, 70]
"
        ),
        6,
    );
    let summary = site.run();
    assert_eq!(summary["plugins"][0]["calls"], 6, "{summary}");
    let scores = given(&site, "count.score");
    assert_eq!(scores, [None, Some(0.0), Some(0.5), Some(1.0 - 1.0 / 3.0), Some(0.75), Some(0.8)]);
    // In per cent the echo cuts it to 1, and past its range it is bad.
    assert_eq!(given(&site, "twice"), [None, Some(0.0), Some(1.0), Some(1.0), None, None]);
}

#[test]
fn a_background_result_counts_from_its_release_on() {
    let site = site(
        &format!(
            "{ROWS}
[plugins.count]
component = \"counter.wasm\"
inputs = {{ signals = [\"x\"] }}
background = true
period = \"5s\"
deadline = \"2s\"

[plugins.seen]
component = \"echo.wasm\"
inputs = {{ signals = [\"x\", \"count.score\"] }}

[tags.\"count.score\"]
stale_after = \"2s\"
"
        ),
        12,
    );
    let _ = site.run();
    let scores = given(&site, "count.score");
    // The first row is judged at 0 s, released at 2 s, and there from 3 s on. Renewed at 8 s only, it is stale past 5 s,
    // which is noticed after the row of 6 s was taken.
    let first = Some(0.0);
    assert_eq!(scores[..8], [None, None, None, first, first, first, first, None], "{scores:?}");
    // Rows 1 to 5 at 5 s: six seen.
    let second = Some(1.0 - 1.0 / 6.0);
    assert_eq!(scores[8..], [second, second, second, second], "{scores:?}");
}

#[test]
fn a_fault_makes_a_result_bad_until_the_next_answer() {
    let site = site(
        &format!(
            "{ROWS}
[plugins.trap]
component = \"trap.wasm\"
inputs = {{ signals = [\"x\"] }}
parameters = {{ from-scan = 3 }}

[plugins.seen]
component = \"echo.wasm\"
inputs = {{ signals = [\"x\", \"trap.score\", \"trap.alarm\"] }}
"
        ),
        7,
    );
    let _ = site.run();
    for tag in ["trap.score", "trap.alarm"] {
        let zero = Some(0.0);
        assert_eq!(given(&site, tag), [None, zero, zero, zero, None, None, None], "{tag}");
    }
}

#[test]
fn a_score_freezes_an_output() {
    let reactor = reactor("10 Cel/s")
        .replace("mode = \"auto\"", "mode = \"auto\"\ninhibit = \"count.score > 60 % or 'trap.alarm'\"");
    let site = site(
        &format!(
            "[scan]
period = \"1s\"
speed = \"max\"
{reactor}
[plugins.count]
component = \"counter.wasm\"
inputs = {{ signals = [\"reactor.temp\"] }}

[plugins.trap]
component = \"trap.wasm\"
inputs = {{ signals = [\"reactor.temp\"] }}
parameters = {{ from-scan = 1000000 }}

[plugins.step]
component = \"stepper.wasm\"
inputs = {{ signals = [\"reactor.temp\"] }}
parameters = {{ start = 80.0 }}
outputs = {{ setpoint = \"sp\" }}
mode = \"auto\"

[sinks.lines]
kind = \"jsonl\"
path = \"lines.jsonl\"
"
        ),
        0,
    );
    let output = site.output("run", &["--json", "--quiet", "--run-time", "10s"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = site.lines("lines.jsonl");
    let verdicts: Vec<(u64, String)> = lines
        .iter()
        .filter(|line| line["kind"] == "proposal")
        .map(|line| (line["scan"].as_u64().unwrap(), line["verdict"].as_str().unwrap().to_owned()))
        .collect();
    let held = |scan: u64| verdicts.iter().find(|(at, _)| *at == scan).map(|(_, verdict)| verdict == "held");
    // Of scan 0 nothing is known yet: the guard is blind. The score of scan 2 is 2/3, and holds from scan 3 on.
    assert_eq!([0, 1, 2, 3, 4, 9].map(held), [true, false, false, true, true, true].map(Some), "{verdicts:?}");
}

#[test]
fn assets_have_results_of_their_own() {
    let site = site(
        "[scan]
period = \"1s\"
speed = \"max\"

[sources.rows]
kind = \"csv\"
path = \"units.csv\"
time = { column = \"second\", period = \"1s\" }
key = \"unit\"

[tags.x]
source = \"rows\"

[plugins.count]
component = \"counter.wasm\"
assets = { key = \"unit\" }
inputs = { signals = [\"x\"] }

[plugins.seen]
component = \"echo.wasm\"
assets = { key = \"unit\" }
inputs = { signals = [\"x\", \"count.score\"] }

[plugins.site]
component = \"echo.wasm\"
inputs = { signals = [\"count[b].score\"] }

[sinks.lines]
kind = \"jsonl\"
path = \"lines.jsonl\"
",
        0,
    );
    // `b` comes two seconds after `a`.
    std::fs::write(site.path("units.csv"), "unit,second,x\na,0,1\na,1,1\na,2,1\nb,2,1\na,3,1\nb,3,1\nb,4,1\n").unwrap();
    let _ = site.run();
    let lines = site.lines("lines.jsonl");
    let of = |plugin: &str, asset: Value, tag: &str| -> Vec<Option<f64>> {
        let lines = lines.iter().filter(|line| line["plugin"] == plugin && line["asset"] == asset);
        lines.map(|line| line["contributions"][tag].as_f64()).collect()
    };
    let third = Some(1.0 - 1.0 / 3.0);
    assert_eq!(of("seen", "a".into(), "count.score"), [None, Some(0.0), Some(0.5), third]);
    assert_eq!(of("seen", "b".into(), "count.score"), [None, Some(0.0), Some(0.5)]);
    let site_wide = of("site", Value::Null, "count[b].score");
    assert_eq!(site_wide[..5], [None, None, None, Some(0.0), Some(0.5)], "{site_wide:?}");
}

#[test]
fn mistakes_are_refused_with_their_place() {
    let two = |inputs_of_count: &str, inputs_of_seen: &str| {
        format!(
            "{ROWS}
[plugins.count]
component = \"counter.wasm\"
inputs = {{ signals = [{inputs_of_count}] }}

[plugins.seen]
component = \"echo.wasm\"
inputs = {{ signals = [{inputs_of_seen}] }}
"
        )
    };
    let said = check(&two("\"x\", \"seen.score\"", "\"x\", \"count.score\""));
    assert!(said.contains("in a circle: `seen` → `count` → `seen`"), "{said}");
    let said = check(&two("\"x\"", "\"x\", \"count.rul\""));
    assert!(said.contains("`count`, a plugin of the world anomaly-detection, has no result `rul`"), "{said}");
    assert!(said.contains("`alarm`, `score`, `severity`"), "{said}");
    let unit = two("\"x\"", "\"x\", \"count.score\"") + "\n[tags.\"count.score\"]\nunit = \"bar\"\n";
    let said = check(&unit);
    assert!(said.contains("correct `unit` of [tags.\"count.score\"]"), "{said}");
    let inhibit = reactor("1 Cel/s").replace("mode = \"auto\"", "inhibit = \"count.score > 3 bar\"");
    let said = check(&(two("\"x\"", "\"x\"") + &inhibit));
    assert!(said.contains("`inhibit`: ") && said.contains("`count.score` is in ``"), "{said}");
}
